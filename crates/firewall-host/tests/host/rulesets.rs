//! Is what a kernel follows read, compared and changed as it should be?
//!
//! The files in `nft/` are what `nft -j list ruleset` said in network namespaces into which these rules had
//! been loaded, one object a line; those that end in `.save` are what `iptables-save` said of the same.

use std::path::Path;

use firewall::{Chain, Exposure, Families, Modes, Output, Request, Target};
use firewall_host::{Findings, Plan, Ruleset, Seen, check, plan, recognise, removal};

fn said(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nft").join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn ruleset(name: &str) -> Ruleset {
    Ruleset::read(&said(&format!("{name}.json"))).unwrap()
}

fn iptables() -> Ruleset {
    let mut ruleset = ruleset("iptables");
    assert!(ruleset.has_opaque("ip"));
    ruleset.fill_in("ip", &said("iptables.save"));
    ruleset
}

fn request() -> Request {
    crate::request(Families::Both)
}

/// The script and the chains of a plan that puts rules into chains of others.
fn inserted(ruleset: &Ruleset, request: &Request) -> (String, Vec<String>) {
    match plan(ruleset, request) {
        Plan::Insert { script, chains } => (script, chains),
        other => panic!("nothing inserted: {other:?}"),
    }
}

/// `rule 3 61210-61219`, for each that is missing.
fn missing(findings: &Findings) -> Vec<String> {
    let told = findings.missing.iter();
    told.map(|missing| {
        format!(
            "rule {} {} {}",
            missing.rule.number,
            missing.ports,
            if missing.opens { "new" } else { "rest" }
        )
    })
    .collect()
}

#[test]
fn a_complete_set_is_good_and_needs_nothing() {
    let findings = check(&ruleset("complete"), &request());
    assert!(findings.is_good() && findings.filtered, "{findings:?}");
    // Of the blocked addresses only IPv4 has any; and they are not those of the server's clients by intent.
    assert!(findings.open_questions.iter().all(|told| told.contains("@bad")), "{findings:?}");
    assert_eq!(findings.open_questions.len(), 2, "{findings:?}");
    assert_eq!(plan(&ruleset("complete"), &request()), Plan::Nothing { ours: false });
    assert_eq!(removal(&ruleset("complete")), None);
}

#[test]
fn where_nothing_filters_nothing_is_missing_and_a_table_of_our_own_is_made() {
    let findings = check(&ruleset("empty"), &request());
    assert!(findings.is_good() && !findings.filtered);
    let Plan::Own { script, .. } = plan(&ruleset("empty"), &request()) else { panic!("no table of our own") };
    assert!(script.contains("policy drop") && script.contains("tcp dport 22 "), "{script}");
    assert!(Ruleset::read("").is_ok());
}

#[test]
fn each_rule_that_is_missing_is_named_with_who_drops_it() {
    let findings = check(&ruleset("ssh-only"), &request());
    assert_eq!(missing(&findings), ["rule 1 2121 new", "rule 3 61210-61219 new"]);
    assert!(
        findings.missing[0].to_string().ends_with("dropped by the policy of inet filter input"),
        "{findings:?}"
    );
}

#[test]
fn what_a_policy_drops_is_added_at_the_end_of_its_chain() {
    let (script, chains) = inserted(&ruleset("ssh-only"), &request());
    assert_eq!(chains, ["inet filter input"]);
    assert_eq!(
        script,
        "add rule inet filter input tcp dport 2121 ct state new accept comment \"pasv rule 1\"\n\
         add rule inet filter input tcp dport 61210-61219 ct state new accept comment \"pasv rule 3\"\n"
    );
}

#[test]
fn networks_of_clients_are_named_one_by_one() {
    let request = Request {
        from: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::1/128".parse().unwrap()],
        ..request()
    };
    let (script, _) = inserted(&ruleset("ssh-only"), &request);
    assert!(script.contains("input ip saddr 192.0.2.0/24 tcp dport 2121 "), "{script}");
    assert!(script.contains("input ip6 saddr 2001:db8::1 tcp dport 61210-61219 "), "{script}");
    assert_eq!(script.lines().count(), 4, "{script}");
}

