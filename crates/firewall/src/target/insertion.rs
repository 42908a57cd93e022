//! What is put into a chain of nftables that somebody else made, and that drops by itself?

use crate::request::{Output, Request, Tracking};
use crate::rules::Direction;
use crate::sheet::{Sheet, tag};
use crate::target::nftables;

pub(super) fn write(request: &Request) -> Sheet {
    let chain = &request.chain;
    let place = format!("{} {} {}", chain.family, chain.table, chain.name);
    let mut sheet = Sheet::new("#");
    sheet.say(&format!("nftables, on the server itself: beside what is in the chain `{place}` already."));
    sheet.say(
        "Load:    nft -f FILE, once: each time adds the lines again (`pasv firewall --apply` looks first)",
    );
    sheet.say("Remove:  pasv firewall --remove, or `nft -a list ruleset` and `nft delete rule ... handle N`");
    sheet.say("To last, the lines belong into the file from which the rules are loaded at the start (/etc/nftables.conf).");
    sheet
        .say("Rules stand before what is there: a list of refused addresses in the same chain is passed by.");
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
    sheet
}
