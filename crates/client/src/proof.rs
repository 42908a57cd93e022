//! Has the site got what we sent, and are the bytes that it has ours?
//!
//! ```text
//!   last reply --2yz--> SIZE --ours--> [HASH --ours-->] arrived
//!        | none           |              '--another--> in doubt
//!        |                '--less--> in doubt
//!        '--> a new session --> HASH --ours--> arrived
//!                                |--another--> in doubt
//!                                '--not told--> the name was not there before, and is listed now with our size --> arrived
//!                                                '--> in doubt
//! ```
//! SIZE alone proves nothing without a 2yz: what it tells may be the file that was there before, or a part
//! that is kept where only SIZE sees it. What is in doubt is sent whole once more by `upload`, and never
//! extended.
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wire::facts::EntryType;
use wire::option::Opt;
use wire::{Command, Entry, Pathname, Reply, Stamp};

use crate::client::Client;
use crate::download::Download;
use crate::error::Error;
use crate::event::Event;
use crate::options::Verify;
use crate::session::Want;

/// What an upload came to: the bytes that were sent, and the server's last word.
pub(crate) type Sent = (u64, Option<Reply>);

/// So much before the seam of a resumed upload is compared.
pub(crate) const SEAM: u64 = 64 * 1024;

/// So much behind the seam is rather read and thrown away than the session given up to be spared it.
const SURPLUS: usize = 1 << 20;

/// What the site's bytes are, compared with ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    /// And in which way.
    Different(String),
    /// The server does not tell.
    Unknown,
}

/// Was there something under the name before the upload?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// The server said that there was no such file.
    Absent,
    /// There was, or it was not asked.
    Perhaps,
}

/// Why it is in doubt whether an upload has arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The site has so many bytes of it.
    Short(u64),
    /// The site's bytes are others.
    Other(String),
    /// The server has not said that it has arrived, and nothing else proves it.
    Unconfirmed,
}

impl Client {
    /// After data that ended in order and got no last reply: gives up the session, and opens a new one to ask
    /// in.
    pub(crate) async fn ask_again(&mut self, path: &Pathname, bytes: u64) -> Result<(), Error> {
        (self.watch)(&Event::Note(format!(
            "all {bytes} bytes of {path} are through and the control connection is silent or lost (a NAT forgets idle \
             connections): asking again in a new session"
        )));
        self.begin_anew().await.map_err(|error| match error {
            Error::Broken { .. } | Error::Unreachable(_) => {
                let what = format!("the server did not confirm {path}, and a new session failed: {error}");
                Error::Broken { what, moved: bytes }
            }
            other => other,
        })
    }

    /// Has the file arrived? Without a last reply the session has to be a new one.
    ///
    /// # Errors
    /// [`Error::Broken`] when the site has more than was sent: it is not ours, and nothing of ours would
    /// repair it.
    pub(crate) async fn arrived(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        length: u64,
        (confirmed, before): (bool, Before),
    ) -> Result<Result<(), Doubt>, Error> {
        if !confirmed {
            return match self.compare_hash(path, file, length).await? {
                Compared::Same => Ok(Ok(())),
                Compared::Different(how) => Ok(Err(Doubt::Other(how))),
                Compared::Unknown => Ok(self.has_appeared(path, length, before).await?),
            };
        }
        if let Err(doubt) = self.size_is(path, length).await? {
            return Ok(Err(doubt));
        }
        if self.options.verify != Verify::Hash {
            return Ok(Ok(()));
        }
        match self.compare_hash(path, file, length).await? {
            Compared::Same => Ok(Ok(())),
            Compared::Different(how) => Ok(Err(Doubt::Other(how))),
            Compared::Unknown => {
                (self.watch)(&Event::Warning(format!(
                    "the server offers no SHA-256 by HASH: only the size of {path} was compared"
                )));
                Ok(Ok(()))
            }
        }
    }

