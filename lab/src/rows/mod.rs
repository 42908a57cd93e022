//! Which networks are there, and who has to get through which?
//!
//! A row is a network, a test in it, and what is due of each pair of client and server.
mod crowds;
mod epsv;
mod families;
mod firewalls;
mod nat;
mod paths;
mod shared;

use crate::pace::Pace;
use crate::trial::{Pair, Trial};

/// A network and its test.
pub(crate) struct Row {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) network: &'static str,
    /// What is asked of those who meet there.
    pub(crate) asked: &'static str,
    pub(crate) pace: Pace,
    /// In the order of `Pair::ALL`.
    due: [Due; 5],
    pub(crate) test: fn(&mut Trial<'_>),
}

/// What is due of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It passes.
    Holds,
    /// What comes of it is the other program's own affair: shown with `--nightly`, and not judged.
    Theirs,
    /// There is nothing to ask.
    Nothing,
}

use Due::{Holds, Nothing, Theirs};
use Pace::{Nightly, Ordinary};

impl Row {
    /// What is due of `pair`.
    pub(crate) fn due(&self, pair: Pair) -> Due {
        let n = Pair::ALL.iter().position(|&other| other == pair);
        n.map_or(Nothing, |n| self.due[n])
    }
}

const ALL: [Due; 5] = [Holds; 5];
const OUR_SERVER: [Due; 5] = [Holds, Nothing, Nothing, Nothing, Nothing];

macro_rules! rows {
    ($($name:literal $pace:ident $due:tt $module:ident::$test:ident: $network:literal, $asked:literal;)+) => {
        &[$(Row {
            name: $name,
            network: $network,
            asked: $asked,
            pace: $pace,
            due: $due,
            test: $module::$test,
        }),+]
    };
}

