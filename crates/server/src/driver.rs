//! How is a session driven? One task: lines in, replies out, effects done.
//!
//! ```text
//!   loop: poll the session until it is silent (replies gather in one buffer, effects are done)
//!         poll a transfer once, so that a small one is over before anything is written: 150 and 226 in one packet
//!         write; give the next line that is there already; else wait for line | transfer | deadline | stop
//! ```
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use config::HangUp;
use net::control::{Control, Explicit, Waiting};
use net::passive::{Demand, PassivePorts};
use net::tls::server::Binding;
use net::tls::{Reuse, UpgradeError};
use storage::Certificate;
use tokio::time::{Sleep, sleep, sleep_until, timeout};
use wire::{LineDecoder, Protection, Reply};

use crate::effect::{DataPlan, Effect, Input, Opened, Output, Plan, Transferred, What};
use crate::files;
use crate::reason::Reason;
use crate::registry::{Listed, Registration, SessionInfo, Stop, Track};
use crate::session::{Session, is_tls};
use crate::settings::Settings;
use crate::shared::{BoundListener, Shared};
use crate::transfer::guard::Guard;
use crate::transfer::parting::{Ended, Parting};
use crate::transfer::{self, Held, Moved, Ready};

mod admission;
mod log;
mod presence;
mod securing;

use admission::{Answer, Login};
use log::millis;
use presence::{Gone, look};
use securing::{NoTls, secure, shown, why};

/// A step of a running transfer.
enum Step {
    Opened(Box<Result<(Opened, Ready), Ended>>),
    Moved(Moved),
    Published(Ended),
}

struct Running {
    /// Whose: the session may belong to somebody else before it ends.
    user: Arc<str>,
    anonymous: bool,
    step: Pin<Box<dyn Future<Output = Step> + Send>>,
    stage: Stage,
    track: Arc<Track>,
    begun: Instant,
    ascii: bool,
    /// The data connection is under TLS, or is to be.
    private: bool,
    _listed: Listed,
    /// There is a data connection, or will be.
    has_data: bool,
    is_upload: bool,
}

/// How far a transfer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Dropped, it stops.
    Moving,
    /// An upload that is whole is being given its name. That cannot be taken back, nor be known to have failed.
    Publishing,
}

/// An end that takes its time.
type Closing = Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// How the last transfer went, until its event is logged.
#[derive(Clone)]
struct Last {
    user: Arc<str>,
    anonymous: bool,
    begun: Instant,
    ascii: bool,
    private: bool,
}

impl Running {
    fn last(&self) -> Last {
        let (user, anonymous) = (Arc::clone(&self.user), self.anonymous);
        Last { user, anonymous, begun: self.begun, ascii: self.ascii, private: self.private }
    }
}

struct Driver<'a> {
    shared: &'a Shared,
    settings: Settings,
    /// The passive ports of the listener.
    ports: Option<&'a PassivePorts>,
    control: &'a Control,
    peer: SocketAddr,
    /// Asked of the kernel once.
    local: SocketAddr,
    id: u64,
    registration: &'a Registration,
    session: Session,
    // Before `binding`, so that a connection which waits there is let go, and not refused for a session that is no more.
    claim: Option<Held>,
    /// What a transfer has left that failed: closed behind its reply.
    parting: Option<Parting>,
    /// The end of a data connection of a transfer whose reply has been written, and that of a passive port.
    closing_data: Closing,
    closing_claim: Closing,
    binding: Option<Binding>,
    /// Whose the binding is known to be.
    user: Option<Arc<str>>,
    /// Who is logged in, as the registry has it.
    noted: Option<Arc<str>>,
    running: Option<Running>,
    /// A login that is checked while a transfer runs.
    admitting: Option<Pin<Box<dyn Future<Output = Answer> + Send + 'a>>>,
    last: Option<Last>,
    /// The last login that was refused, until its event is logged.
    login: Option<Login>,
    decoder: LineDecoder,
    out: Vec<u8>,
    closing: bool,
    /// What has been read of the client, and how much of that the session has heard.
    input: Vec<u8>,
    taken: usize,
    /// Why the session ends in the middle of a transfer, where it is not the client's word.
    why: Option<String>,
}

