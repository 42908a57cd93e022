//! How is sent what comes piece by piece and only once, as from a pipe?
//!
//! Its beginning is kept, so that it can be sent once more where large packets turn out to get lost on the
//! way (see `small_segments`).
use std::borrow::BorrowMut;
use std::fs::File;
use std::future::pending;
use std::io;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use net::data::{Data, WeakData};
use net::pump::{self, Progress};
use tokio::sync::Notify;
use wire::{Command, Marker, Pathname, Reply, RepresentationType};

use crate::client::Client;
use crate::error::Error;
use crate::proof::Before;
use crate::session::{Flow, MoveError};
use crate::small_segments::Swallowed;
use crate::transfer::Moving;

/// How much of the beginning is kept: more than the kernel takes of a connection on which nothing is
/// acknowledged.
const KEPT: usize = 1024 * 1024;

/// How long the server's end of the data connection is waited for after its 2yz to an upload: it has
/// everything then, and some leave their end open all the same.
const CONFIRMED: Duration = Duration::from_secs(2);

/// Gives the next piece, an empty one at the end. Called on the blocking pool, as a pipe may wait.
pub type Give = Box<dyn FnMut() -> io::Result<Vec<u8>> + Send>;

/// What an upload does with a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Replaces it (STOR).
    Replace,
    /// Keeps so many bytes of it, and replaces the rest (REST and STOR).
    At(u64),
    /// Adds to its end (APPE).
    Append,
}

/// A file on its way to the server, to be written piece by piece: see [`Client::open_write`].
///
/// While it is written, replies on the control connection are heard too, so that a server that refuses more
/// is noticed at once. Dropped before [`Upload::commit`] it gives the session up; the server keeps what has
/// arrived, or not, as a partial file, and never takes it for the whole.
pub struct Upload<S: BorrowMut<Client>> {
    sending: Sending<S>,
    path: Pathname,
    before: Before,
    /// How many bytes of the file are before what is sent; none where it is appended to whatever is there by
    /// then.
    start: Option<u64>,
}

impl Client {
    /// Opens a file to be written, as bytes.
    ///
    /// ```no_run
    /// # async fn example(client: &mut client::Client) -> Result<(), client::Error> {
    /// use client::WriteMode;
    ///
    /// let path = wire::Pathname::new("notes.txt").expect("a name");
    /// let mut upload = client.open_write(&path, WriteMode::Append).await?;
    /// upload.write(b"one line more\n").await?;
    /// // Only now it is certain that it has arrived.
    /// upload.commit().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`] where it may not be written; [`Error::Unreachable`] where no data connection can be
    /// established.
    pub async fn open_write(&mut self, path: &Pathname, mode: WriteMode) -> Result<Upload<&mut Self>, Error> {
        Upload::open(self, path, mode).await
    }
}

impl<S: BorrowMut<Client>> Upload<S> {
    /// As [`Client::open_write`], in a session that is moved in, a pooled one for example: the upload is not
    /// bound to any other value then, and lets go of the session at its end.
    ///
    /// # Errors
    /// As [`Client::open_write`].
    pub async fn open(mut session: S, path: &Pathname, mode: WriteMode) -> Result<Self, Error> {
        let client = session.borrow_mut();
        let (before, start) = match mode {
            WriteMode::Replace => (client.look_before(path).await?, Some(0)),
            WriteMode::At(offset) => (Before::Perhaps, Some(offset)),
            WriteMode::Append => (Before::Perhaps, None),
        };
        client.set_type(RepresentationType::Image).await?;
        let (command, restart) = match mode {
            WriteMode::Replace => (Command::Stor(path.clone()), None),
            WriteMode::At(offset) => (Command::Stor(path.clone()), Some(Marker(offset))),
            WriteMode::Append => (Command::Appe(path.clone()), None),
        };
        // What was appended is not appended once more.
        let again = if mode == WriteMode::Append { Again::Never } else { Again::Kept(Vec::new()) };
        let sending = Sending::open(session, command, restart, again).await?;
        Ok(Self { sending, path: path.clone(), before, start })
    }

    /// The same, where `progress` counts what is written from now on.
    #[must_use]
    pub fn counting(mut self, progress: Arc<Progress>) -> Self {
        self.sending.count_with(progress);
        self
    }