    /// After a 2yz: is SIZE what was sent, where the server tells it and anybody wants to know?
    pub(crate) async fn size_is(&mut self, path: &Pathname, sent: u64) -> Result<Result<(), Doubt>, Error> {
        if self.options.verify == Verify::Off {
            return Ok(Ok(()));
        }
        match self.size(path).await? {
            Some(there) if there < sent => Ok(Err(Doubt::Short(there))),
            Some(there) if there > sent => Err(Doubt::Short(there).error(path, sent)),
            _ => Ok(Ok(())),
        }
    }

    /// The same where it may have grown since.
    pub(crate) async fn size_is_at_least(
        &mut self,
        path: &Pathname,
        length: u64,
    ) -> Result<Result<(), Doubt>, Error> {
        if self.options.verify == Verify::Off {
            return Ok(Ok(()));
        }
        Ok(match self.size(path).await? {
            Some(there) if there < length => Err(Doubt::Short(there)),
            _ => Ok(()),
        })
    }

    /// Without a 2yz: was the name seen to be absent before, and is it listed now with our length?
    pub(crate) async fn has_appeared(
        &mut self,
        path: &Pathname,
        length: u64,
        before: Before,
    ) -> Result<Result<(), Doubt>, Error> {
        if before == Before::Perhaps || !self.is_listed(path, length).await? {
            return Ok(Err(Doubt::Unconfirmed));
        }
        (self.watch)(&Event::Note(format!(
            "{path} was not there before, and is listed now with all {length} bytes: it has arrived"
        )));
        Ok(Ok(()))
    }

    /// Is there something under the name? Asked before an upload.
    pub(crate) async fn look_before(&mut self, path: &Pathname) -> Result<Before, Error> {
        let question = if self.features.has("MLST") {
            Command::Mlst(Some(path.clone()))
        } else {
            self.set_type(wire::RepresentationType::Image).await?;
            Command::Size(path.clone())
        };
        match self.ask(question).await {
            Err(Error::Refused { reply, .. }) if reply.code.get() == 550 => Ok(Before::Absent),
            Ok(_) | Err(Error::Refused { .. }) => Ok(Before::Perhaps),
            Err(other) => Err(other),
        }
    }

    /// Is it listed with this length? A part that is kept out of sight is not, though SIZE may tell it.
    async fn is_listed(&mut self, path: &Pathname, length: u64) -> Result<bool, Error> {
        if self.features.has("MLST") {
            return match self.stat(Some(path)).await {
                Ok(entry) => Ok(entry.facts.kind.is_none_or(|kind| kind == EntryType::File)
                    && entry.facts.size == Some(length)),
                Err(Error::Refused { .. }) => Ok(false),
                Err(other) => Err(other),
            };
        }
        if self.size(path).await? != Some(length) {
            return Ok(false);
        }
        let as_long =
            |entry: &Entry| entry.facts.kind == Some(EntryType::File) && entry.facts.size == Some(length);
        Ok(self.listing_has(path, as_long).await?.unwrap_or(false))
    }

    /// May something be shown under the name, by MLST or in the listing? A part that is kept out of sight is
    /// not.
    pub(crate) async fn is_shown(&mut self, path: &Pathname) -> Result<bool, Error> {
        if self.features.has("MLST") {
            return Ok(self.look_before(path).await? != Before::Absent);
        }
        // Of such names many listings tell nothing.
        let is_dotted =
            path.as_bytes().rsplit(|byte| *byte == b'/').next().is_some_and(|name| name.starts_with(b"."));
        Ok(is_dotted || self.listing_has(path, |_| true).await?.unwrap_or(true))
    }

