//! What do the firewall programs of this machine say?
use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use firewall::Ephemeral;

use crate::{Recognised, Ruleset, Seen, recognise};

/// From which ports this system opens connections, where it tells.
pub fn ephemeral() -> Option<Ephemeral> {
    let read = |name: &str| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok();
    Some(Ephemeral::read(&read("ip_local_port_range")?, &read("ip_local_reserved_ports")?))
}

/// What firewall runs here.
pub fn recognised() -> Recognised {
    let (ufw, firewalld) = front_ends();
    // The kind before nftables first, where it has rules: what `iptables-save` is here may be the other.
    let older = legacy().next().and_then(|name| saved(name, true));
    let seen = Seen {
        ruleset: ruleset().ok(),
        firewalld,
        ufw,
        iptables: older.or_else(|| saved("iptables", false)),
    };
    recognise(&seen)
}

/// What ufw and firewalld say of themselves.
pub fn front_ends() -> (Option<String>, Option<String>) {
    // ufw answers root alone, and anybody may read whether it is on.
    let ufw = said(&mut program("ufw", &["status"])).or_else(|_| {
        let on = |text: String| text.lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes"));
        fs::read_to_string("/etc/ufw/ufw.conf")
            .map(|text| if on(text) { "Status: active".into() } else { String::new() })
    });
    (ufw.ok(), said(&mut program("firewall-cmd", &["--state"])).ok())
}

/// The filters of iptables or ip6tables, of the kind in nftables or of the one before.
fn saved(name: &str, older: bool) -> Option<String> {
    let kinds = if older { ["-legacy-save", "-save"] } else { ["-nft-save", "-save"] };
    kinds.iter().find_map(|kind| said(&mut program(&format!("{name}{kind}"), &["-t", "filter"])).ok())
}

/// The rules that the kernel follows now.
pub fn ruleset() -> Result<Ruleset, String> {
    let mut ruleset =
        Ruleset::read(&said(&mut program("nft", &["-j", "list", "ruleset"]))?).map_err(|e| e.to_string())?;
    for (family, name) in [("ip", "iptables"), ("ip6", "ip6tables")] {
        if !ruleset.has_opaque(family) {
            continue;
        }
        // `-save` alone may tell the rules of the kind before nftables. Where neither is there, they are not iptables' either.
        let all = ["-nft-save", "-save"];
        if let Some(saved) =
            all.iter().find_map(|kind| said(&mut program(&format!("{name}{kind}"), &[])).ok())
        {
            ruleset.fill_in(family, &saved);
        }
    }
    Ok(ruleset)
}

/// That the rules cannot be read, and why, in one sentence for all places where that is said. `why` is what nft complained
/// about, for where it is there and may read.
pub fn unread(why: &str) -> String {
    let root = rustix::process::geteuid().is_root();
    unread_as(root, is_installed("nft"), is_installed("iptables"), why)
}

fn unread_as(root: bool, nft: bool, iptables: bool, why: &str) -> String {
    let reason = match (nft, iptables) {
        (false, false) => "as neither nft nor iptables is installed".to_owned(),
        _ if !root => "as only root can read its rules".to_owned(),
        (false, true) => "as nft is not installed".to_owned(),
        (true, _) => format!("as nft fails ({why})"),
    };
    format!("The firewall of this machine cannot be read, {reason}; it may still be filtering.")
}

/// What helps where the rules cannot be read.
pub fn hint() -> &'static str {
    if !is_installed("nft") {
        "install nftables, then run this again as root"
    } else if rustix::process::geteuid().is_root() {
        "run `nft list ruleset`, which must work first"
    } else {
        "run this again as root"
    }
}

/// Is a program where those of the administrator are looked for?
fn is_installed(name: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    std::env::split_paths(&path).any(|folder| !folder.as_os_str().is_empty() && folder.join(name).is_file())
}

/// The programs of the kind before nftables that have rules for what comes in; the kernel keeps those elsewhere.
pub fn legacy() -> impl Iterator<Item = &'static str> {
    let kinds = [("iptables", "/proc/net/ip_tables_names"), ("ip6tables", "/proc/net/ip6_tables_names")];
    let filters =
        |file| fs::read_to_string(file).is_ok_and(|names| names.lines().any(|name| name == "filter"));
    kinds.into_iter().filter(move |(name, file)| filters(*file) && decides(name)).map(|(name, _)| name)
}

