//! Is it the right password, without the password being kept?
use std::fmt;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;

use super::buffers::Buffers;

/// KiB of memory for a hash: OWASP's first choice for argon2id with two passes. 19 MiB is too much for a
/// graphics card to do many of at once, and little enough for a small machine to do one on each core.
const MEMORY: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes. One: the cores are for other logins.
const LANES: u32 = 1;

/// KiB at the most that a hash given to us may ask for (256 MiB): it is taken at every login.
const MEMORY_LIMIT: u32 = 256 * 1024;
/// Passes at the most, so that a login stays a matter of a second or two.
const PASSES_LIMIT: u32 = 32;
/// Lanes at the most; they are done one after the other here.
const LANES_LIMIT: u32 = 16;

/// The hash of a password: argon2id as a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`. It prints
/// as its parameters only.
#[derive(Clone)]
pub struct PasswordHash(phc::PasswordHash);

/// Why a text is not the hash of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHash {
    /// Not a PHC string at all: perhaps the password itself.
    #[error("not a password hash: it should look like $argon2id$v=19$m=19456,t=2,p=1$salt$digest")]
    NotPhc,
    /// Made in another way.
    #[error("the password hash is not of the kind argon2id, version 19")]
    OtherKind,
    /// Its salt or its digest is missing.
    #[error("the password hash is cut off: its salt or its digest is missing")]
    Incomplete,
    /// Its parameters cannot be, or would cost too much at every login.
    #[error(
        "the password hash has parameters that cannot be used (at the most m={MEMORY_LIMIT},t={PASSES_LIMIT},p={LANES_LIMIT})"
    )]
    Parameters,
    /// The system gave no random bytes, or the memory was not to be had.
    #[error("the password could not be hashed")]
    Failed,
}

/// Hashes a password with a fresh salt, as text to be stored and given to [`PasswordHash::parse`]. Takes tens
/// of milliseconds of a core and 19 MiB. [`BadHash::Failed`] where the system has no randomness.
pub fn hash(password: &[u8]) -> Result<String, BadHash> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|_| BadHash::Parameters)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(argon2.hash_password(password).map_err(|_| BadHash::Failed)?.to_string())
}

impl PasswordHash {
    /// Reads a PHC string; white space around it, as a file has, does not count. [`BadHash`] says what is
    /// wrong with it.
    pub fn parse(text: &str) -> Result<Self, BadHash> {
        let hash = phc::PasswordHash::new(text.trim()).map_err(|_| BadHash::NotPhc)?;
        if hash.algorithm != ARGON2ID_IDENT || hash.version != Some(Version::V0x13.into()) {
            return Err(BadHash::OtherKind);
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err(BadHash::Incomplete);
        }
        let params = Params::try_from(&hash).map_err(|_| BadHash::Parameters)?;
        if params.m_cost() > MEMORY_LIMIT || params.t_cost() > PASSES_LIMIT || params.p_cost() > LANES_LIMIT {
            return Err(BadHash::Parameters);
        }
        Ok(Self(hash))
    }

