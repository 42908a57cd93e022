//! What must be true of what stands on the control connection and of listings?
use wire::ascii::{Decoder, Encoder};
use wire::host_port::{eprt, parse_eprt, port_from_229};
use wire::line::{Line, LineTooLong, encode_text};
use wire::listing::ListingReader;
use wire::{Command, Entry, Facts, HostPort, LineDecoder, Reply, ReplyDecoder, ReplyError, Stamp, Wanted};

use crate::{pieces, steered};

/// Lines: the Telnet layer, with a limit that the input chooses.
pub fn line(input: &[u8]) {
    let (seed, input) = steered(input);
    let limit = seed % 64;
    let whole = lines(std::iter::once(input), limit);
    assert_eq!(lines(pieces(input, seed), limit), whole, "cutting changed the lines");
    for line in whole.iter().flatten() {
        assert!(line.len() <= limit, "a line is over the limit");
        let mut again = Vec::new();
        encode_text(line, &mut again);
        assert!(again.len() <= 2 * line.len());
        again.extend_from_slice(b"\r\n");
        assert_eq!(lines(std::iter::once(again.as_slice()), limit), [Ok(line.clone())]);
    }
}

fn lines<'a>(pieces: impl Iterator<Item = &'a [u8]>, limit: usize) -> Vec<Result<Line, LineTooLong>> {
    let mut decoder = LineDecoder::new(limit);
    let mut out = Vec::new();
    for mut piece in pieces {
        while let Some(line) = decoder.decode(&mut piece) {
            out.push(line);
        }
        assert!(piece.is_empty(), "a piece was not taken whole");
    }
    out
}

