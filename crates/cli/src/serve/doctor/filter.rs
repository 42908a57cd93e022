//! Does this machine's own firewall let the site through, as far as its rules tell?
use ::firewall::{Findings, Request, check};

use super::{SHOWN, Weight};
use crate::firewall::machine;
use crate::serve;

/// The rules of this machine, compared with what the site needs.
#[derive(Debug)]
pub(super) enum Filter {
    Compared {
        findings: Findings,
        /// The programs of the kind before nftables that have rules here too, which are not among those compared.
        unseen: Vec<&'static str>,
    },
    /// Why the rules cannot be read, and what helps.
    Unread { why: String, hint: &'static str },
}

/// The same comparison as `pasv firewall --check`. None: nobody but this machine reaches the site, so that no rule is
/// in its way.
pub(super) fn compared(site: &serve::Flags) -> Option<Filter> {
    site.is_reached().then(|| match machine::ruleset() {
        Ok(ruleset) => Filter::Compared {
            findings: check(&ruleset, &Request::of(site.firewall_plan())),
            unseen: machine::legacy().collect(),
        },
        Err(why) => Filter::Unread { why, hint: machine::hint() },
    })
}

/// Pure: the same comparison, the same findings.
pub(super) fn judge(filter: &Filter, find: &mut impl FnMut(Weight, String, String, Option<String>)) {
    const SOURCE: &str = "the rules of nftables on this machine";
    let (findings, unseen) = match filter {
        Filter::Compared { findings, unseen } => (findings, unseen),
        Filter::Unread { why, hint } => {
            let says = "it is not known whether this machine's firewall lets the site through".to_owned();
            return find(Weight::Unsure, says, why.clone(), Some((*hint).to_owned()));
        }
    };
    // What is quoted of the rules is whatever somebody wrote: it drives no terminal.
    let plain = |text: String| wire::pathname::show(text.as_bytes());
    for missing in &findings.missing {
        // What passes for some clients may be all that the keeper wants; only he knows.
        let (weight, fix) = if missing.except.is_empty() {
            let fix = "`pasv firewall --apply` with the flags of this site lets it through (nftables); \
                       `pasv firewall` prints the lines";
            (Weight::Wrong, fix)
        } else {
            let fix = "whether that is all who shall come in, the site's keeper knows: \
                       `pasv firewall --check --from CIDR` compares for these";
            (Weight::Unsure, fix)
        };
        find(weight, plain(missing.to_string()), SOURCE.to_owned(), Some(fix.to_owned()));
    }
    for wide in &findings.wide {
        let fix = if wide.ours {
            "`pasv firewall --apply` with the flags of this site brings it up to date"
        } else {
            "narrow that rule; `pasv firewall --explain` tells which ports the site needs, and why"
        };
        find(Weight::Unsure, plain(wide.by.clone()), plain(wide.what.clone()), Some(fix.to_owned()));
    }
    if !findings.open_questions.is_empty() {
        let mut evidence = findings.open_questions.iter().take(SHOWN).cloned().collect::<Vec<_>>().join("; ");
        if let Some(more @ 1..) = findings.open_questions.len().checked_sub(SHOWN) {
            evidence.push_str(&format!("; and {more} more, which `pasv firewall --check` tells"));
        }
        let says = "the firewall's rules do not tell whether all that the site needs passes".to_owned();
        let fix = "`pasv doctor ftp://...` from a client's place decides it".to_owned();
        find(Weight::Unsure, says, plain(evidence), Some(fix));
    }
    if let Some(program) = unseen.first() {
        let says = format!("rules of {} are not among those that were compared", unseen.join(" and "));
        let fix = format!("`{program}-legacy-save` prints them, and `pasv firewall` what has to be in them");
        find(Weight::Unsure, says, "they are of the kind before nftables".to_owned(), Some(fix));
    }
    if !findings.missing.is_empty() || !findings.open_questions.is_empty() || !unseen.is_empty() {
        return;
    }
    if findings.filtered {
        let says = "what the site needs passes this machine's firewall".to_owned();
        find(Weight::Fine, says, SOURCE.to_owned(), None);
    } else {
        let says = "nothing on this machine drops what comes in".to_owned();
        let evidence = "every port of it is open, the site's too; `pasv firewall --apply` closes the others";
        find(Weight::Fine, says, evidence.to_owned(), None);
    }
}

#[cfg(test)]
mod tests {
    use ::firewall::{Active, Families, Ruleset, Site};

    use super::*;

    const SITE: [u16; 2] = [2121, 61210];
    const FOLLOWED: &str = r#"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}"#;

