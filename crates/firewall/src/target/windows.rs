//! How is Windows Defender Firewall told, in PowerShell?

use crate::request::{Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::{Sheet, tag};

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("Windows, for a server there or in its Linux subsystem. Paste into PowerShell as administrator, once or often.");
    sheet.say("Remove:  Remove-NetFirewallRule -Group pasv");
    sheet.say("The built-in FTP inspection reads the control connection, and cannot under TLS: off.");
    sheet.blank();
    sheet.support(
        "Remove-NetFirewallRule -Group pasv -ErrorAction SilentlyContinue",
        "those of the last time, where there are any",
    );
    for rule in &request.written(Direction::In) {
        let text = format!(
            "New-NetFirewallRule -Group pasv -DisplayName '{}' -Direction Inbound -Action Allow -Protocol TCP -LocalPort {}{}",
            tag(rule),
            rule.to.written("-", ","),
            remote(request)
        );
        sheet.rule(text, &[rule]);
    }
    if request.output == Output::Dropped {
        sheet.support(
            "Set-NetFirewallProfile -All -DefaultOutboundAction Block",
            "what goes out is dropped too; answers still pass",
        );
    }
    for rule in &request.written(Direction::Out) {
        sheet.rule(outbound(request, rule), &[rule]);
    }
    sheet.support("netsh advfirewall set global StatefulFTP disable", "no helper: it is blind under TLS");
    sheet
}

fn outbound(request: &Request, rule: &Rule) -> String {
    format!(
        "New-NetFirewallRule -Group pasv -DisplayName '{}' -Direction Outbound -Action Allow -Protocol TCP -LocalPort {} -RemotePort {}{}",
        tag(rule),
        rule.from.written("-", ","),
        rule.to.written("-", ","),
        remote(request)
    )
}

fn remote(request: &Request) -> String {
    if request.from.is_empty() {
        return String::new();
    }
    let nets: Vec<String> = request.all_networks().iter().map(ToString::to_string).collect();
    format!(" -RemoteAddress {}", nets.join(","))
}
