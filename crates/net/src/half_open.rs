//! Has a connection attempt come in that was never completed? Whether the firewall's rule 3 is missing, or
//! rule 4.
//!
//! When a SYN has reached a listening port, the kernel has answered it and waits, in the state SYN-RECV, for
//! the third packet of the handshake. While it waits, some minute with Linux's defaults, its table of
//! connections shows the attempt, though no program can accept it. So a SYN that is there means that packets
//! get in, and that our answer does not get back.
//!
//! It may be an earlier attempt: the kernel keeps it for a minute, and the port may be open by now. How old
//! it is at least follows from the timer of our answer, which is sent again after 1, 2, 4, ... seconds:
//!
//! ```text
//!   SYN  answer      again                again                                    now
//!   |----|-- 1 s ----|------- 2 s --------|---------------- 4 s --------|----------|-- left: "when" --|
//!                    retransmits: 1       2                             3
//! ```
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::proc_net::{Row, rows};

/// Where Linux shows the TCP connections of each family (proc_pid_net(5)). An IPv4 connection to a dual-stack
/// socket is in the second, under a mapped address.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// The state SYN-RECV, as the kernel numbers it.
const SYN_RECV: &[u8] = b"03";

/// One look at a time: clients that let their transfers expire by the thousand must not keep the machine busy
/// with it.
static TURN: Semaphore = Semaphore::const_new(1);

/// How long a turn is waited for. The client has waited for its data connection already.
const PATIENCE: Duration = Duration::from_secs(1);

/// The wait for the third packet before the answer is sent again for the first time; it doubles with each
/// (RFC 6298 2.1, and the kernel's TCP_TIMEOUT_INIT).
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Upper bound on SYN-ACK retransmits: no power of two overflows.
const MOST_RETRANSMITS: u32 = 16;

/// How the kernel counts time where it shows it (USER_HZ): a hundred ticks a second wherever this is built.
const TICK: Duration = Duration::from_millis(10);

/// How much older an attempt may be than what it is looked for: the claim is noted after the client could
/// know of it at the earliest, and timers are coarse.
const SLACK: Duration = Duration::from_secs(1);

/// What the kernel knows of a connection that never arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The peer's SYN arrived, was answered, and the answer's answer did not come: the packets from our port
    /// do not get through (rule 4), or not back from there.
    HalfOpen,
    /// No SYN of the peer's is there: none was sent, or it does not get through (rule 3).
    None,
    /// It is not known: no such table here, too many connections, others are being looked up, or the only
    /// attempt that is there is an earlier one.
    Unknown,
}

/// Looks for a half-open connection of `peer` at a port of ours, in the blocking pool: one that was made
/// within this time, where it matters.
pub(crate) async fn look(peer: IpAddr, port: u16, within: Option<Duration>) -> Attempt {
    let Ok(Ok(_turn)) = timeout(PATIENCE, TURN.acquire()).await else { return Attempt::Unknown };
    tokio::task::spawn_blocking(move || in_tables(&TABLES.map(Path::new), peer, port, within))
        .await
        .unwrap_or(Attempt::Unknown)
}

/// An attempt that is in any table is there; that it is in none, only all can say. A kernel without IPv6 has
/// one table.
fn in_tables(tables: &[&Path], peer: IpAddr, port: u16, within: Option<Duration>) -> Attempt {
    let mut seen = Attempt::Unknown;
    let mut youngest: Option<Duration> = None;
    for (nth, table) in tables.iter().enumerate() {
        match File::open(table).and_then(|table| in_table(table, peer, port)) {
            Ok(age) => {
                youngest = youngest.into_iter().chain(age).min();
                seen = Attempt::None;
            }
            Err(error) if nth > 0 && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::debug!(%error, table = %table.display(), "half-open connections cannot be looked up");
                seen = Attempt::Unknown;
                break;
            }
        }
    }
    match (youngest, within) {
        (Some(age), Some(within)) if age > within + SLACK => {
            // It says nothing of now: had packets been blocked since, no newer one could be here.
            tracing::debug!(%peer, port, ?age, ?within, "a half-open connection is of an earlier attempt");
            Attempt::Unknown
        }
        (Some(_), _) => Attempt::HalfOpen,
        (None, _) => seen,
    }
}

