//! What has to agree with the rules, and how is it tried out?

use crate::request::{Family, Request};
use crate::sheet::Sheet;
use crate::site::Active;
use crate::target::Target;

/// Adds it as remarks, whatever the firewall.
pub(super) fn add(sheet: &mut Sheet, target: Target, request: &Request) {
    sheet.say("The server must be told the same:");
    sheet.command(&format!("pasv serve{}", settings(target, request)));
    if request.external.is_none() && translates(target, request) {
        sheet.say(
            "ADDRESS is the IPv4 address that clients dial: NAT stands in between, and PASV has to tell it.",
        );
    }
    let overlap = request.ephemeral.overlap(&request.asked().passive_ports);
    let (low, high) = (request.ephemeral.range.start(), request.ephemeral.range.end());
    if !overlap.is_empty() {
        sheet.say(&format!(
            "WARNING: {overlap} lies inside {low}-{high}, from which the server's system takes ports for its own outgoing connections. Keep them out: sysctl -w net.ipv4.ip_local_reserved_ports={} (adding to what is there), or take a range above {high}.",
            overlap.written("-", ",")
        ));
    }
    let explicit = request.site.control_ports.iter().find(|port| !request.site.implicit_ports.contains(port));
    let (scheme, port) = match (explicit, request.site.control_ports.first()) {
        (Some(21), _) | (None, None) => ("ftp", String::new()),
        (Some(port), _) => ("ftp", format!(":{port}")),
        (None, Some(990)) => ("ftps", String::new()),
        (None, Some(port)) => ("ftps", format!(":{port}")),
    };
    let host = request.external.map_or_else(|| "HOST".to_owned(), |at| at.to_string());
    sheet.say(&format!("Test from outside: pasv doctor {scheme}://{host}{port}/"));
    sheet.say("No FTP helper (nf_conntrack_ftp, ALG, inspection) is needed in any firewall: the ports are known. Leave it off: it cannot read TLS.");
    if !request.calls_back() {
        sheet.say("Nothing is opened for port 20: in passive mode nobody uses it.");
    }
}

/// The flags of `pasv serve` that the rules rest on.
fn settings(target: Target, request: &Request) -> String {
    let mut words = String::new();
    for port in &request.site.control_ports {
        words.push_str(&format!(" --listen {port}"));
    }
    for span in
        request.site.passive_ports.iter().filter(|_| !(target == Target::Haproxy && request.inside.len() > 1))
    {
        words.push_str(&format!(" --passive-ports {}", crate::Ports::of([span.clone()]).written("-", ",")));
    }
    match request.external {
        Some(at) => words.push_str(&format!(" --external {at}")),
        None if translates(target, request) => {
            words.push_str(" --external ADDRESS");
        }
        None => {}
    }
    if let (true, Active::FromPort(port)) = (request.calls_back(), request.site.active) {
        words.push_str(&format!(" --active-port {port}"));
    }
    words
}

/// ` --listen 21 --listen-tls 990`.
pub(super) fn listening(request: &Request) -> String {
    let site = &request.site;
    let flag = |port: &u16| {
        if site.implicit_ports.contains(port) {
            format!(" --listen-tls {port}")
        } else {
            format!(" --listen {port}")
        }
    };
    site.control_ports.iter().map(flag).collect()
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
