//! Which rule sets are proven, and what is each line of them for?
//!
//! They come from `pasv firewall`, as a person would get them, and are loaded as a person would load them:
//! into a table of their own, into a chain that drops already, by iptables, or on a router before the server.
pub(crate) mod proof;

use std::fmt;
use std::process::Command;
use std::time::Duration;

use testbed::process::{find, run_within};

use crate::addresses::{CONTROL, HIGH, LOW, OUTSIDE};
use crate::client::Mode;
use crate::network::Host;
use crate::pace::Pace;
use crate::tools::{Tools, skip};

/// What is asked of `pasv firewall`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) modes: Modes,
    pub(crate) stateless: bool,
    pub(crate) output_drop: bool,
    pub(crate) place: Place,
}

/// Which modes are let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Modes {
    #[default]
    Passive,
    Active,
    Both,
}

/// Where the rules stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// On the server, in a table of their own.
    #[default]
    Own,
    /// On the server, in a chain that drops already.
    Inserted,
    /// On the server, as the whole of iptables and ip6tables.
    Iptables,
    /// On a router with DNAT before the server.
    Router,
}

/// A rule set: lines, of which some are rules and some hold them together.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    shape: Shape,
    lines: Vec<String>,
}

/// What a line is for, and what has to fail without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    /// The host's programs among themselves.
    Loopback,
    /// The dialogue.
    Control,
    /// Listings and files, in one mode.
    Data(Mode),
    /// All of IPv6.
    V6,
    /// Files, where the path is narrow. No single line is for that: packets of IPv4 may be cut, and what IPv6
    /// needs stands in the line without which it does not work at all.
    NarrowPath,
    /// The server's own connections outward.
    Outward,
    /// Nothing, today: a line that keeps out what no rule below lets in, that closes what is not the site's,
    /// or that IPv6 does without for a while.
    Nothing,
}

const PASSIVE: Shape =
    Shape { modes: Modes::Passive, stateless: false, output_drop: false, place: Place::Own };
const ACTIVE: Shape = Shape { modes: Modes::Active, ..PASSIVE };

impl Shape {
    /// All that are proven.
    pub(crate) const ALL: [Self; 17] = [
        PASSIVE,
        ACTIVE,
        Self { output_drop: true, ..PASSIVE },
        Self { output_drop: true, ..ACTIVE },
        Self { stateless: true, ..PASSIVE },
        Self { stateless: true, ..ACTIVE },
        Self { place: Place::Inserted, ..PASSIVE },
        Self { output_drop: true, place: Place::Inserted, ..ACTIVE },
        Self { stateless: true, place: Place::Inserted, ..PASSIVE },
        Self { stateless: true, place: Place::Inserted, ..ACTIVE },
        Self { place: Place::Iptables, ..PASSIVE },
        Self { output_drop: true, place: Place::Iptables, ..ACTIVE },
        Self { stateless: true, place: Place::Iptables, ..PASSIVE },
        Self { stateless: true, place: Place::Iptables, ..ACTIVE },
        Self { place: Place::Router, ..PASSIVE },
        Self { place: Place::Router, ..ACTIVE },
        Self { modes: Modes::Both, output_drop: true, place: Place::Router, ..PASSIVE },
    ];

    /// The words of `pasv firewall` that ask for it, whatever is to be done with it.
    fn words(self) -> Vec<String> {
        let mode = match self.modes {
            Modes::Passive => "passive",
            Modes::Active => "active",
            Modes::Both => "both",
        };
        let (listen, range) = (CONTROL.to_string(), format!("{LOW}-{HIGH}"));
        let mut words = vec!["firewall", "--mode", mode, "--listen", &listen, "--passive-ports", &range];
        words.extend(["--active-port", "20"]);
        words.extend(self.stateless.then_some("--stateless"));
        words.extend(self.output_drop.then_some("--output-drop"));
        words.into_iter().map(str::to_owned).collect()
    }

    fn has(self, mode: Mode) -> bool {
        match self.modes {
            Modes::Passive => mode == Mode::Passive,
            Modes::Active => mode == Mode::Active,
            Modes::Both => true,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.modes {
            Modes::Passive => "passive",
            Modes::Active => "active",
            Modes::Both => "both modes",
        })?;
        f.write_str(match self.place {
            Place::Own => "",
            Place::Inserted => ", inserted",
            Place::Iptables => ", iptables",
            Place::Router => ", router",
        })?;
        f.write_str(match self {
            Self { stateless: true, .. } => ", stateless",
            Self { output_drop: true, .. } => ", output drop",
            _ => "",
        })
    }
}