/// All, in the order of the table: name, pace, what is due, the test; the network; what is asked.
pub(crate) const ROWS: &[Row] = rows! {
    "open" Ordinary ALL firewalls::none:
        "no firewall",
        "list, get and put, passive and active";
    "stateful" Ordinary ALL firewalls::stateful:
        "server behind a stateful firewall: control port and a narrow range",
        "list, get and put";
    "data-port-closed" Nightly [Holds, Nothing, Nothing, Holds, Holds] firewalls::data_port_closed:
        "the same, the range forgotten, and passive insisted upon",
        "an error in under 20 s that names host, data port, mode, time and rule";
    "stateless" Ordinary ALL firewalls::stateless:
        "stateless firewall with the four rules",
        "list, get and put, passive";
    "stateless-active" Ordinary [Holds, Theirs, Theirs, Holds, Holds] firewalls::active_not_allowed:
        "stateless firewall for passive, active asked",
        "files move within 12 s, by passive, and it is said";
    "active-unanswered" Ordinary [Holds, Nothing, Nothing, Nothing, Nothing] firewalls::active_unanswered:
        "client firewall drops incoming, active asked: the server's side",
        "425 within a second of the limit, naming the port that did not answer";
    "client-firewall" Ordinary [Holds, Theirs, Theirs, Holds, Holds] firewalls::client_firewall:
        "client firewall drops incoming, active asked",
        "files move within 12 s, by passive, and it is said";
    "range-in-closed" Ordinary [Holds, Theirs, Theirs, Holds, Holds] firewalls::range_in_closed:
        "passive range closed by mistake (rule 3)",
        "first success within 12 s, the second within 2 s";
    "range-out-closed" Ordinary [Holds, Theirs, Theirs, Holds, Holds] firewalls::range_out_closed:
        "passive range closed by mistake (rule 4)",
        "first success within 12 s, the second within 2 s";
    "range-closed-425" Ordinary [Holds, Nothing, Nothing, Nothing, Nothing] firewalls::names_the_rule:
        "passive range closed by mistake: the server's side",
        "425 that says which rule is missing";
    "dnat" Ordinary ALL nat::dnat:
        "server behind DNAT, private address in 227",
        "list, get and put";
    "dnat-lan" Ordinary OUR_SERVER nat::dnat_lan:
        "server behind DNAT, a client in its LAN",
        "PASV tells it the LAN address, and those outside the router's";
    "nat-active" Ordinary [Holds, Holds, Theirs, Holds, Holds] nat::active:
        "client behind NAT, active",
        "refused within 2 s with both addresses and \"passive\"; our client moves files by passive";
    "helper" Ordinary ALL nat::helper:
        "kernel FTP helper in the path",
        "list, get and put, passive and active";
    "helper-tls" Ordinary ALL nat::helper_tls:
        "kernel FTP helper in the path, TLS",
        "list, get and put under TLS";
    "epsv-eaten" Ordinary [Holds, Theirs, Holds, Holds, Holds] epsv::eaten:
        "EPSV eaten by a middlebox",
        "first success within 12 s, the second within 2 s";
    "epsv-reset" Ordinary [Holds, Theirs, Holds, Holds, Holds] epsv::reset:
        "EPSV reset by a middlebox",
        "first success within 12 s, the second within 2 s";
    "epsv-refused" Ordinary ALL epsv::refused:
        "EPSV refused by a middlebox",
        "list, get and put";
    "only-227" Ordinary [Holds, Theirs, Holds, Holds, Holds] epsv::only_pasv:
        "a middlebox that opens the ports of 227 only",
        "first success within 12 s, the second within 2 s";
    "idle-control" Nightly ALL nat::idle_control:
        "NAT drops the idle control connection",
        "a transfer longer than that ends well";
    "final-reply" Nightly [Holds, Theirs, Theirs, Holds, Holds] nat::final_reply_lost:
        "NAT drops the control connection in a transfer, and the final reply with it",
        "success within 15 s of the last byte";
    "ipv6-only" Ordinary ALL families::v6_only:
        "IPv6 only",
        "list, get and put; PASV is refused with \"use EPSV\"";
    "dual-stack" Ordinary ALL families::dual_stack:
        "dual stack",
        "list, get and put by the name";
    "ipv6-dead" Ordinary [Holds, Holds, Theirs, Holds, Holds] families::v6_dead:
        "dual stack, IPv6 dead",
        "list, get and put by the name, each within 3 s";
    "ipv4-dead" Ordinary [Holds, Holds, Theirs, Holds, Holds] families::v4_dead:
        "dual stack, IPv4 dead",
        "list, get and put by the name, each within 3 s";
    "nat64" Ordinary ALL families::nat64:
        "NAT64",
        "list, get and put";
    "proxy-v1" Ordinary [Holds, Holds, Holds, Nothing, Nothing] crowds::proxy_v1:
        "load balancer with PROXY protocol, version 1",
        "list, get and put; the log names the client";
    "proxy-v2" Ordinary [Holds, Holds, Holds, Nothing, Nothing] crowds::proxy_v2:
        "load balancer with PROXY protocol, version 2",
        "list, get and put; the log names the client";
    "proxy-stranger" Ordinary [Holds, Nothing, Nothing, Nothing, Nothing] crowds::proxy_stranger:
        "a PROXY line from anybody",
        "421 and the end";
    "stranger" Ordinary [Holds, Holds, Holds, Theirs, Theirs] crowds::stranger:
        "a stranger connects to every passive port",
        "list, get and put, twice";
    "stranger-at-home" Ordinary ALL crowds::stranger_at_home:
        "the stranger shares the client's address (NAT)",
        "no success with wrong content";
    "stranger-first" Ordinary [Holds, Nothing, Nothing, Nothing, Nothing] crowds::stranger_first:
        "the same, the stranger's connection is there first",
        "425, and nobody gets a byte";
    "stranger-tls" Ordinary OUR_SERVER crowds::stranger_tls:
        "the same under TLS",
        "the resumed session decides: list, get and put";
    "crowd" Ordinary OUR_SERVER crowds::crowd:
        "200 clients behind one address, ten ports",
        "200 of 200 within 5 s";
    "latency" Ordinary ALL paths::latency:
        "100 ms latency",
        "a small listing within 1.2 s where both are ours, else 2.5 s";
    "mtu" Ordinary [Holds, Nothing, Nothing, Holds, Holds] paths::mtu_black_hole:
        "MTU black hole, TLS",
        "first success within 12 s; list, get and put then within 2 s";
    "mtu-clear" Ordinary [Holds, Nothing, Nothing, Holds, Holds] paths::mtu_clear:
        "MTU black hole, without TLS",
        "list at once; get and put within 12 s, and once more within 2 s";
    "mtu-download" Ordinary [Nothing, Holds, Holds, Nothing, Nothing] paths::mtu_download:
        "MTU black hole, a server that knows of none",
        "get within 12 s: data is sent without DF";
    "mtu-option" Ordinary [Holds, Holds, Holds, Nothing, Nothing] paths::mtu_option:
        "MTU black hole, the server told by `data-mss`",
        "get and put within 3 s";
    "stall" Ordinary [Holds, Nothing, Nothing, Holds, Holds] paths::stall:
        "nothing large passes, whatever is tried",
        "an error in under 20 s that names host, data port, mode and time";
};
