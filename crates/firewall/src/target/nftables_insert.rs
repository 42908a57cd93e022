//! Which lines are added to an existing nftables chain that drops?

use crate::exposure::Families;
use crate::request::{Family, Output, Request, Tracking};
use crate::rules::Direction;
use crate::sheet::{Sheet, tag};
use crate::target::{Unfit, nftables};

pub(super) fn write(request: &Request) -> Result<Sheet, Unfit> {
    let chain = &request.chain;
    let served: Vec<Family> =
        request.families().into_iter().filter(|family| family.is_in(&chain.family)).collect();
    let place = format!("{} {} {}", chain.family, chain.table, chain.name);
    let families = match served[..] {
        [] => {
            return Err(Unfit(format!(
                "the chain `{place}` sees none of the families that the server is reached by"
            )));
        }
        [one] => one.alone(),
        _ => Families::Both,
    };
    let missed: Vec<Family> = request.families().into_iter().filter(|f| !served.contains(f)).collect();
    let request = &request.only(families);
    let mut sheet = Sheet::new("#");
    sheet.say(&format!("nftables, on the server itself: added to the existing chain `{place}`."));
    sheet.say(
        "Load:    nft -f FILE, once: each time adds the lines again (`pasv firewall --apply` checks first)",
    );
    sheet.say("Remove:  pasv firewall --remove, or `nft -a list ruleset` and `nft delete rule ... handle N`");
    sheet.say("To keep them after a restart, add the lines to the file from which the rules are loaded (/etc/nftables.conf).");
    sheet.say("These rules come first, so a blocklist later in the chain no longer applies to these ports.");
    for family in missed {
        sheet.say(&format!(
            "This chain sees no IPv{}: where another chain drops that, add these lines there too.",
            family.number()
        ));
    }
    sheet.blank();
    let mut inward = nftables::lines(request, Direction::In);
    // Each is put before the one before it: in the chain they read 1, 3.
    inward.reverse();
    for line in &inward {
        sheet.rule(
            format!("insert rule {place} {} comment \"{}\"", line.text, tag(&line.rule)),
            &[&line.rule],
        );
    }
    if request.tracking == Tracking::Stateful {
        sheet.say(&format!(
            "The chain must also have `ct state established,related accept`{}, as nearly every one has.",
            if request.output == Output::Dropped { ", and that of the output" } else { "" }
        ));
    }
    let outward = nftables::lines(request, Direction::Out);
    if !outward.is_empty() {
        let place = format!("{} {} output", chain.family, chain.table);
        sheet.say(&format!("What leaves, in the chain `{place}`: its name is a guess."));
        for line in outward.iter().rev() {
            sheet.rule(
                format!("insert rule {place} {} comment \"{}\"", line.text, tag(&line.rule)),
                &[&line.rule],
            );
        }
    }
    Ok(sheet)
}
