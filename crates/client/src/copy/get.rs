//! How does one file of a server become one of ours?
//!
//! ```text
//!   facts --> the target has size and time of the source (resume) --> already there
//!     '--> part --> kept, and proven to be the source's start (resume) --> from its last 64 KiB on
//!            '----> anything else ---------------------------------------> from 0
//!   RETR --> 226 --> facts again --the same--> SIZE --as many bytes--> publish
//!     ^                   '--others--> a second reading, compared from the first byte --the same--> publish
//!     |                                      '-- differs --.
//!     '--- starts over, twice at most <--------------------'-- the seam differs; REST is refused or ignored
//! ```
use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use net::pump::Progress;
use wire::{Command, Pathname, RepresentationType, Stamp};

use super::CopyError;
use super::label::{Label, place};
use super::part::{Earlier, Part, remove_kept};
use super::seam::{SEAM, compare_and_receive, is_difference};
use super::source::{Likeness, Source};
use super::target::{Existing, LocalError, Target, Why};
use crate::client::Client;
use crate::download::{Came, DataEnd, Receiving, Resume, Sink, Take, cut_but_whole, ended_early};
use crate::error::Error;
use crate::event::{Direction, Event};
use crate::options::Verify;
use crate::proof::Compared;

/// How often one file is started over. A source that changes more often than that has to be fetched at
/// another time.
const RESTARTS: usize = 2;

/// The downloads of one run.
#[derive(Debug)]
pub struct Downloads {
    /// Resume what an earlier run has kept, and leave alone what is complete already.
    pub resume: bool,
    /// The files that this run has written: device and inode.
    pub(super) written: Mutex<HashSet<(u64, u64)>>,
    /// Flushes the directory to the disk after each file.
    pub(super) sync_folder: bool,
}

impl Downloads {
    /// Nothing is written yet.
    #[must_use]
    pub fn new(resume: bool) -> Self {
        Self { resume, written: Mutex::default(), sync_folder: true }
    }

    fn is_written(&self, existing: &Existing) -> bool {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(&existing.inode)
    }

    fn wrote(&self, inode: (u64, u64)) {
        self.written.lock().unwrap_or_else(PoisonError::into_inner).insert(inode);
    }
}

/// From where a file is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Its start.
    Afresh,
    /// What an earlier run has left, a finished file too.
    Earlier,
    /// The part that this run has kept, when the session was lost; a finished file is from before it.
    Part,
}

/// What fetching a file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// It is there already, with the source's size and time; nothing was fetched.
    AlreadyThere,
    /// It is there now, and has so many bytes.
    Whole(u64),
}

impl Client {
    /// Fetches one file as bytes. `source` is what a listing has just told of it, if it did.
    ///
    /// [`Verify::Off`] takes the server's 2yz for the end, whatever SIZE says.
    ///
    /// # Errors
    /// Then the target is as it was.
    pub async fn get_file(
        &mut self,
        path: &Pathname,
        source: Option<Source>,
        target: &Target,
        run: &Downloads,
    ) -> Result<Got, CopyError> {
        let start = if run.resume { Start::Earlier } else { Start::Afresh };
        self.get_file_from(start, path, source, target, run).await
    }

    pub(super) async fn get_file_from(
        &mut self,
        start: Start,
        path: &Pathname,
        source: Option<Source>,
        target: &Target,
        run: &Downloads,
    ) -> Result<Got, CopyError> {
        let existing = checked(target, run)?.filter(|_| start != Start::Part);
        let source = match source {
            Some(source) => source,
            None => self.source(path).await?,
        };
        if start == Start::Earlier && existing.is_some_and(|there| is_whole(&there, &source)) {
            remove_kept(target);
            self.done(path, 0, false);
            return Ok(Got::AlreadyThere);
        }
        let of = self.place_of(path);
        let label = Label::new(&of, &source);
        let earlier = if start == Start::Afresh { Earlier::Discard } else { Earlier::Resume };
        let part = Part::take(target, earlier, &label)?;
        let told_end = part.found.as_ref().and_then(|found| found.told_end(&label));
        let mut fetch =
            Fetch { client: self, path, of, source, part, have: 0, first: None, told_end, restarts: 0 };
        if start != Start::Afresh {
            fetch.find_start(target, existing).await?;
        }
        let label = fetch.label().ending(fetch.told_end);
        fetch.part.relabel(&label);
        let bytes = fetch.read().await?;
        let Fetch { client, part, source, .. } = fetch;
        client.publish(path, target, part, source.modified, run).await?;
        client.done(path, bytes, true);
        Ok(Got::Whole(bytes))
    }

