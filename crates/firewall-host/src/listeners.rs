//! Which programs listen at which ports of this machine?
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use net::proc_net;

/// A socket that accepts any client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Over what.
    pub protocol: Protocol,
    /// Where.
    pub at: SocketAddr,
    /// Who, where it may be seen: root sees all, everybody their own.
    pub program: Option<Program>,
}

/// A running program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Program {
    /// What it calls itself.
    pub name: String,
    /// The number of its process.
    pub process: u32,
}

/// Over TCP or over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// `TCP` or `UDP`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }

    /// LISTEN, or a socket of UDP that is connected to nobody.
    fn state(self) -> &'static [u8] {
        match self {
            Self::Tcp => b"0A",
            Self::Udp => b"07",
        }
    }
}

impl Program {
    /// Is it the same program as this one?
    pub fn is_this(&self) -> bool {
        self.name == name_of("self")
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", shown(&self.name), self.process)
    }
}

/// A process can call itself what it likes.
fn shown(name: &str) -> String {
    wire::pathname::show(name.as_bytes())
}

/// All sockets that listen.
pub fn all() -> Vec<Listener> {
    use Protocol::{Tcp, Udp};
    let mut sockets = Vec::new();
    for (protocol, table) in [(Tcp, "tcp"), (Tcp, "tcp6"), (Udp, "udp"), (Udp, "udp6")] {
        let Ok(table) = File::open(format!("/proc/net/{table}")) else { continue };
        // Of a table that is too long the first part is better than nothing.
        let _ = proc_net::rows(table, |row| {
            if row.state == protocol.state() {
                sockets.extend(row.local().zip(row.inode()).map(|(at, inode)| (protocol, at, inode)));
            }
        });
    }
    let mut programs = HashMap::new();
    name_owners(&mut programs, &sockets.iter().map(|(_, _, inode)| *inode).collect());
    let listener = |(protocol, at, inode)| Listener { protocol, at, program: programs.get(&inode).cloned() };
    sockets.into_iter().map(listener).collect()
}

/// Those that others than this machine itself can reach, each port once. Of UDP without the ports in
/// `given_out`, from which the system takes those of programs that ask others.
pub fn reachable(given_out: Option<&RangeInclusive<u16>>) -> Vec<Listener> {
    let mut listeners = all();
    listeners.retain(|listener| {
        let asks = listener.protocol == Protocol::Udp
            && given_out.is_some_and(|range| range.contains(&listener.at.port()));
        !listener.at.ip().is_loopback() && !asks
    });
    // That with a name first.
    listeners.sort_by_key(|listener| (listener.protocol, listener.at.port(), listener.program.is_none()));
    listeners.dedup_by_key(|listener| (listener.protocol, listener.at.port()));
    listeners
}

/// The program at each TCP port that is known to have one.
pub fn holders() -> HashMap<u16, Program> {
    let tcp = all().into_iter().filter(|listener| listener.protocol == Protocol::Tcp);
    tcp.filter_map(|listener| Some((listener.at.port(), listener.program?))).collect()
}

/// `TCP 80 (nginx), 24430-24439 (pasv); UDP 53`. Expects them in order.
pub fn listed(listeners: &[Listener]) -> String {
    let of = |protocol: Protocol| {
        // Neighbours of one program are a range.
        let mut ranges: Vec<(u16, u16, Option<&str>)> = Vec::new();
        for listener in listeners.iter().filter(|listener| listener.protocol == protocol) {
            let name = listener.program.as_ref().map(|program| program.name.as_str());
            let port = listener.at.port();
            match ranges.last_mut() {
                Some((_, last, program)) if last.checked_add(1) == Some(port) && *program == name => {
                    *last = port;
                }
                _ => ranges.push((port, port, name)),
            }
        }
        let all = ranges.into_iter().map(|(first, last, program)| {
            let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
            match program {
                Some(name) => format!("{ports} ({})", shown(name)),
                None => ports,
            }
        });
        let all = all.collect::<Vec<_>>().join(", ");
        (!all.is_empty()).then(|| format!("{} {all}", protocol.name()))
    };
    [Protocol::Tcp, Protocol::Udp].into_iter().filter_map(of).collect::<Vec<_>>().join("; ")
}

/// Finds which processes have these sockets.
fn name_owners(programs: &mut HashMap<u64, Program>, sockets: &HashSet<u64>) {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        for socket in open.filter_map(|fd| socket(fs::read_link(fd.path()).ok()?.to_str()?)) {
            if sockets.contains(&socket) {
                let program = || Program { name: name_of(&process.to_string()), process };
                programs.entry(socket).or_insert_with(program);
            }
        }
    }
}

fn name_of(process: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end().to_owned()
}

/// `socket:[12345]`.
fn socket(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    fn program(name: &str) -> Program {
        Program { name: name.to_owned(), process: 7 }
    }

    #[test]
    fn a_listener_of_our_own_is_found_with_its_process() {
        let inside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let outside = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = |socket: &TcpListener| socket.local_addr().unwrap().port();
        let holder = holders().remove(&port(&inside)).expect("we may read of ourselves");
        assert!(holder.process == std::process::id() && holder.is_this(), "{holder}");
        let is_reachable = |socket| reachable(None).iter().any(|listener| listener.at.port() == port(socket));
        assert!(is_reachable(&outside) && !is_reachable(&inside));
        let port = port(&inside);
        drop(inside);
        let after = holders();
        assert_eq!(after.get(&port).filter(|other| other.process == std::process::id()), None);
    }

    #[test]
    fn they_are_listed_by_protocol_and_neighbours_of_one_program_are_a_range() {
        let at = |protocol, port, name: &str| Listener {
            protocol,
            at: (Ipv4Addr::UNSPECIFIED, port).into(),
            program: (!name.is_empty()).then(|| program(name)),
        };
        let tcp = |port, name| at(Protocol::Tcp, port, name);
        let dns = at(Protocol::Udp, 53, "dns\x1b[2J");
        let all = [tcp(80, "nginx"), tcp(81, "other"), tcp(90, "pasv"), tcp(91, "pasv"), tcp(92, ""), dns];
        assert_eq!(listed(&all), "TCP 80 (nginx), 81 (other), 90-91 (pasv), 92; UDP 53 (dns\\x1b[2J)");
        assert_eq!(listed(&all[5..]), "UDP 53 (dns\\x1b[2J)");
    }

    #[test]
    fn a_name_drives_no_terminal() {
        let holder = program("\x1b[31m");
        assert!(!holder.to_string().contains('\x1b') && !holder.is_this(), "{holder}");
    }
}
