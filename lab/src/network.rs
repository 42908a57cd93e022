//! How is a network put together, and how does it go again?
//!
//! ```text
//!    client ---------------- router ---------------- server
//!    198.51.100.2   198.51.100.1  203.0.113.1    203.0.113.2
//!    2001:db8:1::2  2001:db8:1::1 2001:db8:2::1  2001:db8:2::2
//! ```
//! Three network namespaces and two cables. What stands in the way is then said one by one: `lab.nat()`,
//! `lab.drop(..)`, `lab.v6_only()`. A lab shares nothing with the machine or with another lab.
use std::fs::File;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use testbed::process::{run_within, tool};

use crate::addresses::{CLIENT, CONTROL, HIGH, LOW, OUTSIDE, PRIVATE_SERVER, SERVER, SERVER_V6};
use crate::relay::{Relay, Way};

/// A call of `ip` or `nft` takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
static LABS: AtomicUsize = AtomicUsize::new(0);

/// A machine of the lab: a network namespace.
pub(crate) struct Host {
    name: String,
    namespace: File,
}

/// A network.
pub(crate) struct Lab {
    // They run in the hosts, so they go first.
    relays: Vec<Relay>,
    pub(crate) client: Host,
    pub(crate) router: Host,
    pub(crate) server: Host,
    others: Vec<Host>,
    number: usize,
    /// Where clients find the site.
    site: IpAddr,
}

impl Host {
    #[track_caller]
    fn new(name: String) -> Self {
        call("ip", &["netns", "add", &name], "");
        let namespace = File::open(format!("/run/netns/{name}")).expect("the namespace just made");
        let host = Self { name, namespace };
        host.ip("link set lo up");
        // Nobody else can have our addresses, and the search for them takes two seconds.
        host.set("ipv6/conf/default/accept_dad", "0");
        host
    }

