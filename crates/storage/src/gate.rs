//! Who is let in, and to what?
use std::future::{Future, ready};
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

/// What a user may do in one place.
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

/// What a user may do where: the same everywhere, but for some paths and all that is below them. The longest
/// of these that a path is in decides. Paths are taken as they are asked for: a link does not carry the
/// rights of its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRights {
    everywhere: Rights,
    /// The longest path first.
    exceptions: Vec<(VPath, Rights)>,
}

impl From<Rights> for PathRights {
    fn from(everywhere: Rights) -> Self {
        Self { everywhere, exceptions: Vec::new() }
    }
}

impl PathRights {
    /// The same, but for a path and all that is below it.
    #[must_use]
    pub fn except(mut self, path: VPath, rights: Rights) -> Self {
        self.exceptions.retain(|(other, _)| *other != path);
        self.exceptions.push((path, rights));
        self.exceptions.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_bytes().len()));
        self
    }

    /// The same, but where anything may be changed, it may only be read.
    #[must_use]
    pub fn without_writing(mut self) -> Self {
        let reduced = |rights: &mut Rights| *rights = if rights.writes() { Rights::Read } else { *rights };
        reduced(&mut self.everywhere);
        self.exceptions.iter_mut().for_each(|(_, rights)| reduced(rights));
        self
    }

    /// What may be done at a path.
    #[must_use]
    pub fn at(&self, path: &VPath) -> Rights {
        let exception = self.exceptions.iter().find(|(above, _)| path.is_in(above));
        exception.map_or(self.everywhere, |(_, rights)| *rights)
    }

    /// What may be done where no exception applies.
    #[must_use]
    pub fn everywhere(&self) -> Rights {
        self.everywhere
    }

    /// Is there no exception?
    #[must_use]
    pub fn is_uniform(&self) -> bool {
        self.exceptions.is_empty()
    }

    /// May a path be renamed with all that is below it, or something be renamed to it? That would take files
    /// out of an exception's reach, or into it.
    #[must_use]
    pub fn may_move(&self, path: &VPath) -> bool {
        let below = self.exceptions.iter().filter(|(exception, _)| exception.is_in(path));
        self.at(path).writes() && below.into_iter().all(|(_, rights)| rights.writes())
    }

    /// All that may be done anywhere.
    pub fn all(&self) -> impl Iterator<Item = Rights> {
        std::iter::once(self.everywhere).chain(self.exceptions.iter().map(|(_, rights)| *rights))
    }
}

/// How much of a server a user may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserLimits {
    /// Sessions at one time; none: as many as the server takes.
    pub sessions: Option<usize>,
}

/// Someone was let in.
#[derive(Clone)]
pub struct Admission {
    /// The name for the log.
    pub user: Arc<str>,
    /// One of the many who share this name and need no password of their own.
    pub anonymous: bool,
    /// What may be done.
    pub rights: PathRights,
    /// How much of it.
    pub limits: UserLimits,
    /// The files.
    pub tree: Arc<dyn Tree>,
    /// The directory to start in.
    pub home: VPath,
}

impl Admission {
    /// A user with a name, who starts at the root and has no limits.
    #[must_use]
    pub fn new(user: impl Into<Arc<str>>, rights: impl Into<PathRights>, tree: Arc<dyn Tree>) -> Self {
        let (user, rights, limits) = (user.into(), rights.into(), UserLimits::default());
        Self { user, anonymous: false, rights, limits, tree, home: VPath::root() }
    }
}

/// Nobody is told which of the first three it was; the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No such user.
    UnknownUser,
    /// Not the password.
    WrongPassword,
    /// A certificate of this user's is asked for beside the password, and was not shown; the password was not
    /// looked at.
    NoCertificate,
    /// The user has as many sessions as may be.
    TooManySessions,
    /// The store of accounts does not answer.
    Unavailable,
}

/// What a user is asked for before anything else.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// A password.
    Password,
    /// Any password: it is one of the names under which everybody may come (RFC 1635).
    Anonymous,
    /// Nothing: the certificate is enough (RFC 2228 3, reply 232).
    Admitted(Box<Admission>),
}

/// An answer that may take its time.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Lets users in. Whatever it asks, a file, a database or another server, its answers may take their time;
/// but that must tell nobody who exists and who does not.
pub trait Gate: Send + Sync {
    /// Decides what is asked of a user who has given this name, and shown this certificate under TLS. Whoever
    /// is not anonymous, and has no certificate of this user's, is asked for a password, be there such a user
    /// or not.
    fn greet<'a>(&'a self, user: &'a [u8], certificate: Option<&'a Certificate>) -> Answer<'a, Prompt> {
        let _ = (user, certificate);
        Box::pin(ready(Prompt::Password))
    }
    /// Finds out whether this attempt is known to be right without any work, as its password was verified a
    /// moment ago. None: it is not known, and [`Gate::admit`] is to be asked. Must be quick.
    fn remembered<'a>(&'a self, attempt: &'a Attempt) -> Answer<'a, Option<Admission>> {
        let _ = attempt;
        Box::pin(ready(None))
    }
    /// Decides. An unknown user, a wrong password and a certificate that is not there take the same time.
    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>>;
    /// How many times [`Gate::admit`] is worth being asked at the same moment: where it takes a core each
    /// time, as many as there are cores. Read once, when a server is made.
    fn checks_at_once(&self) -> usize {
        usize::MAX
    }
}

/// Is it one of the two names that anonymous users have by custom (RFC 1635)?
#[must_use]
pub fn is_anonymous(user: &[u8]) -> bool {
    user.eq_ignore_ascii_case(b"anonymous") || user.eq_ignore_ascii_case(b"ftp")
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission")
            .field("user", &self.user)
            .field("rights", &self.rights)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vpath::at;

    #[test]
    fn the_longest_path_decides() {
        let rights = PathRights::from(Rights::Read)
            .except(at("/home"), Rights::Write)
            .except(at("/home/ann/incoming"), Rights::Drop);
        for (path, expected) in [
            ("/", Rights::Read),
            ("/homes", Rights::Read),
            ("/home", Rights::Write),
            ("/home/ann", Rights::Write),
            ("/home/ann/incoming", Rights::Drop),
            ("/home/ann/incoming/x/y", Rights::Drop),
        ] {
            assert_eq!(rights.at(&at(path)), expected, "{path}");
        }
        assert!(rights.may_move(&at("/home/bob")) && !rights.may_move(&at("/pub")));
        assert!(!rights.may_move(&at("/home/ann")), "what may only be stored would become writable");
        assert!(!rights.is_uniform() && PathRights::from(Rights::Drop).is_uniform());
    }
}
