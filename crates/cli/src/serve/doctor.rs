//! What is wrong with a site's own settings, on its own machine? `pasv doctor --site`.
use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

use ::firewall::Ephemeral;
use clap::Args;
use net::tls::identity::certificates;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::firewall::machine;
use crate::talk::{Exit, Failure};

mod filter;

/// Look at a site's own settings, on the machine that serves it or is to.
///
/// Takes the flags of `pasv serve`. Looks whether its ports can be listened on, whether this machine's own connections may
/// take its passive ports, which address clients are told, how long its certificates are good, and whether this machine's
/// firewall lets the site through (as `pasv firewall --check` does; root can read its rules). The first line is the answer;
/// then each finding with its evidence and what to do. What the network does on the way is told by
/// `pasv doctor ftp://...`, from a client.
#[derive(Debug, Args)]
#[group(skip)]
#[command(override_usage = "pasv doctor --site [OPTIONS]")]
#[command(after_help = "Exit codes: 0 nothing is wrong here, 1 something is, 2 a wrong command line")]
pub(crate) struct Flags {
    #[command(flatten)]
    site: super::Flags,
}

/// Days before a certificate's end that are told: renewing by hand takes some.
const SOON: i64 = 14;

/// Ports told by number; of a site that runs already it would be all.
const SHOWN: usize = 3;

/// What is so on this machine.
#[derive(Debug, Default)]
struct Facts {
    passive: Option<RangeInclusive<u16>>,
    /// From where the kernel takes ports for outgoing connections; None: not known.
    ephemeral: Option<Ephemeral>,
    listens: Vec<SocketAddr>,
    /// This machine's addresses towards the network.
    own: Vec<IpAddr>,
    external: Option<Ipv4Addr>,
    /// Where it cannot be listened now, and why.
    unbound: Vec<(SocketAddr, String)>,
    /// Each certificate that is given: its file, its names, the days it is still good, or why that is not known.
    certificates: Vec<(String, Result<Good, String>)>,
    /// None: no firewall can be in the way.
    filter: Option<filter::Filter>,
}

/// For which names a certificate is good, and for how many days still.
type Good = (Vec<String>, i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Wrong,
    Unsure,
    Fine,
}

#[derive(Debug)]
struct Finding {
    weight: Weight,
    says: String,
    evidence: String,
    fix: Option<String>,
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let findings = judge(&gather(&flags.site));
    let mut out = io::stdout();
    for line in report(&findings) {
        writeln!(out, "{line}")?;
    }
    out.flush()?;
    let wrong = findings.iter().any(|finding| finding.weight == Weight::Wrong);
    if wrong { Err(Failure::told(Exit::Refused)) } else { Ok(()) }
}

fn gather(site: &super::Flags) -> Facts {
    let passive = (!site.no_passive).then(|| site.passive_ports.clone());
    let listens: Vec<_> = site.listens().into_iter().chain(site.tls.listens().iter().copied()).collect();
    let first = listens.first().map_or(Ipv4Addr::UNSPECIFIED.into(), SocketAddr::ip);
    let data = passive.clone().into_iter().flatten().map(|port| SocketAddr::new(first, port));
    let unbound = unbound(listens.iter().copied().chain(data));
    let ephemeral = machine::ephemeral();
    let own = net::own::addresses();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let certificates = site
        .tls
        .certificates()
        .iter()
        .map(|file| {
            let about = fs::read(file).map_err(|e| crate::talk::words(&e)).and_then(|pem| about(&pem, now));
            (file.display().to_string(), about)
        })
        .collect();
    let filter = filter::compared(site);
    Facts { passive, ephemeral, listens, own, external: site.external, unbound, certificates, filter }
}

/// Those of the places that cannot be listened on now, and why.
fn unbound(places: impl Iterator<Item = SocketAddr>) -> Vec<(SocketAddr, String)> {
    let cannot = |at: SocketAddr| TcpListener::bind(at).err().map(|error| (at, crate::talk::words(&error)));
    places.filter_map(cannot).collect()
}

/// The names of the first certificate, and the days it is still good.
fn about(pem: &[u8], now: u64) -> Result<Good, String> {
    let chain = certificates(pem).map_err(|e| e.to_string())?;
    let first = chain.first().ok_or("no certificate in it")?;
    let (_, parsed) = X509Certificate::from_der(first).map_err(|e| e.to_string())?;
    let names = parsed.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(wire::pathname::show(name.as_bytes())),
        _ => None,
    });
    let left = parsed.validity().not_after.timestamp() - i64::try_from(now).unwrap_or(i64::MAX);
    Ok((names.collect(), left.div_euclid(24 * 3600)))
}

