//! How does a file come in? STOR, STOU, APPE.
use std::time::Duration;

use net::data::Data;
use net::pump::{self, End, Progress, Route, buffer};
use storage::{Create, Sink, VPath};
use wire::ascii::Decoder;
use wire::{Protection, RepresentationType};

use super::{Broken, PATIENCE};
use crate::effect::Transferred;
use crate::reason::Reason;
use crate::session::Pass;
use crate::settings::Truncated;

/// An upload whose data has come to its end.
pub(super) struct Received {
    store: Store,
    data: Data,
    /// It ended without close_notify, and is published all the same.
    cut: bool,
}

impl Received {
    /// Publishes it under its name, and ends the data connection.
    pub(super) async fn publish(self) -> Transferred {
        let Self { store: Store { sink }, data, cut } = self;
        if let Err(error) = sink.commit().await {
            return error.into();
        }
        data.finish(PATIENCE).await;
        let detail = cut.then(|| "it ended without close_notify; it is published all the same".to_owned());
        Transferred { detail, ..Ok(()).into() }
    }
}

/// An upload whose sink is open.
pub(super) struct Store {
    sink: Box<dyn Sink>,
}

impl Store {
    /// Opens the sink; the name is told where the site chose it.
    pub(super) async fn open(
        pass: &Pass,
        path: &VPath,
        how: Create,
        mode: Option<u32>,
    ) -> Result<(Self, Option<VPath>), Broken> {
        let mut sink = pass.tree().create(path, how).await?;
        if let Some(mode) = mode {
            sink.set_mode(mode);
        }
        let name = (how == Create::Unique).then(|| sink.path().clone());
        Ok((Self { sink }, name))
    }

    /// No byte has come: leave nothing behind that was not there before.
    pub(super) async fn give_up(self) {
        if self.sink.start() == 0 {
            // What cannot be removed now is swept later.
            let _ = self.sink.discard().await;
        }
    }

    /// Takes the data to its end.
    pub(super) async fn receive(
        mut self,
        mut data: Data,
        ascii: bool,
        stall: Duration,
        truncated: Truncated,
        progress: &Progress,
    ) -> Result<Received, Broken> {
        let file = self.sink.file();
        let to = if file.is_some() { End::File } else { End::Pieces };
        let kind = if ascii { RepresentationType::Ascii } else { RepresentationType::Image };
        let moved = match (pump::choose(End::Data, to, kind, Protection::Clear), file) {
            (Some(Route::ReceiveFile), Some(file)) => {
                pump::receive_file(&mut data, &file, self.sink.start(), None, stall, progress)
                    .await
                    .map(drop)
                    .map_err(Broken::from)
            }
            _ => self.copy(&mut data, ascii, stall, progress).await,
        };
        let lenient = truncated == Truncated::Published;
        let cut = lenient && moved.as_ref().is_err_and(|broken| broken.reason == Reason::Truncated);
        if let Err(broken) = moved
            && !cut
        {
            if progress.bytes() == 0 {
                self.give_up().await;
            }
            return Err(broken);
        }
        Ok(Received { store: self, data, cut })
    }

    async fn copy(
        &mut self,
        data: &mut Data,
        ascii: bool,
        stall: Duration,
        progress: &Progress,
    ) -> Result<(), Broken> {
        let mut decoder = Decoder::default();
        loop {
            // Nothing is held while the client is waited for.
            let mut raw = Vec::new();
            if pump::receive(data, &mut raw, stall, progress).await? == 0 {
                break;
            }
            if ascii {
                let mut text = buffer::take();
                decoder.push(&raw, &mut text);
                self.sink.write(&text).await?;
                buffer::give(text);
            } else {
                self.sink.write(&raw).await?;
            }
            buffer::give(raw);
        }
        if ascii {
            let mut text = Vec::new();
            decoder.finish(&mut text);
            if !text.is_empty() {
                self.sink.write(&text).await?;
            }
        }
        Ok(())
    }
}
