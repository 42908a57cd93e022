//! Who is let in, and to what?
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Tree, VPath};

/// Someone asks to be let in.
#[derive(Debug)]
pub struct Attempt {
    /// The user's name as sent.
    pub user: Vec<u8>,
    /// The password as sent; it is overwritten when dropped, and prints as nothing.
    pub password: zeroize::Zeroizing<Vec<u8>>,
    /// The address it comes from.
    pub peer: IpAddr,
    /// The site asked for by HOST, if any.
    pub host: Option<Vec<u8>>,
}

/// What an admitted user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// May anything be changed?
    pub write: bool,
}

/// Someone was let in.
#[derive(Clone)]
pub struct Admission {
    /// The name for the log.
    pub user: Arc<str>,
    /// What may be done.
    pub rights: Rights,
    /// The files.
    pub tree: Arc<dyn Tree>,
    /// The directory to start in.
    pub home: VPath,
}

/// Nobody is told which of these it was; the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No such user.
    UnknownUser,
    /// Not the password.
    WrongPassword,
    /// The store of accounts does not answer.
    Unavailable,
}

/// A way in.
pub trait Gate: Send + Sync {
    /// Is a password asked of this user? Must not tell whether the user exists: everybody who is not anonymous is asked.
    fn wants_password(&self, user: &[u8]) -> bool;
    /// Is this one of the names under which anybody may come, with any password? Then the custom is to ask for an e-mail
    /// address as the password (RFC 1635).
    fn anonymous(&self, user: &[u8]) -> bool {
        let _ = user;
        false
    }
    /// Decides. An unknown user and a wrong password take the same time.
    fn admit<'a>(
        &'a self,
        attempt: Attempt,
    ) -> Pin<Box<dyn Future<Output = Result<Admission, Denied>> + Send + 'a>>;
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("user", &self.user)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}
