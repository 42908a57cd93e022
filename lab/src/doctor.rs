//! What does `pasv doctor` say of a network, and is it right?
//!
//! Each network here has one thing wrong with it, or none: the verdict has to be that one, and not another
//! that would fit too.
use std::time::Duration;

use serde_json::Value;

use testbed::process::run_within;

use crate::addresses::{CONTROL, HIGH, LOW, OUTSIDE};
use crate::pace::Pace;
use crate::relay::{Auth, Epsv, Way};
use crate::site::{Serve, in_url};
use crate::trial::{Pair, Trial};

/// What its help promises.
const LIMIT: Duration = Duration::from_secs(15);
/// In the lab's table of hosts with both addresses of the server.
pub(crate) const NAME: &str = "dual.lab";

const CLEAR: &[&str] = &["--tls", "off"];

/// A network, and what the doctor has to say of it.
pub(crate) struct Look {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The first word, and what has to be among the others.
    pub(crate) verdict: &'static str,
    pub(crate) also: &'static [&'static str],
    /// The numbers of the rules that the verdict is about: one where it is known, all that it may be where it
    /// is not.
    pub(crate) rules: &'static [u64],
    pub(crate) pace: Pace,
    /// Whose server it is: ours, but where ours helps itself.
    pub(crate) pair: Pair,
    /// Puts it together and starts the server; says by which name clients find that, where it is not an
    /// address.
    make: fn(&mut Trial<'_>) -> Option<&'static str>,
}

/// What the doctor has said.
pub(crate) struct Opinion {
    json: Value,
}

/// What most have in common.
const USUAL: Look = Look {
    name: "",
    verdict: "",
    also: &[],
    rules: &[],
    pace: Pace::Ordinary,
    pair: Pair::Ours,
    make: |trial| {
        trial.serve();
        None
    },
};

