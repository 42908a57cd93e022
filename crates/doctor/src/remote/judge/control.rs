//! What do the control port and the login say?
use firewall::Name;

use super::shared::{MAY_BE_OURS, capital, demanded, rejecter, weight};
use crate::finding::Findings;
use crate::remote::facts::{Answer, Cover, Dial, Facts, Login};
use crate::verdict::{Verdict, Weight};

pub(super) fn judge(facts: &Facts, findings: &mut Findings) {
    let host = &facts.host;
    if let Some(why) = &facts.no_name {
        let why = why.trim_start_matches("failed to lookup address information: ");
        if why.starts_with("Temporary failure") || why.contains("name server") {
            findings.add(
                Verdict::NoSuchName.says(format!("The name {host} could not be looked up: {why}."))
                .client("check that the network is up and that the name server of this machine (/etc/resolv.conf) is right"),
            );
            findings.ask(format!("whether {host} has an address"), "run the doctor from another network");
            return;
        }
        findings.add(
            Verdict::NoSuchName
                .says(format!("The name {host} has no address: {why}."))
                .server("add an A or AAAA record for the name to the public DNS")
                .client("check the spelling of the name, and that the name server of this machine knows it"),
        );
        return;
    }
    let connected = facts.addresses.iter().any(|attempt| attempt.dial == Dial::Connected);
    if connected {
        families(facts, findings);
        answer(facts, findings);
    } else {
        closed(facts, findings);
    }
}

/// No address answers.
fn closed(facts: &Facts, findings: &mut Findings) {
    let (host, port) = (&facts.host, facts.port);
    let (rule_1, rule_2) = (Name::ControlIn, Name::ControlOut);
    let any = |wanted: &Dial| facts.addresses.iter().any(|attempt| attempt.dial == *wanted);
    let rejected = facts.addresses.iter().find_map(|attempt| match &attempt.dial {
        Dial::Rejected { by, says } => Some((attempt.address.ip(), *by, says)),
        _ => None,
    });
    if any(&Dial::Refused) {
        findings.add(
            Verdict::ControlRefused.says(format!("{host} refuses connections to port {port}."))
            .detail(format!(
                "No FTP server listens there, a router does not forward the port, or a firewall rejects it: {rule_1} is missing."
            ))
            .rules(&[rule_1])
            .server(format!(
                "start the server, or make it listen on port {port} of the address that clients use; on a router, forward the port to the server: `pasv firewall --for nftables-router` prints the rules"
            ))
            .client("check the host and the port"),
        );
        findings.ask(
            "whether the host or a firewall in front of it refuses: both send the same reset",
            format!("on the server, check whether `ss -tln` shows port {port}"),
        );
    } else if let Some((ip, by, says)) = rejected {
        // A router that has no way, and not a firewall that forbids (port unreachable is how some of those
        // say it).
        if says.contains("unreachable") && !says.contains("port unreachable") {
            let finding = Verdict::NoRoute.says(format!("{host} cannot be reached: {says}."));
            findings.add(
                finding
                    .server(
                        "check that the machine is up, and that the router in front of it has a route to it",
                    )
                    .client("check the address, and try from another network"),
            );
            return;
        }
        let finding = Verdict::ControlRefused
            .says(format!("Port {port} of {host} is rejected by {}: {says}.", rejecter(by, ip)))
            .rules(&[rule_1])
            .server(format!("allow new connections to port {port} in the firewall that rejects them"));
        findings.add(if by == ip { finding } else { finding.client(MAY_BE_OURS) });
    } else if any(&Dial::Silent) {
        findings.add(
            Verdict::Rule1Or2.says(format!("{host} does not answer on port {port}."))
            .detail(format!(
                "A firewall drops the packets: {rule_1} or {rule_2} is missing; or no machine has that address."
            ))
            .rules(&[rule_1, rule_2])
            .server(format!("allow clients to connect to port {port}, and its answers to leave: `pasv firewall` prints the rules")),
        );
        findings.ask(
            "which of the two rules is missing, and whether the host is up",
            format!(
                "on the server, `pasv doctor --site` compares its rules; while a client tries, `ss -tn state syn-recv` shows port {port} if {rule_2} is missing"
            ),
        );
    } else if let Some(attempt) = facts.addresses.first() {
        let why = match &attempt.dial {
            Dial::NoRoute(why) | Dial::Failed(why) => why.as_str(),
            _ => "no answer",
        };
        findings.add(
            Verdict::NoRoute
                .says(format!("This machine has no route to {}: {why}.", attempt.address.ip()))
                .client("check the network of this machine"),
        );
    }
}

