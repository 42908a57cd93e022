//! Are the printed rules enough, and is each line needed?
//!
//! A rule set is loaded on the server with policy drop, or on a router before it. Complete, everything of its mode has to work; without any one of its
//! lines, just that has to fail which the line is for. Where the line is one of the four rules, the doctor names it from the client's
//! side; which of the two rules for passive data it is, the server says.
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::client::{Job, Manner, Mode};
use crate::network::{CLIENT, CONTROL, HIGH, LOW, OUTSIDE, SERVER_V6};
use crate::process::run;
use crate::site::{Serve, in_url};
use crate::talk::Talk;
use crate::trial::{Tools, Trial};

/// What is asked of `pasv firewall --for nftables`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) active: bool,
    pub(crate) stateless: bool,
    pub(crate) output_drop: bool,
    /// For a router with DNAT, and not for the server.
    pub(crate) router: bool,
}

/// A rule set for nft: lines, of which some are rules and some hold them together.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    lines: Vec<String>,
}

/// What a line is for, and what has to fail without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// The host's programs among themselves.
    Loopback,
    /// The dialogue.
    Control,
    /// Listings and files.
    Data,
    /// All of IPv6.
    V6,
    /// Files, where the path is narrow.
    NarrowPath,
    /// The server's own connections outward.
    Outward,
    /// Nothing, today: a line that keeps out what no rule below lets in, or that closes what is not the site's.
    Nothing,
}

impl Shape {
    const PASSIVE: Self = Self { active: false, stateless: false, output_drop: false, router: false };
    const ACTIVE: Self = Self { active: true, ..Self::PASSIVE };

    /// All that are proven.
    pub(crate) const ALL: [Self; 7] = [
        Self::PASSIVE,
        Self::ACTIVE,
        Self { output_drop: true, ..Self::PASSIVE },
        Self { output_drop: true, ..Self::ACTIVE },
        Self { stateless: true, ..Self::PASSIVE },
        Self { stateless: true, ..Self::ACTIVE },
        Self { router: true, ..Self::PASSIVE },
    ];

    fn mode(self) -> Mode {
        if self.active { Mode::Active } else { Mode::Passive }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.active { "active" } else { "passive" })?;
        f.write_str(match self {
            Self { router: true, .. } => ", router",
            Self { stateless: true, .. } => ", stateless",
            Self { output_drop: true, .. } => ", output drop",
            _ => "",
        })
    }
}

impl Rules {
    /// The rules for a site with the lab's ports, from `pasv firewall`, or from here where this pasv has no such verb.
    #[track_caller]
    pub(crate) fn of(tools: &Tools, shape: Shape) -> Self {
        let mut call = Command::new(&tools.pasv);
        let (listen, range) = (CONTROL.to_string(), format!("{LOW}-{HIGH}"));
        // ssh has no part in the proof.
        call.args(["firewall", "--keep", "none", "--listen", &listen, "--passive-ports", &range, "--for"]);
        if shape.router {
            call.args(["nftables-router", "--inside", "10.0.2.2", "--external", "198.51.100.1"]);
        } else {
            call.arg("nftables");
        }
        call.args(["--active-port", "20", "--mode", if shape.active { "active" } else { "passive" }]);
        call.args(shape.stateless.then_some("--stateless"));
        call.args(shape.output_drop.then_some("--output-drop"));
        let text = if tools.has_firewall {
            let said = run(&mut call, "", Duration::from_secs(20));
            assert!(said.good, "pasv firewall: {}", said.err);
            said.out
        } else {
            written(shape)
        };
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }

    /// All but line `n`.
    fn without(&self, n: usize) -> String {
        let others = self.lines.iter().enumerate().filter(|(other, _)| *other != n);
        others.map(|(_, line)| format!("{line}\n")).collect()
    }

    /// The numbers of the lines that are rules.
    pub(crate) fn rules(&self) -> impl Iterator<Item = usize> {
        (0..self.lines.len()).filter(|&n| is_rule(&self.lines[n]))
    }

    /// The chain that line `n` is in.
    pub(crate) fn chain(&self, n: usize) -> &str {
        let opening = self.lines.iter().take(n).rev().find_map(|line| line.trim().strip_prefix("chain "));
        opening.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
    }

    /// Which of the four rules line `n` is, if it is one.
    fn number(&self, n: usize) -> Option<u8> {
        let (_, comment) = self.lines[n].split_once("\"pasv rule ")?;
        comment.split('"').next()?.parse().ok()
    }