/// All, in the order in which they run.
pub(crate) const LOOKS: &[Look] = &[
    Look {
        // No firewall.
        name: "open",
        verdict: "all-is-well",
        make: |trial| {
            trial.serve();
            None
        },
        ..USUAL
    },
    Look {
        // What comes to the control port vanishes (rule 1).
        name: "control-silent",
        verdict: "rule-1-or-2",
        rules: &[1, 2],
        make: |trial| without(trial, &format!("tcp dport {CONTROL} drop")),
        ..USUAL
    },
    Look {
        // What the control port answers vanishes (rule 2).
        name: "control-replies-silent",
        verdict: "rule-1-or-2",
        rules: &[1, 2],
        make: |trial| without(trial, &format!("tcp sport {CONTROL} drop")),
        ..USUAL
    },
    Look {
        // A router forbids the control port, and says so.
        name: "control-rejected",
        verdict: "control-refused",
        rules: &[1],
        make: |trial| without(trial, &format!("tcp dport {CONTROL} reject with icmpx type admin-prohibited")),
        ..USUAL
    },
    Look {
        // The control port answers with a reset.
        name: "control-refused",
        verdict: "control-refused",
        rules: &[1],
        make: |trial| without(trial, &format!("tcp dport {CONTROL} reject with tcp reset")),
        ..USUAL
    },
    Look {
        // What comes to the passive range vanishes (rule 3).
        name: "range-in-closed",
        verdict: "rule-3-or-4",
        rules: &[3],
        make: |trial| soon(trial, &format!("tcp dport {LOW}-{HIGH} drop")),
        ..USUAL
    },
    Look {
        // The same, and a server that waits its usual ten seconds.
        name: "range-in-usual",
        verdict: "rule-3-or-4",
        rules: &[3],
        pace: Pace::Nightly,
        make: |trial| without(trial, &format!("tcp dport {LOW}-{HIGH} drop")),
        ..USUAL
    },
    Look {
        // What the passive range answers vanishes (rule 4).
        name: "range-out-closed",
        verdict: "rule-3-or-4",
        rules: &[4],
        make: |trial| soon(trial, &format!("tcp sport {LOW}-{HIGH} drop")),
        ..USUAL
    },
    Look {
        // A router forbids the passive range, and says so.
        name: "range-rejected",
        verdict: "data-ports-refused",
        rules: &[3],
        make: |trial| {
            without(trial, &format!("tcp dport {LOW}-{HIGH} reject with icmpx type admin-prohibited"))
        },
        ..USUAL
    },
    Look {
        // The passive range answers with resets.
        name: "range-refused",
        verdict: "data-ports-refused",
        rules: &[3],
        make: |trial| soon(trial, &format!("tcp dport {LOW}-{HIGH} reject with tcp reset")),
        ..USUAL
    },
    Look {
        // Server behind DNAT, told its address.
        name: "dnat",
        verdict: "all-is-well",
        make: |trial| {
            trial.lab.dnat();
            let outside = OUTSIDE.to_string();
            trial.serve_with(Serve { flags: &["--external", &outside], ..Serve::default() });
            None
        },
        ..USUAL
    },
    Look {
        // Server behind DNAT, not told its address.
        name: "dnat-not-told",
        verdict: "address-not-told",
        make: |trial| {
            trial.lab.dnat();
            trial.serve();
            None
        },
        ..USUAL
    },
    Look {
        // Client behind NAT.
        name: "nat",
        verdict: "all-is-well",
        also: &["client-behind-nat"],
        make: |trial| {
            trial.lab.nat();
            trial.serve();
            None
        },
        ..USUAL
    },
    Look {
        // Client firewall drops incoming.
        name: "client-firewall",
        verdict: "all-is-well",
        also: &["active-impossible"],
        make: |trial| {
            trial.serve_with(Serve { flags: &["--data-timeout", "3s"], ..Serve::default() });
            trial.lab.client.nft(
                "table inet own { chain in { type filter hook input priority filter; policy drop;\n\
                 iif lo accept\nct state established,related accept\nmeta l4proto { icmp, ipv6-icmp } accept\n}\n}\n",
            );
            None
        },
        ..USUAL
    },
    Look {
        // The passive range is opened by the kernel's FTP helper only.
        name: "helper-tls",
        verdict: "ftp-helper",
        make: |trial| {
            trial.lab.helper();
            without(trial, &format!("tcp dport {LOW}-{HIGH} ct state new drop"))
        },
        ..USUAL
    },
    Look {
        // EPSV eaten by a middlebox.
        name: "epsv-eaten",
        verdict: "epsv-fails",
        make: |trial| between(trial, Epsv::Eaten),
        ..USUAL
    },
    Look {
        // EPSV reset by a middlebox.
        name: "epsv-reset",
        verdict: "epsv-fails",
        make: |trial| between(trial, Epsv::Reset),
        ..USUAL
    },
    Look {
        // EPSV refused by a middlebox.
        name: "epsv-refused",
        verdict: "epsv-fails",
        make: |trial| between(trial, Epsv::Refused),
        ..USUAL
    },
    Look {
        // A middlebox that opens the ports of 227 only.
        name: "only-227",
        verdict: "ftp-helper",
        make: |trial| {
            trial.lab.drop(&format!("tcp dport {LOW}-{HIGH}"));
            between(trial, Epsv::OnlyPasvOpens)
        },
        ..USUAL
    },
    Look {
        // MTU black hole, vsftpd.
        name: "mtu",
        verdict: "mtu-black-hole",
        pair: Pair::Vsftpd,
        make: |trial| {
            trial.lab.mtu_black_hole(1300);
            trial.serve();
            None
        },
        ..USUAL
    },
    Look {
        // MTU black hole, TLS.
        name: "mtu-tls",
        verdict: "mtu-black-hole",
        make: |trial| {
            trial.lab.mtu_black_hole(1300);
            trial.serve();
            None
        },
        ..USUAL
    },
    Look {
        // MTU black hole, a server that wants TLS.
        name: "mtu-tls-only",
        verdict: "mtu-black-hole",
        also: &["tls-required"],
        make: |trial| {
            trial.lab.mtu_black_hole(1300);
            trial.serve_with(Serve { tls: true, ..Serve::default() });
            None
        },
        ..USUAL
    },
    Look {
        // AUTH TLS refused by a middlebox.
        name: "auth-refused",
        verdict: "auth-fails",
        make: |trial| without_tls(trial, Auth::Refused),
        ..USUAL
    },
    Look {
        // AUTH TLS eaten by a middlebox.
        name: "auth-eaten",
        verdict: "auth-fails",
        make: |trial| without_tls(trial, Auth::Eaten),
        ..USUAL
    },
    Look {
        // A middlebox that ends the connection when TLS begins.
        name: "tls-cut",
        verdict: "tls-fails",
        make: |trial| without_tls(trial, Auth::Cut),
        ..USUAL
    },
    Look {
        // A middlebox that swallows TLS.
        name: "tls-eaten",
        verdict: "tls-fails",
        make: |trial| without_tls(trial, Auth::HelloEaten),
        ..USUAL
    },
    Look {
        // Dual stack, IPv6 dead.
        name: "ipv6-dead",
        verdict: "family-dead",
        make: |trial| {
            without(trial, "meta nfproto ipv6 drop");
            Some(NAME)
        },
        ..USUAL
    },
    Look {
        // Dual stack, IPv4 dead.
        name: "ipv4-dead",
        verdict: "family-dead",
        make: |trial| {
            without(trial, "meta nfproto ipv4 drop");
            Some(NAME)
        },
        ..USUAL
    },
];

