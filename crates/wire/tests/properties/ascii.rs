//! Text of type A.
use proptest::prelude::*;
use wire::ascii::{Decoder, Encoder};

use crate::values::{config, cuts, pieces};

fn text(max: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![2 => proptest::sample::select(b"\r\n\0".to_vec()), 3 => any::<u8>()];
    proptest::collection::vec(byte, 0..=max)
}

fn encode(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(), Vec::new());
    for piece in pieces {
        encoder.push(piece, &mut out);
    }
    encoder.finish(&mut out);
    assert_eq!(encoder, Encoder::new());
    out
}

fn decode(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut decoder, mut out) = (Decoder::new(), Vec::new());
    for piece in pieces {
        decoder.push(piece, &mut out);
    }
    decoder.finish(&mut out);
    assert_eq!(decoder, Decoder::new());
    out
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_text_of_lf_comes_back(mut text in text(200)) {
        text.retain(|b| *b != b'\r');
        prop_assert_eq!(decode(&[&encode(&[&text])]), text);
    }

    #[test]
    fn encoding_cut_anywhere_is_the_same(text in text(200), cuts in cuts()) {
        let whole = encode(&[&text]);
        prop_assert_eq!(&encode(&pieces(&text, &cuts)), &whole);
        prop_assert!(whole.len() <= 2 * text.len());
        // Byte by byte, as slow and as plain as it can be said.
        let mut plain = Vec::new();
        for (n, byte) in text.iter().enumerate() {
            if *byte == b'\n' && (n == 0 || text[n - 1] != b'\r') {
                plain.push(b'\r');
            }
            plain.push(*byte);
        }
        prop_assert_eq!(whole, plain);
    }

    #[test]
    fn decoding_cut_anywhere_is_the_same(text in text(200), cuts in cuts()) {
        let whole = decode(&[&text]);
        prop_assert_eq!(&decode(&pieces(&text, &cuts)), &whole);
        prop_assert!(whole.len() <= text.len());
        let (mut plain, mut rest) = (Vec::new(), text.as_slice());
        while let [byte, tail @ ..] = rest {
            let (meant, taken) = match (byte, tail.first()) {
                (b'\r', Some(b'\n')) => (b'\n', 2),
                (b'\r', Some(0)) => (b'\r', 2),
                _ => (*byte, 1),
            };
            plain.push(meant);
            rest = &rest[taken..];
        }
        prop_assert_eq!(whole, plain);
    }
}
