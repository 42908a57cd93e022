//! Do the rules that a kernel follows let through what a server needs, and no more than that?

use core::fmt;
use core::net::IpAddr;
use core::ops::RangeInclusive;

use crate::packets::{Holds, Packets};
use crate::ruleset::{End, Line, Listed, Ruleset, Step, Test, Verdict, ends};
use crate::walk::{Decision, Fate, at_devices, decisions, reached};
use firewall::{Direction, Ports, Role, Rule};
use firewall::{Family, Output, Request};

/// What was found, in the order of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// What the server needs and does not get.
    pub missing: Vec<Missing>,
    /// What is open and need not be.
    pub wide: Vec<Wide>,
    /// What depends on something that is not known here.
    pub open_questions: Vec<String>,
    /// Is one of those questions whether what the server needs passes at all, and not only for whom?
    pub undecided: bool,
    /// Does anything on this machine drop what comes in? Where nothing does, everything is let in.
    pub filtered: bool,
}

/// Packets of a rule that are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The rule that they belong to.
    pub rule: Rule,
    /// The server's ports that are concerned.
    pub ports: Ports,
    /// Of which family; None: of all that clients come by.
    pub family: Option<Family>,
    /// New connections, or what belongs to them?
    pub opens: bool,
    /// Who drops them.
    pub by: String,
    /// Those that pass all the same, where there are any.
    pub except: Vec<String>,
}

/// A rule that lets through more than the server needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wide {
    /// The rule and its chain.
    pub by: String,
    /// What is too much.
    pub what: String,
    /// Is it a rule of ours, of other settings?
    pub ours: bool,
}

/// Compares. Only what the request asks for is looked at, and of what is open only what has to do with the
/// server.
pub fn check(ruleset: &Ruleset, request: &Request) -> Findings {
    let mut findings = Findings {
        missing: Vec::new(),
        wide: Vec::new(),
        open_questions: Vec::new(),
        undecided: false,
        filtered: filtered(ruleset),
    };
    for (rule, request) in request.needs() {
        for packets in Packets::of(&rule, &request, ruleset) {
            for decision in decisions(ruleset, &packets) {
                judge(&mut findings, &rule, &packets, &decision);
            }
            for decision in at_devices(ruleset, &packets) {
                judge_device(&mut findings, &rule, &packets, &decision);
            }
        }
    }
    findings.missing = joined(findings.missing, request);
    for chain in reached(ruleset, Direction::In) {
        for line in &chain.lines {
            wide_inward(&mut findings, request, chain, line);
        }
    }
    for chain in reached(ruleset, Direction::Out) {
        for line in chain.lines.iter().filter(|line| request.output == Output::Dropped || line.is_ours()) {
            wide_outward(&mut findings, request, chain, line);
        }
    }
    findings
}

impl Findings {
    /// Has the server what it needs, and nothing more?
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.wide.is_empty()
    }
}

/// Drops any chain what comes in?
fn filtered(ruleset: &Ruleset) -> bool {
    let mut coming_in = ruleset.chains.iter().filter(|chain| {
        matches!(chain.family.as_str(), "inet" | "ip" | "ip6")
            && chain.base.as_ref().is_some_and(|base| base.kind == "filter" && base.hook == "input")
    });
    coming_in.any(|chain| chain.base.as_ref().is_some_and(|base| base.drops) || !chain.lines.is_empty())
}

fn judge(findings: &mut Findings, rule: &Rule, packets: &Packets, decision: &Decision<'_>) {
    let chain = decision.chain.place();
    let by = match decision.at {
        Some(line) => format!("`{}` in {chain}", line.text),
        None => format!("the policy of {chain}"),
    };
    let what = |ports: &RangeInclusive<u16>| format!("rule {} ({})", rule.number, Ports::of([ports.clone()]));
    match decision.fate {
        Fate::Passes => {
            for exception in &decision.exceptions {
                note(
                    findings,
                    format!("{}: not where `{}` in {chain}", what(&packets.ours()), exception.when),
                );
            }
        }
        Fate::Unclear => {
            findings.undecided = true;
            note(findings, format!("{}: decided by {by}", what(&packets.ours())));
        }
        Fate::Dropped => {
            let except: Vec<String> = decision
                .exceptions
                .iter()
                .filter(|exception| exception.fate != Fate::Dropped)
                .map(|exception| exception.when.clone())
                .collect();
            let new = Missing {
                rule: rule.clone(),
                ports: Ports::of([packets.ours()]),
                family: Some(packets.family),
                opens: packets.opens,
                by,
                except,
            };
            // Neighbouring ports fare alike as a rule: told once.
            let alike =
                |known: &&mut Missing| **known == Missing { ports: known.ports.clone(), ..new.clone() };
            let same = findings.missing.iter_mut().find(alike);
            match same {
                Some(known) => {
                    known.ports = Ports::of(known.ports.spans().into_iter().chain(new.ports.spans()));
                }
                None => findings.missing.push(new),
            }
        }
    }
}

