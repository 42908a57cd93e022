//! How does a file go to a site, and when has it arrived?
//!
//! When the server said 2yz and, where it tells sizes, its SIZE is ours (see `proof`): the data connection may have been
//! somebody else's, and a server may take a cut for an end.
use std::fs::File;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use net::pump::{self, Progress};
use wire::{Command, Marker, Pathname, RepresentationType};

use crate::connection::Mover;
use crate::dialogue::{Flow, MoveError};
use crate::error::Error;
use crate::event::Event;
use crate::proof::Sent;
use crate::session::Client;
use crate::source::{Pieces, Source, piping};

pub use crate::source::Give;

/// What a resumed upload found to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// The site had it all.
    AlreadyWhole,
    /// These bytes were missing, and are there now.
    Sent(u64),
}

impl Client {
    /// Stores a file whole under `path`. Returns the number of bytes sent.
    ///
    /// # Errors
    /// [`Error::Broken`] when it cannot be shown that all bytes arrived.
    pub async fn store(
        &mut self,
        path: &Pathname,
        file: Arc<File>,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        let length = length_of(&file)?;
        self.set_type(RepresentationType::Image).await?;
        let (_, last) = match self.send_from(path, &file, 0..length, progress).await {
            Err(error) => {
                self.narrower(error).await?;
                self.send_from(path, &file, 0..length, progress).await?
            }
            sent => sent?,
        };
        self.prove(path, &file, (length, last), progress).await?;
        Ok(length)
    }

    /// Sends what the site has not got yet: SIZE tells where to go on, then REST and STOR, or APPE where the server
    /// takes no REST before STOR.
    ///
    /// # Errors
    /// [`Error::Local`] of [`io::ErrorKind::AlreadyExists`] when the site's file is longer than ours, or as long and of another
    /// hash: it is another file.
    pub async fn store_rest(
        &mut self,
        path: &Pathname,
        file: Arc<File>,
        progress: &Arc<Progress>,
    ) -> Result<Resumed, Error> {
        let length = length_of(&file)?;
        let there = self.size(path).await?.unwrap_or(0);
        if there > length {
            let why = format!("the site's file has {there} bytes, ours only {length}");
            return Err(Error::local(
                format!("resuming {path}"),
                io::Error::new(io::ErrorKind::AlreadyExists, why),
            ));
        }
        if there == length && length > 0 {
            if self.is_another(path, &file).await? {
                let why = "the site's file is as long as ours and has another SHA-256";
                return Err(Error::local(
                    format!("resuming {path}"),
                    io::Error::new(io::ErrorKind::AlreadyExists, why),
                ));
            }
            return Ok(Resumed::AlreadyWhole);
        }
        self.set_type(RepresentationType::Image).await?;
        let (sent, last) = match self.send_from(path, &file, there..length, progress).await {
            Err(error) => {
                self.narrower(error).await?;
                let there = self.size(path).await?.unwrap_or(0).min(length);
                self.send_from(path, &file, there..length, progress).await?
            }
            sent => sent?,
        };
        self.prove(path, &file, (length, last), progress).await?;
        Ok(Resumed::Sent(sent))
    }

    /// Sends the rest of a file of which the site has the start, if anything.
    pub(crate) async fn send_from(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        range: std::ops::Range<u64>,
        progress: &Arc<Progress>,
    ) -> Result<Sent, Error> {
        let stor = Command::Stor(path.clone());
        let marker = (range.start > 0).then_some(Marker(range.start));
        let before = progress.bytes();
        match self.send_range(stor, marker, Arc::clone(file), range.clone(), progress).await {
            Err(error) if marker.is_some() && error.is_permanent_refusal() && progress.bytes() == before => {
                (self.watch)(&Event::Warning(format!("{error}; appending with APPE")));
                self.send_range(Command::Appe(path.clone()), None, Arc::clone(file), range, progress).await
            }
            other => other,
        }
    }

    /// Stores what a function gives, a pipe for example.
    pub async fn store_stream(
        &mut self,
        path: &Pathname,
        give: Give,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        self.set_type(RepresentationType::Image).await?;
        let sent = self.send_pieces(Command::Stor(path.clone()), give, Pieces::AsTheyAre, progress).await?;
        let bytes = sent.0;
        self.prove_sent(path, sent).await?;
        Ok(bytes)
    }

    /// Stores text: LF becomes CR LF on the way. Its size at the site depends on how lines end there.
    pub async fn store_text(
        &mut self,
        path: &Pathname,
        give: Give,
        progress: &Arc<Progress>,
    ) -> Result<u64, Error> {
        self.set_type(RepresentationType::Ascii).await?;
        match self.send_pieces(Command::Stor(path.clone()), give, Pieces::Text, progress).await? {
            (sent, Some(_)) => Ok(sent),
            (sent, None) => Err(Error::unconfirmed(&path.to_string(), sent)),
        }
    }

    async fn send_range(
        &mut self,
        command: Command,
        restart: Option<Marker>,
        file: Arc<File>,
        range: std::ops::Range<u64>,
        progress: &Arc<Progress>,
    ) -> Result<Sent, Error> {
        let (stall, count) = (self.stall(), Arc::clone(progress));
        let mover: Mover<'_> = Box::new(move |mut data| {
            Box::pin(async move {
                let outlook = data.outlook();
                let mut swallowed = pin!(stall.swallowed(&outlook, &count));
                let sent = tokio::select! {
                    sent = pump::send_file(&mut data, &file, range, stall.later, &count) => {
                        sent.map_err(MoveError::from)
                    }
                    after = &mut swallowed => Err(MoveError::Stalled(after)),
                };
                let sent = match sent {
                    Ok(sent) => sent,
                    Err(error) => {
                        if matches!(error, MoveError::Stalled(_)) {
                            // What has not arrived is to be thrown away: it will be sent again.
                            outlook.reset_at_close();
                        }
                        return (Err(error), Some(data));
                    }
                };
                let mut end = pin!(data.end_upload(stall.later));
                tokio::select! {
                    // However the peer takes the end, what it has is asked of it afterwards.
                    _ = &mut end => (Ok(sent), None),
                    after = &mut swallowed => {
                        outlook.reset_at_close();
                        (Err(MoveError::Stalled(after)), None)
                    }
                }
            })
        });
        let result = self.transfer(command, Flow::Up, restart, mover).await;
        result.map_err(|error| error.after_bytes(progress.bytes()))
    }

    async fn send_pieces(
        &mut self,
        command: Command,
        give: Give,
        pieces: Pieces,
        progress: &Arc<Progress>,
    ) -> Result<Sent, Error> {
        let mut source = Source::new(give);
        let mover = piping(&mut source, pieces, self.stall(), Arc::clone(progress));
        let result = match self.transfer(command.clone(), Flow::Up, None, mover).await {
            Err(error) if source.rewind() => {
                self.narrower(error).await?;
                let mover = piping(&mut source, pieces, self.stall(), Arc::clone(progress));
                self.transfer(command, Flow::Up, None, mover).await
            }
            other => other,
        };
        result.map_err(|error| error.after_bytes(progress.bytes()))
    }
}

fn length_of(file: &File) -> Result<u64, Error> {
    Ok(file.metadata().map_err(|e| Error::local("reading our file's length", e))?.len())
}
