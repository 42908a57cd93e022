//! Who may log in, and with which password?
use std::fs;
use std::path::Path;
use std::sync::Arc;

use config::{SiteConfig, User};
use net::os_error::words;
use storage::accounts::{self, Account, Accounts, Anonymous, PasswordHash};
use storage::{Rights, Tree, VPath};

use crate::error::{Error, show};

/// A user, and the password that was generated.
pub type Generated = (String, String);

/// The accounts, and the passwords that were generated for users without a password file.
pub(crate) fn accounts(site: &SiteConfig, tree: &Arc<dyn Tree>) -> Result<(Accounts, Vec<Generated>), Error> {
    let rights = if site.write { Rights::Write } else { Rights::Read };
    let mut generated = Vec::new();
    let mut list = Vec::new();
    for User { name, password_file } in &site.users {
        if name.is_empty() {
            return Err(
                Error::new("--user: the name is empty").hint("write --user NAME, or --user NAME:FILE")
            );
        }
        let hash = match password_file {
            Some(file) if file.as_os_str().is_empty() => {
                return Err(Error::new(format!("--user {name}: no password file after the colon"))
                    .hint(format!("--user {name} generates a password")));
            }
            Some(file) => read_password_file(file)?,
            None => {
                let password = generate_password()?;
                let hash = hash(password.as_bytes())?;
                generated.push((name.clone(), password));
                hash
            }
        };
        let tree = Arc::clone(tree);
        list.push(Account { name: name.clone(), hash, tree, rights: rights.into(), home: VPath::root() });
    }
    let anonymous = site.anonymous_rights().map(|rights| Anonymous {
        tree: Arc::clone(tree),
        rights: match rights {
            config::Anonymous::Read => Rights::Read,
            config::Anonymous::Write => Rights::Write,
            config::Anonymous::Drop => Rights::Drop,
        }
        .into(),
        home: VPath::root(),
    });
    let accounts = Accounts::new(list, anonymous, site.deadlines.remember_logins)
        .map_err(|e| Error::new(format!("--user: {e}")))?;
    Ok((accounts, generated))
}

fn hash(password: &[u8]) -> Result<PasswordHash, Error> {
    accounts::hash(password)
        .and_then(|text| PasswordHash::parse(&text))
        .map_err(|e| Error::system(format!("cannot hash the password: {e}")))
}

/// The first line of the file: a hash as `pasv passwd` makes it, or the password itself.
fn read_password_file(path: &Path) -> Result<PasswordHash, Error> {
    let text = fs::read(path)
        .map_err(|e| Error::new(format!("cannot read the password file {}: {}", show(path), words(&e))))?;
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Error::new(format!("the password file {} is empty", show(path)))
            .hint("its first line is the password, or what `pasv passwd` prints"));
    }
    match std::str::from_utf8(line) {
        Ok(text) if text.starts_with("$argon2") => {
            PasswordHash::parse(text).map_err(|e| Error::new(format!("{}: {e}", show(path))))
        }
        _ => hash(line),
    }
}

/// Twenty letters and digits that nobody misreads: some 98 bits.
fn generate_password() -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|e| Error::system(format!("no random bytes: {e}")))?;
    Ok(bytes.iter().map(|b| LETTERS[usize::from(b % 32)] as char).collect())
}
