//! What else has to agree with the rules, and how are they tried out?

use crate::exposure::{Active, Families};
use crate::request::{Authority, Family, Modes, Output, Request, Tracking};
use crate::rules::Ports;
use crate::sheet::Sheet;
use crate::target::Target;

/// Stands for an address that only the user knows.
pub(super) const ADDRESS: &str = "<ADDRESS>";

/// Adds it as remarks, whatever the firewall.
pub(super) fn add(sheet: &mut Sheet, target: Target, request: &Request) {
    sheet.say("Start the server with matching flags:");
    sheet.command(&format!("pasv serve{}", settings(target, request)));
    if request.external.is_none() && translates(target, request) {
        sheet.say(
            "<ADDRESS> is the IPv4 address that clients connect to: there is NAT in between, and PASV must announce that address.",
        );
    }
    if target == Target::Haproxy {
        sheet.say("<BALANCER> is the address from which HAProxy connects to the servers: only its PROXY headers are accepted.");
    }
    if let Authority::AsksAt(port) = request.authority {
        let told = match target {
            Target::Nftables | Target::Iptables => "it is open in the rules above",
            _ => "open it too, as rule 1 (clients to the control port)",
        };
        sheet.say(&format!(
            "The certificate authority (--acme) connects to TCP port {port} of the server, from anywhere, whatever --from says: {told}.{}",
            if port == 80 { "" } else { " It connects to port 80: something in front of the server must forward that to it." }
        ));
    }
    if request.calls_back()
        && request.exposure.active == Active::FromAnyPort
        && (request.output == Output::Dropped || request.tracking == Tracking::Stateless)
    {
        sheet.say("Without --active-port the server connects from any port above 1023, and so may every program on it. With --active-port 20 (root, or the right to use low ports) rule 4 (the server's own connections to clients) is as narrow as it can be.");
    }
    let overlap = request.ephemeral.overlap(&request.asked().passive_ports);
    let (low, high) = (request.ephemeral.range.start(), request.ephemeral.range.end());
    if !overlap.is_empty() {
        sheet.say(&format!(
            "WARNING: {overlap} lies inside {low}-{high}, which the server's system uses for its own outgoing connections. Reserve them: sysctl -w net.ipv4.ip_local_reserved_ports={} (adding to what is there), or take a range above {high}.",
            overlap.written("-", ",")
        ));
    }
    let explicit =
        request.exposure.control_ports.iter().find(|port| !request.exposure.implicit_ports.contains(port));
    let (scheme, port) = match (explicit, request.exposure.control_ports.first()) {
        (Some(21), _) | (None, None) => ("ftp", String::new()),
        (Some(port), _) => ("ftp", format!(":{port}")),
        (None, Some(990)) => ("ftps", String::new()),
        (None, Some(port)) => ("ftps", format!(":{port}")),
    };
    let host = request.external.map_or_else(|| "<HOST>".to_owned(), |at| at.to_string());
    sheet.say(&format!("Test from outside: pasv doctor {scheme}://{host}{port}/"));
    sheet.say("No FTP helper (nf_conntrack_ftp, ALG, inspection) is needed in any firewall, as the ports are fixed. Leave it off: it cannot read TLS.");
    if !request.calls_back() && request.modes != Modes::Active {
        sheet.say("Port 20 stays closed: passive mode does not use it.");
    }
}

/// The flags of `pasv serve` that the rules rest on.
pub(super) fn settings(target: Target, request: &Request) -> String {
    let mut words = listening(request);
    // A balancer before several gives each its own part: told beside its address.
    let parted = target == Target::Haproxy && request.inside.len() > 1;
    if !parted && request.modes != Modes::Active {
        words.push_str(&passive(&Ports::of(request.exposure.passive_ports.iter().cloned())));
    }
    match request.external {
        Some(at) => words.push_str(&format!(" --external {at}")),
        None if translates(target, request) => {
            words.push_str(" --external ");
            words.push_str(ADDRESS);
        }
        None => {}
    }
    if target == Target::Haproxy {
        words.push_str(" --proxy-from <BALANCER>");
    }
    words.push_str(modes(target, request));
    let calls = request.calls_back() && !target.relays();
    if let (true, Active::FromPort(port)) = (calls, request.exposure.active) {
        words.push_str(&format!(" --active-port {port}"));
    }
    words
}

/// ` --passive-ports 61210-61219`.
pub(super) fn passive(ports: &Ports) -> String {
    ports.words("-").iter().map(|range| format!(" --passive-ports {range}")).collect()
}

/// What the firewall does not let through, the server had better refuse at once than let its clients wait for
/// it.
fn modes(target: Target, request: &Request) -> &'static str {
    let stops =
        request.output == Output::Dropped || request.tracking == Tracking::Stateless || target.relays();
    match request.modes {
        Modes::Active => " --no-passive",
        Modes::Passive if stops || request.exposure.active == Active::Off => " --no-active",
        // It does not pass those that relay, whatever is asked.
        Modes::Both if target.relays() => " --no-active",
        Modes::Passive | Modes::Both => "",
    }
}

/// ` --listen 21 --listen-tls 990`.
fn listening(request: &Request) -> String {
    let exposure = &request.exposure;
    let any = if exposure.families == Families::Ipv4 { "0.0.0.0:" } else { "" };
    let mut flags: Vec<String> = Vec::new();
    for port in &exposure.control_ports {
        let tls = if exposure.implicit_ports.contains(port) { "-tls" } else { "" };
        let flag = format!(" --listen{tls} {any}{port}");
        if !flags.contains(&flag) {
            flags.push(flag);
        }
    }
    flags.concat()
}

/// Does NAT stand before the server there?
fn translates(target: Target, request: &Request) -> bool {
    let always = matches!(
        target,
        Target::Aws
            | Target::AwsNacl
            | Target::Gcp
            | Target::Azure
            | Target::Docker
            | Target::Kubernetes
            | Target::Haproxy
            | Target::NftablesRouter
            | Target::Mikrotik
    );
    (always || !request.inside.is_empty()) && request.families().contains(&Family::V4)
}
