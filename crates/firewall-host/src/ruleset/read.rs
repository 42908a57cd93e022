//! How is the output of `nft -j list ruleset` read?
//!
//! The format is that of libnftables-json(5). What it holds is made by anyone who may change the firewall, so
//! nothing here trusts it to be well formed, or small, or free of cycles.

use core::fmt;
use core::net::IpAddr;
use core::ops::RangeInclusive;

use firewall::IpNet;
use serde_json::Value;

use crate::ruleset::{Base, End, Line, Listed, Ruleset, Step, Test, Verdict, flag, show, target};

/// Why a listing cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the listing of nft cannot be read: {}", self.0)
    }
}

/// A named set, and its elements.
struct Named {
    family: String,
    table: String,
    name: String,
    elements: Vec<Value>,
}

impl Ruleset {
    /// Reads the output of `nft -j list ruleset`. Nothing at all is an empty rule set.
    pub fn read(json: &str) -> Result<Self, Unreadable> {
        if json.trim().is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_str(json).map_err(|e| Unreadable(e.to_string()))?;
        let objects = value["nftables"]
            .as_array()
            .ok_or_else(|| Unreadable("there is no \"nftables\" in it".into()))?;
        let named: Vec<Named> = objects.iter().filter_map(set).collect();
        let mut ruleset = Self { chains: objects.iter().filter_map(chain).collect() };
        for about in objects.iter().filter_map(|object| object.get("rule")) {
            let place = (word(about, "family"), word(about, "table"), word(about, "chain"));
            let chain = ruleset
                .chains
                .iter_mut()
                .find(|chain| (chain.family.as_str(), chain.table.as_str(), chain.name.as_str()) == place);
            if let Some(chain) = chain {
                let sets = Sets { all: &named, family: place.0, table: place.1 };
                chain.lines.push(line(about, &sets));
            }
        }
        Ok(ruleset)
    }
}

fn word<'v>(of: &'v Value, key: &str) -> &'v str {
    of[key].as_str().unwrap_or_default()
}

fn set(object: &Value) -> Option<Named> {
    let about = object.get("set").or_else(|| object.get("map"))?;
    Some(Named {
        family: word(about, "family").to_owned(),
        table: word(about, "table").to_owned(),
        name: word(about, "name").to_owned(),
        elements: about["elem"].as_array().cloned().unwrap_or_default(),
    })
}

fn chain(object: &Value) -> Option<Listed> {
    let about = object.get("chain")?;
    let base = about["hook"].as_str().map(|hook| Base {
        kind: word(about, "type").to_owned(),
        hook: hook.to_owned(),
        drops: word(about, "policy") == "drop",
    });
    Some(Listed {
        family: word(about, "family").to_owned(),
        table: word(about, "table").to_owned(),
        name: word(about, "name").to_owned(),
        base,
        lines: Vec::new(),
    })
}

/// The named sets that a rule may refer to.
struct Sets<'a> {
    all: &'a [Named],
    family: &'a str,
    table: &'a str,
}

impl Sets<'_> {
    fn elements(&self, reference: &str) -> Option<&[Value]> {
        let name = reference.strip_prefix('@')?;
        let set =
            self.all.iter().find(|s| s.family == self.family && s.table == self.table && s.name == name)?;
        Some(&set.elements)
    }
}

