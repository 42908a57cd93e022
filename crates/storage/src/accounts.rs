//! How are the users of one process let in?
//!
//! ```text
//!   greet --> anonymous, or a certificate that is enough?
//!   admit --> anonymous?                yes: in, whatever the password
//!         --> a certificate asked for beside the password, and not there?   denied (same work, on a decoy)
//!         --> remembered?               yes: in (microseconds)
//!         --> one for each core at once: argon2id (tens of milliseconds)
//!               right: remember it, in        wrong, or no such user (same work, on a decoy): denied
//! ```
mod buffers;
pub mod certificates;
mod memory;
mod password;

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use self::buffers::Buffers;
use self::certificates::{Certificates, Role};
use self::memory::{Memory, Proof};
pub use self::password::{BadHash, PasswordHash, hash};
use crate::gate::is_anonymous;
use crate::{Admission, Answer, Attempt, Certificate, Denied, Gate, PathRights, Prompt, Tree, VPath};

/// A user.
#[derive(Clone)]
pub struct Account {
    /// The name, exactly as USER must give it.
    pub name: String,
    /// What the password is checked against.
    pub hash: PasswordHash,
    /// The user's files.
    pub tree: Arc<dyn Tree>,
    /// What may be done with them.
    pub rights: PathRights,
    /// The directory to start in.
    pub home: VPath,
}

impl Account {
    fn admission(&self) -> Admission {
        let admission = Admission::new(self.name.as_str(), self.rights.clone(), Arc::clone(&self.tree));
        Admission { home: self.home.clone(), ..admission }
    }
}

/// What everybody gets who gives no name of their own.
#[derive(Clone)]
pub struct Anonymous {
    /// The files.
    pub tree: Arc<dyn Tree>,
    /// What may be done with them.
    pub rights: PathRights,
    /// The directory to start in.
    pub home: VPath,
}

impl Anonymous {
    fn admission(&self) -> Admission {
        let admission = Admission::new("anonymous", self.rights.clone(), Arc::clone(&self.tree));
        Admission { anonymous: true, home: self.home.clone(), ..admission }
    }
}

/// A list of users that cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccounts {
    /// One name twice.
    #[error("there are two users {0:?}")]
    Twice(String),
    /// A name that means anonymous users while they are let in.
    #[error("{0:?} means anonymous users, who are let in here; give that user another name")]
    Reserved(String),
    /// A name that USER cannot carry.
    #[error("{0:?} cannot be a user's name: it is empty, or has control characters in it")]
    UnusableName(String),
    /// The system gave no random bytes.
    #[error("the system has no random bytes to give")]
    NoRandomness,
}

/// The users of one process. Kept in memory, passwords only as hashes.
pub struct Accounts {
    users: HashMap<Vec<u8>, Account>,
    anonymous: Option<Anonymous>,
    certificates: Option<Arc<Certificates>>,
    /// Checked for users there are not, so that they cost what the others cost.
    decoy: PasswordHash,
    memory: Memory,
    /// Each verification takes a core and its memory (19 MiB) for tens of milliseconds. More of them than
    /// cores would finish none sooner, and a flood of logins would take all memory and all threads that files
    /// need.
    places: Arc<Semaphore>,
    /// How many places there are.
    cores: usize,
    /// The memory of verifications that are under way; one for each place at the most.
    buffers: Arc<Buffers>,
    verifications: AtomicU64,
}

impl Accounts {
    /// How long a verified password is remembered, unless told otherwise: a client's eight connections and
    /// its reconnects fall into it, and a changed password counts in a time one can wait for.
    pub const REMEMBER: Duration = Duration::from_secs(5 * 60);

