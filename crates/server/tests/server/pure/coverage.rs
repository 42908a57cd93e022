//! Do the stories cover everything that can be said?
use std::collections::{BTreeSet, HashSet};

use server::Reason;
use wire::Verb;
use wire::verb::TABLE;

use crate::pure;
use crate::story::{self, Act};

#[test]
fn every_verb_is_in_a_story() {
    let mut said = HashSet::new();
    for story in story::all() {
        for line in story.steps {
            if let Act::Say(text) = line.what.act {
                // Names of ports are of no matter here.
                let bytes = text.bytes(|name| Ok(name.to_owned())).expect("names are known");
                for line in bytes.split(|b| *b == b'\n') {
                    let word = line.split(|b| matches!(b, b' ' | b'\r')).next().unwrap_or_default();
                    said.extend(Verb::parse(word));
                }
            }
        }
    }
    let missing: Vec<_> = TABLE.iter().filter(|row| !said.contains(&row.verb)).map(|row| row.name).collect();
    assert!(missing.is_empty(), "no story says {missing:?}");
}

#[tokio::test]
async fn stories_give_every_reason() {
    let (given, _) = pure::tell_all().await;
    // Said before there is a session, and where claims are shared by several: `balanced`, `turns` and
    // `registry` have these.
    let elsewhere = [Reason::NoProxyHeader, Reason::PortYielded, Reason::Ended, Reason::UserFull];
    let said = |reason: &&Reason| given.contains(reason) || elsewhere.contains(reason);
    let missing: BTreeSet<_> = Reason::ALL.iter().filter(|r| !said(r)).map(|r| r.name()).collect();
    assert!(missing.is_empty(), "no story is refused for {missing:?}");
}