    /// Does `work` on this host: sockets it opens, programs and threads it starts belong there.
    pub(crate) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let done = std::thread::scope(|scope| {
            let worker = scope.spawn(|| {
                self.entrance().enter();
                work()
            });
            worker.join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A way in for a thread that stays.
    pub(crate) fn entrance(&self) -> Entrance {
        Entrance(self.namespace.try_clone().expect("a second handle of a namespace"))
    }

    /// Calls `ip`, a line a call.
    #[track_caller]
    pub(crate) fn ip(&self, lines: &str) {
        call("ip", &["-n", &self.name, "-batch", "-"], lines);
    }

    /// Loads rules.
    #[track_caller]
    pub(crate) fn nft(&self, rules: &str) {
        self.within(|| call("nft", &["-f", "-"], rules));
    }

    /// Loads rules as iptables and ip6tables have them, each of which takes its own lines.
    #[track_caller]
    pub(crate) fn iptables(&self, rules: &str) {
        for program in ["iptables-restore", "ip6tables-restore"] {
            self.within(|| call(program, &[], rules));
        }
    }

    /// Calls `tc`.
    #[track_caller]
    fn tc(&self, words: &str) {
        self.within(|| call("tc", &words.split(' ').collect::<Vec<_>>(), ""));
    }

    /// Sets a value below `/proc/sys/net`.
    #[track_caller]
    pub(crate) fn set(&self, name: &str, value: &str) {
        let path = format!("/proc/sys/net/{name}");
        self.within(|| std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}")));
    }

    /// Opens a connection from here.
    pub(crate) fn connect(&self, to: SocketAddr, within: Duration) -> std::io::Result<TcpStream> {
        self.within(|| TcpStream::connect_timeout(&to, within))
    }
}

/// The way into a host.
pub(crate) struct Entrance(File);

impl Entrance {
    /// This thread is on that host from now on.
    pub(crate) fn enter(self) {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("root may enter a namespace of its own");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Should it fail, the end of the run takes the namespace with it all the same.
        let _ = tool("ip").args(["netns", "del", &self.name]).output();
    }
}

impl Lab {
    /// Client, router and server; nothing in the way.
    #[track_caller]
    pub(crate) fn new() -> Self {
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let host = |role: &str| Host::new(format!("lab{number}-{role}"));
        let lab = Self {
            relays: Vec::new(),
            client: host("client"),
            router: host("router"),
            server: host("server"),
            others: Vec::new(),
            number,
            site: SERVER.into(),
        };
        lab.router.set("ipv4/ip_forward", "1");
        lab.router.set("ipv6/conf/all/forwarding", "1");
        lab.router.nft(
            "table inet lab {\n\
             chain before { type nat hook prerouting priority dstnat; }\n\
             chain after { type nat hook postrouting priority srcnat; }\n\
             chain forward { type filter hook forward priority filter; }\n\
             chain out { type filter hook output priority filter; }\n}\n",
        );
        lab.cable(&lab.client, "c", "198.51.100", "2001:db8:1:");
        lab.cable(&lab.server, "s", "203.0.113", "2001:db8:2:");
        lab
    }

    /// A cable from `host` to the router's port `port`. IPv4 is a /24 and IPv6 a /64; the router is 1 and the
    /// host 2.
    #[track_caller]
    fn cable(&self, host: &Host, port: &str, v4: &str, v6: &str) {
        self.router.ip(&format!(
            "link add {port} type veth peer name eth netns {host}\n\
             addr add {v4}.1/24 dev {port}\naddr add {v6}:1/64 dev {port} nodad\nlink set {port} up\n",
            host = host.name
        ));
        host.ip(&format!(
            "addr add {v4}.2/24 dev eth\naddr add {v6}:2/64 dev eth nodad\nlink set eth up\n\
             route add default via {v4}.1\nroute add default via {v6}:1 dev eth\n",
        ));
    }

    /// One more host at the router, with the address 2 of the network `v4` (three numbers and their dots).
    #[track_caller]
    pub(crate) fn add(&mut self, role: &str, v4: &str) -> usize {
        let host = Host::new(format!("lab{}-{role}", self.number));
        let n = self.others.len() + 3;
        self.cable(&host, role, v4, &format!("2001:db8:{n}:"));
        self.others.push(host);
        self.others.len() - 1
    }

    /// A host added before.
    pub(crate) fn other(&self, n: usize) -> &Host {
        &self.others[n]
    }

    /// Where clients find the site.
    pub(crate) fn site(&self) -> IpAddr {
        self.site
    }

    /// Clients use this address from now on.
    pub(crate) fn reach(&mut self, site: impl Into<IpAddr>) {
        self.site = site.into();
    }

    /// Adds a rule to one of the router's chains: `before`, `after`, `forward` or `out`.
    #[track_caller]
    pub(crate) fn rule(&self, chain: &str, rule: &str) {
        self.router.nft(&format!("add rule inet lab {chain} {rule}\n"));
    }

    /// The router drops what matches, silently.
    #[track_caller]
    pub(crate) fn drop(&self, what: &str) {
        self.rule("forward", &format!("{what} drop"));
    }

    /// The clients share the router's address.
    #[track_caller]
    pub(crate) fn nat(&self) {
        // Theirs alone: who is elsewhere keeps an address.
        self.rule("after", "oifname s ip saddr 198.51.100.0/24 masquerade");
    }

    /// The site has a private address, and clients dial the router's. Nobody forwards anything yet.
    #[track_caller]
    pub(crate) fn private_server(&mut self) {
        self.router.ip("addr del 203.0.113.1/24 dev s\naddr add 10.0.2.1/24 dev s\n");
        self.server.ip(&format!(
            "addr del {SERVER}/24 dev eth\naddr add {PRIVATE_SERVER}/24 dev eth\nroute replace default via 10.0.2.1\n"
        ));
        self.site = OUTSIDE.into();
    }

    /// The site has a private address and is reached at the router's, at the same ports.
    #[track_caller]
    pub(crate) fn dnat(&mut self) {
        self.private_server();
        // Out there a private address leads nowhere, or to somebody else.
        self.rule("before", &format!("iifname c ip daddr {PRIVATE_SERVER} drop"));
        let ports = format!("{{ {CONTROL}, {LOW}-{HIGH} }}");
        self.rule("before", &format!("ip daddr {OUTSIDE} tcp dport {ports} dnat ip to {PRIVATE_SERVER}"));
    }

    /// The router's kernel reads FTP on port 21 (`nf_conntrack_ftp`).
    #[track_caller]
    pub(crate) fn helper(&self) {
        self.router.nft(
            "table inet helper {\n ct helper ftp { type \"ftp\" protocol tcp; }\n\
             chain before { type filter hook prerouting priority filter; tcp dport 21 ct helper set \"ftp\"; }\n}\n",
        );
    }

    /// IPv4 is switched off, but on loopback.
    #[track_caller]
    pub(crate) fn v6_only(&mut self) {
        self.client.ip(&format!("addr del {CLIENT}/24 dev eth\n"));
        self.server.ip(&format!("addr del {SERVER}/24 dev eth\n"));
        self.site = SERVER_V6.into();
    }

    /// Packets over `mtu` bytes do not pass, and nobody is told: the router's ICMP is dropped.
    #[track_caller]
    pub(crate) fn mtu_black_hole(&self, mtu: u16) {
        self.narrow(mtu);
        self.rule("out", "icmp type destination-unreachable drop");
        self.rule("out", "icmpv6 type packet-too-big drop");
    }

    /// Packets over `mtu` bytes do not pass; the router says so, as it must.
    #[track_caller]
    pub(crate) fn narrow(&self, mtu: u16) {
        self.router.ip(&format!(
            "route replace 198.51.100.0/24 dev c mtu lock {mtu}\nroute replace 203.0.113.0/24 dev s mtu lock {mtu}\n"
        ));
    }

    /// Nothing moves faster than `rate` (as tc writes it: 2mbit) on the way to the client.
    #[track_caller]
    pub(crate) fn slow(&self, rate: &str) {
        self.router.tc(&format!("qdisc add dev c root tbf rate {rate} burst 16kb latency 300ms"));
    }

    /// The router forgets connections on which nothing has passed for `seconds`, and then drops what comes on
    /// them.
    #[track_caller]
    pub(crate) fn forgets_after(&self, seconds: u16) {
        self.router.set("netfilter/nf_conntrack_tcp_loose", "0");
        self.router.set("netfilter/nf_conntrack_tcp_timeout_established", &seconds.to_string());
        // Keepalive probes that are not acknowledged count as unacknowledged data.
        self.router.set("netfilter/nf_conntrack_tcp_timeout_unacknowledged", &seconds.to_string());
        self.drop("ct state invalid");
    }

    /// The router takes control connections, and with `data` those of the passive ports, into its own hands:
    /// the clients speak with it, and it with the site.
    #[track_caller]
    pub(crate) fn relay(&mut self, data: bool, way: Way) {
        // Data must come from the address that the control connection comes from.
        self.nat();
        let ports: Vec<u16> = [CONTROL].into_iter().chain((LOW..=HIGH).filter(|_| data)).collect();
        let words: Vec<String> = ports.iter().map(u16::to_string).collect();
        if self.site.is_ipv4() {
            self.rule("before", &format!("iifname c tcp dport {{ {} }} redirect", words.join(", ")));
        }
        let relay = self.router.within(|| Relay::start(&ports, SERVER, way));
        self.relays.push(relay);
    }

    /// The clients have IPv6 only and the site IPv4 only; the router translates `64:ff9b::/96` (RFC 6052).
    #[track_caller]
    pub(crate) fn nat64(&mut self) {
        self.client.ip(&format!("addr del {CLIENT}/24 dev eth\n"));
        self.server.ip(&format!("addr del {SERVER_V6}/64 dev eth\n"));
        self.router.ip("route add local 64:ff9b::/96 dev lo\n");
        let [a, b, c, d] = SERVER.octets().map(u16::from);
        self.site = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d).into();
        self.relay(true, Way::default());
    }
}

/// Runs a tool of the system; one that fails has failed the test.
#[track_caller]
fn call(program: &str, words: &[&str], input: &str) {
    let said = run_within(tool(program).args(words), input.as_bytes(), PATIENCE);
    assert!(said.succeeded(), "{program} {}: {}{}\n{input}", words.join(" "), said.err, said.status);
}
