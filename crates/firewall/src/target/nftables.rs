//! How is a complete nftables rule set for the server itself written?
//!
//! The table is made, emptied and filled in one transaction, so that loading it twice is loading it once.

use crate::request::{Family, Output, Request, Tracking};
use crate::rules::{Direction, Ports, Role, Rule};
use crate::sheet::{Sheet, tag};

/// The table that is ours.
pub const TABLE: &str = "pasv";

/// The comment of the lines that keep other services open.
pub const KEPT: &str = "pasv: kept open";

/// What a host must hear of ICMPv6 (RFC 4890 4.4.1): neighbour discovery, without which nobody finds its
/// address on the wire, and the question of switches who listens, without whose answer they stop passing that
/// on.
const HEARD: &str =
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept";

/// And what it must say.
const SAID: &str =
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept";

/// Its question went to a multicast address, so that the answer belongs to no connection (RFC 8415 7.2).
const DHCPV6: &str = "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept";

pub(super) fn write(request: &Request) -> Sheet {
    let mut sheet = Sheet::new("#");
    sheet.say(
        "nftables, on the server itself: a table of its own that drops everything that it does not list.",
    );
    sheet.say(
        "Load:    nft -f FILE, once or often (`pasv firewall --apply` shows what it closes, asks and loads)",
    );
    sheet.say("Remove:  nft delete table inet pasv");
    sheet.say(
        "It cannot open what a chain of another table drops: where one does, use --for nftables-insert.",
    );
    sheet.say(&request.left_open());
    if outward(request) {
        sheet.say("Connections that this machine opens itself (DNS, time, updates, DHCP) are dropped too, unless you add them.");
    }
    sheet.blank();
    table(&mut sheet, request);
    sheet
}

/// The table for `nft -f`, without remarks. Loaded twice it is the same as loaded once.
pub fn own_table(request: &Request) -> String {
    let mut sheet = Sheet::new("#");
    table(&mut sheet, request);
    sheet.text(false)
}

/// The rule set alone.
fn table(sheet: &mut Sheet, request: &Request) {
    sheet.plain(format!("table inet {TABLE}"));
    sheet.plain(format!("delete table inet {TABLE}"));
    sheet.plain(format!("table inet {TABLE} {{"));
    let both = [(Direction::In, "input", "iif"), (Direction::Out, "output", "oif")];
    for (direction, hook, device) in both.into_iter().take(if outward(request) { 2 } else { 1 }) {
        sheet.plain(format!("\tchain {hook} {{"));
        sheet.plain(format!("\t\ttype filter hook {hook} priority filter; policy drop;"));
        sheet.support(format!("\t\t{device} lo accept"), "this machine with itself");
        common(sheet, request, direction);
        for line in lines(request, direction) {
            sheet.rule(format!("\t\t{} comment \"{}\"", line.text, tag(&line.rule)), &[&line.rule]);
        }
        sheet.plain("\t}");
    }
    sheet.plain("}");
}

/// A firewall that does not follow connections has to be told both ways.
fn outward(request: &Request) -> bool {
    request.output == Output::Dropped || request.tracking == Tracking::Stateless
}

/// What every host needs, whatever it serves.
fn common(sheet: &mut Sheet, request: &Request, direction: Direction) {
    let kept = request.kept();
    let ports = set(&kept);
    match request.tracking {
        Tracking::Stateful => {
            let answers = match direction {
                Direction::In => {
                    "the rest of every connection that was let in, and of those this machine opened"
                }
                Direction::Out => "rules 2 and 4: answers on every connection that was let in",
            };
            sheet.support("\t\tct state established,related accept", answers);
            if direction == Direction::In {
                sheet.support("\t\tct state invalid drop", "what belongs to no connection");
            }
            discovery(sheet, request, direction);
            if !kept.is_empty() && direction == Direction::In {
                sheet.support(
                    format!("\t\ttcp dport {ports} ct state new accept comment \"{KEPT}\""),
                    "other services: --keep",
                );
            }
        }
        Tracking::Stateless => {
            let kinds = match request.families()[..] {
                [Family::V4] => "icmp",
                [Family::V6] => "ipv6-icmp",
                _ => "{ icmp, ipv6-icmp }",
            };
            sheet.support(
                format!("\t\tmeta l4proto {kinds} accept"),
                "errors (too big, unreachable), and neighbour discovery of IPv6",
            );
            if !kept.is_empty() {
                let line = direction
                    .either(format!("tcp dport {ports}"), format!("tcp sport {ports} {NO_LONE_SYN}"));
                sheet.support(format!("\t\t{line} accept comment \"{KEPT}\""), "other services: --keep");
            }
        }
    }
}

