//! How do TLS records get from a socket to rustls and back?
//!
//! Without waiting: every step that would have to says `WouldBlock`, and the connection's owner knows how to
//! wait. Bytes are given to rustls record by record, so that what follows the peer's close_notify is still
//! ours to read: after CCC (RFC 4217 4.1) the same socket goes on unencrypted.
use std::io::{self, BufRead, IoSlice, Write};
use std::os::fd::BorrowedFd;

use rustix::net::{SendAncillaryBuffer, SendFlags};
use rustls::Connection;

use super::error::LayerError;
use super::reissue::Reissue;
use crate::buffer;
use crate::socket::{Waiting, receive_into};

/// The most plaintext that is encrypted ahead of the kernel. What a peer that does not read leaves of it
/// stays in memory.
pub(crate) const AHEAD: usize = buffer::PIECE;

/// The header of a record: type, version, length (RFC 8446 5.1).
const HEADER: usize = 5;

/// A connection's TLS.
#[derive(Debug)]
pub(crate) struct Layer {
    connection: Connection,
    inbox: Inbox,
    /// The peer has said that nothing more comes.
    closed: bool,
    /// The peer's end of the TCP stream.
    ended: bool,
    /// A second hello was asked for.
    asked: bool,
    /// Bytes that have gone either way at the socket.
    moved: u64,
    reissue: Reissue,
}

impl Layer {
    pub(crate) fn new(connection: impl Into<Connection>) -> Self {
        let mut connection = connection.into();
        // The bound is ours: see `write`.
        connection.set_buffer_limit(None);
        Self {
            connection,
            inbox: Inbox::default(),
            closed: false,
            ended: false,
            asked: false,
            moved: 0,
            reissue: Reissue::default(),
        }
    }

    /// Goes on with what an inbox holds that has been read already.
    pub(crate) fn with_inbox(connection: impl Into<Connection>, inbox: Inbox) -> Self {
        Self { inbox, ..Self::new(connection) }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ciphertext waits for the kernel.
    pub(crate) fn has_unsent(&self) -> bool {
        self.connection.wants_write()
    }

    /// Goes on with the handshake as far as the peer's bytes allow. Afterwards everything of ours is with the
    /// kernel.
    pub(crate) fn handshake(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        while self.connection.is_handshaking() {
            if !self.feed(socket)? {
                // In one piece: the second of two small ones would lie with the kernel until the peer has
                // acknowledged the first (Nagle's algorithm), which takes it 40 ms when it has nothing to say
                // itself.
                self.flush(socket)?;
                if self.ended {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.fill(socket, Room::Control)?;
            }
        }
        self.flush(socket)
    }

    /// Sends what is to be sent, and reads on until there is an answer to be sent that has not been: a
    /// server's second look at a client's hello.
    pub(crate) fn retry(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        if !self.asked {
            self.flush(socket)?;
            self.asked = true;
        }
        while !self.connection.wants_write() {
            if !self.feed(socket)? {
                if self.ended {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.fill(socket, Room::Control)?;
            }
        }
        Ok(())
    }

    /// Gives the kernel all ciphertext that waits.
    pub(crate) fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Outlet(socket))? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                sent => self.moved += sent as u64,
            }
        }
        Ok(())
    }

    /// Takes bytes to be sent: at most [`AHEAD`], and none (`WouldBlock`) while ciphertext of earlier ones
    /// waits. What is taken may still have to be flushed.
    pub(crate) fn write(&mut self, socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        self.flush(socket)?;
        self.reissue.say(&mut self.connection);
        let taken = self.connection.writer().write(bytes.get(..AHEAD).unwrap_or(bytes))?;
        match self.flush(socket) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    /// Can a ticket be given now?
    pub(crate) fn gives_tickets(&self) -> bool {
        self.reissue.is_possible()
    }

    /// Gives the peer a ticket of this connection's session, in front of what is said next.
    pub(crate) fn give(&mut self, ticket: &[u8]) {
        self.reissue.prepare(ticket);
    }

    /// Appends plaintext, at most `limit` bytes. 0 is the peer's end, said by close_notify; an end without it
    /// is `UnexpectedEof`, and one in the middle of a record `ConnectionAborted`, after everything that came
    /// before it was given.
    pub(crate) fn read(
        &mut self,
        socket: BorrowedFd<'_>,
        into: &mut Vec<u8>,
        limit: usize,
        room: Room,
    ) -> io::Result<usize> {
        if limit == 0 {
            return Ok(0);
        }
        loop {
            match self.plaintext(into, limit) {
                0 => {}
                count => return Ok(count),
            }
            if self.closed {
                return Ok(0);
            }
            if self.feed(socket)? {
                continue;
            }
            if self.ended {
                // No server forgets half a record: it was cut on the way.
                return Err(if self.inbox.is_torn() {
                    io::Error::new(io::ErrorKind::ConnectionAborted, "it ended in the middle of a TLS record")
                } else {
                    io::ErrorKind::UnexpectedEof.into()
                });
            }
            self.fill(socket, room)?;
        }
    }

    /// What a read would meet, without waiting. Takes records from the socket, and keeps what is in them.
    pub(crate) fn waiting(&mut self, socket: BorrowedFd<'_>) -> Waiting {
        loop {
            if self.has_plaintext() {
                return Waiting::Bytes;
            }
            if self.closed {
                return Waiting::End;
            }
            match self.feed(socket) {
                Ok(true) => continue,
                Ok(false) if self.ended => return Waiting::End,
                Ok(false) => {}
                Err(_) => return Waiting::End,
            }
            match self.fill(socket, Room::Control) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Waiting::Nothing,
                Err(_) => return Waiting::End,
            }
        }
    }

    /// Says that nothing more comes from us (RFC 8446 6.1), and gives the kernel what it takes of it.
    pub(crate) fn close(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        self.connection.send_close_notify();
        self.flush(socket)
    }

    /// Has a record come in part?
    pub(crate) fn is_torn(&self) -> bool {
        self.inbox.record > 0 || !self.inbox.is_empty()
    }

    /// What came after the peer's close_notify, unencrypted.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.inbox.into_rest()
    }

    /// Bytes that have gone either way at the socket so far: what tells a slow peer from a silent one.
    pub(crate) fn moved(&self) -> u64 {
        self.moved
    }

    fn fill(&mut self, socket: BorrowedFd<'_>, room: Room) -> io::Result<()> {
        self.moved += self.inbox.fill(socket, room)? as u64;
        self.ended |= self.inbox.ended;
        Ok(())
    }

    fn has_plaintext(&mut self) -> bool {
        // An empty look takes nothing; rustls says `WouldBlock` or the end where there is nothing to look at.
        self.connection.reader().into_first_chunk().is_ok_and(|chunk| !chunk.is_empty())
    }

    fn plaintext(&mut self, into: &mut Vec<u8>, limit: usize) -> usize {
        let before = into.len();
        let mut reader = self.connection.reader();
        // rustls says `WouldBlock` or the end where there is nothing, which is for `read` to find out.
        while let Ok(chunk) = reader.fill_buf() {
            let left = limit - (into.len() - before);
            let chunk = chunk.get(..left).unwrap_or(chunk);
            if chunk.is_empty() {
                break;
            }
            into.extend_from_slice(chunk);
            let count = chunk.len();
            reader.consume(count);
        }
        into.len() - before
    }

    /// Gives rustls a piece of a record out of the inbox; false when there is none. Answers of rustls (an
    /// alert, a key update) are sent if the kernel takes them.
    fn feed(&mut self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        if self.closed {
            return Ok(false);
        }
        let Some(mut piece) = self.inbox.piece()? else { return Ok(false) };
        let given = self.connection.read_tls(&mut piece)?;
        self.inbox.take(given);
        let processed = if self.connection.is_handshaking() {
            self.reissue.observe(|| self.connection.process_new_packets())
        } else {
            self.connection.process_new_packets()
        };
        match processed {
            Ok(state) => self.closed |= state.peer_has_closed(),
            Err(error) => {
                // The alert says why; whether it arrives changes nothing.
                let _ = self.flush(socket);
                return Err(LayerError::Tls(error).into());
            }
        }
        Ok(given > 0)
    }
}

