//! Is the client still connected, and what is still done for it when it is not?
use super::state::{Driver, Gone};
use config::HangUp;

impl Driver<'_> {
    /// Bytes that the running transfer has moved on its data connection.
    pub(super) fn moved(&self) -> u64 {
        self.running
            .as_ref()
            .map_or(0, |running| if running.has_data { running.track.progress.bytes() } else { 0 })
    }

    /// When it is to be looked what the work for a client that has closed its side has come to. Where bytes
    /// move the client is there, as slow as others may be.
    pub(super) fn next_look(&self) -> tokio::time::Instant {
        let deadlines = &self.shared.site.deadlines;
        tokio::time::Instant::now() + if self.moved() > 0 { deadlines.stall } else { deadlines.gone }
    }

    /// Has the client gone, and does its transfer make no progress? An upload that is being published is the
    /// exception: it is whole, and soon done.
    pub(super) fn is_abandoned(&mut self, gone: &mut Option<Gone>) -> bool {
        let moved = self.moved();
        let published = self.running.as_ref().is_some_and(|running| running.publishing);
        let before = gone.as_ref().map_or(0, |gone| gone.moved);
        if moved == before && !published {
            self.why =
                Some("the client closed the control connection and the transfer made no progress".to_owned());
            return true;
        }
        *gone = Some(Gone { look: self.next_look(), moved });
        false
    }

    /// Is an upload under way that is published whatever its client's control connection does? A client that
    /// does not read its replies resets it by closing.
    pub(super) fn outlives_its_control(&self) -> bool {
        let publishes = self.settings.site.uploads.hang_up == HangUp::Publish;
        publishes && self.running.as_ref().is_some_and(|running| running.is_upload)
    }

    /// Has the client closed the control connection without QUIT? Whatever it sent before that counts for
    /// nothing, since it does not wait for the answers.
    pub(super) fn has_hung_up(&mut self) -> bool {
        if self.session.is_leaving() || !self.control.has_ended() {
            return false;
        }
        // The QUIT of a client that sent all its commands at once may not have been read yet.
        let mut unread = self.input.get(self.taken..).unwrap_or_default().to_vec();
        self.control.peek(&mut unread);
        let mut lines = unread.split(|byte| *byte == b'\n');
        !lines.any(|line| line.trim_ascii().eq_ignore_ascii_case(b"QUIT"))
    }
}