/// Pure: the same facts, the same findings.
fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |weight, says: String, evidence: String, fix: Option<String>| {
        findings.push(Finding { weight, says, evidence, fix });
    };
    if let Some((_, why)) = facts.unbound.first() {
        let shown: Vec<_> = facts.unbound.iter().take(SHOWN).map(|(at, _)| at.to_string()).collect();
        let more = match facts.unbound.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let fix =
            "a site that runs already holds them itself; else end the other program, or choose other ports";
        let says = format!("{}{more} cannot be listened on now", shown.join(", "));
        find(Weight::Unsure, says, why.clone(), Some(fix.to_owned()));
    }
    match (&facts.passive, &facts.ephemeral) {
        (Some(passive), Some(ephemeral)) => {
            let (low, high) = (passive.start(), passive.end());
            let (from, to) = (ephemeral.range.start(), ephemeral.range.end());
            let shown = format!("the passive ports are {low}-{high}, the ephemeral ones {from}-{to}");
            if ephemeral.overlap(std::slice::from_ref(passive)).is_empty() {
                find(
                    Weight::Fine,
                    "no outgoing connection of this machine takes a passive port".into(),
                    shown,
                    None,
                );
            } else {
                let fix = format!(
                    "--passive-ports above {to}, or sysctl net.ipv4.ip_local_reserved_ports={low}-{high}"
                );
                find(
                    Weight::Wrong,
                    "this machine's own outgoing connections may take a passive port".into(),
                    shown,
                    Some(fix),
                );
            }
        }
        (Some(_), None) => find(
            Weight::Unsure,
            "it is not known whether outgoing connections take passive ports".into(),
            "the kernel does not tell its ephemeral ports".into(),
            None,
        ),
        (None, _) => {}
    }
    address(facts, &mut find);
    for (file, about) in &facts.certificates {
        match about {
            Err(why) => {
                find(Weight::Wrong, format!("{file} is no certificate that can be shown"), why.clone(), None)
            }
            Ok((names, days)) => {
                let shown =
                    format!("for {}", if names.is_empty() { "no name".to_owned() } else { names.join(", ") });
                let (weight, says) = match days {
                    ..0 => (Weight::Wrong, format!("{file} has expired {} days ago", -days)),
                    0..SOON => (Weight::Unsure, format!("{file} expires in {days} days")),
                    _ => (Weight::Fine, format!("{file} is good for {days} days")),
                };
                let fix = (weight != Weight::Fine)
                    .then(|| "renew it; a running site reads it again by itself".to_owned());
                find(weight, says, shown, fix);
            }
        }
    }
    if let Some(filter) = &facts.filter {
        filter::judge(filter, &mut find);
    }
    findings
}

/// Which address does PASV tell those who come from outside?
fn address(facts: &Facts, find: &mut impl FnMut(Weight, String, String, Option<String>)) {
    if facts.passive.is_none() || facts.listens.iter().all(|at| at.ip().is_loopback()) {
        return;
    }
    let own = facts.own.iter().find_map(|own| match own {
        IpAddr::V4(own) => Some(*own),
        IpAddr::V6(_) => None,
    });
    match (facts.external, own) {
        (Some(external), own) => {
            let own = own.map_or_else(|| "none of IPv4".to_owned(), |own| own.to_string());
            let evidence = format!("this machine's own address is {own}");
            if external.is_private() || external.is_loopback() {
                let fix = "--external takes the address that the site is reached by from outside".to_owned();
                find(
                    Weight::Wrong,
                    format!("--external {external} means nothing outside"),
                    evidence,
                    Some(fix),
                );
            } else {
                find(Weight::Fine, format!("PASV tells {external} to clients from outside"), evidence, None);
            }
        }
        (None, Some(own)) if own.is_private() => find(
            Weight::Unsure,
            "clients from outside are told a private address by PASV".into(),
            format!("this machine is {own}, and --external is not given"),
            Some(
                "where a router forwards to this site: --external with the router's address; EPSV needs none"
                    .into(),
            ),
        ),
        (None, Some(own)) => {
            find(Weight::Fine, format!("PASV tells {own}"), "it is this machine's own".into(), None);
        }
        (None, None) => {}
    }
}