    /// Users, what anonymous users get (nothing: they are not let in), and how long a verified password is
    /// remembered (zero: not at all). [`BadAccounts`] says what is wrong with the list.
    pub fn new(
        accounts: impl IntoIterator<Item = Account>,
        anonymous: Option<Anonymous>,
        remember: Duration,
    ) -> Result<Self, BadAccounts> {
        let mut users = HashMap::new();
        for account in accounts {
            let name = account.name.clone();
            if name.is_empty() || name.contains(char::is_control) {
                return Err(BadAccounts::UnusableName(name));
            }
            if anonymous.is_some() && is_anonymous(name.as_bytes()) {
                return Err(BadAccounts::Reserved(name));
            }
            if users.insert(name.clone().into_bytes(), account).is_some() {
                return Err(BadAccounts::Twice(name));
            }
        }
        // With hashes of different costs no one decoy is like all of them; the dearest at least never tells
        // by being quick.
        let dearest = users.values().map(|a| &a.hash).max_by_key(|hash| hash.cost());
        let decoy = PasswordHash::decoy(dearest).map_err(|_| BadAccounts::NoRandomness)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            users,
            anonymous,
            certificates: None,
            decoy,
            memory: Memory::new(remember).map_err(|_| BadAccounts::NoRandomness)?,
            places: Arc::new(Semaphore::new(cores)),
            cores,
            buffers: Arc::default(),
            verifications: AtomicU64::new(0),
        })
    }

    /// Lets certificates count: in place of passwords, or beside them.
    #[must_use]
    pub fn with_certificates(self, certificates: Arc<Certificates>) -> Self {
        Self { certificates: Some(certificates), ..self }
    }

    /// Passwords verified the dear way since the start, right or wrong, for users there are and others.
    pub fn verifications(&self) -> u64 {
        self.verifications.load(Ordering::Relaxed)
    }

    async fn decide(&self, attempt: Attempt) -> Result<Admission, Denied> {
        if let Some(anonymous) = self.anonymous.as_ref().filter(|_| is_anonymous(&attempt.user)) {
            return Ok(anonymous.admission());
        }
        let Tried { account, lacks, hash, proof } = self.tried(&attempt);
        let right = self.memory.holds(&attempt.user, &proof) || self.verify(attempt, hash, proof).await?;
        match account {
            None => Err(Denied::UnknownUser),
            Some(_) if lacks => Err(Denied::NoCertificate),
            Some(account) if right => Ok(account.admission()),
            Some(_) => Err(Denied::WrongPassword),
        }
    }

    /// What an attempt is checked against.
    fn tried(&self, attempt: &Attempt) -> Tried<'_> {
        let account = self.users.get(&attempt.user);
        // Without the certificate the password is not looked at. The work is done all the same, on the decoy,
        // of which nothing is ever remembered: so neither the answer nor its time tells who guesses passwords
        // whether one is right.
        let lacks = self.lacks_certificate(attempt);
        let hash = account.filter(|_| !lacks).map_or(&self.decoy, |a| &a.hash);
        let proof = self.memory.proof(&attempt.user, &attempt.password, hash);
        Tried { account, lacks, hash, proof }
    }

    /// Must a certificate be shown beside the password, and is none of this user's there?
    fn lacks_certificate(&self, attempt: &Attempt) -> bool {
        let asked = self.certificates.as_ref().filter(|known| known.role() == Role::WithPassword);
        asked.is_some_and(|known| {
            !attempt.certificate.as_ref().is_some_and(|shown| known.is_of(&attempt.user, shown))
        })
    }

    fn recognised(&self, user: &[u8], certificate: &Certificate) -> Option<Admission> {
        let known = self.certificates.as_ref().filter(|known| known.role() == Role::WithoutPassword)?;
        let account = self.users.get(user)?;
        known.is_of(user, certificate).then(|| account.admission())
    }

    async fn verify(&self, attempt: Attempt, hash: &PasswordHash, proof: Proof) -> Result<bool, Denied> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Denied::Unavailable)?;
        self.verifications.fetch_add(1, Ordering::Relaxed);
        let (hash, password) = (hash.clone(), attempt.password);
        let (buffers, places, cores) = (Arc::clone(&self.buffers), Arc::clone(&self.places), self.cores);
        let right = tokio::task::spawn_blocking(move || {
            let right = hash.verify(&password, &buffers);
            // Only now, also when the session has ended meanwhile: the core was busy until here.
            drop(place);
            if places.available_permits() == cores {
                // No check is under way or waits, so the memory goes back to the system.
                buffers.clear();
            }
            right
        })
        .await
        .ok()
        .flatten()
        .ok_or(Denied::Unavailable)?;
        if right {
            self.memory.keep(attempt.user, proof);
        }
        Ok(right)
    }
}

struct Tried<'a> {
    account: Option<&'a Account>,
    /// A certificate is asked for, and was not shown.
    lacks: bool,
    hash: &'a PasswordHash,
    proof: Proof,
}

impl Gate for Accounts {
    fn greet<'a>(&'a self, user: &'a [u8], certificate: Option<&'a Certificate>) -> Answer<'a, Prompt> {
        let recognised = certificate.and_then(|certificate| self.recognised(user, certificate));
        Box::pin(ready(match recognised {
            Some(admission) => Prompt::Admitted(Box::new(admission)),
            None if self.anonymous.is_some() && is_anonymous(user) => Prompt::Anonymous,
            None => Prompt::Password,
        }))
    }

    fn remembered<'a>(&'a self, attempt: &'a Attempt) -> Answer<'a, Option<Admission>> {
        let Tried { account, proof, .. } = self.tried(attempt);
        let account = account.filter(|_| self.memory.holds(&attempt.user, &proof));
        Box::pin(ready(account.map(Account::admission)))
    }

    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        Box::pin(self.decide(attempt))
    }

    fn checks_at_once(&self) -> usize {
        self.cores
    }
}
