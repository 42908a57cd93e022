//! Which probes run side by side, and in which session?
//!
//! A probe that could disturb another has a session of its own: EPSV that is eaten on the way takes its
//! session along, and a server that never calls still owes an answer.
use std::net::SocketAddr;
use std::time::Duration;

use net::dial::dial_explained;
use tokio::time::timeout;
use wire::pathname::show;
use wire::{Command, Severity};

use super::call::{ANSWER, Call, NoReply, explained, line};
use super::context::{Context, PassivePorts};
use super::facts::{Alive, Cover, Dial, End, Login, Trial};
use super::handshake;
use super::trial::{DATA, Job, SEGMENTS, Tickets, follow, is_usable, port_of};
use client::DataMethod;

/// A listing over a passive port that has not come to its end after this may be one that is not reached, and
/// what the server has to say of that takes its time: it is asked already.
const DOUBTFUL: Duration = Duration::from_millis(1200);
/// A server with some ports tells another one by then, most likely.
const PORTS: usize = 8;
/// Transfers of one session under TLS: tickets that run out do so by the third.
const REPEATED: usize = 3;

/// Has the certificate judged once, before many sessions at a time would.
pub(super) async fn trust(context: &Context<'_>) {
    if let Some(call) = context.session(context.to, Cover::Tls, "trust").await {
        call.quit().await;
    }
}

/// Everything about connections. The lanes of a cover stop where its login fails.
pub(super) async fn connections(context: &Context<'_>) {
    let clear = async {
        if context.target.may_be(Cover::Clear) {
            tokio::join!(
                passive(context, Cover::Clear, "clear-passive"),
                active(context, Cover::Clear, "clear-active")
            );
        } else if !context.target.implicit {
            context.notebook.facts().logins.push((Cover::Clear, Login::KeptBack));
        }
    };
    let tls = async {
        if !context.target.may_be(Cover::Tls) {
            return;
        }
        Box::pin(handshake::look(context)).await;
        let versions = Box::pin(handshake::versions(context));
        let known = context.notebook.facts().login(Cover::Tls).is_some_and(is_no_way);
        if known || handshake::is_hopeless(context) {
            versions.await;
            return;
        }
        tokio::join!(
            versions,
            passive(context, Cover::Tls, "tls-passive"),
            active(context, Cover::Tls, "tls-active"),
            reuse(context),
        );
    };
    tokio::join!(Box::pin(clear), Box::pin(tls));
    Box::pin(handshake::besides(context)).await;
    context.expect_passive(PassivePorts::Done);
}

/// Would each further session under TLS end as the first did?
fn is_no_way(login: &Login) -> bool {
    matches!(login, Login::Untrusted(_) | Login::WantsCertificate(_) | Login::NoTls(_))
}

async fn passive(context: &Context<'_>, cover: Cover, lane: &'static str) {
    let methods: &[DataMethod] =
        if context.to.is_ipv6() { &[DataMethod::Epsv] } else { &[DataMethod::Epsv, DataMethod::Pasv] };
    lists(context, cover, lane, methods, true).await;
}

async fn active(context: &Context<'_>, cover: Cover, lane: &'static str) {
    let methods: &[DataMethod] =
        if context.to.is_ipv6() { &[DataMethod::Eprt] } else { &[DataMethod::Eprt, DataMethod::Port] };
    lists(context, cover, lane, methods, false).await;
}

