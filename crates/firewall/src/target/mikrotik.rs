//! How is RouterOS told, on a router in front of the server?

use crate::request::{Family, Output, Request};
use crate::rules::Direction;
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
        for rule in &rules {
            for who in clients(request, Family::V4, "src-address") {
                let (tag, ports) = (tag(rule), rule.to.written("-", ","));
                sheet.rule(
                    format!("/ip firewall nat add chain=dstnat {outside}{who} protocol=tcp dst-port={ports} action=dst-nat to-addresses={at} comment=\"{tag}\""),
                    &[rule],
                );
            }
        }
        for rule in &rules {
            for who in clients(request, Family::V4, "src-address") {
                let (tag, ports) = (tag(rule), rule.to.written("-", ","));
                sheet.rule(
                    format!("/ip firewall filter add chain=forward connection-state=new connection-nat-state=dstnat dst-address={at}{who} protocol=tcp dst-port={ports} action=accept comment=\"{tag}\" place-before=0"),
                    &[rule],
                );
            }
        }
    }
    if let Some(at) = request.inside(Family::V6).filter(|_| families.contains(&Family::V6)) {
        for rule in &rules {
            for who in clients(request, Family::V6, "src-address") {
                let (tag, ports) = (tag(rule), rule.to.written("-", ","));
                sheet.rule(
                    format!("/ipv6 firewall filter add chain=forward connection-state=new dst-address={at}/128{who} protocol=tcp dst-port={ports} action=accept comment=\"{tag}\" place-before=0"),
                    &[rule],
                );
            }
        }
    }
    if request.output == Output::Dropped {
        for rule in &request.written(Direction::Out) {
            for family in &families {
                let (Some(at), menu, length) = (request.inside(*family), menu(*family), length(*family))
                else {
                    continue;
                };
                for who in clients(request, *family, "dst-address") {
                    let (tag, ports) = (tag(rule), rule.from.written("-", ","));
                    sheet.rule(
                        format!("{menu} firewall filter add chain=forward connection-state=new src-address={at}/{length}{who} protocol=tcp src-port={ports} dst-port=1024-65535 action=accept comment=\"{tag}\" place-before=0"),
                        &[rule],
                    );
                }
            }
        }
    }
    sheet.support("/ip firewall service-port disable ftp", "no helper: it cannot read TLS");
    sheet.say("The chain must also accept established and related connections, as it does by default.");
    Ok(sheet)
}

fn menu(family: Family) -> &'static str {
    match family {
        Family::V4 => "/ip",
        Family::V6 => "/ipv6",
    }
}

fn length(family: Family) -> u8 {
    family.whole().max_prefix_len()
}

/// ` src-address=NET`, once for each network; nothing where anybody may come.
fn clients(request: &Request, family: Family, key: &str) -> Vec<String> {
    if request.from.is_empty() {
        return vec![String::new()];
    }
    request.networks(family).iter().map(|net| format!(" {key}={net}")).collect()
}