    /// Sends all the bytes, or as many as the kernel does not take at once.
    ///
    /// # Errors
    /// [`Error::Refused`], where the server's disk is full for example, [`Error::Broken`] and
    /// [`Error::Stalled`]: the upload is over.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sending.write(bytes).await
    }

    /// Writes all that a function gives.
    pub(crate) async fn pipe(&mut self, give: Give) -> Result<(), Error> {
        self.sending.pipe(give, |piece| piece).await
    }

    /// Waits for the next bytes to be written, or for anything else, while the control connection is heard.
    ///
    /// # Errors
    /// As [`Upload::write`], when the upload has ended meanwhile.
    pub async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.sending.wait_for(work).await
    }

    /// Ends it: what was written is the whole file. Waits for the server's last reply, and checks that all
    /// has arrived. Returns how many bytes were sent.
    ///
    /// # Errors
    /// [`Error::Broken`] when it cannot be shown that all bytes have arrived.
    pub async fn commit(mut self) -> Result<u64, Error> {
        self.confirm().await
    }

    /// The same, and keeps the [session](Self::client), so that no other task has it before the file
    /// is renamed.
    pub(crate) async fn confirm(&mut self) -> Result<u64, Error> {
        let (sent, last) = self.sending.finish().await?;
        let (client, path) = (self.sending.moving.client(), &self.path);
        let arrived = match (last, self.start) {
            // Others may have appended as well, or replaced it before.
            (Some(_), None) => client.size_is_at_least(path, sent).await?,
            (Some(_), Some(start)) => client.size_is(path, start + sent).await?,
            (None, _) => {
                client.ask_again(path, sent).await?;
                client.has_appeared(path, sent, self.before).await?
            }
        };
        arrived.map(|()| sent).map_err(|doubt| doubt.error(path, sent))
    }

    /// The session, to be used for something else when the upload has ended.
    pub(crate) fn client(&mut self) -> &mut Client {
        self.sending.moving.client()
    }
}

/// What is sent once more, where the transfer stood still before it was well under way?
#[derive(Debug)]
pub(crate) enum Again {
    /// All that was sent so far, as long as it is little.
    Kept(Vec<u8>),
    /// What the caller has: here it is an error.
    ByCaller,
    /// Nothing: it is not given up before its time.
    Never,
}

impl Again {
    fn keep(&mut self, bytes: &[u8]) {
        if let Self::Kept(kept) = self {
            if kept.len() + bytes.len() <= KEPT {
                kept.extend_from_slice(bytes);
            } else {
                *self = Self::Never;
            }
        }
    }
}

/// Bytes on their way to the server.
pub(crate) struct Sending<S: BorrowMut<Client>> {
    moving: Moving<S>,
    restart: Option<Marker>,
    again: Again,
    /// What is kept is to be sent once more before anything else.
    behind: bool,
    sent: u64,
    /// The data connection, seen from beside it.
    outlook: WeakData,
    swallowed: Swallowed,
}

impl<S: BorrowMut<Client>> Sending<S> {
    /// The representation type has been said.
    pub(crate) async fn open(
        session: S,
        command: Command,
        restart: Option<Marker>,
        again: Again,
    ) -> Result<Self, Error> {
        let swallowed = Swallowed::new(session.borrow().stall(), 0);
        let moving = Moving::new(session, command, Flow::Up);
        let (behind, outlook) = (false, WeakData::default());
        let mut sending = Self { moving, restart, again, behind, sent: 0, outlook, swallowed };
        if let Err(error) = sending.start().await {
            sending.resend(error).await?;
        }
        Ok(sending)
    }

    async fn start(&mut self) -> Result<(), Error> {
        Box::pin(self.moving.start(self.restart)).await?;
        self.outlook = self.moving.data.as_ref().map(Data::downgrade).unwrap_or_default();
        self.swallowed = Swallowed::new(self.moving.client().stall(), self.moving.progress.bytes());
        Ok(())
    }

    pub(crate) fn count_with(&mut self, progress: Arc<Progress>) {
        self.swallowed = Swallowed::new(self.moving.client().stall(), progress.bytes());
        self.moving.count_with(progress);
    }

    /// Once more in small segments, if the error is such a one and all that was sent is still there.
    async fn resend(&mut self, error: Error) -> Result<(), Error> {
        if !matches!(self.again, Again::Kept(_)) {
            return Err(error);
        }
        self.behind = true;
        let again = self.moving.client().again_in_small_segments(error).await;
        let done = match again {
            Ok(()) => self.send_kept().await,
            Err(error) => Err(error),
        };
        self.behind = false;
        done
    }

    /// In a new session: starts again, with what is kept.
    async fn send_kept(&mut self) -> Result<(), Error> {
        let Again::Kept(kept) = &self.again else { return Ok(()) };
        let kept = kept.clone();
        self.start().await?;
        self.send(&kept).await
    }

    /// After a resend that its caller has cancelled: how far it has come is not known, so that it
    /// starts once more.
    async fn catch_up(&mut self) -> Result<(), Error> {
        if self.behind {
            self.moving.client().begin_anew().await?;
            self.send_kept().await?;
            self.behind = false;
        }
        Ok(())
    }

    /// See [`Upload::write`].
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.catch_up().await?;
        self.again.keep(bytes);
        self.sent += bytes.len() as u64;
        match self.send(bytes).await {
            Err(error) => self.resend(error).await,
            Ok(()) => Ok(()),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some((driver, transfer, Some(data), progress)) = self.moving.parts() else { return Ok(()) };
        let stall = self.swallowed.stall.later;
        let swallowed = swallowed(&self.again, &mut self.swallowed, &self.outlook, progress);
        let work = async {
            tokio::select! {
                sent = pump::send(data, bytes, stall, progress) => sent.map_err(MoveError::from),
                after = swallowed => Err(MoveError::Stalled(after)),
            }
        };
        let step = driver.follow(transfer, work).await;
        self.moving.conclude(step).await.map(drop)
    }

