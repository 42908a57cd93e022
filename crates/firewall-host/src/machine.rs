//! What do the firewall programs of this machine report?
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use firewall::{Ephemeral, Request, Target};
use net::os_error::words;

use crate::listeners::{self, Listener, Protocol};
use crate::recognise::{front_end_of, recognise};
use crate::{Recognised, Ruleset, Seen};

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

/// The front end that manages the rules of this machine, if one is active: ufw or firewalld. It rewrites its
/// chains at any time, and removes lines of others.
fn front_end() -> Option<Target> {
    let (ufw, firewalld) = front_ends();
    front_end_of(ufw.as_deref(), firewalld.as_deref())
}

/// Why pasv does not change the rules of this machine, and what to do instead; `None`: it may.
pub fn refusal() -> Option<(String, String)> {
    if let Some(front_end) = front_end() {
        let name = front_end.name();
        return Some((
            format!("{name} manages the rules of this machine and would overwrite others"),
            format!(
                "`pasv firewall --for {name}` prints the commands for it; `--apply --for nftables` bypasses {name}"
            ),
        ));
    }
    // What drops there is not seen by nft, and no rule of nftables opens it.
    legacy().next().map(|name| {
        let hint = "`pasv firewall --for iptables-insert` prints what to paste; `--apply --for nftables` ignores them";
        (format!("{name} (legacy) has rules on this machine, which nft cannot change"), hint.to_owned())
    })
}

/// What ufw and firewalld say of themselves.
fn front_ends() -> (Option<String>, Option<String>) {
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
        // `-save` alone may tell the rules of the kind before nftables. Where neither is there, they are not
        // iptables' either.
        let all = ["-nft-save", "-save"];
        if let Some(saved) =
            all.iter().find_map(|kind| said(&mut program(&format!("{name}{kind}"), &[])).ok())
        {
            ruleset.fill_in(family, &saved);
        }
    }
    Ok(ruleset)
}

/// That the rules cannot be read, and why, in one sentence for all places where that is said. `why` is what
/// nft complained about, for where it is there and may read.
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

/// The programs of the kind before nftables that have rules for what comes in; the kernel keeps those
/// elsewhere.
pub fn legacy() -> impl Iterator<Item = &'static str> {
    let kinds = [("iptables", "/proc/net/ip_tables_names"), ("ip6tables", "/proc/net/ip6_tables_names")];
    let filters =
        |file| fs::read_to_string(file).is_ok_and(|names| names.lines().any(|name| name == "filter"));
    kinds.into_iter().filter(move |(name, file)| filters(*file) && decides(name)).map(|(name, _)| name)
}

/// Has it rules for what comes in? It has a table as soon as somebody has looked at one. What cannot be read
/// may have some.
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
        .map_err(|e| format!("nft cannot be run: {}", words(&e)))?;
    if let Some(mut stdin) = child.stdin.take() {
        // What nft does not read it complains about itself.
        let _ = stdin.write_all(script.as_bytes());
    }
    let end = child.wait_with_output().map_err(|e| format!("nft: {}", words(&e)))?;
    if end.status.success() { Ok(()) } else { Err(first_line("nft", &end.stderr)) }
}

/// What listens on this machine at ports that a whole rule set for `request` closes.
pub fn closed(request: &Request) -> Vec<Listener> {
    // The server itself may be up already.
    let passive = |port: u16| request.exposure.passive_ports.iter().any(|span| span.contains(&port));
    let open = |port: u16| {
        request.kept().contains(port) || request.exposure.control_ports.contains(&port) || passive(port)
    };
    let mut all = listeners::reachable(ephemeral().as_ref().map(|ephemeral| &ephemeral.range));
    all.retain(|listener| listener.protocol == Protocol::Udp || !open(listener.at.port()));
    all
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
    let output = command.output().map_err(|e| format!("{name} cannot be run: {}", words(&e)))?;
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
}
