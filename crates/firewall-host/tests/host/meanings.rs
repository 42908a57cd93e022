//! Is each test of a rule taken for what it means to the kernel, and no chain for one that packets never come
//! through?

use firewall::{Families, Request, Target};
use firewall_host::{Findings, Plan, Ruleset, Seen, check, plan, recognise};

use crate::request;

const FOLLOWED: &str = r#"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}"#;
const SITE: &str = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [2121, {"range": [61210, 61219]}]}}}"#;
const ACCEPT: &str = r#"{"accept": null}"#;

/// Chains, each `family table name hook policy` (or without the last two), with their rules.
fn ruleset(chains: &[(&str, &[&str])]) -> Ruleset {
    let mut items = Vec::new();
    let mut handle = 0;
    for (head, rules) in chains {
        let words: Vec<&str> = head.split(' ').collect();
        let [family, table, name, base @ ..] = &words[..] else { panic!("{head}") };
        let base = match base {
            [hook, policy] => {
                format!(r#", "type": "filter", "hook": "{hook}", "prio": 0, "policy": "{policy}""#)
            }
            _ => String::new(),
        };
        items.push(format!(
            r#"{{"chain": {{"family": "{family}", "table": "{table}", "name": "{name}"{base}}}}}"#
        ));
        for rule in *rules {
            handle += 1;
            items.push(format!(
                r#"{{"rule": {{"family": "{family}", "table": "{table}", "chain": "{name}", "handle": {handle}, "expr": [{rule}]}}}}"#
            ));
        }
    }
    Ruleset::read(&format!(r#"{{"nftables": [{}]}}"#, items.join(", "))).unwrap()
}

/// One chain of a host that drops what no rule names.
fn host(rules: &[&str]) -> Ruleset {
    ruleset(&[("inet filter input input drop", rules)])
}

fn field(protocol: &str, field: &str, op: &str, right: &str) -> String {
    format!(
        r#"{{"match": {{"op": "{op}", "left": {{"payload": {{"protocol": "{protocol}", "field": "{field}"}}}}, "right": {right}}}}}"#
    )
}

fn meta(key: &str, right: &str) -> String {
    format!(r#"{{"match": {{"op": "==", "left": {{"meta": {{"key": "{key}"}}}}, "right": "{right}"}}}}"#)
}

fn jump(to: &str) -> String {
    format!(r#"{{"jump": {{"target": "{to}"}}}}"#)
}

fn all(parts: &[&str]) -> String {
    parts.join(", ")
}

/// What is new and does not come in, by its rules.
fn closed(findings: &Findings) -> Vec<u8> {
    findings.missing.iter().map(|missing| missing.rule.number).collect()
}

/// In a table of both families, who asks for a field of IPv4 does not mean IPv6.
#[test]
fn a_field_of_one_family_is_none_of_the_other() {
    let private = r#"{"prefix": {"addr": "10.0.0.0", "len": 8}}"#;
    for asked in [
        field("ip", "protocol", "==", "\"tcp\""),
        field("ip", "saddr", "!=", private),
        field("ip", "ttl", ">", "0"),
    ] {
        let rules = host(&[FOLLOWED, &all(&[&asked, SITE, ACCEPT])]);
        let only = check(&rules, &request(Families::Ipv4));
        let both = check(&rules, &request(Families::Both));
        let new = |findings: &Findings| findings.missing.iter().filter(|m| m.except.is_empty()).count();
        assert_eq!(new(&only), 0, "{asked}: {only:?}");
        assert_eq!(new(&both), 2, "{asked}: {both:?}");
    }
}

#[test]
fn the_loopback_interface_is_known_by_its_kind_too() {
    let rules = host(&[FOLLOWED, &all(&[&meta("iiftype", "loopback"), ACCEPT])]);
    let findings = check(&rules, &request(Families::Both));
    assert_eq!(closed(&findings), [1, 3]);
    assert!(findings.missing.iter().all(|missing| missing.except.is_empty()), "{findings:?}");
}

/// To a program in user space, or answered by one in between: whether it passes is not for us to say.
#[test]
fn what_others_decide_is_not_known() {
    for other in [r#"{"queue": {"num": 0}}"#, r#"{"synproxy": null}"#] {
        let rules = host(&[FOLLOWED, &all(&[SITE, other])]);
        let findings = check(&rules, &request(Families::Both));
        assert!(findings.undecided && findings.missing.is_empty(), "{findings:?}");
    }
    let good = host(&[FOLLOWED, &all(&[SITE, ACCEPT])]);
    assert!(!check(&good, &request(Families::Both)).undecided);
}

#[test]
fn who_opens_all_is_too_wide_where_it_would_be_closed() {
    let wide = |rules: &Ruleset| check(rules, &request(Families::Both)).wide;
    let new =
        r#"{"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": "new"}}, {"accept": null}"#;
    for bare in [ACCEPT, new] {
        let told = wide(&host(&[FOLLOWED, bare]));
        assert!(told.len() == 1 && told[0].what.contains("opens every port"), "{told:?}");
    }
    // Of one interface, of one network, or where nothing would drop it: no business of the server's.
    let lan = all(&[&meta("iifname", "eth1"), ACCEPT]);
    let net = all(&[&field("ip", "saddr", "==", "\"192.0.2.1\""), ACCEPT]);
    assert_eq!(wide(&host(&[FOLLOWED, &all(&[SITE, ACCEPT]), &lan, &net])), []);
    assert_eq!(wide(&ruleset(&[("inet filter input input accept", &[ACCEPT])])), []);
}

#[test]
fn chains_that_nothing_that_comes_in_reaches_are_no_matter() {
    let wide = all(&[&field("tcp", "dport", "==", r#"{"range": [1024, 65535]}"#), ACCEPT]);
    let exposure = all(&[SITE, ACCEPT]);
    let rules = |forward: &str| {
        ruleset(&[
            ("inet filter input input drop", &[FOLLOWED, &exposure, &jump("services")]),
            ("inet filter services", &[&jump("more")]),
            ("inet filter more", &[]),
            ("inet filter forward forward drop", &[forward]),
            ("inet filter routed", &[&wide]),
            ("inet filter unused", &[&wide]),
        ])
    };
    assert_eq!(check(&rules(&jump("routed")), &request(Families::Both)).wide, []);
    let deep = ruleset(&[
        ("inet filter input input drop", &[FOLLOWED, &exposure, &jump("services")]),
        ("inet filter services", &[&jump("more")]),
        ("inet filter more", &[&wide]),
    ]);
    assert_eq!(check(&deep, &request(Families::Both)).wide.len(), 1);
}

#[test]
fn clients_that_are_not_the_sites_are_too_many() {
    let request = Request {
        from: vec!["192.0.2.0/24".parse().unwrap(), "192.0.2.0/25".parse().unwrap()],
        ..request(Families::Both)
    };
    let of = |net: &str| all(&[&field("ip", "saddr", "==", net), SITE, ACCEPT]);
    let told = |rule: String| check(&host(&[FOLLOWED, &rule]), &request).wide;
    assert_eq!(told(of(r#"{"prefix": {"addr": "192.0.2.0", "len": 24}}"#)), []);
    assert_eq!(told(of(r#"{"set": ["192.0.2.7", "192.0.2.8"]}"#)), []);
    let wide = told(of(r#"{"prefix": {"addr": "192.0.0.0", "len": 16}}"#));
    assert!(wide.iter().all(|wide| wide.what.contains("others too")) && wide.len() == 2, "{wide:?}");
}

/// What sees one device alone may be in the way, or not.
#[test]
fn who_drops_at_a_device_leaves_it_unknown() {
    let exposure = all(&[SITE, ACCEPT]);
    let host: (&str, &[&str]) = ("inet filter input input drop", &[FOLLOWED, &exposure]);
    let with = |device: &[&str]| {
        check(&ruleset(&[host, ("netdev f i ingress accept", device)]), &request(Families::Both))
    };
    let dropped = with(&[&all(&[SITE, r#"{"drop": null}"#])]);
    assert!(dropped.undecided && dropped.missing.is_empty(), "{dropped:?}");
    assert!(dropped.open_questions[0].contains("by the device of netdev f i"), "{dropped:?}");
    let other = all(&[&field("tcp", "dport", "==", "25"), r#"{"drop": null}"#]);
    let open = with(&[&other]);
    assert!(!open.undecided && open.open_questions.is_empty(), "{open:?}");
}

/// What one family lacks is told of that one.
#[test]
fn a_family_that_lacks_something_alone_is_named() {
    let v4 = all(&[&meta("nfproto", "ipv4"), SITE, ACCEPT]);
    let told = |families| {
        let missing = check(&host(&[FOLLOWED, &v4]), &request(families)).missing;
        missing.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let both = told(Families::Both);
    assert!(both.len() == 2 && both[0].starts_with("rule 1 (in, to 2121, over IPv6), "), "{both:?}");
    assert!(told(Families::Ipv4).is_empty());
    let closed = check(&host(&[FOLLOWED]), &request(Families::Both)).missing;
    assert!(closed.len() == 2 && closed[0].to_string().starts_with("rule 1 (in, to 2121), "), "{closed:?}");
}

/// arptables and ebtables have chains of these names too.
#[test]
fn filters_of_other_layers_are_not_taken_for_ours() {
    let arp = ruleset(&[("arp filter INPUT input drop", &[]), ("bridge filter INPUT input drop", &[])]);
    let findings = check(&arp, &request(Families::Both));
    assert!(findings.is_good() && !findings.filtered, "{findings:?}");
    assert!(matches!(plan(&arp, &request(Families::Both)), Plan::Own { .. }));
}

/// The kernel takes any name, and a script of nft would read some as commands.
#[test]
fn names_that_nft_would_misread_are_not_written() {
    for name in ["a; flush ruleset", "a b", "1", "input\\nflush ruleset"] {
        let rules = format!(
            r#"{{"nftables": [{{"chain": {{"family": "inet", "table": "filter", "name": "{name}", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}}}}]}}"#
        );
        let plan = plan(&Ruleset::read(&rules).unwrap(), &request(Families::Both));
        assert!(matches!(&plan, Plan::Refused(why) if why.contains("cannot be written")), "{plan:?}");
    }
}

#[test]
fn the_firewall_is_known_by_what_it_closes() {
    let banned = all(&[&field("ip", "saddr", "==", "\"@banned\""), r#"{"drop": null}"#]);
    let reject = r#"{"reject": {"type": "icmpx", "expr": "admin-prohibited"}}"#;
    let found = |rules: Ruleset| recognise(&Seen { ruleset: Some(rules), ..Seen::default() });
    // A list of refused addresses, then the chain that closes: with a policy, or with a last rule.
    let list: (&str, &[&str]) = ("inet f2b-table f2b-chain input accept", &[&banned]);
    assert_eq!(found(ruleset(&[list])).target, Target::Nftables);
    for (head, rules) in
        [("inet host in input drop", &[FOLLOWED][..]), ("inet host in input accept", &[FOLLOWED, reject])]
    {
        let both = found(ruleset(&[list, (head, rules)]));
        assert_eq!(both.target, Target::NftablesInsert);
        assert_eq!(both.chain.map(|chain| chain.table), Some("host".into()));
    }
    // The chain of both families before that of one.
    let two = ruleset(&[("ip old in input drop", &[]), ("inet host in input drop", &[])]);
    assert_eq!(found(two).chain.map(|chain| chain.family), Some("inet".into()));
    // A host of containers: what is forwarded is closed, and what comes in is not.
    let containers: [(&str, &[&str]); 3] = [
        ("ip filter INPUT input accept", &[]),
        ("ip filter FORWARD forward drop", &[&jump("DOCKER-USER")]),
        ("ip filter DOCKER-USER", &[]),
    ];
    assert_eq!(found(ruleset(&containers)).target, Target::Nftables);
    // Seen by its table alone, where its program is not asked.
    let theirs = ruleset(&[("inet firewalld filter_INPUT input accept", &[FOLLOWED, reject])]);
    assert_eq!(found(theirs).target, Target::Firewalld);
}
