//! How is a data connection called, and how is one call awaited?
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::SocketFlags;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::time::{Instant, timeout_at};

use crate::departure::{self, Departure, Tries};
use crate::half_open::{self, Call};
use crate::icmp::{self, Rejection};
use crate::listener::{EXHAUSTED, Stack, listening};
use crate::watch::{Watched, watch};
use crate::{AcceptFailure, Data, canonical, segments};

/// Where a call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The local address, or the unspecified one for the kernel's choice.
    pub address: IpAddr,
    /// The local port, where it matters: 20 in active mode (RFC 959 5.2: L-1), the control connection's plus one for
    /// a client that keeps to the classic picture. None: the kernel's choice.
    pub port: Option<u16>,
}

/// Calls a listening peer. There is no deadline here: put one around it. Cancel-safe: dropped, the call is given up.
///
/// With a source port, several calls may leave from it at once (SO_REUSEADDR), as long as they go to different
/// addresses or ports.
///
/// # Errors
/// The system's. Where the source port is the trouble (it listens, it needs a privilege, or a connection from it to
/// the same target still exists or has just ended) the message names both ends, and the kind is kept: `AddrInUse`,
/// `AddrNotAvailable`, `PermissionDenied`.
pub async fn dial(target: SocketAddr, from: Option<Source>) -> io::Result<Data> {
    call(target, from, None, &mut None).await
}

/// The same with segments of at most `segment` bytes in both directions, and packets that may be cut
/// ([`segments`](mod@crate::segments)). For a way on which larger ones get lost.
///
/// # Errors
/// As [`dial()`]; `InvalidInput` for a size that the system does not take.
pub async fn dial_narrow(target: SocketAddr, from: Option<Source>, segment: Option<u16>) -> io::Result<Data> {
    call(target, from, segment, &mut None).await
}

/// The same as [`dial`](fn@dial) from any port; where an ICMP message ends the call, it is told.
///
/// # Errors
/// The system's, with the message that was its reason, if one was.
pub async fn dial_explained(target: SocketAddr) -> Result<Data, (io::Error, Option<Rejection>)> {
    let mut rejection = None;
    call(target, None, None, &mut Some(&mut rejection)).await.map_err(|error| (error, rejection))
}

/// Calls a client that listens, as [`dial_narrow`](fn@dial_narrow) but with packets that may be cut in any case, and gives up after `patience` with what is known of the
/// reason; before that, where this machine itself has refused to send the call [`HELD`] times. Cancel-safe.
///
/// # Errors
/// [`Unmade`].
pub async fn dial_patiently(
    target: SocketAddr,
    from: Option<Source>,
    segment: Option<u16>,
    patience: Duration,
) -> Result<Data, Unmade> {
    let until = Instant::now() + patience;
    let Calling { mut data, under_way } =
        begin(target, from, segment, Manner::OfAServer).map_err(|error| Unmade::Failed(error, None))?;
    if !under_way {
        return Ok(data);
    }
    let mut left = false;
    loop {
        let look = (Instant::now() + LOOK).min(until);
        match timeout_at(look, ended(&mut data)).await {
            Ok(Ok(())) => return Ok(data),
            Ok(Err(error)) => return Err(Unmade::Failed(error, icmp::take(&data.fd()))),
            Err(_) => {}
        }
        let tries = departure::tries(data.fd());
        left |= tries.is_some_and(|tries| tries.departure() == Departure::Left);
        let held = !left && tries.is_some_and(|tries| tries.again >= HELD && !tries.left);
        if held || look >= until {
            let known = tries.map_or(Departure::Unknown, Tries::departure);
            return Err(Unmade::Silent(if left { Departure::Left } else { known }));
        }
    }
}

/// Why a call came to nothing.
#[derive(Debug)]
pub enum Unmade {
    /// The system's error (see [`dial()`]), and the ICMP message that was its reason, if one was.
    Failed(io::Error, Option<Rejection>),
    /// No answer came, and whether the call has left this machine at all.
    Silent(Departure),
}

/// How often this machine may refuse to send a call, beside the first time, before it is given up: once may be a full queue.
pub const HELD: u32 = 2;

/// How often a call that waits is looked at. It is sent again after a second, and then at longer intervals.
const LOOK: Duration = Duration::from_millis(400);

async fn call(
    target: SocketAddr,
    from: Option<Source>,
    segment: Option<u16>,
    why: &mut Option<&mut Option<Rejection>>,
) -> io::Result<Data> {
    let manner = if why.is_some() { Manner::Explained } else { Manner::Plain };
    let Calling { mut data, under_way } = begin(target, from, segment, manner)?;
    if under_way && let Err(error) = ended(&mut data).await {
        if let Some(why) = why {
            **why = icmp::take(&data.fd());
        }
        return Err(error);
    }
    Ok(data)
}

/// What a call is to have beside its ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Plain,
    /// The ICMP message that ends it is kept.
    Explained,
    /// That too, and its packets may be cut, as those of a server's passive ports.
    OfAServer,
}

/// A call that has begun.
struct Calling {
    data: Data,
    /// Its end has to be waited for.
    under_way: bool,
}

/// Waits for the end of a call: writable says that it has come, and SO_ERROR how.
async fn ended(data: &mut Data) -> io::Result<()> {
    let _ = data.watch()?.ready(Interest::WRITABLE).await?;
    SockRef::from(&data.fd()).take_error()?.map_or(Ok(()), Err)
}

