//! How do bytes go out? RETR, and the listings.
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use globset::{Candidate, GlobBuilder, GlobMatcher};
use net::buffer;
use net::data::Data;
use net::pump::{self, Progress};
use storage::{Batch, Entries, FileType, Kind, Source, Stat, VPath};
use wire::ascii::Encoder;

use super::listing::Lines;
use super::outcome::Broken;
use crate::effect::{Form, Outcome};
use crate::reason::Reason;
use crate::session::Pass;

/// Bytes of a text that are read at a time: with the line ends that are put in they are a piece at the most.
const TEXT: usize = buffer::PIECE / 2;

/// Converting this much takes the processor a millisecond at worst; then others have their turn.
const TURN: usize = 512 * 1024;

/// Bytes of a listing that are sent at a time, at the least.
const LINES: usize = 16 * 1024;

/// A download whose file is open.
pub(super) struct Retrieve {
    source: Box<dyn Source>,
    start: u64,
    end: u64,
    ascii: bool,
}

impl Retrieve {
    /// Opens the file; the size told is that of the data, which TYPE A cannot know.
    pub(super) async fn open(
        pass: &Pass,
        path: &VPath,
        start: u64,
        end: Option<u64>,
        ascii: bool,
    ) -> Result<(Self, Option<u64>), Broken> {
        let source = pass.tree().open(path).await?;
        let size = source.stat().size;
        if start > size && !ascii {
            return Err(Reason::BadOffset.into());
        }
        // How long a text is as it is sent is not known before.
        let end = end.unwrap_or(u64::MAX).min(if ascii { u64::MAX } else { size });
        let told = (!ascii).then(|| end.saturating_sub(start));
        Ok((Self { source, start, end, ascii }, told))
    }

    pub(super) async fn run(
        mut self,
        data: &mut Data,
        stall: Duration,
        progress: &Progress,
    ) -> Result<(), Broken> {
        match self.source.file() {
            _ if self.ascii => self.send_text(data, stall, progress).await,
            Some(file) => {
                pump::send_file(data, &file, self.start..self.end, stall, progress).await?;
                Ok(())
            }
            None => self.send_pieces(data, stall, progress).await,
        }
    }

    async fn send_pieces(
        &mut self,
        data: &mut Data,
        stall: Duration,
        progress: &Progress,
    ) -> Result<(), Broken> {
        let (mut at, mut piece) = (self.start, Vec::new());
        while at < self.end {
            wait_for_room(data, stall, [&mut piece]).await?;
            let left = usize::try_from(self.end - at).unwrap_or(usize::MAX);
            piece.resize(left.min(buffer::PIECE), 0);
            self.source.read(at, &mut piece).await?;
            if piece.is_empty() {
                // The file was cut while it was being sent: the client must not take what it has for the
                // whole.
                return Err(Reason::DiskError.into());
            }
            at += piece.len() as u64;
            pump::send(data, &piece, stall, progress).await?;
        }
        Ok(())
    }

    /// Under TYPE A the restart marker, and the ends of RANG, count bytes as they are sent, so the text is
    /// converted from its start and what the client does not want is passed over. It ends where the file
    /// ended when it was opened.
    async fn send_text(
        &mut self,
        data: &mut Data,
        stall: Duration,
        progress: &Progress,
    ) -> Result<(), Broken> {
        let size = self.source.stat().size;
        let (mut encoder, mut raw, mut text) = (Encoder::new(), Vec::new(), Vec::new());
        let (mut at, mut position, mut turn) = (0, 0, 0);
        while position < self.end && at < size {
            wait_for_room(data, stall, [&mut raw, &mut text]).await?;
            let left = usize::try_from(size - at).unwrap_or(usize::MAX);
            raw.resize(left.min(TEXT), 0);
            self.source.read(at, &mut raw).await?;
            if raw.is_empty() {
                // As above: it was cut.
                return Err(Reason::DiskError.into());
            }
            at += raw.len() as u64;
            text.clear();
            encoder.push(&raw, &mut text);
            // What follows may wait.
            buffer::give(std::mem::take(&mut raw));
            let within = |offset: u64| {
                let here = offset.saturating_sub(position);
                usize::try_from(here).unwrap_or(usize::MAX).min(text.len())
            };
            let wanted = text.get(within(self.start)..within(self.end)).unwrap_or_default();
            pump::send(data, wanted, stall, progress).await?;
            position += text.len() as u64;
            turn += text.len();
            if turn >= TURN {
                // Where the file is in memory and the client takes it as fast as it comes, nothing above has
                // waited: ABOR and the other sessions have their turn.
                turn = 0;
                tokio::task::yield_now().await;
            }
        }
        buffer::give(text);
        if self.start > position { Err(Reason::BadOffset.into()) } else { Ok(()) }
    }
}

/// Waits until the client takes more, and holds none of the buffers meanwhile.
async fn wait_for_room<const N: usize>(
    data: &mut Data,
    stall: Duration,
    buffers: [&mut Vec<u8>; N],
) -> Result<(), Broken> {
    let mut buffers = buffers;
    if !pump::has_room(data) {
        for buffer in &mut buffers {
            buffer::give(std::mem::take(*buffer));
        }
        pump::room(data, stall).await?;
    }
    for buffer in buffers.iter_mut().filter(|buffer| buffer.capacity() == 0) {
        **buffer = buffer::take();
    }
    Ok(())
}

