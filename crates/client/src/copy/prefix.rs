//! Does a file of the site begin with what we have? HASH of just these bytes tells (draft-bryan-ftpext-hash, with RANG).
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wire::option::Opt;
use wire::{Command, Pathname};

use crate::error::Error;
use crate::session::Client;

impl Client {
    /// Can [`Client::begins_with`] say yes?
    pub(super) fn can_prove_a_prefix(&self) -> bool {
        self.features.offers("HASH", "SHA-256")
    }

    /// Are the first `length` bytes of a file those of ours? `false` is also the answer where nobody can tell.
    pub(super) async fn begins_with(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        length: u64,
    ) -> Result<bool, Error> {
        if length == 0 || !self.can_prove_a_prefix() {
            return Ok(length == 0);
        }
        let algorithm = Some(wire::digest::Algorithm::Sha256);
        if self.ask_maybe(Command::Opts(Opt::Hash(algorithm))).await?.is_none() {
            return Ok(false);
        }
        let ranged = self.features.has("RANG") && self.set_range(Some((0, length - 1))).await?;
        // The server reads all of it first: 32 MiB a second is a slow one.
        let usual = self.options.patience.reply;
        self.options.patience.reply += Duration::from_secs(length >> 25);
        let reply = self.ask_maybe(Command::Hash(path.clone())).await;
        self.options.patience.reply = usual;
        let theirs = reply?.and_then(|reply| hash_of_prefix(reply.text(), length));
        if ranged {
            // It is for one command, and some servers keep it for the next.
            self.set_range(None).await?;
        }
        let Some(theirs) = theirs else { return Ok(false) };
        let file = Arc::clone(file);
        let ours = tokio::task::spawn_blocking(move || digest(&file, length)).await;
        let ours = ours.map_err(io::Error::other).flatten();
        Ok(ours.map_err(|error| Error::local("reading what we have", error))? == theirs)
    }

    /// Sets the bytes that the next command is about, both ends counted in, or that it is about all.
    async fn set_range(&mut self, range: Option<(u64, u64)>) -> Result<bool, Error> {
        match self.exchange(Command::Rang(range), crate::dialogue::Want::Intermediate).await {
            Ok(_) => Ok(true),
            Err(Error::Refused { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

/// `SHA-256 0-49 <64 digits> name`, if it is about the first `length` bytes.
fn hash_of_prefix(text: &[u8], length: u64) -> Option<String> {
    let mut words = text.split(|byte| *byte == b' ');
    let about = format!("0-{}", length - 1);
    let fits = words.next()?.eq_ignore_ascii_case(b"SHA-256") && words.next()? == about.as_bytes();
    let hash = words.next()?;
    let is_hash = hash.len() == 64 && hash.iter().all(u8::is_ascii_hexdigit);
    (fits && is_hash).then(|| String::from_utf8_lossy(hash).to_ascii_lowercase())
}

fn digest(file: &File, length: u64) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    let mut at = 0;
    while at < length {
        let want = usize::try_from(length - at).map_or(piece.len(), |left| left.min(piece.len()));
        let room = piece.get_mut(..want).unwrap_or_default();
        file.read_exact_at(room, at)?;
        hash.update(&*room);
        at += want as u64;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_of_just_these_bytes_counts() {
        let hash = "ab".repeat(32);
        let told = |text: String| hash_of_prefix(text.as_bytes(), 50);
        assert_eq!(told(format!("SHA-256 0-49 {} a b", hash.to_uppercase())), Some(hash.clone()));
        for other in ["SHA-256 0-50", "SHA-256 1-49", "SHA-1 0-49", "SHA-256"] {
            assert_eq!(told(format!("{other} {hash} a")), None, "{other}");
        }
        assert_eq!(told("SHA-256 0-49 none".to_owned()), None);
    }
}
