//! How do many sessions share a few passive ports?
//!
//! Every port of the range is bound once and stays bound. PASV and EPSV make a *claim*: the next connection
//! from that peer's address at that port belongs to that session. It is matched by (peer address, port) and
//! handed over, and the port is free for the next claim at that moment: ten ports serve thousands of
//! sessions, and one port any number of distinct addresses.
//!
//! Under TLS one port also serves any number of sessions of one address: a connection resumes the session of
//! its own control connection, and so says whose it is. Its hello is read before it is handed to a claim.
//!
//! ```text
//!   session --claim--> Hub (claims table + a mailbox per claim) <--deliver-- acceptor <--accept-- port
//!           <--Data---                                        (one task for each listening socket)
//!           <--Hello-- (whose?) <-- reading (one task for each connection that has sent none yet)
//! ```
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::listening::{Stack, listening};
use crate::proxy::Proxies;
use crate::segments;

mod acceptor;
mod candidates;
mod claim;
mod claims;
mod demand;
mod hub;
mod protected;
mod readings;
mod refusals;

use acceptor::ListeningPort;
use claim::Reservation;
use demand::Terms;
use hub::{Hub, Wanted};

pub use claim::{Claim, ClaimError, ClaimedPort};
pub use demand::{Demand, Refused};
pub use protected::{Arrival, NoConnection, ProtectedClaim};
pub use refusals::{Cause, Refusals, TurnedAway};

/// No port could be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all {ports} passive ports are claimed for {peer}, and none became free within {waited:?}")]
pub struct NoPort {
    /// The address they are claimed for.
    pub peer: IpAddr,
    /// How many ports there are at the local address; 0: none is bound there.
    pub ports: usize,
    /// How long it was waited.
    pub waited: Duration,
}

/// The options of passive ports.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The largest segment of a data connection, where there is to be one ([`segments`]).
    pub mss: Option<u16>,
    /// From which addresses connections begin with a PROXY header. They are matched by the address that it
    /// names.
    pub proxies: Option<Proxies>,
    /// There are protected claims: unencrypted claims leave ports to them.
    pub protected: bool,
    /// How long a claim that is not used keeps its port from others of its address that wait; none: as long
    /// as it lasts.
    pub yields: Option<Duration>,
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Sought {
    session: u64,
    peer: IpAddr,
    local: IpAddr,
    until: Instant,
    wait: Duration,
}

/// The passive ports of a server, bound once for all its sessions. Dropping it ends the acceptors; a port is
/// closed when the last claim on any of them is gone too.
#[derive(Debug)]
pub struct PassivePorts {
    hub: Arc<Hub>,
    listening: Arc<[Arc<ListeningPort>]>,
    /// What is bound, address by address, in the order of the hub's groups.
    groups: Vec<(IpAddr, Stack, usize)>,
    acceptors: Vec<AbortHandle>,
    yields: Option<Duration>,
}

