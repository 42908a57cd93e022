//! Why can a port not be bound, and which ports are free?
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;

use config::{Listener, SiteConfig};
use server::{BindError, Server};

use crate::flags::show_ports;
use crate::talk::{Exit, Failure, words};

/// Passive ports that are not used, one line for each cause.
pub(super) fn warn_of_taken_ports(site: &Server) {
    let own: Vec<u16> = site.control().iter().chain(&site.implicit()).map(SocketAddr::port).collect();
    let (ours, taken): (Vec<_>, Vec<_>) = site.taken().iter().partition(|(port, _)| own.contains(port));
    let ports =
        |list: &[&(u16, std::io::Error)]| show_ports(&list.iter().map(|(port, _)| *port).collect::<Vec<_>>());
    if !ours.is_empty() {
        tracing::warn!(
            ports = ports(&ours),
            "this passive port is the server's own control port, skipping it; choose other --passive-ports"
        );
    }
    if let Some((_, error)) = taken.first() {
        tracing::warn!(
            ports = ports(&taken),
            error = words(error),
            "passive ports cannot be used, skipping them"
        );
    }
}

/// Why the server cannot be bound. `named`: addresses were given by --listen.
pub(super) fn failed(site: &SiteConfig, named: bool, error: &BindError) -> Failure {
    let (why, failure) = match error {
        BindError::Listen(_, why) | BindError::Passive(_, why) => {
            (why, Failure::new(Exit::Refused, words(error)))
        }
        BindError::NoTls(_) => return Failure::usage(error),
    };
    match (why.kind(), error) {
        (ErrorKind::AddrInUse, BindError::Listen(at, _)) => {
            let port = free_port(
                at.ip(),
                if at.port() < 1024 { Listener::PORT } else { at.port().saturating_add(1) },
            );
            let range =
                other_range(site).map(|range| format!(" --passive-ports {range}")).unwrap_or_default();
            let option = if named {
                format!("--listen {}", SocketAddr::new(at.ip(), port))
            } else {
                format!("-p {port}")
            };
            failure.hint(format!(
                "another program uses this port (`pasv doctor --site` says which); these are free: {option}{range}"
            ))
        }
        (ErrorKind::AddrInUse, BindError::Passive(range, _)) => match other_range(site) {
            _ if site.listeners.iter().any(|at| *range == (at.port..=at.port)) => {
                failure.hint("that is the server's own control port: choose other --passive-ports")
            }
            Some(free) => {
                failure.hint(format!("another program uses them; these are free: --passive-ports {free}"))
            }
            None => failure.hint("another program uses them; choose other --passive-ports"),
        },
        (ErrorKind::PermissionDenied, BindError::Listen(at, _)) if at.port() < 1024 => failure.hint(format!(
            "ports below 1024 need a privilege: use -p {}; or run as root; or\n  \
             setcap cap_net_bind_service=+ep {}\n  \
             AmbientCapabilities=CAP_NET_BIND_SERVICE    (in the systemd service)\n  \
             sysctl net.ipv4.ip_unprivileged_port_start={}",
            Listener::PORT,
            std::env::current_exe().map_or_else(|_| "pasv".to_owned(), |exe| crate::talk::show_path(&exe)),
            at.port(),
        )),
        (ErrorKind::PermissionDenied, _) => {
            failure.hint("this user may not listen on that port; choose another")
        }
        (ErrorKind::AddrNotAvailable, _) => {
            failure.hint("this machine does not have that address; `ip addr` lists those it has")
        }
        (_, BindError::Passive(..)) => failure.hint("choose other --passive-ports"),
        _ => failure,
    }
}

/// The first free port from `from` on, or `from`.
fn free_port(at: IpAddr, from: u16) -> u16 {
    (from..=u16::MAX).take(1000).find(|port| is_free(at, *port)).unwrap_or(from)
}

/// As many free ports in a row as the flags ask for, where theirs are not free.
fn other_range(site: &SiteConfig) -> Option<String> {
    let listener = site.listeners.iter().find(|listener| listener.passive)?;
    let at = listener.address;
    let (low, high) = (*listener.passive_ports.start(), *listener.passive_ports.end());
    if all_free(at, low..=high) {
        return None;
    }
    let more = high - low;
    let mut from = high.checked_add(1)?;
    for _ in 0..100 {
        let range = from..=from.checked_add(more)?;
        if all_free(at, range.clone()) {
            return Some(format!("{}-{}", range.start(), range.end()));
        }
        from = range.end().checked_add(1)?;
    }
    None
}

fn all_free(at: IpAddr, mut ports: RangeInclusive<u16>) -> bool {
    ports.all(|port| is_free(at, port))
}

/// Whether a port can be bound now.
fn is_free(at: IpAddr, port: u16) -> bool {
    let free = |at: IpAddr| TcpListener::bind((at, port)).is_ok();
    // `[::]` is the whole machine here, and of the standard library's sockets it is IPv6 alone on some
    // systems.
    free(at) && (at != IpAddr::V6(Ipv6Addr::UNSPECIFIED) || free(Ipv4Addr::UNSPECIFIED.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_held_is_not_proposed() {
        let here = IpAddr::from(Ipv4Addr::LOCALHOST);
        let held = TcpListener::bind((here, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        assert!(!is_free(here, port) && free_port(here, port) != port);
        assert!(!all_free(here, port..=port));
    }
}
