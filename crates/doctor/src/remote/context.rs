//! What do all tests of an examination share?
use std::net::SocketAddr;

use tokio::sync::{Mutex, Semaphore, watch};

use super::facts::{Cover, Dial, End, Handshake, Trial};
use super::notebook::Notebook;
use super::target::Target;
use super::trial::SEGMENTS;

/// Sessions at a time: home routers' and small hosts' servers often allow five for each address.
const SESSIONS: usize = 4;

/// What all tests share.
pub(super) struct Context<'a> {
    pub(super) target: &'a Target,
    pub(super) notebook: &'a Notebook,
    pub(super) to: SocketAddr,
    pub(super) permits: Semaphore,
    pub(super) guard: LoginGuard,
    passive_ports: watch::Sender<PassivePorts>,
}

/// What the first login has shown to those that come after it. A password that is refused is not said again:
/// a server that counts failures would shut the user out.
#[derive(Debug, Default)]
pub(super) struct LoginGuard(pub(super) Mutex<LoginState>);

#[derive(Debug)]
pub(super) enum LoginState {
    /// No login has succeeded, and the password was said without an answer to it: so much weighs that.
    Uncertain(u8),
    Accepted,
    Refused(String),
}

impl Default for LoginState {
    fn default() -> Self {
        Self::Uncertain(0)
    }
}

/// What is known of the passive ports, while the tests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PassivePorts {
    Unknown,
    /// One was not reached, or not at once, of a session with this cover.
    Unreachable(Cover),
    /// One was reached, or nothing more will come.
    Done,
}

impl<'a> Context<'a> {
    pub(super) fn new(target: &'a Target, notebook: &'a Notebook, to: SocketAddr) -> Self {
        let (permits, passive_ports) = (Semaphore::new(SESSIONS), watch::Sender::new(PassivePorts::Unknown));
        Self { target, notebook, to, permits, guard: LoginGuard::default(), passive_ports }
    }

    /// As soon as it is another than `than`.
    pub(super) async fn passive_ports_change(&self, than: PassivePorts) -> PassivePorts {
        let mut passive_ports = self.passive_ports.subscribe();
        let known = passive_ports.wait_for(|passive_ports| *passive_ports != than).await;
        known.map_or(PassivePorts::Done, |passive_ports| *passive_ports)
    }

    /// It is this, unless it is known already.
    pub(super) fn expect_passive(&self, new: PassivePorts) {
        self.passive_ports.send_if_modified(|passive_ports| {
            let first = *passive_ports == PassivePorts::Unknown;
            if first {
                *passive_ports = new;
            }
            first
        });
    }

    /// The largest segments of sessions under TLS, where larger ones were found to be lost.
    pub(super) fn segments(&self) -> Option<u16> {
        let small_segments = self.notebook.facts().tls.small_segments == Some(Handshake::Works);
        small_segments.then_some(SEGMENTS)
    }

    pub(super) fn keep(&self, trial: Trial) {
        let closed = matches!(trial.end, End::NotReached(Dial::Silent | Dial::Refused));
        if trial.method.is_passive() && trial.end.is_connected() {
            self.passive_ports.send_replace(PassivePorts::Done);
        } else if closed && trial.peer == self.to {
            self.expect_passive(PassivePorts::Unreachable(trial.cover));
        }
        self.notebook.facts().trials.push(trial);
    }
}
