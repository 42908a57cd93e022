//! Which probes run side by side, and in which session?
//!
//! A probe that could disturb another has a session of its own: EPSV that is eaten on the way takes its session along, and
//! a server that never calls still owes an answer.
use std::net::SocketAddr;
use std::time::Duration;

use net::dial::dial_explained;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use wire::pathname::show;
use wire::{Command, Severity};

use super::Patient;
use super::call::{ANSWER, Call, Deaf, explained, line};
use super::facts::{Alive, Cover, Dial, End, Login, Shake, Trial};
use super::notebook::Notebook;
use super::reach::may_be;
use super::trial::{DATA, Errand, SEGMENTS, Tickets, follow, is_usable, port_of};
use super::{handshake, login};
use client::session::Way;

/// Sessions at a time: home routers' and small hosts' servers often allow five for each address.
const SESSIONS: usize = 4;
/// A listing over a passive port that has not come to its end after this may be one that is not reached, and what the server has
/// to say of that takes its time: it is asked already.
const DOUBTFUL: Duration = Duration::from_millis(1200);
/// A server with some ports tells another one by then, most likely.
const PORTS: usize = 8;
/// Transfers of one session under TLS: tickets that run out do so by the third.
const REPEATED: usize = 3;

/// What all lanes share.
pub(super) struct Ward<'a> {
    pub(super) patient: &'a Patient,
    pub(super) notebook: &'a Notebook,
    pub(super) to: SocketAddr,
    pub(super) beds: Semaphore,
    gate: login::Gate,
    outlook: watch::Sender<Outlook>,
}

/// What is known of the passive ports, while the lanes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    NotKnown,
    /// One was not reached, or not at once, of a session with this cover.
    Closed(Cover),
    /// One was reached, or nothing more will come.
    Over,
}

impl<'a> Ward<'a> {
    pub(super) fn new(patient: &'a Patient, notebook: &'a Notebook, to: SocketAddr) -> Self {
        let (beds, outlook) = (Semaphore::new(SESSIONS), watch::Sender::new(Outlook::NotKnown));
        Self { patient, notebook, to, beds, gate: login::Gate::default(), outlook }
    }

