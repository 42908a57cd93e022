//! Does TLS come to stand on a control connection, and if not, what is it that does not pass?
//!
//! ```text
//!   220 --AUTH--> 234 --all versions, as any client--+--> stands, refused, cut, in clear
//!                          |                          '--> 4 s silent
//!                          '--1.5 s--> beside it the same in small segments --> stands: large packets are lost
//! ```
//! Side by side, since a server that is merely slow answers both: where the second is through and the first still waits,
//! the difference is the size of the packets.
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use net::tls::Versions;
use wire::command::Mechanism;
use wire::pathname::show;
use wire::{Command, Reply, Severity};

use super::Patient;
use super::call::{ANSWER, Call, Deaf, line};
use super::facts::{Cover, Findings, ImplicitSeen, Login, Shake};
use super::lanes::Ward;
use super::login::{FULL, TRIES};
use super::reach::{GREETING, any_tls};
use super::trial::SEGMENTS;

/// A handshake takes two round trips and some computing; one that takes longer than this may stand still.
const SLOW: Duration = Duration::from_millis(1500);
/// The port that is set aside for FTP under TLS from the first byte (RFC 4217 has none; the registry of ports has).
const IMPLICIT: u16 = 990;

/// How far a probe has come.
enum Came {
    /// To a handshake, with this version where it stands.
    Shaken(Shake, Option<&'static str>),
    /// To an AUTH TLS that is refused: the answer.
    Refused(String),
    /// Less far: the sessions will say where.
    Nowhere,
}

/// A handshake with all versions, one with the version that was not taken, and small segments where they may help.
pub(super) async fn look(ward: &Ward<'_>) {
    let known = {
        let findings = ward.notebook.findings();
        findings.tls.both.is_some() || findings.login(Cover::Tls).is_some()
    };
    if known {
        return;
    }
    ward.notebook.findings().tls.authorities = net::tls::client::Roots::system().count();
    let mut large = pin!(probe(ward, Versions::Both, "tls", None));
    let mut small = pin!(async {
        tokio::time::sleep(SLOW).await;
        probe(ward, Versions::Both, "tls-small", Some(SEGMENTS)).await
    });
    let mut beside = None;
    let came = loop {
        tokio::select! {
            came = &mut large => break came,
            came = &mut small, if beside.is_none() => beside = Some(came),
        }
    };
    let stalled = matches!(came, Came::Shaken(Shake::Stalled(_), _));
    let beside = match beside {
        None if stalled => Some(small.await),
        other => other,
    };
    let version = match came {
        Came::Shaken(shake, version) => {
            let mut findings = ward.notebook.findings();
            findings.tls.both = Some(shake);
            if let (true, Some(Came::Shaken(shake, _))) = (stalled, beside) {
                findings.tls.narrow = Some(shake);
            }
            version
        }
        Came::Refused(said) => {
            ward.notebook.findings().logins.push((Cover::Tls, Login::NoTls(said)));
            None
        }
        Came::Nowhere => None,
    };
    let mut findings = ward.notebook.findings();
    match version {
        Some("1.3") => findings.tls.v13 = Some(Shake::Works),
        Some(_) => findings.tls.v12 = Some(Shake::Works),
        None => {}
    }
}

/// Each version that has not been shown yet, alone.
pub(super) async fn versions(ward: &Ward<'_>) {
    let (v12, v13, begun) = {
        let findings = ward.notebook.findings();
        (findings.tls.v12.is_none(), findings.tls.v13.is_none(), findings.tls.both.is_some())
    };
    if !begun {
        return;
    }
    let one = async |wanted: bool, versions, lane| {
        if !wanted {
            return None;
        }
        match probe(ward, versions, lane, ward.segments()).await {
            Came::Shaken(shake, _) => Some(shake),
            Came::Refused(_) | Came::Nowhere => None,
        }
    };
    let (old, new) = tokio::join!(
        Box::pin(one(v12, Versions::Tls12, "tls-1.2")),
        Box::pin(one(v13, Versions::Tls13, "tls-1.3"))
    );
    let mut findings = ward.notebook.findings();
    let tls = &mut findings.tls;
    (tls.v12, tls.v13) = (tls.v12.take().or(old), tls.v13.take().or(new));
}

/// No session under TLS can be had, and each that tries would only stand still.
pub(super) fn is_hopeless(ward: &Ward<'_>) -> bool {
    let mut findings = ward.notebook.findings();
    let (Some(shake @ Shake::Stalled(_)), narrow) = (findings.tls.both.clone(), &findings.tls.narrow) else {
        return false;
    };
    if *narrow == Some(Shake::Works) {
        return false;
    }
    if findings.login(Cover::Tls).is_none() {
        findings.logins.push((Cover::Tls, Login::NoHandshake(shake)));
    }
    true
}

/// Where AUTH TLS leads to no TLS: does FEAT offer it all the same, and what is at the port for implicit TLS?
pub(super) async fn besides(ward: &Ward<'_>) {
    let failed = match ward.notebook.findings().login(Cover::Tls) {
        Some(Login::NoTls(_) | Login::NoAuth(_) | Login::NoHandshake(_)) => !ward.patient.implicit,
        _ => false,
    };
    if !failed || ward.to.port() == IMPLICIT {
        return;
    }
    // Where a session has asked already, `features` says it.
    let asked = !ward.notebook.findings().features.is_empty();
    let offered = async {
        if asked {
            return None;
        }
        let mut call = Call::dial(ward.to, "feat", ward.notebook).await.ok()?;
        call.last(GREETING).await.ok()?;
        let offers = offers_auth(&mut call).await;
        call.quit().await;
        offers
    };
    let implicit = implicit(ward.patient, ward, SocketAddr::new(ward.to.ip(), IMPLICIT));
    let (offered, implicit) = tokio::join!(Box::pin(offered), Box::pin(implicit));
    let mut findings = ward.notebook.findings();
    (findings.tls.offered, findings.tls.implicit) = (offered, implicit);
}

async fn implicit(patient: &Patient, ward: &Ward<'_>, to: SocketAddr) -> Option<ImplicitSeen> {
    let mut call = Call::dial(to, "implicit", ward.notebook).await.ok()?;
    call.protect(&any_tls(patient, Versions::Both), &patient.site.host, false).await.ok()?;
    let greeting = call.last(GREETING).await.ok()?;
    if greeting.code.severity() != Severity::Completion {
        return None;
    }
    let seen = ImplicitSeen { greeting: line(&greeting), offers_auth: offers_auth(&mut call).await };
    call.quit().await;
    Some(seen)
}

/// FEAT before the login, which RFC 2389 3 allows.
async fn offers_auth(call: &mut Call<'_>) -> Option<bool> {
    let reply: Reply = call.ask(&Command::Feat, ANSWER).await.ok()?;
    let offers = reply.lines.iter().any(|line| is_offer(&show(line.trim_ascii())));
    (reply.code.get() == 211).then_some(offers)
}

/// Does a line of FEAT offer AUTH TLS? Some name several mechanisms, divided by semicolons (RFC 4217 6).
pub(super) fn is_offer(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    line.strip_prefix("AUTH ").is_some_and(|rest| rest.contains("TLS"))
}

async fn probe(ward: &Ward<'_>, versions: Versions, lane: &'static str, segments: Option<u16>) -> Came {
    let patient = ward.patient;
    let Ok(_bed) = ward.beds.acquire().await else { return Came::Nowhere };
    let Some(mut call) = greeted(ward, lane, segments).await else { return Came::Nowhere };
    if !patient.implicit {
        match call.ask(&Command::Auth(Mechanism::Tls), ANSWER).await {
            Ok(reply) if reply.code.severity() == Severity::Completion => {}
            // A session that ends, or one too many, says nothing of TLS.
            Ok(reply) if matches!(reply.code.get(), 421 | 530) => return Came::Nowhere,
            Ok(reply) => {
                let said = line(&reply);
                call.quit().await;
                return Came::Refused(said);
            }
            Err(_) => return Came::Nowhere,
        }
    }
    let shaken = call.protect(&any_tls(patient, versions), &patient.site.host, !patient.implicit).await;
    keep_certificate(&mut ward.notebook.findings(), &call);
    match shaken {
        Ok(()) => {
            let version = call.tls().map(|session| session.established().version);
            call.quit().await;
            Came::Shaken(Shake::Works, version)
        }
        Err(not) => Came::Shaken(not.shake, None),
    }
}

/// A control connection, greeted where a greeting comes before TLS. One that is full now may not be so in a moment.
async fn greeted<'a>(ward: &Ward<'a>, lane: &'static str, segments: Option<u16>) -> Option<Call<'a>> {
    for _ in 0..=TRIES {
        let mut call = Call::dial_narrow(ward.to, lane, ward.notebook, segments).await.ok()?;
        if ward.patient.implicit || call.last(GREETING).await.ok()?.code.severity() == Severity::Completion {
            return Some(call);
        }
        tokio::time::sleep(FULL).await;
    }
    ward.notebook.findings().left_out.push(lane);
    None
}

/// The certificate that was shown, if it is the first.
pub(super) fn keep_certificate(findings: &mut Findings, call: &Call<'_>) {
    let Some(session) = call.tls() else { return };
    if findings.tls.fingerprint.is_none() {
        let certificate = session.established();
        findings.tls.fingerprint = certificate.fingerprint().map(|print| print.to_string());
        findings.tls.subject = certificate.subject().map(|subject| show(subject.as_str().as_bytes()));
        findings.tls.pins = certificate.pins();
        findings.tls.doubt = session.doubt_in_words();
    }
}

/// TLS from the first byte, in small segments, where it stood still in large ones; what came of both is written down.
pub(super) async fn once_more(
    patient: &Patient,
    notebook: &super::notebook::Notebook,
    to: SocketAddr,
    large: Shake,
) -> Option<Result<Reply, Deaf>> {
    let mut call = Call::dial_narrow(to, "port-small", notebook, Some(SEGMENTS)).await.ok()?;
    let shaken = call.protect(&any_tls(patient, Versions::Both), &patient.site.host, false).await;
    {
        let mut findings = notebook.findings();
        findings.tls.authorities = net::tls::client::Roots::system().count();
        findings.tls.both = Some(large);
        findings.tls.narrow = Some(shaken.as_ref().map_or_else(|not| not.shake.clone(), |()| Shake::Works));
        keep_certificate(&mut findings, &call);
    }
    shaken.ok()?;
    Some(call.hear(GREETING).await)
}
