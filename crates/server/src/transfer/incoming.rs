//! How does a file come in? STOR, STOU, APPE.
use std::sync::Arc;
use std::time::Duration;

use config::{HangUp, TlsEnd};
use net::buffer;
use net::data::Data;
use net::pump::{self, Progress};
use net::tls::server::Binding;
use storage::{Create, Sink, VPath};
use tokio::time::{Instant, sleep, sleep_until};
use wire::ascii::Decoder;

use super::left_open::{Ended, LeftOpen, PATIENCE};
use super::outcome::Broken;
use crate::effect::Outcome;
use crate::reason::Reason;
use crate::registry::Track;
use crate::session::Pass;

/// From the end of an upload's data to the look whether its client is still there: half the time that the
/// upload took, within these bounds. A process that is killed closes all its connections within microseconds,
/// but on a busy machine it may lose the processor in between for many milliseconds. The longer an upload
/// takes, the likelier it is that it was killed in it, and the less does a wait cost in comparison.
const GRACE: (Duration, Duration) = (Duration::from_millis(3), Duration::from_millis(60));

/// A wait that takes so much longer than it should shows a machine that is busy: then there is another, of
/// some time slices.
const LATE: Duration = Duration::from_micros(1500);
const SLICES: Duration = Duration::from_millis(15);

/// What is received by way of memory before the kernel moves the rest by itself.
const FIRST: usize = 64 << 10;

/// How an upload is received.
pub(super) struct Terms {
    pub(super) ascii: bool,
    /// How long no byte may come.
    pub(super) stall: Duration,
    pub(super) tls_end: TlsEnd,
    pub(super) hang_up: HangUp,
    /// What the data connection is bound to, under TLS.
    pub(super) binding: Option<Binding>,
}

/// How the data has come to its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// With FIN, unencrypted.
    Fin,
    /// With close_notify.
    Notified,
    /// Without it, from a client that was never seen to send one.
    Unsaid,
    /// Without it, where that is always believed.
    Cut,
}

impl End {
    /// The same for the log.
    fn detail(self) -> Option<&'static str> {
        match self {
            Self::Fin | Self::Notified => None,
            Self::Unsaid => {
                Some("it ended without close_notify; it is published, as this session has never sent one")
            }
            Self::Cut => Some("it ended without close_notify; it is published all the same"),
        }
    }
}

impl Terms {
    /// What is to be thought of an end without close_notify; or why it is not believed.
    fn cut(&self, data: &Data) -> Result<End, &'static str> {
        match self.tls_end {
            TlsEnd::Lenient => Ok(End::Cut),
            TlsEnd::Strict => Err("it ended without close_notify"),
            TlsEnd::Learn if data.is_torn() => Err("it ended in the middle of a TLS record"),
            TlsEnd::Learn if self.binding.as_ref().is_none_or(Binding::notifies) => {
                Err("it ended without close_notify, which this session has sent before")
            }
            TlsEnd::Learn => Ok(End::Unsaid),
        }
    }
}

/// An upload that has come to the end of its data. Dropped, it is kept to be resumed.
pub(crate) struct Received {
    store: Store,
    data: Data,
    end: End,
    track: Arc<Track>,
}

impl Received {
    /// Is it known that the client meant this to be the end, whatever it does next?
    pub(crate) fn is_proven(&self) -> bool {
        self.end == End::Notified
    }

    /// Is it believed only as long as its control connection is there?
    pub(crate) fn needs_its_control(&self) -> bool {
        self.end == End::Unsaid
    }

    /// Publishes it under its name, and ends the data connection.
    pub(crate) async fn publish(self) -> Ended {
        let Self { store: Store { sink }, data, end, track } = self;
        let bytes = track.progress.bytes();
        if let Err(error) = sink.commit().await {
            let end = Outcome { bytes, ..error.into() };
            return Ended { end, left_open: Some(LeftOpen::Refused(data)) };
        }
        data.finish(PATIENCE).await;
        let detail = end.detail().map(str::to_owned);
        Outcome { bytes, detail, ..Ok(()).into() }.into()
    }

    /// Leaves it to be resumed, since its end proves nothing and the control connection has ended as well.
    pub(crate) fn abandon(self) -> Ended {
        let end = if self.needs_its_control() {
            let detail = "it ended without close_notify, and so did its control connection".to_owned();
            Outcome { detail: Some(detail), ..Reason::Truncated.into() }
        } else {
            Reason::HungUp.into()
        };
        Outcome { bytes: self.track.progress.bytes(), ..end }.into()
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
        track: &Arc<Track>,
    ) -> Result<Received, (Broken, Data)> {
        let begun = Instant::now();
        let moved = self.take(&mut data, terms, &track.progress).await;
        let ended = Instant::now();
        let end = match moved {
            Ok(()) if data.is_protected() => {
                terms.binding.iter().for_each(Binding::notified);
                Ok(End::Notified)
            }
            Ok(()) => Ok(End::Fin),
            Err(Broken { reason: Reason::Truncated, .. }) => terms
                .cut(&data)
                .map_err(|why| Broken { reason: Reason::Truncated, detail: Some(why.to_owned()) }),
            Err(broken) => Err(broken),
        };
        let settled = match end {
            Ok(end) => self.sink.settle().await.map(|()| end).map_err(Broken::from),
            Err(broken) => Err(broken),
        };
        let end = match settled {
            Ok(end) => end,
            Err(broken) => {
                if broken.reason == Reason::Full {
                    // What is left of it takes the room of all the others. What cannot be removed now is
                    // swept later.
                    let _ = self.sink.discard().await;
                }
                return Err((broken, data));
            }
        };
        let is_looked_for = match end {
            End::Notified => false,
            End::Unsaid => true,
            End::Fin | End::Cut => terms.hang_up == HangUp::Keep,
        };
        if is_looked_for {
            let due = ended + ((ended - begun) / 2).clamp(GRACE.0, GRACE.1);
            if Instant::now() < due {
                sleep_until(due).await;
                if Instant::now() > due + LATE {
                    sleep(SLICES).await;
                }
            }
        }
        Ok(Received { store: self, data, end, track: Arc::clone(track) })
    }

    async fn take(&mut self, data: &mut Data, terms: &Terms, progress: &Progress) -> Result<(), Broken> {
        if terms.ascii {
            return self.take_text(data, terms.stall, progress).await;
        }
        // The first bytes by way of memory: what the upload replaces is cut off only when there are some, and
        // a small file costs one visit to the disk.
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
