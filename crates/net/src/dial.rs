//! How is a data connection made to a peer that listens?
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::time::{Instant, timeout_at};

use crate::data::Data;
use crate::departure::{self, Departure, Tries};
use crate::icmp::{self, Rejection};
use crate::segments;

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The local address, or the unspecified one for the kernel's choice.
    pub address: IpAddr,
    /// The local port, where it matters: 20 in active mode (RFC 959 5.2: L-1), the control connection's plus
    /// one for a client that keeps to the classic picture. None: the kernel's choice.
    pub port: Option<u16>,
}

/// Connects to a listening peer, with segments of at most `mss` bytes in both directions where that is given
/// ([`segments`](mod@crate::segments)). There is no deadline here: put one around it. Cancel-safe.
///
/// With a source port, several connections may leave from it at once (SO_REUSEADDR), as long as they go to
/// different addresses or ports.
///
/// # Errors
/// The system's. Where the source port is the trouble (it listens, it needs a privilege, or a connection from
/// it to the same target still exists or has just ended) the message names both ends, and the kind is kept:
/// `AddrInUse`, `AddrNotAvailable`, `PermissionDenied`. `InvalidInput` for a segment size that the system
/// does not take.
pub async fn dial(target: SocketAddr, from: Option<Source>, mss: Option<u16>) -> io::Result<Data> {
    let Attempt { mut data, under_way } = begin(target, from, mss, Options::Plain)?;
    if under_way {
        ended(&mut data).await?;
    }
    Ok(data)
}

/// The same as [`dial`](fn@dial) from any port; where an ICMP message ends the attempt, it is reported.
///
/// # Errors
/// The system's, with the message that was its reason, if one was.
pub async fn dial_explained(target: SocketAddr) -> Result<Data, (io::Error, Option<Rejection>)> {
    let Attempt { mut data, under_way } =
        begin(target, None, None, Options::Explained).map_err(|error| (error, None))?;
    if under_way && let Err(error) = ended(&mut data).await {
        return Err((error, icmp::take(&data.as_fd())));
    }
    Ok(data)
}

/// Connects to a client that listens, as [`dial`](fn@dial) but with packets that may be fragmented in any
/// case. Gives up after `patience` with what is known of the reason, and before that where this machine
/// itself has refused to send the SYN [`REFUSED`] times. Cancel-safe.
///
/// # Errors
/// [`DialError`].
pub async fn dial_patiently(
    target: SocketAddr,
    from: Option<Source>,
    mss: Option<u16>,
    patience: Duration,
) -> Result<Data, DialError> {
    let until = Instant::now() + patience;
    let Attempt { mut data, under_way } =
        begin(target, from, mss, Options::Server).map_err(|error| DialError::Failed(error, None))?;
    if !under_way {
        return Ok(data);
    }
    let mut left = false;
    loop {
        let look = (Instant::now() + LOOK).min(until);
        match timeout_at(look, ended(&mut data)).await {
            Ok(Ok(())) => return Ok(data),
            Ok(Err(error)) => return Err(DialError::Failed(error, icmp::take(&data.as_fd()))),
            Err(_) => {}
        }
        let tries = departure::tries(data.as_fd());
        left |= tries.is_some_and(|tries| tries.departure() == Departure::Left);
        let refused = !left && tries.is_some_and(|tries| tries.again >= REFUSED && !tries.left);
        if refused || look >= until {
            let known = tries.map_or(Departure::Unknown, Tries::departure);
            return Err(DialError::NoAnswer(if left { Departure::Left } else { known }));
        }
    }
}

/// Why a connection was not made.
#[derive(Debug)]
pub enum DialError {
    /// The system's error (see [`dial()`]), and the ICMP message that was its reason, if one was.
    Failed(io::Error, Option<Rejection>),
    /// No answer came, and whether the SYN has left this machine at all.
    NoAnswer(Departure),
}

/// How often this machine may refuse to send a SYN, beside the first time, before we give up: once may be a
/// full queue.
pub const REFUSED: u32 = 2;

/// How often a pending attempt is looked at. Its SYN is sent again after a second, and then at longer
/// intervals.
const LOOK: Duration = Duration::from_millis(400);

/// What a connection attempt has beside its ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Options {
    Plain,
    /// The ICMP message that ends it is kept.
    Explained,
    /// That too, and its packets may be fragmented, as those of a server's passive ports.
    Server,
}

/// A connection attempt that has begun.
struct Attempt {
    data: Data,
    /// Its end has to be waited for.
    under_way: bool,
}

/// Waits for the end of an attempt: writable says that it has come, and SO_ERROR how.
async fn ended(data: &mut Data) -> io::Result<()> {
    let _ = data.watch()?.ready(Interest::WRITABLE).await?;
    SockRef::from(&data.as_fd()).take_error()?.map_or(Ok(()), Err)
}

fn begin(
    target: SocketAddr,
    from: Option<Source>,
    mss: Option<u16>,
    options: Options,
) -> io::Result<Attempt> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(target), kind, Some(Protocol::TCP))?;
    if let Some(mss) = mss {
        segments::limit(&socket, mss)?;
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
    if options == Options::Server {
        segments::allow_fragments(&socket)?;
    }
    if options != Options::Plain {
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
    Ok(Attempt { data: Data::new(socket.into(), target), under_way })
}

/// The same kind of error, with the two ends that it is about.
fn named(error: &io::Error, local: SocketAddr, target: SocketAddr) -> io::Error {
    io::Error::new(error.kind(), format!("from {local} to {target}: {error}"))
}
