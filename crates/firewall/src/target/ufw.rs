//! How is ufw told: by a profile of the application, and a rule that allows it?

use ipnet::IpNet;

use super::iptables::portions;
use crate::request::{Family, Modes, Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("ufw, on the server itself. Paste into a root shell, once or often.");
    sheet.say(
        "Remove:  each `ufw allow ...` below as `ufw delete allow ...`; rm /etc/ufw/applications.d/pasv",
    );
    sheet.blank();
    let rules = request.written(Direction::In);
    let all: Vec<&Rule> = rules.iter().collect();
    let portions = portions(&request.inward());
    let profiles: Vec<String> = match portions.len() {
        1 => vec!["pasv".into()],
        many => (1..=many).map(|n| format!("pasv{n}")).collect(),
    };
    sheet.plain("cat > /etc/ufw/applications.d/pasv <<'END'");
    for (profile, ports) in profiles.iter().zip(&portions) {
        sheet.plain(format!("[{profile}]"));
        sheet.plain("title=pasv");
        sheet.plain(if request.modes == Modes::Active {
            "description=FTP: control connections"
        } else {
            "description=FTP: control and passive data connections"
        });
        sheet.plain(format!("ports={ports}/tcp"));
        sheet.plain("");
    }
    sheet.plain("END");
    for profile in &profiles {
        sheet.support(format!("ufw app update {profile}"), "ufw reads the profile");
        for net in networks(request) {
            match net {
                None => sheet.rule(format!("ufw allow {profile}"), &all),
                Some(net) => sheet.rule(format!("ufw allow from {net} to any app {profile}"), &all),
            }
        }
    }
    if request.output == Output::Dropped {
        sheet.say(
            "Connections that this machine opens itself (DNS, time, updates) are dropped too, unless you add them.",
        );
        sheet.support("ufw default deny outgoing", "what goes out is dropped too; answers still pass");
        for rule in &request.written(Direction::Out) {
            let from = rule.from.written(":", ",");
            for net in networks(request) {
                let net = net.map_or_else(|| "any".to_owned(), |net| net.to_string());
                sheet.rule(
                    format!("ufw allow out proto tcp from any port {from} to {net} port 1024:65535"),
                    &[rule],
                );
            }
        }
    }
    if request.families().contains(&Family::V6) {
        sheet.say("IPv6: ufw covers it too where /etc/default/ufw has IPV6=yes, which is the default.");
    }
    sheet
}

/// Whose connections; None for everybody, in both families.
fn networks(request: &Request) -> Vec<Option<IpNet>> {
    if request.from.is_empty() && request.families().len() > 1 {
        return vec![None];
    }
    request.all_networks().into_iter().map(Some).collect()
}
