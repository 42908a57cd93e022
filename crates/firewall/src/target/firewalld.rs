//! How is firewalld told: by a service of its own, without the helper of its service `ftp`?

use crate::request::{Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("firewalld, on the server itself. Paste into a root shell, once (a service that exists is refused, which does no harm); for another zone than the default add --zone=ZONE.");
    sheet.say("Remove:");
    sheet.command("firewall-cmd --permanent --remove-service=pasv; firewall-cmd --permanent --delete-service=pasv; firewall-cmd --reload");
    if request.output == Output::Dropped {
        sheet.command("firewall-cmd --permanent --delete-policy=pasv-out; firewall-cmd --reload");
    }
    if !request.from.is_empty() {
        sheet.say("and each rich rule below with --remove-rich-rule in place of --add-rich-rule, before the service.");
    }
    sheet.say("Do not use firewalld's own service `ftp`: it has no passive ports, and a helper that cannot read TLS.");
    sheet.blank();
    sheet.support("firewall-cmd --permanent --new-service=pasv", "a service of its own, without a helper");
    let rules = request.written(Direction::In);
    for rule in &rules {
        for ports in rule.to.words("-") {
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
        sheet.say("Connections that this machine opens itself (DNS, time, updates) are dropped too, unless you add them to the policy.");
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
        sheet.support(
            "firewall-cmd --permanent --policy=pasv-out --add-protocol=ipv6-icmp",
            "how IPv6 finds its neighbours; without it nothing leaves",
        );
        let outward = request.written(Direction::Out);
        if !outward.is_empty() {
            sheet.say("A rule cannot match both source and destination port: this one is wider than rule 4 (the server's own connections to clients).");
        }
        for rule in &outward {
            for text in called(request, rule) {
                sheet.rule(
                    format!("firewall-cmd --permanent --policy=pasv-out --add-rich-rule='{text}'"),
                    &[rule],
                );
            }
        }
    }
    sheet.support("firewall-cmd --reload", "now, and at every start");
    sheet
}

/// What the server calls, in rich rules: one for each network.
fn called(request: &Request, rule: &Rule) -> Vec<String> {
    let mut texts = Vec::new();
    for from in rule.from.words("-") {
        let port = format!("source-port port=\"{from}\" protocol=\"tcp\" accept");
        for family in request.families() {
            let number = family.number();
            if request.from.is_empty() {
                texts.push(format!("rule family=\"ipv{number}\" {port}"));
                continue;
            }
            let nets = request.networks(family);
            texts.extend(
                nets.iter()
                    .map(|net| format!("rule family=\"ipv{number}\" destination address=\"{net}\" {port}")),
            );
        }
    }
    texts
}
