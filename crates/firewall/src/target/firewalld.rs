//! What does firewalld want: a service of its own, without the helper that its service `ftp` brings?

use crate::request::{Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("firewalld, on the server itself. Paste into a root shell, once; for another zone than the default add --zone=ZONE.");
    sheet.say("Remove:");
    sheet.command("firewall-cmd --permanent --remove-service=pasv; firewall-cmd --permanent --delete-service=pasv; firewall-cmd --reload");
    sheet.say("Not the service `ftp` that firewalld brings: it has no passive ports, and a helper that cannot read TLS.");
    sheet.blank();
    sheet.support("firewall-cmd --permanent --new-service=pasv", "a service of its own, without a helper");
    let rules = request.written(Direction::In);
    for rule in &rules {
        for span in rule.to.spans() {
            let ports = crate::Ports::of([span]).written("-", ",");
            sheet.rule(format!("firewall-cmd --permanent --service=pasv --add-port={ports}/tcp"), &[rule]);
        }
    }
    let all: Vec<&Rule> = rules.iter().collect();
    if request.from.is_empty() {
        sheet.rule("firewall-cmd --permanent --add-service=pasv", &all);
    }
    for family in request.families().into_iter().filter(|_| !request.from.is_empty()) {
        for net in request.networks(family) {
            let number = family.number();
            sheet.rule(
                format!(
                    "firewall-cmd --permanent --add-rich-rule='rule family=\"ipv{number}\" source address=\"{net}\" service name=\"pasv\" accept'"
                ),
                &all,
            );
        }
    }
    if request.output == Output::Dropped {
        sheet.support("firewall-cmd --permanent --new-policy=pasv-out", "what this machine itself sends");
        sheet.support(
            "firewall-cmd --permanent --policy=pasv-out --add-ingress-zone=HOST",
            "from this machine",
        );
        sheet.support("firewall-cmd --permanent --policy=pasv-out --add-egress-zone=ANY", "to everywhere");
        sheet.support(
            "firewall-cmd --permanent --policy=pasv-out --set-target=DROP",
            "dropped; answers still pass",
        );
        for rule in &request.written(Direction::Out) {
            let from = rule.from.written("-", ",");
            sheet.rule(
                format!(
                    "firewall-cmd --permanent --policy=pasv-out --add-rich-rule='rule source-port port=\"{from}\" protocol=\"tcp\" accept'"
                ),
                &[rule],
            );
        }
    }
    sheet.support("firewall-cmd --reload", "now, and at every start");
    sheet
}