/// Has it rules for what comes in? It has a table as soon as somebody has looked at one. What cannot be read may have some.
fn decides(name: &str) -> bool {
    saved(name, true).is_none_or(|saved| {
        saved.lines().any(|line| line.starts_with("-A INPUT ") || line.starts_with(":INPUT DROP"))
    })
}

/// Hands a script to nft, which does all of it or nothing.
pub fn change(script: &str) -> Result<(), String> {
    let mut nft = program("nft", &["-f", "-"]);
    let mut child = nft
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("nft cannot be run: {}", net::os_error::words(&e)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // What nft does not read it complains about itself.
        let _ = stdin.write_all(script.as_bytes());
    }
    let end = child.wait_with_output().map_err(|e| format!("nft: {}", net::os_error::words(&e)))?;
    if end.status.success() { Ok(()) } else { Err(first_line("nft", &end.stderr)) }
}

/// A port at which something listens for others than this machine itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// Over what it listens.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// The program, where it may be seen: root sees all, everybody their own.
    pub program: Option<String>,
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

    /// A socket that waits for whoever comes: LISTEN, or one of UDP that is connected to nobody.
    fn state(self) -> &'static str {
        match self {
            Self::Tcp => "0A",
            Self::Udp => "07",
        }
    }
}

/// All of them, each port once.
pub fn listeners() -> Vec<Listener> {
    // Of UDP the ports that the system gives out are those of programs which ask others.
    let given_out = ephemeral();
    let mut sockets = Vec::new();
    for (protocol, file) in
        [(Protocol::Tcp, "tcp"), (Protocol::Tcp, "tcp6"), (Protocol::Udp, "udp"), (Protocol::Udp, "udp6")]
    {
        let text = fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default();
        sockets.extend(text.lines().skip(1).filter_map(|line| {
            let (port, socket) = listener(line, protocol)?;
            let own = protocol == Protocol::Udp
                && given_out.as_ref().is_some_and(|ephemeral| ephemeral.range.contains(&port));
            (!own).then_some((protocol, port, socket))
        }));
    }
    let programs = programs(&sockets.iter().map(|(_, _, socket)| *socket).collect());
    let mut listeners: Vec<Listener> = sockets
        .into_iter()
        .map(|(protocol, port, socket)| Listener { protocol, port, program: programs.get(&socket).cloned() })
        .collect();
    // That with a name first.
    listeners.sort_by_key(|at| (at.protocol, at.port, at.program.is_none()));
    listeners.dedup_by_key(|at| (at.protocol, at.port));
    listeners
}

/// `TCP 80 (nginx), 24430-24439 (pasv); UDP 53`.
pub fn listed(listeners: &[Listener]) -> String {
    let of = |protocol: Protocol| {
        // Neighbours of one program are a range.
        let mut ranges: Vec<(u16, u16, &Option<String>)> = Vec::new();
        for at in listeners.iter().filter(|at| at.protocol == protocol) {
            match ranges.last_mut() {
                Some((_, last, program))
                    if last.checked_add(1) == Some(at.port) && **program == at.program =>
                {
                    *last = at.port;
                }
                _ => ranges.push((at.port, at.port, &at.program)),
            }
        }
        let all = ranges.into_iter().map(|(first, last, program)| {
            let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
            match program {
                // A process can call itself what it likes.
                Some(name) => format!("{ports} ({})", wire::pathname::show(name.as_bytes())),
                None => ports,
            }
        });
        let all = all.collect::<Vec<_>>().join(", ");
        (!all.is_empty()).then(|| format!("{} {all}", protocol.name()))
    };
    [Protocol::Tcp, Protocol::Udp].into_iter().filter_map(of).collect::<Vec<_>>().join("; ")
}

