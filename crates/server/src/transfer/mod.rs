//! One file's journey: from the plan to its outcome.
//!
//! ```text
//!   open: the file (or the sink, or the listing)  -- fails: 550, 553, 452 ... and no connection was waited for
//!         then the data connection                -- fails: 425
//!   --> Opened, 150
//!   run:  Source --pump--> data    data --pump--> Sink    entries --lines--> data    Source --> digest
//!   an upload that has come whole is published by a step of its own, so that the driver can ask first whether the
//!   client is still there: one that was killed ends both connections as politely as one that is done
//!   --> Outcome, 226 or 426, 451, 452; what a failed one has left is closed behind that reply (`left_open`)
//! ```
//!
//! Dropping either future stops the transfer; a sink dropped so keeps what came for REST.

mod diagnosis;
mod digest;
pub mod facts;
pub(crate) mod guard;
mod incoming;
pub(crate) mod left_open;
pub mod listing;
mod outcome;
mod outgoing;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use net::data::Data;
use net::dial::{Source as DialSource, dial_patiently};
use net::half_open::Attempt;
use net::passive::{Arrival, Claim, ClaimError, ProtectedClaim};
use net::tls::Flow;
use net::tls::server::Binding;
use storage::VPath;
use tokio::time::{Instant, timeout};
use wire::Protection;

use guard::Guard;
pub(crate) use incoming::Received;
use left_open::{Ended, Held, LeftOpen, PATIENCE};
use outcome::Broken;

use crate::effect::{DataPlan, Opened, Outcome, Plan, What};
use crate::reason::Reason;
use crate::registry::Track;
use crate::session::Pass;
use crate::settings::Settings;

/// What a transfer has come to.
pub(crate) enum Step {
    /// Its file and its data connection are open: bytes may move.
    Opened(Opened, Box<Open>),
    /// An upload has come to the end of its data and is not published yet.
    Received(Box<Received>),
    /// It is over.
    Ended(Ended),
}

/// A transfer whose file and data connection are open.
pub(crate) struct Open {
    work: Work,
    data: Option<Data>,
    ascii: bool,
    /// What its data connection is bound to.
    binding: Option<Binding>,
    flow: Flow,
    /// TLS is to begin.
    handshake: Option<Handshake>,
    settings: Settings,
    track: Arc<Track>,
}

/// On which connection TLS is to begin.
enum Handshake {
    /// The one that there is.
    Here(Guard),
    /// The one that shows itself to be the client's own.
    Among(Box<(ProtectedClaim, Arrival)>),
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
    mut claim: Option<Held>,
    guard: Option<Guard>,
    settings: Settings,
    local: SocketAddr,
    track: Arc<Track>,
) -> Step {
    let Plan { pass, path, what, verb: _, ascii, data, protection } = plan;
    let flow = if matches!(what, What::Store { .. }) { Flow::Receives } else { Flow::Sends };
    let binding = guard.as_ref().map(|guard| guard.binding.clone());
    let connected = match begin(&pass, path, what, ascii).await {
        Ok(begun) => {
            let connection = connect(data, protection, guard, &mut claim, &settings, local).await;
            connection.map(|connection| (begun, connection))
        }
        Err(broken) => Err(broken.into()),
    };
    match connected {
        Ok(((work, opened), (data, handshake))) => {
            let open = Open { work, data, ascii, binding, flow, handshake, settings, track };
            Step::Opened(opened, Box::new(open))
        }
        Err(end) => Step::Ended(Ended { end, left_open: claim.map(LeftOpen::Claim) }),
    }
}

/// Opens the file.
async fn begin(pass: &Pass, path: VPath, what: What, ascii: bool) -> Result<(Work, Opened), Broken> {
    Ok(match what {
        What::Retrieve { start, end } => {
            let (retrieve, size) = outgoing::Retrieve::open(pass, &path, start, end, ascii).await?;
            (Work::Retrieve(retrieve), Opened { size, name: None })
        }
        What::List { given, form } => {
            let listing = outgoing::Listing::open(pass, path, given, form).await?;
            (Work::List(Box::new(listing)), Opened { size: None, name: None })
        }
        What::Store { how, mode } => {
            let (store, name) = incoming::Store::open(pass, &path, how, mode).await?;
            (Work::Store(store), Opened { size: None, name })
        }
        What::Digest { algorithm, start, end } => {
            let digest = digest::Digest::open(pass, &path, algorithm, start, end).await?;
            (Work::Digest(digest), Opened { size: None, name: None })
        }
    })
}

