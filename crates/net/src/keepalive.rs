//! When is a silent control connection found dead?
use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// Silence before the first probe. NAT devices forget an idle connection after 30 s at the earliest, so that
/// 15 s keeps the control connection alive during a long transfer (RFC 1123 4.1.3.1 has no keepalive; the
/// network has).
pub(crate) const IDLE: Duration = Duration::from_secs(15);
/// Between probes.
pub(crate) const INTERVAL: Duration = Duration::from_secs(15);
/// Probes without an answer before the connection is dead: with the above, a minute and a quarter after the
/// last sign.
pub(crate) const PROBES: u32 = 4;

/// Sets what every control connection has. On a listening socket it holds for all it accepts: Linux hands
/// these options down, which saves six system calls a session.
pub(crate) fn prepare(socket: SockRef<'_>) -> io::Result<()> {
    // Replies are small and waited for: with Nagle's algorithm each may wait 40 ms for the peer's delayed
    // ACK.
    socket.set_tcp_nodelay(true)?;
    // The Synch of RFC 959 4.1.3 comes as urgent data; inline it stays in its place and is not lost.
    socket.set_out_of_band_inline(true)?;
    let keepalive = TcpKeepalive::new().with_time(IDLE).with_interval(INTERVAL).with_retries(PROBES);
    socket.set_tcp_keepalive(&keepalive)
}