    /// Is such an entry of this name in the listing of its directory? None: there is no listing.
    async fn listing_has(
        &mut self,
        path: &Pathname,
        wanted: impl Fn(&Entry) -> bool + Send + Sync,
    ) -> Result<Option<bool>, Error> {
        match self.listed(path).await {
            Ok((Some(entry), _)) if wanted(&entry) => Ok(Some(true)),
            // It may be on a line that could not be read.
            Ok((_, unread)) => Ok(unread.is_empty().then_some(false)),
            Err(Error::Refused { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// When the site's file was modified, by MLST or MDTM; none: it is a part that is kept out of sight, or
    /// that is not told.
    pub(crate) async fn listed_time(&mut self, path: &Pathname) -> Result<(Before, Option<Stamp>), Error> {
        if !self.features.has("MLST") {
            return Ok((Before::Perhaps, self.modified(path).await?));
        }
        match self.stat(Some(path)).await {
            Ok(entry) => Ok((Before::Perhaps, entry.facts.modify)),
            Err(Error::Refused { reply, .. }) if reply.code.get() == 550 => Ok((Before::Absent, None)),
            Err(Error::Refused { .. }) => Ok((Before::Perhaps, None)),
            Err(other) => Err(other),
        }
    }

    /// The first `length` bytes of the site's file by HASH, and of ours.
    pub(crate) async fn compare_hash(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        length: u64,
    ) -> Result<Compared, Error> {
        let Some(theirs) = self.sha256(path, None, length).await? else { return Ok(Compared::Unknown) };
        self.compared(path, file, length, &theirs).await
    }

    /// The same where the site's file may be longer: HASH behind RANG.
    pub(crate) async fn compare_prefix(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        length: u64,
    ) -> Result<Compared, Error> {
        let range = length.checked_sub(1).map(|last| (0, last));
        let Some(theirs) = self.sha256(path, range, length).await? else { return Ok(Compared::Unknown) };
        self.compared(path, file, length, &theirs).await
    }

    async fn compared(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        length: u64,
        theirs: &str,
    ) -> Result<Compared, Error> {
        let ours = digest_of(file, length).await?;
        if ours == theirs {
            (self.watch)(&Event::Note(format!("{path} has the SHA-256 {ours} on both sides")));
            return Ok(Compared::Same);
        }
        Ok(Compared::Different(format!("its SHA-256 there is {theirs} and ours is {ours}")))
    }

    /// HASH (draft-bryan-ftpext-hash), where it is offered with SHA-256; of a range where RANG is offered
    /// too.
    async fn sha256(
        &mut self,
        path: &Pathname,
        range: Option<(u64, u64)>,
        length: u64,
    ) -> Result<Option<String>, Error> {
        if !self.features.offers("HASH", "SHA-256") || range.is_some() && !self.features.has("RANG") {
            return Ok(None);
        }
        if !self.hashes {
            let algorithm = Some(wire::digest::Algorithm::Sha256);
            if self.ask_maybe(Command::Opts(Opt::Hash(algorithm))).await?.is_none() {
                return Ok(None);
            }
            self.hashes = true;
        }
        if range.is_some() {
            match self.exchange(Command::Rang(range), Want::Intermediate).await {
                Ok(_) => {}
                Err(Error::Refused { .. }) => return Ok(None),
                Err(other) => return Err(other),
            }
        }
        let reply = self.hash(path, length).await?;
        if range.is_some() {
            // Where HASH was refused it may still wait for the next transfer.
            match self.exchange(Command::Rang(None), Want::Intermediate).await {
                Ok(_) | Err(Error::Refused { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(reply.and_then(|reply| hash_in(reply.text(), length)))
    }

    async fn hash(&mut self, path: &Pathname, length: u64) -> Result<Option<Reply>, Error> {
        // The server reads all of it before it answers.
        let mut patience = self.options.patience;
        patience.reply += Duration::from_secs(length >> 25);
        match self.exchange_within(Command::Hash(path.clone()), Want::Completion, patience).await {
            Ok(reply) => Ok(Some(reply)),
            Err(Error::Refused { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Compares the last [`SEAM`] bytes before `end` with ours, by REST and RETR. Unknown: the server gives
    /// nothing of it.
    pub(crate) async fn compare_seam(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        end: u64,
        more: More,
    ) -> Result<Compared, Error> {
        let start = end.saturating_sub(SEAM);
        // At most SEAM.
        let mut ours = vec![0; (end - start) as usize];
        file.read_exact_at(&mut ours, start)
            .map_err(|error| Error::local("reading our file again", error))?;
        let (mut theirs, mut piece, mut surplus) = (Vec::with_capacity(ours.len()), Vec::new(), 0);
        let is_enough = |surplus| surplus > 0 && (more == More::None || surplus > SURPLUS);
        let came = async {
            let mut download = Download::open_sized(&mut *self, path, start, None).await?;
            while download.read(&mut piece).await? > 0 {
                let room = ours.len() - theirs.len();
                theirs.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
                surplus += piece.len().saturating_sub(room);
                piece.clear();
                if is_enough(surplus) {
                    download.stop().await;
                    return Ok(());
                }
            }
            download.finish().await.map(drop)
        };
        match came.await {
            Ok(()) if is_enough(surplus) => {
                // The transfer was left in its middle.
                self.begin_anew().await?;
                if more == More::None {
                    return Ok(Compared::Different("it is longer than SIZE says".to_owned()));
                }
            }
            Ok(()) => {}
            Err(Error::Refused { .. }) => return Ok(Compared::Unknown),
            Err(other) => return Err(other),
        }
        if theirs == ours {
            return Ok(Compared::Same);
        }
        Ok(Compared::Different(format!("its bytes before {end} are others than ours")))
    }
}

/// May more of the site's file follow behind what is compared?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    None,
    Some,
}

impl Doubt {
    /// As an error, when nothing more is tried.
    pub(crate) fn error(self, path: &Pathname, sent: u64) -> Error {
        let what = match self {
            Self::Short(there) => {
                format!("{path} was uploaded, but the server has {there} of {sent} bytes")
            }
            Self::Other(how) => format!("{path} was uploaded, but {how}"),
            Self::Unconfirmed => return Error::unconfirmed(&path.to_string(), sent),
        };
        Error::Broken { what, moved: sent }
    }

    /// As a reason to send it whole once more.
    pub(crate) fn reason(&self, path: &Pathname, sent: u64) -> String {
        match self {
            Self::Short(there) => format!("the server has {there} of {sent} bytes of {path}"),
            Self::Other(how) => format!("the server's {path} differs: {how}"),
            Self::Unconfirmed => format!("upload of {path} not confirmed"),
        }
    }
}

/// The SHA-256 of the first `length` bytes of a file of ours, in hexadecimal digits.
pub(crate) async fn digest_of(file: &Arc<File>, length: u64) -> Result<String, Error> {
    let file = Arc::clone(file);
    tokio::task::spawn_blocking(move || digest(&file, length))
        .await
        .map_err(io::Error::other)
        .and_then(|read| read)
        .map_err(|error| Error::local("reading our file again", error))
}

/// `SHA-256 0-49 <64 digits> name`, if it is about the first `length` bytes.
fn hash_in(text: &[u8], length: u64) -> Option<String> {
    let mut words = text.split(|byte| *byte == b' ');
    let about = format!("0-{}", length.saturating_sub(1));
    let fits =
        words.next()?.eq_ignore_ascii_case(b"SHA-256") && (words.next()? == about.as_bytes() || length == 0);
    // What follows is a name, which may look like a hash.
    let hash = words.next()?;
    let is_hash = hash.len() == 64 && hash.iter().all(u8::is_ascii_hexdigit);
    (fits && is_hash).then(|| String::from_utf8_lossy(hash).to_ascii_lowercase())
}

fn digest(file: &File, length: u64) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    let mut at = 0;
    while at < length {
        let want = usize::try_from(length - at).map_or(piece.len(), |left| left.min(piece.len()));
        let room = piece.get_mut(..want).unwrap_or_default();
        file.read_exact_at(room, at)?;
        hash.update(&*room);
        at += want as u64;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_of_just_these_bytes_counts() {
        let hash = "ab".repeat(32);
        let told = |text: String| hash_in(text.as_bytes(), 50);
        assert_eq!(told(format!("SHA-256 0-49 {} a b", hash.to_uppercase())), Some(hash.clone()));
        for other in ["SHA-256 0-50", "SHA-256 1-49", "SHA-1 0-49", "SHA-256"] {
            assert_eq!(told(format!("{other} {hash} a")), None, "{other}");
        }
        assert_eq!(told(format!("SHA-256 0-49 none {hash}")), None);
        assert_eq!(told(String::new()), None);
    }
}