/// Commands: one line of any bytes.
pub fn command(input: &[u8]) {
    // A line holds no LF: the decoder sees to it.
    let line = input.split(|b| *b == b'\n').next().unwrap_or_default();
    match Command::parse(line) {
        Ok(command) => {
            let mut written = Vec::new();
            command.encode(&mut written);
            // The longest addition is that of SITE UTIME: three times of 15 bytes in place of one.
            assert!(written.len() <= 2 * line.len() + 64, "a command grew");
            let again = only(lines(std::iter::once(written.as_slice()), written.len()));
            let again = Command::parse(&again).expect("our own command is one");
            let mut twice = Vec::new();
            again.encode(&mut twice);
            assert_eq!(written, twice, "a command changed");
            assert_eq!(command.verb(), again.verb());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Replies.
pub fn reply(input: &[u8]) {
    let (seed, input) = steered(input);
    let whole = replies(std::iter::once(input));
    assert_eq!(replies(pieces(input, seed)), whole, "cutting changed the replies");
    let kept: usize = whole.iter().flatten().flat_map(|r| &r.lines).map(|l| l.len()).sum();
    assert!(kept <= input.len(), "replies grew");
    for reply in whole.into_iter().flatten() {
        let mut written = Vec::new();
        reply.encode(&mut written);
        let again = only(replies(std::iter::once(written.as_slice())));
        assert_eq!((again.code, again.lines.len()), (reply.code, reply.lines.len()));
        let mut twice = Vec::new();
        again.encode(&mut twice);
        assert_eq!(written, twice, "a reply changed");
    }
}

fn replies<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Reply, ReplyError>> {
    let mut decoder = ReplyDecoder::new();
    let mut out = Vec::new();
    for mut piece in pieces {
        while let Some(reply) = decoder.decode(&mut piece) {
            out.push(reply);
        }
    }
    out
}

/// What we wrote makes one value, and nothing else.
fn only<T, E>(mut values: Vec<Result<T, E>>) -> T {
    assert_eq!(values.len(), 1, "what we wrote is read as more or less than one");
    values.pop().and_then(Result::ok).expect("what we wrote is read")
}

/// Addresses of data connections, and points in time.
pub fn address(input: &[u8]) {
    if let Some(host_port) = HostPort::parse(input) {
        assert_eq!(HostPort::parse(host_port.to_string().as_bytes()), Some(host_port));
        assert_eq!(HostPort::from_227(input), Some(host_port));
    }
    if let Some(host_port) = HostPort::from_227(input) {
        let said = format!("Entering Passive Mode ({host_port}).");
        assert_eq!(HostPort::from_227(said.as_bytes()), Some(host_port));
    }
    if let Ok(target) = parse_eprt(input) {
        assert_eq!(parse_eprt(eprt(target).as_bytes()), Ok(target));
    }
    if let Some(port) = port_from_229(input) {
        let said = format!("Entering Extended Passive Mode (|||{port}|)");
        assert_eq!(port_from_229(said.as_bytes()), Some(port));
    }
    if let Some(stamp) = Stamp::parse(input) {
        let whole = Stamp { nanos: 0, ..stamp };
        // The leap second of the year 9999 is in a year that cannot be written.
        if whole.civil().year <= 9999 {
            assert_eq!(Stamp::parse(whole.to_string().as_bytes()), Some(whole));
        }
    }
}

/// Lines of facts.
pub fn facts(input: &[u8]) {
    let Some(entry) = Entry::parse(input) else { return };
    assert!(!entry.name.is_empty() && input.ends_with(&entry.name), "the name is the end of the line");
    let mut written = Vec::new();
    entry.facts.encode(&Wanted::ALL, &mut written);
    // The widest growth is that of a mode, `unix.mode=7;` to four digits, and of a link, `symlink` to `slink`
    // and more.
    assert!(written.len() <= 2 * input.len() + 64, "facts grew");
    let again = Facts::parse(&written).expect("our own facts are some");
    let mut twice = Vec::new();
    again.encode(&Wanted::ALL, &mut twice);
    assert_eq!(written, twice, "facts changed");
}

/// Listings of any dialect.
pub fn listings(input: &[u8]) {
    let (seed, input) = steered(input);
    let (entries, unread) = entries(std::iter::once(input));
    let cut = self::entries(pieces(input, seed));
    assert_eq!((&cut.0, cut.1), (&entries, unread), "cutting changed the entries");
    let count = input.split(|b| *b == b'\n').count() as u64;
    assert!(entries.len() as u64 + unread <= count, "a line was counted twice");
    for entry in &entries {
        assert!(!entry.name.is_empty() && entry.name != b"." && entry.name != b"..");
        assert!(!entry.name.contains(&b'\n'));
        assert!(input.windows(entry.name.len()).any(|w| w == entry.name), "a name was made up");
        let mut written = Vec::new();
        entry.facts.encode(&Wanted::ALL, &mut written);
        assert!(Facts::parse(&written).is_some(), "what was read cannot be told as facts");
    }
}

fn entries<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Entry>, u64) {
    let (mut reader, mut out) = (ListingReader::new(Stamp::from_seconds(1_795_521_600)), Vec::new());
    for piece in pieces {
        reader.push(piece, &mut out);
    }
    reader.finish(&mut out);
    (out, reader.unread())
}

/// Text of type A, both ways.
pub fn ascii(input: &[u8]) {
    let (seed, input) = steered(input);
    let encode = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut encoder, mut out) = (Encoder::new(), Vec::new());
        for piece in pieces {
            encoder.push(piece, &mut out);
        }
        encoder.finish(&mut out);
        out
    };
    let decode = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut decoder, mut out) = (Decoder::new(), Vec::new());
        for piece in pieces {
            decoder.push(piece, &mut out);
        }
        decoder.finish(&mut out);
        out
    };
    let sent = encode(&mut std::iter::once(input));
    assert_eq!(encode(&mut pieces(input, seed)), sent, "cutting changed the text sent");
    assert!((input.len()..=2 * input.len()).contains(&sent.len()));
    assert_eq!(encode(&mut std::iter::once(&sent[..])), sent, "a text of CR LF is sent as it is");
    let kept = decode(&mut std::iter::once(input));
    assert_eq!(decode(&mut pieces(input, seed)), kept, "cutting changed the text received");
    assert!(kept.len() <= input.len());
    if !input.contains(&b'\r') {
        assert_eq!(decode(&mut std::iter::once(&sent[..])), input, "a text of LF does not come back");
    }
}