/// Who sees the packets of one device alone: whether clients come by it is not known here.
fn judge_device(findings: &mut Findings, rule: &Rule, packets: &Packets, decision: &Decision<'_>) {
    let what = format!("rule {} ({})", rule.number, Ports::of([packets.ours()]));
    let by = match decision.at {
        Some(line) => format!("`{}`", line.text),
        None => "its policy".to_owned(),
    };
    if decision.fate != Fate::Passes {
        findings.undecided = true;
        note(findings, format!("{what}: not by the device of {}, by {by}", decision.chain.place()));
    }
    for exception in &decision.exceptions {
        note(findings, format!("{what}: not where `{}` in {}", exception.when, decision.chain.place()));
    }
}

/// What both families lack alike is told once, without their names.
fn joined(missing: Vec<Missing>, request: &Request) -> Vec<Missing> {
    let mut joined: Vec<Missing> = Vec::new();
    for new in missing {
        let twin = joined.iter_mut().find(|known| **known == Missing { family: known.family, ..new.clone() });
        match twin {
            Some(twin) => twin.family = None,
            None => joined.push(new),
        }
    }
    let alone = request.families().len() < 2;
    joined.iter_mut().filter(|_| alone).for_each(|missing| missing.family = None);
    joined
}

fn note(findings: &mut Findings, words: String) {
    if !findings.open_questions.contains(&words) {
        findings.open_questions.push(words);
    }
}

/// What a rule that accepts asks of TCP's ports, where it lets new connections of others through.
struct Opening<'l> {
    ports: Vec<(End, &'l [RangeInclusive<u16>])>,
    /// For whom alone; None: for everybody.
    clients: Option<&'l [(IpAddr, IpAddr)]>,
    /// Asks it for anything beside a new connection of TCP?
    bare: bool,
}

fn opening(line: &Line, direction: Direction) -> Vec<Opening<'_>> {
    let mut tests: Vec<&Test> = Vec::new();
    let mut openings = Vec::new();
    let accepted = |tests: &[&Test]| {
        let probe = |test: &Test| {
            // What can be known of a packet without its ports and addresses.
            let any = Packets {
                family: match tests.iter().find_map(|test| match test {
                    Test::Version { v6, not } => Some(v6 != not),
                    _ => None,
                }) {
                    Some(true) => Family::V6,
                    _ => Family::V4,
                },
                direction,
                clients: Family::V4.whole(),
                from: 0..=u16::MAX,
                to: 0..=u16::MAX,
                opens: true,
                flags: crate::ruleset::SYN,
            };
            matches!(test, Test::Port(..) | Test::Address { .. }) || any.meet(test) != Holds::None
        };
        tests.iter().all(|test| probe(test))
    };
    for step in &line.steps {
        match step {
            Step::Test(test) => tests.push(test),
            Step::Map(ways) => {
                for (test, _) in ways.iter().filter(|(_, verdict)| *verdict == Verdict::Accept) {
                    let mut all = tests.clone();
                    all.push(test);
                    if accepted(&all) {
                        openings.push(summed(&all, direction));
                    }
                }
            }
            Step::End(Verdict::Accept) => {
                if accepted(&tests) {
                    openings.push(summed(&tests, direction));
                }
                break;
            }
            Step::End(_) => break,
        }
    }
    openings
}

fn summed<'l>(tests: &[&'l Test], direction: Direction) -> Opening<'l> {
    let theirs = if direction == Direction::In { End::Source } else { End::Destination };
    let mut opening = Opening { ports: Vec::new(), clients: None, bare: true };
    for test in tests {
        match test {
            Test::Always
            | Test::Version { .. }
            | Test::State { .. }
            | Test::Protocol { .. }
            | Test::Flags { .. } => continue,
            Test::Port(end, spans) => opening.ports.push((*end, spans)),
            Test::Address { end, among, not: false } if *end == theirs => opening.clients = Some(among),
            _ => {}
        }
        opening.bare = false;
    }
    opening
}

