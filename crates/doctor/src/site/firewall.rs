//! Does this machine's own firewall let the site through, as far as its rules tell?
use ::firewall::{Active, Exposure, Mode, Modes, Request, Rule, Rules, Target};
use firewall_host::{Findings as Compared, Missing, Recognised, Ruleset, check, machine};

use super::few;
use crate::finding::Findings;
use crate::verdict::Verdict;

/// The port that HTTP-01 asks (RFC 8555 8.3).
pub(super) const HTTP: u16 = 80;

/// The rules of this machine, compared with what the site needs.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
pub(super) enum Filter {
    Read {
        compared: Compared,
        /// What of it belongs to active mode, where the site offers that beside passive mode.
        active: Option<[Rule; 2]>,
        /// What port 80 would need, where an authority asks it.
        http: Option<Compared>,
        /// What runs here.
        recognised: Recognised,
        /// The programs of the kind before nftables that have rules here too, which are not among those
        /// compared.
        unseen: Vec<&'static str>,
    },
    /// Why the rules cannot be read, and what helps.
    Unread { why: String, hint: &'static str },
}

/// Does something pass?
#[derive(Debug)]
pub(super) enum Passage {
    /// As far as the rules tell, it does.
    Open,
    /// By which rule, or which policy.
    Dropped(String),
    /// What it depends on.
    Unclear(String),
}

/// The same comparison as `pasv firewall --check`, for every mode that the site offers. None: nobody but this
/// machine reaches the site, so that no rule is in its way.
pub(super) fn gather(target: &super::Target) -> Option<Filter> {
    let config = &target.config;
    if !config.is_reached() {
        return None;
    }
    Some(match machine::ruleset() {
        Ok(ruleset) => compared(
            &ruleset,
            config.into(),
            config.tls.acme.port_asked() == Some(HTTP),
            machine::recognised(),
            machine::legacy().collect(),
        ),
        Err(why) => Filter::Unread { why: machine::unread(&why), hint: machine::hint() },
    })
}

fn compared(
    ruleset: &Ruleset,
    site: Exposure,
    asked: bool,
    recognised: Recognised,
    unseen: Vec<&'static str>,
) -> Filter {
    let rules = Rules::of(&site);
    let passive = rules.data(Mode::Passive).is_some();
    let active = rules.data(Mode::Active).filter(|_| passive).cloned();
    // An authority comes as a client of IPv4 or IPv6 does, to another port.
    let web = Exposure {
        control_ports: vec![HTTP],
        implicit_ports: vec![],
        passive_ports: vec![],
        active: Active::Off,
        families: site.families,
    };
    let http = asked.then(|| check(ruleset, &Request { modes: Modes::Active, ..Request::of(web) }));
    let modes = if active.is_some() { Modes::Both } else { Request::of(site.clone()).modes };
    let compared = check(ruleset, &Request { modes, ..Request::of(site) });
    Filter::Read { compared, active, http, recognised, unseen }
}

impl Filter {
    /// Do new connections to port 80 surely pass, or what is in their way? None where the rules are not
    /// known, or were not asked for it.
    pub(super) fn to_port_80(&self) -> Option<Passage> {
        let Self::Read { http: Some(http), unseen, .. } = self else { return None };
        let missing = http.missing.iter().find(|missing| missing.opens && missing.rule.number == 1);
        if let Some(missing) = missing {
            let by = plain(&missing.by);
            return Some(if missing.except.is_empty() {
                Passage::Dropped(by)
            } else {
                Passage::Unclear(format!(
                    "{by} drops it, but where `{}`",
                    plain(&missing.except.join("`, or `"))
                ))
            });
        }
        let questions = http.open_questions.iter().map(|question| plain(question));
        let unseen = unseen.iter().map(|program| format!("rules of {program} are not seen"));
        let unclear: Vec<String> = questions.chain(unseen).collect();
        Some(if unclear.is_empty() { Passage::Open } else { Passage::Unclear(few(&unclear)) })
    }
}

/// What is quoted of the rules is whatever somebody wrote: it drives no terminal.
fn plain(text: &str) -> String {
    wire::pathname::show(text.as_bytes())
}

/// Pure: the same comparison, the same findings.
pub(super) fn judge(filter: &Filter, findings: &mut Findings) {
    let (compared, active, recognised, unseen) = match filter {
        Filter::Read { compared, active, recognised, unseen, .. } => (compared, active, recognised, unseen),
        Filter::Unread { why, hint } => {
            let what = format!(
                "whether the firewall of this machine lets the server through. {}",
                plain(why).trim_end_matches('.')
            );
            return findings.ask(what, *hint);
        }
    };
    let source = plain(&recognised.why);
    for missing in &compared.missing {
        one(missing, active.as_ref(), recognised.target, &source, findings);
    }
    for wide in &compared.wide {
        let fix = if wide.ours {
            "run `pasv firewall --apply` with the flags of this server"
        } else {
            "make that rule narrower; `pasv firewall --explain` shows which ports the server needs, and why"
        };
        findings.warn(Verdict::RuleTooWide, plain(&wide.by), plain(&wide.what), fix);
    }
    if !compared.open_questions.is_empty() {
        let questions: Vec<String> = compared.open_questions.iter().map(|question| plain(question)).collect();
        findings.ask(
            format!(
                "whether the firewall of this machine lets all through that the server needs: {}",
                few(&questions)
            ),
            "run `pasv doctor ftp://...` from a client; `pasv firewall --check` shows all conditions",
        );
    }
    if let Some(program) = unseen.first() {
        findings.ask(
            format!("what the legacy rules of {} do: nft does not show them", unseen.join(" and ")),
            format!("run `{program}-legacy-save` and compare with `pasv firewall`"),
        );
    }
    if !compared.missing.is_empty() || !compared.open_questions.is_empty() || !unseen.is_empty() {
        return;
    }
    if compared.filtered {
        findings.ok(
            Verdict::Firewall,
            "the firewall of this machine lets through what the server needs",
            source,
        );
    } else {
        findings.ok(
            Verdict::Firewall,
            "no firewall is active on this machine",
            "every port is reachable, the server's too; `pasv firewall --apply` closes the others",
        );
    }
}

fn one(missing: &Missing, active: Option<&[Rule; 2]>, target: Target, source: &str, findings: &mut Findings) {
    let says = plain(&missing.to_string());
    if active.is_some_and(|rules| rules.contains(&missing.rule)) {
        // Clients in passive mode are served all the same.
        let fix = "run `pasv firewall --mode both --output-drop` for the rules; or use --no-active, so that active mode is refused at once";
        return findings.warn(Verdict::Firewall, format!("active mode fails: {says}"), source, fix);
    }
    // What passes for some clients may be all that is intended; only the administrator knows.
    if !missing.except.is_empty() {
        let fix = "check whether all clients are covered: `pasv firewall --check --from CIDR` compares for some only";
        return findings.warn(Verdict::Firewall, says, source, fix);
    }
    let fix = match target {
        // They rewrite their chains whenever they like, and so `--apply` leaves them alone.
        Target::Ufw | Target::Firewalld => {
            format!("run `pasv firewall` with the flags of this server for the commands of {}", target.name())
        }
        _ => "run `pasv firewall --apply` with the flags of this server (nftables); `pasv firewall` prints the lines"
            .to_owned(),
    };
    findings.error(Verdict::Firewall, says, source, fix);
}

#[cfg(test)]
mod tests {
    use ::firewall::Families;
    use firewall_host::{Seen, recognise};

