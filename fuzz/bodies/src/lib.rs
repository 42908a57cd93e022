//! What must be true of every parser, whatever bytes it is given?
//!
//! A body takes bytes and panics where a promise is broken: what is read is written so that it is read again,
//! cutting the input changes nothing, nothing grows beyond what the input allows. libFuzzer finds the bytes
//! (`fuzz/`), or `fuzz-smoke` does with its own mutations of the seeds in [`corpus`].
#![forbid(unsafe_code)]

pub mod corpus;
mod names;
mod text;

pub use names::{path, url};
pub use text::{address, ascii, command, facts, line, listings, reply};

/// A body, to be given any bytes.
pub type Body = fn(&[u8]);

/// All bodies by name.
pub const BODIES: [(&str, Body); 9] = [
    ("line", line),
    ("command", command),
    ("reply", reply),
    ("address", address),
    ("facts", facts),
    ("listings", listings),
    ("path", path),
    ("ascii", ascii),
    ("url", url),
];

/// Splits the input into a number that steers the body, and the bytes it works on.
pub(crate) fn steered(input: &[u8]) -> (usize, &[u8]) {
    input.split_first().map_or((0, input), |(first, rest)| (usize::from(*first), rest))
}

/// Cuts bytes into pieces, of lengths that a number chooses.
pub(crate) fn pieces(bytes: &[u8], seed: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let mut state = seed;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        // A small linear generator; most pieces are of a few bytes.
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let length = 1 + (state >> 16) % if state & 1 == 0 { 3 } else { 64 };
        let (piece, tail) = rest.split_at(length.min(rest.len()));
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_body_holds_on_its_seeds_and_on_nothing() {
        for (name, body) in BODIES {
            let seeds = corpus::seeds(name);
            assert!(seeds.len() > 2, "{name} has nothing to start from");
            for seed in &seeds {
                body(seed);
            }
            body(b"");
        }
    }
}