/// A listing by each method, in one session as long as it is good for another; before the first one it is
/// asked for FEAT and the like, where `asks` says so.
async fn lists(context: &Context<'_>, cover: Cover, lane: &'static str, methods: &[DataMethod], asks: bool) {
    let Ok(_permit) = context.permits.acquire().await else { return };
    let (mut kept, mut ends) = (None, Vec::new());
    for (n, method) in methods.iter().enumerate() {
        let mut call = match kept.take() {
            Some(call) => call,
            None => match context.session(context.to, cover, lane).await {
                Some(call) => call,
                None => return,
            },
        };
        if n == 0 && asks && !introduce(context, &mut call).await {
            // What ends or silences a session is not to be blamed on the method that comes after it.
            call = match context.session(context.to, cover, lane).await {
                Some(call) => call,
                None => return,
            };
        }
        let mut listing = Vec::new();
        let trial = {
            let mut following = Box::pin(follow(&mut call, *method, Job::list(&mut listing)));
            let early = timeout(DOUBTFUL, &mut following).await;
            if early.is_err() && method.is_passive() {
                context.expect_passive(PassivePorts::Unreachable(cover));
            }
            match early {
                Ok(trial) => trial,
                Err(_) => following.await,
            }
        };
        if is_usable(&trial.end) {
            kept = Some(call);
        }
        let stalled = cover == Cover::Tls && method.is_passive() && matches!(trial.end, End::Stalled { .. });
        ends.push(trial.end.clone());
        context.keep(trial);
        if stalled && n == 0 {
            // Does it come in small packets?
            let at = (context.to, Cover::Tls, "tls-small");
            let small = listing_alone(context, at, *method, (Tickets::Shown, Some(SEGMENTS))).await;
            context.notebook.facts().tls.small_listing = small.map(|trial| trial.end);
        }
    }
    // Is it the verb or the port? One of each cannot tell.
    if let (
        [End::NotReached(Dial::Silent | Dial::Refused), End::Works { .. }],
        [DataMethod::Epsv, DataMethod::Pasv],
    ) = (ends.as_slice(), methods)
        && cover == Cover::Clear
    {
        let Some(call) = kept.take() else { return };
        kept = verb_or_port(context, call).await;
    }
    if let Some(call) = kept {
        call.quit().await;
    }
}

/// EPSV once more, with a port that no 227 has announced, and PASV once more. The call, if it is good for
/// more.
async fn verb_or_port<'a>(context: &Context<'a>, mut call: Call<'a>) -> Option<Call<'a>> {
    let by_227: Vec<u16> = {
        let facts = context.notebook.facts();
        let announced = facts
            .trials
            .iter()
            .filter(|trial| trial.method == DataMethod::Pasv)
            .filter_map(|trial| trial.announced);
        announced.map(|announced| announced.port()).collect()
    };
    // Each asks for another port, and the server chooses.
    for _ in 0..PORTS {
        let target = port_of(&mut call, DataMethod::Epsv, &mut None).await.ok()?;
        if !by_227.contains(&target.port()) {
            let dialled = timeout(DATA, dial_explained(target)).await;
            let dial = match dialled {
                Ok(Ok(_)) => Dial::Connected,
                Ok(Err(error)) => explained(&error),
                Err(_) => Dial::Silent,
            };
            call.note(format!("* {target}: {dial:?}"));
            context.notebook.facts().epsv_again = Some((target.port(), dial));
            break;
        }
    }
    let mut listing = Vec::new();
    let trial = Box::pin(follow(&mut call, DataMethod::Pasv, Job::list(&mut listing))).await;
    let usable = is_usable(&trial.end);
    context.keep(trial);
    usable.then_some(call)
}

