//! How are the access lists of Cisco IOS written, which do not track connections?

use ipnet::IpNet;

use crate::request::{Family, Request};
use crate::rules::{Direction, Ports, Role, Rule};
use crate::sheet::Sheet;

/// What begins a list of IPv4 or IPv6, and ends its name.
const LISTS: ((&str, &str), (&str, &str)) = (("ip access-list extended", ""), ("ipv6 access-list", "-V6"));

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("!");
    sheet.say("Cisco IOS, on the interface that leads out: one list for each direction. They look at single packets; `established` matches packets with ACK, so that no answer can open a connection.");
    sheet.say("WARNING: a list ends in an implicit `deny ip any any`. Where the interface has lists already, add these lines to them; where it has none, all other traffic of the interface is blocked from then on.");
    let nat = request.inside(Family::V4).is_some() && request.families().contains(&Family::V4);
    sheet.say(if nat {
        "Replace <OUTSIDE> by the interface that leads out, and <INSIDE> by the one on the server's side, as GigabitEthernet0/0. Then paste in configuration mode; twice does no harm."
    } else {
        "Replace <OUTSIDE> by the interface that leads out, as GigabitEthernet0/0. Then paste in configuration mode; twice does no harm."
    });
    sheet.say("Remove:  the lines below `interface` with `no` before them, then the lists:");
    for family in request.families() {
        let (list, suffix) = family.either(LISTS.0, LISTS.1);
        sheet.command(&format!("no {list} PASV-IN{suffix}"));
        sheet.command(&format!("no {list} PASV-OUT{suffix}"));
    }
    sheet.say("ASA tracks connections: there the inbound list is enough. Leave `inspect ftp` off: it cannot read TLS.");
    sheet.blank();
    for family in request.families() {
        let (list, suffix) = family.either(LISTS.0, LISTS.1);
        for direction in [Direction::In, Direction::Out] {
            let name = direction.either("IN", "OUT");
            sheet.plain(format!("{list} PASV-{name}{suffix}"));
            for rule in request.rules().iter().filter(|rule| rule.direction == direction) {
                for net in request.networks(family) {
                    for (from, to) in pairs(rule) {
                        sheet.rule(format!(" {}", entry(request, rule, family, net, (&from, &to))), &[rule]);
                    }
                }
            }
            match family {
                Family::V4 => sheet.support(" permit icmp any any", "errors: too big, unreachable"),
                Family::V6 => {
                    sheet.support(" permit icmp any any", "errors, and how IPv6 finds its neighbours")
                }
            }
        }
    }
    sheet.plain("interface <OUTSIDE>");
    for family in request.families() {
        let (call, suffix) = family.either((" ip access-group", ""), (" ipv6 traffic-filter", "-V6"));
        sheet.plain(format!("{call} PASV-IN{suffix} in"));
        sheet.plain(format!("{call} PASV-OUT{suffix} out"));
    }
    let behind = request.inside(Family::V4).filter(|_| request.families().contains(&Family::V4));
    if behind.is_some() {
        sheet.plain(" ip nat outside");
        sheet.plain("interface <INSIDE>");
        sheet.plain(" ip nat inside");
    }
    if let Some(inside) = behind {
        sheet.say("NAT: one line for each port, with the same number on both sides.");
        let outside = request.external.map_or_else(|| "interface <OUTSIDE>".to_owned(), |at| at.to_string());
        // No helper: it cannot read TLS.
        let plain = if request.external.is_some() { " no-payload" } else { "" };
        for rule in &request.written(Direction::In) {
            for port in rule.to.spans().into_iter().flatten().filter(|_| rule.role == Role::Opens) {
                sheet.rule(
                    format!("ip nat inside source static tcp {inside} {port} {outside} {port}{plain}"),
                    &[rule],
                );
            }
        }
    }
    sheet
}

/// An entry has one range on each side.
fn pairs(rule: &Rule) -> Vec<(Ports, Ports)> {
    let single = |ports: &Ports| match ports {
        Ports::Unprivileged => vec![Ports::Unprivileged],
        Ports::Of(spans) => spans.iter().map(|span| Ports::of([span.clone()])).collect(),
    };
    let mut pairs = Vec::new();
    for from in single(&rule.from) {
        pairs.extend(single(&rule.to).into_iter().map(|to| (from.clone(), to)));
    }
    pairs
}

fn entry(request: &Request, rule: &Rule, family: Family, net: IpNet, (from, to): (&Ports, &Ports)) -> String {
    let client = network(net);
    let server = match (family, request.external, request.inside(family)) {
        // On the interface outside the lists see the address outside: going in before NAT, going out after
        // it.
        (Family::V4, Some(external), _) => format!("host {external}"),
        (Family::V6, _, Some(at)) => format!("host {at}"),
        _ => "any".to_owned(),
    };
    let (from, to) = (written(from), written(to));
    let established = if rule.role == Role::Answers { " established" } else { "" };
    rule.direction.either(
        format!("permit tcp {client} {from} {server} {to}{established}"),
        format!("permit tcp {server} {from} {client} {to}{established}"),
    )
}

/// `any`, `host A`, `192.0.2.0 0.0.0.255` (what may differ), or `2001:db8::/32`.
fn network(net: IpNet) -> String {
    match net {
        _ if net.prefix_len() == 0 => "any".into(),
        _ if net.prefix_len() == net.max_prefix_len() => format!("host {}", net.addr()),
        IpNet::V4(v4) => format!("{} {}", v4.network(), v4.hostmask()),
        IpNet::V6(v6) => v6.to_string(),
    }
}

fn written(ports: &Ports) -> String {
    match ports {
        Ports::Unprivileged => "gt 1023".into(),
        Ports::Of(_) if ports.spans().iter().all(|span| span.start() == span.end()) => {
            format!("eq {}", ports.written(" ", " "))
        }
        Ports::Of(_) => format!("range {}", ports.written(" ", " ")),
    }
}
