//! How does a file come to us, and when is it whole?
//!
//! The end of a data connection proves nothing: a cut looks the same. A download is whole when the server
//! said 2yz *and* no fewer bytes came than SIZE promised. More bytes than promised and a 2yz is a file that
//! grew while it was read: it is taken, with a warning. More after a REST means that the server sent the file
//! from its start.
use std::borrow::BorrowMut;
use std::fs::File;
use std::io;
use std::sync::Arc;

use net::pump::{self, Progress, PumpError};
use wire::{Command, Marker, Pathname, RepresentationType, ascii};

use crate::client::Client;
use crate::error::Error;
use crate::event::Event;
use crate::options::TlsEnd;
use crate::session::{Flow, MoveError};
use crate::small_segments::Stall;
use crate::transfer::Moving;

/// Takes bytes as they come, on the task that drives the session. An error ends the transfer.
pub type Take<'a> = &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send);

/// Where a download goes.
pub enum Sink<'a> {
    /// Into a file, from the offset on where the download starts.
    File(Arc<File>),
    /// Piece by piece to a function.
    Bytes(Take<'a>),
}

/// A file on its way to us, to be read piece by piece: see [`Client::open_read`].
///
/// While it is read, replies on the control connection are heard too, so that a server that breaks off is
/// noticed at once. Dropped before [`Download::finish`] or [`Download::stop`] it gives the session up.
pub struct Download<S: BorrowMut<Client>> {
    receiving: Receiving<S>,
    path: Pathname,
    offset: u64,
    size: Option<u64>,
    /// Where the bytes have gone, if they have gone into a file.
    file: Option<Arc<File>>,
}

impl Client {
    /// Opens a file to be read, as bytes, from `offset` on.
    ///
    /// ```no_run
    /// # async fn example(client: &mut client::Client) -> Result<(), client::Error> {
    /// let path = wire::Pathname::new("pub/README").expect("a name");
    /// let mut download = client.open_read(&path, 0).await?;
    /// let mut piece = Vec::new();
    /// while download.read(&mut piece).await? > 0 {
    ///     print!("{}", String::from_utf8_lossy(&piece));
    ///     piece.clear();
    /// }
    /// // Only now it is certain that this was the whole file.
    /// download.finish().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such file, or the server cannot start at `offset`;
    /// [`Error::Unreachable`] where no data connection can be established.
    pub async fn open_read(&mut self, path: &Pathname, offset: u64) -> Result<Download<&mut Self>, Error> {
        Download::open(self, path, offset).await
    }

    /// Downloads a file as bytes, from `offset` on. Returns how many bytes came; `progress` counts them on
    /// the way.
    ///
    /// # Errors
    /// [`Error::Broken`] when the transfer ended before its end: what came is in the sink.
    /// [`Error::Nonsense`] when the server ignored the offset: a file is cut back to it.
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
    pub(crate) async fn retrieve_sized(
        &mut self,
        path: &Pathname,
        offset: u64,
        size: Option<u64>,
        sink: Sink<'_>,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        let download = Download::open_sized(self, path, offset, size).await?;
        let mut download = download.counting(Arc::clone(progress));
        match sink {
            Sink::File(file) => download.copy_to_file(&file).await?,
            Sink::Bytes(take) => download.receiving.each(take).await?,
        }
        download.finish().await
    }

    /// Downloads a file as text: line ends become LF. Its size cannot be known beforehand (RFC 3659 4), so
    /// that the server's 2yz is all the proof there is.
    pub(crate) async fn retrieve_text(
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
        let mut receiving =
            Receiving::open(&mut *self, Command::Retr(path.clone()), 0, Resume::AtStart).await?;
        receiving.count_with(Arc::clone(progress));
        receiving.each(&mut decode).await?;
        let came = receiving.finish().await?;
        if !came.confirmed {
            return Err(Error::unconfirmed(&path.to_string(), came.bytes));
        }
        self.believe_end(&format!("RETR {path}"), came)?;
        text.clear();
        decoder.finish(&mut text);
        take(&text).map_err(|e| Error::local(format!("writing {path}"), e))?;
        Ok(came.bytes)
    }

