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
use Network::{AuthIs, EpsvIs, Other, Reported, Router};

/// What its help promises.
const LIMIT: Duration = Duration::from_secs(15);
/// In the lab's table of hosts with both addresses of the server.
pub(crate) const NAME: &str = "dual.lab";

/// A network, and what the doctor has to say of it.
pub(crate) struct Look {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// The first verdict, and what has to be among the others.
    verdict: &'static str,
    also: &'static [&'static str],
    /// The numbers of the rules that the verdict is about: one where it is known, all candidates where it is
    /// not.
    rules: &'static [u64],
    pub(crate) pace: Pace,
    pub(crate) pair: Pair,
    network: Network,
    /// The name by which the client finds the server; None: its address.
    host: Option<&'static str>,
}

/// What is between the client and the server.
#[derive(Clone, Copy)]
enum Network {
    /// A router with this rule, in which `CONTROL` and `PASSIVE` are the server's ports.
    Router(&'static str),
    /// The same, and a server that reports after 3 s what became of a data connection.
    Reported(&'static str),
    /// A middlebox that does this to EPSV, and a server without TLS: it reads what it passes on.
    EpsvIs(Epsv),
    /// A middlebox that does this to AUTH TLS.
    AuthIs(Auth),
    /// Whatever this sets up, with the server.
    Other(fn(&mut Trial<'_>)),
}

/// What the doctor has said.
pub(crate) struct Opinion {
    json: Value,
}

/// All, in the order in which they run.
pub(crate) const LOOKS: &[Look] = &[
    look("open", "all-is-well", Other(|trial| _ = trial.serve())),
    look("control-silent", "rule-1-or-2", Router("tcp dport CONTROL drop")).rules(&[1, 2]),
    look("control-replies-silent", "rule-1-or-2", Router("tcp sport CONTROL drop")).rules(&[1, 2]),
    look("control-rejected", "control-refused", Router("tcp dport CONTROL reject with icmpx type admin-prohibited"))
        .rules(&[1]),
    look("control-refused", "control-refused", Router("tcp dport CONTROL reject with tcp reset")).rules(&[1]),
    look("range-in-closed", "rule-3-or-4", Reported("tcp dport PASSIVE drop")).rules(&[3]),
    // A server that waits its usual ten seconds.
    Look { pace: Pace::Nightly, ..look("range-in-usual", "rule-3-or-4", Router("tcp dport PASSIVE drop")).rules(&[3]) },
    look("range-out-closed", "rule-3-or-4", Reported("tcp sport PASSIVE drop")).rules(&[4]),
    look("range-rejected", "data-ports-refused", Router("tcp dport PASSIVE reject with icmpx type admin-prohibited"))
        .rules(&[3]),
    look("range-refused", "data-ports-refused", Reported("tcp dport PASSIVE reject with tcp reset")).rules(&[3]),
    look(
        "dnat",
        "all-is-well",
        Other(|trial| {
            trial.lab.dnat();
            let outside = OUTSIDE.to_string();
            trial.serve_with(Serve { flags: &["--external", &outside], ..Serve::default() });
        }),
    ),
    // The server does not know its address outside.
    look(
        "dnat-not-told",
        "address-not-told",
        Other(|trial| {
            trial.lab.dnat();
            trial.serve();
        }),
    ),
    // The client is behind NAT.
    look(
        "nat",
        "all-is-well",
        Other(|trial| {
            trial.lab.nat();
            trial.serve();
        }),
    )
    .also(&["client-behind-nat"]),
    look(
        "client-firewall",
        "all-is-well",
        Other(|trial| {
            trial.serve_with(Serve { flags: REPORTING, ..Serve::default() });
            trial.lab.client.nft(
                "table inet own { chain in { type filter hook input priority filter; policy drop;\n\
                 iif lo accept\nct state established,related accept\nmeta l4proto { icmp, ipv6-icmp } accept\n}\n}\n",
            );
        }),
    )
    .also(&["active-impossible"]),
    // The passive range is opened by the kernel's FTP helper only.
    look(
        "helper-tls",
        "ftp-helper",
        Other(|trial| {
            trial.lab.helper();
            Router("tcp dport PASSIVE ct state new drop").set_up(trial);
        }),
    ),
    look("epsv-eaten", "epsv-fails", EpsvIs(Epsv::Eaten)),
    look("epsv-reset", "epsv-fails", EpsvIs(Epsv::Reset)),
    look("epsv-refused", "epsv-fails", EpsvIs(Epsv::Refused)),
    look(
        "only-227",
        "ftp-helper",
        Other(|trial| {
            trial.lab.drop(&format!("tcp dport {LOW}-{HIGH}"));
            EpsvIs(Epsv::OnlyPasvOpens).set_up(trial);
        }),
    ),
    Look { pair: Pair::Vsftpd, ..look("mtu", "mtu-black-hole", Other(black_hole)) },
    look("mtu-tls", "mtu-black-hole", Other(black_hole)),
    look(
        "mtu-tls-only",
        "mtu-black-hole",
        Other(|trial| {
            trial.lab.mtu_black_hole(1300);
            trial.serve_with(Serve { tls: true, ..Serve::default() });
        }),
    )
    .also(&["tls-required"]),
    look("auth-refused", "auth-fails", AuthIs(Auth::Refused)),
    look("auth-eaten", "auth-fails", AuthIs(Auth::Eaten)),
    look("tls-cut", "tls-fails", AuthIs(Auth::Cut)),
    look("tls-eaten", "tls-fails", AuthIs(Auth::HelloEaten)),
    Look { host: Some(NAME), ..look("ipv6-dead", "family-dead", Router("meta nfproto ipv6 drop")) },
    Look { host: Some(NAME), ..look("ipv4-dead", "family-dead", Router("meta nfproto ipv4 drop")) },
];

const REPORTING: &[&str] = &["--data-timeout", "3s"];

const fn look(name: &'static str, verdict: &'static str, network: Network) -> Look {
    let (also, rules, pace, pair, host) = (&[], &[], Pace::Ordinary, Pair::Ours, None);
    Look { name, verdict, also, rules, pace, pair, network, host }
}

fn black_hole(trial: &mut Trial<'_>) {
    trial.lab.mtu_black_hole(1300);
    trial.serve();
}

impl Network {
    fn set_up(self, trial: &mut Trial<'_>) {
        let serve = |trial: &mut Trial<'_>, flags| _ = trial.serve_with(Serve { flags, ..Serve::default() });
        match self {
            Router(rule) | Reported(rule) => {
                serve(trial, if matches!(self, Reported(_)) { REPORTING } else { &[] });
                let rule = rule.replace("CONTROL", &CONTROL.to_string());
                trial.lab.rule("forward", &rule.replace("PASSIVE", &format!("{LOW}-{HIGH}")));
            }
            EpsvIs(epsv) => {
                serve(trial, &["--tls", "off"]);
                trial.lab.relay(false, Way { epsv, ..Way::default() });
            }
            AuthIs(auth) => {
                serve(trial, &[]);
                trial.lab.relay(false, Way { auth, ..Way::default() });
            }
            Other(set_up) => set_up(trial),
        }
    }
}

impl Look {
    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    const fn rules(self, rules: &'static [u64]) -> Self {
        Self { rules, ..self }
    }

    /// Asks the doctor, who has to be right.
    pub(crate) fn test(&self, trial: &mut Trial<'_>) {
        self.network.set_up(trial);
        let host = self.host.map_or_else(|| in_url(trial.at()), str::to_owned);
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

    /// Does this method work without TLS?
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
