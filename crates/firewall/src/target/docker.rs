//! How are a container's ports published by Docker?

use crate::request::{Family, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;
use crate::target::{Target, advice};

pub(super) fn write(request: &Request) -> Sheet {
    let rules = request.written(Direction::In);
    let mut sheet = Sheet::new("#");
    sheet.say("Docker: options that publish the ports, the same numbers on both sides. Set IMAGE to an image that contains pasv.");
    sheet.say("Run once: the name `pasv` is then in use. Remove:  docker rm --force pasv");
    if !request.from.is_empty() {
        sheet.say("and the lines of DOCKER-USER with `-D DOCKER-USER` in place of `-I DOCKER-USER 1`.");
    }
    sheet.say("What Docker publishes is forwarded and never sees the chain INPUT: ufw and the like neither block nor need to open it.");
    if request.calls_back() {
        sheet.say("Active mode: the container's address is translated, and so may be its port. Use passive.");
    }
    sheet.blank();
    sheet.plain("IMAGE='<image that contains pasv>'");
    let settings = advice::settings(Target::Docker, request);
    let settings = settings.replace(advice::ADDRESS, "\"$ADDRESS\"");
    if settings.contains("$ADDRESS") {
        sheet.plain("ADDRESS='<public IPv4 address>'");
    }
    sheet.plain("docker run --detach --name pasv \\");
    for rule in &rules {
        for ports in rule.to.words("-") {
            let at = match request.families()[..] {
                [Family::V4] => "0.0.0.0:",
                [Family::V6] => "[::]:",
                _ => "",
            };
            // No remark fits between the lines of one command: the options tell themselves apart.
            sheet.plain(format!("  --publish {at}{ports}:{ports} \\"));
        }
    }
    sheet.plain(format!("  \"$IMAGE\" pasv serve{settings}"));
    if !request.from.is_empty() {
        sheet
            .say("Allowed clients, in the chain that Docker leaves to you (each line is inserted before the previous one):");
        if request.families().contains(&Family::V6) {
            sheet.say("IPv6 sees these rules only where the container's network has IPv6; elsewhere Docker's own proxy bypasses them: publish at 0.0.0.0 only.");
        }
        for rule in &rules {
            restrict(&mut sheet, request, rule);
        }
    }
    sheet
}

/// All but the networks are dropped, by the port that was dialled before it was translated: what containers
/// themselves dial elsewhere was not translated, and answers go the other way.
fn restrict(sheet: &mut Sheet, request: &Request, rule: &Rule) {
    for ports in rule.to.words(":") {
        for family in request.families() {
            let program = family.either("iptables ", "ip6tables");
            let what = format!("-p tcp -m conntrack --ctstate DNAT --ctdir ORIGINAL --ctorigdstport {ports}");
            sheet.support(format!("{program} -I DOCKER-USER 1 {what} -j DROP"), "all others");
            for net in request.networks(family) {
                sheet.rule(format!("{program} -I DOCKER-USER 1 -s {net} {what} -j RETURN"), &[rule]);
            }
        }
    }
}
