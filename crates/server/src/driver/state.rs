//! What does a driver know of its session and of the transfer that runs?
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use net::control::Control;
use net::passive::PassivePorts;
use net::tls::server::Binding;
use wire::LineDecoder;

use super::admission::{Answer, Login};
use crate::registry::{Listed, Registration, Track};
use crate::session::Session;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::transfer::Step;
use crate::transfer::left_open::{Held, LeftOpen};

/// A session, and all that is done for it.
pub(super) struct Driver<'a> {
    pub(super) shared: &'a Shared,
    pub(super) settings: Settings,
    /// The passive ports of the listener.
    pub(super) ports: Option<&'a PassivePorts>,
    pub(super) control: &'a Control,
    pub(super) peer: SocketAddr,
    /// Asked of the kernel once.
    pub(super) local: SocketAddr,
    pub(super) id: u64,
    pub(super) registration: &'a Registration,
    pub(super) session: Session,
    // Before `binding`, so that a connection which waits there is let go, and not refused for a session that
    // is no more.
    pub(super) claim: Option<Held>,
    /// What a transfer has left that failed: closed behind its reply.
    pub(super) left_open: Option<LeftOpen>,
    /// The end of a data connection of a transfer whose reply has been written, and that of a passive port.
    pub(super) closing_data: Closing,
    pub(super) closing_claim: Closing,
    pub(super) binding: Option<Binding>,
    /// The user that the binding knows.
    pub(super) user: Option<Arc<str>>,
    /// Who is logged in, as the registry has it.
    pub(super) noted: Option<Arc<str>>,
    pub(super) running: Option<Running>,
    /// A login that is checked while a transfer runs.
    pub(super) admitting: Option<Pin<Box<dyn Future<Output = Answer> + Send + 'a>>>,
    pub(super) last: Option<TransferLog>,
    /// The last login that was refused, until its event is logged.
    pub(super) login: Option<Login>,
    pub(super) decoder: LineDecoder,
    pub(super) out: Vec<u8>,
    pub(super) closing: bool,
    /// What has been read of the client, and how much of that the session has heard.
    pub(super) input: Vec<u8>,
    pub(super) taken: usize,
    /// Why the session ends in the middle of a transfer, where it is not the client's word.
    pub(super) why: Option<String>,
}

/// A transfer that runs.
pub(super) struct Running {
    pub(super) log: TransferLog,
    pub(super) step: Pin<Box<dyn Future<Output = Step> + Send>>,
    /// An upload that is whole is being given its name. That cannot be taken back, nor be known to have
    /// failed. Until then a transfer stops when it is dropped.
    pub(super) publishing: bool,
    pub(super) track: Arc<Track>,
    pub(super) _listed: Listed,
    /// There is a data connection, or will be.
    pub(super) has_data: bool,
    pub(super) is_upload: bool,
}

/// What the log is told of a transfer at its end, when another user may be logged in.
#[derive(Clone)]
pub(super) struct TransferLog {
    pub(super) user: Arc<str>,
    pub(super) anonymous: bool,
    pub(super) begun: Instant,
    pub(super) ascii: bool,
    /// The data connection is under TLS, or is to be.
    pub(super) private: bool,
}

/// A client that has closed its side of the control connection.
pub(super) struct Gone {
    /// When its transfer is looked at again.
    pub(super) look: tokio::time::Instant,
    /// Bytes that had moved at the last look.
    pub(super) moved: u64,
}

/// An end that takes its time.
pub(super) type Closing = Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// How long is waited for a client that goes on talking after the last reply, and for an upload that is being
/// published.
pub(super) const LINGER: Duration = Duration::from_secs(2);