impl Rules {
    /// The rules for a site with the lab's ports.
    #[track_caller]
    pub(crate) fn of(tools: &Tools, shape: Shape) -> Self {
        let mut call = Command::new(&tools.pasv);
        // ssh has no part in the proof.
        call.args(shape.words()).args(["--keep", "none"]);
        match shape.place {
            Place::Own => call.args(["--for", "nftables"]),
            Place::Inserted => call.args(["--for", "nftables-insert", "--chain", "inet filter input"]),
            Place::Iptables => call.args(["--for", "iptables"]),
            Place::Router => {
                call.args(["--for", "nftables-router", "--inside", "10.0.2.2", "--external"]);
                call.arg(OUTSIDE.to_string())
            }
        };
        let said = run_within(&mut call, b"", Duration::from_secs(20));
        assert!(said.succeeded(), "pasv firewall: {}", said.err);
        Self { shape, lines: said.text().lines().map(str::to_owned).collect() }
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
        let mut words = self.lines[n].split_whitespace();
        match self.shape.place {
            Place::Iptables => words.nth(1),
            Place::Inserted => words.nth(4),
            Place::Own | Place::Router => {
                let opening =
                    self.lines.iter().take(n).rev().find_map(|line| line.trim().strip_prefix("chain "));
                opening.and_then(|rest| rest.split_whitespace().next())
            }
        }
        .unwrap_or_default()
    }

    /// Which of the four rules line `n` is, if it is one.
    fn number(&self, n: usize) -> Option<u8> {
        let (_, comment) = self.lines[n].split_once("\"pasv rule ")?;
        comment.split('"').next()?.parse().ok()
    }

    /// Line `n`, without its place and its comment.
    pub(crate) fn line(&self, n: usize) -> &str {
        let line = self.lines[n].trim();
        let place = match self.shape.place {
            Place::Iptables => line.strip_prefix("-A ").and_then(|line| line.split_once(' ')),
            Place::Inserted => line.strip_prefix("insert rule inet filter ").and_then(|l| l.split_once(' ')),
            Place::Own | Place::Router => None,
        };
        let line = place.map_or(line, |(_, line)| line);
        let line = line.split(" -m comment ").next().unwrap_or(line);
        line.split(" comment ").next().unwrap_or(line).trim_end()
    }

    /// Where a line for data is missing, several programs wait for what does not come. In the ordinary run,
    /// those of tables of their own and of routers are enough.
    pub(crate) fn pace(&self, n: usize) -> Pace {
        let more = matches!(self.shape.place, Place::Inserted | Place::Iptables);
        if more && matches!(self.loss(n), Loss::Data(_)) { Pace::Nightly } else { Pace::Ordinary }
    }

    /// What has to fail without line `n`?
    #[track_caller]
    fn loss(&self, n: usize) -> Loss {
        let (line, chain) = (self.line(n), self.chain(n));
        let has = |words: &str| line.to_ascii_lowercase().contains(words);
        let names = |port: &str| line.split(|c: char| !c.is_ascii_digit()).any(|word| word == port);
        let inward = chain.eq_ignore_ascii_case("input");
        match () {
            () if ["lo accept", "\"lo\" accept", "-i lo", "-o lo"].iter().any(|words| has(words)) => {
                Loss::Loopback
            }
            // What comes to the site is let through by its DNAT already, and what it says there too; its own
            // calls are not.
            () if has("established") && self.shape.place == Place::Router => {
                if self.shape.has(Mode::Active) {
                    Loss::Data(Mode::Active)
                } else {
                    Loss::Outward
                }
            }
            () if has("established") || has("status dnat") => Loss::Control,
            () if has("nd-neighbor") => Loss::V6,
            // Who is asked for answers, and is known to the one that asked; nobody in the lab tells of
            // routers.
            () if has("neighbour-solicitation") && inward || has("neighbour-advertisement") && !inward => {
                Loss::V6
            }
            () if has("icmpv6-type") => Loss::Nothing,
            // Addresses are given by hand in the lab.
            () if has("udp") && names("546") => Loss::Nothing,
            () if has("ipv6-icmp") => Loss::V6,
            // A server whose packets may be cut does without the errors of IPv4's routers.
            () if has("-p icmp") => Loss::Nothing,
            () if names("21") => Loss::Control,
            () if names("61210") => Loss::Data(Mode::Passive),
            () if names("20") => Loss::Data(Mode::Active),
            () if has("invalid") || has("drop") => Loss::Nothing,
            () => panic!("what is `{line}` for?"),
        }
    }

    /// Loads `text`, which is this set or a part of it.
    #[track_caller]
    fn load(&self, host: &Host, text: &str) {
        match self.shape.place {
            Place::Own | Place::Router => host.nft(text),
            Place::Inserted => {
                let follows = if self.shape.stateless { "" } else { "ct state established,related accept\n" };
                let mut base = String::from("table inet filter {\n");
                for (hook, end) in [("input", "iif"), ("output", "oif")] {
                    let guards = hook == "input" || self.shape.stateless || self.shape.output_drop;
                    let policy = if guards { "drop" } else { "accept" };
                    base.push_str(&format!(
                        "chain {hook} {{\ntype filter hook {hook} priority filter; policy {policy};\n{end} lo accept\n\
                         {follows}meta l4proto {{ icmp, ipv6-icmp }} accept\n}}\n"
                    ));
                }
                host.nft(&format!("{base}}}\n{text}"));
            }
            Place::Iptables => {
                if find("iptables-restore").is_none() {
                    skip("iptables is not installed");
                }
                host.iptables(text);
            }
        }
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let holds =
        ["table ", "chain ", "type ", "policy ", "}", "#", "flush ", "delete ", "add ", "*", ":", "COMMIT"];
    !line.is_empty() && !holds.iter().any(|start| line.starts_with(start))
}
