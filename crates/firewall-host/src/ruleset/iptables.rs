//! How are rules that nft shows in part completed from `iptables-save`?
//!
//! iptables writes some of its matches (`conntrack`, `multiport`) into the kernel as they were before
//! nftables, and nft can only name them. The order of the rules in a chain is the same in both listings.

use firewall::IpNet;

use crate::ruleset::read::{complement, ends};
use crate::ruleset::{End, Line, Ruleset, Step, Test, Verdict, flag, target};

impl Ruleset {
    /// Fills in what is opaque in the tables of `family` (`ip` or `ip6`) from the output of `iptables-save`
    /// or `ip6tables-save`. A chain that has another number of rules there is left as it is.
    pub fn fill_in(&mut self, family: &str, saved: &str) {
        let mut table = "";
        let mut rules: Vec<(&str, Vec<String>)> = Vec::new();
        for line in saved.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('*') {
                table = name;
            } else if line.starts_with("-A ") {
                rules.push((table, words(line)));
            }
        }
        let chains: Vec<(String, String)> = self
            .chains
            .iter()
            .filter(|c| c.family == family)
            .map(|c| (c.table.clone(), c.name.clone()))
            .collect();
        for chain in self.chains.iter_mut().filter(|chain| chain.family == family) {
            if !chain.lines.iter().any(|line| line.opaque) {
                continue;
            }
            let saved: Vec<&[String]> = rules
                .iter()
                .filter(|(table, words)| *table == chain.table && words.get(1) == Some(&chain.name))
                .filter_map(|(_, words)| words.get(2..))
                .collect();
            if saved.len() != chain.lines.len() {
                continue;
            }
            let is_chain = |name: &str| {
                chains.iter().any(|(table, chain_name)| *table == chain.table && chain_name == name)
            };
            for (line, words) in chain.lines.iter_mut().zip(saved) {
                fill(line, words, is_chain);
            }
        }
    }
}

fn fill(line: &mut Line, words: &[String], is_chain: impl Fn(&str) -> bool) {
    line.steps.clear();
    line.text = words.join(" ");
    let mut rest = words.iter().map(String::as_str);
    let mut not = false;
    while let Some(option) = rest.next() {
        let mut next = || rest.next().unwrap_or_default();
        let test = match option {
            "!" => {
                not = true;
                continue;
            }
            "-m" => {
                next();
                continue;
            }
            "--comment" => {
                line.comment = Some(next().to_owned());
                continue;
            }
            "-j" | "-g" => {
                let name = next();
                let target = target(name, &is_chain);
                let target = match (option, target) {
                    ("-g", Some(Verdict::Jump(name))) => Some(Verdict::Goto(name)),
                    (_, target) => target,
                };
                line.steps.extend(target.map(Step::End));
                // What follows is the target's own.
                return;
            }
            "-s" => address(End::Source, next(), not),
            "-d" => address(End::Destination, next(), not),
            "-i" => Test::Interface { end: End::Source, among: vec![next().to_owned()], not },
            "-o" => Test::Interface { end: End::Destination, among: vec![next().to_owned()], not },
            "-p" => Test::Protocol { among: vec![next().to_owned()], not },
            "--dport" | "--dports" => ports(End::Destination, next(), not),
            "--sport" | "--sports" => ports(End::Source, next(), not),
            "--ctstate" | "--state" => {
                Test::State { among: next().split(',').map(str::to_ascii_lowercase).collect(), not }
            }
            "--tcp-flags" => {
                let all = |list: &str| list.split(',').map(flag).fold(0, |all, one| all | one);
                let mask = all(next());
                Test::Flags { mask, among: vec![all(next())], not, any: false }
            }
            // The kind of our own address: it is this machine's, and no other.
            "--dst-type" => match (next(), not) {
                ("LOCAL", false) => Test::LocalTarget,
                ("MULTICAST" | "BROADCAST" | "ANYCAST", false) => Test::Never,
                (other, _) => Test::Unclear(format!("--dst-type {other}")),
            },
            // Of IPv6's routing headers type 0 is forbidden (RFC 5095), and no client sends one.
            "--rt-type" => {
                next();
                if not { Test::Always } else { Test::Never }
            }
            // Its argument, if it has one, is read as one more that is unclear: which changes nothing.
            other => Test::Unclear(other.to_owned()),
        };
        not = false;
        line.steps.push(Step::Test(test));
    }
}

fn address(end: End, text: &str, not: bool) -> Test {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<core::net::IpAddr>().map(IpNet::from));
    match net {
        Ok(net) => Test::Address { end, among: vec![ends(net)], not },
        Err(_) => Test::Unclear(text.to_owned()),
    }
}

fn ports(end: End, text: &str, not: bool) -> Test {
    let span = |word: &str| {
        let (low, high) = word.split_once(':').unwrap_or((word, word));
        let low = if low.is_empty() { 0 } else { low.parse().ok()? };
        let high = if high.is_empty() { u16::MAX } else { high.parse().ok()? };
        Some(low..=high)
    };
    match text.split(',').map(span).collect::<Option<Vec<_>>>() {
        Some(spans) if not => Test::Port(end, complement(&spans)),
        Some(spans) => Test::Port(end, spans),
        None => Test::Unclear(text.to_owned()),
    }
}

/// The words of a line as a shell would read them: with quotes around some, and backslashes inside those.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut started) = (String::new(), false, false);
    let mut letters = line.chars();
    while let Some(c) = letters.next() {
        match c {
            '"' => {
                quoted = !quoted;
                started = true;
            }
            '\\' if quoted => word.extend(letters.next()),
            c if c.is_whitespace() && !quoted => {
                if started || !word.is_empty() {
                    words.push(core::mem::take(&mut word));
                }
                started = false;
            }
            c => word.push(c),
        }
    }
    if started || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            words(r#"-A INPUT --comment "a \"b\" c" -j X"#),
            ["-A", "INPUT", "--comment", "a \"b\" c", "-j", "X"]
        );
        assert_eq!(words(r#"--comment """#), ["--comment", ""]);
    }
}
