//! How are lines for pf written, on the server itself or on a router in front of it?

use crate::request::{Family, Request, Tracking};
use crate::rules::{Direction, Ports, Role, Rule};
use crate::sheet::{Sheet, tag};
use crate::target::Unfit;
use crate::target::nftables::braced;

pub(super) fn write(request: &Request) -> Result<Sheet, Unfit> {
    if !request.inside.is_empty() && request.tracking == Tracking::Stateless {
        return Err(Unfit("address translation follows connections: not with --inside".into()));
    }
    let mut sheet = Sheet::new("#");
    let place =
        if request.inside.is_empty() { "on the server itself" } else { "on a router before the server" };
    sheet.say(&format!("pf, {place}: lines for the end of /etc/pf.conf. The last match wins, so they open what a `block` before them closes."));
    sheet.say("Load:    `pfctl -nf /etc/pf.conf` (checks only), then `pfctl -f /etc/pf.conf`, once or often");
    sheet.say("Remove:  delete these lines from /etc/pf.conf, then `pfctl -f /etc/pf.conf`");
    sheet.say(
        "`egress` is OpenBSD's name for the interface that leads out; elsewhere replace it by the interface.",
    );
    if request.inside(Family::V4).is_some() {
        sheet.say("`rdr-to` is OpenBSD's too; FreeBSD before 15 and macOS want a line of its own among the translations, as `rdr on IF inet proto tcp from any to (IF) port 21 -> 192.168.1.2`, and the `pass in` to that address.");
    }
    sheet.blank();
    let stateless = request.tracking == Tracking::Stateless;
    if request.families().contains(&Family::V6) && !stateless {
        sheet.support(
            "pass inet6 proto icmp6 icmp6-type { neighbrsol, neighbradv, routeradv }",
            "how IPv6 finds its neighbours; without it nothing arrives",
        );
    }
    for family in request.families().into_iter().filter(|_| stateless) {
        match family {
            Family::V4 => sheet.support("pass inet proto icmp", "errors: too big, unreachable"),
            Family::V6 => {
                sheet.support("pass inet6 proto icmp6", "errors, and how IPv6 finds its neighbours");
            }
        }
    }
    for direction in [Direction::In, Direction::Out] {
        for rule in request.written(direction) {
            for (family, who) in peers(request) {
                line(&mut sheet, request, &rule, family, &who);
            }
        }
    }
    for family in request.families() {
        let Some(at) = request.inside(family) else { continue };
        let (word, ports) = (word(family), set(&request.inward()));
        sheet.support(
            format!("pass out {word} proto tcp from any to {at} port {ports} flags S/SA keep state"),
            "and on, out of the interface on the server's side",
        );
    }
    Ok(sheet)
}

fn line(sheet: &mut Sheet, request: &Request, rule: &Rule, family: Option<Family>, who: &str) {
    let label = format!("label \"{}\"", tag(rule));
    let which = match family {
        Some(family) => format!("{} ", word(family)),
        None => String::new(),
    };
    let state = match (request.tracking, rule.role) {
        (Tracking::Stateful, _) => "flags S/SA keep state",
        (Tracking::Stateless, Role::Opens) => "no state",
        // A lone SYN has no ACK; all that answers has it.
        (Tracking::Stateless, Role::Answers) => "flags A/A no state",
    };
    let (from, to) = (set(&rule.from), set(&rule.to));
    match rule.direction {
        Direction::In => {
            let families: Vec<Family> = match family {
                Some(family) => vec![family],
                None => request.families(),
            };
            let inside: Vec<_> =
                families.iter().filter_map(|f| request.inside(*f).map(|at| (*f, at))).collect();
            if request.inside.is_empty() {
                let text = format!(
                    "pass in on egress {which}proto tcp from {who} port {from} to (egress) port {to} {state} {label}"
                );
                sheet.rule(text, &[rule]);
            }
            for (family, at) in inside {
                let word = word(family);
                // IPv6 is not translated: the server has an address of its own.
                let (target, redirect) = family.either(
                    ("(egress)".to_owned(), format!(" rdr-to {at}")),
                    (at.to_string(), String::new()),
                );
                let text = format!(
                    "pass in on egress {word} proto tcp from {who} port {from} to {target} port {to}{redirect} {state} {label}"
                );
                sheet.rule(text, &[rule]);
            }
        }
        Direction::Out => {
            let ours = if request.inside.is_empty() { "(egress)".to_owned() } else { "any".to_owned() };
            let text = format!(
                "pass out on egress {which}proto tcp from {ours} port {from} to {who} port {to} {state} {label}"
            );
            sheet.rule(text, &[rule]);
        }
    }
}

/// Whose packets, once for each family where networks are named.
fn peers(request: &Request) -> Vec<(Option<Family>, String)> {
    let families = request.families();
    if request.from.is_empty() {
        return match families[..] {
            [one] => vec![(Some(one), "any".into())],
            _ => vec![(None, "any".into())],
        };
    }
    let line = |family: &Family| {
        let nets = braced(request.networks_written(*family, ", "));
        (Some(*family), nets)
    };
    families.iter().map(line).collect()
}

fn word(family: Family) -> &'static str {
    family.either("inet", "inet6")
}

fn set(ports: &Ports) -> String {
    match ports {
        Ports::Unprivileged => "> 1023".into(),
        Ports::Of(_) => braced(ports.written(":", ", ")),
    }
}
