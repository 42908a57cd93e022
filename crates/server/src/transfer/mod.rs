//! One file's journey: from the plan to its outcome.
//!
//! ```text
//!   open: the file (or the sink, or the listing)  -- fails: 550, 553, 452 ... and nobody waited for a connection
//!         then the data connection                -- fails: 425
//!   --> Opened, 150
//!   run:  Source --pump--> data    data --pump--> Sink    entries --lines--> data    Source --> digest
//!   an upload that has come whole is published by a step of its own, so that the driver can ask first whether the
//!   client is still there: one that was killed ends both connections as politely as one that is done
//!   --> Transferred, 226 or 426, 451, 452
//! ```
//!
//! Dropping either future stops the transfer; a sink dropped so keeps what came for REST.

mod contest;
mod digest;
pub mod facts;
pub(crate) mod guard;
mod incoming;
pub mod listing;
mod outgoing;
mod silence;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use net::Call;
use net::data::Data;
use net::dial::{Source as DialSource, dial_patiently};
use net::passive::{Claim, ClaimError, ProtectedClaim};
use net::pump::{Progress, PumpError};
use net::tls::Flow;
use tokio::time::{Instant, timeout};
use wire::Protection;

use guard::Guard;

use crate::effect::{DataPlan, Opened, Plan, Transferred, What};
use crate::reason::Reason;
use crate::settings::{Settings, Truncated};

/// How long a data connection on which everything has moved may take to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// A transfer whose file and data connection are open.
pub(crate) struct Ready {
    work: Work,
    data: Option<Data>,
    ascii: bool,
    stall: Duration,
    truncated: Truncated,
    flow: Flow,
    /// TLS is to begin.
    shaking: Option<Shaking>,
    settings: Arc<Settings>,
    progress: Arc<Progress>,
}

/// A passive port that is held for the next transfer.
pub(crate) enum Held {
    Clear(Claim),
    Protected(ProtectedClaim),
}

/// On which connection TLS is to begin.
enum Shaking {
    /// The one that there is.
    Here(Guard),
    /// The one that shows itself to be the client's own.
    Among(Box<guard::Awaited>),
}

enum Work {
    Retrieve(outgoing::Retrieve),
    List(Box<outgoing::Listing>),
    Store(incoming::Store),
    Digest(digest::Digest),
}

/// Opens the file, then the data connection.
pub(crate) async fn open(
    plan: Plan,
    claim: Option<Held>,
    guard: Option<Guard>,
    settings: Arc<Settings>,
    local: SocketAddr,
    progress: Arc<Progress>,
) -> Result<(Opened, Ready), Transferred> {
    let Plan { pass, what, ascii, data, protection } = plan;
    let flow = if matches!(what, What::Store { .. }) { Flow::Receives } else { Flow::Sends };
    let (work, opened) = match what {
        What::Retrieve { path, start, end } => {
            let (retrieve, size) = outgoing::Retrieve::open(&pass, &path, start, end, ascii).await?;
            (Work::Retrieve(retrieve), Opened { size, name: None })
        }
        What::List { path, given, form } => {
            let listing = outgoing::Listing::open(&pass, path, given, form).await?;
            (Work::List(Box::new(listing)), Opened { size: None, name: None })
        }
        What::Store { path, how, mode } => {
            let (store, name) = incoming::Store::open(&pass, &path, how, mode).await?;
            (Work::Store(store), Opened { size: None, name })
        }
        What::Digest { path, algorithm, start, end } => {
            let digest = digest::Digest::open(&pass, &path, algorithm, start, end).await?;
            (Work::Digest(digest), Opened { size: None, name: None })
        }
    };
    // The handshake comes behind 150: some clients (Python's ftplib) begin it only when they have heard that.
    let mut shaking = None;
    let connected = match (protection, guard, data, claim) {
        (Protection::Clear, _, data, Some(Held::Clear(claim))) => {
            connect(data, Some(claim), &settings, local).await
        }
        (Protection::Clear, _, data, None) => connect(data, None, &settings, local).await,
        (_, Some(guard), DataPlan::Listening, Some(Held::Protected(claim))) => {
            guard.awaits(claim, &settings, flow).await.map(|awaited| {
                shaking = Some(Shaking::Among(Box::new(awaited)));
                None
            })
        }
        (_, Some(guard), data @ DataPlan::Target(_), _) => {
            shaking = Some(Shaking::Here(guard));
            connect(data, None, &settings, local).await
        }
        // A claim is made for the level of its moment, and given up when that changes.
        (_, Some(_), ..) | (Protection::Clear, _, _, Some(Held::Protected(_))) => {
            Err(Reason::DataNotMade.into())
        }
        // No other level is agreed on without TLS; were it, nothing would go out in clear.
        (_, None, ..) => Err(Reason::AuthFirst.into()),
    };
    match connected {
        Ok(data) => Ok((
            opened,
            Ready {
                work,
                data,
                ascii,
                stall: settings.deadlines.stall,
                truncated: settings.security.truncated,
                flow,
                shaking,
                settings,
                progress,
            },
        )),
        Err(end) => Err(end),
    }
}

