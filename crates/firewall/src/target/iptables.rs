//! How are iptables and ip6tables told: as a whole rule set, or beside existing rules?
//!
//! One file serves both: `-4` and `-6` before a rule make the other program pass over it.

use crate::request::{Family, Output, Request, Tracking};
use crate::rules::{Direction, Ports, Role, Rule};
use crate::sheet::{Sheet, tag};

/// The most ports that one multiport match takes, where a range counts as two.
const MULTIPORT: usize = 15;

/// Answers only: what has SYN without ACK opens a connection.
const NO_LONE_SYN: &str = "--tcp-flags SYN,ACK SYN";

pub(super) fn whole(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    let both = request.families().len() == 2;
    let programs = match request.families()[..] {
        [Family::V4] => "iptables-restore FILE",
        [Family::V6] => "ip6tables-restore FILE",
        _ => "iptables-restore FILE; ip6tables-restore FILE  (each takes its own lines)",
    };
    sheet.say("iptables, on the server itself: the whole table `filter`, in place of what is in it.");
    sheet.say(&format!("Load:    {programs}; once or often"));
    let each: &[&str] = match request.families()[..] {
        [Family::V4] => &["iptables"],
        [Family::V6] => &["ip6tables"],
        _ => &["iptables", "ip6tables"],
    };
    sheet.say("Remove (everything passes again):");
    for program in each {
        sheet.command(&format!(
            "for c in INPUT FORWARD OUTPUT; do {program} -P $c ACCEPT; {program} -F $c; done"
        ));
    }
    sheet.say("Where there are rules already (Docker's, your own), use --for iptables-insert.");
    sheet.say(&request.left_open());
    let closed = request.output == Output::Dropped || request.tracking == Tracking::Stateless;
    if closed {
        sheet.say("Connections that this machine opens itself (DNS, time, updates, DHCP) are dropped too, unless you add them.");
    }
    sheet.blank();
    sheet.plain("*filter");
    sheet.plain(":INPUT DROP [0:0]");
    sheet.plain(":FORWARD DROP [0:0]");
    sheet.plain(format!(":OUTPUT {} [0:0]", if closed { "DROP" } else { "ACCEPT" }));
    for direction in [Direction::In, Direction::Out] {
        let (chain, device, port) = match direction {
            Direction::In => ("INPUT", "-i lo", "--dport"),
            Direction::Out if !closed => continue,
            Direction::Out => ("OUTPUT", "-o lo", "--sport"),
        };
        sheet.support(format!("-A {chain} {device} -j ACCEPT"), "this machine with itself");
        match request.tracking {
            Tracking::Stateful => {
                sheet.support(
                    format!("-A {chain} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"),
                    "the rest of every connection that was let through",
                );
                if direction == Direction::In {
                    sheet.support(
                        format!("-A {chain} -m conntrack --ctstate INVALID -j DROP"),
                        "what belongs to no connection",
                    );
                }
                if request.families().contains(&Family::V6) {
                    discovery(&mut sheet, direction, chain);
                }
            }
            Tracking::Stateless => {
                for family in request.families() {
                    let icmp = family.either("-4 -p icmp", "-6 -p ipv6-icmp");
                    sheet.support(
                        format!("-A {chain} {icmp} -j ACCEPT"),
                        "errors (too big, unreachable), and neighbour discovery of IPv6",
                    );
                }
            }
        }
        for kept in request.kept().words(":") {
            let opens = match (request.tracking, direction) {
                (Tracking::Stateful, Direction::In) => " -m conntrack --ctstate NEW".to_owned(),
                (Tracking::Stateful, Direction::Out) => continue,
                (Tracking::Stateless, Direction::In) => String::new(),
                (Tracking::Stateless, Direction::Out) => format!(" ! {NO_LONE_SYN}"),
            };
            sheet.support(
                format!("-A {chain} -p tcp {port} {kept}{opens} -m comment --comment \"pasv: kept open\" -j ACCEPT"),
                "other services: --keep",
            );
        }
        for rule in request.written(direction) {
            for text in specs(request, &rule) {
                let only = match (both, text.family) {
                    (true, Some(family)) => format!("-{} ", family.number()),
                    _ => String::new(),
                };
                sheet.rule(format!("-A {chain} {only}{}", text.spec), &[&rule]);
            }
        }
    }
    sheet.plain("COMMIT");
    sheet
}

