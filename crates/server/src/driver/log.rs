//! What does the log tell of a session? A line for each command that did or refused something.
use wire::Verb;
use wire::pathname::show;
use wire::verb::Access;

use super::admission::{self, Login};
use super::state::Driver;
use crate::effect::Event;
use crate::log_rate::millis;
use crate::reason::Reason;
use crate::xferlog;

impl Driver<'_> {
    pub(super) fn log(&mut self, event: &Event) {
        let peer = self.peer;
        let change = event.change.unwrap_or_default();
        let verb = change.command.unwrap_or_else(|| event.verb.map_or("-", Verb::name));
        let mode = change.mode.map(|mode| format!("{mode:03o}"));
        let modified = change.modified.map(|stamp| stamp.to_string());
        let (mode, modified) = (mode.as_deref(), modified.as_deref());
        let path = event.path.as_ref().map(|p| show(p.as_bytes()));
        let from = event.from.as_ref().map(|p| show(p.as_bytes()));
        let (path, from) = (path.as_deref(), from.as_deref());
        let took = event.bytes.and_then(|_| self.last.take());
        // A transfer belongs to the user who began it; another may be logged in when it ends.
        let user = match (&event.named, &took) {
            (Some(named), _) => admission::named(named),
            (None, Some(last)) => show(last.user.as_bytes()),
            (None, None) => self.user(),
        };
        let user = user.as_str();
        let ms = took.as_ref().map(|last| millis(last.begun.elapsed()));
        // How the file or the listing went; everything else goes with the control connection.
        let tls = took.as_ref().filter(|_| moves(event));
        let tls = tls.map(|last| if last.private { self.version() } else { "off" });
        let (id, code, bytes, detail) = (self.id, event.code, event.bytes, event.detail.as_deref());
        if let Some(Login { user, reason, fingerprint, subject, checked }) = self.login.take() {
            // How many are checked has limits of its own.
            if checked || self.shared.log_rate.allows(Some(id), peer) {
                let tls = self.protection();
                tracing::warn!(session = id, %peer, user, code, reason, tls, fingerprint, subject, "login refused");
            }
            return;
        }
        if event.reason.is_none() && matches!(event.verb, Some(Verb::User | Verb::Pass)) {
            // One line for each login, of which there may be as many as connections.
            if self.shared.log_rate.allows(Some(id), peer) {
                let by = if code == 232 { "certificate" } else { "password" };
                let by = if self.session.is_anonymous() { "anonymous" } else { by };
                tracing::info!(session = id, %peer, user, by, tls = self.protection(), "logged in");
            }
            return;
        }
        if is_look_up(event) && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let moved = event.bytes.is_some_and(|bytes| bytes > 0);
        let allowed = moved
            || match event.reason {
                None => is_change(event) || self.shared.log_rate.allows(Some(id), peer),
                Some(_) => self.shared.log_rate.allows_refusal(id, peer, verb, user),
            };
        if !allowed {
            return;
        }
        match event.reason {
            None => {
                tracing::info!(session = id, %peer, user, verb, path, from, mode, modified, code, bytes, ms, tls, detail, "done")
            }
            // The server's own trouble is the administrator's business.
            Some(Reason::TooManyFiles) => {
                let limit = "raise the limit of open files (ulimit -n, LimitNOFILE=)";
                tracing::error!(session = id, %peer, user, verb, path, from, code, reason = Reason::TooManyFiles.name(), bytes, ms, detail, limit, "failed");
            }
            Some(reason @ (Reason::DiskError | Reason::Full | Reason::AccountsUnavailable)) => {
                tracing::error!(session = id, %peer, user, verb, path, from, code, reason = reason.name(), bytes, ms, detail, "failed");
            }
            Some(reason @ Reason::HungUp) => {
                let hint = "use --hang-up publish for clients that do not wait for the reply";
                tracing::warn!(session = id, %peer, user, verb, path, code, reason = reason.name(), bytes, ms, tls, hint, "not published");
            }
            Some(reason) if code == 426 => {
                tracing::info!(session = id, %peer, user, verb, path, code, reason = reason.name(), bytes, ms, tls, detail, "broken off");
            }
            Some(
                reason @ (Reason::Stopping | Reason::Ended | Reason::IdleTimeout | Reason::LoginTimeout),
            ) if event.verb.is_none() => {
                tracing::info!(session = id, %peer, user, code, reason = reason.name(), "ending the session");
            }
            Some(reason) if is_look_up(event) => {
                tracing::debug!(session = id, %peer, user, verb, path, code, reason = reason.name(), "refused");
            }
            Some(reason) => {
                let (bytes, ms) = (bytes.filter(|_| moved), ms.filter(|_| moved));
                let detail = detail.filter(|_| !says_all(reason));
                tracing::info!(session = id, %peer, user, verb, path, from, mode, modified, code, reason = reason.name(), bytes, ms, detail, "refused");
            }
        }
        if let (Some(log), Some(bytes), Some(last), Some(verb), Some(path)) =
            (&self.shared.xferlog, event.bytes, took, event.verb, &event.path)
            && matches!(verb, Verb::Retr | Verb::Stor | Verb::Stou | Verb::Appe)
        {
            let line = xferlog::Line {
                took: last.begun.elapsed(),
                peer: peer.ip(),
                bytes,
                path: path.as_bytes(),
                ascii: last.ascii,
                incoming: verb != Verb::Retr,
                user,
                anonymous: last.anonymous,
                complete: event.reason.is_none(),
            };
            if let Err(error) = log.write(&line) {
                tracing::error!(%error, "cannot write the transfer log");
            }
        }
    }

    /// The user who is logged in, or `-`.
    pub(super) fn user(&self) -> String {
        self.session.user().map_or_else(|| "-".to_owned(), |user| show(user.as_bytes()))
    }

    /// The version of TLS on the control connection now, or `off`.
    pub(super) fn protection(&self) -> &'static str {
        if self.control.is_protected() { self.version() } else { "off" }
    }

    fn version(&self) -> &'static str {
        self.binding.as_ref().map_or("off", |binding| binding.established().version)
    }
}

/// Is it about a data connection?
fn moves(event: &Event) -> bool {
    event.verb.is_some_and(|verb| verb.row().direction.is_some())
}

/// Was something changed, or is a transfer over? Each of these has its line; whatever else a client says may
/// come by the thousand.
fn is_change(event: &Event) -> bool {
    // Of MDTM and SITE only those that have set something are told as done.
    let changes = |verb: Verb| {
        let row = verb.row();
        row.access == Access::Write || row.direction.is_some() || matches!(verb, Verb::Site | Verb::Mdtm)
    };
    event.reason.is_none() && event.verb.is_some_and(changes)
}

/// Would the system's own words add nothing?
fn says_all(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::NotFound | Reason::Exists | Reason::IsADirectory | Reason::NotADirectory | Reason::NotEmpty
    )
}

/// Has a client only looked whether there is a file? Most look before they read or write one, some by three
/// commands: what they do then has its line.
fn is_look_up(event: &Event) -> bool {
    matches!(event.verb, Some(Verb::Size | Verb::Mdtm | Verb::Mlst))
        && matches!(
            event.reason,
            Some(
                Reason::NotFound
                    | Reason::IsADirectory
                    | Reason::NotADirectory
                    | Reason::SizeInAscii
                    | Reason::UploadOnly
            )
        )
}