/// One family answers; does the other?
fn families(facts: &Facts, findings: &mut Findings) {
    for (is_v6, family, record) in [(false, "IPv4", "A"), (true, "IPv6", "AAAA")] {
        let mut attempts =
            facts.addresses.iter().filter(|attempt| attempt.address.is_ipv6() == is_v6).peekable();
        let dead = attempts.peek().is_some()
            && attempts.all(|attempt| !matches!(attempt.dial, Dial::Connected | Dial::NoRoute(_)));
        if !dead {
            continue;
        }
        if facts
            .addresses
            .iter()
            .any(|attempt| attempt.address.is_ipv6() == is_v6 && attempt.dial == Dial::Silent)
        {
            findings.ask(
                format!("whether {family} fails at the server or in this network"),
                format!(
                    "try another host over {family} from here, or this host over {family} from another network"
                ),
            );
        }
        findings.add(
            Verdict::FamilyDead
                .says(format!(
                    "{} does not answer over {family} on port {}, only over the other family.",
                    facts.host, facts.port
                ))
                .server(format!(
                    "allow {family} in the firewall and listen there, or remove the {record} record"
                )),
        );
    }
}

fn answer(facts: &Facts, findings: &mut Findings) {
    let (host, port) = (&facts.host, facts.port);
    let port_is = |verdict: Verdict, what: String| {
        verdict.says(format!("Port {port} of {host} {what}.")).weight(Weight::Blocks)
    };
    let found = match &facts.answer {
        Some(Answer::Ftp(_)) => return,
        // The addresses answered, and the session after it did not.
        None => {
            findings.ask(
                format!("what answers at port {port}: it accepted the first connection and no other"),
                "try again; a limit of connections per address is a usual reason",
            );
            return;
        }
        Some(Answer::Turned(said)) => Verdict::TurnedAway
            .says(format!("{host} accepts no sessions now: it answers \"{said}\"."))
            .weight(Weight::Blocks),
        Some(Answer::WantsCertificate(why)) => demanded(facts, why).weight(Weight::Blocks),
        Some(Answer::ClearFirst(said)) => {
            port_is(Verdict::WrongScheme, format!("speaks FTP without TLS first: \"{said}\"")).client(
                format!(
                    "use ftpes://{host}:{port}/ (TLS after AUTH), or the port for implicit TLS, usually 990"
                ),
            )
        }
        Some(Answer::TlsFirst) => port_is(Verdict::WrongScheme, "expects TLS from the first byte".to_owned())
            .client(format!("use ftps://{host}:{port}/ (implicit TLS)")),
        Some(Answer::Ssh(said)) => port_is(Verdict::NotFtp, format!("speaks SSH, not FTP: \"{said}\""))
            .client("use `sftp`, which is another protocol, or the port of FTP"),
        Some(Answer::Http(said)) => port_is(Verdict::NotFtp, format!("is a web server, not FTP: \"{said}\""))
            .client("use a browser, or the port of FTP"),
        Some(Answer::Foreign(protocol, said)) => {
            port_is(Verdict::NotFtp, format!("is {protocol}, not FTP: \"{said}\""))
                .client("use the port of FTP, usually 21")
        }
        Some(Answer::Other(said)) => port_is(Verdict::NotFtp, format!("does not speak FTP: \"{said}\"")),
        Some(Answer::Endless(said)) => {
            port_is(Verdict::NotFtp, format!("starts a greeting that does not end: \"{said}\""))
                .server("send the greeting within seconds; check whether a script or a filter delays it")
        }
        Some(Answer::HangsUp) => {
            port_is(Verdict::NoGreeting, "accepts connections and closes them without a greeting".to_owned())
                .server("read its log: a ban, tcpwrappers, or a proxy whose server is down are usual reasons")
                .client("try from another address")
        }
        Some(Answer::Nothing) => {
            findings.ask(
                "whether a greeting comes later: some servers look up the client's name first, for up to a minute",
                format!("run `nc {host} {port}` and wait a minute"),
            );
            port_is(Verdict::NoGreeting, "accepts connections and sends nothing: it answers neither FTP nor TLS nor HTTP".to_owned())
                .server("check that the server behind that port is running: a proxy or a port forwarding may accept connections in its place")
        }
        Some(Answer::NoAck) => {
            findings.ask(
                "whether a firewall drops all but the first packet, or the server is too busy to accept connections",
                format!("on the server, `pasv doctor --site` compares its rules; `ss -tln` shows whether the queue of port {port} is full"),
            );
            let number = Name::ControlIn.number();
            port_is(Verdict::NoGreeting, format!("accepts connections, but acknowledges nothing that is sent: most likely a firewall passes only the first packet of a connection (rule {number})"))
                .rules(&[Name::ControlIn])
                .server("accept the packets of established connections: `ct state established,related accept` in nftables")
                .client("try from another network: a firewall of this one may pass only the first packet")
        }
    };
    findings.add(found);
}