    /// An end without close_notify of bytes whose number is not known, or is another.
    pub(crate) fn believe_cut(&self, path: &Pathname, bytes: u64, confirmed: bool) -> Result<(), Error> {
        if self.options.tls_end == TlsEnd::Strict || !confirmed {
            return Err(cut_off(&format!("RETR {path}"), bytes));
        }
        self.warn(cut_and_believed(&format!("RETR {path}")));
        Ok(())
    }

    /// What is confirmed and has no size has ended, cut by somebody or not.
    pub(crate) fn believe_end(&self, what: &str, came: Came) -> Result<(), Error> {
        match self.options.tls_end {
            _ if came.end == DataEnd::InOrder => Ok(()),
            TlsEnd::Strict => Err(cut_off(what, came.bytes)),
            TlsEnd::Lenient => {
                self.warn(cut_and_believed(what));
                Ok(())
            }
        }
    }

    pub(crate) fn warn(&self, text: String) {
        (self.watch)(&Event::Warning(text));
    }
}

impl<S: BorrowMut<Client>> Download<S> {
    /// As [`Client::open_read`], in a session that is moved in, a pooled one for example: the download is not
    /// bound to any other value then, and lets go of the session at its end.
    ///
    /// # Errors
    /// As [`Client::open_read`].
    pub async fn open(mut session: S, path: &Pathname, offset: u64) -> Result<Self, Error> {
        let size = session.borrow_mut().size(path).await?;
        Self::open_sized(session, path, offset, size).await
    }

    /// The same, where the size is known already, from a listing of a moment ago for example.
    ///
    /// # Errors
    /// As [`Client::open_read`].
    pub async fn open_sized(
        mut session: S,
        path: &Pathname,
        offset: u64,
        size: Option<u64>,
    ) -> Result<Self, Error> {
        session.borrow_mut().set_type(RepresentationType::Image).await?;
        let retr = Command::Retr(path.clone());
        let receiving = Receiving::open(session, retr, offset, Resume::InMiddle).await?;
        Ok(Self { receiving, path: path.clone(), offset, size, file: None })
    }

    /// The same, where `progress` counts what is read from now on.
    #[must_use]
    pub fn counting(mut self, progress: Arc<Progress>) -> Self {
        self.receiving.count_with(progress);
        self
    }

    /// The size of the whole file, where the server has told it.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Appends what has arrived to `into`, waiting for the first byte; 0 is the end of the data. Cancel-safe.
    ///
    /// # Errors
    /// [`Error::Broken`] and [`Error::Stalled`], when the transfer has ended before its end.
    pub async fn read(&mut self, into: &mut Vec<u8>) -> Result<usize, Error> {
        self.receiving.read(into).await
    }

    /// Receives the rest into a file, each byte at the offset that it has in the server's file. The kernel
    /// copies it where it can.
    ///
    /// # Errors
    /// As [`Download::read`]; what came is in the file.
    pub async fn copy_to_file(&mut self, file: &Arc<File>) -> Result<(), Error> {
        self.file = Some(Arc::clone(file));
        let at = self.offset + self.receiving.moving.bytes();
        self.receiving.receive_into(file, at).await
    }