/// A listing whose directory is open.
pub(super) struct Listing {
    lines: Lines,
    what: Listed,
}

enum Listed {
    /// A file, or anything that is not a directory: one line.
    One(Vec<u8>, Box<Stat>),
    /// A directory, or those of its names that match; with the entries that were read to find that some do.
    Directory(Box<dyn Entries>, Option<Pattern>, Batch),
}

/// A pattern for the last component of a pathname. Matching takes time linear in the name: the pattern is an
/// automaton.
struct Pattern {
    matcher: GlobMatcher,
    /// As in a shell, names that start with a dot are matched only by a pattern that does.
    dots: bool,
}

impl Pattern {
    /// `None` where the text has no wildcard, or is no pattern.
    fn new(text: &[u8]) -> Option<Self> {
        if !text.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'{')) {
            return None;
        }
        // A backslash is an ordinary character of a name.
        let mut glob = GlobBuilder::new(std::str::from_utf8(text).ok()?);
        let matcher = glob.literal_separator(true).backslash_escape(false).build().ok()?.compile_matcher();
        Some(Self { matcher, dots: text.first() == Some(&b'.') })
    }

    fn matches(&self, name: &[u8]) -> bool {
        (self.dots || name.first() != Some(&b'.'))
            && self.matcher.is_match_candidate(&Candidate::new(OsStr::from_bytes(name)))
    }
}

impl Listing {
    pub(super) async fn open(pass: &Pass, path: VPath, given: Vec<u8>, form: Form) -> Result<Self, Broken> {
        let rights = pass.rights().clone();
        let found = pass.tree().stat(&path).await;
        match found {
            Ok(stat) if stat.kind == FileType::Directory => {
                let entries = pass.tree().list(&path).await?;
                // NLST of a directory tells names that the client can use as they are, as `ls dir/*` would.
                let prefix = if matches!(form, Form::Names) { directory_prefix(given) } else { Vec::new() };
                Ok(Self {
                    lines: Lines::new(form, prefix, path, rights),
                    what: Listed::Directory(entries, None, Batch::new()),
                })
            }
            Ok(_) if matches!(form, Form::Facts(_)) => Err(Reason::NotADirectory.into()),
            Ok(_) => {
                let stat = pass.tree().entry(&path).await?;
                let lines = Lines::new(form, Vec::new(), path, rights);
                Ok(Self { lines, what: Listed::One(given, Box::new(stat)) })
            }
            Err(error) if error.kind == Kind::NotFound && !matches!(form, Form::Facts(_)) => {
                let Some((parent, name)) = path.split() else { return Err(error.into()) };
                let Some(pattern) = Pattern::new(name) else { return Err(error.into()) };
                let mut entries = pass.tree().list(&parent).await?;
                let mut first = Batch::new();
                while !first.iter().any(|entry| pattern.matches(&entry.name)) {
                    entries.next(&mut first).await?;
                    if first.is_empty() {
                        return Err(Reason::NoMatch.into());
                    }
                }
                let mut prefix = given;
                prefix.truncate(prefix.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1));
                Ok(Self {
                    lines: Lines::new(form, prefix, parent, rights),
                    what: Listed::Directory(entries, Some(pattern), first),
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn run(mut self, data: &mut Data, stall: Duration, progress: &Progress) -> Outcome {
        let result = self.send(data, stall, progress).await;
        Outcome { unlisted: self.lines.unlisted, ..result.into() }
    }

    async fn send(&mut self, data: &mut Data, stall: Duration, progress: &Progress) -> Result<(), Broken> {
        let mut out = Vec::new();
        match &mut self.what {
            Listed::One(name, stat) => self.lines.push(name, stat, &mut out),
            Listed::Directory(entries, pattern, first) => {
                let mut batch = std::mem::take(first);
                if batch.is_empty() {
                    entries.next(&mut batch).await?;
                }
                while !batch.is_empty() {
                    for entry in &batch {
                        if pattern.as_ref().is_none_or(|p| p.matches(&entry.name)) {
                            self.lines.push(&entry.name, &entry.stat, &mut out);
                        }
                    }
                    if out.len() >= LINES {
                        pump::send(data, &out, stall, progress).await?;
                        out.clear();
                        if !pump::has_room(data) {
                            (out, batch) = (Vec::new(), Batch::new());
                            pump::room(data, stall).await?;
                        }
                    }
                    entries.next(&mut batch).await?;
                }
            }
        }
        pump::send(data, &out, stall, progress).await?;
        Ok(())
    }
}

/// `dir` and `dir/` give `dir/`; nothing, and the current directory by its short names, gives nothing.
fn directory_prefix(mut given: Vec<u8>) -> Vec<u8> {
    if matches!(given.as_slice(), b"" | b"." | b"./") {
        return Vec::new();
    }
    if given.last() != Some(&b'/') {
        given.push(b'/');
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_a_shell() {
        let matches =
            |pattern: &str, name: &str| Pattern::new(pattern.as_bytes()).unwrap().matches(name.as_bytes());
        assert!(matches("*.txt", "a.txt"));
        assert!(!matches("*", ".hidden"));
        assert!(matches(".*", ".hidden"));
        assert!(matches("[ab]?", "ax"));
        assert!(matches("a\\*", "a\\b"));
        assert!(Pattern::new(b"plain").is_none());
        // Where a matcher that backtracks would not come back.
        assert!(!matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", &"a".repeat(255)));
    }
}
