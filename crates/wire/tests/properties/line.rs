//! Lines and their Telnet layer.
use proptest::prelude::*;
use wire::line::{Line, LineDecoder, LineTooLong, encode_text};

use crate::values::{bytes, config, cuts, pieces};

fn decode(pieces: &[&[u8]], limit: usize) -> (Vec<Result<Line, LineTooLong>>, bool) {
    let mut decoder = LineDecoder::new(limit);
    let mut lines = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(line) = decoder.decode(&mut piece) {
            lines.push(line);
        }
        assert!(piece.is_empty(), "a piece is taken whole");
    }
    (lines, decoder.is_empty())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_encoded_is_decoded(text in bytes(80).prop_map(|mut t| { t.retain(|b| *b != b'\n'); t })) {
        let mut wire = Vec::new();
        encode_text(&text, &mut wire);
        prop_assert!(wire.len() <= 2 * text.len());
        wire.extend_from_slice(b"\r\n");
        prop_assert_eq!(decode(&[&wire], 80), (vec![Ok(text)], true));
    }

    #[test]
    fn a_line_end_cannot_be_written_within_a_line(text in bytes(80)) {
        let mut wire = Vec::new();
        encode_text(&text, &mut wire);
        prop_assert!(!wire.contains(&b'\n'));
    }

    #[test]
    fn cutting_changes_nothing(input in bytes(200), cuts in cuts(), limit in 0..40_usize) {
        let whole = decode(&[&input], limit);
        prop_assert_eq!(&decode(&pieces(&input, &cuts), limit), &whole);
        for line in whole.0.iter().flatten() {
            prop_assert!(line.len() <= limit && !line.contains(&b'\n'));
        }
    }
}
