//! How does a file go to a site, and when has it arrived?
//!
//! When the server said 2yz and, where it tells sizes, its SIZE is ours; without a 2yz only when something
//! else proves it (see `proof`). What is in doubt is sent whole once more, from its first byte, and after
//! that it is a failure: a rest is never sent onto bytes that may be somebody else's.
//!
//! A file of ours that changes while it is sent may arrive as a mixture of both versions. It is sent once
//! more, and the second time its content before and after is compared: one that has only grown has arrived up
//! to the length that it had.
mod noted;
mod ours;
pub(crate) mod record;
mod resume;

use std::fs::File;
use std::sync::Arc;

use net::pump::Progress;
use wire::{Command, Marker, Pathname, RepresentationType, ascii};

use crate::client::Client;
use crate::error::Error;
use crate::event::Event;
use crate::proof::{Before, Doubt, Sent, digest_of};
use crate::sending::{Again, Sending};

use self::noted::Noted;
pub use self::ours::{Resumed, Stored};
use self::ours::{Watched, is_unchanged, snapshot};
pub use self::record::Records;
use self::record::{Snapshot, Was};
pub use self::resume::NOTED;
pub use crate::sending::{Give, Upload, WriteMode};

/// A file of this length or longer is noted in the records, and looked for at the site before it is sent:
/// while it is on its way a NAT may forget the control connection, and only who has looked before can tell
/// afterwards that it is new.
pub const LONG: u64 = 1 << 20;

impl Client {
    /// Stores a file whole under `path`.
    ///
    /// # Errors
    /// [`Error::Broken`] when it cannot be shown that all bytes arrived, and when the file changes all the
    /// time.
    pub async fn store(
        &mut self,
        path: &Pathname,
        file: Arc<File>,
        progress: &Arc<Progress>,
    ) -> Result<Stored, Error> {
        let noted = Noted::new(self, path, progress, LONG);
        let result = self.send_whole(path, &file, progress, &noted).await;
        noted.end(result)
    }

    async fn send_whole(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        progress: &Arc<Progress>,
        noted: &Noted,
    ) -> Result<Stored, Error> {
        let mut first: Option<Resend> = None;
        // Asked once: a later try may find what came of the first.
        let mut was = None;
        loop {
            let ours = snapshot(file)?;
            if was.is_none() && noted.wants(&ours) {
                was = Some(self.was_before(path).await?);
            }
            let content = match &first {
                Some(Resend::Changed) => Some(digest_of(file, ours.length).await?),
                _ => None,
            };
            // What a second try finds may be the first one's.
            let before = match &first {
                None if ours.length >= LONG => match was.filter(|_| !self.features.has("MLST")) {
                    Some(Was::Absent) => Before::Absent,
                    Some(Was::There { .. }) => Before::Perhaps,
                    _ => self.look_before(path).await?,
                },
                _ => Before::Perhaps,
            };
            self.set_type(RepresentationType::Image).await?;
            noted.begin(self, ours, was.unwrap_or(Was::Unknown), 0);
            let watched = Watched::new(ours, content.clone());
            let stor = Command::Stor(path.clone());
            let sent = self.send_range(stor, None, file, 0..ours.length, &watched, progress).await;
            let last = match (sent, &first) {
                (Ok((_, last)), _) => last,
                (Err(_), _) if watched.has_changed() => {
                    // It was broken off, and the session with it.
                    self.begin_anew().await?;
                    self.once_more(path, ours.length, &mut first, Resend::Changed)?;
                    continue;
                }
                (Err(error @ Error::Refused { .. }), Some(why)) => {
                    return Err(why.refused(path, ours.length, &error));
                }
                (Err(error), _) => {
                    self.again_in_small_segments(error).await?;
                    continue;
                }
            };
            if last.is_none() {
                self.ask_again(path, ours.length).await?;
            }
            let confirmed = last.is_some();
            let again = if is_unchanged(file, &ours, content).await? {
                match self.arrived(path, file, ours.length, (confirmed, before)).await? {
                    Ok(()) => {
                        self.tell_growth(path, file, &ours)?;
                        return Ok(Stored { sent: Resumed::Sent(ours.length), ours });
                    }
                    Err(doubt) => Resend::Doubt(doubt),
                }
            } else {
                Resend::Changed
            };
            self.once_more(path, ours.length, &mut first, again)?;
        }
    }

