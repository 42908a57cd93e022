//! How is sent what comes piece by piece and only once, as from a pipe?
//!
//! Its beginning is kept, so that it can be sent once more where large packets turn out to get lost on the way (see `small_segments`).
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use net::data::Data;
use net::pump::{self, Progress};
use tokio::task::JoinHandle;
use wire::ascii;

use crate::driver::Mover;
use crate::session::MoveError;
use crate::small_segments::Stall;

/// Gives the next piece, an empty one at the end. Called on the blocking pool, as a pipe may wait.
pub type Give = Box<dyn FnMut() -> io::Result<Vec<u8>> + Send>;

/// How much of the beginning is kept: more than the kernel takes of a connection on which nothing is acknowledged.
const KEPT: usize = 1024 * 1024;

/// What becomes of the pieces on their way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pieces {
    /// Nothing.
    AsTheyAre,
    /// LF becomes CR LF.
    Text,
}

/// What is to be sent.
pub(crate) struct Source {
    give: Option<Give>,
    /// A piece that is being read. It is waited for again by whoever comes next, and so never lost.
    reading: Option<JoinHandle<(io::Result<Vec<u8>>, Give)>>,
    /// All that was given so far, as long as `whole` is true.
    begun: Vec<u8>,
    /// It is little. For whoever asks while a piece is waited for.
    whole: Arc<AtomicBool>,
    /// How much of that this try has taken.
    taken: usize,
    ended: bool,
}

impl Source {
    pub(crate) fn new(give: Give) -> Self {
        let whole = Arc::new(AtomicBool::new(true));
        Self { give: Some(give), reading: None, begun: Vec::new(), whole, taken: 0, ended: false }
    }

    /// Begins again, if all that was given is still there.
    pub(crate) fn rewind(&mut self) -> bool {
        self.taken = 0;
        self.whole.load(Ordering::Relaxed)
    }

    /// The next piece, an empty one at the end. Cancel-safe.
    async fn next(&mut self) -> io::Result<Vec<u8>> {
        if let Some(again @ [_, ..]) = self.begun.get(self.taken..) {
            let again = again.to_vec();
            self.taken = self.begun.len();
            return Ok(again);
        }
        if self.ended {
            return Ok(Vec::new());
        }
        if let Some(mut give) = self.give.take() {
            self.reading = Some(tokio::task::spawn_blocking(move || (give(), give)));
        }
        // Either the one or the other is there, but after a panic in `give`.
        let Some(reading) = &mut self.reading else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let read = reading.await;
        self.reading = None;
        let (piece, give) = read.map_err(io::Error::other)?;
        self.give = Some(give);
        let piece = piece?;
        self.ended = piece.is_empty();
        if self.begun.len() + piece.len() > KEPT {
            self.whole.store(false, Ordering::Relaxed);
            self.begun = Vec::new();
        }
        if self.whole.load(Ordering::Relaxed) {
            self.begun.extend_from_slice(&piece);
        }
        self.taken = self.begun.len();
        Ok(piece)
    }
}

/// A mover that sends all that there is from where the source stands. `confirmed` ends when the peer's end is not to be waited for
/// any more.
pub(crate) fn piping(
    source: &mut Source,
    pieces: Pieces,
    stall: Stall,
    confirmed: impl Future<Output = ()> + Send + 'static,
    progress: Arc<Progress>,
) -> Mover<'_> {
    Box::new(move |mut data| {
        Box::pin(async move {
            let outlook = data.downgrade();
            let whole = Arc::clone(&source.whole);
            let mut swallowed = pin!(async {
                let after = stall.swallowed(&outlook, &progress).await;
                // What cannot be sent once more is not given up before its time.
                if whole.load(Ordering::Relaxed) { after } else { pending().await }
            });
            let sent = tokio::select! {
                sent = send_all(&mut data, source, pieces, stall.later, &progress) => sent,
                after = &mut swallowed => Err(MoveError::Stalled(after)),
            };
            let sent = match sent {
                Ok(sent) => sent,
                Err(error) => return (Err(error), Some(data)),
            };
            let mut end = pin!(data.end_upload(stall.later * 2));
            let after = tokio::select! {
                // However the peer takes the end, what it has is asked of it afterwards.
                _ = &mut end => return (Ok(sent), None),
                () = confirmed => return (Ok(sent), None),
                after = &mut swallowed => after,
                () = tokio::time::sleep(stall.later) => stall.later,
            };
            if outlook.unacknowledged() == Some(0) {
                // It has everything, and does not end.
                return (Ok(sent), None);
            }
            outlook.reset_at_close();
            (Err(MoveError::Stalled(after)), None)
        })
    })
}

async fn send_all(
    data: &mut Data,
    source: &mut Source,
    pieces: Pieces,
    stall: Duration,
    progress: &Progress,
) -> Result<u64, MoveError> {
    let mut encoder = ascii::Encoder::new();
    let mut text = Vec::new();
    let mut total = 0u64;
    loop {
        let piece = source.next().await.map_err(MoveError::Local)?;
        if piece.is_empty() {
            return Ok(total);
        }
        let bytes = match pieces {
            Pieces::AsTheyAre => &piece,
            Pieces::Text => {
                text.clear();
                encoder.push(&piece, &mut text);
                &text
            }
        };
        pump::send(data, bytes, stall, progress).await?;
        total += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    fn giving(pieces: &[usize]) -> Source {
        let mut pieces: VecDeque<usize> = pieces.iter().copied().collect();
        Source::new(Box::new(move || Ok(vec![7; pieces.pop_front().unwrap_or(0)])))
    }

    #[tokio::test]
    async fn a_beginning_is_given_again_and_more_than_that_is_not() {
        let mut source = giving(&[3, 4, 5]);
        assert_eq!((source.next().await.unwrap().len(), source.next().await.unwrap().len()), (3, 4));
        assert!(source.rewind());
        assert_eq!((source.next().await.unwrap().len(), source.next().await.unwrap().len()), (7, 5));
        assert_eq!(source.next().await.unwrap().len(), 0);
        assert!(source.rewind(), "to its end");
        assert_eq!((source.next().await.unwrap().len(), source.next().await.unwrap().len()), (12, 0));
        let mut source = giving(&[KEPT, 1, 2]);
        assert_eq!(source.next().await.unwrap().len(), KEPT);
        assert_eq!(source.next().await.unwrap().len(), 1);
        assert!(!source.rewind(), "it would begin in the middle");
        assert_eq!(source.next().await.unwrap().len(), 2);
    }
}
