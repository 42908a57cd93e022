//! What do the doors and the login say?
use std::net::IpAddr;

use super::{Remark, Sheet, Verdict, Weight, protection};
use crate::doctor::findings::{Answer, Cover, Dial, Findings, Login};

pub(super) fn judge(findings: &Findings, sheet: &mut Sheet) {
    let host = &findings.host;
    if let Some(why) = &findings.no_name {
        let why = why.trim_start_matches("failed to lookup address information: ");
        if why.starts_with("Temporary failure") || why.contains("name server") {
            sheet.add(
                Remark::new(
                    Verdict::NoSuchName,
                    Weight::Blocks,
                    format!("The name {host} could not be looked up: {why}."),
                )
                .client("no name server answers here: is this machine's network up, and its name server (/etc/resolv.conf) right?"),
            );
            sheet.ask(format!("whether {host} has an address"), "the same from another network");
            return;
        }
        sheet.add(
            Remark::new(
                Verdict::NoSuchName,
                Weight::Blocks,
                format!("The name {host} has no address here: {why}."),
            )
            .server("the name needs an A or AAAA record in the public DNS")
            .client("is the name spelled right, and does this machine's name server know it?"),
        );
        return;
    }
    let connected = findings.doors.iter().any(|door| door.dial == Dial::Connected);
    if connected {
        families(findings, sheet);
        answer(findings, sheet);
    } else {
        closed(findings, sheet);
    }
}

/// No address answers.
fn closed(findings: &Findings, sheet: &mut Sheet) {
    let (host, port) = (&findings.host, findings.port);
    let any = |wanted: &Dial| findings.doors.iter().any(|door| door.dial == *wanted);
    let rejected = findings.doors.iter().find_map(|door| match &door.dial {
        Dial::Rejected { by, says } => Some((door.address.ip(), *by, says)),
        _ => None,
    });
    if any(&Dial::Refused) {
        sheet.add(
            Remark::new(
                Verdict::ControlRefused,
                Weight::Blocks,
                format!(
                    "{host} refuses connections to port {port} with a reset: no FTP server listens there, or rule 1 (clients to \
                     port {port}) is missing on a router that does not forward it or a firewall that rejects."
                ),
            )
            .rules(&[1])
            .server(format!(
                "start the server, or let it listen on port {port} of the address that clients dial; behind a router forward \
                 the port to the server: `pasv firewall --for nftables-router` prints the rules"
            ))
            .client("is it the right host and port?"),
        );
        sheet.ask(
            "whether it is the host or a firewall before it that refuses: both send the same reset",
            format!("on the server: does `ss -tln` show port {port}?"),
        );
    } else if let Some((ip, by, says)) = rejected {
        // A router that has no way, and not a firewall that forbids (port unreachable is how some of those say it).
        if says.contains("unreachable") && !says.contains("port unreachable") {
            let remark =
                Remark::new(Verdict::Rejected, Weight::Blocks, format!("{host} cannot be reached: {says}."));
            sheet.add(
                remark
                    .server("is the machine up, and does the router before it have a way to it?")
                    .client("is it the right address? Try from another network"),
            );
            return;
        }
        let remark = Remark::new(
            Verdict::Rejected,
            Weight::Blocks,
            format!("Port {port} of {host} is rejected by {}: {says}.", rejecter(by, ip)),
        )
        .rules(&[1])
        .server(format!("a firewall with a reject rule must accept new connections to port {port} (rule 1)"));
        sheet.add(if by == ip { remark } else { remark.client(MAY_BE_OURS) });
    } else if any(&Dial::Silent) {
        sheet.add(
            Remark::new(
                Verdict::Rule1Or2,
                Weight::Blocks,
                format!(
                    "{host} never answers on port {port}: a firewall drops it, and rule 1 (clients to port {port}) or rule 2 \
                     (the way back) is missing; or no machine is at that address."
                ),
            )
            .rules(&[1, 2])
            .server(format!("let clients reach port {port}, and let its answers out: `pasv firewall` prints the rules"))
            .client("a firewall of this network may drop it on the way out: try from another network"),
        );
        sheet.ask(
            "which of the two rules it is, and whether the host is there at all",
            format!(
                "on the server: `pasv doctor --site` compares its own rules; while a client tries, `ss -tn state syn-recv` shows \
                 port {port} where rule 2 is missing"
            ),
        );
    } else if let Some(door) = findings.doors.first() {
        let why = match &door.dial {
            Dial::NoRoute(why) | Dial::Failed(why) => why.as_str(),
            _ => "no answer",
        };
        sheet.add(
            Remark::new(
                Verdict::NoRoute,
                Weight::Blocks,
                format!("This machine has no way to {}: {why}.", door.address.ip()),
            )
            .client("check this machine's own network"),
        );
    }
}

/// Of one that is not the host, nothing tells whose it is.
pub(super) const MAY_BE_OURS: &str =
    "a firewall of this network may be what rejects: try from another network";

