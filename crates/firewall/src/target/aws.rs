//! How is an AWS security group written?

use crate::request::{Output, Request};
use crate::rules::{Direction, Ports, Rule};
use crate::sheet::{Sheet, tag};

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("AWS, the security group of the server's interface. It tracks connections: answers pass.");
    sheet.say("Set GROUP, then paste, once or often: a rule that exists is refused as a duplicate, which does no harm.");
    sheet.say("Remove:  the same commands with `revoke-` in place of `authorize-`");
    sheet.say("The network ACL of the subnet is another firewall and tracks nothing: as default it lets everything pass; where it does not, use --for aws-nacl.");
    sheet.blank();
    sheet.plain("GROUP='<security group id, sg-...>'");
    for rule in &request.written(Direction::In) {
        for span in rule.to.spans() {
            permit(&mut sheet, request, rule, "ingress", &Ports::of([span]));
        }
    }
    if request.output == Output::Dropped {
        for rule in &request.written(Direction::Out) {
            sheet.say("A security group cannot match the source port, so this one is wider than rule 4 (the server's own connections to clients).");
            permit(&mut sheet, request, rule, "egress", &rule.to);
        }
    } else if request.calls_back() {
        sheet.say("Active mode: a security group lets everything out by default, also the server's own connections to clients (rule 4).");
    }
    sheet
}

fn permit(sheet: &mut Sheet, request: &Request, rule: &Rule, way: &str, ports: &Ports) {
    for span in ports.spans() {
        let mut who = Vec::new();
        for family in request.families() {
            let (list, key) = family.either(("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"));
            let nets: Vec<String> = request
                .networks(family)
                .iter()
                .map(|net| format!("{{{key}={net},Description=\"{}\"}}", tag(rule)))
                .collect();
            who.push(format!("{list}=[{}]", nets.join(",")));
        }
        let text = format!(
            "aws ec2 authorize-security-group-{way} --group-id \"$GROUP\" \\\n  --ip-permissions 'IpProtocol=tcp,FromPort={},ToPort={},{}'",
            span.start(),
            span.end(),
            who.join(",")
        );
        sheet.rule(text, &[rule]);
    }
}
