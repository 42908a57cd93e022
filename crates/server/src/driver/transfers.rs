//! How are transfers begun, followed and broken off, and passive ports claimed for them?
use std::sync::Arc;
use std::time::Instant;

use config::HangUp;
use net::passive::Demand;
use tokio::time::timeout;
use wire::Protection;

use super::state::{Driver, LINGER, Running, TransferLog};
use crate::effect::{DataPlan, Input, Outcome, Output, Plan, What};
use crate::reason::Reason;
use crate::registry::{Stop, Track};
use crate::transfer::guard::Guard;
use crate::transfer::left_open::{Ended, Held};
use crate::transfer::{self, Step};

impl Driver<'_> {
    pub(super) async fn listen(&mut self, protection: Protection) -> Input {
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

    pub(super) fn start(&mut self, plan: Plan) {
        let (user, anonymous) = (Arc::clone(plan.pass.user()), plan.pass.is_anonymous());
        let track = Arc::new(Track::default());
        let claim = if plan.data == DataPlan::Listening { self.claim.take() } else { None };
        let (ascii, has_data) = (plan.ascii, plan.data != DataPlan::None);
        let is_upload = matches!(plan.what, What::Store { .. });
        let listed =
            self.registration.begin(plan.verb, plan.path.clone(), Arc::clone(&user), Arc::clone(&track));
        // PROT P is agreed on behind AUTH alone, so there is a binding.
        let private = plan.protection == Protection::Private;
        let guard = if private { self.guard() } else { None };
        let settings = self.settings.clone();
        let open = transfer::open(plan, claim, guard, settings, self.local, Arc::clone(&track));
        let log = TransferLog { user, anonymous, begun: Instant::now(), ascii, private };
        let step = Box::pin(open);
        let publishing = false;
        self.running = Some(Running { log, step, publishing, track, _listed: listed, has_data, is_upload });
    }

    pub(super) fn stepped(&mut self, step: Step) {
        let input = match step {
            Step::Opened(opened, open) => {
                if let Some(running) = &mut self.running {
                    running.step = Box::pin(open.run());
                }
                Input::Opened(opened)
            }
            Step::Ended(end) => self.ended(end),
            Step::Received(received) => {
                let gone = match () {
                    () if received.is_proven() => false,
                    () if received.needs_its_control() && self.control.has_ended() => true,
                    () => self.has_hung_up() && self.settings.site.uploads.hang_up == HangUp::Keep,
                };
                if gone {
                    self.ended(received.abandon())
                } else {
                    if let Some(running) = &mut self.running {
                        running.step = Box::pin(async move { Step::Ended(received.publish().await) });
                        running.publishing = true;
                    }
                    return;
                }
            }
        };
        self.session.handle(input, Instant::now());
    }

    /// Takes the running transfer out, and keeps what the log is told of it.
    pub(super) fn stop_running(&mut self) -> Option<Running> {
        let running = self.running.take()?;
        self.last = Some(running.log.clone());
        Some(running)
    }

    fn ended(&mut self, Ended { end, left_open }: Ended) -> Input {
        drop(self.stop_running());
        self.left_open = left_open;
        Input::Transferred(end)
    }

    /// The session is over. A transfer that was running ends with it, and the log hears of that; an upload
    /// that is being published is waited for, so that the log tells what became of it. Where the site is what
    /// ends, the client is told.
    pub(super) async fn leave(&mut self) {
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
        // Commands that waited behind the transfer are dropped.
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
        // As much as fits, without waiting.
        let _ = self.control.try_write(&said);
    }

    /// Ends the transfer that runs. Its data connection is reset: an end in order would be the end of the
    /// file.
    async fn broken_off(&mut self, stopped: Option<Reason>) -> Option<Outcome> {
        let mut running = self.stop_running()?;
        if running.publishing
            && let Ok(Step::Ended(ended)) = timeout(LINGER, running.step.as_mut()).await
        {
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
        Some(Outcome { bytes: running.track.progress.bytes(), detail, told, ..Reason::Aborted.into() })
    }
}