#[test]
fn what_is_too_wide_is_named() {
    let both = Request { modes: Modes::Both, output: Output::Dropped, ..request() };
    let findings = check(&ruleset("wide"), &both);
    let told: Vec<String> = findings.wide.iter().map(ToString::to_string).collect();
    let expected = [
        "opens port 20 inward",
        "opens 60000-65535, but the server needs 2121,61210-61219",
        "every connection from source port 20",
        "connections from 1024-65535; from there the site sends answers only",
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "{told} does not say: {expected}");
    }
    // Rule 4 of active mode, from port 20, is not covered by what is above 1023.
    assert_eq!(missing(&findings), ["rule 4 20 new"]);
    // The server is for some, and the rules are for all.
    let few = Request { from: vec!["192.0.2.0/24".parse().unwrap()], ..request() };
    let told = check(&ruleset("complete"), &few).wide;
    assert!(told.iter().any(|wide| wide.what.contains("to everybody")), "{told:?}");
}

#[test]
fn what_depends_on_an_interface_is_no_verdict() {
    let findings = check(&ruleset("zones"), &request());
    // Clients that come by neither interface are dropped; which they come by is not known here.
    assert!(findings.missing.iter().all(|missing| !missing.except.is_empty()), "{findings:#?}");
    assert!(findings.missing[0].except.iter().any(|when| when.contains("iifname eth1")), "{findings:#?}");
}

#[test]
fn every_chain_on_the_way_has_its_say() {
    let findings = check(&ruleset("two-tables"), &request());
    // The IPv4 table accepts what it must; the raw one drops half of the range, in IPv6 alone.
    assert_eq!(missing(&findings), ["rule 3 61215-61219 new", "rule 3 61215-61219 rest"]);
    assert!(findings.missing[0].by.contains("in inet raw pre"), "{findings:#?}");
    let (script, chains) = inserted(&ruleset("two-tables"), &request());
    assert_eq!(chains, ["inet raw pre"], "{script}");
    assert!(script.starts_with("insert rule inet raw pre handle 2 "), "{script}");
}

#[test]
fn who_goes_to_a_chain_does_not_come_back_and_who_jumps_does() {
    assert_eq!(missing(&check(&ruleset("gotos"), &request())), ["rule 1 2121 new"]);
}

#[test]
fn what_is_ours_is_found_by_its_comments_and_nothing_else_is_taken_away() {
    let script = removal(&ruleset("applied")).expect("there are rules of ours");
    let lines: Vec<&str> = script.lines().collect();
    assert_eq!(lines.len(), 3, "{script}");
    assert!(
        lines.iter().take(2).all(|line| line.starts_with("delete rule inet filter input handle ")),
        "{script}"
    );
    assert!(lines[2].starts_with("delete rule ip6 filter input handle "), "{script}");
    // They are of other settings: named as too wide, and written again.
    let findings = check(&ruleset("applied"), &request());
    assert_eq!(missing(&findings), ["rule 3 61213-61219 new"]);
    assert!(findings.wide.len() == 1 && findings.wide[0].ours, "{findings:?}");
    assert!(findings.wide[0].what.contains("for a server with other settings"), "{findings:?}");
    let (script, _) = inserted(&ruleset("applied"), &request());
    assert!(
        script.matches("delete rule").count() == 3 && script.contains("tcp dport 61210-61219"),
        "{script}"
    );
    let fits = Request {
        exposure: Exposure {
            passive_ports: vec![61210..=61212],
            families: Families::Ipv4,
            ..request().exposure
        },
        ..request()
    };
    let (script, chains) = inserted(&ruleset("applied"), &fits);
    assert!(script.contains("delete rule ip6 ") && chains == ["inet filter input"], "{script}");
}