    /// Sends a range of a file. The kernel copies it where it can. It is not sent once more where it gets
    /// lost.
    pub(crate) async fn file(&mut self, file: &Arc<File>, range: Range<u64>) -> Result<(), Error> {
        if let Again::Kept(_) = self.again {
            self.again = Again::Never;
        }
        let Some((driver, transfer, Some(data), progress)) = self.moving.parts() else { return Ok(()) };
        let stall = self.swallowed.stall.later;
        let swallowed = swallowed(&self.again, &mut self.swallowed, &self.outlook, progress);
        let work = async {
            tokio::select! {
                sent = pump::send_file(data, file, range, stall, progress) => sent.map_err(MoveError::from),
                after = swallowed => Err(MoveError::Stalled(after)),
            }
        };
        let step = driver.follow(transfer, work).await;
        self.sent += self.moving.conclude(step).await?.unwrap_or(0);
        Ok(())
    }

    /// See [`Upload::wait_for`].
    pub(crate) async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.catch_up().await?;
        let mut work = pin!(work);
        loop {
            let Some((driver, transfer, _, progress)) = self.moving.parts() else { return Ok(work.await) };
            let swallowed = swallowed(&self.again, &mut self.swallowed, &self.outlook, progress);
            let beside = async {
                tokio::select! {
                    done = &mut work => Ok(done),
                    after = swallowed => Err(MoveError::Stalled(after)),
                }
            };
            let step = driver.follow(transfer, beside).await;
            match self.moving.conclude(step).await {
                Ok(Some(done)) => return Ok(done),
                Ok(None) => {}
                Err(error) => self.resend(error).await?,
            }
        }
    }

    /// Sends all that a function gives, as `encode` makes it.
    pub(crate) async fn pipe(
        &mut self,
        mut give: Give,
        mut encode: impl FnMut(Vec<u8>) -> Vec<u8>,
    ) -> Result<(), Error> {
        loop {
            let reading = tokio::task::spawn_blocking(move || (give(), give));
            let read = self.wait_for(reading).await?.map_err(io::Error::other);
            match read.and_then(|(piece, back)| Ok((piece?, back))) {
                Ok((piece, _)) if piece.is_empty() => return Ok(()),
                Ok((piece, back)) => {
                    give = back;
                    self.write(&encode(piece)).await?;
                }
                Err(error) => return Err(self.fail(error).await),
            }
        }
    }

    /// Ends it, as our own side has failed.
    pub(crate) async fn fail(&mut self, why: io::Error) -> Error {
        self.moving.fail(why).await
    }

    /// Ends it in order: how many bytes were sent, and the server's last reply, if one has come.
    pub(crate) async fn finish(&mut self) -> Result<(u64, Option<Reply>), Error> {
        self.catch_up().await?;
        loop {
            let (data, confirmed) = (self.moving.data.take(), Arc::clone(&self.moving.confirmed));
            let (Some(data), Some((driver, transfer, _, progress))) = (data, self.moving.parts()) else {
                break;
            };
            let stall = self.swallowed.stall.later;
            let swallowed = swallowed(&self.again, &mut self.swallowed, &self.outlook, progress);
            let outlook = &self.outlook;
            let work = async {
                let mut end = pin!(data.end_upload(stall * 2));
                let after = tokio::select! {
                    // However the peer takes the end, what it has is asked of it afterwards.
                    _ = &mut end => return Ok(()),
                    () = confirmed_for_a_while(&confirmed) => return Ok(()),
                    after = swallowed => after,
                    () = tokio::time::sleep(stall) => stall,
                };
                if outlook.unacknowledged() == Some(0) {
                    // It has everything, and does not end.
                    return Ok(());
                }
                outlook.reset_at_close();
                Err(MoveError::Stalled(after))
            };
            let step = driver.follow(transfer, work).await;
            match self.moving.conclude(step).await {
                Ok(_) => break,
                Err(error) => self.resend(error).await?,
            }
        }
        self.moving.moved(Ok(self.sent)).await?;
        Ok((self.sent, self.moving.ended().1))
    }
}

/// Ends when what was sent is lost on the way and can be sent once more.
async fn swallowed(
    again: &Again,
    watch: &mut Swallowed,
    outlook: &WeakData,
    progress: &Progress,
) -> Duration {
    match again {
        Again::Kept(_) | Again::ByCaller => watch.lost(outlook, progress).await,
        Again::Never => pending().await,
    }
}

async fn confirmed_for_a_while(confirmed: &Notify) {
    confirmed.notified().await;
    tokio::time::sleep(CONFIRMED).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_kept_and_more_than_that_is_not() {
        let mut again = Again::Kept(Vec::new());
        again.keep(&[7; 3]);
        again.keep(&vec![7; KEPT - 3]);
        assert!(matches!(&again, Again::Kept(kept) if kept.len() == KEPT), "to its end");
        again.keep(&[7]);
        assert!(matches!(again, Again::Never), "it would begin in the middle");
        again.keep(&[7]);
        assert!(matches!(again, Again::Never));
    }
}