fn begin(
    target: SocketAddr,
    from: Option<Source>,
    segment: Option<u16>,
    manner: Manner,
) -> io::Result<Calling> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(target), kind, Some(Protocol::TCP))?;
    if let Some(segment) = segment {
        segments::limit(&socket, segment)?;
    }
    if let Some(source) = from {
        let mut local = SocketAddr::new(source.address, source.port.unwrap_or(0));
        // A link-local address is one of a link: the target's, since the two are to reach each other.
        if let (SocketAddr::V6(local), SocketAddr::V6(target)) = (&mut local, target)
            && local.ip().is_unicast_link_local()
        {
            local.set_scope_id(target.scope_id());
        }
        socket.set_reuse_address(source.port.is_some())?;
        socket.bind(&local.into()).map_err(|error| named(&error, local, target))?;
    }
    if manner == Manner::OfAServer {
        segments::may_be_cut(&socket)?;
    }
    if manner != Manner::Plain {
        icmp::keep(&socket, target.is_ipv6());
    }
    let under_way = match socket.connect(&target.into()) {
        Ok(()) => false,
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INPROGRESS) => true,
        Err(error) => {
            let Some(Source { address, port: Some(port) }) = from else { return Err(error) };
            return Err(named(&error, SocketAddr::new(address, port), target));
        }
    };
    Ok(Calling { data: Data::new(socket.into(), target), under_way })
}

/// The same kind of error, with the two ends that it is about.
fn named(error: &io::Error, local: SocketAddr, target: SocketAddr) -> io::Error {
    io::Error::new(error.kind(), format!("from {local} to {target}: {error}"))
}

/// One data connection expected at a port of our own: a client in active mode.
#[derive(Debug)]
pub struct Awaited {
    socket: Watched,
    local: SocketAddr,
    strangers: AtomicU64,
    /// Who the first of them was.
    stranger: OnceLock<IpAddr>,
}

impl Awaited {
    /// Listens at an address of ours, at a given port or one of the kernel's choice.
    ///
    /// # Errors
    /// The system's, when the address is not ours or the port is taken.
    pub fn bind(local: IpAddr, port: Option<u16>) -> io::Result<Self> {
        Self::bind_narrow(local, port, None)
    }

    /// The same, with segments of `segment` bytes at most (see [`dial_narrow`]): a listening socket hands that down.
    ///
    /// # Errors
    /// See [`Awaited::bind`].
    pub fn bind_narrow(local: IpAddr, port: Option<u16>, segment: Option<u16>) -> io::Result<Self> {
        let at = SocketAddr::new(local, port.unwrap_or(0));
        let socket = listening(at, Stack::for_one(local), segment)?;
        // A listening TCP socket has a name, and that name is an address and a port.
        let local = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let socket = watch(Arc::new(socket.into()), Interest::READABLE)?;
        Ok(Self { socket, local, strangers: AtomicU64::new(0), stranger: OnceLock::new() })
    }

    /// The address it listens at, with the port the kernel chose.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Connections of others so far, which were closed.
    pub fn dropped(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }

    /// The first of those others.
    pub fn stranger(&self) -> Option<IpAddr> {
        self.stranger.get().copied()
    }

    /// Where no connection has come: has a call of `peer`'s begun? Then its SYN arrived here, and our answer does not get
    /// back. Reads the kernel's table of connections, in the blocking pool. Cancel-safe.
    pub async fn half_open(&self, peer: IpAddr) -> Call {
        half_open::look(peer.to_canonical(), self.local.port(), None).await
    }

    /// The connection from `peer`. Connections of others are closed, counted and told to the log; they never end the
    /// wait. There is no deadline here: put one around it. Cancel-safe.
    ///
    /// # Errors
    /// Only when the listening socket itself has failed.
    pub async fn connection(&self, peer: IpAddr) -> io::Result<Data> {
        let peer = peer.to_canonical();
        loop {
            match self.socket.async_io(Interest::READABLE, accept).await {
                Ok(data) if data.peer().ip() == peer => return Ok(data),
                Ok(stranger) => {
                    let count = self.strangers.fetch_add(1, Ordering::Relaxed);
                    self.stranger.get_or_init(|| stranger.peer().ip());
                    // The first of each listener is enough: it lives for one transfer.
                    if count == 0 {
                        tracing::warn!(stranger = %stranger.peer(), expected = %peer, "a data connection of a wrong peer was closed");
                    }
                }
                Err(error) => match AcceptFailure::of(&error) {
                    AcceptFailure::Passing => {}
                    AcceptFailure::Exhausted => tokio::time::sleep(EXHAUSTED).await,
                    AcceptFailure::Fatal => return Err(error),
                },
            }
        }
    }
}

/// Takes the next connection of a listening socket, without waiting: non-blocking, closed on exec, and with its
/// peer's address, all in one system call.
pub(crate) fn accept(listening: &Arc<OwnedFd>) -> io::Result<Data> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, peer) = rustix::io::retry_on_intr(|| rustix::net::acceptfrom_with(listening, flags))?;
    // The kernel names every TCP peer; without a name there is nobody to match, and the connection counts as lost.
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok()).ok_or(Errno::CONNABORTED)?;
    Ok(Data::new(socket, canonical(peer)))
}
