//! What lies between the two, and what happens to it?
use std::collections::VecDeque;

/// Marsaglia's xorshift64.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..4 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit.max(1)
    }

    /// One time in `many`.
    pub(crate) fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// How one direction ends, behind its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Reset,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    bytes: VecDeque<u8>,
    end: Option<End>,
}

/// What is read from it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    End(End),
}

impl Pipe {
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.end.is_none() {
            self.bytes.extend(bytes);
        }
    }

    pub(crate) fn end(&mut self, end: End) {
        if end == End::Reset {
            self.bytes.clear();
        }
        // A reset may come behind a FIN, but nothing changes a reset.
        if self.end != Some(End::Reset) {
            self.end = Some(end);
        }
    }

    /// All that is under way is lost, and the reader sees an orderly end.
    pub(crate) fn cut_with_fin(&mut self) {
        self.bytes.clear();
        self.end = Some(End::Fin);
    }

    pub(crate) fn ended(&self) -> Option<End> {
        self.end
    }

    pub(crate) fn is_readable(&self) -> bool {
        !self.bytes.is_empty() || self.end.is_some()
    }

    /// Some of the bytes, as TCP may deliver them.
    pub(crate) fn read(&mut self, chance: &mut Chance) -> Option<Read> {
        if self.bytes.is_empty() {
            return self.end.map(Read::End);
        }
        let count = if chance.once_in(2) { self.bytes.len() } else { 1 + chance.below(self.bytes.len()) };
        Some(Read::Bytes(self.bytes.drain(..count).collect()))
    }
}

/// Both directions of a connection.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    pub(crate) to_client: Pipe,
    pub(crate) to_server: Pipe,
}

impl Connection {
    /// The network takes it away: both ends see a reset.
    pub(crate) fn cut(&mut self) {
        self.to_client.end(End::Reset);
        self.to_server.end(End::Reset);
    }
}