/// How much is asked of the socket at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Commands and replies, and handshakes.
    Control,
    /// Files.
    Data,
}

impl Room {
    const fn bytes(self) -> usize {
        match self {
            Self::Control => 4 << 10,
            // Four records: the cost of the system call is spread over them, and they stay in the cache.
            Self::Data => buffer::PIECE,
        }
    }
}

/// Bytes of the socket that rustls has not been given.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    at: usize,
    /// Bytes that are still to come, or to be given, of the record that rustls is in.
    record: usize,
    /// The first record has been seen.
    begun: bool,
    /// The peer's end of the TCP stream has been seen.
    pub(crate) ended: bool,
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Reads what has arrived: how much. To be called when no piece is left.
    pub(crate) fn fill(&mut self, socket: BorrowedFd<'_>, room: Room) -> io::Result<usize> {
        self.bytes.drain(..self.at);
        self.at = 0;
        match room {
            Room::Control => self.bytes.reserve(room.bytes()),
            // At most the beginning of a header is left (see `piece`).
            Room::Data if self.bytes.capacity() < room.bytes() => {
                let begun = std::mem::replace(&mut self.bytes, buffer::take());
                self.bytes.extend_from_slice(&begun);
            }
            Room::Data => {}
        }
        let received = receive_into(socket, &mut self.bytes);
        if !matches!(received, Ok(1..)) {
            // A connection that waits holds no buffer.
            let begun = self.bytes.as_slice().to_vec();
            buffer::give(std::mem::replace(&mut self.bytes, begun));
        }
        let count = received?;
        self.ended |= count == 0;
        Ok(count)
    }

    /// What there is of the current record, or of the next one, once its header is there.
    pub(crate) fn piece(&mut self) -> io::Result<Option<&[u8]>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if self.record == 0 {
            if !self.begun && rest.first().is_some_and(|kind| !(20..=23).contains(kind)) {
                return Err(LayerError::NotTls(rest.get(..64).unwrap_or(rest).to_vec()).into());
            }
            let Some(&[_, _, _, high, low]) = rest.first_chunk::<HEADER>() else { return Ok(None) };
            self.begun = true;
            self.record = HEADER + usize::from(u16::from_be_bytes([high, low]));
        }
        let piece = rest.get(..self.record).unwrap_or(rest);
        Ok((!piece.is_empty()).then_some(piece))
    }

    /// Is the rest of a record, or of its header, still to come?
    fn is_torn(&self) -> bool {
        self.record > 0 || self.at < self.bytes.len()
    }

    pub(crate) fn take(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
        self.record = self.record.saturating_sub(count);
        if self.is_empty() {
            self.bytes.clear();
            self.at = 0;
        }
    }

    fn into_rest(mut self) -> Vec<u8> {
        self.bytes.split_off(self.at)
    }
}

/// The socket as rustls writes to it.
pub(crate) struct Outlet<'a>(pub(crate) BorrowedFd<'a>);

impl Write for Outlet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        Ok(rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(self.0, pieces, &mut SendAncillaryBuffer::default(), flags)
        })?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
