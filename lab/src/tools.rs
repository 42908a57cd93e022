//! Where are the programs under test, and what if one is missing?
use std::panic::panic_any;
use std::path::PathBuf;

use crate::isolation;

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    /// pasv itself.
    pub(crate) pasv: PathBuf,
    /// The folder into which the other servers are unpacked.
    pub(crate) peers: PathBuf,
}

/// Ends the test that runs as skipped.
pub(crate) struct Skipped(pub(crate) String);

impl Tools {
    /// A program of another server, which wants root and users to change to.
    pub(crate) fn peer(&self, name: &str, path: &str) -> PathBuf {
        if !isolation::has_users() {
            skip(&format!("{name} needs root"));
        }
        let file = self.peers.join(path);
        if !file.exists() {
            skip(&format!("{name} is not fetched: cargo xtask test tools"));
        }
        file
    }
}

/// Ends the running test: it cannot run here because of `why`.
pub(crate) fn skip(why: &str) -> ! {
    panic_any(Skipped(why.to_owned()))
}
