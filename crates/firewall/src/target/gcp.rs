//! How are the firewall rules of a Google Cloud network written?

use crate::request::{Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("Google Cloud, rules of the VPC network. They track connections: answers pass.");
    sheet.say("Set NETWORK, give the server the network tag `pasv`, then paste, once or often: a rule that exists is refused.");
    sheet.say("Remove:  `gcloud compute firewall-rules delete NAME`, for each name below");
    sheet.blank();
    sheet.plain("NETWORK=default");
    for rule in &request.written(Direction::In) {
        create(&mut sheet, request, rule, "INGRESS", "--source-ranges", &rule.to.written("-", ",tcp:"));
    }
    if request.output == Output::Dropped {
        for rule in &request.written(Direction::Out) {
            sheet.say(
                "A rule cannot match the source port, so this one is wider than rule 4 (the server's own connections to clients).",
            );
            create(
                &mut sheet,
                request,
                rule,
                "EGRESS",
                "--destination-ranges",
                &rule.to.written("-", ",tcp:"),
            );
        }
    } else if request.calls_back() {
        sheet.say("Active mode: everything is let out by default, also the server's own connections to clients (rule 4).");
    }
    sheet.say("The server's interface has a private address here, and the external one is translated 1:1: start the server with --external.");
    sheet
}

fn create(sheet: &mut Sheet, request: &Request, rule: &Rule, way: &str, peers: &str, ports: &str) {
    for family in request.families() {
        // One rule takes networks of one family.
        let text = format!(
            "gcloud compute firewall-rules create pasv-rule-{}-ipv{} --network=\"$NETWORK\" --direction={way} \\\n  --action=ALLOW --rules=tcp:{ports} {peers}={} --target-tags=pasv",
            rule.number,
            family.number(),
            request.networks_written(family, ",")
        );
        sheet.rule(text, &[rule]);
    }
}
