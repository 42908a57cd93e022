//! How does a file come to us, and when is it whole?
//!
//! The end of a data connection proves nothing: a cut looks the same. A download is whole when the server said 2yz
//! *and* no fewer bytes came than SIZE promised. More bytes than promised and a 2yz is a file that grew while it was
//! read: it is taken, with a warning. More after a REST means that the server sent the file from its start.
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use net::data::Data;
use net::pump::{self, Progress, PumpError};
use wire::{Command, Marker, Pathname, RepresentationType, ascii};

use crate::client::Client;
use crate::driver::{Moved, Mover};
use crate::error::Error;
use crate::event::Event;
use crate::options::TlsEnd;
use crate::session::{Flow, MoveError};
use crate::small_segments::Stall;

/// Takes bytes as they come, on the task that drives the session. An error ends the transfer.
pub type Take<'a> = &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send);

/// Where a download goes.
pub enum Sink<'a> {
    /// Into a file, from the offset on where the download starts.
    File(Arc<File>),
    /// Piece by piece to a function.
    Bytes(Take<'a>),
}

impl Sink<'_> {
    /// The same, for one transfer of several.
    fn again(&mut self) -> Sink<'_> {
        match self {
            Self::File(file) => Sink::File(Arc::clone(file)),
            Self::Bytes(take) => Sink::Bytes(&mut **take),
        }
    }
}

impl Client {
    /// Brings a file as bytes, from `offset` on. Returns how many bytes came; `progress` counts them on the way.
    ///
    /// # Errors
    /// [`Error::Broken`] when the transfer ended before its end: what came is in the sink. [`Error::Nonsense`] when the
    /// server ignored the offset: a file is cut back to it.
    pub async fn retrieve(
        &mut self,
        path: &Pathname,
        offset: u64,
        sink: Sink<'_>,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        let size = self.size(path).await?;
        self.retrieve_sized(path, offset, size, sink, progress).await
    }

    /// As [`Client::retrieve`], where the size is known already, from a listing of a moment ago for example.
    pub async fn retrieve_sized(
        &mut self,
        path: &Pathname,
        offset: u64,
        size: Option<u64>,
        mut sink: Sink<'_>,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        let before = progress.bytes();
        match self.bring(path, offset, size, sink.again(), progress).await {
            Err(error) => {
                self.again_in_small_segments(error).await?;
                let came = progress.bytes() - before;
                let more = self.bring(path, offset + came, size, sink, progress).await?;
                Ok(came + more)
            }
            whole => whole,
        }
    }