/// Who rejects, in words.
pub(super) fn rejecter(by: IpAddr, host: IpAddr) -> &'static str {
    if by == host { "the host itself or its own firewall" } else { "a router or firewall on the way" }
}

/// One family answers; does the other?
fn families(findings: &Findings, sheet: &mut Sheet) {
    for (is_v6, family, record) in [(false, "IPv4", "A"), (true, "IPv6", "AAAA")] {
        let mut doors = findings.doors.iter().filter(|door| door.address.is_ipv6() == is_v6).peekable();
        let dead = doors.peek().is_some()
            && doors.all(|door| !matches!(door.dial, Dial::Connected | Dial::NoRoute(_)));
        if !dead {
            continue;
        }
        if findings.doors.iter().any(|door| door.address.is_ipv6() == is_v6 && door.dial == Dial::Silent) {
            sheet.ask(
                format!("whether {family} ends at the server or in this network: its silence is the same"),
                format!(
                    "another host over {family} from here, or this host over {family} from another network"
                ),
            );
        }
        sheet.add(
            Remark::new(
                Verdict::FamilyDead,
                Weight::Hinders,
                format!(
                    "{} works over one family only: its {family} address does not answer on port {}.",
                    findings.host, findings.port
                ),
            )
            .server(format!(
                "let {family} through the firewall and listen there, or take the {record} record away"
            ))
            .client("pasv tries both at once; for others name the address of the family that works"),
        );
    }
}

fn answer(findings: &Findings, sheet: &mut Sheet) {
    let (host, port) = (&findings.host, findings.port);
    let remark = |verdict, sentence: String| Remark::new(verdict, Weight::Blocks, sentence);
    let found = match &findings.answer {
        Some(Answer::Ftp(_)) => return,
        // The doors answered, and the session after it did not.
        None => {
            sheet.ask(
                format!("what speaks at port {port}: the first connection was taken, and no other"),
                "another try; a limit of connections for each address is a usual reason",
            );
            return;
        }
        Some(Answer::ClearFirst(said)) => remark(
            Verdict::ClearFirst,
            format!("Port {port} of {host} speaks FTP in clear first: \"{said}\"."),
        )
        .client(format!("use ftpes://{host}:{port}/ (AUTH TLS), or the port for implicit TLS, usually 990")),
        Some(Answer::Turned(said)) => {
            remark(Verdict::TurnedAway, format!("{host} takes no sessions now: it says \"{said}\"."))
                .server("its log says why; too many sessions, a ban or maintenance are usual reasons")
                .client("try again later, or from another address")
        }
        Some(Answer::TlsFirst) => {
            remark(Verdict::TlsFirst, format!("Port {port} of {host} speaks TLS before the first word."))
                .client(format!("use ftps://{host}:{port}/ (implicit TLS)"))
        }
        Some(Answer::WantsCertificate(why)) => protection::demanded(findings, Weight::Blocks, why),
        Some(Answer::Ssh(said)) => {
            remark(Verdict::Ssh, format!("Port {port} of {host} speaks SSH, not FTP: \"{said}\"."))
                .client("use an SFTP program (`sftp`), which is another protocol, or FTP's own port")
        }
        Some(Answer::Http(said)) => {
            remark(Verdict::Http, format!("Port {port} of {host} is a web server, not FTP: \"{said}\"."))
                .client("use a browser, or FTP's own port")
        }
        Some(Answer::Nothing) => {
            sheet.ask(
                "whether a greeting comes later: some servers look up a client's name first, for up to a minute",
                format!("`nc {host} {port}`, and a minute of waiting"),
            );
            remark(
            Verdict::SilentPort,
            format!(
                "Port {port} of {host} takes connections and says nothing, neither FTP nor TLS nor HTTP."
            ),
        )
        .server(
            "is the server behind that port running? A proxy or a port forwarding may answer in its place",
        )
        }
        Some(Answer::Deaf) => {
            sheet.ask(
                "whether a firewall drops what follows the first packet, or the server is too busy to take connections",
                format!(
                    "on the server: `pasv doctor --site` compares its own rules; `ss -tln` shows whether the queue of port {port} \
                     is full"
                ),
            );
            remark(
                Verdict::OnlyFirstPacket,
                format!(
                    "Port {port} of {host} takes connections, and nothing that is said on them is acknowledged: most likely a \
                     firewall lets in the first packet of a connection and not the rest, which rule 1 (clients to port {port}) \
                     is about too."
                ),
            )
            .rules(&[1])
            .server(
                "let in what belongs to connections that were let in: `ct state established,related accept` in nftables",
            )
            .client("a firewall of this network may let out the first packet only: try from another network")
        }
        Some(Answer::HangsUp) => remark(
            Verdict::HangsUp,
            format!("Port {port} of {host} takes connections and ends them without a word."),
        )
        .server("a ban, tcpwrappers, or a proxy whose server does not run are usual reasons; its log says")
        .client("try from another address"),
        Some(Answer::Endless(said)) => remark(
            Verdict::NotFtp,
            format!("Port {port} of {host} begins a greeting that does not end: \"{said}\"."),
        )
        .server("a greeting is some lines and must come within seconds: is a script or a filter in its way?"),
        Some(Answer::Other(said)) => {
            remark(Verdict::NotFtp, format!("Port {port} of {host} does not speak FTP: \"{said}\"."))
        }
    };
    sheet.add(found);
}

