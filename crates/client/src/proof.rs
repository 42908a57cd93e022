//! Has the site got what we sent?
//!
//! ```text
//!   last reply --2yz--> SIZE --ours--> [HASH --ours-->] proven
//!        | none           |              '--another--> all of it is sent once more --> SIZE ...
//!        |                '--less--> the rest is sent once (REST and STOR, or APPE) --> SIZE ...
//!        '--> a new session --> as above, where SIZE must answer
//! ```
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use net::pump::Progress;
use sha2::{Digest, Sha256};
use wire::option::Opt;
use wire::{Command, Pathname, Reply};

use crate::error::Error;
use crate::event::Event;
use crate::options::Verify;
use crate::session::Client;

/// What an upload came to: the bytes that were sent, and the server's last word.
pub(crate) type Sent = (u64, Option<Reply>);

/// What HASH tells.
enum Compared {
    Same,
    /// Theirs, and ours.
    Different(String, String),
    /// The server does not tell.
    Unknown,
}

impl Client {
    /// After data that ended in order and got no last reply: gives up the session, and asks in a new one.
    pub(crate) async fn ask_again(&mut self, path: &Pathname, bytes: u64) -> Result<(), Error> {
        (self.watch)(&Event::Note(format!(
            "all {bytes} bytes of {path} are through and the control connection is silent or lost (a NAT forgets idle \
             connections): asking again in a new session"
        )));
        self.begin_anew().await.map_err(|error| match error {
            Error::Broken { .. } | Error::Unreachable(_) => {
                let what = format!("the server did not confirm {path}, and a new session failed: {error}");
                Error::Broken { what, moved: bytes }
            }
            other => other,
        })
    }

    /// Proves that a file of ours is there whole, and repairs it once where it is not.
    ///
    /// # Errors
    /// [`Error::Broken`] when it is not, or nothing proves that it is.
    pub(crate) async fn prove(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        (length, last): (u64, Option<Reply>),
        progress: &Arc<Progress>,
    ) -> Result<(), Error> {
        self.prove_size(path, file, (length, last), progress).await?;
        if self.options.verify != Verify::Hash {
            return Ok(());
        }
        match self.compare_hash(path, file).await? {
            Compared::Same => return Ok(()),
            Compared::Unknown => {
                (self.watch)(&Event::Warning(format!(
                    "the server offers no SHA-256 by HASH: only the size of {path} was compared"
                )));
                return Ok(());
            }
            Compared::Different(..) => {}
        }
        // Nobody knows where the difference is, so that nothing less would repair it.
        (self.watch)(&Event::Warning(format!(
            "the site's {path} has another SHA-256 than ours, sending it whole once more"
        )));
        let (_, last) = self.send_from(path, file, 0..length, progress).await?;
        self.prove_size(path, file, (length, last), progress).await?;
        match self.compare_hash(path, file).await? {
            Compared::Different(theirs, ours) => {
                let what = format!("{path} was stored, but its SHA-256 there is {theirs} and ours is {ours}");
                Err(Error::Broken { what, moved: 0 })
            }
            Compared::Same | Compared::Unknown => Ok(()),
        }
    }

    async fn prove_size(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        (length, last): Sent,
        progress: &Arc<Progress>,
    ) -> Result<(), Error> {
        let mut confirmed = last.is_some();
        let mut there = self.there(path, length, confirmed).await?;
        if let Some(short) = there.filter(|there| *there < length) {
            (self.watch)(&Event::Warning(format!(
                "the site has {short} of {length} bytes of {path}, sending the rest once more"
            )));
            let (_, last) = self.send_from(path, file, short..length, progress).await?;
            confirmed = last.is_some();
            there = self.there(path, length, confirmed).await?;
        }
        self.compare(path, there, length, confirmed)
    }

    /// Is what the site had before we came another file than ours, though it is as long? Only HASH can tell.
    pub(crate) async fn is_another(&mut self, path: &Pathname, file: &Arc<File>) -> Result<bool, Error> {
        if self.options.verify != Verify::Hash {
            return Ok(false);
        }
        Ok(matches!(self.compare_hash(path, file).await?, Compared::Different(..)))
    }

    /// The same for what cannot be read again: nothing is repaired.
    pub(crate) async fn prove_sent(&mut self, path: &Pathname, (sent, last): Sent) -> Result<(), Error> {
        let there = self.there(path, sent, last.is_some()).await?;
        self.compare(path, there, sent, last.is_some())
    }

    /// How many bytes the site has; none where it does not tell or nobody wants to know.
    async fn there(&mut self, path: &Pathname, sent: u64, confirmed: bool) -> Result<Option<u64>, Error> {
        if !confirmed {
            self.ask_again(path, sent).await?;
        } else if self.options.verify == Verify::Off {
            return Ok(None);
        }
        self.size(path).await
    }

    fn compare(&self, path: &Pathname, there: Option<u64>, sent: u64, confirmed: bool) -> Result<(), Error> {
        match there {
            Some(there) if there != sent => {
                let what =
                    format!("{path} was stored, but the site has {there} bytes of it and {sent} were sent");
                Err(Error::Broken { what, moved: sent })
            }
            None if !confirmed => Err(Error::unconfirmed(&path.to_string(), sent)),
            Some(_) if !confirmed => {
                (self.watch)(&Event::Note(format!(
                    "the site has all {sent} bytes of {path}: it has arrived"
                )));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn compare_hash(&mut self, path: &Pathname, file: &Arc<File>) -> Result<Compared, Error> {
        let Some(theirs) = self.sha256(path).await? else { return Ok(Compared::Unknown) };
        let file = Arc::clone(file);
        let ours = tokio::task::spawn_blocking(move || digest(&file))
            .await
            .map_err(io::Error::other)
            .and_then(|read| read)
            .map_err(|error| Error::local("reading our file again", error))?;
        if ours == theirs {
            (self.watch)(&Event::Note(format!("{path} has the SHA-256 {ours} on both sides")));
            return Ok(Compared::Same);
        }
        Ok(Compared::Different(theirs, ours))
    }

    /// HASH (draft-bryan-ftpext-hash), where it is offered with SHA-256.
    async fn sha256(&mut self, path: &Pathname) -> Result<Option<String>, Error> {
        if !self.features.offers("HASH", "SHA-256") {
            return Ok(None);
        }
        let algorithm = Some(wire::digest::Algorithm::Sha256);
        if self.ask_maybe(Command::Opts(Opt::Hash(algorithm))).await?.is_none() {
            return Ok(None);
        }
        let reply = self.ask_maybe(Command::Hash(path.clone())).await?;
        Ok(reply.and_then(|reply| hash_in(reply.text())))
    }
}

/// `SHA-256 0-49 <64 digits> name`.
fn hash_in(text: &[u8]) -> Option<String> {
    let is_hash = |word: &&[u8]| word.len() == 64 && word.iter().all(u8::is_ascii_hexdigit);
    // What follows is a name, which may look like a hash.
    let word = text.split(|byte| *byte == b' ').take(3).find(is_hash)?;
    Some(String::from_utf8_lossy(word).to_ascii_lowercase())
}

fn digest(mut file: &File) -> io::Result<String> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => hash.update(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_found_before_the_name_only() {
        let hash = "ab".repeat(32);
        assert_eq!(
            hash_in(format!("SHA-256 0-49 {} a b", hash.to_uppercase()).as_bytes()),
            Some(hash.clone())
        );
        assert_eq!(hash_in(format!("SHA-256 0-49 none {hash}").as_bytes()), None);
        assert_eq!(hash_in(b""), None);
    }
}
