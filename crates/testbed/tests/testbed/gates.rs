//! Which gates keep the promises of `storage::Gate`?
use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use storage::accounts::certificates::{Certificates, Mark, Role};
use storage::accounts::{Account, Accounts, Anonymous, PasswordHash};
use storage::gate::is_anonymous;
use storage::{Admission, Answer, Attempt, Certificate, Denied, Gate, Prompt, Rights, Tree, VPath};
use testbed::conformance::gate::{Known, gate};
use testbed::memory::Memory;

const OWN: Certificate = Certificate { fingerprint: [1; 32], subject: None };

fn tree() -> Arc<dyn Tree> {
    Arc::new(Memory::default())
}

/// Costs enough to be told from nothing, and little enough for a test.
fn hashed(password: &str) -> PasswordHash {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(512, 2, 1, None).unwrap());
    PasswordHash::parse(&argon2.hash_password(password.as_bytes()).unwrap().to_string()).unwrap()
}

#[tokio::test]
async fn accounts() {
    for (anonymous, certificate) in [(false, false), (true, false), (false, true), (true, true)] {
        let rights = || Rights::Read.into();
        let account = |name: &str, password: &str| Account {
            name: name.to_owned(),
            hash: hashed(password),
            tree: tree(),
            rights: rights(),
            home: VPath::root(),
        };
        let all = Anonymous { tree: tree(), rights: rights(), home: VPath::root() };
        let users = [account("ann", "secret"), account("bob", "hunter2")];
        let mut accounts = Accounts::new(users, anonymous.then_some(all), Accounts::REMEMBER).unwrap();
        if certificate {
            let owners = [("ann".to_owned(), Mark::Fingerprint(OWN.fingerprint))];
            accounts = accounts.with_certificates(Arc::new(Certificates::new(Role::WithoutPassword, owners)));
        }
        let certificate = certificate.then_some(OWN);
        let user = ("ann", "secret");
        gate(&Known { gate: Arc::new(accounts), user, anonymous, certificate, unavailable: None }).await;
    }
}

/// As simple as a gate can be.
struct Plain {
    users: HashMap<Vec<u8>, Vec<u8>>,
    available: bool,
}

impl Gate for Plain {
    fn greet<'a>(&'a self, user: &'a [u8], certificate: Option<&'a Certificate>) -> Answer<'a, Prompt> {
        Box::pin(ready(match () {
            () if self.available && user == b"ann" && certificate == Some(&OWN) => {
                Prompt::Admitted(Box::new(Admission::new("ann", Rights::Read, tree())))
            }
            () if is_anonymous(user) => Prompt::Anonymous,
            () => Prompt::Password,
        }))
    }

    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        let admission = |user: &[u8]| Admission::new(String::from_utf8_lossy(user), Rights::Read, tree());
        let answer = match self.users.get(&attempt.user) {
            _ if !self.available => Err(Denied::Unavailable),
            _ if is_anonymous(&attempt.user) => Ok(Admission { anonymous: true, ..admission(b"anonymous") }),
            Some(password) if *password == *attempt.password => Ok(admission(&attempt.user)),
            Some(_) => Err(Denied::WrongPassword),
            None => Err(Denied::UnknownUser),
        };
        Box::pin(ready(answer))
    }
}

#[tokio::test]
async fn a_plain_one() {
    let plain = |available| -> Arc<dyn Gate> {
        Arc::new(Plain { users: HashMap::from([(b"ann".to_vec(), b"secret".to_vec())]), available })
    };
    let known = Known {
        gate: plain(true),
        user: ("ann", "secret"),
        anonymous: true,
        certificate: Some(OWN),
        unavailable: Some(plain(false)),
    };
    gate(&known).await;
}