fn line(about: &Value, sets: &Sets<'_>) -> Line {
    let parts = about["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
    let opaque = parts.iter().any(|part| part.get("xt").is_some());
    let mut steps: Vec<Step> = Vec::new();
    for part in parts {
        steps.extend(version(part).map(Step::Test));
        steps.extend(step(part, sets));
    }
    Line {
        handle: about["handle"].as_u64().unwrap_or_default(),
        comment: about["comment"].as_str().map(str::to_owned),
        steps,
        text: show::rule(parts),
        opaque,
    }
}

/// Who asks for a field of IPv4's header, or of IPv6's, asks first whether it is there.
fn version(part: &Value) -> Option<Test> {
    fn of(field: &Value) -> Option<Test> {
        match word(&field["payload"], "protocol") {
            "ip" => return Some(Test::Version { v6: false, not: false }),
            "ip6" => return Some(Test::Version { v6: true, not: false }),
            _ => {}
        }
        let inner = field.get("&").or_else(|| field.get("concat"))?;
        inner.as_array()?.iter().find_map(of)
    }
    of(&part["match"]["left"]).or_else(|| of(&part["vmap"]["key"]))
}

fn step(part: &Value, sets: &Sets<'_>) -> Option<Step> {
    let (name, about) = part.as_object()?.iter().next()?;
    Some(match name.as_str() {
        "match" => Step::Test(test(about, sets)),
        "vmap" => map(about, sets),
        "limit" | "quota" | "ct count" | "connlimit" => {
            Step::Test(Test::Unclear(show::rule(core::slice::from_ref(part))))
        }
        "xt" if about["type"] == "match" => {
            if about["name"] == "comment" {
                return None;
            }
            Step::Test(Test::Unclear(format!("xt {}", word(about, "name"))))
        }
        "xt" => Step::End(target(word(about, "name"), |_| false)?),
        _ => Step::End(verdict(part)?),
    })
}

/// None for what decides nothing: counters, logs, marks.
fn verdict(part: &Value) -> Option<Verdict> {
    let (name, about) = part.as_object()?.iter().next()?;
    Some(match name.as_str() {
        "accept" => Verdict::Accept,
        "drop" | "reject" => Verdict::Drop,
        "return" => Verdict::Return,
        "jump" => Verdict::Jump(word(about, "target").to_owned()),
        "goto" => Verdict::Goto(word(about, "target").to_owned()),
        // Answers in our place, and lets through who answers it.
        "queue" | "synproxy" => Verdict::Unclear,
        _ => return None,
    })
}

fn map(about: &Value, sets: &Sets<'_>) -> Step {
    let data = &about["data"];
    let pairs = match data {
        Value::String(reference) => sets.elements(reference),
        _ => data["set"].as_array().map(Vec::as_slice),
    };
    let mut ways = Vec::new();
    for pair in pairs.unwrap_or_default() {
        let (key, end) = (&pair[0], verdict(&pair[1]).unwrap_or(Verdict::Unclear));
        let as_match = serde_json::json!({ "op": "in", "left": about["key"], "right": key });
        ways.push((test(&as_match, sets), end));
    }
    if pairs.is_none() {
        ways.push((Test::Unclear(show::value(&about["key"])), Verdict::Unclear));
    }
    Step::Map(ways)
}

fn test(about: &Value, sets: &Sets<'_>) -> Test {
    let unclear = || Test::Unclear(show::test(about));
    let (left, op) = (&about["left"], word(about, "op"));
    let Some(right) = elements(&about["right"], sets) else { return unclear() };
    let not = op == "!=";
    let words = || right.iter().map(show::value).collect::<Vec<_>>();
    if let Some(masked) = left.get("&").and_then(Value::as_array) {
        return match masked.as_slice() {
            [field, mask]
                if field["payload"]["field"] == "flags" && field["payload"]["protocol"] == "tcp" =>
            {
                let among = right.iter().map(bits).collect();
                Test::Flags { mask: bits(mask), among, not, any: false }
            }
            _ => unclear(),
        };
    }
    if let Some(payload) = left.get("payload") {
        return match (word(payload, "protocol"), word(payload, "field")) {
            ("tcp" | "th", "dport") => ports(End::Destination, op, &right).unwrap_or_else(unclear),
            ("tcp" | "th", "sport") => ports(End::Source, op, &right).unwrap_or_else(unclear),
            ("tcp", "flags") => {
                // `tcp flags syn` asks for the bit, `tcp flags == syn` for nothing but it.
                Test::Flags { mask: u8::MAX, among: right.iter().map(bits).collect(), not, any: op == "in" }
            }
            ("ip" | "ip6", "saddr") => addresses(End::Source, &right, not).unwrap_or_else(unclear),
            ("ip" | "ip6", "daddr") => addresses(End::Destination, &right, not).unwrap_or_else(unclear),
            ("ip", "protocol") | ("ip6", "nexthdr") => Test::Protocol { among: words(), not },
            ("udp" | "icmp" | "icmpv6" | "sctp" | "dccp" | "udplite" | "igmp" | "ah" | "esp" | "comp", _) => {
                Test::Never
            }
            _ => unclear(),
        };
    }
    if left["fib"]["result"] == "type" {
        let to = left["fib"]["flags"] == "daddr" || left["fib"]["flags"] == serde_json::json!(["daddr"]);
        return match &words()[..] {
            [one] if to && one == "local" && !not => Test::LocalTarget,
            _ => unclear(),
        };
    }
    match (left["meta"]["key"].as_str(), left["ct"]["key"].as_str()) {
        (Some("l4proto"), _) => Test::Protocol { among: words(), not },
        (Some("nfproto"), _) if right.len() == 1 => {
            Test::Version { v6: right.iter().any(|v| v == "ipv6" || v == 10), not }
        }
        (Some("protocol"), _) if right.len() == 1 => {
            Test::Version { v6: right.iter().any(|v| v == "ip6"), not }
        }
        (Some("iif" | "iifname"), _) => Test::Interface { end: End::Source, among: words(), not },
        (Some("iiftype"), _) if words() == ["loopback"] => {
            Test::Interface { end: End::Source, among: vec!["lo".into()], not }
        }
        (Some("oiftype"), _) if words() == ["loopback"] => {
            Test::Interface { end: End::Destination, among: vec!["lo".into()], not }
        }
        (Some("oif" | "oifname"), _) => Test::Interface { end: End::Destination, among: words(), not },
        // Ours is sent to this machine alone.
        (Some("pkttype"), _) if words().iter().all(|w| w == "broadcast" || w == "multicast") => {
            if not {
                Test::Always
            } else {
                Test::Never
            }
        }
        (_, Some("state")) => Test::State { among: words(), not },
        _ => unclear(),
    }
}

/// What is on the right, one by one; named sets are looked up.
fn elements(right: &Value, sets: &Sets<'_>) -> Option<Vec<Value>> {
    let list = match right {
        Value::String(text) if text.starts_with('@') => sets.elements(text)?.to_vec(),
        Value::Array(list) => list.clone(),
        other => match other.get("set") {
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => vec![other.clone()],
        },
    };
    // With a time-out or a counter, an element is wrapped.
    Some(
        list.into_iter().map(|one| one.get("elem").map_or(one.clone(), |elem| elem["val"].clone())).collect(),
    )
}

fn bits(of: &Value) -> u8 {
    match of {
        Value::String(name) => flag(name),
        Value::Array(names) => names.iter().map(bits).fold(0, |all, one| all | one),
        Value::Number(number) => number.as_u64().and_then(|n| u8::try_from(n).ok()).unwrap_or_default(),
        Value::Object(object) => object.get("|").map(bits).unwrap_or_default(),
        _ => 0,
    }
}

fn ports(end: End, op: &str, right: &[Value]) -> Option<Test> {
    let mut spans = Vec::new();
    for one in right {
        let port = |value: &Value| value.as_u64().and_then(|n| u16::try_from(n).ok());
        match one.get("range").and_then(Value::as_array).map(Vec::as_slice) {
            Some([low, high]) => spans.push(port(low)?..=port(high)?),
            Some(_) => return None,
            None => spans.push(port(one)?..=port(one)?),
        }
    }
    let whole = || Some(spans.first()?.clone());
    let spans = match op {
        "!=" => complement(&spans),
        ">" => vec![whole()?.end().checked_add(1)?..=u16::MAX],
        ">=" => vec![*whole()?.start()..=u16::MAX],
        "<" => vec![0..=whole()?.start().checked_sub(1)?],
        "<=" => vec![0..=*whole()?.end()],
        _ => spans,
    };
    Some(Test::Port(end, spans))
}

/// All other ports.
pub(super) fn complement(spans: &[RangeInclusive<u16>]) -> Vec<RangeInclusive<u16>> {
    let mut rest = Vec::new();
    let mut next = Some(0u16);
    for span in firewall::Ports::of(spans.iter().cloned()).spans() {
        if let (Some(low), Some(high)) = (next, span.start().checked_sub(1))
            && low <= high
        {
            rest.push(low..=high);
        }
        next = span.end().checked_add(1);
    }
    rest.extend(next.map(|low| low..=u16::MAX));
    rest
}

fn addresses(end: End, right: &[Value], not: bool) -> Option<Test> {
    let mut among = Vec::new();
    for one in right {
        let address = |value: &Value| value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
        if let Some([low, high]) = one.get("range").and_then(Value::as_array).map(Vec::as_slice) {
            among.push((address(low)?, address(high)?));
        } else if let Some(prefix) = one.get("prefix") {
            let length = prefix["len"].as_u64().and_then(|n| u8::try_from(n).ok())?;
            among.push(ends(IpNet::new(address(&prefix["addr"])?, length).ok()?));
        } else {
            among.push((address(one)?, address(one)?));
        }
    }
    Some(Test::Address { end, among, not })
}

/// The first and the last address of a network.
pub(crate) fn ends(net: IpNet) -> (IpAddr, IpAddr) {
    (net.network(), net.broadcast())
}