pub(super) fn logins(findings: &Findings, sheet: &mut Sheet) {
    let done = findings.logins.iter().any(|(_, login)| *login == Login::Done);
    let weight = |light: Weight| if done { light } else { Weight::Blocks };
    // Whichever was over first: a login that is refused says more than that there is no TLS.
    for cover in [Cover::Clear, Cover::Tls] {
        let Some(login) = findings.login(cover) else { continue };
        let covered = cover.words();
        let remark = match login {
            // A limit is told below, for all.
            Login::Done
            | Login::KeptBack
            | Login::NotRepeated(_)
            | Login::Full(_)
            | Login::Barred(_)
            // What TLS comes to is told where TLS is judged.
            | Login::NoTls(_)
            | Login::NoAuth(_)
            | Login::NoHandshake(_)
            | Login::WantsCertificate(_)
            | Login::Unprotected(_) => continue,
            // As every client verb refuses it, whatever else works.
            Login::Untrusted(why) => Remark::new(
                Verdict::CertificateRefused,
                Weight::Blocks,
                format!("{}.", super::capital(why)),
            )
            .server("use a certificate of a public authority for this name (`pasv serve --acme`): clients accept its renewals")
            .client(
                "ask the server's administrator for its fingerprint, by telephone for example. Only if that is the one above: \
                 --pin FINGERPRINT",
            ),
            Login::NeedsTls(said) => Remark::new(
                Verdict::TlsRequired,
                weight(Weight::Note),
                format!("The server wants TLS before the login: {said}."),
            )
            .client("--tls required, or ftpes://"),
            // Whoever we are is known by then.
            Login::Refused(said) if done => Remark::new(
                Verdict::LoginRefused,
                if cover == Cover::Tls { Weight::Hinders } else { Weight::Note },
                format!("The same login that is taken otherwise is refused {covered}: {said}."),
            )
            .server("its configuration or its log says why; it is not about the user's password"),
            Login::Refused(said) => {
                let sentence = format!("The login is refused {covered}: {said}.");
                let remark = Remark::new(Verdict::LoginRefused, weight(Weight::Hinders), sentence);
                // Any other code is not about who we are (RFC 959 5.4).
                if said.starts_with("530") || said.starts_with("332") {
                    remark.client("is it the right user and password? ftp://USER@HOST/ names the user")
                } else {
                    remark.server("its configuration or its log says why; it is not about the user's password")
                }
            }
            Login::Broken(why) => Remark::new(
                Verdict::LoginBroken,
                weight(Weight::Hinders),
                format!("The login breaks off {covered}: {why}."),
            )
            .server("its log says why; a limit of sessions for each address is a usual reason"),
        };
        sheet.add(remark);
    }
    limits(findings, sheet, done);
    if !done
        && findings.login(Cover::Clear) == Some(&Login::KeptBack)
        && matches!(findings.login(Cover::Tls), Some(Login::NoTls(_)))
    {
        sheet.ask(
            "whether the login and transfers work in clear text: the password was kept back",
            "--clear, which says the password in clear text",
        );
    }
}

/// Of sessions at a time, or of connections in a short time.
fn limits(findings: &Findings, sheet: &mut Sheet, done: bool) {
    if let Some((_, how)) = &findings.barred {
        let weight = if findings.best().is_some() { Weight::Hinders } else { Weight::Blocks };
        sheet.add(
            Remark::new(
                Verdict::SessionsLimited,
                weight,
                format!(
                    "Port {} takes the first connections, and one more in a short time {how}: a limit or a ban of the server, or \
                     of a firewall before it, for each address.",
                    findings.port
                ),
            )
            .server("a limit of new connections must allow for clients that open several at once; is this address banned there?")
            .client("wait some minutes before the next try, and let programs use one connection at a time"),
        );
    } else if let Some(said) = &findings.full {
        let weight = if done { Weight::Note } else { Weight::Blocks };
        sheet.add(
            Remark::new(
                Verdict::SessionsLimited,
                weight,
                if done {
                    format!("The server takes few sessions of one address at a time: {said}.")
                } else {
                    format!("The server has no room for a session of this address: {said}.")
                },
            )
            .server("a limit of sessions for each address must allow for clients that open several at once")
            .client("close other sessions of this address, and let programs use one connection at a time"),
        );
    }
    if !done {
        return;
    }
    for lane in &findings.left_out {
        sheet.ask(
            format!("what the probe {lane} would have shown: it had no session"),
            "another try, when no limit or fault of the server is in its way",
        );
    }
}