/// Bytes of read-ahead kept between commands; more is given back, so that an idle session is small.
const KEPT: usize = 512;

/// How long, and how much, is read of a client that goes on talking after the last reply.
const LINGER: Duration = Duration::from_secs(2);
const LINGERED: usize = 64 * 1024;

/// Bytes of replies that gather before they are written, so that a packet full of `STAT directory` does not fill our
/// memory with its answers: the rest of an answer, and the next command, wait until the client has taken what it asked for.
const FULL: usize = 16 * 1024;

/// Drives one session from its greeting to its end.
pub(crate) async fn run(
    control: Control,
    shared: &Shared,
    listener: &BoundListener,
    registration: &Registration,
) {
    let id = registration.id();
    let (peer, local, dialled) = (control.peer(), control.local(), control.dialled());
    let (settings, begun) = (listener.settings.clone(), Instant::now());
    // Connections come by the thousand, as refusals do. The line of the end is there where that of the beginning is.
    let told = shared.log_rate.allows(None, peer);
    if told {
        let tls = if settings.listener.implicit { "implicit" } else { "off" };
        tracing::info!(session = id, %peer, %local, tls, "connected");
    }
    let mut binding = None;
    if settings.listener.implicit {
        match secure(&control, shared, registration, &settings, None).await {
            Ok(bound) => binding = Some(bound),
            Err(error) => {
                if shared.log_rate.allows(Some(id), peer) {
                    tracing::info!(session = id, %peer, error = why(&error), "TLS handshake failed");
                }
                return;
            }
        }
    }
    let certificate = binding.as_ref().and_then(|binding| shown(id, binding));
    let session = Session::new(settings.clone(), peer, dialled, begun).with_certificate(certificate);
    let decoder = LineDecoder::new(shared.site.limits.line);
    let mut driver = Driver {
        shared,
        settings,
        ports: listener.ports.as_deref(),
        control: &control,
        peer,
        local,
        id,
        registration,
        session,
        binding,
        user: None,
        noted: None,
        claim: None,
        decoder,
        running: None,
        parting: None,
        closing_data: None,
        closing_claim: None,
        admitting: None,
        last: None,
        login: None,
        out: Vec::new(),
        closing: false,
        input: Vec::new(),
        taken: 0,
        why: None,
    };
    // Whatever the session is waiting for: a client that does not read, a login that is being checked.
    let served = tokio::select! {
        biased;
        () = registration.ending().beyond(Stop::Drain) => Ok(()),
        served = driver.serve() => served,
    };
    if let Err(error) = served {
        tracing::debug!(session = id, %peer, %error, "the control connection broke");
    }
    driver.leave().await;
    if told {
        let (user, tls) = (driver.user(), driver.protection());
        let (SessionInfo { sent, received, .. }, ms) = (registration.info(), millis(begun.elapsed()));
        tracing::info!(session = id, %peer, user, tls, sent, received, ms, "disconnected");
    }
    drop(driver);
    control.shutdown();
    // Bytes that nobody has read would turn the close into a reset, which takes the last reply with it.
    let _ = timeout(LINGER, async {
        let (mut rest, mut read) = (Vec::new(), 0);
        while read < LINGERED
            && control.waiting() == Waiting::Bytes
            && control.read(&mut rest).await.is_ok_and(|n| n > 0)
        {
            read += rest.len();
            rest.clear();
        }
    })
    .await;
}