    /// Ends it: waits for the server's last reply, and checks that the whole file has come. What has not been
    /// read is discarded. Returns how many bytes came.
    ///
    /// # Errors
    /// [`Error::Broken`] when that was not the whole file, or nothing proves it; [`Error::Nonsense`] when the
    /// server ignored the offset: the file is cut back to it.
    pub async fn finish(self) -> Result<u64, Error> {
        let Self { mut receiving, path, offset, size, file } = self;
        receiving.read_to_end().await?;
        let Came { bytes, start, confirmed, end } = receiving.hear_end().await?;
        let client = receiving.moving.client();
        // A transfer that was taken up in its middle is judged by its last part.
        let (all, offset, bytes) = (bytes, start, bytes - (start - offset));
        let promised = size.map(|size| size.saturating_sub(offset));
        if end == DataEnd::Cut && (!confirmed || promised != Some(bytes)) {
            client.believe_cut(&path, bytes, confirmed && promised.is_none())?;
        }
        let (Some(size), Some(promised)) = (size, promised) else {
            return if confirmed { Ok(all) } else { Err(Error::unconfirmed(&path.to_string(), bytes)) };
        };
        if bytes < promised {
            return Err(ended_early(&path, offset + bytes, size, confirmed));
        }
        if bytes > promised && offset > 0 && bytes >= size {
            if let Some(file) = file {
                file.set_len(offset).map_err(|e| Error::local(format!("cutting back {path}"), e))?;
            }
            let what = format!("the server ignored the offset {offset} and sent {path} from its start");
            return Err(Error::Nonsense { what });
        }
        if !confirmed {
            client.ask_again(&path, bytes).await?;
            if bytes != promised || client.size(&path).await? != Some(size) {
                return Err(Error::unconfirmed(&path.to_string(), bytes));
            }
            (client.watch)(&Event::Note(format!(
                "{path} is complete: SIZE agrees with the {size} bytes received"
            )));
        }
        if end == DataEnd::Cut {
            client.warn(cut_but_whole(&path, size));
        }
        if bytes > promised {
            let more = bytes - promised;
            client.warn(format!("{path} is {more} bytes longer than SIZE said"));
        }
        Ok(all)
    }

    /// Ends it where it is: closes the data connection and waits for the server's last reply. The session can
    /// be used for something else then, unless [`Client::is_usable`] says otherwise.
    pub async fn stop(mut self) {
        self.receiving.fail(io::Error::other("no more of it is wanted")).await;
    }
}

/// Where is a transfer taken up that stood still before it was well under way?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Where it stood.
    InMiddle,
    /// At its start, as long as nothing has come.
    AtStart,
    /// By the caller.
    Not,
}

/// Bytes on their way to us, of a file or a listing.
pub(crate) struct Receiving<S: BorrowMut<Client>> {
    moving: Moving<S>,
    resume: Resume,
    stall: Stall,
    /// Where in the file the first byte is.
    offset: u64,
    /// How many bytes had come when the transfer was started, for the last time.
    since: u64,
    end: Option<DataEnd>,
}

impl<S: BorrowMut<Client>> Receiving<S> {
    /// The representation type has been said.
    pub(crate) async fn open(
        session: S,
        command: Command,
        offset: u64,
        resume: Resume,
    ) -> Result<Self, Error> {
        let mut receiving = Self::new(session, command, offset, resume);
        receiving.begin().await?;
        Ok(receiving)
    }