    async fn bring(
        &mut self,
        path: &Pathname,
        offset: u64,
        size: Option<u64>,
        sink: Sink<'_>,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        let file = match &sink {
            Sink::File(file) => Some(Arc::clone(file)),
            Sink::Bytes(_) => None,
        };
        let mover = receiving(sink, offset, self.stall_of_bytes(), Arc::clone(progress));
        let Came { bytes, confirmed, end } = self.bring_raw(path, offset, mover, progress).await?;
        let promised = size.map(|size| size.saturating_sub(offset));
        if end == DataEnd::Cut && (!confirmed || promised != Some(bytes)) {
            self.believe_cut(path, bytes, confirmed && promised.is_none())?;
        }
        let (Some(size), Some(promised)) = (size, promised) else {
            return if confirmed { Ok(bytes) } else { Err(Error::unconfirmed(&path.to_string(), bytes)) };
        };
        if bytes < promised {
            return Err(ended_early(path, offset + bytes, size, confirmed));
        }
        if bytes > promised && offset > 0 && bytes >= size {
            if let Some(file) = file {
                file.set_len(offset).map_err(|e| Error::local(format!("cutting back {path}"), e))?;
            }
            let what = format!("the server ignored the offset {offset} and sent {path} from its start");
            return Err(Error::Nonsense { what });
        }
        if !confirmed {
            self.ask_again(path, bytes).await?;
            if bytes != promised || self.size(path).await? != Some(size) {
                return Err(Error::unconfirmed(&path.to_string(), bytes));
            }
            (self.watch)(&Event::Note(format!(
                "{path} is complete: SIZE agrees with the {size} bytes received"
            )));
        }
        if end == DataEnd::Cut {
            self.warn(cut_but_whole(path, size));
        }
        if bytes > promised {
            let more = bytes - promised;
            (self.watch)(&Event::Warning(format!("{path} is {more} bytes longer than SIZE said")));
        }
        Ok(bytes)
    }

    /// RETR from `offset` on, judged by nobody yet.
    pub(crate) async fn bring_raw(
        &mut self,
        path: &Pathname,
        offset: u64,
        mover: Mover<'_>,
        progress: &Arc<Progress>,
    ) -> Result<Came, Error> {
        self.set_type(RepresentationType::Image).await?;
        let restart = (offset > 0).then_some(Marker(offset));
        let cut = Arc::new(AtomicBool::new(false));
        let before = progress.bytes();
        let noting = noting_cut(mover, Arc::clone(&cut), Arc::clone(progress));
        let result = self.transfer(Command::Retr(path.clone()), Flow::Down, restart, noting).await;
        let (bytes, last) = result.map_err(|error| error.after_bytes(progress.bytes() - before))?;
        let end = if cut.load(Ordering::Relaxed) { DataEnd::Cut } else { DataEnd::InOrder };
        Ok(Came { bytes, confirmed: last.is_some(), end })
    }

    /// An end without close_notify of bytes whose number is not known, or is another.
    pub(crate) fn believe_cut(&self, path: &Pathname, bytes: u64, confirmed: bool) -> Result<(), Error> {
        if self.options.tls_end == TlsEnd::Strict || !confirmed {
            return Err(cut_off(&format!("RETR {path}"), bytes));
        }
        self.warn(cut_and_believed(&format!("RETR {path}")));
        Ok(())
    }

    /// What is confirmed and has no size has ended, `cut` by somebody or not.
    pub(crate) fn believe_end(&self, what: &str, bytes: u64, cut: &AtomicBool) -> Result<(), Error> {
        match self.options.tls_end {
            _ if !cut.load(Ordering::Relaxed) => Ok(()),
            TlsEnd::Strict => Err(cut_off(what, bytes)),
            TlsEnd::Lenient => {
                self.warn(cut_and_believed(what));
                Ok(())
            }
        }
    }

    pub(crate) fn warn(&self, text: String) {
        (self.watch)(&Event::Warning(text));
    }

    /// Brings a file as text: line ends become LF. Its size cannot be known beforehand (RFC 3659 4), so that the
    /// server's 2yz is all the proof there is.
    pub async fn retrieve_text(
        &mut self,
        path: &Pathname,
        take: Take<'_>,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        self.set_type(RepresentationType::Ascii).await?;
        let mut decoder = ascii::Decoder::new();
        let mut text = Vec::new();
        let mut decode = |bytes: &[u8]| {
            text.clear();
            decoder.push(bytes, &mut text);
            take(&text)
        };
        let (command, before) = (Command::Retr(path.clone()), progress.bytes());
        let stall = self.stall().until_the_first_byte();
        let cut = Arc::new(AtomicBool::new(false));
        let mover = receiving(Sink::Bytes(&mut decode), 0, stall, Arc::clone(progress));
        let mover = noting_cut(mover, Arc::clone(&cut), Arc::clone(progress));
        let result = match self.transfer(command.clone(), Flow::Down, None, mover).await {
            // Where a text stands at our side says nothing about the server's.
            Err(error) if progress.bytes() == before => {
                self.again_in_small_segments(error).await?;
                let stall = self.stall();
                let mover = receiving(Sink::Bytes(&mut decode), 0, stall, Arc::clone(progress));
                let mover = noting_cut(mover, Arc::clone(&cut), Arc::clone(progress));
                self.transfer(command, Flow::Down, None, mover).await
            }
            other => other,
        };
        let came = progress.bytes();
        let (bytes, last) = result.map_err(|error| error.after_bytes(came))?;
        if last.is_none() {
            return Err(Error::unconfirmed(&path.to_string(), bytes));
        }
        self.believe_end(&format!("RETR {path}"), bytes, &cut)?;
        text.clear();
        decoder.finish(&mut text);
        take(&text).map_err(|e| Error::local(format!("writing {path}"), e))?;
        Ok(bytes)
    }
}

