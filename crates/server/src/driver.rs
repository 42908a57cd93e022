//! How is a session driven? One task: lines in, replies out, effects done.
//!
//! ```text
//!   loop: poll the session until it is silent (replies gather in one buffer, effects are done)
//!         poll a transfer once, so that a small one is over before anything is written: 150 and 226 in one packet
//!         write; give the next line that is there already; else wait for line | transfer | deadline | stop
//! ```
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use net::control::{Control, Waiting};
use tokio::time::{Sleep, sleep, sleep_until, timeout};
use wire::LineDecoder;

use crate::effect::{Effect, Input, Outcome, Output};
use crate::files;
use crate::log_rate::millis;
use crate::reason::Reason;
use crate::registry::{Registration, SessionInfo, Stop};
use crate::session::{Session, is_tls};
use crate::shared::{BoundListener, Shared};
use crate::transfer::left_open::LeftOpen;

mod admission;
mod log;
mod presence;
mod replies;
mod securing;
mod state;
mod transfers;

use admission::Answer;
use replies::{FULL, KEPT};
use securing::{NoTls, secure, shown, why};
use state::{Driver, Gone, LINGER};

/// How much is read of a client that goes on talking after the last reply.
const LINGERED: usize = 64 * 1024;

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
    // Connections come by the thousand, as refusals do. The line of the end is there where that of the
    // beginning is.
    let told = shared.log_rate.allows(None, peer);
    if told {
        let tls = if settings.listener.implicit { "implicit" } else { "off" };
        tracing::info!(session = id, %peer, %local, tls, "connected");
    }
    let mut binding = None;
    if settings.listener.implicit {
        let secured = tokio::select! {
            biased;
            // Nothing runs yet that draining would wait for.
            () = registration.ending().beyond(Stop::No) => Err(NoTls::Refused(registration.ending_reason())),
            secured = secure(&control, shared, registration, &settings, None) => secured,
        };
        match secured {
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
        left_open: None,
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
    // Unread bytes would turn the close into a reset, which takes the last reply with it.
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
                step = maybe(self.running.as_mut().map(|running| running.step.as_mut())), if self.running.is_some() => self.stepped(step),
                answer = maybe(self.admitting.as_mut().map(Pin::as_mut)), if self.admitting.is_some() => {
                    self.admitting = None;
                    self.answered(answer);
                }
                () = maybe(self.closing_data.as_mut().map(Pin::as_mut)), if self.closing_data.is_some() => self.closing_data = None,
                () = maybe(self.closing_claim.as_mut().map(Pin::as_mut)), if self.closing_claim.is_some() => self.closing_claim = None,
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
                () = maybe(gone.as_ref().map(|gone| sleep_until(gone.look))), if gone.is_some() && self.running.is_some() => if self.is_abandoned(&mut gone) {
                    return Ok(());
                },
                () = maybe(alarm.as_mut().map(|(_, sleep)| sleep.as_mut())), if deadline.is_some() => {
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
            self.close_left_open().await?;
            let Some(running) = &mut self.running else { return Ok(()) };
            let polled = poll_fn(|cx| Poll::Ready(running.step.as_mut().poll(cx))).await;
            match polled {
                Poll::Ready(step) => self.stepped(step),
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Have bytes been read that the session has not heard yet?
    fn is_behind(&self) -> bool {
        self.taken < self.input.len()
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
                self.close_left_open().await?;
                self.closing_claim = None;
                self.listen(protection).await
            }
            Effect::Unlisten => {
                if let Some(claim) = self.claim.take() {
                    self.left_open = Some(LeftOpen::Claim(claim));
                }
                return Ok(());
            }
            Effect::Transfer(plan) => {
                self.start(plan);
                return Ok(());
            }
            // Too late: the outcome will come, and is the answer. Were it said to be aborted, it might still
            // take its name a moment later, and with it the place of what the client has stored there since.
            Effect::Abort if self.running.as_ref().is_some_and(|running| running.publishing) => {
                return Ok(());
            }
            Effect::Abort => {
                let bytes = self.running.as_ref().map_or(0, |running| running.track.progress.bytes());
                self.stop_running();
                Input::Transferred(Outcome { bytes, ..Reason::Aborted.into() })
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
}

/// Waits for what there is; for ever where there is nothing.
async fn maybe<F: Future>(what: Option<F>) -> F::Output {
    match what {
        Some(what) => what.await,
        None => std::future::pending().await,
    }
}
