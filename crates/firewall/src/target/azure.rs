//! How is an Azure network security group written?

use crate::request::{Output, Request};
use crate::rules::{Direction, Rule};
use crate::sheet::Sheet;

/// Lower numbers are looked at first; 100 to 4096 are for users.
const FIRST: usize = 310;

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say("Azure, the network security group. It tracks connections: answers pass.");
    sheet.say("Set RESOURCES and GROUP, and change the priorities where another rule has these, then paste, once or often.");
    sheet.say("Remove:  for each name below:");
    sheet.command(
        "az network nsg rule delete --resource-group \"$RESOURCES\" --nsg-name \"$GROUP\" --name NAME",
    );
    sheet.say("Azure drops connections that are idle for 4 minutes; pasv sends keepalives after 15 s on both sides.");
    sheet.blank();
    sheet.plain("RESOURCES='<resource group>'");
    sheet.plain("GROUP='<network security group>'");
    let mut priority = FIRST;
    for rule in &request.written(Direction::In) {
        create(&mut sheet, request, rule, &mut priority);
    }
    if request.output == Output::Dropped {
        for rule in &request.written(Direction::Out) {
            create(&mut sheet, request, rule, &mut priority);
        }
    } else if request.calls_back() {
        sheet.say("Active mode: everything is let out by default, also the server's own connections to clients (rule 4).");
    }
    sheet.say("The server's interface has a private address here, and the public one is translated 1:1: start the server with --external.");
    sheet
}

fn create(sheet: &mut Sheet, request: &Request, rule: &Rule, priority: &mut usize) {
    let mut who = vec![(String::new(), "'*'".to_owned())];
    if !request.from.is_empty() {
        // One rule takes prefixes of one family.
        who = request
            .families()
            .into_iter()
            .map(|family| (format!("-ipv{}", family.number()), request.networks_written(family, " ")))
            .collect();
    }
    for (suffix, nets) in who {
        let (way, from, to) = match rule.direction {
            Direction::In => ("Inbound", nets, "'*'".to_owned()),
            Direction::Out => ("Outbound", "'*'".to_owned(), nets),
        };
        let text = format!(
            "az network nsg rule create --resource-group \"$RESOURCES\" --nsg-name \"$GROUP\" --name pasv-rule-{}{suffix} \\\n  --priority {priority} --direction {way} --access Allow --protocol Tcp \\\n  --source-address-prefixes {from} --source-port-ranges {} \\\n  --destination-address-prefixes {to} --destination-port-ranges {}",
            rule.number,
            rule.from.written("-", " "),
            rule.to.written("-", " ")
        );
        sheet.rule(text, &[rule]);
        *priority += 1;
    }
}