/// A listing in a session of its own, where one can be had.
async fn listing_alone(
    context: &Context<'_>,
    (to, cover, lane): (SocketAddr, Cover, &'static str),
    method: DataMethod,
    (tickets, segments): (Tickets, Option<u16>),
) -> Option<Trial> {
    let mut call = context.session(to, cover, lane).await?;
    let mut listing = Vec::new();
    let job = Job { tickets, segments, ..Job::list(&mut listing) };
    let trial = Box::pin(follow(&mut call, method, job)).await;
    if is_usable(&trial.end) {
        call.quit().await;
    }
    Some(trial)
}

/// FEAT, SYST and STAT, asked once. Does the session live through it?
async fn introduce(context: &Context<'_>, call: &mut Call<'_>) -> bool {
    let (own, peer) = (call.local(), call.peer());
    context.notebook.facts().ends = Some((own, peer));
    for command in [Command::Feat, Command::Syst, Command::Stat(None)] {
        let reply = match call.ask(&command, ANSWER).await {
            // It says that it ends.
            Ok(reply) if reply.code.get() == 421 => Err(line(&reply)),
            other => other.map_err(|no_reply| no_reply.words()),
        };
        let mut facts = context.notebook.facts();
        let reply = match reply {
            Ok(reply) => reply,
            Err(why) => {
                facts.breaks.push((command.verb().to_string(), why));
                return false;
            }
        };
        match &command {
            Command::Feat if reply.code.get() == 211 => {
                if let [_, inner @ .., _] = reply.lines.as_slice() {
                    facts.features = inner.iter().take(64).map(|line| show(line.trim_ascii())).collect();
                }
            }
            Command::Syst if reply.code.severity() == Severity::Completion => {
                facts.system = Some(show(reply.text()));
            }
            Command::Stat(_) if reply.code.severity() == Severity::Completion => {
                let text: Vec<String> = reply.lines.iter().map(|line| show(line)).collect();
                // Some tell the address at which they were reached.
                let (own, peer) = (own.ip().to_canonical(), peer.ip().to_canonical());
                let seen = super::seen_as(&text.join("\n")).filter(|seen| *seen != peer || *seen == own);
                facts.seen_as = seen.or(facts.seen_as);
            }
            _ => {}
        }
    }
    true
}

/// Must data connections resume the session, and can they for long? Two sessions, as a server may learn from
/// the first.
async fn reuse(context: &Context<'_>) {
    let fresh = async {
        let Ok(_permit) = context.permits.acquire().await else { return };
        let at = (context.to, Cover::Tls, "tls-fresh");
        let trial = listing_alone(context, at, DataMethod::Epsv, (Tickets::Withheld, None)).await;
        context.notebook.facts().reuse.fresh = trial.map(|trial| trial.end);
    };
    let repeated = async {
        let Ok(_permit) = context.permits.acquire().await else { return };
        let Some(mut call) = context.session(context.to, Cover::Tls, "tls-repeated").await else { return };
        let mut method = DataMethod::Epsv;
        for _ in 0..REPEATED {
            let mut listing = Vec::new();
            let trial = Box::pin(follow(&mut call, method, Job::list(&mut listing))).await;
            if matches!(trial.end, End::Refused(_)) && method == DataMethod::Epsv && context.to.is_ipv4() {
                method = DataMethod::Pasv;
                continue;
            }
            let (usable, reached) = (is_usable(&trial.end), trial.end.is_connected());
            context.notebook.facts().reuse.repeated.push((trial.end, trial.resumed));
            if !usable || !reached {
                return;
            }
        }
        call.quit().await;
    };
    tokio::join!(Box::pin(fresh), Box::pin(repeated));
}

/// The other family, where it answers too: a listing over EPSV.
pub(super) async fn other_family(context: &Context<'_>, other: SocketAddr) {
    let Ok(_permit) = context.permits.acquire().await else { return };
    let cover = if context.target.may_be(Cover::Clear) { Cover::Clear } else { Cover::Tls };
    let at = (other, cover, "other-family");
    if let Some(trial) = listing_alone(context, at, DataMethod::Epsv, (Tickets::Shown, None)).await {
        context.keep(trial);
    }
}

/// Leaves control connections alone, each for a time of its own, and asks whether they live.
pub(super) async fn idle(context: &Context<'_>, times: &[Duration]) {
    let cover = if context.target.may_be(Cover::Clear) { Cover::Clear } else { Cover::Tls };
    let mut calls = Vec::new();
    for time in times {
        if let Some(call) = context.session(context.to, cover, "idle").await {
            calls.push((*time, call));
        }
    }
    // From the shortest on, in one task: what waits costs nothing.
    let begun = tokio::time::Instant::now();
    for (time, mut call) in calls {
        tokio::time::sleep_until(begun + time).await;
        let alive = match call.ask(&Command::Noop, Duration::from_secs(10)).await {
            Ok(reply) if reply.code.get() == 421 => Alive::Ended(line(&reply)),
            Ok(_) => Alive::Yes,
            Err(NoReply::Ended(why)) if why.contains("closed") => Alive::Ended(why),
            Err(_) => Alive::Lost,
        };
        context.notebook.facts().idle.push((time, alive));
    }
}
