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

/// All, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "open",
        network: "no firewall",
        asked: "list, get and put, passive and active",
        pace: Ordinary,
        due: ALL,
        test: firewalls::none,
    },
    Row {
        name: "stateful",
        network: "server behind a stateful firewall: control port and a narrow range",
        asked: "list, get and put",
        pace: Ordinary,
        due: ALL,
        test: firewalls::stateful,
    },
    Row {
        name: "data-port-closed",
        network: "the same, the range forgotten, and passive insisted upon",
        asked: "an error in under 20 s that names host, data port, mode, time and rule",
        pace: Nightly,
        due: [Holds, Nothing, Nothing, Holds, Holds],
        test: firewalls::data_port_closed,
    },
    Row {
        name: "stateless",
        network: "stateless firewall with the four rules",
        asked: "list, get and put, passive",
        pace: Ordinary,
        due: ALL,
        test: firewalls::stateless,
    },
    Row {
        name: "stateless-active",
        network: "stateless firewall for passive, active asked",
        asked: "files move within 12 s, by passive, and it is said",
        pace: Ordinary,
        due: [Holds, Theirs, Theirs, Holds, Holds],
        test: firewalls::active_not_allowed,
    },
    Row {
        name: "active-unanswered",
        network: "client firewall drops incoming, active asked: the server's side",
        asked: "425 within a second of the limit, naming the port that did not answer",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Nothing, Nothing],
        test: firewalls::active_unanswered,
    },
    Row {
        name: "client-firewall",
        network: "client firewall drops incoming, active asked",
        asked: "files move within 12 s, by passive, and it is said",
        pace: Ordinary,
        due: [Holds, Theirs, Theirs, Holds, Holds],
        test: firewalls::client_firewall,
    },
    Row {
        name: "range-in-closed",
        network: "passive range closed by mistake (rule 3)",
        asked: "first success within 12 s, the second within 2 s",
        pace: Ordinary,
        due: [Holds, Theirs, Theirs, Holds, Holds],
        test: firewalls::range_in_closed,
    },
    Row {
        name: "range-out-closed",
        network: "passive range closed by mistake (rule 4)",
        asked: "first success within 12 s, the second within 2 s",
        pace: Ordinary,
        due: [Holds, Theirs, Theirs, Holds, Holds],
        test: firewalls::range_out_closed,
    },
    Row {
        name: "range-closed-425",
        network: "passive range closed by mistake: the server's side",
        asked: "425 that says which rule is missing",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Nothing, Nothing],
        test: firewalls::names_the_rule,
    },
    Row {
        name: "dnat",
        network: "server behind DNAT, private address in 227",
        asked: "list, get and put",
        pace: Ordinary,
        due: ALL,
        test: nat::dnat,
    },
    Row {
        name: "dnat-lan",
        network: "server behind DNAT, a client in its LAN",
        asked: "PASV tells it the LAN address, and those outside the router's",
        pace: Ordinary,
        due: OUR_SERVER,
        test: nat::dnat_lan,
    },
    Row {
        name: "nat-active",
        network: "client behind NAT, active",
        asked: "refused within 2 s with both addresses and \"passive\"; our client moves files by passive",
        pace: Ordinary,
        due: [Holds, Holds, Theirs, Holds, Holds],
        test: nat::active,
    },
    Row {
        name: "helper",
        network: "kernel FTP helper in the path",
        asked: "list, get and put, passive and active",
        pace: Ordinary,
        due: ALL,
        test: nat::helper,
    },
    Row {
        name: "helper-tls",
        network: "kernel FTP helper in the path, TLS",
        asked: "list, get and put under TLS",
        pace: Ordinary,
        due: ALL,
        test: nat::helper_tls,
    },
    Row {
        name: "epsv-eaten",
        network: "EPSV eaten by a middlebox",
        asked: "first success within 12 s, the second within 2 s",
        pace: Ordinary,
        due: [Holds, Theirs, Holds, Holds, Holds],
        test: epsv::eaten,
    },
    Row {
        name: "epsv-reset",
        network: "EPSV reset by a middlebox",
        asked: "first success within 12 s, the second within 2 s",
        pace: Ordinary,
        due: [Holds, Theirs, Holds, Holds, Holds],
        test: epsv::reset,
    },
    Row {
        name: "epsv-refused",
        network: "EPSV refused by a middlebox",
        asked: "list, get and put",
        pace: Ordinary,
        due: ALL,
        test: epsv::refused,
    },
    Row {
        name: "only-227",
        network: "a middlebox that opens the ports of 227 only",
        asked: "first success within 12 s, the second within 2 s",
        pace: Ordinary,
        due: [Holds, Theirs, Holds, Holds, Holds],
        test: epsv::only_pasv,
    },
    Row {
        name: "idle-control",
        network: "NAT drops the idle control connection",
        asked: "a transfer longer than that ends well",
        pace: Nightly,
        due: ALL,
        test: nat::idle_control,
    },
    Row {
        name: "final-reply",
        network: "NAT drops the control connection in a transfer, and the final reply with it",
        asked: "success within 15 s of the last byte",
        pace: Nightly,
        due: [Holds, Theirs, Theirs, Holds, Holds],
        test: nat::final_reply_lost,
    },
    Row {
        name: "ipv6-only",
        network: "IPv6 only",
        asked: "list, get and put; PASV is refused with \"use EPSV\"",
        pace: Ordinary,
        due: ALL,
        test: families::v6_only,
    },
    Row {
        name: "dual-stack",
        network: "dual stack",
        asked: "list, get and put by the name",
        pace: Ordinary,
        due: ALL,
        test: families::dual_stack,
    },
    Row {
        name: "ipv6-dead",
        network: "dual stack, IPv6 dead",
        asked: "list, get and put by the name, each within 3 s",
        pace: Ordinary,
        due: [Holds, Holds, Theirs, Holds, Holds],
        test: families::v6_dead,
    },
    Row {
        name: "ipv4-dead",
        network: "dual stack, IPv4 dead",
        asked: "list, get and put by the name, each within 3 s",
        pace: Ordinary,
        due: [Holds, Holds, Theirs, Holds, Holds],
        test: families::v4_dead,
    },
    Row {
        name: "nat64",
        network: "NAT64",
        asked: "list, get and put",
        pace: Ordinary,
        due: ALL,
        test: families::nat64,
    },
    Row {
        name: "proxy-v1",
        network: "load balancer with PROXY protocol, version 1",
        asked: "list, get and put; the log names the client",
        pace: Ordinary,
        due: [Holds, Holds, Holds, Nothing, Nothing],
        test: crowds::proxy_v1,
    },
    Row {
        name: "proxy-v2",
        network: "load balancer with PROXY protocol, version 2",
        asked: "list, get and put; the log names the client",
        pace: Ordinary,
        due: [Holds, Holds, Holds, Nothing, Nothing],
        test: crowds::proxy_v2,
    },
    Row {
        name: "proxy-stranger",
        network: "a PROXY line from anybody",
        asked: "421 and the end",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Nothing, Nothing],
        test: crowds::proxy_stranger,
    },
    Row {
        name: "stranger",
        network: "a stranger connects to every passive port",
        asked: "list, get and put, twice",
        pace: Ordinary,
        due: [Holds, Holds, Holds, Theirs, Theirs],
        test: crowds::stranger,
    },
    Row {
        name: "stranger-at-home",
        network: "the stranger shares the client's address (NAT)",
        asked: "no success with wrong content",
        pace: Ordinary,
        due: ALL,
        test: crowds::stranger_at_home,
    },
    Row {
        name: "stranger-first",
        network: "the same, the stranger's connection is there first",
        asked: "425, and nobody gets a byte",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Nothing, Nothing],
        test: crowds::stranger_first,
    },
    Row {
        name: "stranger-tls",
        network: "the same under TLS",
        asked: "the resumed session decides: list, get and put",
        pace: Ordinary,
        due: OUR_SERVER,
        test: crowds::stranger_tls,
    },
    Row {
        name: "crowd",
        network: "200 clients behind one address, ten ports",
        asked: "200 of 200 within 5 s",
        pace: Ordinary,
        due: OUR_SERVER,
        test: crowds::crowd,
    },
    Row {
        name: "latency",
        network: "100 ms latency",
        asked: "a small listing within 1.2 s where both are ours, else 2.5 s",
        pace: Ordinary,
        due: ALL,
        test: paths::latency,
    },
    Row {
        name: "mtu",
        network: "MTU black hole, TLS",
        asked: "first success within 12 s; list, get and put then within 2 s",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Holds, Holds],
        test: paths::mtu_black_hole,
    },
    Row {
        name: "mtu-clear",
        network: "MTU black hole, in clear",
        asked: "list at once; get and put within 12 s, and once more within 2 s",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Holds, Holds],
        test: paths::mtu_clear,
    },
    Row {
        name: "mtu-download",
        network: "MTU black hole, a server that knows of none",
        asked: "get within 12 s: data is sent without DF",
        pace: Ordinary,
        due: [Nothing, Holds, Holds, Nothing, Nothing],
        test: paths::mtu_download,
    },
    Row {
        name: "mtu-option",
        network: "MTU black hole, the server told by `data-mss`",
        asked: "get and put within 3 s",
        pace: Ordinary,
        due: [Holds, Holds, Holds, Nothing, Nothing],
        test: paths::mtu_option,
    },
    Row {
        name: "stall",
        network: "nothing large passes, whatever is tried",
        asked: "an error in under 20 s that names host, data port, mode and time",
        pace: Ordinary,
        due: [Holds, Nothing, Nothing, Holds, Holds],
        test: paths::stall,
    },
];
