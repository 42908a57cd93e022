//! What is saved, so that a restart orders nothing from the authority?
//!
//! ```text
//!   $XDG_STATE_HOME/pasv/acme/ca.example-0123456789abcdef/    one for each directory URL
//!     account.json         the account and its key
//!     ftp.example.pem      key and chain in one file, so that they never part
//! ```
//! All of it for its owner only.
use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use instant_acme::AccountCredentials;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use wire::Secret;

/// Larger files are none of ours.
const LONGEST: u64 = 1024 * 1024;

/// The folder of one authority.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    certificate: PathBuf,
}

impl Store {
    /// Below the folder `state`, for the URL of a directory and the first name of a certificate. The name is
    /// a host name, so it cannot lead out of the folder.
    pub(crate) fn new(state: &Path, directory: &str, name: &str) -> Self {
        let host = directory.split('/').nth(2).unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let host: String = host.chars().map(plain).collect();
        let digest = Sha256::digest(directory.as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = state.join("acme").join(format!("{host}-{digest}"));
        let certificate = folder.join(format!("{name}.pem"));
        Self { folder, certificate }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the certificate is, or will be.
    pub(crate) fn file(&self) -> &Path {
        &self.certificate
    }

    fn account_file(&self) -> PathBuf {
        self.folder.join("account.json")
    }

    /// The account at the authority, if there is one.
    pub(crate) fn account(&self) -> io::Result<Option<AccountCredentials>> {
        let Some(text) = read(&self.account_file())? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(text.expose())?))
    }

    pub(crate) fn save_account(&self, account: &AccountCredentials) -> io::Result<()> {
        let text = Secret::new(serde_json::to_string(account)?);
        self.write(&self.account_file(), &text)
    }

    /// The authority does not know it any more.
    pub(crate) fn forget_account(&self) -> io::Result<()> {
        match fs::remove_file(self.account_file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Key and chain in PEM, if there are any.
    pub(crate) fn certificate(&self) -> io::Result<Option<Secret>> {
        read(&self.certificate)
    }

    pub(crate) fn save_certificate(&self, pem: &Secret) -> io::Result<()> {
        self.write(&self.certificate, pem)
    }

    /// Whole or not at all, and for its owner only.
    fn write(&self, path: &Path, content: &Secret) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(content.expose())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Option<Secret>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(about) if about.len() > LONGEST => return Err(io::Error::other("the file is too large")),
        Ok(_) => {}
    }
    fs::read(path).map(|bytes| Some(Secret::new(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_directory_has_a_place_of_its_own() {
        let state = Path::new("/state/pasv");
        let folder = |directory: &str| Store::new(state, directory, "ftp.example").folder;
        let (one, other) = (folder("https://ca.example/directory"), folder("https://ca.example/staging"));
        assert_ne!(one, other);
        assert!(one.starts_with("/state/pasv/acme"));
        assert!(one.file_name().unwrap().to_str().unwrap().starts_with("ca.example-"));
        // Nothing in a URL leads out.
        assert_eq!(folder("https://../../x").parent(), Some(Path::new("/state/pasv/acme")));
    }

    #[test]
    fn what_is_saved_is_found_again() {
        let state = tempfile::tempdir().unwrap();
        let store = Store::new(state.path(), "https://ca.example/dir", "ftp.example");
        assert!(store.account().unwrap().is_none() && store.certificate().unwrap().is_none());
        store.save_certificate(&Secret::new("PEM")).unwrap();
        assert_eq!(store.certificate().unwrap().unwrap().expose(), b"PEM");
        store.forget_account().unwrap();
        fs::write(store.account_file(), "no account").unwrap();
        assert!(store.account().is_err());
        store.forget_account().unwrap();
        assert!(store.account().unwrap().is_none());
    }
}