    /// A chain for what comes in, as nft tells it.
    fn rules(policy: &str, rules: &[String]) -> Ruleset {
        let mut items = vec![
            r#"{"metainfo": {"json_schema_version": 1}}"#.to_owned(),
            r#"{"table": {"family": "inet", "name": "filter", "handle": 1}}"#.to_owned(),
            format!(
                r#"{{"chain": {{"family": "inet", "table": "filter", "name": "input", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "{policy}"}}}}"#
            ),
        ];
        items.extend(rules.iter().zip(2..).map(|(line, handle)| {
            format!(
                r#"{{"rule": {{"family": "inet", "table": "filter", "chain": "input", "handle": {handle}, "expr": [{line}]}}}}"#
            )
        }));
        Ruleset::read(&format!(r#"{{"nftables": [{}]}}"#, items.join(", "))).unwrap()
    }

    fn port(ports: &str) -> String {
        format!(
            r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "tcp", "field": "dport"}}}}, "right": {ports}}}}}, {{"accept": null}}"#
        )
    }

    fn from(net: &str, then: &str) -> String {
        format!(
            r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "ip", "field": "saddr"}}}}, "right": "{net}"}}}}, {then}"#
        )
    }

    fn compared(ruleset: &Ruleset) -> Filter {
        let [control, passive] = SITE;
        let site = Site {
            control_ports: vec![control],
            implicit_ports: vec![],
            passive_ports: vec![passive..=passive + 9],
            active: Active::FromAnyPort,
            families: Families::Ipv4,
        };
        Filter::Compared { findings: check(ruleset, &Request::of(site)), unseen: vec![] }
    }

    fn found(filter: &Filter) -> Vec<(Weight, String)> {
        let mut found = Vec::new();
        judge(filter, &mut |weight, says, evidence, fix| {
            found.push((weight, format!("{says} ({evidence}) {}", fix.unwrap_or_default())));
        });
        found
    }

    #[test]
    fn what_is_dropped_is_wrong_and_told_by_its_rule() {
        let found = found(&compared(&rules("drop", &[FOLLOWED.into(), port("2121")])));
        let [(Weight::Wrong, said)] = &found[..] else { panic!("{found:?}") };
        assert!(said.starts_with("rule 3 (in, to 61210-61219)"), "{said}");
        assert!(said.contains("`pasv firewall --apply`"), "{said}");
    }

    #[test]
    fn what_is_dropped_for_some_is_for_the_keeper_to_judge() {
        let whole = port(r#"{"range": [61210, 61219]}"#);
        let some = [FOLLOWED.into(), port("2121"), from("192.0.2.7", &whole)];
        let found = found(&compared(&rules("drop", &some)));
        let [(Weight::Unsure, said)] = &found[..] else { panic!("{found:?}") };
        assert!(said.starts_with("rule 3") && said.contains("--from CIDR"), "{said}");
    }

    #[test]
    fn what_passes_is_fine_and_what_is_too_wide_is_looked_at() {
        let good = [FOLLOWED.into(), port("2121"), port(r#"{"range": [61210, 61219]}"#)];
        let found_good = found(&compared(&rules("drop", &good)));
        assert!(
            matches!(&found_good[..], [(Weight::Fine, said)] if said.contains("passes")),
            "{found_good:?}"
        );
        let wide = [FOLLOWED.into(), port("2121"), port(r#"{"range": [1024, 65535]}"#)];
        let found_wide = found(&compared(&rules("drop", &wide)));
        let [(Weight::Unsure, said), (Weight::Fine, _)] = &found_wide[..] else { panic!("{found_wide:?}") };
        assert!(said.contains("1024-65535") && said.contains("narrow that rule"), "{said}");
    }

    #[test]
    fn where_nothing_filters_that_is_said() {
        let found = found(&compared(&rules("accept", &[])));
        assert!(matches!(&found[..], [(Weight::Fine, said)] if said.starts_with("nothing on this machine")));
    }

    #[test]
    fn what_is_not_known_is_told_with_what_decides_it() {
        let unread = Filter::Unread { why: "nft: not permitted".into(), hint: "try with sudo" };
        let unread = found(&unread);
        assert!(
            matches!(&unread[..], [(Weight::Unsure, said)] if said.ends_with("(nft: not permitted) try with sudo"))
        );
        // Nothing in nftables drops, and yet that is not all.
        let Filter::Compared { mut findings, .. } = compared(&rules("accept", &[])) else { unreachable!() };
        let older = found(&Filter::Compared { findings: findings.clone(), unseen: vec!["iptables"] });
        assert!(
            matches!(&older[..], [(Weight::Unsure, said)] if said.contains("iptables-legacy-save")),
            "{older:?}"
        );
        findings.open_questions = (1..=5).map(|n| format!("question {n}\x1b")).collect();
        let open = found(&Filter::Compared { findings, unseen: vec![] });
        let [(Weight::Unsure, said)] = &open[..] else { panic!("{open:?}") };
        assert!(said.contains("and 2 more") && !said.contains('\x1b'), "{said}");
    }
}
