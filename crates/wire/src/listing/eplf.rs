//! Is a line one of EPLF, the Easily Parsed LIST Format of publicfile?
//!
//! ```text
//!   +i8388621.29609,m824255902,/,<TAB>dev        +i8388621.44468,m839956783,r,s10376,<TAB>RFCEPLF
//! ```
//! Facts of one letter, each ended by a comma: `/` a directory, `r` a file that can be got, `s` size, `m`
//! modification in seconds since 1970, `i` a unique name, `up` permissions in octal. The name follows the
//! tab.
use crate::facts::{Entry, EntryType, Facts};
use crate::stamp::Stamp;
use crate::types::decimal;

/// Reads one line.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    let text = line.strip_prefix(b"+")?;
    let at = text.iter().position(|b| *b == b'\t')?;
    let (list, name) = (&text[..at], &text[at + 1..]);
    if name.is_empty() {
        return None;
    }
    let mut facts = Facts::default();
    for fact in list.split(|b| *b == b',').filter(|f| !f.is_empty()) {
        match fact {
            b"/" => facts.kind = Some(EntryType::Directory),
            b"r" => facts.kind = Some(EntryType::File),
            [b's', size @ ..] => facts.size = decimal(size),
            [b'm', seconds @ ..] => {
                facts.modify = decimal(seconds).and_then(|n| i64::try_from(n).ok()).map(Stamp::from_seconds);
            }
            [b'i', unique @ ..] => facts.unique = Some(unique.to_vec()),
            [b'u', b'p', mode @ ..] => facts.unix_mode = crate::facts::mode(mode),
            // The format asks readers to pass over what they do not know.
            _ => {}
        }
    }
    Some(Entry { name: name.to_vec(), facts })
}
