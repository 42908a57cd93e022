//! Which bytes of a file does a site have already, and are they ours?
//!
//! ```text
//!   SIZE --none, 0--> whole                     --longer than ours--> whole, as it is another file
//!     |--as long, listed with our time (where HASH of a small file does not tell otherwise), or with the same HASH--> done
//!     |--as long, and listed otherwise--> whole
//!     '--shorter, or as long and out of sight--> do its bytes prove to be ours? --no--> whole
//!                                                   '--yes--> REST, STOR, the rest (or nothing) --> 2yz, HASH --> done
//! ```
//! They are proven by HASH of a RANG; by comparing all of them, where they are no more than 64 KiB; by our
//! own record of the broken upload, of a file that has not changed since, where the server keeps them out of
//! sight; and by that record together with the last 64 KiB of them, where they can be fetched. The record
//! counts only where it says that the name was absent before the upload, or had another SIZE or time than
//! now: else what is there may be the older file. Whatever else is there is another file: it is replaced, as
//! without `-c`, which is said.
use std::fs::File;
use std::sync::Arc;

use net::pump::Progress;
use wire::{Command, Marker, Pathname, RepresentationType};

use super::noted::Noted;
use super::ours::{Resumed, Stored, Watched, is_unchanged, snapshot};
use super::record::{Record, Snapshot, Was};
use crate::client::Client;
use crate::error::Error;
use crate::event::Event;
use crate::options::Verify;
use crate::proof::{Before, Compared, More, SEAM, Sent};

/// Of a file up to this length the HASH is asked for though length and time are the same: it costs next to
/// nothing.
const HASHED: u64 = 1 << 20;

/// With `-c` a shorter file is not noted in the records: it is sent again sooner than it is looked for.
/// Without `-c` it is no file below
/// [`LONG`](super::LONG), as what was there before has to be asked for.
pub const NOTED: u64 = 64 * 1024;

/// What is to be done.
enum Plan {
    Done,
    /// With a word why, where something that is there is not gone on with.
    Whole(Option<String>),
    /// From here on.
    Rest(u64, Known),
}

/// By what the bytes before the seam are known to be ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// By themselves.
    Compared,
    /// By the record alone, as they are out of sight.
    Noted,
}

impl Client {
    /// Sends what the site has not got yet, where what it has proves to be ours; else the whole file.
    ///
    /// # Errors
    /// As [`Client::store`].
    pub async fn store_rest(
        &mut self,
        path: &Pathname,
        file: Arc<File>,
        progress: &Arc<Progress>,
    ) -> Result<Stored, Error> {
        let noted = Noted::new(self, path, progress, NOTED);
        let result = self.send_missing(path, &file, progress, &noted).await;
        noted.end(result)
    }

    async fn send_missing(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        progress: &Arc<Progress>,
        noted: &Noted,
    ) -> Result<Stored, Error> {
        let why = loop {
            let ours = snapshot(file)?;
            let (there, known) = match self.plan(path, file, &ours).await? {
                Plan::Done => {
                    return Ok(Stored { sent: Resumed::AlreadyWhole, ours });
                }
                Plan::Whole(why) => break why,
                Plan::Rest(there, known) => (there, known),
            };
            match self.add_rest(path, file, (&ours, there), known, (progress, noted)).await {
                Ok(Ok(stored)) => return Ok(stored),
                Ok(Err(why)) => break Some(why),
                Err(error) => self.again_in_small_segments(error).await?,
            }
        };
        if let Some(why) = why {
            (self.watch)(&Event::Warning(format!("{why}; uploading {path} from its start")));
        }
        progress.starts_at(0);
        self.send_whole(path, file, progress, noted).await
    }

    async fn plan(&mut self, path: &Pathname, file: &Arc<File>, ours: &Snapshot) -> Result<Plan, Error> {
        let there = match self.size(path).await? {
            Some(there) if there > 0 => there,
            _ => return Ok(Plan::Whole(None)),
        };
        let length = ours.length;
        if there > length {
            let why = format!("the server's file has {there} bytes, the local one {length}");
            return Ok(Plan::Whole(Some(why)));
        }
        let record = self.record_of(path).and_then(|file| file.look());
        let noted = match record
            .filter(|record| record.ours == *ours && record.sent.is_none_or(|sent| there <= sent))
        {
            // Only where the size is the same does the time tell.
            Some(Record { was: was @ Was::There { size, time: Some(_) }, .. }) if size == there => {
                was.is_other_than(there, self.modified(path).await?.map(|time| time.seconds))
            }
            record => record.is_some_and(|record| record.was.is_other_than(there, None)),
        };
        if there < length {
            return self.judge(path, file, there, noted).await;
        }
        let (before, time) = self.listed_time(path).await?;
        if before == Before::Absent {
            return self.judge(path, file, there, noted).await;
        }
        // Times are told to the second, in which our file may have changed once more.
        let same_time = time.is_some_and(|time| Some(time.seconds) == ours.stamp().map(|ours| ours.seconds))
            && record.is_none_or(|record| record.ours == *ours);
        if same_time && self.options.verify != Verify::Hash && length > HASHED {
            return Ok(Plan::Done);
        }
        match self.compare_hash(path, file, length).await? {
            Compared::Same => Ok(Plan::Done),
            Compared::Different(how) => {
                Ok(Plan::Whole(Some(format!("the server's file has the same size, but {how}"))))
            }
            Compared::Unknown if same_time => Ok(Plan::Done),
            // It may be a part out of sight.
            Compared::Unknown if time.is_none() && noted => self.judge(path, file, there, noted).await,
            Compared::Unknown => Ok(Plan::Whole(Some(
                "the server's file has the same size but another time, and there is no HASH to compare"
                    .to_owned(),
            ))),
        }
    }