    /// A session; what became of the login is written down.
    pub(super) async fn session(&self, to: SocketAddr, cover: Cover, lane: &'static str) -> Option<Call<'a>> {
        let segments = if cover == Cover::Tls { self.segments() } else { None };
        let who = login::Whither { to, cover, segments };
        let came = Box::pin(login::session(self.patient, self.notebook, &self.gate, who, lane)).await;
        let (call, login) = match came {
            Ok(call) => (Some(call), Login::Done),
            Err(login) => (None, login),
        };
        let mut findings = self.notebook.findings();
        if matches!(login, Login::Full(_) | Login::Barred(_) | Login::Broken(_)) {
            findings.left_out.push(lane);
        }
        if to == self.to {
            let known = findings.logins.iter().position(|(of, _)| *of == cover);
            match known {
                // One that came in once can come in, and what failed later was for another reason, such as a limit. What
                // was left out says nothing new.
                Some(_) if matches!(login, Login::Full(_) | Login::Barred(_) | Login::NotRepeated(_)) => {}
                Some(at) if findings.logins.get(at).is_some_and(|(_, was)| *was != Login::Done) => {
                    findings.logins.remove(at);
                    findings.logins.push((cover, login));
                }
                Some(_) => {}
                None => findings.logins.push((cover, login)),
            }
        }
        drop(findings);
        call
    }

    /// As soon as it is another than `than`.
    pub(super) async fn outlook_other(&self, than: Outlook) -> Outlook {
        let mut outlook = self.outlook.subscribe();
        let known = outlook.wait_for(|outlook| *outlook != than).await;
        known.map_or(Outlook::Over, |outlook| *outlook)
    }

    /// It is this, unless it is known already.
    fn foresee(&self, new: Outlook) {
        self.outlook.send_if_modified(|outlook| {
            let first = *outlook == Outlook::NotKnown;
            if first {
                *outlook = new;
            }
            first
        });
    }

    /// The largest segments of sessions under TLS, where larger ones were found to be lost.
    pub(super) fn segments(&self) -> Option<u16> {
        let narrow = self.notebook.findings().tls.narrow == Some(Shake::Works);
        narrow.then_some(SEGMENTS)
    }

    fn keep(&self, trial: Trial) {
        let closed = matches!(trial.end, End::NotReached(Dial::Silent | Dial::Refused));
        if trial.way.is_passive() && trial.end.is_connected() {
            self.outlook.send_replace(Outlook::Over);
        } else if closed && trial.peer == self.to {
            self.foresee(Outlook::Closed(trial.cover));
        }
        self.notebook.findings().trials.push(trial);
    }
}

/// Has the certificate judged once, before many sessions at a time would.
pub(super) async fn trust(ward: &Ward<'_>) {
    if let Some(call) = ward.session(ward.to, Cover::Tls, "trust").await {
        call.quit().await;
    }
}

/// Everything about connections. The lanes of a cover stop where its login fails.
pub(super) async fn connections(ward: &Ward<'_>) {
    let clear = async {
        if may_be(ward.patient, Cover::Clear) {
            tokio::join!(
                passive(ward, Cover::Clear, "clear-passive"),
                active(ward, Cover::Clear, "clear-active")
            );
        } else if !ward.patient.implicit {
            ward.notebook.findings().logins.push((Cover::Clear, Login::KeptBack));
        }
    };
    let tls = async {
        if !may_be(ward.patient, Cover::Tls) {
            return;
        }
        Box::pin(handshake::look(ward)).await;
        let versions = Box::pin(handshake::versions(ward));
        let known = ward.notebook.findings().login(Cover::Tls).is_some_and(is_no_way);
        if known || handshake::is_hopeless(ward) {
            versions.await;
            return;
        }
        tokio::join!(
            versions,
            passive(ward, Cover::Tls, "tls-passive"),
            active(ward, Cover::Tls, "tls-active"),
            reuse(ward),
        );
    };
    tokio::join!(Box::pin(clear), Box::pin(tls));
    Box::pin(handshake::besides(ward)).await;
    ward.foresee(Outlook::Over);
}

/// Would each further session under TLS end as the first did?
fn is_no_way(login: &Login) -> bool {
    matches!(login, Login::Untrusted(_) | Login::WantsCertificate(_) | Login::NoTls(_))
}

async fn passive(ward: &Ward<'_>, cover: Cover, lane: &'static str) {
    let ways: &[Way] = if ward.to.is_ipv6() { &[Way::Epsv] } else { &[Way::Epsv, Way::Pasv] };
    lists(ward, cover, lane, ways, Introduction::Asked).await;
}

async fn active(ward: &Ward<'_>, cover: Cover, lane: &'static str) {
    let ways: &[Way] = if ward.to.is_ipv6() { &[Way::Eprt] } else { &[Way::Eprt, Way::Port] };
    lists(ward, cover, lane, ways, Introduction::LeftOut).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Introduction {
    Asked,
    LeftOut,
}

/// A listing over each way, in one session as long as it is good for another.
async fn lists(ward: &Ward<'_>, cover: Cover, lane: &'static str, ways: &[Way], introduction: Introduction) {
    let Ok(_bed) = ward.beds.acquire().await else { return };
    let (mut kept, mut ends) = (None, Vec::new());
    for (n, way) in ways.iter().enumerate() {
        let mut call = match kept.take() {
            Some(call) => call,
            None => match ward.session(ward.to, cover, lane).await {
                Some(call) => call,
                None => return,
            },
        };
        if n == 0 && introduction == Introduction::Asked && introduce(ward, &mut call).await.is_err() {
            // What ends or silences a session is not to be blamed on the way that comes after it.
            call = match ward.session(ward.to, cover, lane).await {
                Some(call) => call,
                None => return,
            };
        }
        let mut listing = Vec::new();
        let trial = {
            let mut following = Box::pin(follow(&mut call, *way, Errand::list(&mut listing)));
            let early = timeout(DOUBTFUL, &mut following).await;
            if early.is_err() && way.is_passive() {
                ward.foresee(Outlook::Closed(cover));
            }
            match early {
                Ok(trial) => trial,
                Err(_) => following.await,
            }
        };
        if is_usable(&trial.end) {
            kept = Some(call);
        }
        let stalled = cover == Cover::Tls && way.is_passive() && matches!(trial.end, End::Stalled { .. });
        ends.push(trial.end.clone());
        ward.keep(trial);
        if stalled && n == 0 {
            small_segments(ward, *way).await;
        }
    }
    // Is it the verb or the port? One of each cannot tell.
    if let ([End::NotReached(Dial::Silent | Dial::Refused), End::Works { .. }], [Way::Epsv, Way::Pasv]) =
        (ends.as_slice(), ways)
        && cover == Cover::Clear
    {
        let Some(call) = kept.take() else { return };
        kept = verb_or_port(ward, call).await;
    }
    if let Some(call) = kept {
        call.quit().await;
    }
}

/// EPSV once more, with a port that no 227 has told, and PASV once more. The call, if it is good for more.
async fn verb_or_port<'a>(ward: &Ward<'a>, mut call: Call<'a>) -> Option<Call<'a>> {
    let by_227: Vec<u16> = {
        let findings = ward.notebook.findings();
        let told =
            findings.trials.iter().filter(|trial| trial.way == Way::Pasv).filter_map(|trial| trial.told);
        told.map(|told| told.port()).collect()
    };
    // Each asks for another port, and the server chooses.
    for _ in 0..PORTS {
        let target = port_of(&mut call, Way::Epsv, &mut None).await.ok()?;
        if !by_227.contains(&target.port()) {
            let dialled = timeout(DATA, dial_explained(target)).await;
            let dial = match dialled {
                Ok(Ok(_)) => Dial::Connected,
                Ok(Err(error)) => explained(&error),
                Err(_) => Dial::Silent,
            };
            call.note(format!("* {target}: {dial:?}"));
            ward.notebook.findings().epsv_again = Some((target.port(), dial));
            break;
        }
    }
    let mut listing = Vec::new();
    let trial = Box::pin(follow(&mut call, Way::Pasv, Errand::list(&mut listing))).await;
    let usable = is_usable(&trial.end);
    ward.keep(trial);
    usable.then_some(call)
}

/// Nothing came over a data connection under TLS: does it come in small packets?
async fn small_segments(ward: &Ward<'_>, way: Way) {
    let Some(mut call) = ward.session(ward.to, Cover::Tls, "tls-small").await else { return };
    let mut listing = Vec::new();
    let errand = Errand { segments: Some(SEGMENTS), ..Errand::list(&mut listing) };
    let trial = Box::pin(follow(&mut call, way, errand)).await;
    let usable = is_usable(&trial.end);
    ward.notebook.findings().tls.small_segments = Some(trial.end);
    if usable {
        call.quit().await;
    }
}

/// The server's other words: FEAT, SYST and STAT, asked once. An error: the session did not live through it.
async fn introduce(ward: &Ward<'_>, call: &mut Call<'_>) -> Result<(), Deaf> {
    let ends = (call.local(), call.peer());
    ward.notebook.findings().ends = Some(ends);
    let ask = async |call: &mut Call<'_>, command: &Command| match call.ask(command, ANSWER).await {
        // It says that it ends.
        Ok(reply) if reply.code.get() == 421 => Err((command.verb(), Deaf::Ended(line(&reply)))),
        Ok(reply) => Ok(reply),
        Err(deaf) => Err((command.verb(), deaf)),
    };
    let asked = async {
        let reply = ask(call, &Command::Feat).await?;
        if reply.code.get() == 211 {
            let inner = match reply.lines.as_slice() {
                [_, inner @ .., _] => inner,
                _ => &[],
            };
            let lines = inner.iter().take(64).map(|line| show(line.trim_ascii())).collect();
            ward.notebook.findings().features = lines;
        }
        let reply = ask(call, &Command::Syst).await?;
        if reply.code.severity() == Severity::Completion {
            ward.notebook.findings().system = Some(show(reply.text()));
        }
        let reply = ask(call, &Command::Stat(None)).await?;
        if reply.code.severity() == Severity::Completion {
            let text: Vec<String> = reply.lines.iter().map(|line| show(line)).collect();
            // Some tell the address at which they were reached.
            let theirs =
                |seen| seen == call.peer().ip().to_canonical() && seen != call.local().ip().to_canonical();
            if let Some(seen) = super::seen_as(&text.join("\n")).filter(|seen| !theirs(*seen)) {
                ward.notebook.findings().seen_as = Some(seen);
            }
        }
        Ok(())
    };
    asked.await.map_err(|(verb, deaf)| {
        ward.notebook.findings().breaks.push((verb.to_string(), deaf.words()));
        deaf
    })
}

/// Must data connections resume the session, and can they for long? Two sessions, as a server may learn from the first.
async fn reuse(ward: &Ward<'_>) {
    let fresh = async {
        let Ok(_bed) = ward.beds.acquire().await else { return };
        let Some(mut call) = ward.session(ward.to, Cover::Tls, "tls-fresh").await else { return };
        let mut listing = Vec::new();
        let errand = Errand { tickets: Tickets::Withheld, ..Errand::list(&mut listing) };
        let trial = Box::pin(follow(&mut call, Way::Epsv, errand)).await;
        let usable = is_usable(&trial.end);
        ward.notebook.findings().reuse.fresh = Some(trial.end);
        if usable {
            call.quit().await;
        }
    };
    let repeated = async {
        let Ok(_bed) = ward.beds.acquire().await else { return };
        let Some(mut call) = ward.session(ward.to, Cover::Tls, "tls-repeated").await else { return };
        let mut way = Way::Epsv;
        for _ in 0..REPEATED {
            let mut listing = Vec::new();
            let trial = Box::pin(follow(&mut call, way, Errand::list(&mut listing))).await;
            if matches!(trial.end, End::Refused(_)) && way == Way::Epsv && ward.to.is_ipv4() {
                way = Way::Pasv;
                continue;
            }
            let (usable, reached) = (is_usable(&trial.end), trial.end.is_connected());
            ward.notebook.findings().reuse.repeated.push((trial.end, trial.resumed));
            if !usable || !reached {
                return;
            }
        }
        call.quit().await;
    };
    tokio::join!(Box::pin(fresh), Box::pin(repeated));
}

/// The other family, where it answers too: a listing over EPSV.
pub(super) async fn other_family(ward: &Ward<'_>, other: SocketAddr) {
    let Ok(_bed) = ward.beds.acquire().await else { return };
    let cover = if may_be(ward.patient, Cover::Clear) { Cover::Clear } else { Cover::Tls };
    let Some(mut call) = ward.session(other, cover, "other-family").await else { return };
    let mut listing = Vec::new();
    let trial = Box::pin(follow(&mut call, Way::Epsv, Errand::list(&mut listing))).await;
    let usable = is_usable(&trial.end);
    ward.keep(trial);
    if usable {
        call.quit().await;
    }
}

/// Leaves control connections alone, each for a time of its own, and asks whether they live.
pub(super) async fn idle(ward: &Ward<'_>, times: &[Duration]) {
    let cover = if may_be(ward.patient, Cover::Clear) { Cover::Clear } else { Cover::Tls };
    let mut calls = Vec::new();
    for time in times {
        if let Some(call) = ward.session(ward.to, cover, "idle").await {
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
            Err(Deaf::Ended(why)) if why.contains("closed") => Alive::Ended(why),
            Err(_) => Alive::Lost,
        };
        ward.notebook.findings().idle.push((time, alive));
    }
}
