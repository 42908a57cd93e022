//! How is an AWS network ACL written, which does not track connections?

use core::ops::RangeInclusive;

use crate::request::{Family, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

/// Numbers of entries: the lower is looked at first. Ours start here, and leave room between them.
const FIRST: usize = 310;

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("AWS, the network ACL of the server's subnet. It looks at single packets, so the answers need entries too.");
    sheet.say("Set ACL, and change the numbers where these are in use, then paste, once or often: a number in use is refused.");
    sheet.say("Remove:  for each number N below, with --ingress and with --egress:");
    sheet.command("aws ec2 delete-network-acl-entry --network-acl-id \"$ACL\" --ingress --rule-number N");
    sheet.say("An entry matches the destination port only, and no TCP flags: the outgoing rules are as narrow as they can be here.");
    sheet.blank();
    sheet.plain("ACL='<network ACL id, acl-...>'");
    let rules = request.rules();
    for direction in [Direction::In, Direction::Out] {
        let way = direction.either("--ingress", "--egress ");
        let mut number = FIRST;
        for (span, of) in spans(&rules, direction) {
            for family in request.families() {
                let block = family.either("--cidr-block", "--ipv6-cidr-block");
                for net in request.networks(family) {
                    let text = format!(
                        "aws ec2 create-network-acl-entry --network-acl-id \"$ACL\" {way} --rule-number {number} --rule-action allow \\\n  --protocol 6 --port-range From={},To={} {block} {net}",
                        span.start(),
                        span.end()
                    );
                    sheet.rule(text, &of);
                    number += 1;
                }
            }
        }
        // From routers on the way, wherever they are.
        for family in request.families().into_iter().filter(|_| direction == Direction::In) {
            let (protocol, kind, block) = too_big(family);
            let text = format!(
                "aws ec2 create-network-acl-entry --network-acl-id \"$ACL\" {way} --rule-number {number} --rule-action allow \\\n  --protocol {protocol} --icmp-type-code {kind} {block} {}",
                family.whole()
            );
            sheet.support(text, "a packet was too big; without it files stop after their first bytes");
            number += 1;
        }
    }
    sheet
}

/// Errors that say a packet was too big: type and code, and the protocol of ICMP there.
fn too_big(family: Family) -> (&'static str, &'static str, &'static str) {
    family.either(("1", "Type=3,Code=4", "--cidr-block"), ("58", "Type=2,Code=0", "--ipv6-cidr-block"))
}

/// Each range of ports that packets go to, once, with the rules that it serves.
fn spans(rules: &[Rule], direction: Direction) -> Vec<(RangeInclusive<u16>, Vec<&Rule>)> {
    let rules: Vec<&Rule> = rules.iter().filter(|rule| rule.direction == direction).collect();
    let mut spans: Vec<(RangeInclusive<u16>, Vec<&Rule>)> = Vec::new();
    for rule in rules {
        for span in rule.to.spans() {
            match spans.iter_mut().find(|(known, _)| *known == span) {
                Some((_, of)) => of.push(rule),
                None => spans.push((span, vec![rule])),
            }
        }
    }
    spans
}