async fn connect(
    plan: DataPlan,
    claim: Option<Claim>,
    settings: &Settings,
    local: SocketAddr,
) -> Result<Option<Data>, Transferred> {
    let patience = settings.deadlines.data;
    match (plan, claim) {
        (DataPlan::None, _) => Ok(None),
        (DataPlan::Listening, Some(mut claim)) => {
            let (arrived, seen) = match claim.arrived() {
                Some(arrived) => (arrived, Call::Unknown),
                None => {
                    let place = claim.place();
                    let arrival = timeout(patience, claim.connection());
                    let (arrived, seen) = silence::watched(place, arrival).await;
                    (arrived.unwrap_or(Err(ClaimError::Expired)), seen)
                }
            };
            match arrived {
                Ok(data) => Ok(Some(data)),
                Err(ClaimError::Contested) => Err(Reason::Contested.into()),
                Err(ClaimError::Yielded) => Err(Reason::PortYielded.into()),
                Err(ClaimError::Expired) => Err(silence::nobody_came(&claim.place(), seen, patience).await),
            }
        }
        // The session only plans `Listening` after a claim was made; it is gone when the site has closed its ports.
        (DataPlan::Listening, None) => Err(Reason::DataNotMade.into()),
        (DataPlan::Target(target), _) => {
            let from = DialSource { address: from_here(local, target), port: settings.modes.active_port };
            match dial_patiently(target, Some(from), settings.modes.data_mss, patience).await {
                Ok(data) => Ok(Some(data)),
                Err(why) => Err(silence::not_called(target, from.port, &why, patience)),
            }
        }
    }
}