    /// A hash that no password is known for, and that costs what `like` costs (or what [`hash`] makes).
    pub(super) fn decoy(like: Option<&Self>) -> Result<Self, BadHash> {
        let mut random = [0; 48];
        getrandom::fill(&mut random).map_err(|_| BadHash::Failed)?;
        let (salt, digest) = random.split_at(16);
        let params = match like {
            Some(like) => like.0.params.clone(),
            None => Params::new(MEMORY, PASSES, LANES, None)
                .ok()
                .and_then(|params| ParamsString::try_from(&params).ok())
                .ok_or(BadHash::Parameters)?,
        };
        Ok(Self(phc::PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params,
            salt: Some(Salt::new(salt).map_err(|_| BadHash::Failed)?),
            hash: Some(Output::new(digest).map_err(|_| BadHash::Failed)?),
        }))
    }

    /// What a verification costs, in KiB written.
    pub(super) fn cost(&self) -> u64 {
        Params::try_from(&self.0).map_or(0, |p| u64::from(p.m_cost()) * u64::from(p.t_cost()))
    }

    /// The digest, which stands for all of it: no two hashes have the same.
    pub(super) fn digest(&self) -> &[u8] {
        self.0.hash.as_ref().map_or(&[], |digest| digest.as_bytes())
    }

    /// Is it the password? Compares in constant time. To be called where waiting is allowed. The work is done
    /// in a buffer of `buffers`; None: there is no memory for one.
    pub(super) fn verify(&self, password: &[u8], buffers: &Buffers) -> Option<bool> {
        let params = Params::try_from(&self.0).ok()?;
        let (salt, expected) = (self.0.salt.as_ref()?, self.0.hash.as_ref()?);
        let mut buffer = buffers.take(params.block_count())?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut digest = [0; Output::MAX_LENGTH];
        // As long as the parameters say, which were read from this digest.
        let digest = digest.get_mut(..expected.len())?;
        let hashed = argon2.hash_password_into_with_memory(password, salt, digest, &mut buffer);
        buffers.give(buffer);
        hashed.ok().map(|()| digest.ct_eq(expected.as_bytes()).into())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({} {})", self.0.algorithm, self.0.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl PasswordHash {
        fn opens(&self, password: &[u8]) -> bool {
            self.verify(password, &Buffers::default()).expect("memory for it")
        }
    }

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let text = hash(b"correct horse").unwrap();
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let hash = PasswordHash::parse(&format!("  {text}\n")).unwrap();
        assert!(hash.opens(b"correct horse"));
        assert!(!hash.opens(b"correct horsf"));
        assert!(!hash.opens(b""));
    }

    /// What one verification leaves in the buffer is nothing to the next, of whatever cost.
    #[test]
    fn a_buffer_is_used_again() {
        let buffers = Buffers::default();
        for (m, t, p) in [(64, 3, 2), (8, 1, 1), (256, 1, 4), (64, 3, 2)] {
            let params = Params::new(m, t, p, None).unwrap();
            let made = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(b"x").unwrap();
            let hash = PasswordHash::parse(&made.to_string()).unwrap();
            assert_eq!(hash.verify(b"x", &buffers), Some(true), "m={m}");
            assert_eq!(hash.verify(b"y", &buffers), Some(false), "m={m}");
        }
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        assert_ne!(hash(b"x").unwrap(), hash(b"x").unwrap());
    }

    #[test]
    fn what_is_wrong_with_a_hash_is_said() {
        let salt = "c29tZXNhbHRzb21lc2FsdA";
        let digest = "Jk3XYzU0Kq3XqYzU0Kq3XqYzU0Kq3XqYzU0Kq3XqYzU";
        let cases = [
            ("secret".to_string(), BadHash::NotPhc),
            (String::new(), BadHash::NotPhc),
            (format!("$argon2i$v=19$m=19456,t=2,p=1${salt}${digest}"), BadHash::OtherKind),
            (format!("$argon2id$v=16$m=19456,t=2,p=1${salt}${digest}"), BadHash::OtherKind),
            (format!("$argon2id$v=19$m=19456,t=2,p=1${salt}"), BadHash::Incomplete),
            (format!("$argon2id$v=19$m=4194304,t=2,p=1${salt}${digest}"), BadHash::Parameters),
            (format!("$argon2id$v=19$m=19456,t=1000,p=1${salt}${digest}"), BadHash::Parameters),
            (format!("$argon2id$v=19$m=1,t=1,p=1${salt}${digest}"), BadHash::Parameters),
        ];
        for (text, expected) in cases {
            assert_eq!(PasswordHash::parse(&text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_decoy_costs_the_same_and_opens_nothing() {
        let real = PasswordHash::parse(&hash(b"x").unwrap()).unwrap();
        assert_eq!(PasswordHash::decoy(None).unwrap().cost(), real.cost());
        let decoy = PasswordHash::decoy(Some(&real)).unwrap();
        assert_eq!(decoy.cost(), real.cost());
        assert_ne!(decoy.digest(), real.digest());
        assert!(!decoy.opens(b"x"));
    }

    #[test]
    fn it_does_not_print() {
        let text = hash(b"x").unwrap();
        let printed = format!("{:?}", PasswordHash::parse(&text).unwrap());
        assert_eq!(printed, "PasswordHash(argon2id m=19456,t=2,p=1)");
    }
}
