//! Which sockets does the kernel list in `/proc/net`? (proc_pid_net(5))
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
//!   0:  0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0   0       12345
//! ```
use std::io::{self, BufRead as _, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Bytes read of a table: some 100,000 sockets. The kernel makes the text while it is read, and a machine
/// with more is too busy to be asked.
const MOST: u64 = 16 * 1024 * 1024;

/// Bytes of a line; the longest of Linux has 180.
const LINE: u64 = 512;

/// One socket.
#[derive(Clone, Copy, Debug)]
pub struct Row<'l> {
    local: &'l [u8],
    remote: &'l [u8],
    /// Its state, as the kernel numbers it, in hexadecimal digits.
    pub state: &'l [u8],
    /// The kind of the timer that runs, and the ticks that are left of it: `01:00000190`.
    pub(crate) timer: &'l [u8],
    /// How often the timer has run out, in hexadecimal digits.
    pub(crate) retransmits: &'l [u8],
    inode: &'l [u8],
}

impl<'l> Row<'l> {
    /// None for a line that is none. Fields that are missing at its end are empty.
    pub(crate) fn parse(line: &'l [u8]) -> Option<Self> {
        let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let (local, remote, state) = (fields.nth(1)?, fields.next()?, fields.next()?);
        let (timer, retransmits) = (fields.nth(1).unwrap_or_default(), fields.next().unwrap_or_default());
        Some(Self { local, remote, state, timer, retransmits, inode: fields.nth(2).unwrap_or_default() })
    }

    /// Our end.
    pub fn local(&self) -> Option<SocketAddr> {
        end(self.local)
    }

    /// The peer's end.
    pub fn remote(&self) -> Option<SocketAddr> {
        end(self.remote)
    }

    /// The number of the socket, as in `/proc/PID/fd`.
    pub fn inode(&self) -> Option<u64> {
        std::str::from_utf8(self.inode).ok()?.parse().ok()
    }
}

/// Hands every row of a table to `each`. A line that is none is passed over.
///
/// # Errors
/// The table's; `FileTooLarge` where it is longer than 16 MiB, `InvalidData` for a line that does not end.
pub fn rows(table: impl Read, mut each: impl FnMut(Row<'_>)) -> io::Result<()> {
    let mut table = BufReader::with_capacity(64 * 1024, table.take(MOST));
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut table).take(LINE).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return match (line.len() as u64, table.get_ref().limit()) {
                (_, 0) => Err(io::ErrorKind::FileTooLarge.into()),
                (LINE, _) => Err(io::ErrorKind::InvalidData.into()),
                // The end; of an unfinished line nothing is believed.
                _ => Ok(()),
            };
        }
        if let Some(row) = Row::parse(&line) {
            each(row);
        }
    }
}

/// `0100007F:1F90`: the address in words of 32 bits, each as this machine would print the number that lies
/// there in network order; the port as a number.
fn end(field: &[u8]) -> Option<SocketAddr> {
    let (address, port) = std::str::from_utf8(field).ok()?.split_once(':')?;
    // `from_str_radix` would also take a sign.
    if !address.bytes().chain(port.bytes()).all(|digit| digit.is_ascii_hexdigit()) || port.len() != 4 {
        return None;
    }
    let word = |at: usize| {
        let digits = address.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address: IpAddr = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut octets = [0; 16];
            for (nth, four) in octets.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(nth)?);
            }
            Ipv6Addr::from(octets).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(address.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_has_an_end() {
        let kind = |byte| rows(io::repeat(byte), |_| {}).unwrap_err().kind();
        assert_eq!(kind(b'x'), io::ErrorKind::InvalidData);
        assert_eq!(kind(b'\n'), io::ErrorKind::FileTooLarge);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_kernel_is_read() {
        let line = b"   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7197574 1 0 100 0";
        let row = Row::parse(line).unwrap();
        assert_eq!((row.local(), row.state), (Some(([127, 0, 0, 1], 22).into()), &b"0A"[..]));
        assert_eq!((row.remote(), row.inode()), (Some(([0, 0, 0, 0], 0).into()), Some(7_197_574)));
        for line in [&b""[..], b"x", b"0: 1:2 03"] {
            assert!(Row::parse(line).is_none(), "{line:?}");
        }
        for line in ["0: :16 : 0A 0 0 0 0 0 x", "0: \u{e9}100007F:EF1D \u{e9} 03", "0: 0100007F:+F1D x 03"] {
            let row = Row::parse(line.as_bytes()).unwrap();
            assert_eq!((row.local(), row.inode()), (None, None), "{line}");
        }
    }
}