    /// What SIZE and MDTM tell of the name before an upload.
    async fn was_before(&mut self, path: &Pathname) -> Result<Was, Error> {
        self.set_type(RepresentationType::Image).await?;
        let size = match self.ask(Command::Size(path.clone())).await {
            Ok(reply) => Marker::parse(reply.text().trim_ascii()).map(|size| size.0),
            Err(Error::Refused { reply, .. }) if reply.code.get() == 550 => return Ok(Was::Absent),
            Err(Error::Refused { .. }) => None,
            Err(other) => return Err(other),
        };
        let Some(size) = size else { return Ok(Was::Unknown) };
        let time = self.modified(path).await?.map(|time| time.seconds);
        Ok(Was::There { size, time })
    }

    /// Says that it is sent once more, and why; a second time it is an error.
    fn once_more(
        &self,
        path: &Pathname,
        length: u64,
        first: &mut Option<Resend>,
        again: Resend,
    ) -> Result<(), Error> {
        if first.is_some() {
            return Err(again.error(path, length));
        }
        let why = again.reason(path, length);
        (self.watch)(&Event::Warning(format!("{why}; sending it again")));
        *first = Some(again);
        Ok(())
    }

    fn tell_growth(&self, path: &Pathname, file: &File, sent: &Snapshot) -> Result<(), Error> {
        if snapshot(file)?.length > sent.length {
            let length = sent.length;
            (self.watch)(&Event::Warning(format!(
                "the local file has grown meanwhile; {length} bytes of it were uploaded to {path}"
            )));
        }
        Ok(())
    }

    /// Stores what a function gives, a pipe for example. Returns the number of bytes.
    ///
    /// # Errors
    /// [`Error::Broken`] when it cannot be shown that all bytes arrived.
    pub async fn store_stream(
        &mut self,
        path: &Pathname,
        give: Give,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        let upload = Upload::open(&mut *self, path, WriteMode::Replace).await?;
        let mut upload = upload.counting(Arc::clone(progress));
        upload.pipe(give).await?;
        upload.commit().await
    }

    /// Stores text: LF becomes CR LF on the way. Its size at the site depends on how lines end there.
    ///
    /// # Errors
    /// [`Error::Broken`] when the server does not say that it has arrived.
    pub async fn store_text(
        &mut self,
        path: &Pathname,
        give: Give,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        self.set_type(RepresentationType::Ascii).await?;
        let stor = Command::Stor(path.clone());
        let mut sending = Sending::open(&mut *self, stor, None, Again::Kept(Vec::new())).await?;
        sending.count_with(Arc::clone(progress));
        let mut encoder = ascii::Encoder::new();
        let encode = |piece: Vec<u8>| {
            let mut text = Vec::new();
            encoder.push(&piece, &mut text);
            text
        };
        sending.pipe(give, encode).await?;
        match sending.finish().await? {
            (sent, Some(_)) => Ok(sent),
            (sent, None) => Err(Error::unconfirmed(&path.to_string(), sent)),
        }
    }

    async fn send_range(
        &mut self,
        command: Command,
        restart: Option<Marker>,
        file: &Arc<File>,
        range: std::ops::Range<u64>,
        watched: &Watched,
        progress: &Arc<Progress>,
    ) -> Result<Sent, Error> {
        let mut sending = Sending::open(&mut *self, command, restart, Again::ByCaller).await?;
        sending.count_with(Arc::clone(progress));
        sending.file(file, range).await?;
        match sending.wait_for(watched.look(file)).await? {
            Ok(()) => sending.finish().await,
            Err(error) => Err(sending.fail(error).await),
        }
    }
}

/// Why a file is sent once more.
#[derive(Debug)]
enum Resend {
    /// It is in doubt that it has arrived.
    Doubt(Doubt),
    /// It has changed meanwhile.
    Changed,
}

impl Resend {
    fn reason(&self, path: &Pathname, sent: u64) -> String {
        match self {
            Self::Doubt(doubt) => doubt.reason(path, sent),
            Self::Changed => format!("the local file changed during the upload to {path}"),
        }
    }

    fn error(self, path: &Pathname, sent: u64) -> Error {
        match self {
            Self::Doubt(doubt) => doubt.error(path, sent),
            Self::Changed => Error::Broken {
                what: format!(
                    "the local file keeps changing: {path} was uploaded and may be a mixture of its old and new content"
                ),
                moved: sent,
            },
        }
    }

    /// The second try was refused.
    fn refused(&self, path: &Pathname, sent: u64, refusal: &Error) -> Error {
        let what = format!("{}, and the second upload was refused: {refusal}", self.reason(path, sent));
        Error::Broken { what, moved: sent }
    }
}
