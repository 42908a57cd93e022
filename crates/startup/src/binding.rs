//! Why can a port not be bound, and which ports are free?
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use config::{Listener, SiteConfig};
use net::os_error::words;
use server::{BindError, Server};

use crate::error::{Error, show};

/// Ports for the log: runs of them as ranges, `61210-61219, 61300`.
pub(crate) fn show_ports(ports: &[u16]) -> String {
    let runs = ports.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let shown = runs.filter_map(|run| match (run.first()?, run.last()?) {
        (first, last) if first == last => Some(first.to_string()),
        (first, last) => Some(format!("{first}-{last}")),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Passive ports that are not used, one line for each cause.
pub(crate) fn warn_of_taken_ports(server: &Server) {
    let own: Vec<u16> = server.control().iter().chain(&server.implicit()).map(SocketAddr::port).collect();
    let (ours, taken): (Vec<_>, Vec<_>) = server.taken().iter().partition(|(port, _)| own.contains(port));
    let ports = |list: Vec<&(u16, _)>| show_ports(&list.iter().map(|(port, _)| *port).collect::<Vec<_>>());
    let first = taken.first().map(|(_, error)| words(error));
    if !ours.is_empty() {
        tracing::warn!(
            ports = ports(ours),
            "this passive port is the server's own control port, skipping it; choose other --passive-ports"
        );
    }
    if let Some(error) = first {
        tracing::warn!(ports = ports(taken), error, "passive ports cannot be used, skipping them");
    }
}

/// Why the server cannot be bound, and what to do. `by_address`: addresses were given by --listen.
pub(crate) fn failed(site: &SiteConfig, by_address: bool, error: &BindError) -> Error {
    let (why, failure) = match error {
        BindError::Listen(_, why) | BindError::Passive(_, why) => (why, Error::system(words(error))),
        BindError::NoTls(_) => return Error::new(error),
    };
    let hint = match (why.kind(), error) {
        (ErrorKind::AddrInUse, BindError::Listen(at, _)) => {
            let from = if at.port() < 1024 { Listener::PORT } else { at.port().saturating_add(1) };
            let port = free_port(at.ip(), from);
            let option = if by_address {
                format!("--listen {}", SocketAddr::new(at.ip(), port))
            } else {
                format!("-p {port}")
            };
            let range = other_range(site).map(|range| format!(" --passive-ports {range}"));
            format!(
                "another program uses this port (`pasv doctor --site` says which); these are free: {option}{}",
                range.unwrap_or_default()
            )
        }
        (ErrorKind::AddrInUse, BindError::Passive(range, _))
            if site.listeners.iter().any(|at| *range == (at.port..=at.port)) =>
        {
            "that is the server's own control port: choose other --passive-ports".to_owned()
        }
        (ErrorKind::AddrInUse, _) => match other_range(site) {
            Some(free) => format!("another program uses them; these are free: --passive-ports {free}"),
            None => "another program uses them; choose other --passive-ports".to_owned(),
        },
        (ErrorKind::PermissionDenied, BindError::Listen(at, _)) if at.port() < 1024 => format!(
            "ports below 1024 need a privilege: use -p {}; or run as root; or\n  \
             setcap cap_net_bind_service=+ep {}\n  \
             AmbientCapabilities=CAP_NET_BIND_SERVICE    (in the systemd service)\n  \
             sysctl net.ipv4.ip_unprivileged_port_start={}",
            Listener::PORT,
            std::env::current_exe().map_or_else(|_| "pasv".to_owned(), |exe| show(&exe)),
            at.port(),
        ),
        (ErrorKind::PermissionDenied, _) => {
            "this user may not listen on that port; choose another".to_owned()
        }
        (ErrorKind::AddrNotAvailable, _) => {
            "this machine does not have that address; `ip addr` lists those it has".to_owned()
        }
        (_, BindError::Passive(..)) => "choose other --passive-ports".to_owned(),
        _ => return failure,
    };
    failure.hint(hint)
}

/// The first free port from `from` on, or `from`.
fn free_port(at: IpAddr, from: u16) -> u16 {
    (from..=u16::MAX).take(1000).find(|port| is_free(at, *port)).unwrap_or(from)
}

/// As many free ports in a row as are configured, where those are not free.
fn other_range(site: &SiteConfig) -> Option<String> {
    let listener = site.listeners.iter().find(|listener| listener.passive)?;
    let all_free = |low, high| (low..=high).all(|port| is_free(listener.address, port));
    let (low, high) = (*listener.passive_ports.start(), *listener.passive_ports.end());
    if all_free(low, high) {
        return None;
    }
    let more = high - low;
    let lows = (high..=u16::MAX).skip(1).step_by(usize::from(more) + 1).take(100);
    let mut ranges = lows.filter_map(|low| Some((low, low.checked_add(more)?)));
    ranges
        .find(|(low, high)| all_free(*low, *high))
        .map(|(low, high)| config::text::show_ports(&(low..=high)))
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
        let listener = Listener { address: here, passive_ports: port..=port, ..Listener::default() };
        let other = other_range(&SiteConfig { listeners: vec![listener], ..SiteConfig::default() });
        assert!(other.is_some_and(|range| !range.starts_with(&port.to_string())));
    }

    #[test]
    fn ports_in_a_row_are_shown_as_a_range() {
        assert_eq!(show_ports(&[61210, 61211, 61213]), "61210-61211, 61213");
        assert_eq!(show_ports(&[u16::MAX]), "65535");
    }
}