impl Look {
    /// Asks the doctor, who has to be right.
    pub(crate) fn test(&self, trial: &mut Trial<'_>) {
        let host = (self.make)(trial).map_or_else(|| in_url(trial.at()), str::to_owned);
        let opinion = Opinion::of(trial, &host);
        opinion.is(self.verdict);
        assert_eq!(opinion.rules(self.verdict).as_deref(), Some(self.rules), "the rules: {opinion}");
        for name in self.also {
            assert!(opinion.others().any(|other| other == *name), "{name} is not said: {opinion}");
        }
    }
}

impl Opinion {
    /// Asks `pasv doctor`, at the client's, about the site found at `host`.
    #[track_caller]
    pub(crate) fn of(trial: &mut Trial<'_>, host: &str) -> Self {
        let mut call = trial.program();
        call.args(["doctor", "--json", &trial.site().url(host, "")]);
        let said = trial.lab.client.within(|| run_within(&mut call, b"", LIMIT + Duration::from_secs(5)));
        assert!(said.took < LIMIT, "the doctor took {:.1} s: {}", said.took.as_secs_f64(), said.err);
        // The exit code is that of the verdict.
        let json = serde_json::from_slice(&said.out);
        let json =
            json.unwrap_or_else(|error| panic!("{error}: {}\n{}{}", said.status, said.text(), said.err));
        trial.slowest = trial.slowest.max(said.took);
        Self { json }
    }

    /// The name of the verdict.
    pub(crate) fn verdict(&self) -> &str {
        self.json["verdict"].as_str().unwrap_or_default()
    }

    /// The names of what was noticed besides.
    pub(crate) fn others(&self) -> impl Iterator<Item = &str> {
        self.json["also"].as_array().into_iter().flatten().filter_map(|other| other["verdict"].as_str())
    }

    /// The numbers of the rules that a verdict, the first or another, is about.
    pub(crate) fn rules(&self, name: &str) -> Option<Vec<u64>> {
        let others = self.json["also"].as_array().into_iter().flatten();
        let found = std::iter::once(&self.json).chain(others).find(|said| said["verdict"] == name)?;
        Some(found["rules"].as_array()?.iter().filter_map(Value::as_u64).collect())
    }

    /// The verdict has to be `name`.
    #[track_caller]
    pub(crate) fn is(&self, name: &str) {
        assert!(self.verdict() == name, "the doctor says {} and not {name}: {self}", self.verdict());
    }

    /// Does this way work in clear?
    pub(crate) fn works(&self, way: &str) -> bool {
        let ways = self.json["ways"].as_array().into_iter().flatten();
        let mut clear = ways.filter(|trial| trial["way"] == way && trial["tls"] == false);
        clear.any(|trial| trial["works"] == true)
    }
}

impl std::fmt::Display for Opinion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.json)
    }
}

/// A server, and a router that does this to what passes.
fn without(trial: &mut Trial<'_>, rule: &str) -> Option<&'static str> {
    trial.serve();
    trial.lab.rule("forward", rule);
    None
}

/// The same, with a server that says sooner what it has seen.
fn soon(trial: &mut Trial<'_>, rule: &str) -> Option<&'static str> {
    trial.serve_with(Serve { flags: &["--data-timeout", "3s"], ..Serve::default() });
    trial.lab.rule("forward", rule);
    None
}

fn without_tls(trial: &mut Trial<'_>, auth: Auth) -> Option<&'static str> {
    trial.serve();
    trial.lab.relay(false, Way { auth, ..Way::default() });
    None
}

fn between(trial: &mut Trial<'_>, epsv: Epsv) -> Option<&'static str> {
    // They read what they pass on, as long as it is clear.
    trial.serve_with(Serve { flags: CLEAR, ..Serve::default() });
    trial.lab.relay(false, Way { epsv, ..Way::default() });
    None
}