/// What a host must hear and say of ICMPv6 (RFC 4890 4.4.1), and its address by DHCPv6; as in nftables.
fn discovery(sheet: &mut Sheet, direction: Direction, chain: &str) {
    // 130 and 143 ask and tell switches who listens; iptables has no names for them.
    let (kinds, why) = match direction {
        Direction::In => (
            ["neighbour-solicitation", "neighbour-advertisement", "router-advertisement", "130"],
            "how IPv6 finds its neighbours; without it nothing arrives",
        ),
        Direction::Out => (
            ["neighbour-solicitation", "neighbour-advertisement", "router-solicitation", "143"],
            "how IPv6 finds its neighbours; without it nothing leaves",
        ),
    };
    for kind in kinds {
        sheet.support(format!("-A {chain} -6 -p ipv6-icmp --icmpv6-type {kind} -j ACCEPT"), why);
    }
    if direction == Direction::In {
        sheet.support(
            format!("-A {chain} -6 -p udp -s fe80::/10 --sport 547 --dport 546 -j ACCEPT"),
            "the address of this machine, where it has it by DHCPv6",
        );
    }
}

pub(super) fn inserted(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet
        .say("iptables, on the server itself: before the rules that exist, since many chains end in REJECT.");
    sheet.say("Paste once: each time adds the lines again. Remove: the same lines with -D in place of `-I INPUT 1`, as `-D INPUT`.");
    sheet.say(
        "To keep them after a restart: `netfilter-persistent save`, or the equivalent of your distribution.",
    );
    sheet.blank();
    for direction in [Direction::In, Direction::Out] {
        let chain = direction.either("INPUT", "OUTPUT");
        let mut rules = request.written(direction);
        // Each is put before the one before it: in the chain they read 1, 3.
        rules.reverse();
        for rule in rules {
            for text in specs(request, &rule) {
                let programs: &[&str] = match (text.family, &request.families()[..]) {
                    (Some(Family::V4), _) | (None, [Family::V4]) => &["iptables "],
                    (Some(Family::V6), _) | (None, [Family::V6]) => &["ip6tables"],
                    (None, _) => &["iptables ", "ip6tables"],
                };
                for program in programs {
                    sheet.rule(format!("{program} -I {chain} 1 {}", text.spec), &[&rule]);
                }
            }
        }
    }
    if request.tracking == Tracking::Stateful {
        sheet.say("The chain must also accept ESTABLISHED,RELATED, as nearly all do.");
    }
    sheet
}

/// A rule without its chain.
struct Spec {
    /// Where it names an address.
    family: Option<Family>,
    spec: String,
}

fn specs(request: &Request, rule: &Rule) -> Vec<Spec> {
    let side = rule.direction.either("-s", "-d");
    let mut who = vec![(None, String::new())];
    if !request.from.is_empty() {
        who.clear();
        for family in request.families() {
            who.extend(request.networks(family).iter().map(|net| (Some(family), format!("{side} {net} "))));
        }
    }
    // With connections followed, a client may come from any port.
    let far = request.tracking == Tracking::Stateless || rule.direction == Direction::Out;
    let opens = match (request.tracking, rule.role) {
        (Tracking::Stateful, _) => " -m conntrack --ctstate NEW".to_owned(),
        (Tracking::Stateless, Role::Opens) => String::new(),
        (Tracking::Stateless, Role::Answers) => format!(" ! {NO_LONE_SYN}"),
    };
    let (ours, theirs, here, there) = rule
        .direction
        .either((&rule.to, &rule.from, "--dport", "--sport"), (&rule.from, &rule.to, "--sport", "--dport"));
    let far = if far { format!(" {there} {}", theirs.written(":", ",")) } else { String::new() };
    let mut specs = Vec::new();
    for (family, who) in who {
        for ports in portions(ours) {
            let near = if ports.contains(',') {
                format!("-m multiport {here}s {ports}")
            } else {
                format!("{here} {ports}")
            };
            specs.push(Spec {
                family,
                spec: format!(
                    "-p tcp {who}{near}{far}{opens} -m comment --comment \"{}\" -j ACCEPT",
                    tag(rule)
                ),
            });
        }
    }
    specs
}

/// As many lists as multiport needs.
pub(super) fn portions(ports: &Ports) -> Vec<String> {
    let mut lists = vec![(0, Vec::new())];
    for span in ports.spans() {
        let weight = if span.start() == span.end() { 1 } else { 2 };
        if lists.last().is_none_or(|(full, _)| full + weight > MULTIPORT) {
            lists.push((0, Vec::new()));
        }
        if let Some((full, list)) = lists.last_mut() {
            *full += weight;
            list.push(Ports::of([span]).written(":", ","));
        }
    }
    lists.into_iter().map(|(_, list)| list.join(",")).collect()
}
