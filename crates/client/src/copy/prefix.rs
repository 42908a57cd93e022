//! Does a file of the server begin with what we have? HASH of just these bytes tells (see `proof`).
use std::fs::File;
use std::sync::Arc;

use wire::Pathname;

use crate::client::Client;
use crate::error::Error;
use crate::proof::Compared;

impl Client {
    /// Can [`Client::begins_with`] say yes?
    pub(super) fn can_prove_a_prefix(&self) -> bool {
        self.features.offers("HASH", "SHA-256")
    }

    /// Are the first `length` bytes of a file those of ours? `false` is also the answer where nobody can
    /// tell.
    pub(super) async fn begins_with(
        &mut self,
        path: &Pathname,
        file: &Arc<File>,
        length: u64,
    ) -> Result<bool, Error> {
        Ok(length == 0 || self.compare_prefix(path, file, length).await? == Compared::Same)
    }
}
