//! How do many sessions share a few passive ports?
//!
//! Every port of the range is bound once and stays bound. PASV and EPSV make a *claim*: the next connection from that
//! peer's address at that port belongs to that session. It is matched by (peer address, port) and handed over, and
//! the port is free for the next claim at that moment: ten ports serve thousands of sessions, and one port any
//! number of distinct addresses.
//!
//! ```text
//!   session --claim--> Hub (claims table + a seat per claim) <--deliver-- acceptor <--accept-- port
//!           <--Data---                                        (one task for each listening socket)
//! ```
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::Data;
use crate::listener::{Stack, listening};

mod acceptor;
mod claims;
mod hub;

use acceptor::Door;
use claims::Owner;
use hub::{Hub, News};

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

/// A claim that ended without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Nobody connected in time. Also the answer after a claim has resolved.
    #[error("no data connection was made in time")]
    Expired,
    /// A second connection came from the peer's address before the first was taken up. One of the two is a stranger
    /// that shares the address (a NAT, a shared machine), and which cannot be known: both are closed. Guessing would
    /// hand a file to the stranger, or take one from it.
    #[error("two data connections came from the same address")]
    Contested,
}

/// The passive ports of a site, bound once for all its sessions. Dropping it ends the acceptors; a port is closed
/// when the last claim on any of them is gone too.
#[derive(Debug)]
pub struct PassivePorts {
    hub: Arc<Hub>,
    doors: Arc<[Arc<Door>]>,
    /// What is bound, address by address, in the order of the hub's groups.
    groups: Vec<(IpAddr, Stack, usize)>,
    acceptors: Vec<AbortHandle>,
}