impl PassivePorts {
    /// Binds every port of a range on every address once, and spawns one acceptor task for each. Must be
    /// called inside a tokio runtime. `::` takes IPv4 as well, unless `0.0.0.0` is among the addresses; an
    /// address that is covered by one of these is not bound beside it, which could not be. Ports that could
    /// not be bound are returned beside.
    ///
    /// # Errors
    /// When not one port could be bound: the first error.
    pub fn bind(
        addresses: &[IpAddr],
        range: RangeInclusive<u16>,
        options: &Options,
    ) -> io::Result<(Self, Vec<(u16, io::Error)>)> {
        let all_ipv4 = addresses.contains(&IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let all_ipv6 = addresses.contains(&IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let covered = |address: IpAddr| {
            !address.is_unspecified() && if address.is_ipv4() { all_ipv4 || all_ipv6 } else { all_ipv6 }
        };
        let mut sockets = Vec::new();
        let mut groups: Vec<(IpAddr, Stack, usize)> = Vec::new();
        let mut ports = Vec::new();
        let mut failed = Vec::new();
        for &address in addresses {
            if covered(address) || groups.iter().any(|(known, ..)| *known == address) {
                continue;
            }
            // IPv4 twice on one port, once by the dual stack, would fail.
            let stack = if all_ipv4 { Stack::Single } else { Stack::for_one(address) };
            let mut bound = Vec::new();
            for port in range.clone() {
                let made = listening(SocketAddr::new(address, port), stack, options.mss).and_then(|socket| {
                    // Inherited by what is accepted. No session has announced the port yet.
                    segments::allow_fragments(&socket)?;
                    ListeningPort::new(port, socket, options.proxies.clone())
                });
                match made {
                    Ok(socket) => {
                        bound.push(port);
                        sockets.push(Arc::new(socket));
                    }
                    Err(error) => failed.push((port, error)),
                }
            }
            groups.push((address, stack, bound.len()));
            ports.push(bound);
        }
        if sockets.is_empty() {
            let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "no address or no port to bind");
            return Err(failed.into_iter().next().map_or_else(nothing, |(_, error)| error));
        }
        let hub = Arc::new(Hub::new(ports, options.protected));
        let spawn = |port: &Arc<ListeningPort>| {
            tokio::spawn(acceptor::run(Arc::clone(&hub), Arc::clone(port))).abort_handle()
        };
        let acceptors = sockets.iter().map(spawn).collect();
        let listening = sockets.into();
        Ok((Self { hub, listening, groups, acceptors, yields: options.yields }, failed))
    }

    /// The ports that are bound, in order.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.listening.iter().map(|port| port.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Reserves a port for the next connection from `peer`, for a session that is reached at `local`, until
    /// the given time. The port is random among those free for that peer. When all are claimed for it, this
    /// waits up to `wait` for one, in the order of asking. `session` names it in the log; it may hold several
    /// claims. Cancel-safe: dropped, nothing stays claimed.
    ///
    /// # Errors
    /// [`NoPort`] when none became free in time, or none is bound at `local`.
    pub async fn claim(
        &self,
        session: u64,
        peer: IpAddr,
        local: IpAddr,
        until: impl Into<Instant>,
        wait: Duration,
    ) -> Result<Claim, NoPort> {
        let wanted = Sought { session, peer, local, until: until.into(), wait };
        self.reserve(wanted, None).await.map(Claim)
    }

    /// The same for a connection under TLS, which says whose it is. The port is shared with other such claims
    /// of the peer's, but for unencrypted ones; so this waits only where every port has one of these, or
    /// where the demand is that a connection that says nothing may be taken too, for a port without another
    /// such claim. The claim of a client that shares sessions among its control connections waits for a port
    /// of its own as well, and shares one when none becomes free.
    ///
    /// # Errors
    /// As [`PassivePorts::claim`].
    pub async fn claim_protected(
        &self,
        session: u64,
        peer: IpAddr,
        local: IpAddr,
        until: impl Into<Instant>,
        wait: Duration,
        demand: Demand,
    ) -> Result<ProtectedClaim, NoPort> {
        let wanted = Sought { session, peer, local, until: until.into(), wait };
        let terms = Terms::of(&demand);
        let shared = terms.shared();
        let reservation = match (self.reserve(wanted, Some(terms)).await, shared) {
            (Err(_), Some(shared)) => {
                self.reserve(Sought { wait: Duration::ZERO, ..wanted }, Some(shared)).await?
            }
            (reservation, _) => reservation?,
        };
        Ok(ProtectedClaim::new(reservation, demand.binding, demand.reuse))
    }

    async fn reserve(&self, sought: Sought, terms: Option<Terms>) -> Result<Reservation, NoPort> {
        let Sought { session, peer, local, until, wait } = sought;
        let peer = peer.to_canonical();
        let Some((group, ports)) = self.group(local.to_canonical()) else {
            return Err(NoPort { peer, ports: 0, waited: Duration::ZERO });
        };
        if self.hub.has_left_waiting() {
            // What still waits in the kernel came for earlier claims; a new one of its address would be taken
            // for its own.
            self.listening.iter().for_each(|port| acceptor::take_waiting(&self.hub, port));
        }
        let (id, port) = self.hub.claim(Wanted { peer, group, until }, terms);
        // Built before the wait, so that its drop frees the claim or leaves the queue.
        let mut reservation = Reservation {
            hub: Arc::clone(&self.hub),
            listening: Arc::clone(&self.listening),
            id,
            port: port.unwrap_or(0),
            until,
            peer,
            since: Instant::now(),
            served: false,
        };
        if port.is_none() {
            tracing::debug!(session, %peer, ports, "every passive port is claimed for this address: waiting");
            let deadline = Instant::now() + wait;
            reservation.port =
                reservation.granted(deadline).await.ok_or(NoPort { peer, ports, waited: wait })?;
            reservation.since = Instant::now();
        }
        if let Some(yields) = self.yields {
            self.hub.yields(id, Some(reservation.since + yields));
        }
        Ok(reservation)
    }

    /// The counts of connections that were turned away; they can be read at any time.
    pub fn refusals(&self) -> Refusals {
        self.hub.refusals()
    }

    /// The group that serves a local address: the one bound at it, else one bound at every address of its
    /// family.
    fn group(&self, local: IpAddr) -> Option<(usize, usize)> {
        let serves = |address: IpAddr, stack: Stack| {
            address.is_unspecified() && (address.is_ipv4() == local.is_ipv4() || stack == Stack::Dual)
        };
        let exact = self.groups.iter().position(|(address, _, ports)| *address == local && *ports > 0);
        let index = exact.or_else(|| {
            self.groups.iter().position(|(address, stack, ports)| serves(*address, *stack) && *ports > 0)
        })?;
        self.groups.get(index).map(|(_, _, ports)| (index, *ports))
    }
}

impl Drop for PassivePorts {
    fn drop(&mut self) {
        self.acceptors.iter().for_each(AbortHandle::abort);
    }
}