/// How old at least is the youngest attempt of this peer, at this port, in SYN-RECV? None where there is
/// none.
fn in_table(table: impl Read, peer: IpAddr, port: u16) -> io::Result<Option<Duration>> {
    let mut youngest: Option<Duration> = None;
    rows(table, |row| {
        if let Some((local, remote, age)) = half_open(&row)
            && local == port
            && remote == peer
        {
            youngest = Some(youngest.map_or(age, |known| known.min(age)));
        }
    })?;
    Ok(youngest)
}

/// The local port and the remote address of a socket in SYN-RECV, and how old it is at least.
fn half_open(row: &Row<'_>) -> Option<(u16, IpAddr, Duration)> {
    if row.state != SYN_RECV {
        return None;
    }
    // Without its age it is as good as new.
    let age = age(row.timer, row.retransmits).unwrap_or_default();
    Some((row.local()?.port(), row.remote()?.ip(), age))
}

/// What has passed since the SYN at least, by `01:00000190` (the kind of timer, and the ticks that are left
/// of it) and how often it has run out. A SYN that comes again winds the timer up again, which makes an
/// attempt look younger, never older.
fn age(timer: &[u8], retransmits: &[u8]) -> Option<Duration> {
    let number = |field: &[u8]| u32::from_str_radix(std::str::from_utf8(field).ok()?, 16).ok();
    let left = TICK * number(timer.split(|byte| *byte == b':').nth(1)?)?;
    let times = number(retransmits)?.min(MOST_RETRANSMITS);
    // 1 + 2 + ... + 2^(n-1) have passed, and of the next, 2^n, what is not left.
    let waits = FIRST_WAIT * (2_u32.pow(times + 1) - 1);
    Some(waits.saturating_sub(left))
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    // 10.1.0.1:61213, connected to from 192.0.2.7: in SYN-RECV; and by 192.0.2.8, which is connected; and it
    // listens.
    const FOUR: &str = "   0: 00000000:EF1D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7197574 1 0000000021df8b74 100 0 0 10 0\n\
        \x20  1: 0100010A:EF1D 080200C0:C35A 01 00000000:00000000 00:00000000 00000000     0        0 7197575 1 00000000c901ea2e 20 4 30 10 -1\n\
        \x20  2: 0100010A:EF1D 070200C0:C351 03 00000000:00000000 01:00000190 00000002     0        0 0 1 00000000b901ea2e\n";

    // The same peer, shown by a dual-stack socket, and 2001:db8::7.
    const SIX: &str = "   0: 0000000000000000FFFF00000100010A:EF1E 0000000000000000FFFF0000070200C0:C352 03 00000000:00000000 01:00000063 00000001     0        0 0 1 00000000b901ea2e\n\
        \x20  1: B80D0120000000000000000001000000:EF1F B80D0120000000000000000007000000:C353 03 00000000:00000000 01:00000063 00000001     0        0 0 1 00000000b901ea2e\n";

    fn table(lines: &str, peer: &str, port: u16) -> bool {
        in_table(format!("{HEAD}{lines}").as_bytes(), peer.parse().unwrap(), port).unwrap().is_some()
    }

    #[test]
    fn an_attempt_that_waits_for_its_third_packet_is_found() {
        assert!(table(FOUR, "192.0.2.7", 61213));
        assert!(table(SIX, "192.0.2.7", 61214));
        assert!(table(SIX, "2001:db8::7", 61215));
    }

    #[test]
    fn the_timer_of_our_answer_says_how_old_an_attempt_is() {
        let of = |timer: &str, times: &str| age(timer.as_bytes(), times.as_bytes());
        let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
        // Just come; after half a second; sent again twice, and 4 s left; 5 times, and half of the 32 s left.
        assert_eq!(of("01:00000064", "00000000"), seconds(0.0));
        assert_eq!(of("01:00000032", "00000000"), seconds(0.5));
        assert_eq!(of("01:00000190", "00000002"), seconds(3.0));
        assert_eq!(of("01:00000640", "00000005"), seconds(47.0));
        // Nonsense overflows nothing.
        assert!(of("01:FFFFFFFF", "00000000") == seconds(0.0) && of("01:00000000", "FFFFFFFF").is_some());
        assert!(
            of("01", "00000000").is_none() && of("01:x", "00000000").is_none() && of("01:1", "").is_none()
        );
    }

    /// The client has connected to the port in an earlier attempt, 47 s ago; in this one, 10 s old, it has
    /// not, or not got in.
    #[test]
    fn an_earlier_attempt_decides_nothing() {
        let old = "0: 0100010A:EF1D 070200C0:C351 03 00000000:00000000 01:00000640 00000005 0 0 0 1 0\n";
        let new = "0: 0100010A:EF1D 070200C0:C352 03 00000000:00000000 01:00000190 00000003 0 0 0 1 0\n";
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tcp");
        let look = |lines: &[&str], port, within: Option<u64>| {
            std::fs::write(&file, format!("{HEAD}{}", lines.concat())).unwrap();
            in_tables(&[&file], "192.0.2.7".parse().unwrap(), port, within.map(Duration::from_secs))
        };
        assert_eq!(look(&[old], 61213, Some(10)), Attempt::Unknown);
        assert_eq!(look(&[old], 61213, Some(46)), Attempt::HalfOpen);
        assert_eq!(look(&[old], 61213, None), Attempt::HalfOpen);
        // A newer one beside it, 11 s old: of this attempt.
        assert_eq!(look(&[new], 61213, Some(10)), Attempt::HalfOpen);
        assert_eq!(look(&[old, new], 61213, Some(10)), Attempt::HalfOpen);
        assert_eq!(look(&[new, old], 61213, Some(10)), Attempt::HalfOpen);
        // An old one at another port is no matter.
        assert_eq!(look(&[old], 61214, Some(10)), Attempt::None);
    }

    #[test]
    fn other_ports_peers_and_states_are_not_it() {
        assert!(!table(FOUR, "192.0.2.7", 61212));
        assert!(!table(FOUR, "192.0.2.9", 61213));
        assert!(!table(FOUR, "192.0.2.8", 61213), "connected, not half-open");
        assert!(!table(FOUR, "0.0.0.0", 61213), "it listens");
        assert!(!table(SIX, "2001:db8::7", 61214));
        assert!(!table("", "192.0.2.7", 61213));
    }

    #[test]
    fn lines_that_are_none_are_passed_over() {
        assert!(table(&format!("\n?\n0: 1:2 3:4 03\n{FOUR}"), "192.0.2.7", 61213));
        // The last line was cut: nothing is believed of it.
        let cut = in_table(FOUR.trim_end().as_bytes(), "192.0.2.7".parse().unwrap(), 61213);
        assert_eq!(cut.unwrap(), None);
    }

    #[test]
    fn a_table_that_is_not_there_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (four, six, none) =
            (folder.path().join("4"), folder.path().join("6"), folder.path().join("none"));
        std::fs::write(&four, FOUR).unwrap();
        std::fs::write(&six, SIX).unwrap();
        let look = |tables: &[&Path], port| in_tables(tables, "192.0.2.7".parse().unwrap(), port, None);
        assert_eq!(look(&[&four, &six], 61213), Attempt::HalfOpen);
        assert_eq!(look(&[&four, &six], 61214), Attempt::HalfOpen);
        assert_eq!(look(&[&four, &six], 61219), Attempt::None);
        assert_eq!(look(&[&four, &none], 61219), Attempt::None);
        assert_eq!(look(&[&none, &six], 61214), Attempt::Unknown);
    }

    /// The kernel's own table: no peer connects, so nothing is half-open.
    #[tokio::test]
    async fn the_table_of_this_kernel_is_read() {
        let listening = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listening.local_addr().unwrap().port();
        let seen = in_tables(&TABLES.map(Path::new), Ipv4Addr::LOCALHOST.into(), port, None);
        assert_eq!(seen, Attempt::None);
    }
}