    use super::super::tests::{names, text};
    use super::*;
    use crate::verdict::Weight;

    const FOLLOWED: &str = r#"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}"#;
    const FROM_20: &str = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "sport"}}, "right": 20}}, {"accept": null}"#;

    /// A chain of this hook, as nft prints it.
    fn chain(hook: &str, policy: &str, rules: &[&str]) -> Ruleset {
        let of = r#""family": "inet", "table": "filter""#;
        let chain = format!(
            r#"{{"chain": {{{of}, "name": "{hook}", "handle": 1, "type": "filter", "hook": "{hook}", "prio": 0, "policy": "{policy}"}}}}"#
        );
        let rules = rules.iter().zip(2..).map(|(line, handle)| {
            format!(r#", {{"rule": {{{of}, "chain": "{hook}", "handle": {handle}, "expr": [{line}]}}}}"#)
        });
        let rules: String = rules.collect();
        Ruleset::read(&format!(
            r#"{{"nftables": [{{"metainfo": {{"json_schema_version": 1}}}}, {{"table": {{"family": "inet", "name": "filter", "handle": 1}}}}, {chain}{rules}]}}"#
        ))
        .unwrap()
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

    fn site(active: Active) -> Exposure {
        Exposure {
            control_ports: vec![2121],
            implicit_ports: vec![],
            passive_ports: vec![61210..=61219],
            active,
            families: Families::Ipv4,
        }
    }

    fn recognised(ruleset: &Ruleset, ufw: Option<&str>) -> Recognised {
        let ufw = ufw.map(str::to_owned);
        recognise(&Seen { ruleset: Some(ruleset.clone()), ufw, ..Seen::default() })
    }

    fn compared(ruleset: &Ruleset, site: Exposure, asked: bool) -> Filter {
        super::compared(ruleset, site, asked, recognised(ruleset, None), vec![])
    }

    fn found(filter: &Filter) -> Findings {
        let mut findings = Findings::default();
        judge(filter, &mut findings);
        findings
    }

    #[test]
    fn rules_are_compared_with_what_the_server_needs() {
        let (any, off, from_20) = (Active::FromAnyPort, Active::Off, Active::FromPort(20));
        let (control, wide) = (&*port("2121"), &*port(r#"{"range": [1024, 65535]}"#));
        let whole = &*port(r#"{"range": [61210, 61219]}"#);
        let some = &*from("192.0.2.7", whole);
        let only_active = Exposure { passive_ports: vec![], ..site(from_20) };
        let (fine, note, wrong) = (
            (Verdict::Firewall, Weight::Fine),
            (Verdict::Firewall, Weight::Note),
            (Verdict::Firewall, Weight::Hinders),
        );
        let too_wide = (Verdict::RuleTooWide, Weight::Note);
        let dropped = "rule 3 (in, to 61210-61219)";
        for (ruleset, site, wanted, words) in [
            (
                chain("input", "drop", &[FOLLOWED, control]),
                site(any),
                &[wrong][..],
                &[dropped, "`pasv firewall --apply`", "the chain `inet filter input`"][..],
            ),
            (
                chain("input", "drop", &[FOLLOWED, control, some]),
                site(any),
                &[note],
                &["rule 3", "--from CIDR"],
            ),
            (chain("input", "drop", &[FOLLOWED, control, whole]), site(any), &[fine], &[]),
            (
                chain("input", "drop", &[FOLLOWED, control, wide]),
                site(any),
                &[too_wide, fine],
                &["1024-65535", "make that rule narrower"],
            ),
            (chain("input", "accept", &[]), site(any), &[fine], &["no firewall is active"]),
            // Answers pass, new connections do not: rule 4 of active mode.
            (
                chain("output", "drop", &[FOLLOWED]),
                site(from_20),
                &[note],
                &["active mode fails: rule 4 (out, from 20)"],
            ),
            (chain("output", "drop", &[FOLLOWED, FROM_20]), site(from_20), &[fine], &[]),
            (chain("output", "drop", &[FOLLOWED]), site(off), &[fine], &[]),
            // It is all that the site has.
            (chain("output", "drop", &[FOLLOWED]), only_active, &[wrong], &["rule 4"]),
        ] {
            let found = found(&compared(&ruleset, site, false));
            let text = text(&found);
            assert_eq!(names(&found), wanted, "{text}");
            assert!(words.iter().all(|words| text.contains(words)), "{words:?}: {text}");
        }
    }

    #[test]
    fn a_front_end_is_named_and_told_what_to_do() {
        let ruleset = chain("input", "drop", &[FOLLOWED, &port("2121")]);
        let ufw = recognised(&ruleset, Some("Status: active\n"));
        let filter = super::compared(&ruleset, site(Active::Off), false, ufw, vec![]);
        let text = text(&found(&filter));
        assert!(
            text.contains("for the commands of ufw") && text.contains("(ufw is active on this machine)"),
            "{text}"
        );
    }

    #[test]
    fn port_80_is_judged_where_an_authority_asks_it() {
        let of = |rule: &str, asked| {
            let ruleset = chain("input", "drop", &[FOLLOWED, rule]);
            compared(&ruleset, site(Active::Off), asked).to_port_80()
        };
        assert!(of(&port("2121"), false).is_none());
        let closed = of(&port("2121"), true);
        assert!(matches!(closed, Some(Passage::Dropped(by)) if by.contains("the policy of")));
        assert!(matches!(of(&port("80"), true), Some(Passage::Open)));
        assert!(matches!(of(&from("192.0.2.7", &port("80")), true), Some(Passage::Unclear(_))));
    }

    #[test]
    fn what_is_not_known_is_told_with_what_decides_it() {
        let unread = found(&Filter::Unread { why: "nft: not permitted".into(), hint: "try with sudo" });
        assert!(names(&unread).is_empty() && unread.unknown()[0].ends_with("nft: not permitted"));
        assert!(text(&unread).ends_with(": try with sudo"), "{}", text(&unread));
        // Nothing in nftables drops, and yet that is not all.
        let all = compared(&chain("input", "accept", &[]), site(Active::FromAnyPort), false);
        let Filter::Read { mut compared, recognised, .. } = all else { unreachable!() };
        let read = |compared: &Compared, unseen| Filter::Read {
            compared: compared.clone(),
            active: None,
            http: None,
            recognised: recognised.clone(),
            unseen,
        };
        let older = found(&read(&compared, vec!["iptables"]));
        assert!(
            names(&older).is_empty() && text(&older).contains("iptables-legacy-save"),
            "{}",
            text(&older)
        );
        compared.open_questions = (1..=5).map(|n| format!("question {n}\x1b")).collect();
        let open = text(&found(&read(&compared, vec![])));
        assert!(open.contains("and 2 more") && !open.contains('\x1b'), "{open}");
    }
}