    /// Line `n`, without its place and its comment.
    pub(crate) fn line(&self, n: usize) -> &str {
        let line = self.lines[n].trim();
        line.split(" comment ").next().and_then(|line| line.split(" #").next()).unwrap_or(line).trim_end()
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let holds =
        ["table ", "chain ", "type ", "policy ", "}", "#", "flush ", "delete ", "add table", "add chain"];
    !line.is_empty() && !holds.iter().any(|start| line.starts_with(start))
}

/// The complete set: everything works.
pub(crate) fn complete(trial: &mut Trial<'_>, rules: &Rules, shape: Shape) {
    prepare(trial, &rules.text(), shape);
    trial.moves_files(manner(shape), Duration::from_secs(5));
    assert!(
        works(trial, Loss::Outward, shape) || !shape.router,
        "the server's own connections do not get out"
    );
    let opinion = trial.asks_the_doctor(&in_url(trial.at()));
    // The rules for active mode leave the passive range closed, and that is what a client sees first.
    opinion.is(if shape.active { "rule-3-or-4" } else { "all-is-well" });
    assert!(opinion.works(if shape.active { "EPRT" } else { "EPSV" }), "{opinion}");
    if shape.router {
        return;
    }
    assert!(works(trial, Loss::Loopback, shape), "the host's programs do not reach each other");
    assert!(works(trial, Loss::V6, shape), "IPv6 does not get through");
    assert!(works(trial, Loss::NarrowPath, shape), "files do not get through a narrow path");
}

/// The set without its line `n`: what the line is for fails, and no more.
pub(crate) fn without(trial: &mut Trial<'_>, rules: &Rules, n: usize, shape: Shape) {
    let loss = loss(rules.line(n), shape);
    prepare(trial, &rules.without(n), shape);
    if loss == Loss::Nothing {
        return trial.moves_files(manner(shape), Duration::from_secs(5));
    }
    assert!(!works(trial, loss, shape), "without `{}` all goes on: {loss:?} was to fail", rules.line(n));
    if let Some(number) = rules.number(n) {
        names_the_rule(trial, number, shape);
    }
    // What fails is what was said, and not something before it.
    if matches!(loss, Loss::Data | Loss::NarrowPath) {
        let talks = trial.lab.client.within(|| {
            let mut talk = Talk::open(&trial.lab.client, trial.at(), trial.site().login());
            talk.ask("NOOP").starts_with("200")
        });
        assert!(talks, "the dialogue does not work either");
    }
    if matches!(loss, Loss::Loopback | Loss::V6 | Loss::NarrowPath | Loss::Outward) {
        assert!(trial.attempt(Job::List, manner(shape)).good, "a listing does not work either");
    }
    trial.slowest = Duration::ZERO;
}

/// Rule `number` is missing: the doctor has to name it as far as a client can know, and the server where it can know more.
fn names_the_rule(trial: &mut Trial<'_>, number: u8, shape: Shape) {
    let opinion = trial.asks_the_doctor(&in_url(trial.at()));
    match (number, shape) {
        // What a router does not translate is for the router itself, and it answers.
        (1, Shape { router: true, .. }) => opinion.is("control-refused"),
        (3, Shape { router: true, .. }) => opinion.is("data-ports-refused"),
        (1 | 2, _) => opinion.is("rule-1-or-2"),
        (_, Shape { active: true, .. }) => {
            let said = opinion.others().any(|other| other == "active-impossible");
            assert!(said && !opinion.works("EPRT"), "active mode is not said to fail: {opinion}");
        }
        (_, _) => {
            opinion.is("rule-3-or-4");
            let at = trial.at();
            let told = trial.lab.client.within(|| {
                let mut talk = Talk::open(&trial.lab.client, at, trial.site().login());
                talk.fetches_in_vain("pub/down.bin")
            });
            assert!(told.starts_with("425"), "{told}");
            assert!(told.contains(&format!("rule {number}")), "rule {number} is not named: {told}");
        }
    }
}

/// What has to fail without this line?
fn loss(line: &str, shape: Shape) -> Loss {
    let names = |port: &str| line.split(|c: char| !c.is_ascii_digit()).any(|word| word == port);
    match () {
        () if line.contains("lo accept") || line.contains("\"lo\" accept") => Loss::Loopback,
        // What comes to the site is let through by its DNAT already.
        () if line.contains("established") && shape.router => Loss::Outward,
        () if line.contains("established") || line.contains("status dnat") => Loss::Control,
        () if line.contains("nd-neighbor") || line.contains("ipv6-icmp") => Loss::V6,
        () if line.contains("destination-unreachable") => Loss::NarrowPath,
        () if names("21") => Loss::Control,
        () if names("61210") || names("20") => Loss::Data,
        () => Loss::Nothing,
    }
}

fn prepare(trial: &mut Trial<'_>, rules: &str, shape: Shape) {
    // Short: most of these have to fail, and by silence.
    trial.patience = Duration::from_secs(9);
    let outside = OUTSIDE.to_string();
    let mut flags = vec!["--data-timeout", "2s"];
    if shape.router {
        trial.lab.private_server();
        trial.lab.router.nft(rules);
        flags.extend(["--external", &outside]);
    } else {
        trial.lab.server.nft(rules);
    }
    trial.serve_with(Serve { flags: &flags, ..Serve::default() });
}

fn manner(shape: Shape) -> Manner<'static> {
    Manner { mode: shape.mode(), flags: &["--timeout", "3s"], ..Manner::default() }
}

