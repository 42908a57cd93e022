//! Whose is a client's certificate, and what is it worth?
use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use crate::Certificate;

/// By what a certificate is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// By its SHA-256: this one and no other.
    Fingerprint([u8; 32]),
    /// By its subject in RFC 4514's form: every one that an authority has given out under that name.
    Subject(String),
}

/// What a user's certificate is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nobody but anonymous users is let in without one, and the password is asked for as well.
    WithPassword,
    /// It is enough. Who shows none, or another's, is asked for the password.
    WithoutPassword,
}

/// Which certificate belongs to which users. The list can be exchanged while logins go on.
#[derive(Debug)]
pub struct Certificates {
    role: Role,
    owners: RwLock<HashMap<Vec<u8>, HashSet<Mark>>>,
}

impl Certificates {
    /// Each user's certificates: a user may have several, and one may be several users'.
    pub fn new(role: Role, owners: impl IntoIterator<Item = (String, Mark)>) -> Self {
        let certificates = Self { role, owners: RwLock::default() };
        certificates.replace(owners);
        certificates
    }

    /// Goes by another list from now on; who is logged in stays so.
    pub fn replace(&self, owners: impl IntoIterator<Item = (String, Mark)>) {
        let mut fresh = HashMap::<_, HashSet<_>>::new();
        for (user, mark) in owners {
            fresh.entry(user.into_bytes()).or_default().insert(mark);
        }
        *self.owners.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// What they are worth.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Is it this user's?
    pub fn is_of(&self, user: &[u8], certificate: &Certificate) -> bool {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        owners.get(user).is_some_and(|marks| {
            marks.iter().any(|mark| match mark {
                Mark::Fingerprint(fingerprint) => *fingerprint == certificate.fingerprint,
                Mark::Subject(subject) => certificate.subject.as_ref() == Some(subject),
            })
        })
    }
}
