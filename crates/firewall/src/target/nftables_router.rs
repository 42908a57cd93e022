//! How are nftables rules for a router in front of the server written: DNAT and forwarding?

use core::net::IpAddr;

use crate::exposure::Families;
use crate::request::{Family, Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::{Sheet, tag};
use crate::target::{Unfit, nftables};

pub(super) fn write(request: &Request) -> Result<Sheet, Unfit> {
    let families = request.families();
    let inside: Vec<_> = families.iter().filter_map(|f| request.inside(*f).map(|at| (*f, at))).collect();
    if inside.is_empty() {
        return Err(Unfit("a router needs the server's own address: --inside 192.168.1.2".into()));
    }
    let mut sheet = Sheet::new("#");
    sheet.say("nftables, on a router before the server: the same port numbers on both sides.");
    sheet.say("Load:    nft -f FILE, once or often");
    sheet.say("Remove:  nft delete table inet pasv");
    sheet.say("The table filters traffic to the server only; other forwarded traffic is not touched. If a forward chain of another table drops, add these there too:");
    sheet.command("nft insert rule inet filter forward ct state established,related accept");
    sheet.command("nft insert rule inet filter forward ct status dnat accept");
    let calls = request.written_as(Direction::Out, Output::Dropped);
    for (family, at) in &inside {
        for rule in &calls {
            sheet.command(&format!(
                // Quoted, or a shell would take the comparison for a file to write.
                "nft 'insert rule inet filter forward {} saddr {at} {} accept'",
                nftables::word(*family),
                nftables::packets(rule, request.tracking)
            ));
        }
    }
    sheet.blank();
    let rules = request.written(Direction::In);
    sheet.plain(format!("table inet {}", nftables::TABLE));
    sheet.plain(format!("delete table inet {}", nftables::TABLE));
    sheet.plain(format!("table inet {} {{", nftables::TABLE));
    let v4 = inside.iter().find(|(family, _)| *family == Family::V4);
    if let Some((_, at)) = v4 {
        sheet.plain("\tchain prerouting {");
        sheet.plain("\t\ttype nat hook prerouting priority dstnat;");
        let only = request.only(Families::Ipv4);
        let outside = match request.external {
            Some(external) => format!("ip daddr {external}"),
            None => "fib daddr type local".into(),
        };
        for rule in &rules {
            for who in nftables::peers(&only, Direction::In) {
                sheet.rule(
                    format!(
                        "\t\t{who}{outside} tcp dport {} dnat ip to {at} comment \"{}\"",
                        nftables::set(&rule.to),
                        tag(rule)
                    ),
                    &[rule],
                );
            }
        }
        sheet.plain("\t}");
        called_from_outside(&mut sheet, &only, *at, &calls);
    }
    sheet.plain("\tchain forward {");
    sheet.plain("\t\ttype filter hook forward priority filter; policy accept;");
    sheet.support(
        "\t\tct state established,related accept",
        "rules 2 and 4, and the rest of every connection that was let in",
    );
    if v4.is_some() {
        let opening: Vec<_> = rules.iter().collect();
        sheet.rule("\t\tct status dnat accept", &opening);
    }
    for (family, at) in &inside {
        let word = nftables::word(*family);
        let only = request.only(family.alone());
        if *family == Family::V6 {
            for rule in &rules {
                for who in nftables::peers(&only, Direction::In) {
                    let text = format!(
                        "\t\t{who}ip6 daddr {at} {} accept comment \"{}\"",
                        nftables::packets(rule, request.tracking),
                        tag(rule)
                    );
                    sheet.rule(text, &[rule]);
                }
            }
        }
        for rule in &request.written(Direction::Out) {
            for who in nftables::peers(&only, Direction::Out) {
                let text = format!(
                    "\t\t{who}{word} saddr {at} {} accept comment \"{}\"",
                    nftables::packets(rule, request.tracking),
                    tag(rule)
                );
                sheet.rule(text, &[rule]);
            }
        }
        sheet.support(format!("\t\t{word} daddr {at} drop"), "nothing else reaches the server");
        if request.output == Output::Dropped {
            sheet.support(format!("\t\t{word} saddr {at} drop"), "nothing else leaves it");
        }
    }
    sheet.plain("\t}");
    sheet.plain("}");
    Ok(sheet)
}

/// Clients take a data connection from nobody but the address that they have dialled: the server's own calls
/// (rule 4) leave as if they were the router's. The port stays, where it is free.
fn called_from_outside(sheet: &mut Sheet, only: &Request, at: IpAddr, calls: &[Rule]) {
    if calls.is_empty() {
        return;
    }
    let outside = match only.external {
        Some(external) => format!("snat ip to {external}"),
        None => "masquerade".into(),
    };
    sheet.plain("\tchain postrouting {");
    sheet.plain("\t\ttype nat hook postrouting priority srcnat;");
    for rule in calls {
        for who in nftables::peers(only, Direction::Out) {
            let packets =
                format!("tcp sport {} tcp dport {}", nftables::set(&rule.from), nftables::set(&rule.to));
            sheet.rule(
                format!("\t\t{who}ip saddr {at} {packets} {outside} comment \"{}\"", tag(rule)),
                &[rule],
            );
        }
    }
    sheet.plain("\t}");
}