    /// Fetches one file as text: line ends become LF. Nothing is kept of a try that failed, as positions in
    /// text are no positions of the server's file.
    ///
    /// # Errors
    /// Then the target is as it was.
    pub async fn get_text(
        &mut self,
        path: &Pathname,
        target: &Target,
        run: &Downloads,
    ) -> Result<Got, CopyError> {
        checked(target, run)?;
        let source = self.source(path).await?;
        let part = Part::spare(target)?;
        let mut out = BufWriter::new(&**part.file());
        let result = self.receive_all(path, &mut |bytes| out.write_all(bytes), true).await;
        let flushed = out.flush();
        drop(out);
        result?;
        flushed.map_err(|error| target.here(error))?;
        let now = self.source_again(path, &source).await?;
        if let Likeness::Differs(what) = source.likeness(&now) {
            let what = format!(
                "the {what} of {path} changed during the download: the data may be a mixture of old and new"
            );
            return Err(Error::Broken { what, moved: 0 }.into());
        }
        let bytes = part.length()?;
        self.publish(path, target, part, None, run).await?;
        self.done(path, bytes, true);
        Ok(Got::Whole(bytes))
    }

    /// Writes one file to a stream, as bytes or as text, as it comes. Returns how many bytes came.
    ///
    /// # Errors
    /// Of the session, and where `out` cannot be written to ([`Error::Local`]); what came before is written.
    pub async fn get_stream(
        &mut self,
        path: &Pathname,
        out: &mut (dyn Write + Send),
        text: bool,
    ) -> Result<u64, Error> {
        let bytes = self.receive_all(path, &mut |bytes| out.write_all(bytes), text).await?;
        out.flush().map_err(|error| Error::local(format!("writing {path}"), error))?;
        self.done(path, bytes, true);
        Ok(bytes)
    }

    async fn receive_all(&mut self, path: &Pathname, take: Take<'_>, text: bool) -> Result<u64, Error> {
        let size = if text { None } else { self.size(path).await? };
        let progress = Arc::new(Progress::default());
        self.started(path, Direction::Download { part: None }, (0, 0), size, &progress);
        let came = if text {
            self.retrieve_text(path, take, &progress).await
        } else {
            self.retrieve_sized(path, 0, size, Sink::Bytes(take), &progress).await
        };
        self.stopped(path);
        came
    }

    async fn publish(
        &mut self,
        path: &Pathname,
        target: &Target,
        part: Part<'_>,
        modified: Option<Stamp>,
        run: &Downloads,
    ) -> Result<(), LocalError> {
        let (inode, odd) = part.publish(modified).await?;
        run.wrote(inode);
        if let Some(error) = odd {
            self.warn(format!("{path} is complete, but its time could not be set: {error}"));
        }
        if run.sync_folder
            && let Err(error) = target.sync_folder()
        {
            self.warn(format!(
                "{path} is complete, but its directory could not be flushed to the disk: {error}"
            ));
        }
        Ok(())
    }
}

/// What is there, if it can be replaced.
fn checked(target: &Target, run: &Downloads) -> Result<Option<Existing>, LocalError> {
    let existing = target.existing()?;
    match &existing {
        Some(there) if run.is_written(there) => Err(target.wrong(Why::Collides)),
        _ => Ok(existing),
    }
}

/// Has a file of ours the size and the time of the source?
fn is_whole(there: &Existing, source: &Source) -> bool {
    source.size == Some(there.length) && source.modified.is_some_and(|stamp| stamp.seconds == there.modified)
}