fn works(trial: &mut Trial<'_>, what: Loss, shape: Shape) -> bool {
    match what {
        Loss::Loopback => trial.lab.server.within(|| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the host");
            let at = listener.local_addr().expect("its address");
            TcpStream::connect_timeout(&at, Duration::from_secs(1)).is_ok()
        }),
        Loss::Outward => {
            let listener =
                trial.lab.client.within(|| TcpListener::bind((CLIENT, 0)).expect("a port of the client"));
            let at = listener.local_addr().expect("its address");
            trial.lab.server.connect(at, Duration::from_secs(1)).is_ok()
        }
        Loss::Control => trial.lab.client.within(|| {
            let to = (trial.at(), CONTROL).into();
            let Ok(mut stream) = trial.lab.client.connect(to, Duration::from_secs(1)) else { return false };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            // The greeting may get out; what is said back has to get in.
            let mut code = [0; 3];
            if stream.read_exact(&mut code).is_err() {
                return false;
            }
            hears_and_answers(&mut stream)
        }),
        Loss::Data => {
            let to = trial.here("down.bin");
            trial.attempt(Job::List, manner(shape)).good
                || trial.attempt(Job::Get("down.bin", &to), manner(shape)).good
        }
        Loss::V6 => {
            let before = trial.at();
            trial.lab.reach(SERVER_V6);
            let good = trial.attempt(Job::List, manner(shape)).good;
            trial.lab.reach(before);
            good
        }
        Loss::NarrowPath => {
            trial.lab.narrow(1300);
            let to = trial.here("down.bin");
            let manner = Manner { flags: &["--timeout", "3s", "--stall", "3s"], ..manner(shape) };
            trial.attempt(Job::Get("down.bin", &to), manner).good
        }
        Loss::Nothing => true,
    }
}

fn hears_and_answers(stream: &mut TcpStream) -> bool {
    let mut rest = [0; 512];
    // What remains of the greeting, and then the reply.
    let _ = stream.read(&mut rest);
    stream.write_all(b"NOOP\r\n").is_ok() && stream.read(&mut rest).is_ok_and(|count| count > 0)
}

/// The rules as `shared` tests them: for a pasv that does not print them yet.
fn written(shape: Shape) -> String {
    const ND: &str = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept";
    const NOT_FIRST: &str = "tcp flags & (syn|ack) != syn accept";
    let range = format!("{LOW}-{HIGH}");
    if shape.router {
        return format!(
            "table inet pasv {{\nchain prerouting {{\ntype nat hook prerouting priority dstnat;\n\
             ip daddr {OUTSIDE} tcp dport {CONTROL} dnat ip to 10.0.2.2\n\
             ip daddr {OUTSIDE} tcp dport {range} dnat ip to 10.0.2.2\n}}\n\
             chain forward {{\ntype filter hook forward priority filter; policy accept;\n\
             ct state established,related accept\nct status dnat accept\nip daddr 10.0.2.2 drop\n}}\n}}\n"
        );
    }
    let (mut into, mut out) = (vec!["iif lo accept".to_owned()], vec!["oif lo accept".to_owned()]);
    if shape.stateless {
        into.push("icmp type destination-unreachable accept".to_owned());
        into.push(ND.to_owned());
        out.push(ND.to_owned());
        into.push("tcp sport > 1023 tcp dport 21 accept".to_owned());
        out.push(format!("tcp sport 21 tcp dport > 1023 {NOT_FIRST}"));
        if shape.active {
            out.push("tcp sport 20 tcp dport > 1023 accept".to_owned());
            into.push(format!("tcp sport > 1023 tcp dport 20 {NOT_FIRST}"));
        } else {
            into.push(format!("tcp sport > 1023 tcp dport {range} accept"));
            out.push(format!("tcp sport {range} tcp dport > 1023 {NOT_FIRST}"));
        }
    } else {
        for chain in [&mut into, &mut out] {
            chain.push("ct state established,related accept".to_owned());
        }
        into.push("ct state invalid drop".to_owned());
        for chain in [&mut into, &mut out] {
            chain.push(ND.to_owned());
        }
        into.push("tcp dport 21 ct state new accept".to_owned());
        if shape.active {
            out.push("tcp sport 20 tcp dport > 1023 ct state new accept".to_owned());
        } else {
            into.push(format!("tcp dport {range} ct state new accept"));
        }
    }
    let chain = |name: &str, hook: &str, rules: &[String]| {
        format!(
            "chain {name} {{\ntype filter hook {hook} priority filter; policy drop;\n{}\n}}\n",
            rules.join("\n")
        )
    };
    let out =
        if shape.output_drop || shape.stateless { chain("output", "output", &out) } else { String::new() };
    format!("table inet pasv {{\n{}{out}}}\n", chain("input", "input", &into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_written_line_is_known() {
        for shape in Shape::ALL {
            let rules = Rules { lines: written(shape).lines().map(str::to_owned).collect() };
            let unknown: Vec<&str> = rules
                .rules()
                .map(|n| rules.line(n))
                .filter(|line| loss(line, shape) == Loss::Nothing)
                .collect();
            let expected: &[&str] = match shape {
                Shape { router: true, .. } => &["ip daddr 10.0.2.2 drop"],
                Shape { stateless: true, .. } => &[],
                _ => &["ct state invalid drop"],
            };
            assert_eq!(unknown, expected, "{shape}");
        }
    }
}