impl PassivePorts {
    /// Binds every port of a range on every address once, and spawns one acceptor task for each. Must be called
    /// inside a tokio runtime. `::` takes IPv4 as well, unless `0.0.0.0` is among the addresses; an address that is
    /// covered by one of these is not bound beside it, which could not be. Ports that could not be bound are returned
    /// beside.
    ///
    /// # Errors
    /// When not one port could be bound: the first error.
    pub fn bind(
        addresses: &[IpAddr],
        range: RangeInclusive<u16>,
    ) -> io::Result<(Self, Vec<(u16, io::Error)>)> {
        let all_ipv4 = addresses.contains(&IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let all_ipv6 = addresses.contains(&IpAddr::V6(Ipv6Addr::UNSPECIFIED));
        let covered = |address: IpAddr| {
            !address.is_unspecified() && if address.is_ipv4() { all_ipv4 || all_ipv6 } else { all_ipv6 }
        };
        let mut doors = Vec::new();
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
                let door = listening(SocketAddr::new(address, port), stack)
                    .and_then(|socket| Door::new(port, socket));
                match door {
                    Ok(door) => {
                        bound.push(port);
                        doors.push(Arc::new(door));
                    }
                    Err(error) => failed.push((port, error)),
                }
            }
            groups.push((address, stack, bound.len()));
            ports.push(bound);
        }
        if doors.is_empty() {
            let nothing = || io::Error::new(io::ErrorKind::InvalidInput, "no address or no port to bind");
            return Err(failed.into_iter().next().map_or_else(nothing, |(_, error)| error));
        }
        let hub = Arc::new(Hub::new(ports));
        let spawn =
            |door: &Arc<Door>| tokio::spawn(acceptor::run(Arc::clone(&hub), Arc::clone(door))).abort_handle();
        let acceptors = doors.iter().map(spawn).collect();
        Ok((Self { hub, doors: doors.into(), groups, acceptors }, failed))
    }

    /// The ports that are bound, in order.
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.doors.iter().map(|door| door.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Reserves a port for the next connection from `peer`, for a session that is reached at `local`, until the given
    /// time. The port is random among those free for that peer. When all are claimed for it, this waits up to `wait`
    /// for one, in the order of asking. `owner` names the session in the log; it may hold several claims.
    /// Cancel-safe: dropped, nothing stays claimed.
    ///
    /// # Errors
    /// [`NoPort`] when none became free in time, or none is bound at `local`.
    pub async fn claim(
        &self,
        owner: u64,
        peer: IpAddr,
        local: IpAddr,
        until: impl Into<Instant>,
        wait: Duration,
    ) -> Result<Claim, NoPort> {
        let (peer, until) = (peer.to_canonical(), until.into());
        let Some((group, ports)) = self.group(local.to_canonical()) else {
            return Err(NoPort { peer, ports: 0, waited: Duration::ZERO });
        };
        let (name, port) = self.hub.claim(peer, group, until);
        // Built before the wait, so that its drop frees the claim or leaves the queue.
        let mut claim = Claim {
            hub: Arc::clone(&self.hub),
            doors: Arc::clone(&self.doors),
            owner: name,
            port: port.unwrap_or(0),
            until,
            peer,
        };
        if port.is_none() {
            tracing::debug!(session = owner, %peer, ports, "every passive port is claimed for this address: waiting");
            let deadline = Instant::now() + wait;
            claim.port = claim.granted(deadline).await.ok_or(NoPort { peer, ports, waited: wait })?;
        }
        Ok(claim)
    }

    /// Connections so far that nobody waited for; they were closed.
    pub fn dropped(&self) -> u64 {
        self.hub.strangers()
    }

    /// The group that serves a local address: the one bound at it, else one bound at every address of its family.
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

/// A port reserved for one connection. Dropping it frees the port, and closes a connection that waits in it (with
/// FIN).
#[derive(Debug)]
pub struct Claim {
    hub: Arc<Hub>,
    doors: Arc<[Arc<Door>]>,
    owner: Owner,
    port: u16,
    until: Instant,
    peer: IpAddr,
}

impl Claim {
    /// The port to tell the client.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The peer's connection, if it is there: accepted now if it still waits in the kernel. Never waits and never
    /// allocates for it; None means that there is nothing yet.
    ///
    /// # Errors
    /// As [`Claim::connection`].
    pub fn arrived(&mut self) -> Option<Result<Data, ClaimError>> {
        if let Some(result) = resolved(self.hub.look(self.owner, None)) {
            return Some(result);
        }
        // The peer connects before it sends the command that uses the connection, so that it is often in the kernel's
        // queue before the acceptor's task has had its turn.
        for door in self.doors.iter().filter(|door| door.port == self.port) {
            acceptor::take_waiting(&self.hub, door);
        }
        resolved(self.hub.look(self.owner, None))
    }

    /// The peer's connection, waiting for it. Cancel-safe; resolves once.
    ///
    /// # Errors
    /// [`ClaimError::Expired`] when its time has passed; [`ClaimError::Contested`] when a second connection from the
    /// peer's address came before this was called.
    pub async fn connection(&mut self) -> Result<Data, ClaimError> {
        if let Some(result) = self.arrived() {
            return result;
        }
        let arrival = std::future::poll_fn(|context| {
            resolved(self.hub.look(self.owner, Some(context.waker()))).map_or(Poll::Pending, Poll::Ready)
        });
        if let Ok(result) = timeout_at(self.until, arrival).await {
            return result;
        }
        self.hub.expire(self.peer);
        // A connection that came in the last moment is still given; otherwise the seat says `Expired` now.
        resolved(self.hub.look(self.owner, None)).unwrap_or(Err(ClaimError::Expired))
    }

    /// Keeps the claim open: it takes every connection of its peer's, one after the other by [`Claim::next`], until it is
    /// dropped, and none of them is contested. For connections that tell themselves whose they are (TLS).
    pub fn keep_open(&mut self) {
        self.hub.keep_open(self.owner, (self.peer, self.port));
    }

    /// The next connection of a claim that is kept open, however long it takes. Cancel-safe.
    pub async fn next(&mut self) -> Data {
        for door in self.doors.iter().filter(|door| door.port == self.port) {
            acceptor::take_waiting(&self.hub, door);
        }
        std::future::poll_fn(|context| {
            self.hub.next(self.owner, context.waker()).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// The port that a queued claim gets, or None at the deadline.
    async fn granted(&self, deadline: Instant) -> Option<u16> {
        loop {
            // Claims that nobody waits on lapse unseen; whoever waits for their port looks.
            let next = self.hub.expire(self.peer).map_or(deadline, |next| next.min(deadline));
            let grant =
                std::future::poll_fn(|context| match self.hub.look(self.owner, Some(context.waker())) {
                    News::Queued => Poll::Pending,
                    News::Port(port) => Poll::Ready(Some(port)),
                    // Cannot be told a claim without a port; gone is gone.
                    News::Arrived(_) | News::Contested | News::Expired => Poll::Ready(None),
                });
            match timeout_at(next, grant).await {
                Ok(port) => return port,
                Err(_) if Instant::now() >= deadline => return None,
                Err(_) => {}
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A client that already sits at the port when its command is refused is accepted and sent off with FIN: left
        // in the kernel's queue it would be taken for a stranger. A claim that has resolved has nothing here, and
        // costs nothing.
        if let Some(Ok(data)) = self.arrived() {
            data.decline();
        }
        self.hub.release(self.owner, (self.peer, self.port));
    }
}

fn resolved(news: News) -> Option<Result<Data, ClaimError>> {
    match news {
        News::Queued | News::Port(_) => None,
        News::Arrived(data) => Some(Ok(data)),
        News::Contested => Some(Err(ClaimError::Contested)),
        News::Expired => Some(Err(ClaimError::Expired)),
    }
}
