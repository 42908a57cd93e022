//! Replies.
use std::borrow::Cow;

use proptest::prelude::*;
use wire::{Reply, ReplyDecoder, ReplyError};

use crate::values::{bytes, config, cuts, name, pieces};

fn decode(pieces: &[&[u8]]) -> Vec<Result<Reply, ReplyError>> {
    let mut decoder = ReplyDecoder::new();
    let mut replies = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(reply) = decoder.decode(&mut piece) {
            replies.push(reply);
        }
    }
    replies
}

/// A reply as a decoder shows it: lines in the middle have a blank in front, which keeps them from looking
/// like the end.
fn reply(text: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Reply> {
    (100..600_u16, proptest::collection::vec(text, 1..5)).prop_map(|(code, mut lines)| {
        let last = lines.len() - 1;
        for (n, line) in lines.iter_mut().enumerate() {
            if n > 0 && n < last && !line.starts_with(b" ") {
                line.insert(0, b' ');
            }
        }
        Reply::from_lines(code, lines.into_iter().map(Cow::Owned).collect())
    })
}

/// Texts of a server: replies, and what resembles them.
fn dialogue() -> impl Strategy<Value = Vec<u8>> {
    let code = proptest::sample::select(vec!["200", "220", "599", "99", "600", "22", ""]);
    let mark = proptest::sample::select(vec![" ", "-", "", "\t"]);
    let line = (code, mark, bytes(12), proptest::sample::select(vec!["\r\n", "\n", "\r\0\r\n"])).prop_map(
        |(code, mark, text, end)| [code.as_bytes(), mark.as_bytes(), &text, end.as_bytes()].concat(),
    );
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_as_the_same(reply in reply(prop_oneof![name(30), Just(Vec::new())])) {
        let mut wire = Vec::new();
        reply.encode(&mut wire);
        prop_assert_eq!(decode(&[&wire]), [Ok(reply)]);
    }

    #[test]
    fn any_text_makes_one_reply(reply in reply(bytes(30))) {
        let mut wire = Vec::new();
        reply.encode(&mut wire);
        let read = decode(&[&wire]);
        prop_assert_eq!(read.len(), 1);
        let read = read[0].as_ref().expect("our own reply is one");
        prop_assert_eq!((read.code, read.lines.len()), (reply.code, reply.lines.len()));
    }

    #[test]
    fn cutting_changes_nothing(input in dialogue(), cuts in cuts()) {
        prop_assert_eq!(decode(&pieces(&input, &cuts)), decode(&[&input]));
    }
}
