//! How does a file come in? STOR, STOU, APPE.
use std::time::Duration;

use net::data::Data;
use net::pump::{self, Progress, buffer};
use storage::{Create, Sink, VPath};
use tokio::time::{Instant, sleep, sleep_until};
use wire::ascii::Decoder;

use super::parting::{Ended, Parting};
use super::{Broken, PATIENCE};
use crate::effect::Transferred;
use crate::reason::Reason;
use crate::session::Pass;
use crate::settings::{HangUp, Truncated};

/// From the end of an upload's data to the look whether its client is still there: half the time that the upload took,
/// within these bounds. A process that is killed closes all its connections within microseconds, but on a busy machine it may
/// lose the processor in between for many milliseconds. The longer an upload takes, the likelier it is that it was killed in it,
/// and the less does a wait cost in comparison.
const GRACE: (Duration, Duration) = (Duration::from_millis(3), Duration::from_millis(60));

/// A wait that takes so much longer than it should shows a machine that is busy: then there is another, of some time slices.
const LATE: Duration = Duration::from_micros(1500);
const SLICES: Duration = Duration::from_millis(15);

/// What is received by way of memory before the kernel moves the rest by itself.
const FIRST: usize = 64 << 10;

/// How an upload is received.
pub(super) struct Terms {
    pub(super) ascii: bool,
    /// How long no byte may come.
    pub(super) stall: Duration,
    pub(super) truncated: Truncated,
    pub(super) hang_up: HangUp,
}

/// An upload whose data has come to its end.
pub(super) struct Received {
    store: Store,
    data: Data,
    /// It ended without close_notify, and is published all the same.
    cut: bool,
    /// Its end was said, by close_notify.
    proven: bool,
}

impl Received {
    /// Is it known that the client meant this to be the end, whatever it does next?
    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Publishes it under its name, and ends the data connection.
    pub(super) async fn publish(self) -> Ended {
        let Self { store: Store { sink }, data, cut, .. } = self;
        if let Err(error) = sink.commit().await {
            return Ended { end: error.into(), parting: Some(Parting::Refused(data)) };
        }
        data.finish(PATIENCE).await;
        let detail = cut.then(|| "it ended without close_notify; it is published all the same".to_owned());
        Transferred { detail, ..Ok(()).into() }.into()
    }
}

/// An upload whose sink is open. Dropped, it is kept to be resumed, if a byte has come.
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

    /// Takes the data to its end, as durable as it is to be.
    pub(super) async fn receive(
        mut self,
        mut data: Data,
        terms: &Terms,
        progress: &Progress,
    ) -> Result<Received, (Broken, Data)> {
        let (begun, protected) = (Instant::now(), data.is_protected());
        let moved = self.take(&mut data, terms, progress).await;
        let ended = Instant::now();
        let lenient = terms.truncated == Truncated::Published;
        let cut = lenient && moved.as_ref().is_err_and(|broken| broken.reason == Reason::Truncated);
        let settled = match moved {
            Err(broken) if !cut => Err(broken),
            _ => self.sink.settle().await.map_err(Broken::from),
        };
        if let Err(broken) = settled {
            if broken.reason == Reason::Full {
                // What is left of it takes the room of all the others. What cannot be removed now is swept later.
                let _ = self.sink.discard().await;
            }
            return Err((broken, data));
        }
        let proven = protected && !cut;
        if !proven && terms.hang_up == HangUp::Keep {
            let due = ended + ((ended - begun) / 2).clamp(GRACE.0, GRACE.1);
            if Instant::now() < due {
                sleep_until(due).await;
                if Instant::now() > due + LATE {
                    sleep(SLICES).await;
                }
            }
        }
        Ok(Received { store: self, data, cut, proven })
    }

    async fn take(&mut self, data: &mut Data, terms: &Terms, progress: &Progress) -> Result<(), Broken> {
        if terms.ascii {
            return self.take_text(data, terms.stall, progress).await;
        }
        // The first bytes by way of memory: what the upload replaces is cut off only when there are some, and a small file
        // costs one visit to the disk.
        let mut taken = 0;
        loop {
            // Nothing is held while the client is waited for.
            let mut bytes = Vec::new();
            if pump::receive(data, &mut bytes, terms.stall, progress).await? == 0 {
                return Ok(());
            }
            self.sink.write(&bytes).await?;
            taken += bytes.len();
            buffer::give(bytes);
            if taken >= FIRST
                && let Some((file, at)) = self.sink.file()
            {
                pump::receive_rest(data, &file, at, u64::MAX, terms.stall, progress).await?;
                return Ok(());
            }
        }
    }

    async fn take_text(
        &mut self,
        data: &mut Data,
        stall: Duration,
        progress: &Progress,
    ) -> Result<(), Broken> {
        let mut decoder = Decoder::default();
        loop {
            // Nothing is held while the client is waited for.
            let mut raw = Vec::new();
            let ended = pump::receive(data, &mut raw, stall, progress).await? == 0;
            let mut text = buffer::take();
            if ended {
                decoder.finish(&mut text);
            } else {
                decoder.push(&raw, &mut text);
            }
            if !text.is_empty() {
                self.sink.write(&text).await?;
            }
            buffer::give(raw);
            buffer::give(text);
            if ended {
                return Ok(());
            }
        }
    }
}
