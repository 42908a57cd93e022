//! How is somebody let in, and what do wrong passwords cost?
use net::tls::Fingerprint;
use storage::{Attempt, Certificate, Denied};
use tokio::time::sleep;
use wire::pathname::show;

use crate::effect::Input;
use crate::limits::{History, Ruling, origin};
use crate::shared::Shared;
use crate::turns::Lane;

/// Characters of a user's name that the log shows.
const NAME: usize = 64;

/// A login that is refused, for its line of the log.
pub(super) struct Login {
    /// The name as sent, escaped and cut.
    pub(super) user: String,
    /// Why it is refused: more than the client is told.
    pub(super) reason: &'static str,
    /// What the client has shown under TLS.
    pub(super) fingerprint: Option<String>,
    pub(super) subject: Option<String>,
    /// The password was looked at.
    pub(super) checked: bool,
}

impl Login {
    fn of(attempt: &Attempt) -> Self {
        let user = named(&attempt.user);
        let shown = attempt.certificate.as_ref();
        Self {
            user,
            reason: "too-many-failures",
            fingerprint: shown.map(|shown| Fingerprint::from(shown.fingerprint).to_string()),
            subject: shown.and_then(|shown| shown.subject.clone()),
            checked: false,
        }
    }
}

/// A user's name as sent, escaped and cut.
pub(super) fn named(name: &[u8]) -> String {
    let mut user = show(name);
    if let Some((at, _)) = user.char_indices().nth(NAME) {
        user.truncate(at);
        user.push_str("...");
    }
    user
}

/// What comes of a login.
pub(super) struct Answer {
    pub(super) input: Input,
    /// What is logged of it where it is refused.
    pub(super) refused: Option<Login>,
}

/// Asks whether a certificate is enough.
pub(super) async fn recognise(shared: &Shared, user: Vec<u8>, certificate: Certificate) -> Answer {
    let input = Input::Recognised(shared.gate.recognise(&user, &certificate).await);
    Answer { input, refused: None }
}

/// Checks a password.
pub(super) async fn admit(shared: &Shared, attempt: Attempt) -> Answer {
    let login = Login::of(&attempt);
    let input = decide(shared, attempt).await;
    let refused = match &input {
        Input::Admitted(Err(denied)) => {
            let reason = match denied {
                Denied::UnknownUser => "unknown-user",
                Denied::WrongPassword => "wrong-password",
                Denied::NoCertificate => "no-certificate",
                Denied::Unavailable => "unavailable",
            };
            Some(Login { reason, checked: *denied != Denied::Unavailable, ..login })
        }
        Input::Banned => Some(login),
        _ => None,
    };
    Answer { input, refused }
}

async fn decide(shared: &Shared, attempt: Attempt) -> Input {
    if shared.gate.anonymous(&attempt.user) {
        return Input::Admitted(shared.gate.admit(attempt).await);
    }
    let (peer, name, limits) = (attempt.peer, attempt.user.clone(), &*shared.login_limits);
    let first = limits.allow(peer, &name).await;
    match first.ruling {
        Ruling::Refuse => return Input::Banned,
        Ruling::RememberedOnly => return remembered_only(shared, &attempt).await,
        Ruling::Allow | Ruling::Delay(_) => {}
    }
    let lane = match first.history {
        History::Known => Lane::Known,
        History::New => Lane::New,
        History::Failed => Lane::Again,
    };
    // A password that is remembered need not wait. But at the same moment no more of them are looked up than could fail
    // one after the other, or guessing at what is remembered would be free.
    let at_once = shared.logins.pending(origin(peer)) < first.left as usize;
    if at_once && let Some(admission) = shared.gate.remembered(&attempt) {
        return Input::Admitted(Ok(admission));
    }
    let Some(turn) = shared.logins.turn(origin(peer), &name, lane).await else {
        return Input::Admitted(Err(Denied::Unavailable));
    };
    // Those before us may have failed as often as one may, or may have had this very password verified. Of one user
    // nobody else is under way, so guessing on many connections at once gains nothing.
    let ruling = limits.allow(peer, &name).await.ruling;
    match ruling {
        Ruling::Refuse => return Input::Banned,
        Ruling::RememberedOnly => return remembered_only(shared, &attempt).await,
        Ruling::Allow | Ruling::Delay(_) => {}
    }
    if let Some(admission) = shared.gate.remembered(&attempt) {
        return Input::Admitted(Ok(admission));
    }
    let answer = shared.gate.admit(attempt).await;
    match &answer {
        Ok(_) => limits.succeeded(peer, &name).await,
        Err(Denied::Unavailable) => {}
        Err(_) => limits.failed(peer, &name).await,
    }
    drop(turn);
    if let (Err(_), Ruling::Delay(delay)) = (&answer, ruling) {
        sleep(delay).await;
    }
    Input::Admitted(answer)
}

/// Lets in a user whose password is remembered, and nobody else.
async fn remembered_only(shared: &Shared, attempt: &Attempt) -> Input {
    match shared.gate.remembered(attempt) {
        Some(admission) => Input::Admitted(Ok(admission)),
        None => {
            shared.login_limits.failed(attempt.peer, &attempt.user).await;
            Input::Banned
        }
    }
}
