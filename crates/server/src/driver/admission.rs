//! How is somebody let in, and what do wrong passwords cost?
use net::tls::Fingerprint;
use storage::{Admission, Attempt, Certificate, Denied, Prompt};
use tokio::time::sleep;
use wire::pathname::show;

use crate::effect::Input;
use crate::limits::{History, Ruling, origin};
use crate::registry::Registration;
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
    fn of(user: &[u8], shown: Option<&Certificate>) -> Self {
        let user = named(user);
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

/// Asks what is asked of a user.
pub(super) async fn greet(
    shared: &Shared,
    registration: &Registration,
    user: Vec<u8>,
    certificate: Option<Certificate>,
) -> Answer {
    match shared.gate.greet(&user, certificate.as_ref()).await {
        Prompt::Admitted(admission) if !has_room(registration, &admission) => {
            let login = Login::of(&user, certificate.as_ref());
            let refused = Some(Login { reason: "too-many-sessions", checked: true, ..login });
            Answer { input: Input::Admitted(Err(Denied::TooManySessions)), refused }
        }
        prompt => Answer { input: Input::Greeted(prompt), refused: None },
    }
}

/// Checks a password.
pub(super) async fn admit(
    shared: &Shared,
    registration: &Registration,
    attempt: Attempt,
    anonymous: bool,
) -> Answer {
    let login = Login::of(&attempt.user, attempt.certificate.as_ref());
    let decided = if anonymous {
        Input::Admitted(shared.gate.admit(attempt).await)
    } else {
        decide(shared, attempt).await
    };
    let input = match decided {
        Input::Admitted(Ok(admission)) if !has_room(registration, &admission) => {
            Input::Admitted(Err(Denied::TooManySessions))
        }
        decided => decided,
    };
    let refused = match &input {
        Input::Admitted(Err(denied)) => {
            let reason = match denied {
                Denied::UnknownUser => "unknown-user",
                Denied::WrongPassword => "wrong-password",
                Denied::NoCertificate => "no-certificate",
                Denied::TooManySessions => "too-many-sessions",
                Denied::Unavailable => "unavailable",
            };
            Some(Login { reason, checked: *denied != Denied::Unavailable, ..login })
        }
        Input::Banned => Some(login),
        _ => None,
    };
    Answer { input, refused }
}

/// Takes one of the user's sessions, if there is one left.
fn has_room(registration: &Registration, admission: &Admission) -> bool {
    registration.set_user(Some(&admission.user), admission.limits.sessions)
}

async fn decide(shared: &Shared, attempt: Attempt) -> Input {
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
    // A password that is remembered need not wait. But at the same moment no more of them are looked up than
    // could fail one after the other, or guessing at what is remembered would be free.
    let at_once = shared.logins.pending(origin(peer)) < first.left as usize;
    if at_once && let Some(admission) = shared.gate.remembered(&attempt).await {
        return Input::Admitted(Ok(admission));
    }
    let Some(turn) = shared.logins.turn(origin(peer), &name, lane).await else {
        return Input::Admitted(Err(Denied::Unavailable));
    };
    // Those before us may have failed as often as one may, or may have had this very password verified. Of
    // one user nobody else is under way, so guessing on many connections at once gains nothing.
    let ruling = limits.allow(peer, &name).await.ruling;
    match ruling {
        Ruling::Refuse => return Input::Banned,
        Ruling::RememberedOnly => return remembered_only(shared, &attempt).await,
        Ruling::Allow | Ruling::Delay(_) => {}
    }
    if let Some(admission) = shared.gate.remembered(&attempt).await {
        return Input::Admitted(Ok(admission));
    }
    let answer = shared.gate.admit(attempt).await;
    match &answer {
        Ok(_) => limits.succeeded(peer, &name).await,
        Err(Denied::Unavailable | Denied::TooManySessions) => {}
        Err(_) => limits.failed(peer, &name).await,
    }
    drop(turn);
    if let (Err(_), Ruling::Delay(delay)) = (&answer, ruling) {
        sleep(delay).await;
    }
    Input::Admitted(answer)
}

/// Lets in only a user whose password is remembered.
async fn remembered_only(shared: &Shared, attempt: &Attempt) -> Input {
    match shared.gate.remembered(attempt).await {
        Some(admission) => Input::Admitted(Ok(admission)),
        None => {
            shared.login_limits.failed(attempt.peer, &attempt.user).await;
            Input::Banned
        }
    }
}