fn wide_inward(findings: &mut Findings, request: &Request, chain: &Listed, line: &Line) {
    let needed = request.inward();
    for opening in opening(line, Direction::In) {
        let mut what = Vec::new();
        let here: Vec<_> = opening.ports.iter().filter(|(end, _)| *end == End::Destination).collect();
        for span in here.iter().flat_map(|(_, spans)| spans.iter()) {
            let (touches, inside) = (touches(&needed, span), holds(&needed, span));
            let span_told = Ports::of([span.clone()]);
            if *span == (20..=20) && !needed.contains(20) {
                what.push("it opens port 20 inward, which neither mode uses: in active mode the server connects from port 20".to_owned());
            } else if touches && !inside {
                what.push(format!("it opens {span_told}, but the server needs {needed}"));
            } else if line.is_ours() && !inside && !request.keeps(span) {
                what.push(format!(
                    "it opens {span_told} for a server with other settings; this one needs {needed}"
                ));
            } else if inside
                && !request.from.is_empty()
                && !opening.clients.is_some_and(|c| are_of(request, c))
            {
                let whom = if opening.clients.is_some() { "others too" } else { "everybody" };
                what.push(format!("it opens {span_told} to {whom}, but only {} may connect", nets(request)));
            }
        }
        if opening.bare && would_drop(chain, line) {
            what.push(format!("it opens every port, but the server needs {needed}"));
        }
        let from_20 =
            opening.ports.iter().any(|(end, spans)| *end == End::Source && spans.contains(&(20..=20)));
        if from_20 && here.is_empty() {
            what.push("it accepts every connection from source port 20, which anyone can use".to_owned());
        }
        push(findings, chain, line, what);
    }
}

fn touches(ports: &Ports, span: &RangeInclusive<u16>) -> bool {
    ports.spans().iter().any(|one| one.start() <= span.end() && span.start() <= one.end())
}

fn holds(ports: &Ports, span: &RangeInclusive<u16>) -> bool {
    ports.spans().iter().any(|one| one.start() <= span.start() && span.end() <= one.end())
}

/// Are these all clients of the server?
fn are_of(request: &Request, clients: &[(IpAddr, IpAddr)]) -> bool {
    let nets: Vec<_> =
        request.families().into_iter().flat_map(|family| request.networks(family)).map(ends).collect();
    clients.iter().all(|(low, high)| {
        nets.iter().any(|(from, to)| low.is_ipv4() == from.is_ipv4() && from <= low && high <= to)
    })
}

/// Is it a chain where packets come in, that drops what comes to its end past `line`?
fn would_drop(chain: &Listed, line: &Line) -> bool {
    let Some(base) = chain.base.as_ref().filter(|base| base.hook == "input") else { return false };
    let after = chain.lines.iter().skip_while(|other| other.handle != line.handle);
    base.drops || after.flat_map(|line| &line.steps).any(|step| matches!(step, Step::End(Verdict::Drop)))
}

fn wide_outward(findings: &mut Findings, request: &Request, chain: &Listed, line: &Line) {
    let rules = request.rules();
    let calls: Vec<&Rule> =
        rules.iter().filter(|rule| rule.direction == Direction::Out && rule.role == Role::Opens).collect();
    let answers = Ports::of(
        rules
            .iter()
            .filter(|rule| rule.direction == Direction::Out && rule.role == Role::Answers)
            .flat_map(|rule| rule.from.spans()),
    );
    for opening in opening(line, Direction::Out) {
        let from: Vec<_> = opening
            .ports
            .iter()
            .filter(|(end, _)| *end == End::Source)
            .flat_map(|(_, spans)| spans.iter())
            .collect();
        let mut what = Vec::new();
        for span in from {
            let called = calls.iter().any(|rule| holds(&rule.from, span));
            if line.is_ours() && !called {
                what.push(format!(
                    "it lets this machine call from {} for a site of other settings",
                    Ports::of([span.clone()])
                ));
            } else if touches(&answers, span) && !called {
                what.push(format!(
                    "through it this machine opens connections from {}; from there the site sends answers only",
                    Ports::of([span.clone()])
                ));
            }
        }
        push(findings, chain, line, what);
    }
}

fn push(findings: &mut Findings, chain: &Listed, line: &Line, what: Vec<String>) {
    for what in what {
        let wide = Wide { by: format!("`{}` in {}", line.text, chain.place()), what, ours: line.is_ours() };
        if !findings.wide.contains(&wide) {
            findings.wide.push(wide);
        }
    }
}

fn nets(request: &Request) -> String {
    request.from.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// `rule 3 (in, 61210-61219): the client opens the data connection: new connections are dropped by ...`.
impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = self.rule.direction.either("in, to", "out, from");
        let over = self.family.map_or_else(String::new, |family| format!(", over IPv{}", family.number()));
        let what = if self.opens { "new connections are" } else { "what belongs to open connections is" };
        write!(
            out,
            "rule {} ({way} {}{over}), {}: {what} dropped by {}",
            self.rule.number, self.ports, self.rule.why, self.by
        )?;
        if !self.except.is_empty() {
            write!(out, ", except where `{}`", self.except.join("`, or `"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.by, self.what)
    }
}
