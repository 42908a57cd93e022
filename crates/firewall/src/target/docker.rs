//! How are a container's ports published by Docker?

use crate::request::{Family, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;
use crate::target::{Target, beside};

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
            let at = match request.families()[..] {
                [Family::V4] => "0.0.0.0:",
                [Family::V6] => "[::]:",
                _ => "",
            };
            // No remark fits between the lines of one command: the options tell themselves apart.
            sheet.plain(format!("  --publish {at}{ports}:{ports} \\"));
        }
    }
    sheet.plain(format!("  IMAGE pasv serve{}", beside::settings(Target::Docker, request)));
    if !request.from.is_empty() {
        sheet
            .say("Who may come, in the chain that Docker leaves to you (each put before the one before it):");
        if request.families().contains(&Family::V6) {
            sheet.say("IPv6 sees these rules only where the container's network has IPv6; elsewhere Docker's own proxy takes it past them: publish at 0.0.0.0 alone there.");
        }
        for rule in &rules {
            restrict(&mut sheet, request, rule);
        }
    }
    sheet
}

/// All but the networks are dropped, by the port that was dialled before it was translated: what containers themselves dial
/// elsewhere was not translated, and answers go the other way.
fn restrict(sheet: &mut Sheet, request: &Request, rule: &Rule) {
    for span in rule.to.spans() {
        let ports = crate::Ports::of([span]).written(":", ",");
        for family in request.families() {
            let program = match family {
                Family::V4 => "iptables ",
                Family::V6 => "ip6tables",
            };
            let what = format!("-p tcp -m conntrack --ctstate DNAT --ctdir ORIGINAL --ctorigdstport {ports}");
            sheet.support(format!("{program} -I DOCKER-USER 1 {what} -j DROP"), "all others");
            for net in request.networks(family) {
                sheet.rule(format!("{program} -I DOCKER-USER 1 -s {net} {what} -j RETURN"), &[rule]);
            }
        }
    }
}
