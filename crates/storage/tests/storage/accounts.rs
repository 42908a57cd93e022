//! Who is let in, and what does it cost?
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use storage::accounts::certificates::{Certificates, Mark, Role};
use storage::accounts::{Account, Accounts, Anonymous, BadAccounts, PasswordHash};
use storage::{Admission, Attempt, Certificate, Denied, Gate, Prompt, Rights, Tree};

use testbed::conformance::gate::attempt;

use crate::site::{Site, at};

/// As hard to guess as a test needs it: the smallest parameters there are.
fn cheap(password: &str) -> PasswordHash {
    let params = Params::new(8, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    PasswordHash::parse(&argon2.hash_password(password.as_bytes()).unwrap().to_string()).unwrap()
}

fn tree() -> Arc<dyn Tree> {
    // The folder need not outlive this: a tree is not touched by a login.
    Arc::new(Site::new().tree.clone())
}

fn account(name: &str, password: &str) -> Account {
    Account {
        name: name.into(),
        hash: cheap(password),
        tree: tree(),
        rights: Rights::Write.into(),
        home: at("/home"),
    }
}

fn anonymous() -> Anonymous {
    Anonymous { tree: tree(), rights: Rights::Read.into(), home: at("/pub") }
}

fn gate(anonymous: Option<Anonymous>) -> Accounts {
    let users = [account("ann", "secret"), account("bob", "hunter2"), account("Zoë", "")];
    Accounts::new(users, anonymous, Accounts::REMEMBER).unwrap()
}

async fn admit(gate: &Accounts, user: &str, password: &str) -> Result<Admission, Denied> {
    gate.admit(attempt(user, password)).await
}

#[tokio::test]
async fn the_right_password_opens_the_users_own_tree() {
    let gate = gate(None);
    let admission = admit(&gate, "ann", "secret").await.ok().unwrap();
    assert_eq!(
        (&*admission.user, admission.rights.everywhere(), admission.home),
        ("ann", Rights::Write, at("/home"))
    );
    assert!(admit(&gate, "bob", "hunter2").await.is_ok());
    assert!(admit(&gate, "Zoë", "").await.is_ok());
}

#[tokio::test]
async fn nothing_else_does() {
    let gate = gate(None);
    for (user, password) in [("ann", "Secret"), ("ann", "hunter2"), ("bob", "secret")] {
        let denied = admit(&gate, user, password).await.err();
        assert_eq!(denied, Some(Denied::WrongPassword), "{user} {password}");
    }
    for user in ["Ann", "anonymous", "ftp", "root"] {
        assert_eq!(admit(&gate, user, "secret").await.err(), Some(Denied::UnknownUser), "{user}");
    }
}

#[tokio::test]
async fn anonymous_comes_in_by_either_name_and_any_password() {
    let open = gate(Some(anonymous()));
    for (user, password) in [("anonymous", ""), ("Anonymous", "me@example.org"), ("FTP", "secret")] {
        let Admission { user, anonymous, home, rights, .. } =
            admit(&open, user, password).await.ok().unwrap();
        assert_eq!((&*user, anonymous, home), ("anonymous", true, at("/pub")));
        assert!(!rights.everywhere().writes());
    }
    assert_eq!(open.verifications(), 0);
    assert!(admit(&open, "ann", "secret").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_right_password_is_remembered_for_its_time() {
    let gate = gate(None);
    for _ in 0..8 {
        assert!(admit(&gate, "ann", "secret").await.is_ok());
    }
    assert_eq!(gate.verifications(), 1);
    assert!(admit(&gate, "bob", "hunter2").await.is_ok());
    assert_eq!(gate.verifications(), 2);
    assert_eq!(admit(&gate, "ann", "hunter2").await.err(), Some(Denied::WrongPassword));
    tokio::time::advance(Accounts::REMEMBER.saturating_sub(Duration::from_secs(1))).await;
    let before = gate.verifications();
    assert!(admit(&gate, "ann", "secret").await.is_ok());
    assert_eq!(gate.verifications(), before);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(admit(&gate, "ann", "secret").await.is_ok());
    assert_eq!(gate.verifications(), before + 1, "being used does not lengthen it");
}

#[tokio::test]
async fn a_refusal_is_never_remembered_and_costs_the_same_for_nobody_as_for_somebody() {
    let gate = gate(None);
    for n in 1..=5 {
        assert!(admit(&gate, "ann", "wrong").await.is_err());
        assert_eq!(gate.verifications(), 2 * n - 1);
        assert!(admit(&gate, "nobody", "wrong").await.is_err());
        assert_eq!(gate.verifications(), 2 * n);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_remembered_is_known_without_work() {
    let gate = gate(Some(anonymous()));
    let known =
        async |user, password| gate.remembered(&attempt(user, password)).await.map(|a| a.user.to_string());
    assert_eq!(known("ann", "secret").await, None);
    assert!(admit(&gate, "ann", "secret").await.is_ok());
    assert!(admit(&gate, "nobody", "secret").await.is_err());
    assert_eq!(known("ann", "secret").await.as_deref(), Some("ann"));
    for (user, password) in [("ann", "secret "), ("bob", "secret"), ("nobody", "secret"), ("", "")] {
        assert_eq!(known(user, password).await, None, "{user}");
    }
    tokio::time::advance(Accounts::REMEMBER).await;
    assert_eq!(known("ann", "secret").await, None);
    assert_eq!(gate.verifications(), 2);
}

#[test]
fn lists_that_cannot_be_are_refused() {
    let twice = [account("ann", "a"), account("ann", "b")];
    assert_eq!(Accounts::new(twice, None, Duration::ZERO).err(), Some(BadAccounts::Twice("ann".into())));
    let reserved = || [account("FTP", "a")];
    let error = Accounts::new(reserved(), Some(anonymous()), Duration::ZERO).err();
    assert_eq!(error, Some(BadAccounts::Reserved("FTP".into())));
    assert!(Accounts::new(reserved(), None, Duration::ZERO).is_ok());
    for name in ["", "a\nb", "a\0"] {
        let error = Accounts::new([account(name, "a")], None, Duration::ZERO).err();
        assert_eq!(error, Some(BadAccounts::UnusableName(name.into())));
    }
}

fn certificate(fingerprint: u8, subject: Option<&str>) -> Certificate {
    Certificate { fingerprint: [fingerprint; 32], subject: subject.map(str::to_owned) }
}

fn with_certificates(role: Role) -> (Accounts, Arc<Certificates>) {
    let owners = [
        ("ann".to_owned(), Mark::Fingerprint([1; 32])),
        ("ann".to_owned(), Mark::Subject("CN=ann".to_owned())),
        ("bob".to_owned(), Mark::Fingerprint([2; 32])),
    ];
    let certificates = Arc::new(Certificates::new(role, owners));
    (gate(Some(anonymous())).with_certificates(Arc::clone(&certificates)), certificates)
}

#[tokio::test]
async fn a_certificate_stands_in_for_the_password_of_whose_it_is() {
    let (gate, certificates) = with_certificates(Role::WithoutPassword);
    let user = async |user: &str, shown: &Certificate| match gate.greet(user.as_bytes(), Some(shown)).await {
        Prompt::Admitted(admission) => Some(admission.user.to_string()),
        Prompt::Password | Prompt::Anonymous => None,
    };
    assert_eq!(user("ann", &certificate(1, None)).await.as_deref(), Some("ann"));
    assert_eq!(user("ann", &certificate(9, Some("CN=ann"))).await.as_deref(), Some("ann"));
    assert_eq!(user("ann", &certificate(9, Some("CN=Ann"))).await, None);
    assert_eq!(user("ann", &certificate(2, None)).await, None);
    for nobody in ["Zo\u{eb}", "nobody", "anonymous", "ftp", ""] {
        assert_eq!(user(nobody, &certificate(1, Some("CN=ann"))).await, None, "{nobody}");
    }
    // The others come by their passwords, as before.
    assert!(admit(&gate, "ann", "secret").await.is_ok());
    assert!(admit(&gate, "bob", "hunter2").await.is_ok());
    certificates.replace([("ann".to_owned(), Mark::Fingerprint([3; 32]))]);
    assert_eq!(user("ann", &certificate(1, Some("CN=ann"))).await, None);
    assert_eq!(user("ann", &certificate(3, None)).await.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_certificate_beside_the_password_is_asked_of_everybody_with_a_name() {
    let (gate, _) = with_certificates(Role::WithPassword);
    let admit = async |user: &str, password: &str, certificate: Option<Certificate>| {
        gate.admit(Attempt { certificate, ..attempt(user, password) }).await.err()
    };
    let own = certificate(1, None);
    assert!(matches!(gate.greet(b"ann", Some(&own)).await, Prompt::Password), "it is not enough");
    assert_eq!(admit("ann", "secret", Some(own.clone())).await, None);
    assert_eq!(admit("ann", "wrong", Some(own.clone())).await, Some(Denied::WrongPassword));
    // Also once the password is remembered: it is not looked at, and each time costs the same.
    for shown in [None, Some(certificate(2, None)), Some(certificate(9, Some("CN=bob")))] {
        let before = gate.verifications();
        assert_eq!(admit("ann", "secret", shown).await, Some(Denied::NoCertificate));
        assert_eq!(gate.verifications(), before + 1);
    }
    assert_eq!(admit("Zo\u{eb}", "", Some(own.clone())).await, Some(Denied::NoCertificate));
    assert_eq!(admit("nobody", "secret", Some(own)).await, Some(Denied::UnknownUser));
    assert_eq!(admit("anonymous", "", None).await, None);
}