/// Makes the data connection, or sees that one is there on which TLS is to begin. A claim stays where it is
/// if that fails.
async fn connect(
    data: DataPlan,
    protection: Protection,
    guard: Option<Guard>,
    held: &mut Option<Held>,
    settings: &Settings,
    local: SocketAddr,
) -> Result<(Option<Data>, Option<Handshake>), Outcome> {
    // The handshake comes behind 150: some clients (Python's ftplib) begin it only when they have heard
    // that.
    match (protection, guard, data, held.take()) {
        (Protection::Clear, _, data, None) => Ok((unencrypted(data, None, settings, local).await?, None)),
        (Protection::Clear, _, data, Some(Held::Clear(mut claim))) => {
            let connected = unencrypted(data, Some(&mut claim), settings, local).await;
            if connected.is_err() {
                *held = Some(Held::Clear(claim));
            }
            Ok((connected?, None))
        }
        (_, Some(_), DataPlan::Listening, Some(Held::Protected(claim))) => {
            match guard::arrival(claim, settings).await {
                Ok(arrived) => Ok((None, Some(Handshake::Among(Box::new(arrived))))),
                Err((claim, end)) => {
                    *held = Some(Held::Protected(claim));
                    Err(end)
                }
            }
        }
        (_, Some(guard), data @ DataPlan::Target(_), _) => {
            Ok((unencrypted(data, None, settings, local).await?, Some(Handshake::Here(guard))))
        }
        // A claim is made for the level of its moment, and given up when that changes.
        (_, Some(_), _, other) | (Protection::Clear, _, _, other @ Some(Held::Protected(_))) => {
            *held = other;
            Err(Reason::DataNotMade.into())
        }
        // No other level is agreed on without TLS; were it, nothing would go out unencrypted.
        (_, None, _, other) => {
            *held = other;
            Err(Reason::AuthFirst.into())
        }
    }
}

/// A connection on which TLS has not begun.
async fn unencrypted(
    plan: DataPlan,
    claim: Option<&mut Claim>,
    settings: &Settings,
    local: SocketAddr,
) -> Result<Option<Data>, Outcome> {
    let patience = settings.site.deadlines.data;
    match (plan, claim) {
        (DataPlan::None, _) => Ok(None),
        (DataPlan::Listening, Some(claim)) => {
            let (arrived, seen) = match claim.arrived() {
                Some(arrived) => (arrived, Attempt::Unknown),
                None => {
                    let place = claim.claimed_port();
                    let arrival = timeout(patience, claim.connection());
                    let (arrived, seen) = diagnosis::watched(place, arrival).await;
                    (arrived.unwrap_or(Err(ClaimError::Expired)), seen)
                }
            };
            match arrived {
                Ok(data) => Ok(Some(data)),
                Err(ClaimError::Ambiguous) => Err(Reason::Ambiguous.into()),
                Err(ClaimError::Yielded) => Err(Reason::PortYielded.into()),
                Err(ClaimError::Expired) => {
                    Err(diagnosis::no_arrival(&claim.claimed_port(), seen, patience).await)
                }
            }
        }
        // The session only plans `Listening` after a claim was made; it is gone when the site has closed its
        // ports.
        (DataPlan::Listening, None) => Err(Reason::DataNotMade.into()),
        (DataPlan::Target(target), _) => {
            let from = DialSource { address: from_here(local, target), port: settings.listener.active_port };
            match dial_patiently(target, Some(from), settings.listener.data_mss, patience).await {
                Ok(data) => Ok(Some(data)),
                Err(why) => Err(diagnosis::not_called(target, from.port, &why, patience)),
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

impl Open {
    /// Moves the bytes.
    pub(crate) async fn run(self) -> Step {
        let Self { work, data, ascii, binding, flow, handshake, settings, track } = self;
        let stall = settings.site.deadlines.stall;
        let progress = &track.progress;
        let started = Instant::now();
        let protected = match (handshake, data) {
            (Some(Handshake::Among(arrived)), _) => {
                guard::connection(*arrived, &settings, flow).await.map(Some)
            }
            (Some(Handshake::Here(guard)), Some(data)) => {
                guard.protect(data, &settings, flow).await.map(Some)
            }
            (_, data) => Ok(data),
        };
        let data = match protected {
            Ok(data) => data,
            Err(end) => return Step::Ended(end.into()),
        };
        if let Some(data) = &data {
            // It is empty: a transfer runs once.
            let _ = track.data.set((data.downgrade(), data.peer()));
        }
        let (mut end, left) = match (work, data) {
            (Work::Store(store), Some(data)) => {
                let (tls_end, hang_up) = (settings.listener.tls_end, settings.site.uploads.hang_up);
                let terms = incoming::Terms { ascii, stall, tls_end, hang_up, binding };
                match store.receive(data, &terms, &track).await {
                    Ok(received) => return Step::Received(Box::new(received)),
                    Err((broken, data)) => (broken.into(), Some(data)),
                }
            }
            (Work::Digest(digest), _) => (digest.run(progress).await, None),
            (Work::Retrieve(retrieve), Some(mut data)) => {
                (retrieve.run(&mut data, stall, progress).await.into(), Some(data))
            }
            (Work::List(listing), Some(mut data)) => {
                (listing.run(&mut data, stall, progress).await, Some(data))
            }
            // `connect` gives no connection to a digest alone.
            (_, None) => (Reason::NoDataPlan.into(), None),
        };
        end.bytes = progress.bytes();
        if end.broken.is_some() && end.detail.is_none() {
            end.detail = Some(format!("after {} ms", started.elapsed().as_millis()));
        }
        let left_open = match left {
            // So that the client gets all that was sent.
            Some(data) if end.broken.is_none() => {
                data.finish(PATIENCE).await;
                None
            }
            left => left.map(|data| LeftOpen::of(data, &end)),
        };
        Step::Ended(Ended { end, left_open })
    }
}
