//! What does the log tell of a session? A line for each command that did or refused something.
use wire::Verb;
use wire::verb::Access;

use super::Driver;
use super::admission::Login;
use crate::effect::Event;
use crate::reason::Reason;
use crate::xferlog;

impl Driver<'_> {
    pub(super) fn log(&mut self, event: &Event) {
        let peer = self.peer;
        let user = self.session.user().map(|u| wire::pathname::show(u.as_bytes()));
        let user = user.as_deref().unwrap_or("-");
        let verb = event.verb.map_or("-", Verb::name);
        let path = event.path.as_ref().map(|p| wire::pathname::show(p.as_bytes()));
        let path = path.as_deref();
        let took = event.bytes.and_then(|_| self.last.take());
        let ms = took.map(|(begun, _)| u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
        let (id, code, bytes, detail) = (self.id, event.code, event.bytes, event.detail.as_deref());
        if let Some(Login { user, reason, fingerprint, subject, checked }) = self.login.take() {
            // How many are checked has limits of its own.
            if checked || self.shared.log_rate.allows(Some(id), peer) {
                tracing::warn!(session = id, %peer, user, verb, code, reason, fingerprint, subject, "login refused");
            }
            return;
        }
        let moved = event.bytes.is_some_and(|bytes| bytes > 0);
        if !moved && !is_change(event) && !self.shared.log_rate.allows(Some(id), peer) {
            return;
        }
        match event.reason {
            None => tracing::info!(session = id, %peer, user, verb, path, code, bytes, ms, detail, "done"),
            // The server's own trouble is the administrator's business.
            Some(Reason::TooManyFiles) => {
                let limit = "raise the limit of open files (ulimit -n, LimitNOFILE=)";
                tracing::error!(session = id, %peer, user, verb, path, code, reason = Reason::TooManyFiles.name(), bytes, ms, detail, limit, "failed");
            }
            Some(reason @ (Reason::DiskError | Reason::Full | Reason::AccountsUnavailable)) => {
                tracing::error!(session = id, %peer, user, verb, path, code, reason = reason.name(), bytes, ms, detail, "failed");
            }
            Some(reason @ Reason::HungUp) => {
                let hint = "--hang-up publish publishes what clients send that do not wait for the reply";
                tracing::warn!(session = id, %peer, user, verb, path, code, reason = reason.name(), bytes, ms, hint, "not published");
            }
            Some(reason) if code == 426 => {
                tracing::info!(session = id, %peer, user, verb, path, code, reason = reason.name(), bytes, ms, detail, "broken off");
            }
            Some(reason) => {
                tracing::info!(session = id, %peer, user, verb, path, code, reason = reason.name(), bytes, ms, detail, "refused");
            }
        }
        if let (Some(log), Some(bytes), Some((begun, ascii)), Some(verb), Some(path)) =
            (&self.shared.xferlog, event.bytes, took, event.verb, &event.path)
            && matches!(verb, Verb::Retr | Verb::Stor | Verb::Stou | Verb::Appe)
        {
            let line = xferlog::Line {
                took: begun.elapsed(),
                peer: peer.ip(),
                bytes,
                path: path.as_bytes(),
                ascii,
                incoming: verb != Verb::Retr,
                user,
                complete: event.reason.is_none(),
            };
            if let Err(error) = log.write(&line) {
                tracing::error!(%error, "the transfer log cannot be written");
            }
        }
    }
}

/// Was something changed, or is a transfer over? Each of these has its line; whatever else a client says may come by the
/// thousand.
fn is_change(event: &Event) -> bool {
    // Of MDTM and SITE only those that have set something are told as done.
    let changes = |verb: Verb| {
        let row = verb.row();
        row.access == Access::Write || row.direction.is_some() || matches!(verb, Verb::Site | Verb::Mdtm)
    };
    event.reason.is_none() && event.verb.is_some_and(changes)
}
