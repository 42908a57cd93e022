//! Was this password found right a moment ago?
//!
//! Remembered is not the password but an HMAC of it under a key that this process made for itself: whoever
//! reads the memory later cannot try passwords against it faster than against nothing, without also having
//! the key.
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::password::PasswordHash;

/// Users remembered at the most; beyond, the one verified longest ago is forgotten. About 100 bytes each.
const USERS: usize = 4096;

/// Stands for a user, a password and the hash it was checked against.
#[derive(Clone, Copy)]
pub(super) struct Proof([u8; 32]);

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof")
    }
}

/// The passwords verified lately, one for each user: no user has two.
pub(super) struct Memory {
    key: Hmac<Sha256>,
    remember: Duration,
    users: Mutex<HashMap<Vec<u8>, (Proof, Instant)>>,
}

impl Memory {
    pub(super) fn new(remember: Duration) -> Result<Self, getrandom::Error> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice())?;
        // HMAC takes a key of any length.
        let key = Hmac::new_from_slice(key.as_slice()).map_err(|_| getrandom::Error::UNEXPECTED)?;
        Ok(Self { key, remember, users: Mutex::default() })
    }

    pub(super) fn proof(&self, user: &[u8], password: &[u8], hash: &PasswordHash) -> Proof {
        let mut mac = self.key.clone();
        // With its length before it, no part can be taken for a piece of its neighbour.
        for part in [user, password, hash.digest()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Proof(mac.finalize().into_bytes().into())
    }

    /// Was it verified, not too long ago?
    pub(super) fn holds(&self, user: &[u8], proof: &Proof) -> bool {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.get(user).is_some_and(|(known, verified)| {
            verified.elapsed() < self.remember && bool::from(known.0.ct_eq(&proof.0))
        })
    }

    /// It was verified now.
    pub(super) fn keep(&self, user: Vec<u8>, proof: Proof) {
        if self.remember.is_zero() {
            return;
        }
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= USERS && !users.contains_key(&user) {
            // A walk over all of them is little beside the verification just done.
            let oldest =
                users.iter().min_by_key(|(_, (_, verified))| *verified).map(|(user, _)| user.clone());
            oldest.and_then(|oldest| users.remove(&oldest));
        }
        users.insert(user, (proof, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash() -> PasswordHash {
        PasswordHash::decoy(None).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_holds_for_its_time_and_its_user() {
        let memory = Memory::new(Duration::from_secs(300)).unwrap();
        let hash = hash();
        let proof = memory.proof(b"ann", b"pw", &hash);
        assert!(!memory.holds(b"ann", &proof));
        memory.keep(b"ann".to_vec(), proof);
        assert!(memory.holds(b"ann", &proof));
        assert!(!memory.holds(b"bob", &proof));
        assert!(!memory.holds(b"ann", &memory.proof(b"ann", b"pw2", &hash)));
        tokio::time::advance(Duration::from_secs(299)).await;
        assert!(memory.holds(b"ann", &proof));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!memory.holds(b"ann", &proof));
    }

    #[test]
    fn a_proof_is_of_all_three_and_of_this_process() {
        let (one, other) =
            (Memory::new(Duration::from_secs(1)).unwrap(), Memory::new(Duration::from_secs(1)).unwrap());
        let hashes = [hash(), hash()];
        let proof = one.proof(b"ab", b"c", &hashes[0]);
        assert_eq!(proof.0, one.proof(b"ab", b"c", &hashes[0]).0);
        assert_ne!(proof.0, one.proof(b"a", b"bc", &hashes[0]).0);
        assert_ne!(proof.0, one.proof(b"ab", b"d", &hashes[0]).0);
        assert_ne!(proof.0, one.proof(b"ab", b"c", &hashes[1]).0);
        assert_ne!(proof.0, other.proof(b"ab", b"c", &hashes[0]).0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_is_forgotten_first() {
        let memory = Memory::new(Duration::from_secs(300)).unwrap();
        let proof = memory.proof(b"", b"", &hash());
        for user in 0..=USERS {
            memory.keep(user.to_be_bytes().to_vec(), proof);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(memory.users.lock().unwrap().len(), USERS);
        assert!(!memory.holds(&0_usize.to_be_bytes(), &proof));
        assert!(memory.holds(&1_usize.to_be_bytes(), &proof));
        assert!(memory.holds(&USERS.to_be_bytes(), &proof));
    }

    #[test]
    fn nothing_is_kept_for_no_time() {
        let memory = Memory::new(Duration::ZERO).unwrap();
        let proof = memory.proof(b"ann", b"pw", &hash());
        memory.keep(b"ann".to_vec(), proof);
        assert!(!memory.holds(b"ann", &proof));
    }
}