fn report(findings: &[Finding]) -> Vec<String> {
    let of = |weight| findings.iter().filter(move |finding| finding.weight == weight);
    let mut lines = vec![match (of(Weight::Wrong).next(), of(Weight::Unsure).next()) {
        (Some(first), _) => format!("Wrong: {}.", first.says),
        (None, Some(first)) => format!("Nothing is surely wrong here; look at this: {}.", first.says),
        (None, None) => "Nothing is wrong on this machine.".to_owned(),
    }];
    for weight in [Weight::Wrong, Weight::Unsure, Weight::Fine] {
        for finding in of(weight) {
            let mark = match weight {
                Weight::Wrong => "wrong",
                Weight::Unsure => "look",
                Weight::Fine => "fine",
            };
            lines.push(format!("  {mark:<6}{} ({})", finding.says, finding.evidence));
            lines.extend(finding.fix.as_ref().map(|fix| format!("        fix: {fix}")));
        }
    }
    lines.push("The way to it is told by `pasv doctor ftp://...`, run where a client is.".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Facts {
        Facts {
            passive: Some(61210..=61219),
            ephemeral: Some(Ephemeral::default()),
            listens: vec!["[::]:21".parse().unwrap()],
            own: vec!["203.0.113.7".parse().unwrap()],
            ..Facts::default()
        }
    }

    fn verdict(facts: &Facts) -> String {
        report(&judge(facts)).remove(0)
    }

    #[test]
    fn a_sound_site_has_nothing_wrong() {
        assert_eq!(verdict(&site()), "Nothing is wrong on this machine.");
    }

    #[test]
    fn ports_that_outgoing_connections_take_are_wrong_unless_reserved() {
        let overlap = Facts { passive: Some(50000..=50009), ..site() };
        assert!(verdict(&overlap).starts_with("Wrong: this machine's own outgoing"));
        let part = Facts { passive: Some(60990..=61009), ..site() };
        assert!(verdict(&part).starts_with("Wrong:"));
        let ephemeral = Some(Ephemeral::read("32768 60999", "50000-50004,50005-50009\n"));
        assert_eq!(verdict(&Facts { ephemeral, ..overlap }), "Nothing is wrong on this machine.");
    }

    #[test]
    fn ports_that_are_taken_are_one_finding() {
        let unbound =
            (1..=5).map(|port| (SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port), "in use".into()));
        let said = report(&judge(&Facts { unbound: unbound.collect(), ..site() }));
        let shown = "127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3 and 2 more cannot be listened on now";
        assert_eq!(said.iter().filter(|line| line.contains(shown)).count(), 2, "{said:?}");
    }

    /// A port that another holds, of this very machine.
    #[test]
    fn what_is_listened_on_already_is_found() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = held.local_addr().unwrap();
        assert_eq!(unbound([at].into_iter()).len(), 1);
        assert!(unbound([(Ipv4Addr::LOCALHOST, 0).into()].into_iter()).is_empty());
    }

    #[test]
    fn a_private_address_is_only_wrong_where_it_was_said() {
        let own = vec!["192.168.1.2".parse().unwrap()];
        let private = Facts { own, ..site() };
        assert!(verdict(&private).contains("clients from outside are told a private address"));
        let told = Facts { external: Some(Ipv4Addr::new(203, 0, 113, 7)), ..private };
        assert_eq!(verdict(&told), "Nothing is wrong on this machine.");
        let wrong = Facts { external: Some(Ipv4Addr::new(10, 0, 0, 1)), ..told };
        assert_eq!(verdict(&wrong), "Wrong: --external 10.0.0.1 means nothing outside.");
        let local = Facts { listens: vec!["127.0.0.1:21".parse().unwrap()], external: None, ..wrong };
        assert_eq!(verdict(&local), "Nothing is wrong on this machine.");
    }

    #[test]
    fn certificates_are_told_by_their_days_and_names() {
        let of = |about| Facts { certificates: vec![("c.pem".into(), about)], ..site() };
        assert_eq!(verdict(&of(Ok((vec![], -3)))), "Wrong: c.pem has expired 3 days ago.");
        assert!(verdict(&of(Ok((vec![], 3)))).contains("c.pem expires in 3 days"));
        assert!(verdict(&of(Err("no".into()))).starts_with("Wrong: c.pem"));
        let good = report(&judge(&of(Ok((vec!["ftp.example.net".into()], 80)))));
        assert!(good.iter().any(|line| line.contains("good for 80 days (for ftp.example.net)")), "{good:?}");
        assert!(about(b"", 0).is_err());
    }
}
