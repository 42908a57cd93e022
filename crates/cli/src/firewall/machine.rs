//! What do the firewall programs of this machine say?
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use ::firewall::{Ephemeral, Recognised, Ruleset, Seen, recognise};

/// From which ports this system opens connections, where it tells.
pub(crate) fn ephemeral() -> Option<Ephemeral> {
    let read = |name: &str| fs::read_to_string(format!("/proc/sys/net/ipv4/{name}")).ok();
    Some(Ephemeral::read(&read("ip_local_port_range")?, &read("ip_local_reserved_ports")?))
}

/// What firewall runs here.
pub(crate) fn recognised() -> Recognised {
    let (ufw, firewalld) = front_ends();
    let seen = Seen {
        ruleset: ruleset().ok(),
        firewalld,
        ufw,
        iptables: said(&mut program("iptables-save", &["-t", "filter"])).ok(),
    };
    recognise(&seen)
}

/// What ufw and firewalld say of themselves.
pub(super) fn front_ends() -> (Option<String>, Option<String>) {
    (said(&mut program("ufw", &["status"])).ok(), said(&mut program("firewall-cmd", &["--state"])).ok())
}

/// The rules that the kernel follows now.
pub(crate) fn ruleset() -> Result<Ruleset, String> {
    let mut ruleset =
        Ruleset::read(&said(&mut program("nft", &["-j", "list", "ruleset"]))?).map_err(|e| e.to_string())?;
    for (family, save) in [("ip", "iptables-save"), ("ip6", "ip6tables-save")] {
        // Where it is not there, the rules are not iptables' either.
        if ruleset.has_opaque(family)
            && let Ok(saved) = said(&mut program(save, &[]))
        {
            ruleset.fill_in(family, &saved);
        }
    }
    Ok(ruleset)
}

/// What helps where the rules cannot be read.
pub(crate) fn hint() -> &'static str {
    if rustix::process::geteuid().is_root() {
        "nftables is read and changed by its program nft: is it installed?"
    } else {
        "only root can read and change the rules: try with sudo"
    }
}

/// The programs of the kind before nftables that have rules for what comes in; the kernel keeps those elsewhere.
pub(crate) fn legacy() -> impl Iterator<Item = &'static str> {
    let kinds = [("iptables", "/proc/net/ip_tables_names"), ("ip6tables", "/proc/net/ip6_tables_names")];
    let filters =
        |file| fs::read_to_string(file).is_ok_and(|names| names.lines().any(|name| name == "filter"));
    kinds.into_iter().filter(move |(_, file)| filters(*file)).map(|(name, _)| name)
}

/// Hands a script to nft, which does all of it or nothing.
pub(super) fn change(script: &str) -> Result<(), String> {
    let mut nft = program("nft", &["-f", "-"]);
    let mut child = nft
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("nft cannot be run: {}", crate::talk::words(&e)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // What nft does not read it complains about itself.
        let _ = stdin.write_all(script.as_bytes());
    }
    let end = child.wait_with_output().map_err(|e| format!("nft: {}", crate::talk::words(&e)))?;
    if end.status.success() { Ok(()) } else { Err(first_line("nft", &end.stderr)) }
}

/// TCP ports at which something listens for others than this machine itself.
pub(super) fn listeners() -> Vec<u16> {
    let mut ports = Vec::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(file).unwrap_or_default();
        ports.extend(text.lines().skip(1).filter_map(listener));
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// From a line such as `0: 00000000:0016 00000000:0000 0A ...`: the local address and port, the other one, the state.
fn listener(line: &str) -> Option<u16> {
    const LISTEN: &str = "0A";
    let mut words = line.split_whitespace().skip(1);
    let (address, port) = words.next()?.split_once(':')?;
    let loopback = match address.len() {
        // Four bytes, the last of the address first.
        8 => address.ends_with("7F"),
        _ => address == "00000000000000000000000001000000",
    };
    let state = words.nth(1)?;
    if state != LISTEN || loopback {
        return None;
    }
    u16::from_str_radix(port, 16).ok()
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
    let output = command.output().map_err(|e| format!("{name} cannot be run: {}", crate::talk::words(&e)))?;
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
    fn listeners_are_read() {
        let line =
            |local: &str, state: &str| format!("   0: {local} 00000000:0000 {state} 00000000:00000000 00:00");
        assert_eq!(listener(&line("00000000:0016", "0A")), Some(22));
        assert_eq!(listener(&line("0100007F:0016", "0A")), None);
        assert_eq!(listener(&line("00000000000000000000000000000000:0050", "0A")), Some(80));
        assert_eq!(listener(&line("00000000000000000000000001000000:0050", "0A")), None);
        assert_eq!(listener(&line("00000000:0016", "01")), None);
    }
}