/// A mover that reads to the server's end.
pub(crate) fn receiving(sink: Sink<'_>, offset: u64, stall: Stall, progress: Arc<Progress>) -> Mover<'_> {
    match sink {
        Sink::File(file) => Box::new(move |mut data| {
            Box::pin(async move {
                let before = progress.bytes();
                let mut came =
                    pump::receive_file(&mut data, &file, offset, None, stall.after(0), &progress).await;
                let moved = progress.bytes() - before;
                if let Err(PumpError::Stalled(after)) = came
                    && stall.is_early(after, moved)
                {
                    let at = offset + moved;
                    came = pump::receive_file(&mut data, &file, at, None, stall.later, &progress).await;
                    came = came.map(|more| moved + more);
                }
                ended(came, data)
            })
        }),
        Sink::Bytes(take) => Box::new(move |mut data| {
            Box::pin(async move {
                let mut piece = Vec::with_capacity(PIECE);
                let mut total = 0u64;
                let came = loop {
                    piece.clear();
                    match pump::receive(&mut data, &mut piece, stall.after(total), &progress).await {
                        Ok(0) => break Ok(total),
                        Ok(_) => {}
                        Err(error) => break Err(error),
                    }
                    total += piece.len() as u64;
                    if let Err(error) = take(&piece) {
                        break Err(PumpError::File(error));
                    }
                };
                ended(came, data)
            })
        }),
    }
}

/// What came of a RETR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    /// How many bytes.
    pub(crate) bytes: u64,
    /// The server has said 2yz.
    pub(crate) confirmed: bool,
    pub(crate) end: DataEnd,
}

/// How did a data connection end?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataEnd {
    /// As it should.
    InOrder,
    /// Under TLS, and without its close_notify: anybody in between could have done that.
    Cut,
}

/// A mover for which an end without close_notify is an end, which is noted.
pub(crate) fn noting_cut(mover: Mover<'_>, cut: Arc<AtomicBool>, progress: Arc<Progress>) -> Mover<'_> {
    Box::new(move |data| {
        let before = progress.bytes();
        let moving = mover(data);
        Box::pin(async move {
            match moving.await {
                (Err(MoveError::Peer(error)), data) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    cut.store(true, Ordering::Relaxed);
                    (Ok(progress.bytes() - before), data)
                }
                other => other,
            }
        })
    })
}

pub(crate) fn cut_off(what: &str, bytes: u64) -> Error {
    let what = format!(
        "the data connection of {what} ended without the end of TLS (close_notify): it may have been cut short by somebody in \
         between; --tls-end lenient accepts it all the same"
    );
    Error::Broken { what, moved: bytes }
}

/// For a listing too.
pub(crate) fn cut_and_believed(what: &str) -> String {
    format!(
        "the data connection of {what} ended without the end of TLS (close_notify) and is believed (--tls-end lenient): \
         somebody in between may have cut it short"
    )
}

pub(crate) fn cut_but_whole(path: &Pathname, size: u64) -> String {
    format!(
        "the data connection of {path} ended without the end of TLS (close_notify); its SIZE is {size} bytes, as many as came"
    )
}

/// How an error begins to say that the server calls a file done of which it has sent less than SIZE says.
pub const FINISHED: &str = "the server finished after";

pub(crate) fn ended_early(path: &Pathname, bytes: u64, promised: u64, confirmed: bool) -> Error {
    let what = if confirmed {
        format!("{path}: {FINISHED} {bytes} of {promised} bytes")
    } else {
        format!("{path}: the connection ended after {bytes} of {promised} bytes")
    };
    Error::Broken { what, moved: bytes }
}

/// What is read at a time: large enough that a call costs little beside its copy.
const PIECE: usize = 64 * 1024;

fn ended(came: Result<u64, PumpError>, data: Data) -> Moved {
    (came.map_err(MoveError::from), Some(data))
}

impl From<PumpError> for MoveError {
    fn from(error: PumpError) -> Self {
        match error {
            PumpError::Stalled(after) => Self::Stalled(after),
            PumpError::Peer(error) => Self::Peer(error),
            PumpError::File(error) => Self::Local(error),
            PumpError::Truncated => Self::Peer(io::ErrorKind::UnexpectedEof.into()),
            other @ PumpError::Short { .. } => Self::Local(io::Error::other(other.to_string())),
        }
    }
}

impl Error {
    /// Adds what the progress knows to an error that did not.
    pub(crate) fn after_bytes(self, came: u64) -> Self {
        match self {
            Self::Broken { what, moved: 0 } => Self::Broken { what, moved: came },
            Self::Stalled { place, also, after, .. } => Self::Stalled { place, also, after, moved: came },
            other => other,
        }
    }
}