pub(super) fn logins(facts: &Facts, findings: &mut Findings) {
    let done = facts.logins.iter().any(|(_, login)| *login == Login::Done);
    // Whichever was over first: a login that is refused says more than that there is no TLS.
    for cover in [Cover::Clear, Cover::Tls] {
        let Some(login) = facts.login(cover) else { continue };
        let covered = cover.words();
        let finding = match login {
            // A limit is reported below, for all.
            Login::Done
            | Login::KeptBack
            | Login::NotRepeated(_)
            | Login::Full(_)
            | Login::Banned(_)
            // What TLS comes to is reported where TLS is judged.
            | Login::NoTls(_)
            | Login::NoAuth(_)
            | Login::NoHandshake(_)
            | Login::WantsCertificate(_)
            | Login::Unprotected(_) => continue,
            // As every client verb refuses it, whatever else works.
            Login::Untrusted(why) => Verdict::CertificateRefused.says(format!("{}.", capital(why)))
            .server("use a certificate of a public authority for this name (`pasv serve --acme`): clients accept its renewals")
            .client(
                "ask the server's administrator for its fingerprint, by telephone for example. Only if it equals the new one, \
                 pass it to --pin.",
            ),
            Login::NeedsTls(said) => {
                Verdict::TlsRequired.says(format!("The server requires TLS for the login: {said}."))
            }
            // The same user and password were accepted otherwise.
            Login::Refused(said) if done => Verdict::LoginRefused
                .says(format!("The login works otherwise, but is refused {covered}: {said}."))
                .weight(if cover == Cover::Tls { Weight::Hinders } else { Weight::Note })
                .server("check its configuration and its log; the password is not the reason"),
            Login::Refused(said) if facts.anonymous => {
                // Most say it themselves.
                let says_so = said.to_ascii_lowercase().contains("anonymous");
                let maybe = if says_so { "" } else { " This server may accept no anonymous users." };
                Verdict::LoginRefused
                    .says(format!("The anonymous login is refused {covered}: {said}.{maybe}"))
                    .client("give a user: ftp://USER@HOST/")
            }
            Login::Refused(said) => {
                let finding = Verdict::LoginRefused.says(format!("The login is refused {covered}: {said}."));
                // Any other code is not about who we are (RFC 959 5.4).
                if said.starts_with("530") || said.starts_with("332") {
                    finding.client("check the user name and password")
                } else {
                    finding.server("check its configuration and its log; the password is not the reason")
                }
            }
            Login::Broken(why) => {
                Verdict::LoginBroken.says(format!("The login does not complete {covered}: {why}."))
            }
        };
        findings.add(if done { finding } else { finding.weight(Weight::Blocks) });
    }
    limits(facts, findings, done);
    if !done
        && facts.login(Cover::Clear) == Some(&Login::KeptBack)
        && matches!(facts.login(Cover::Tls), Some(Login::NoTls(_)))
    {
        findings.ask(
            "whether login and transfers work without TLS: the password was not sent unencrypted",
            "run the doctor with --clear, which sends the password unencrypted",
        );
    }
}

/// Commands that every client may send after the login, and that cost it the session here.
pub(super) fn breaks(facts: &Facts, findings: &mut Findings) {
    for (verb, how) in &facts.breaks {
        let what = if how == "no answer" {
            "is never answered".to_owned()
        } else {
            format!("ends the session: {how}")
        };
        // Hardly any client sends the others, and none by itself.
        let weight = if verb == "FEAT" { Weight::Hinders } else { Weight::Note };
        findings.add(Verdict::CommandEaten.says(format!("{verb} {what}.")).weight(weight).client(format!(
            "pasv goes on without {verb}, in a new session; other programs may hang or fail"
        )));
    }
}

/// Of sessions at a time, or of connections in a short time.
fn limits(facts: &Facts, findings: &mut Findings, done: bool) {
    if let Some((_, how)) = &facts.banned {
        findings.add(
            Verdict::SessionsLimited.says(format!(
                    "Port {} accepts the first connections, but one more in a short time {how}: a limit or a ban per address, of the server or of a firewall in front of it.",
                    facts.port
                )).weight(weight(facts))
            .server("allow several new connections at once per address, and check whether this address is banned")
            .client("wait some minutes before the next try, and set programs to one connection at a time"),
        );
    } else if let Some(said) = &facts.full {
        let weight = if done { Weight::Note } else { Weight::Blocks };
        findings.add(
            Verdict::SessionsLimited
                .says(if done {
                    format!("The server limits the sessions per address: {said}.")
                } else {
                    format!("The server accepts no more sessions from this address: {said}.")
                })
                .weight(weight)
                .server("allow several sessions per address: many clients open several at once")
                .client(
                    "close other sessions from this address, and set programs to one connection at a time",
                ),
        );
    }
    if !done {
        return;
    }
    for lane in &facts.left_out {
        findings.ask(format!("what the test {lane} would have shown: it got no session"), "try again later");
    }
}