#[test]
fn iptables_is_read_through_its_own_words() {
    // As nft shows them, the parts that iptables wrote are opaque, and no verdict is given.
    let blind = check(&ruleset("iptables"), &request());
    assert!(blind.missing.iter().all(|missing| !missing.except.is_empty()), "{blind:#?}");
    let findings = check(&iptables(), &request());
    assert!(findings.is_good(), "{findings:#?}");
    // All but one network.
    assert!(
        findings.open_questions.iter().all(|told| told.contains("left out of: ! -s 198.51.100.0/24")),
        "{findings:#?}"
    );
    assert_eq!(findings.open_questions.len(), 2, "{findings:#?}");
    let other = Request {
        exposure: Exposure { passive_ports: vec![61210..=61220], ..request().exposure },
        ..request()
    };
    assert_eq!(missing(&check(&iptables(), &other)), ["rule 3 61220 new"]);
    let (script, _) = inserted(&iptables(), &other);
    // Before the REJECT, and without what iptables could not list any more.
    assert!(script.contains("insert rule ip filter INPUT handle "), "{script}");
    assert!(!script.contains("ct state") && !script.contains('{'), "{script}");
}

#[test]
fn the_firewall_that_runs_is_recognised() {
    let nft = |name| Seen { ruleset: Some(ruleset(name)), ..Seen::default() };
    let target = |seen: &Seen| recognise(seen).target;
    assert_eq!(target(&nft("empty")), Target::Nftables);
    assert_eq!(target(&nft("iptables")), Target::IptablesInsert);
    let found = recognise(&nft("complete"));
    assert_eq!((found.target, found.chain), (Target::NftablesInsert, Some(Chain::default())));
    let ufw = Seen { ufw: Some("Status: active\n\nTo  Action\n".into()), ..nft("iptables") };
    assert_eq!(target(&ufw), Target::Ufw);
    let idle = Seen { ufw: Some("Status: inactive\n".into()), ..nft("empty") };
    assert_eq!(target(&idle), Target::Nftables);
    assert_eq!(target(&Seen { firewalld: Some("running\n".into()), ..nft("complete") }), Target::Firewalld);
    let legacy = Seen { iptables: Some("*filter\n:INPUT DROP [0:0]\nCOMMIT\n".into()), ..Seen::default() };
    assert_eq!(target(&legacy), Target::IptablesInsert);
    assert!(recognise(&Seen::default()).why.contains("cannot be read"));
}

/// Anyone who may change the firewall makes the listing: it may be anything.
#[test]
fn listings_that_make_no_sense_are_refused_or_read_over() {
    for bad in ["x", "[]", "{}", "{\"nftables\": 3}", "{\"nftables\": [{\"rule\""] {
        assert!(Ruleset::read(bad).is_err(), "{bad}");
    }
    // Two chains that jump into each other: no kernel has them, and nobody waits for them for ever.
    let loops = r#"{"nftables": [
        {"chain": {"family": "inet", "table": "t", "name": "a", "type": "filter", "hook": "input", "policy": "drop"}},
        {"chain": {"family": "inet", "table": "t", "name": "b"}},
        {"rule": {"family": "inet", "table": "t", "chain": "a", "expr": [{"jump": {"target": "b"}}]}},
        {"rule": {"family": "inet", "table": "t", "chain": "b", "expr": [{"limit": {}}, {"jump": {"target": "b"}}]}},
        {"rule": {"family": "inet", "table": "t", "chain": "b", "expr": [{"quota": {}}, {"jump": {"target": "b"}}]}},
        {"rule": {"family": "inet", "table": "t", "chain": "b", "expr": [{"meta": {}}, {"jump": {"target": "b"}}]}},
        {"rule": {"family": "inet", "table": "t", "chain": "b", "expr": [{"jump": {"target": "b"}}]}},
        {"rule": {"family": "inet", "table": "t", "chain": "b", "expr": [{"match": {}}, {"vmap": {}}, {"accept": null}]}},
        {"rule": {"family": "inet", "table": "t", "chain": "b", "expr": [{"match": {"op": "<", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 0}}, {"accept": null}]}}
    ]}"#;
    let findings = check(&Ruleset::read(loops).unwrap(), &request());
    assert!(findings.missing.is_empty(), "{findings:?}");
    assert!(findings.open_questions.iter().any(|told| told.contains("decided by")), "{findings:?}");
}
