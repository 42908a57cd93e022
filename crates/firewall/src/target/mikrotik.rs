//! How is RouterOS told, on a router in front of the server?

use crate::request::{Family, Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::{Sheet, tag};
use crate::target::Unfit;

pub(super) fn write(request: &Request) -> Result<Sheet, Unfit> {
    let families = request.families();
    if families.iter().all(|family| request.inside(*family).is_none()) {
        return Err(Unfit("a router needs the server's own address: --inside 192.168.1.2".into()));
    }
    let mut sheet = Sheet::new("#");
    sheet.say("MikroTik RouterOS, on the router before the server. Paste into its terminal, once: each time adds the lines again.");
    sheet.say("Remove:  /ip firewall nat remove [find comment~\"^pasv\"], and the same for the filters");
    sheet.say("`WAN` is the interface list of the default configuration. The filters are inserted first, before those that drop; where the first rule is a dynamic one (D in `print`), use place-before=1.");
    sheet.blank();
    let rules = request.written(Direction::In);
    if let Some(at) = request.inside(Family::V4).filter(|_| families.contains(&Family::V4)) {
        let outside = match request.external {
            Some(external) => format!("dst-address={external}"),
            None => "in-interface-list=WAN".into(),
        };
        add(
            &mut sheet,
            request,
            &rules,
            Family::V4,
            [&format!("nat add chain=dstnat {outside}"), &format!("dst-nat to-addresses={at}"), ""],
        );
        let new = format!("{NEW} connection-nat-state=dstnat dst-address={at}");
        add(&mut sheet, request, &rules, Family::V4, [&new, "accept", FIRST]);
    }
    if let Some(at) = request.inside(Family::V6).filter(|_| families.contains(&Family::V6)) {
        let new = format!("{NEW} dst-address={at}/128");
        add(&mut sheet, request, &rules, Family::V6, [&new, "accept", FIRST]);
    }
    let calls = request.written(Direction::Out);
    for family in families.into_iter().filter(|_| request.output == Output::Dropped) {
        let Some(at) = request.inside(family) else { continue };
        let new = format!("{NEW} src-address={at}/{}", family.whole().max_prefix_len());
        add(&mut sheet, request, &calls, family, [&new, "accept", FIRST]);
    }
    sheet.support("/ip firewall service-port disable ftp", "no helper: it cannot read TLS");
    sheet.say("The chain must also accept established and related connections, as it does by default.");
    Ok(sheet)
}

const NEW: &str = "filter add chain=forward connection-state=new";

const FIRST: &str = " place-before=0";

/// A line for each rule and network: what is before the clients, what is done, and what is behind the comment.
fn add(
    sheet: &mut Sheet,
    request: &Request,
    rules: &[Rule],
    family: Family,
    [before, action, behind]: [&str; 3],
) {
    let menu = if family == Family::V4 { "/ip" } else { "/ipv6" };
    for rule in rules {
        let (key, ports) = match rule.direction {
            Direction::In => ("src-address", format!("dst-port={}", rule.to.written("-", ","))),
            Direction::Out => {
                ("dst-address", format!("src-port={} dst-port=1024-65535", rule.from.written("-", ",")))
            }
        };
        for who in clients(request, family, key) {
            let tag = tag(rule);
            let text = format!(
                "{menu} firewall {before}{who} protocol=tcp {ports} action={action} comment=\"{tag}\"{behind}"
            );
            sheet.rule(text, &[rule]);
        }
    }
}

/// ` src-address=NET`, once for each network; nothing where anybody may come.
fn clients(request: &Request, family: Family, key: &str) -> Vec<String> {
    if request.from.is_empty() {
        return vec![String::new()];
    }
    request.networks(family).iter().map(|net| format!(" {key}={net}")).collect()
}
