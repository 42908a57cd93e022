//! How are a container's ports published by Docker?

use crate::request::{Family, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

pub(super) fn write(request: &Request) -> Sheet {
    let rules = request.written(Direction::In);
    let mut sheet = Sheet::new("#");
    sheet.say("Docker: the options that publish the ports, the same numbers on both sides. IMAGE is one that holds pasv.");
    sheet.say("What Docker publishes is forwarded and never sees the chain INPUT: ufw and the like do not close it, and need not open it.");
    if request.calls_back() {
        sheet.say("Active mode: the container's address is translated, and so may be its port. Use passive.");
    }
    sheet.blank();
    sheet.plain("docker run --detach --name pasv \\");
    for rule in &rules {
        for span in rule.to.spans() {
            let ports = crate::Ports::of([span]).written("-", ",");
            // No remark fits between the lines of one command: the options tell themselves apart.
            sheet.plain(format!("  --publish {ports}:{ports} \\"));
        }
    }
    let external =
        request.external.map_or_else(|| " --external ADDRESS".to_owned(), |at| format!(" --external {at}"));
    let passive: Vec<String> = request
        .site
        .passive_ports
        .iter()
        .map(|span| format!(" --passive-ports {}", crate::Ports::of([span.clone()]).written("-", ",")))
        .collect();
    sheet.plain(format!(
        "  IMAGE pasv serve{}{}{external}",
        super::beside::listening(request),
        passive.concat()
    ));
    if !request.from.is_empty() {
        sheet
            .say("Who may come, in the chain that Docker leaves to you (each put before the one before it):");
        for rule in &rules {
            restrict(&mut sheet, request, rule);
        }
    }
    sheet
}

/// All but the networks are dropped, by the port that was dialled before it was translated.
fn restrict(sheet: &mut Sheet, request: &Request, rule: &Rule) {
    for span in rule.to.spans() {
        let ports = crate::Ports::of([span]).written(":", ",");
        for family in request.families() {
            let program = match family {
                Family::V4 => "iptables ",
                Family::V6 => "ip6tables",
            };
            let what = format!("-p tcp -m conntrack --ctstate NEW --ctorigdstport {ports}");
            sheet.support(format!("{program} -I DOCKER-USER 1 {what} -j DROP"), "all others");
            for net in request.networks(family) {
                sheet.rule(format!("{program} -I DOCKER-USER 1 -s {net} {what} -j RETURN"), &[rule]);
            }
        }
    }
}