fn discovery(sheet: &mut Sheet, request: &Request, direction: Direction) {
    if !request.families().contains(&Family::V6) {
        return;
    }
    let (text, why) = direction.either(
        (HEARD, "how IPv6 finds its neighbours; without it nothing arrives"),
        (SAID, "how IPv6 finds its neighbours; without it nothing leaves"),
    );
    sheet.support(format!("\t\t{text}"), why);
    if direction == Direction::In {
        sheet.support(format!("\t\t{DHCPV6}"), "the address of this machine, where it has it by DHCPv6");
    }
}

/// Answers only: of the two flags that open a connection, the first packet has SYN alone.
const NO_LONE_SYN: &str = "tcp flags & (syn|ack) != syn";

/// One rule as nftables has it, up to its verdict.
pub(crate) struct Written {
    pub(crate) rule: Rule,
    pub(crate) text: String,
}

/// The lines of one direction, one for each rule, and for each family where networks are named.
pub(crate) fn lines(request: &Request, direction: Direction) -> Vec<Written> {
    let mut lines = Vec::new();
    for rule in request.written(direction) {
        for who in peers(request, direction) {
            let text = format!("{who}{} accept", packets(&rule, request.tracking));
            lines.push(Written { rule: rule.clone(), text });
        }
    }
    lines
}

/// Which packets, by ports and by what they may open.
pub(crate) fn packets(rule: &Rule, tracking: Tracking) -> String {
    match (tracking, rule.role) {
        // Clients leave from any port they like; what matters is that it opens a connection to this one.
        (Tracking::Stateful, _) if rule.direction == Direction::In => {
            format!("tcp dport {} ct state new", set(&rule.to))
        }
        (Tracking::Stateful, _) => {
            format!("tcp sport {} tcp dport {} ct state new", set(&rule.from), set(&rule.to))
        }
        (Tracking::Stateless, Role::Opens) => {
            format!("tcp sport {} tcp dport {}", set(&rule.from), set(&rule.to))
        }
        (Tracking::Stateless, Role::Answers) => {
            format!("tcp sport {} tcp dport {} {NO_LONE_SYN}", set(&rule.from), set(&rule.to))
        }
    }
}

/// `ip saddr 192.0.2.0/24 `, once for each family; nothing where anybody may come.
pub(crate) fn peers(request: &Request, direction: Direction) -> Vec<String> {
    let side = direction.either("saddr", "daddr");
    let families = request.families();
    if request.from.is_empty() {
        return match families[..] {
            [Family::V4] => vec!["meta nfproto ipv4 ".into()],
            [Family::V6] => vec!["meta nfproto ipv6 ".into()],
            _ => vec![String::new()],
        };
    }
    let line = |family: &Family| {
        let nets = braced(request.networks_written(*family, ", "));
        format!("{} {side} {nets} ", word(*family))
    };
    families.iter().map(line).collect()
}

/// The family as nftables calls it.
pub fn word(family: Family) -> &'static str {
    family.either("ip", "ip6")
}

/// `21`, `61210-61219`, `{ 21, 990 }` or `> 1023`.
pub(crate) fn set(ports: &Ports) -> String {
    match ports {
        Ports::Unprivileged => "> 1023".into(),
        Ports::Of(_) => braced(ports.written("-", ", ")),
    }
}

/// In braces, where it is a list.
pub(super) fn braced(list: String) -> String {
    if list.contains(", ") { format!("{{ {list} }}") } else { list }
}