    /// Do the first `there` bytes of the site prove to be ours?
    async fn judge(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        there: u64,
        noted: bool,
    ) -> Result<Plan, Error> {
        let another =
            |how| Plan::Whole(Some(format!("the server's file is not the start of the local one ({how})")));
        match self.compare_prefix(path, file, there).await? {
            Compared::Same => return Ok(Plan::Rest(there, Known::Compared)),
            Compared::Different(how) => return Ok(another(how)),
            Compared::Unknown => {}
        }
        let compared = self.compare_seam(path, file, there, More::None).await?;
        Ok(match compared {
            Compared::Different(how) => another(how),
            Compared::Same if noted || there <= SEAM => Plan::Rest(there, Known::Compared),
            Compared::Unknown if noted && !self.is_shown(path).await? => Plan::Rest(there, Known::Noted),
            Compared::Same | Compared::Unknown => {
                Plan::Whole(Some(format!("cannot verify the {there} bytes on the server")))
            }
        })
    }

    /// Sends the rest. Where that does not come to a good end, in which words it is to be said that all is
    /// sent.
    async fn add_rest(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        (ours, there): (&Snapshot, u64),
        known: Known,
        (progress, noted): (&Arc<Progress>, &Noted),
    ) -> Result<Result<Stored, String>, Error> {
        let length = ours.length;
        self.set_type(RepresentationType::Image).await?;
        noted.go_on(self, *ours, there);
        progress.starts_at(there);
        let watched = Watched::new(*ours, None);
        let changed = || "the local file changed during the upload".to_owned();
        let last = match self.send_from(path, file, there..length, &watched, progress).await {
            Ok((_, last)) => last,
            Err(_) if watched.has_changed() => {
                self.begin_anew().await?;
                return Ok(Err(changed()));
            }
            Err(error @ Error::Refused { .. }) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error),
        };
        if last.is_none() {
            self.ask_again(path, length).await?;
        }
        if !is_unchanged(file, ours, None).await? {
            return Ok(Err(changed()));
        }
        let before = match known {
            Known::Noted => Before::Absent,
            Known::Compared => Before::Perhaps,
        };
        if let Err(doubt) = self.arrived(path, file, length, (last.is_some(), before)).await? {
            return Ok(Err(doubt.reason(path, length)));
        }
        // What was out of sight can be looked at now; and the server may have put the rest behind another
        // start than it showed, where somebody else has stored to the name meanwhile.
        let whole = match self.compare_hash(path, file, length).await? {
            Compared::Unknown => {
                let more = if there < length { More::Some } else { More::None };
                self.compare_seam(path, file, there, more).await?
            }
            compared => compared,
        };
        if let Compared::Different(how) = whole {
            return Ok(Err(format!("the server's partial file was not from this file ({how})")));
        }
        Ok(Ok(Stored { sent: Resumed::Sent(length - there), ours: *ours }))
    }

    /// Sends the rest of a file whose start is at the site: REST and STOR, or APPE where the server takes no
    /// REST before STOR.
    async fn send_from(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        range: std::ops::Range<u64>,
        watched: &Watched,
        progress: &Arc<Progress>,
    ) -> Result<Sent, Error> {
        let there = range.start;
        let before = progress.bytes();
        let stor = Command::Stor(path.clone());
        match self
            .send_range(stor, Some(Marker(there)), file, range.clone(), watched, progress)
            .await
        {
            Err(error)
                // Not where the server knows REST and has not so many bytes: APPE would add to something
                // else.
                if matches!(&error, Error::Refused { reply, .. } if (500..=504).contains(&reply.code.get()))
                    && progress.bytes() == before
                    && self.size(path).await? == Some(there) =>
            {
                (self.watch)(&Event::Warning(format!("{error}; appending with APPE")));
                self.send_range(Command::Appe(path.clone()), None, file, range, watched, progress)
                    .await
            }
            other => other,
        }
    }
}