    /// The same; nothing is said before [`Receiving::begin`].
    pub(crate) fn new(session: S, command: Command, offset: u64, resume: Resume) -> Self {
        let (stall, moving) = (session.borrow().stall(), Moving::new(session, command, Flow::Down));
        Self { moving, resume, stall, offset, since: 0, end: None }
    }

    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        match self.start().await {
            Err(error) => self.again(error).await,
            Ok(()) => Ok(()),
        }
    }

    pub(crate) fn client(&mut self) -> &mut Client {
        self.moving.client()
    }

    async fn start(&mut self) -> Result<(), Error> {
        self.since = self.moving.bytes();
        let client = self.moving.client();
        self.stall = match self.resume {
            Resume::AtStart => client.stall().until_the_first_byte(),
            Resume::InMiddle | Resume::Not => client.stall_of_bytes(),
        };
        let at = self.offset + self.since;
        Box::pin(self.moving.start((at > 0).then_some(Marker(at)))).await
    }

    /// Once more in small segments, if the error is such a one.
    async fn again(&mut self, error: Error) -> Result<(), Error> {
        let may = match self.resume {
            Resume::InMiddle => true,
            Resume::AtStart => self.moving.bytes() == 0,
            Resume::Not => false,
        };
        if !may {
            return Err(error);
        }
        self.moving.client().again_in_small_segments(error).await?;
        self.start().await
    }

    pub(crate) fn count_with(&mut self, progress: Arc<Progress>) {
        self.moving.count_with(progress);
    }

    /// See [`Download::read`].
    pub(crate) async fn read(&mut self, into: &mut Vec<u8>) -> Result<usize, Error> {
        while self.end.is_none() {
            let after = self.stall.after(self.moving.bytes() - self.since);
            let Some((driver, transfer, Some(data), progress)) = self.moving.parts() else {
                self.end = Some(DataEnd::InOrder);
                break;
            };
            let work = async { or_cut(pump::receive(data, into, after, progress).await) };
            let step = driver.follow(transfer, work).await;
            match self.moving.conclude(step).await {
                Ok(Some(Piece::Bytes(0)) | None) => self.end = Some(DataEnd::InOrder),
                Ok(Some(Piece::Bytes(count))) => return Ok(count),
                Ok(Some(Piece::Cut)) => self.end = Some(DataEnd::Cut),
                Err(error) => self.again(error).await?,
            }
        }
        Ok(0)
    }

    /// Gives all that comes to a function.
    pub(crate) async fn each(&mut self, take: Take<'_>) -> Result<(), Error> {
        let mut piece = Vec::with_capacity(PIECE);
        while self.read(&mut piece).await? > 0 {
            if let Err(error) = take(&piece) {
                return Err(self.fail(error).await);
            }
            piece.clear();
        }
        Ok(())
    }

    async fn read_to_end(&mut self) -> Result<(), Error> {
        self.each(&mut |_| Ok(())).await
    }

    /// Receives into a file, from offset `at` on.
    pub(crate) async fn receive_into(&mut self, file: &Arc<File>, at: u64) -> Result<(), Error> {
        let begun = self.moving.bytes();
        while self.end.is_none() {
            let bytes = self.moving.bytes();
            let (at, since, stall) = (at + bytes - begun, bytes - self.since, self.stall);
            let Some((driver, transfer, Some(data), progress)) = self.moving.parts() else {
                self.end = Some(DataEnd::InOrder);
                break;
            };
            let before = progress.bytes();
            let work = async {
                let mut came = pump::receive_file(data, file, at, None, stall.after(since), progress).await;
                let moved = progress.bytes() - before;
                if let Err(PumpError::Stalled(after)) = came
                    && stall.is_early(after, since + moved)
                {
                    came = pump::receive_file(data, file, at + moved, None, stall.later, progress).await;
                }
                or_cut(came.map(|_| 0))
            };
            let step = driver.follow(transfer, work).await;
            match self.moving.conclude(step).await {
                Ok(Some(Piece::Bytes(_)) | None) => self.end = Some(DataEnd::InOrder),
                Ok(Some(Piece::Cut)) => self.end = Some(DataEnd::Cut),
                Err(error) => self.again(error).await?,
            }
        }
        Ok(())
    }

    /// Ends it, as our own side has failed or wants no more.
    pub(crate) async fn fail(&mut self, why: io::Error) -> Error {
        self.moving.fail(why).await
    }

    /// After its end: the server's last reply, which is not judged yet.
    pub(crate) async fn hear_end(&mut self) -> Result<Came, Error> {
        let bytes = self.moving.bytes();
        self.moving.moved(Ok(bytes - self.since)).await?;
        let (counted, last) = self.moving.ended();
        if counted < bytes - self.since {
            let what = "the data connection broke, although the server said it was done".to_owned();
            return Err(Error::Broken { what, moved: bytes });
        }
        let end = self.end.unwrap_or(DataEnd::InOrder);
        Ok(Came { bytes, start: self.offset + self.since, confirmed: last.is_some(), end })
    }

    /// After its end, where that is all that the session is needed for.
    pub(crate) async fn finish(mut self) -> Result<Came, Error> {
        self.hear_end().await
    }
}

/// A piece that was read.
enum Piece {
    Bytes(usize),
    /// The end, without close_notify.
    Cut,
}

fn or_cut(came: Result<usize, PumpError>) -> Result<Piece, MoveError> {
    match came.map_err(MoveError::from) {
        Ok(count) => Ok(Piece::Bytes(count)),
        Err(MoveError::Peer(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Piece::Cut),
        Err(error) => Err(error),
    }
}

/// What came of a RETR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Came {
    /// How many bytes.
    pub(crate) bytes: u64,
    /// Where in the file the transfer was started, for the last time.
    pub(crate) start: u64,
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
            Self::Stalled { connection, also, after, .. } => {
                Self::Stalled { connection, also, after, moved: came }
            }
            other => other,
        }
    }
}