impl<'a> Driver<'a> {
    async fn serve(&mut self) -> std::io::Result<()> {
        let mut ended = false;
        let mut gone: Option<Gone> = None;
        let mut alarm: Option<(tokio::time::Instant, Pin<Box<Sleep>>)> = None;
        loop {
            self.settle().await?;
            if self.closing {
                return self.flush().await;
            }
            if self.session.wants_line() && self.is_behind() {
                let mut rest = &self.input[self.taken..];
                let line = if self.decoder.is_empty() && is_tls(rest) {
                    // It has no line's end, and who sent it waits for an answer.
                    Some(Ok(std::mem::take(&mut rest).to_vec()))
                } else {
                    self.decoder.decode(&mut rest)
                };
                self.taken = self.input.len() - rest.len();
                if let Some(line) = line {
                    self.session.handle(Input::Line(line), Instant::now());
                    continue;
                }
            }
            self.flush().await?;
            if ended && self.running.is_none() {
                return Ok(());
            }
            if !self.is_behind() {
                self.input.clear();
                self.taken = 0;
                if self.input.capacity() > KEPT && self.running.is_none() {
                    self.input = Vec::new();
                }
            }
            // The alarm is only ever set forward when it has rung: commands come faster than deadlines.
            let deadline = self.session.deadline().map(tokio::time::Instant::from_std);
            match (&mut alarm, deadline) {
                (Some((at, _)), Some(due)) if *at <= due => {}
                (Some((at, sleep)), Some(due)) => {
                    sleep.as_mut().reset(due);
                    *at = due;
                }
                (None, Some(due)) => alarm = Some((due, Box::pin(sleep_until(due)))),
                (_, None) => {}
            }
            let reads = !ended && self.session.wants_line() && !self.is_behind();
            let (registration, stopping) = (self.registration, self.registration.ending().get());
            match stopping {
                Stop::Now => return Ok(()),
                Stop::Drain => {
                    self.session.handle(Input::Stop(registration.ending_reason()), Instant::now());
                    if self.running.is_none() && self.admitting.is_none() {
                        continue;
                    }
                }
                Stop::No => {}
            }
            tokio::select! {
                biased;
                step = step(&mut self.running), if self.running.is_some() => self.stepped(step),
                answer = pending(&mut self.admitting), if self.admitting.is_some() => {
                    self.admitting = None;
                    self.answered(answer);
                }
                () = pending(&mut self.closing_data), if self.closing_data.is_some() => self.closing_data = None,
                () = pending(&mut self.closing_claim), if self.closing_claim.is_some() => self.closing_claim = None,
                read = self.control.read(&mut self.input), if reads => match read {
                    Ok(0) => {
                        ended = true;
                        gone.get_or_insert(Gone { look: self.next_look(), moved: self.moved() });
                    }
                    Ok(_) => {}
                    Err(_) if self.outlives_its_control() => ended = true,
                    Err(error) => return Err(error),
                },
                // With a full queue nothing is read, and the client's end is not met by reading.
                () = sleep(self.shared.site.deadlines.gone), if !reads && gone.is_none() && self.running.is_some() => {
                    if self.control.has_ended() {
                        gone = Some(Gone { look: self.next_look(), moved: self.moved() });
                    }
                }
                () = look(gone.as_ref()), if gone.is_some() && self.running.is_some() => if self.idles(&mut gone) {
                    return Ok(());
                },
                () = ring(&mut alarm), if deadline.is_some() => {
                    alarm = None;
                    self.session.handle(Input::Tick, Instant::now());
                }
                () = registration.ending().beyond(stopping) => {}
            }
        }
    }

