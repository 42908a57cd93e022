//! Does the TLS handshake complete on a control connection, and if not, which packets are lost?
//!
//! ```text
//!   220 --AUTH--> 234 --all versions, as any client--+--> done, refused, cut, plain text
//!                          |                          '--> 4 s silent
//!                          '--1.5 s--> beside it the same in small segments --> large packets are lost
//! ```
//! Side by side, since a server that is merely slow answers both: where the second is through and the first
//! still waits, the difference is the size of the packets.
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use net::tls::Versions;
use wire::command::Mechanism;
use wire::pathname::show;
use wire::{Command, Reply, Severity};

use super::call::{ANSWER, Call, FULL, GREETING, NoReply, TRIES, line};
use super::context::Context;
use super::facts::{Cover, Facts, Handshake, ImplicitSeen, Login, is_offer};
use super::target::Target;
use super::trial::SEGMENTS;

/// A handshake takes two round trips and some computing; one that takes longer than this may stand still.
const SLOW: Duration = Duration::from_millis(1500);
/// The port that is set aside for FTP under TLS from the first byte (RFC 4217 has none; the registry of ports
/// has).
const IMPLICIT: u16 = 990;

/// How far a probe has come.
enum Came {
    /// To a handshake, with this version where it stands.
    Shaken(Handshake, Option<&'static str>),
    /// To an AUTH TLS that is refused: the answer.
    Refused(String),
    /// Less far: the sessions will say where.
    Nowhere,
}

/// A handshake with all versions, one with the version that was not taken, and small segments where they may
/// help.
pub(super) async fn look(context: &Context<'_>) {
    let known = {
        let facts = context.notebook.facts();
        facts.tls.both.is_some() || facts.login(Cover::Tls).is_some()
    };
    if known {
        return;
    }
    context.notebook.facts().tls.authorities = net::tls::client::Roots::system().count();
    let mut large = pin!(probe(context, Versions::Both, "tls", None));
    let mut small = pin!(async {
        tokio::time::sleep(SLOW).await;
        probe(context, Versions::Both, "tls-small", Some(SEGMENTS)).await
    });
    let (came, beside) = tokio::select! {
        came = &mut large => (came, None),
        beside = &mut small => (large.await, Some(beside)),
    };
    let beside = match beside {
        None if matches!(came, Came::Shaken(Handshake::Stalled(_), _)) => Some(small.await),
        other => other,
    };
    let mut facts = context.notebook.facts();
    match came {
        Came::Shaken(handshake, version) => {
            match version {
                Some("1.3") => facts.tls.v13 = Some(Handshake::Works),
                Some(_) => facts.tls.v12 = Some(Handshake::Works),
                None => {}
            }
            if let (Handshake::Stalled(_), Some(Came::Shaken(small, _))) = (&handshake, beside) {
                facts.tls.small_segments = Some(small);
            }
            facts.tls.both = Some(handshake);
        }
        Came::Refused(said) => facts.logins.push((Cover::Tls, Login::NoTls(said))),
        Came::Nowhere => {}
    }
}

/// Each version that has not been shown yet, alone.
pub(super) async fn versions(context: &Context<'_>) {
    let (v12, v13, begun) = {
        let facts = context.notebook.facts();
        (facts.tls.v12.is_none(), facts.tls.v13.is_none(), facts.tls.both.is_some())
    };
    if !begun {
        return;
    }
    let one = async |wanted: bool, versions, lane| {
        if !wanted {
            return None;
        }
        match probe(context, versions, lane, context.segments()).await {
            Came::Shaken(handshake, _) => Some(handshake),
            Came::Refused(_) | Came::Nowhere => None,
        }
    };
    let (old, new) = tokio::join!(
        Box::pin(one(v12, Versions::Tls12, "tls-1.2")),
        Box::pin(one(v13, Versions::Tls13, "tls-1.3"))
    );
    let tls = &mut context.notebook.facts().tls;
    (tls.v12, tls.v13) = (tls.v12.take().or(old), tls.v13.take().or(new));
}

/// No session under TLS can be had, and each that tries would only stand still.
pub(super) fn is_hopeless(context: &Context<'_>) -> bool {
    let mut facts = context.notebook.facts();
    let (Some(handshake @ Handshake::Stalled(_)), small_segments) =
        (facts.tls.both.clone(), &facts.tls.small_segments)
    else {
        return false;
    };
    if *small_segments == Some(Handshake::Works) {
        return false;
    }
    if facts.login(Cover::Tls).is_none() {
        facts.logins.push((Cover::Tls, Login::NoHandshake(handshake)));
    }
    true
}

/// Where AUTH TLS leads to no TLS: does FEAT offer it all the same, and what is at the port for implicit TLS?
pub(super) async fn besides(context: &Context<'_>) {
    let login = context.notebook.facts().login(Cover::Tls).cloned();
    let failed = matches!(login, Some(Login::NoTls(_) | Login::NoAuth(_) | Login::NoHandshake(_)));
    if !failed || context.target.implicit || context.to.port() == IMPLICIT {
        return;
    }
    // Where a session has asked already, `features` says it.
    let asked = !context.notebook.facts().features.is_empty();
    let offered = async {
        if asked {
            return None;
        }
        let mut call = Call::dial(context.to, "feat", context.notebook, None).await.ok()?;
        call.last(GREETING).await.ok()?;
        let offers = offers_auth(&mut call).await;
        call.quit().await;
        offers
    };
    let implicit = implicit(context.target, context, SocketAddr::new(context.to.ip(), IMPLICIT));
    let (offered, implicit) = tokio::join!(Box::pin(offered), Box::pin(implicit));
    let mut facts = context.notebook.facts();
    (facts.tls.offered, facts.tls.implicit) = (offered, implicit);
}

async fn implicit(target: &Target, context: &Context<'_>, to: SocketAddr) -> Option<ImplicitSeen> {
    let mut call = Call::dial(to, "implicit", context.notebook, None).await.ok()?;
    call.protect(&target.any_tls(Versions::Both), &target.site.host, false).await.ok()?;
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

async fn probe(context: &Context<'_>, versions: Versions, lane: &'static str, segments: Option<u16>) -> Came {
    let target = context.target;
    let Ok(_permit) = context.permits.acquire().await else { return Came::Nowhere };
    let Some(mut call) = greeted(context, lane, segments).await else { return Came::Nowhere };
    if !target.implicit {
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
    let handshaken = call.protect(&target.any_tls(versions), &target.site.host, !target.implicit).await;
    keep_certificate(&mut context.notebook.facts(), &call);
    match handshaken {
        Ok(()) => {
            let version = call.tls().map(|session| session.established().version);
            call.quit().await;
            Came::Shaken(Handshake::Works, version)
        }
        Err(not) => Came::Shaken(not.handshake, None),
    }
}

/// A control connection, greeted where a greeting comes before TLS. One that is full now may not be so in a
/// moment.
async fn greeted<'a>(context: &Context<'a>, lane: &'static str, segments: Option<u16>) -> Option<Call<'a>> {
    for _ in 0..=TRIES {
        let mut call = Call::dial(context.to, lane, context.notebook, segments).await.ok()?;
        if context.target.implicit || call.last(GREETING).await.ok()?.code.severity() == Severity::Completion
        {
            return Some(call);
        }
        tokio::time::sleep(FULL).await;
    }
    context.notebook.facts().left_out.push(lane);
    None
}

/// The certificate that was shown, if it is the first.
pub(super) fn keep_certificate(facts: &mut Facts, call: &Call<'_>) {
    let Some(session) = call.tls() else { return };
    if facts.tls.fingerprint.is_none() {
        let certificate = session.established();
        facts.tls.fingerprint = certificate.fingerprint().map(|print| print.to_string());
        facts.tls.subject = certificate.subject().map(|subject| show(subject.as_str().as_bytes()));
        facts.tls.pins = certificate.pins();
        facts.tls.doubt = session.doubt_in_words();
    }
}

/// TLS from the first byte, in small segments, where it stood still in large ones; what came of both is
/// written down.
pub(super) async fn once_more(
    target: &Target,
    notebook: &super::notebook::Notebook,
    to: SocketAddr,
    large: Handshake,
) -> Option<Result<Reply, NoReply>> {
    let mut call = Call::dial(to, "port-small", notebook, Some(SEGMENTS)).await.ok()?;
    let handshaken = call.protect(&target.any_tls(Versions::Both), &target.site.host, false).await;
    {
        let mut facts = notebook.facts();
        facts.tls.authorities = net::tls::client::Roots::system().count();
        facts.tls.both = Some(large);
        facts.tls.small_segments =
            Some(handshaken.as_ref().map_or_else(|not| not.handshake.clone(), |()| Handshake::Works));
        keep_certificate(&mut facts, &call);
    }
    handshaken.ok()?;
    Some(call.hear(GREETING).await)
}