/// One file on its way.
struct Fetch<'a> {
    client: &'a mut Client,
    path: &'a Pathname,
    /// Where the source is, as labels have it.
    of: String,
    source: Source,
    part: Part<'a>,
    /// How many bytes of the part are the source's.
    have: u64,
    /// The source changed during a first reading, which had so many bytes.
    first: Option<u64>,
    /// Where the server said in an earlier run that it was done, though SIZE said more.
    told_end: Option<u64>,
    restarts: usize,
}

impl Fetch<'_> {
    fn label(&self) -> Label {
        Label::new(&self.of, &self.source)
    }

    /// The label of bytes of which it is not known yet whether they are the source's.
    fn unproven(&self) -> Label {
        Label::new(&self.of, &Source::default())
    }

    fn site(&self, error: Error) -> CopyError {
        let kept = self.part.is_kept() && self.part.length().is_ok_and(|length| length > 0);
        CopyError::Server { error, kept }
    }

    /// Of what an earlier run has left, how much is the start of the source?
    async fn find_start(&mut self, target: &Target, existing: Option<Existing>) -> Result<(), CopyError> {
        // Without SIZE it could not be seen that the server began elsewhere than it was asked to, in a file
        // that looks the same there.
        let fits = |length: u64, source: &Source| source.size.is_some_and(|size| length <= size);
        let length = self.part.length()?;
        if let Some(found) = self.part.found.clone().filter(|_| length > 0) {
            let likeness = found.likeness(&self.label());
            let why = match likeness {
                Likeness::Same if fits(length, &self.source) => {
                    self.have = length;
                    return Ok(());
                }
                Likeness::Same if self.source.size.is_none() => {
                    "the server does not report its size".to_owned()
                }
                Likeness::Same => "it is larger than the server's file".to_owned(),
                Likeness::Differs("place") => "it is part of another file".to_owned(),
                Likeness::Differs(what) => format!("the {what} of the server's file has changed"),
                Likeness::Unknown => "the server does not report whether the file has changed".to_owned(),
            };
            if fits(length, &self.source) && self.is_start(length).await? {
                return Ok(());
            }
            self.client.warn(format!("cannot resume {}: {why}; starting over", self.path));
            self.told_end = None;
            self.part.start_over(&self.label())?;
            return Ok(());
        }
        let Some(there) = existing.filter(|there| there.length > 0) else { return Ok(()) };
        if fits(there.length, &self.source) && self.client.features.offers("HASH", "SHA-256") {
            self.part.relabel(&self.unproven());
            self.copy(target).await?;
            let length = self.part.length()?;
            if fits(length, &self.source) && self.is_start(length).await? {
                return Ok(());
            }
            self.part.start_over(&self.label())?;
        }
        let name = target.path();
        self.client.warn(format!(
            "cannot verify {} as a partial copy; downloading it again from the start",
            wire::pathname::show(std::os::unix::ffi::OsStrExt::as_bytes(name.as_os_str()))
        ));
        Ok(())
    }

    /// Does the source begin with the part? If so, it is resumed.
    async fn is_start(&mut self, length: u64) -> Result<bool, CopyError> {
        let file = Arc::clone(self.part.file());
        // Not where the server does not tell.
        let is_start = length == 0
            || match self.client.compare_prefix(self.path, &file, length).await {
                Ok(compared) => compared == Compared::Same,
                Err(error) => return Err(self.site(error)),
            };
        if is_start {
            (self.client.watch)(&Event::Note(format!(
                "the first {length} bytes of {} have the same SHA-256 on both sides",
                self.path
            )));
            self.have = length;
        }
        Ok(is_start)
    }

    /// Copies the user's own file into the part.
    async fn copy(&mut self, target: &Target) -> Result<(), LocalError> {
        let here = |error: io::Error| target.here(error);
        let (from, to) = (target.open().map_err(here)?, Arc::clone(self.part.file()));
        // The standard library has the kernel do it, and so it costs nothing where the file system shares
        // blocks.
        let copied = tokio::task::spawn_blocking(move || io::copy(&mut &from, &mut &*to)).await;
        copied.map_err(io::Error::other).flatten().map_err(here)?;
        Ok(())
    }

    /// Fetches until the part is the source. Returns its length.
    async fn read(&mut self) -> Result<u64, CopyError> {
        loop {
            // Without SIZE, from the start: see `find_start`.
            let from_start = self.first.is_some() || self.source.size.is_none();
            let from = if from_start { 0 } else { self.have.saturating_sub(SEAM) };
            let came = match self.retrieve(from).await {
                Ok(came) => came,
                Err(error) => {
                    self.settled().await?;
                    if is_difference(&error) {
                        self.start_over("the partial file differs from the server's").await?;
                    } else if from > 0 && refuses_rest(&error) {
                        self.start_over(&format!("{error}")).await?;
                    } else {
                        self.again_in_small_segments(error).await?;
                    }
                    continue;
                }
            };
            if let Some(total) = self.judge(from, came).await? {
                return Ok(total);
            }
        }
    }

    async fn retrieve(&mut self, from: u64) -> Result<Came, Error> {
        let progress = Arc::new(Progress::default());
        let part = self.part.is_kept().then(|| self.part.path());
        let direction = Direction::Download { part };
        self.client.started(self.path, direction, (from, self.have), self.source.size, &progress);
        let came = self.receive(from, progress).await;
        self.client.stopped(self.path);
        came
    }

    async fn receive(&mut self, from: u64, progress: Arc<Progress>) -> Result<Came, Error> {
        self.client.set_type(RepresentationType::Image).await?;
        let retr = Command::Retr(self.path.clone());
        let mut receiving = Receiving::open(&mut *self.client, retr, from, Resume::Not).await?;
        receiving.count_with(progress);
        compare_and_receive(&mut receiving, self.part.file(), (from, self.have)).await?;
        receiving.finish().await
    }

    /// Is it whole? `None`: once more.
    async fn judge(&mut self, from: u64, came: Came) -> Result<Option<u64>, CopyError> {
        let total = from + came.bytes;
        let as_told = self.source.size == Some(total);
        if came.end == DataEnd::Cut && !(came.confirmed && as_told) {
            let sizeless = came.confirmed && self.source.size.is_none();
            self.client.believe_cut(self.path, came.bytes, sizeless).map_err(|error| self.site(error))?;
        }
        if !came.confirmed {
            if !as_told {
                let error = match self.source.size {
                    Some(size) if size > total => ended_early(self.path, total, size, false),
                    _ => Error::unconfirmed(&self.path.to_string(), came.bytes),
                };
                return Err(self.site(error));
            }
            if let Err(error) = self.client.ask_again(self.path, came.bytes).await {
                return Err(self.site(error));
            }
        }
        let now = self.facts().await?;
        if let Likeness::Differs(what) = self.source.likeness(&now) {
            return self.changed(total, what, now).await;
        }
        // Without SIZE nothing else would tell a file that was replaced and removed since.
        if self.source.size.is_none() && self.source.modified.is_some() && now.modified.is_none() {
            return self.again("the server no longer tells when it was modified").await;
        }
        if self.part.length()? != total {
            return self.again("the server's file is shorter than the partial one").await;
        }
        let trusting = self.client.options.verify == Verify::Off;
        match self.source.size {
            // SIZE is not to blame for that. Where there is some more than before, that is kept first.
            Some(size)
                if total < size
                    && from > 0
                    && self.told_end != Some(total)
                    && (trusting || total == self.have) =>
            {
                return self.again("the server ended early and may have ignored REST").await;
            }
            Some(size) if total < size && trusting => {
                self.client.warn(format!("accepted {} with {total} bytes; SIZE says {size}", self.path));
            }
            Some(size) if total < size && self.told_end == Some(total) => {
                return Err(CopyError::SizeIsWrong { path: self.path.to_string(), size, came: total });
            }
            Some(size) if total < size => {
                if from == 0 {
                    let label = self.label().ending(Some(total));
                    self.part.relabel(&label);
                }
                return Err(self.site(ended_early(self.path, total, size, true)));
            }
            Some(size) if total > size && self.have > 0 && self.first.is_none() => {
                return self.again("the server ignored REST, or sent more than there is").await;
            }
            Some(size) if total > size => {
                self.client.warn(format!("{} is {} bytes longer than SIZE said", self.path, total - size));
            }
            Some(size) if came.end == DataEnd::Cut => self.client.warn(cut_but_whole(self.path, size)),
            Some(size) if !came.confirmed => (self.client.watch)(&Event::Note(format!(
                "{} is complete: SIZE agrees with the {size} bytes received",
                self.path
            ))),
            _ => {}
        }
        Ok(Some(total))
    }

    /// The source has changed while it was read.
    async fn changed(
        &mut self,
        total: u64,
        what: &'static str,
        now: Source,
    ) -> Result<Option<u64>, CopyError> {
        if let Some(first) = self.first.filter(|_| self.part.length().is_ok_and(|length| length == total)) {
            // It grows all the time, as a log does.
            self.part.cut(first)?;
            self.client.warn(format!(
                "{} keeps changing: its first {first} bytes were the same in two downloads, and are accepted",
                self.path
            ));
            return Ok(Some(first));
        }
        if self.first.is_some() || now.size.is_some_and(|size| size < total) {
            return self.again("the file changed during the download").await;
        }
        // What is there may be a piece of the one and a piece of the other.
        self.part.relabel(&self.unproven());
        self.client
            .warn(format!("the {what} of {} changed during the download; downloading it again", self.path));
        self.first = Some(total);
        self.have = total;
        self.source = now;
        self.told_end = None;
        Ok(None)
    }

    async fn again(&mut self, why: &str) -> Result<Option<u64>, CopyError> {
        self.start_over(why).await?;
        Ok(None)
    }

    /// Discards what there is, and says so.
    async fn start_over(&mut self, why: &str) -> Result<(), CopyError> {
        self.restarts += 1;
        if self.restarts > RESTARTS {
            let what = format!("{}: {why}, again and again", self.path);
            return Err(CopyError::Server { error: Error::Broken { what, moved: 0 }, kept: false });
        }
        self.client.warn(format!("{}: {why}; starting over", self.path));
        self.source = self.facts().await?;
        (self.have, self.first, self.told_end) = (0, None, None);
        self.part.start_over(&self.label())?;
        Ok(())
    }

    /// What the server tells of the source now. A session that is over is followed by another.
    async fn facts(&mut self) -> Result<Source, CopyError> {
        let told = self.client.source_again(self.path, &self.source).await;
        let told = match told {
            Err(error) if !error.leaves_session_usable() => match self.client.begin_anew().await {
                Ok(()) => self.client.source_again(self.path, &self.source).await,
                Err(error) => Err(error),
            },
            told => told,
        };
        told.map_err(|error| self.site(error))
    }

    /// After a transfer that stood still before it was well under way: once more, with small packets. Any
    /// other error is the end.
    async fn again_in_small_segments(&mut self, error: Error) -> Result<(), CopyError> {
        if let Err(error) = self.client.again_in_small_segments(error).await {
            return Err(self.site(error));
        }
        if self.first.is_none() {
            self.have = self.part.length()?;
        }
        Ok(())
    }

    /// Waits until no thread writes what came before a transfer was ended.
    async fn settled(&self) -> Result<(), CopyError> {
        for _ in 0..5000 {
            if Arc::strong_count(self.part.file()) == 1 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let error = Error::local(format!("writing {}", self.path), io::ErrorKind::TimedOut.into());
        Err(self.site(error))
    }
}

impl Client {
    fn place_of(&self, path: &Pathname) -> String {
        let (site, user) = self.who();
        place(&site.host, site.port, user, path)
    }
}

/// Can a file not be started in its middle? Where it cannot be fetched at all, another answer comes.
fn refuses_rest(error: &Error) -> bool {
    let Error::Refused { said, reply } = error else { return false };
    said.starts_with("REST") || matches!(reply.code.get(), 501..=504 | 551 | 554)
}