/// The address that the client knows us by; behind a balancer that speaks the other family, any.
fn from_here(local: SocketAddr, target: SocketAddr) -> IpAddr {
    match target {
        _ if local.is_ipv4() == target.is_ipv4() => local.ip(),
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

impl Ready {
    /// Moves the bytes.
    pub(crate) async fn run(self) -> Moved {
        let Self { work, data, ascii, stall, truncated, flow, shaking, settings, progress } = self;
        let started = Instant::now();
        let protected = match (shaking, data) {
            (Some(Shaking::Among(awaited)), _) => awaited.connection().await.map(Some),
            (Some(Shaking::Here(guard)), Some(data)) => guard.protect(data, &settings, flow).await.map(Some),
            (_, data) => Ok(data),
        };
        let data = match protected {
            Ok(data) => data,
            Err(end) => return Moved::Ended(end),
        };
        let mut end = match (work, data) {
            (Work::Store(store), Some(data)) => {
                let terms = incoming::Terms { ascii, stall, truncated, hang_up: settings.hang_up };
                match store.receive(data, &terms, &progress).await {
                    Ok(received) => return Moved::Received(Received { received, progress }),
                    Err(broken) => broken.into(),
                }
            }
            (Work::Digest(digest), _) => digest.run(&progress).await,
            (Work::Retrieve(retrieve), Some(mut data)) => {
                let end = retrieve.run(&mut data, stall, &progress).await.into();
                closed(data, end).await
            }
            (Work::List(listing), Some(mut data)) => {
                let end = listing.run(&mut data, stall, &progress).await;
                closed(data, end).await
            }
            // `connect` gives no connection to a digest alone.
            (_, None) => Reason::NoDataPlan.into(),
        };
        end.bytes = progress.bytes();
        if end.broken.is_some() && end.detail.is_none() {
            end.detail = Some(format!("after {} ms", started.elapsed().as_millis()));
        }
        Moved::Ended(end)
    }
}

/// Ends a data connection that all was sent on so that the client gets it all; any other is cut.
async fn closed(data: Data, end: Transferred) -> Transferred {
    if end.broken.is_none() {
        data.finish(PATIENCE).await;
    }
    end
}

/// What has become of a transfer whose bytes have moved.
pub(crate) enum Moved {
    /// It is over.
    Ended(Transferred),
    /// An upload has come to the end of its data and is not published yet.
    Received(Received),
}

/// An upload that waits to be published. Dropped, it is kept as the part of its name.
pub(crate) struct Received {
    received: incoming::Received,
    progress: Arc<Progress>,
}

impl Received {
    /// Publishes it.
    pub(crate) async fn publish(self) -> Transferred {
        let end = self.received.publish().await;
        Transferred { bytes: self.progress.bytes(), ..end }
    }

    /// Is it known that the client meant this to be the end, whatever it does next?
    pub(crate) fn is_proven(&self) -> bool {
        self.received.is_proven()
    }

    /// Leaves it as a part, since the client hung up without QUIT.
    pub(crate) fn abandon(self) -> Transferred {
        Transferred { bytes: self.progress.bytes(), ..Reason::HungUp.into() }
    }
}

/// Why moving bytes ended before its time: the reason, and for the log what the system said.
#[derive(Debug)]
pub(crate) struct Broken {
    reason: Reason,
    detail: Option<String>,
}

impl From<PumpError> for Broken {
    fn from(error: PumpError) -> Self {
        let detail = Some(error.to_string());
        let reason = match &error {
            PumpError::Stalled(_) => Reason::Stalled,
            PumpError::Truncated => Reason::Truncated,
            PumpError::Peer(_) => Reason::PeerBroke,
            PumpError::File(error) => match error.raw_os_error() {
                // ENOSPC, EDQUOT, EFBIG
                Some(28 | 122 | 27) => Reason::Full,
                Some(number) if silence::is_exhausted(number) => Reason::TooManyFiles,
                _ => Reason::DiskError,
            },
            // The file was cut while it was being sent: the client must not take what it has for the whole.
            PumpError::Short { .. } => Reason::DiskError,
        };
        Self { reason, detail }
    }
}

impl From<storage::Error> for Broken {
    fn from(error: storage::Error) -> Self {
        let detail = error.source.is_some().then(|| error.to_string());
        Self { reason: error.kind.into(), detail }
    }
}

impl From<Reason> for Broken {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: None }
    }
}

impl From<Broken> for Transferred {
    fn from(broken: Broken) -> Self {
        Self { detail: broken.detail, ..broken.reason.into() }
    }
}

impl From<storage::Error> for Transferred {
    fn from(error: storage::Error) -> Self {
        Broken::from(error).into()
    }
}

impl From<Reason> for Transferred {
    fn from(reason: Reason) -> Self {
        Self { bytes: 0, unlisted: 0, digest: None, broken: Some(reason), told: None, detail: None }
    }
}

impl From<Result<(), Broken>> for Transferred {
    fn from(result: Result<(), Broken>) -> Self {
        match result {
            Ok(()) => Self { bytes: 0, unlisted: 0, digest: None, broken: None, told: None, detail: None },
            Err(broken) => broken.into(),
        }
    }
}