    /// Does all that the session asks for, and lets a transfer run as far as it can without waiting.
    async fn settle(&mut self) -> std::io::Result<()> {
        loop {
            self.note_user();
            while let Some(output) = self.session.poll() {
                match output {
                    Output::Reply(reply) => {
                        reply.encode(&mut self.out);
                        if self.out.len() >= FULL {
                            self.flush().await?;
                        }
                    }
                    Output::Part(reply, part) => {
                        reply.encode_part(part, &mut self.out);
                        drop(reply);
                        if self.out.len() >= FULL {
                            self.flush().await?;
                        }
                    }
                    Output::Event(event) => self.log(&event),
                    Output::Effect(effect) => {
                        self.effect(effect).await?;
                        self.note_user();
                    }
                    Output::Close => {
                        self.closing = true;
                        return Ok(());
                    }
                }
            }
            self.part().await?;
            let Some(running) = &mut self.running else { return Ok(()) };
            let polled = poll_fn(|cx| Poll::Ready(running.step.as_mut().poll(cx))).await;
            match polled {
                Poll::Ready(step) => self.stepped(step),
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Lets the data connection of a transfer end that failed, once its reply is written.
    async fn part(&mut self) -> std::io::Result<()> {
        let Some(parting) = self.parting.take() else { return Ok(()) };
        if let Parting::Claim(Held::Protected(claim)) = &parting {
            claim.dismiss();
        }
        self.flush().await?;
        if self.control.has_unsent() {
            timeout(self.shared.site.deadlines.stall, self.control.write_all(b"")).await??;
        }
        match parting {
            Parting::Claim(_) => self.closing_claim = Some(parting.end()),
            Parting::Cut(_) | Parting::Refused(_) => self.closing_data = Some(parting.end()),
        }
        Ok(())
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        match self.send_replies().await {
            Err(_) if self.outlives_its_control() => {
                self.out.clear();
                Ok(())
            }
            sent => sent,
        }
    }

    async fn send_replies(&mut self) -> std::io::Result<()> {
        if self.out.is_empty() {
            return Ok(());
        }
        // A client that does not read its replies is as idle as one that sends nothing.
        let patience = self.shared.site.deadlines.stall;
        if let Some(binding) = &self.binding
            && self.settings.reuse() != Reuse::Off
        {
            self.control.replenish(binding);
        }
        let written = match self.control.try_write(&self.out) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => 0,
            Err(e) => return Err(e),
        };
        if written < self.out.len() {
            timeout(patience, self.control.write_all(&self.out[written..])).await??;
        }
        let full = self.out.len() >= FULL;
        self.out.clear();
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
        if full && self.control.has_unsent() {
            // TLS has taken it, and the client has not.
            timeout(patience, self.control.write_all(b"")).await??;
        }
        Ok(())
    }

    async fn effect(&mut self, effect: Effect) -> std::io::Result<()> {
        let input = match effect {
            Effect::Greet(user, certificate) => {
                let greeted = admission::greet(self.shared, self.registration, user, certificate);
                return self.ask(greeted).await;
            }
            Effect::Admit { attempt, anonymous } => {
                let admitted = admission::admit(self.shared, self.registration, attempt, anonymous);
                return self.ask(admitted).await;
            }
            Effect::File(pass, op) => Input::File(files::run(&pass, op).await),
            Effect::Secure(answer) => match self.secure(&answer).await? {
                Some(outcome) => Input::Secured(outcome),
                None => return Ok(()),
            },
            Effect::Unsecure(answer) => return self.unsecure(&answer).await,
            Effect::Listen(protection) => {
                self.part().await?;
                self.closing_claim = None;
                self.listen(protection).await
            }
            Effect::Unlisten => {
                if let Some(claim) = self.claim.take() {
                    self.parting = Some(Parting::Claim(claim));
                }
                return Ok(());
            }
            Effect::Transfer(plan) => {
                self.start(plan);
                return Ok(());
            }
            // Too late: the outcome will come, and is the answer. Were it said to be aborted, it might still take its
            // name a moment later, and with it the place of what the client has stored there since.
            Effect::Abort if self.running.as_ref().is_some_and(|r| r.stage == Stage::Publishing) => {
                return Ok(());
            }
            Effect::Abort => {
                let bytes = self.running.as_ref().map_or(0, |running| running.track.progress.bytes());
                self.stop_running();
                Input::Transferred(Transferred { bytes, ..Reason::Aborted.into() })
            }
            Effect::Progress => {
                Input::Progress(self.running.as_ref().map_or(0, |r| r.track.progress.bytes()))
            }
        };
        self.session.handle(input, Instant::now());
        Ok(())
    }

    /// Asks about a login: at once, or beside the transfer that runs.
    async fn ask(&mut self, question: impl Future<Output = Answer> + Send + 'a) -> std::io::Result<()> {
        if self.running.is_some() {
            self.admitting = Some(Box::pin(question));
        } else {
            let answer = question.await;
            self.answered(answer);
        }
        Ok(())
    }

    fn answered(&mut self, answer: Answer) {
        self.login = answer.refused.or(self.login.take());
        self.session.handle(answer.input, Instant::now());
    }

    /// Takes the running transfer out, and notes whose it was.
    fn stop_running(&mut self) -> Option<Running> {
        let running = self.running.take()?;
        self.last = Some(running.last());
        Some(running)
    }

    /// Begins TLS. None: it did not come about, and there is nobody to tell.
    async fn secure(
        &mut self,
        answer: &Reply,
    ) -> std::io::Result<Option<Result<Option<Certificate>, Reason>>> {
        self.flush().await?;
        // What has been read and not been heard: whole lines, or the beginning of one.
        let behind = self.is_behind() || !self.decoder.is_empty();
        let mut said = Vec::new();
        answer.encode(&mut said);
        let explicit = Explicit { read_ahead: if behind { b"?" } else { b"" }, answer: &said };
        match secure(self.control, self.shared, self.registration, &self.settings, Some(explicit)).await {
            Ok(binding) => {
                let certificate = shown(self.id, &binding);
                self.binding = Some(binding);
                self.user = None;
                Ok(Some(Ok(certificate)))
            }
            Err(NoTls::Upgrade(UpgradeError::PendingClear)) => Ok(Some(Err(Reason::ClearBehindAuth))),
            Err(NoTls::Refused(reason)) => Ok(Some(Err(reason))),
            Err(NoTls::Upgrade(error)) => {
                if self.shared.log_rate.allows(Some(self.id), self.peer) {
                    tracing::info!(session = self.id, peer = %self.peer, error = why(&error), "TLS handshake failed");
                }
                self.closing = true;
                Ok(None)
            }
        }
    }

    /// Ends TLS. The binding lives on: data connections are protected as before.
    async fn unsecure(&mut self, answer: &Reply) -> std::io::Result<()> {
        self.flush().await?;
        let mut said = Vec::new();
        answer.encode(&mut said);
        self.control
            .clear_tls(&said, self.settings.site.deadlines.handshake)
            .await
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        self.registration.secured(None);
        Ok(())
    }

    async fn listen(&mut self, protection: Protection) -> Input {
        // A second PASV closes the first.
        self.claim = None;
        let Some(ports) = self.ports else { return Input::Listening(Err(Reason::PassiveOff)) };
        let deadlines = &self.shared.site.deadlines;
        let (peer, local) = (self.peer.ip(), self.local.ip());
        let until = tokio::time::Instant::now() + deadlines.claim;
        let (id, wait) = (self.id, deadlines.port);
        let held = match (protection, self.guard()) {
            (Protection::Clear, _) => ports
                .claim(id, peer, local, until, wait)
                .await
                .map(|claim| (claim.port(), Held::Clear(claim))),
            (_, Some(Guard { binding, tls })) => {
                let demand = Demand { tls, binding, reuse: self.settings.reuse() };
                let claim = ports.claim_protected(id, peer, local, until, wait, demand).await;
                claim.map(|claim| (claim.port(), Held::Protected(claim)))
            }
            // No other level is agreed on without TLS.
            (_, None) => return Input::Listening(Err(Reason::AuthFirst)),
        };
        match held {
            Ok((port, held)) => {
                self.claim = Some(held);
                Input::Listening(Ok((
                    self.settings.listener.announced(self.control.dialled().ip(), peer),
                    port,
                )))
            }
            Err(_) => Input::Listening(Err(Reason::NoPort)),
        }
    }

    /// What data connections are bound to, under TLS.
    fn guard(&self) -> Option<Guard> {
        let (binding, tls) = self.binding.clone().zip(self.shared.tls.clone())?;
        Some(Guard { binding, tls })
    }

    fn start(&mut self, plan: Plan) {
        let (user, anonymous) = (Arc::clone(plan.pass.user()), plan.pass.is_anonymous());
        let track = Arc::new(Track::default());
        let claim = if plan.data == DataPlan::Listening { self.claim.take() } else { None };
        let (ascii, has_data) = (plan.ascii, plan.data != DataPlan::None);
        let is_upload = matches!(plan.what, What::Store { .. });
        let path = plan.what.path().clone();
        let listed = self.registration.begin(plan.verb, path, Arc::clone(&user), Arc::clone(&track));
        // PROT P is agreed on behind AUTH alone, so there is a binding.
        let private = plan.protection == Protection::Private;
        let guard = if private { self.guard() } else { None };
        let settings = self.settings.clone();
        let open = transfer::open(plan, claim, guard, settings, self.local, Arc::clone(&track));
        let step = Box::pin(async move { Step::Opened(Box::new(open.await)) });
        let begun = Instant::now();
        self.running = Some(Running {
            user,
            anonymous,
            step,
            stage: Stage::Moving,
            track,
            begun,
            ascii,
            private,
            _listed: listed,
            has_data,
            is_upload,
        });
    }

    fn stepped(&mut self, step: Step) {
        let input = match step {
            Step::Opened(opened) => match *opened {
                Ok((opened, ready)) => {
                    if let Some(running) = &mut self.running {
                        running.step = Box::pin(async move { Step::Moved(ready.run().await) });
                    }
                    Input::Opened(opened)
                }
                Err(end) => self.ended(end),
            },
            Step::Moved(Moved::Ended(end)) | Step::Published(end) => self.ended(end),
            Step::Moved(Moved::Received(received)) => {
                let gone = match () {
                    () if received.is_proven() => false,
                    () if received.needs_its_control() && self.control.has_ended() => true,
                    () => self.has_hung_up() && self.settings.site.uploads.hang_up == HangUp::Keep,
                };
                if gone {
                    self.ended(received.abandon())
                } else {
                    if let Some(running) = &mut self.running {
                        running.step = Box::pin(async move { Step::Published(received.publish().await) });
                        running.stage = Stage::Publishing;
                    }
                    return;
                }
            }
        };
        self.session.handle(input, Instant::now());
    }

    /// Have bytes been read that the session has not heard yet?
    fn is_behind(&self) -> bool {
        self.taken < self.input.len()
    }

    fn ended(&mut self, Ended { end, parting }: Ended) -> Input {
        drop(self.stop_running());
        self.parting = parting;
        Input::Transferred(end)
    }

    /// The session is over. A transfer that was running ends with it, and the log hears of that; an upload that is being
    /// published is waited for, so that the log tells what became of it. Where the site is what ends, the client is told.
    async fn leave(&mut self) {
        let stopped = self.registration.ending().get() == Stop::Now && !self.closing;
        let reason = self.registration.ending_reason();
        // What is there has been written to an unknown part: nothing can follow it.
        let silent = !stopped || !self.out.is_empty();
        if stopped {
            self.session.handle(Input::Stop(reason), Instant::now());
        }
        if let Some(end) = self.broken_off(stopped.then_some(reason)).await {
            self.session.handle(Input::Transferred(end), Instant::now());
        } else if !stopped {
            return;
        }
        let mut said = Vec::new();
        // What waited behind the transfer is nobody's any more.
        while let Some(output) = self.session.poll() {
            match output {
                Output::Reply(reply) => reply.encode(&mut said),
                Output::Event(event) => {
                    self.log(&event);
                    if !stopped {
                        return;
                    }
                }
                Output::Close => {
                    self.closing = true;
                    break;
                }
                Output::Part(..) | Output::Effect(_) => break,
            }
        }
        if silent {
            return;
        }
        if !self.closing {
            reason.reply().encode(&mut said);
        }
        // As much as fits: nobody is waited for.
        let _ = self.control.try_write(&said);
    }

    /// Ends the transfer that runs. Its data connection is reset: an end in order would be the end of the file.
    async fn broken_off(&mut self, stopped: Option<Reason>) -> Option<Transferred> {
        let mut running = self.stop_running()?;
        let published = match running.stage {
            Stage::Publishing => timeout(LINGER, running.step.as_mut()).await.ok(),
            Stage::Moving => None,
        };
        if let Some(Step::Published(ended)) = published {
            return Some(ended.end);
        }
        if let Some((data, _)) = running.track.data.get() {
            data.reset_at_close();
        }
        let why = match stopped {
            Some(Reason::Stopping) => "the server was stopped during the transfer",
            Some(_) => "the administrator ended the session during the transfer",
            None => "the session ended during the transfer",
        };
        let told = stopped.map(|reason| reason.text().to_owned());
        let detail = Some(self.why.take().unwrap_or_else(|| why.to_owned()));
        Some(Transferred { bytes: running.track.progress.bytes(), detail, told, ..Reason::Aborted.into() })
    }
}

async fn step(running: &mut Option<Running>) -> Step {
    match running {
        Some(running) => running.step.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn pending<T>(what: &mut Option<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> T {
    match what {
        Some(what) => what.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn ring(alarm: &mut Option<(tokio::time::Instant, Pin<Box<Sleep>>)>) {
    match alarm {
        Some((_, sleep)) => sleep.as_mut().await,
        None => std::future::pending().await,
    }
}
