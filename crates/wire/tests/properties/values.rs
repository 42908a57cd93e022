//! Which values are worth trying?
use proptest::prelude::*;
use wire::{Pathname, Stamp};

/// How the properties are run. Nothing is left in the tree: a seed that fails becomes a named test.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Bytes that mean something to some parser, more often than others.
pub(crate) fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => any::<u8>(),
        4 => proptest::sample::select(b" \t\r\n\0\"-/;:=%@,.()|+>?#[]*".to_vec()),
        2 => proptest::sample::select(vec![240_u8, 242, 244, 250, 251, 252, 253, 254, 255]),
        4 => proptest::sample::select(b"0123456789".to_vec()),
        8 => proptest::sample::select(b"abcdefxyzABC".to_vec()),
    ]
}

/// Any bytes at all.
pub(crate) fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(byte(), 0..=max)
}

/// Bytes that can stand on a line: no CR, LF or NUL, and at least one.
pub(crate) fn name(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let plain = byte().prop_map(|b| if matches!(b, b'\r' | b'\n' | b'\0') { b'_' } else { b });
    proptest::collection::vec(plain, 1..=max)
}

pub(crate) fn pathname() -> impl Strategy<Value = Pathname> {
    name(40).prop_map(|bytes| Pathname::new(bytes).expect("a name is a pathname"))
}

/// A time that is written without loss: years 0 to 9999, milliseconds.
pub(crate) fn stamp() -> impl Strategy<Value = Stamp> {
    (-62_167_219_200..=253_402_300_799_i64, prop_oneof![Just(0), 0..1000_u32])
        .prop_map(|(seconds, millis)| Stamp { seconds, nanos: millis * 1_000_000 })
}

/// Where to cut bytes into pieces.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), proptest::collection::vec(0..12_usize, 1..8)]
}

/// The pieces: of the lengths in `cuts`, over and over. A zero makes an empty piece.
pub(crate) fn pieces<'a>(mut bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let cuts = if cuts.iter().all(|c| *c == 0) { &[1][..] } else { cuts };
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*cut).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}
