//! How is a listing written: for a person, or for a program?
use std::cmp::Reverse;
use std::io::{self, BufWriter, Write};

use wire::Entry;
use wire::facts::EntryType;

use crate::entry::{coloured, json, line};

/// How an entry is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Kind, size, time and name.
    Plain,
    /// Permissions and owners too.
    Long,
    /// The name alone.
    Names,
    /// The name alone, ended by NUL.
    Null,
    /// An object.
    Json,
}

/// How names are ordered. What is equal is ordered by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    /// The newest first.
    Time,
    /// The largest first.
    Size,
}

impl Order {
    /// Sorts entries; those that have no time or size come last.
    pub(super) fn sort(self, entries: &mut [Entry]) {
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        match self {
            Self::Name => {}
            // Reversed, what is none comes last.
            Self::Time => entries
                .sort_by_key(|entry| Reverse(entry.facts.modify.map(|stamp| (stamp.seconds, stamp.nanos)))),
            Self::Size => entries.sort_by_key(|entry| Reverse(entry.facts.size)),
        }
    }
}

/// Looks of a listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) form: Form,
    /// Sizes as 1.2K.
    pub(super) human: bool,
    pub(super) colour: bool,
    /// Is it a terminal that reads it? Elsewhere names are bytes.
    pub(super) terminal: bool,
}

/// Where listings go, one after the other.
pub(super) struct Page<W: Write> {
    look: Look,
    out: BufWriter<W>,
    /// What the listing is of, where it is one of several; and whether that was said.
    url: Option<String>,
    headed: bool,
    begun: bool,
}

impl<W: Write> Page<W> {
    pub(super) fn new(look: Look, out: W) -> Self {
        Self { look, out: BufWriter::new(out), url: None, headed: false, begun: false }
    }

    /// The next listing is of this URL, one of several.
    pub(super) fn of(&mut self, url: String) {
        (self.url, self.headed) = (Some(url), false);
    }

    /// Writes an entry under `name`, which may be a path.
    pub(super) fn entry(&mut self, entry: &Entry, name: &[u8]) -> io::Result<()> {
        self.head()?;
        let Look { form, human, colour, terminal } = self.look;
        let colour = if colour { colour_of(entry) } else { None };
        match form {
            Form::Plain | Form::Long => {
                writeln!(self.out, "{}", line(entry, name, form == Form::Long, human, colour))
            }
            // A name with a line end would be two.
            Form::Names if !terminal && !name.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) => {
                self.out.write_all(name)?;
                self.out.write_all(b"\n")
            }
            Form::Names => writeln!(self.out, "{}", coloured(name, colour)),
            Form::Null => {
                self.out.write_all(name)?;
                self.out.write_all(&[0])
            }
            Form::Json => {
                let mut object = json(entry, name);
                if let Some(url) = &self.url {
                    object["url"] = url.as_str().into();
                }
                writeln!(self.out, "{}", crate::json::line(&object))
            }
        }
    }

    /// Gives all on to its reader.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Writes the heading, where it is not written yet; a listing that was read has it, an empty one too.
    pub(super) fn head(&mut self) -> io::Result<()> {
        let headed = std::mem::replace(&mut self.headed, true);
        if let (Some(url), false, Form::Plain | Form::Long | Form::Names) =
            (&self.url, headed, self.look.form)
        {
            let blank = if self.begun { "\n" } else { "" };
            writeln!(self.out, "{blank}{url}:")?;
        }
        self.begun = true;
        Ok(())
    }
}

/// As ls(1) does.
fn colour_of(entry: &Entry) -> Option<&'static str> {
    match &entry.facts.kind {
        Some(kind) if kind.is_directory() => Some("\x1b[1;34m"),
        Some(EntryType::Link(_)) => Some("\x1b[1;36m"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(facts: &str, name: &[u8]) -> Entry {
        Entry::parse(&[facts.as_bytes(), b" ", name].concat()).unwrap()
    }

    fn written(form: Form, terminal: bool, entries: &[Entry]) -> Vec<u8> {
        let look = Look { form, human: false, colour: terminal, terminal };
        let mut page = Page::new(look, Vec::new());
        for entry in entries {
            page.entry(entry, &entry.name).unwrap();
        }
        page.out.into_inner().unwrap()
    }

    #[test]
    fn names_are_bytes_for_a_program_and_harmless_on_a_terminal() {
        let names = [entry("type=file;", b"a\\b\xff\x1b[2J"), entry("type=dir;", b"d")];
        assert_eq!(written(Form::Names, false, &names), b"a\\b\xff\x1b[2J\nd\n");
        assert_eq!(written(Form::Null, true, &names), b"a\\b\xff\x1b[2J\0d\0");
        assert_eq!(written(Form::Names, true, &names), b"a\\\\b\\xff\\x1b[2J\n\x1b[1;34md\x1b[0m\n");
        let mut broken = entry("type=file;", b"x");
        broken.name = b"a\rb".to_vec();
        assert_eq!(written(Form::Names, false, &[broken]), b"a\\x0db\n");
    }

    #[test]
    fn each_of_several_has_a_heading_and_a_failed_one_has_none() {
        let look = Look { form: Form::Names, human: false, colour: false, terminal: false };
        let mut page = Page::new(look, Vec::new());
        page.of("ftp://a/".to_owned());
        page.entry(&entry("type=file;", b"x"), b"x").unwrap();
        page.head().unwrap();
        page.flush().unwrap();
        page.of("ftp://failed/".to_owned());
        page.flush().unwrap();
        page.of("ftp://empty/".to_owned());
        page.head().unwrap();
        page.flush().unwrap();
        assert_eq!(page.out.into_inner().unwrap(), b"ftp://a/:\nx\n\nftp://empty/:\n");
    }

    #[test]
    fn the_newest_or_the_largest_come_first_and_the_unknown_last() {
        let sorted = |order: Order| {
            let mut entries = [
                entry("type=dir;", b"d"),
                entry("size=5;modify=20260101000000;", b"b"),
                entry("size=5;modify=20260103000000;", b"a"),
                entry("size=7;modify=20260102000000;", b"c"),
            ];
            order.sort(&mut entries);
            entries.map(|entry| String::from_utf8(entry.name).unwrap()).concat()
        };
        assert_eq!([sorted(Order::Name), sorted(Order::Time), sorted(Order::Size)], ["abcd", "acbd", "cabd"]);
    }
}