/// From a line such as `0: 00000000:0016 00000000:0000 0A queues timer retransmits uid timeout inode`: the port and the socket.
fn listener(line: &str, protocol: Protocol) -> Option<(u16, u64)> {
    let mut words = line.split_whitespace().skip(1);
    let (address, port) = words.next()?.split_once(':')?;
    let loopback = match address.len() {
        // Four bytes, the last of the address first.
        8 => address.ends_with("7F"),
        _ => address == "00000000000000000000000001000000",
    };
    if words.nth(1)? != protocol.state() || loopback {
        return None;
    }
    Some((u16::from_str_radix(port, 16).ok()?, words.nth(5)?.parse().ok()?))
}

/// Which programs have these sockets.
fn programs(sockets: &HashSet<u64>) -> HashMap<u64, String> {
    let mut programs = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let ours = open.filter_map(|fd| {
            let link = fs::read_link(fd.path()).ok()?;
            let socket = link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()?;
            sockets.contains(&socket).then_some(socket)
        });
        for socket in ours.collect::<Vec<u64>>() {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            programs.entry(socket).or_insert_with(|| name.trim_end().to_owned());
        }
    }
    programs
}

/// A program of the system: they live where only root's shell looks.
fn program(name: &str, arguments: &[&str]) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(name);
    command
        .args(arguments)
        .env("PATH", format!("{path}:/usr/sbin:/sbin"))
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

/// What it says, where it ends well.
fn said(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|e| format!("{name} cannot be run: {}", net::os_error::words(&e)))?;
    if !output.status.success() {
        return Err(first_line(&name, &output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn first_line(name: &str, stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed, and said nothing");
    format!("{name}: {}", wire::pathname::show(line.trim().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_ports_of_one_program_are_a_range() {
        let at = |port, program: &str| Listener {
            protocol: Protocol::Tcp,
            port,
            program: Some(program.to_owned()),
        };
        let all = [at(80, "nginx"), at(81, "other"), at(90, "pasv"), at(91, "pasv"), at(92, "pasv")];
        assert_eq!(listed(&all), "TCP 80 (nginx), 81 (other), 90-92 (pasv)");
    }

    #[test]
    fn why_the_rules_cannot_be_read_is_one_sentence() {
        let words = |root, nft, iptables| unread_as(root, nft, iptables, "nft: bad");
        assert_eq!(
            words(true, false, false),
            "The firewall of this machine cannot be read, as neither nft nor iptables is installed; it may still be filtering."
        );
        assert!(words(false, true, true).contains("as only root can read its rules;"));
        assert!(words(true, false, true).contains("as nft is not installed;"));
        assert!(words(true, true, true).contains("as nft fails (nft: bad);"));
    }

    #[test]
    fn listeners_are_read() {
        let line = |local: &str, state: &str| {
            format!(
                "   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 4711 1"
            )
        };
        let tcp = |local, state| listener(&line(local, state), Protocol::Tcp);
        assert_eq!(tcp("00000000:0016", "0A"), Some((22, 4711)));
        assert_eq!(tcp("0100007F:0016", "0A"), None);
        assert_eq!(tcp("00000000000000000000000000000000:0050", "0A"), Some((80, 4711)));
        assert_eq!(tcp("00000000000000000000000001000000:0050", "0A"), None);
        assert_eq!(tcp("00000000:0016", "01"), None);
        assert_eq!(listener(&line("00000000:0035", "07"), Protocol::Udp), Some((53, 4711)));
        assert_eq!(listener(&line("00000000:0035", "01"), Protocol::Udp), None);
    }

    #[test]
    fn they_are_listed_by_protocol_and_with_their_programs() {
        let at = |protocol, port, program: Option<&str>| Listener {
            protocol,
            port,
            program: program.map(str::to_owned),
        };
        let all = [
            at(Protocol::Tcp, 80, Some("nginx")),
            at(Protocol::Tcp, 443, None),
            at(Protocol::Udp, 53, Some("dns\x1b[2J")),
        ];
        assert_eq!(listed(&all), "TCP 80 (nginx), 443; UDP 53 (dns\\x1b[2J)");
        assert_eq!(listed(&all[2..]), "UDP 53 (dns\\x1b[2J)");
    }

    #[test]
    fn a_listener_of_our_own_is_found_with_its_program() {
        let socket = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let found = listeners().into_iter().find(|at| at.protocol == Protocol::Tcp && at.port == port);
        assert!(found.as_ref().is_some_and(|at| at.program.is_some()), "{found:?}");
    }
}
