//! Does a gate keep the promises of [`Gate`]?
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use storage::{Admission, Attempt, Certificate, Denied, Gate, Prompt};

/// What a gate that is tried has, and what is tried on it.
pub struct Known {
    /// The gate.
    pub gate: Arc<dyn Gate>,
    /// The name of a user, and the password.
    pub user: (&'static str, &'static str),
    /// Are anonymous users let in?
    pub anonymous: bool,
    /// A certificate that is enough for this user, where the gate knows any.
    pub certificate: Option<Certificate>,
    /// The same gate while its store of accounts does not answer, where that can be.
    pub unavailable: Option<Arc<dyn Gate>>,
}

/// Nobody has this name.
const NOBODY: &str = "no such user";

/// How often refusals are timed. The shortest time counts, so that other work on the machine does not.
const TIMED: usize = 12;

/// Refusals may differ by as much whatever they cost: a timer's and a scheduler's own inexactness.
const NOISE: Duration = Duration::from_millis(1);

/// Tries every promise. Panics with the first that is broken.
pub async fn gate(known: &Known) {
    who_is_asked_for_what(known).await;
    the_right_password_and_no_other(known).await;
    what_is_remembered(known).await;
    refusals_take_the_same_time(known).await;
    an_abandoned_attempt_stands_in_nobodys_way(known).await;
    without_its_accounts(known).await;
}

async fn who_is_asked_for_what(known: &Known) {
    let Known { gate, user: (user, _), .. } = known;
    for name in [user, NOBODY, "", "\0\r\n", &"x".repeat(10_000)] {
        let prompt = gate.greet(name.as_bytes(), None).await;
        assert!(matches!(prompt, Prompt::Password), "{name:?} is asked for a password, not {prompt:?}");
    }
    for name in ["anonymous", "ANONYMOUS", "ftp", "Ftp"] {
        let prompt = gate.greet(name.as_bytes(), None).await;
        assert_eq!(matches!(prompt, Prompt::Anonymous), known.anonymous, "{name}: {prompt:?}");
        if known.anonymous {
            let admission = admit(gate, name, "me@example.org").await.expect("anonymous users are let in");
            assert!(admission.anonymous);
        }
    }
    let stranger = Certificate { fingerprint: [0xee; 32], subject: None };
    let prompt = gate.greet(user.as_bytes(), Some(&stranger)).await;
    assert!(matches!(prompt, Prompt::Password), "another's certificate is not enough");
    if let Some(own) = &known.certificate {
        let Prompt::Admitted(admission) = gate.greet(user.as_bytes(), Some(own)).await else {
            panic!("the user's own certificate is enough")
        };
        assert_eq!(&*admission.user, *user);
        for other in [NOBODY, "anonymous", ""] {
            let prompt = gate.greet(other.as_bytes(), Some(own)).await;
            assert!(
                !matches!(prompt, Prompt::Admitted(_)),
                "{other:?} is let in by the certificate of {user}"
            );
        }
    }
}

async fn the_right_password_and_no_other(known: &Known) {
    let Known { gate, user: (user, password), .. } = known;
    for _ in 0..2 {
        let admission = admit(gate, user, password).await.expect("it is the right password");
        assert_eq!((&*admission.user, admission.anonymous), (*user, false));
        for wrong in ["", "wrong", &format!("{password}\0"), &format!("{password} ")] {
            assert_eq!(admit(gate, user, wrong).await.err(), Some(Denied::WrongPassword), "{wrong:?}");
        }
        for nobody in [NOBODY, "", &format!("{user} ")] {
            let denied = admit(gate, nobody, password).await.err();
            assert_eq!(denied, Some(Denied::UnknownUser), "{nobody:?}");
        }
    }
}

/// A gate need not remember; what it does is right.
async fn what_is_remembered(known: &Known) {
    let Known { gate, user: (user, password), .. } = known;
    let remembered = async |user: &str, password: &str| gate.remembered(&attempt(user, password)).await;
    let right = remembered(user, password).await;
    assert!(right.is_none_or(|admission| &*admission.user == *user), "a password that was verified");
    for (user, password) in [(*user, "wrong"), (NOBODY, *password), (NOBODY, ""), ("", "")] {
        assert!(remembered(user, password).await.is_none(), "{user:?} with {password:?}");
    }
}

async fn refusals_take_the_same_time(known: &Known) {
    let Known { gate, user: (user, _), .. } = known;
    let mut shortest = [Duration::MAX; 2];
    for n in 0..TIMED {
        for (shortest, user) in shortest.iter_mut().zip([user, NOBODY]) {
            let begun = Instant::now();
            assert!(admit(gate, user, &format!("wrong {n}")).await.is_err());
            *shortest = begun.elapsed().min(*shortest);
        }
    }
    let [wrong, unknown] = shortest;
    let bound = wrong.max(unknown) / 2 + NOISE;
    assert!(wrong.abs_diff(unknown) < bound, "a wrong password took {wrong:?}, an unknown user {unknown:?}");
}

async fn an_abandoned_attempt_stands_in_nobodys_way(known: &Known) {
    let Known { gate, user: (user, password), .. } = known;
    for _ in 0..2 * std::thread::available_parallelism().map_or(1, usize::from) {
        let mut begun = Box::pin(admit(gate, user, "wrong"));
        let _ = std::future::poll_fn(|context| std::task::Poll::Ready(begun.as_mut().poll(context))).await;
    }
    assert!(admit(gate, user, password).await.is_ok());
}

async fn without_its_accounts(known: &Known) {
    let Some(gate) = &known.unavailable else { return };
    let (user, password) = known.user;
    for (user, password) in [(user, password), (user, "wrong"), (NOBODY, password)] {
        let prompt = gate.greet(user.as_bytes(), None).await;
        assert!(matches!(prompt, Prompt::Password), "{user} is asked as ever, not {prompt:?}");
        assert_eq!(admit(gate, user, password).await.err(), Some(Denied::Unavailable), "{user}");
    }
}

async fn admit(gate: &Arc<dyn Gate>, user: &str, password: &str) -> Result<Admission, Denied> {
    gate.admit(attempt(user, password)).await
}

/// An attempt without a certificate.
pub fn attempt(user: &str, password: &str) -> Attempt {
    Attempt {
        user: user.as_bytes().to_vec(),
        password: password.as_bytes().to_vec().into(),
        certificate: None,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        host: None,
    }
}
