//! Can the authority of `--acme` ask what it has to: does port 80 of this machine answer it?
use std::collections::HashMap;
use std::net::SocketAddr;

use config::SiteConfig;
use firewall_host::listeners::{self, Program};

use super::firewall::{Filter, HTTP, Passage};
use super::ports::{self, Why};
use crate::finding::Findings;
use crate::verdict::Verdict;

/// What is so on this machine.
#[derive(Debug)]
pub(super) struct Here {
    /// The names that are to be proven.
    names: Vec<String>,
    /// Where the questions are answered.
    listen: SocketAddr,
    /// Why it cannot be listened there now.
    unbound: Option<Why>,
    /// Who listens at port 80, where the questions are answered at another.
    web: Option<Program>,
}

/// None: no authority is asked.
pub(super) fn gather(site: &SiteConfig) -> Option<Here> {
    let acme = &site.tls.acme;
    if !acme.is_used() || !site.has_tls() {
        return None;
    }
    let listen = acme.listen;
    let mut unbound = std::net::TcpListener::bind(listen).err().map(|error| ports::why(&error));
    ports::name_holders(unbound.iter_mut().map(|why| (listen.port(), why)));
    let web = if listen.port() == HTTP { HashMap::new() } else { listeners::holders() }.remove(&HTTP);
    Some(Here { names: acme.names.clone(), listen, unbound, web })
}

/// Pure: the same facts, the same findings. Of the firewall it is judged what comes to port 80.
pub(super) fn judge(here: &Here, filter: Option<&Filter>, findings: &mut Findings) {
    let at = here.listen;
    match &here.unbound {
        None => findings.ok(
            Verdict::AcmePort,
            format!("{at} is free for the certificate authority's check"),
            "it was tried",
        ),
        Some(Why::Held(Some(holder))) if holder.is_this() => {
            findings.ok(Verdict::AcmePort, format!("pasv answers the certificate authority at {at}"), holder.to_string());
        }
        Some(Why::Held(Some(holder))) => findings.error(
            Verdict::AcmePort,
            format!("another program uses {at}, needed for the certificate authority's check"),
            holder.to_string(),
            "use --acme-listen 127.0.0.1:8080, and make that program forward /.well-known/acme-challenge/ there",
        ),
        Some(Why::Held(None)) => findings.ask(
            format!("whether the server itself or another program uses {at}, needed for the certificate authority's check"),
            "as root, run `ss -ltnp`, or this again",
        ),
        Some(Why::Privilege) => findings.error(
            Verdict::AcmePort,
            format!("this user may not listen on {at}, needed for the certificate authority's check"),
            "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            "give the server that right, or use --acme-listen with another port, and forward port 80 to it",
        ),
        Some(Why::Elsewhere) => findings.error(
            Verdict::AcmePort,
            format!("{at}, needed for the certificate authority's check, cannot be used"),
            "the address does not belong to this machine",
            "give --acme-listen an address of this machine",
        ),
        Some(Why::Other(why)) => findings.error(
            Verdict::AcmePort,
            format!("{at}, needed for the certificate authority's check, cannot be used"),
            why,
            "use another --acme-listen, and forward port 80 to it",
        ),
    }
    let ask = here.names.first().map_or("NAME", String::as_str);
    let decides = format!(
        "run `curl -i http://{ask}/.well-known/acme-challenge/x` from another network, while the server orders a certificate: pasv must answer it (404)"
    );
    if at.port() != HTTP {
        let who = here
            .web
            .as_ref()
            .map_or_else(|| "no program was seen there".to_owned(), |web| format!("{web} listens there"));
        findings.ask(format!("whether port 80 is forwarded to {at}: {who}"), decides.clone());
    }
    match filter.and_then(Filter::to_port_80) {
        Some(Passage::Dropped(by)) => findings.error(
            Verdict::AcmePort,
            "the firewall of this machine blocks the certificate authority at port 80",
            format!("new connections to it are dropped by {by}"),
            "`pasv firewall --keep 22 --keep 80` prints the rules with that port; `pasv firewall --apply` takes the same flags",
        ),
        Some(Passage::Unclear(why)) => {
            findings.ask(format!("whether the firewall of this machine lets the certificate authority reach port 80: {why}"), decides);
        }
        Some(Passage::Open) => findings.ok(
            Verdict::AcmePort,
            "the firewall of this machine lets the certificate authority reach port 80",
            "no rule drops it",
        ),
        // That the rules cannot be read is told where the site's own are.
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{names, text};
    use super::*;
    use crate::verdict::Weight;

    fn here(listen: &str, unbound: Option<Why>) -> Here {
        Here { names: vec!["ftp.example.net".into()], listen: listen.parse().unwrap(), unbound, web: None }
    }

    fn found(here: &Here) -> Findings {
        let mut findings = Findings::default();
        judge(here, None, &mut findings);
        findings
    }

    #[test]
    fn a_port_that_another_has_is_wrong_and_it_is_named() {
        let other = Why::Held(Some(Program { name: "nginx".to_owned(), process: 7 }));
        let found = found(&here("0.0.0.0:80", Some(other)));
        assert_eq!(names(&found), [(Verdict::AcmePort, Weight::Hinders)]);
        assert!(text(&found).contains("nginx (process 7)") && text(&found).contains("forward /.well-known"));
    }

    #[test]
    fn what_stands_between_port_80_and_us_is_not_known() {
        let free = found(&here("0.0.0.0:80", None));
        assert!(
            names(&free) == [(Verdict::AcmePort, Weight::Fine)] && free.unknown().is_empty(),
            "{}",
            text(&free)
        );
        let mut here = here("127.0.0.1:8080", None);
        here.web = Some(Program { name: "nginx".to_owned(), process: 7 });
        let behind = found(&here);
        assert!(behind.unknown()[0].contains("nginx (process 7) listens there"), "{}", text(&behind));
        assert!(text(&behind).contains("http://ftp.example.net/.well-known"), "{}", text(&behind));
    }

    #[test]
    fn it_is_looked_at_only_where_an_authority_is_asked() {
        assert!(gather(&SiteConfig::default()).is_none());
        let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut site = SiteConfig::default();
        site.tls.acme.names = vec!["a.example".to_owned()];
        site.tls.acme.listen = held.local_addr().unwrap();
        let here = gather(&site).unwrap();
        assert!(matches!(&here.unbound, Some(Why::Held(Some(holder))) if holder.is_this()), "{here:?}");
    }
}
