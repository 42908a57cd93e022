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
    /// What the client has shown under TLS, if anything.
    pub certificate: Option<Certificate>,
    /// The address it comes from.
    pub peer: IpAddr,
    /// The site asked for by HOST, if any.
    pub host: Option<Vec<u8>>,
}

/// What a client has proven of itself by a certificate: that it has the key of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    /// Who it is, in RFC 4514's form; none unless an authority that this site trusts vouches for it.
    pub subject: Option<String>,
}

/// What an admitted user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read and list, and change nothing.
    Read,
    /// Everything.
    Write,
    /// Store new files, and nothing else: neither see what is there, nor replace, rename or remove it.
    Drop,
}

impl Rights {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Drop];

    /// May anything that is there be changed?
    #[must_use]
    pub fn writes(self) -> bool {
        self == Self::Write
    }

    /// May something come to the files?
    #[must_use]
    pub fn stores(self) -> bool {
        self != Self::Read
    }
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
    /// A certificate of this user's is asked for beside the password, and was not shown; the password was not looked at.
    NoCertificate,
    /// The store of accounts does not answer.
    Unavailable,
}

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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
    /// Is a certificate of this user's enough, without a password (RFC 2228 3, reply 232)? None: no, or it is another's;
    /// then the password is asked for.
    fn recognise<'a>(
        &'a self,
        user: &'a [u8],
        certificate: &'a Certificate,
    ) -> Pin<Box<dyn Future<Output = Option<Admission>> + Send + 'a>> {
        let _ = (user, certificate);
        Box::pin(std::future::ready(None))
    }
    /// Is this attempt known to be right without any work, as its password was verified a moment ago? None: it is not known,
    /// and [`Gate::admit`] is to be asked. Must be quick, and must not tell whether the user exists.
    fn remembered(&self, attempt: &Attempt) -> Option<Admission> {
        let _ = attempt;
        None
    }
    /// How many times [`Gate::admit`] is worth being asked at the same moment: where it takes a core each time, as many as
    /// there are cores.
    fn places(&self) -> usize {
        usize::MAX
    }
    /// Decides. An unknown user, a wrong password and a certificate that is not there take the same time.
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
