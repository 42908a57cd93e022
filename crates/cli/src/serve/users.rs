//! Who is let in? `--user`, `--anonymous`, and the passwords.
use std::fs;
use std::path::Path;
use std::sync::Arc;

use storage::accounts::{self, Account, Accounts, Anonymous, PasswordHash};
use storage::local::Local;
use storage::{Rights, Tree, VPath};

use super::Flags;
use crate::talk::{Exit, Failure, show_path, words};

/// The name in a value of `--user`.
pub(super) fn name_of(user: &str) -> String {
    user.split_once(':').map_or(user, |(name, _)| name).to_owned()
}

/// The gate, and the passwords that were generated for users without a password file.
pub(super) fn gate(flags: &Flags, tree: &Arc<Local>) -> Result<(Accounts, Vec<(String, String)>), Failure> {
    let rights = if flags.write { Rights::Write } else { Rights::Read };
    let mut generated = Vec::new();
    let mut list = Vec::new();
    for user in &flags.user {
        if name_of(user).is_empty() {
            return Err(Failure::usage(format!("--user {user:?}: the name is empty"))
                .hint("write --user NAME, or --user NAME:FILE"));
        }
        let (name, hash) = match user.split_once(':') {
            Some((name, "")) => {
                return Err(Failure::usage(format!("--user {user}: no password file after the colon"))
                    .hint(format!("--user {name} generates a password")));
            }
            Some((name, file)) => (name, read_password_file(Path::new(file))?),
            None => {
                let password = generate_password()?;
                let hash = hash(password.as_bytes())?;
                generated.push((user.clone(), password));
                (user.as_str(), hash)
            }
        };
        let tree: Arc<dyn Tree> = Arc::clone(tree) as Arc<dyn Tree>;
        list.push(Account { name: name.to_owned(), hash, tree, rights: rights.into(), home: VPath::root() });
    }
    if flags.quiet && !generated.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "--user without a password file generates a password and shows it in the banner, which --quiet leaves out",
        )
        .hint("give a password file: `pasv passwd > alice.password`, then --user alice:alice.password"));
    }
    let tree: Arc<dyn Tree> = Arc::clone(tree) as Arc<dyn Tree>;
    let anonymous =
        flags.anonymous_rights().map(|rights| Anonymous { tree, rights: rights.into(), home: VPath::root() });
    let accounts = Accounts::new(list, anonymous, flags.deadlines.remember_logins)
        .map_err(|e| Failure::new(Exit::Usage, format!("--user: {e}")))?;
    Ok((accounts, generated))
}

fn hash(password: &[u8]) -> Result<PasswordHash, Failure> {
    accounts::hash(password)
        .and_then(|text| PasswordHash::parse(&text))
        .map_err(|e| Failure::new(Exit::Refused, format!("cannot hash the password: {e}")))
}

/// The first line of the file: a hash as `pasv passwd` makes it, or the password itself.
fn read_password_file(path: &Path) -> Result<PasswordHash, Failure> {
    let text = fs::read(path).map_err(|e| {
        Failure::new(Exit::Usage, format!("cannot read the password file {}: {}", show_path(path), words(&e)))
    })?;
    let line = text.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("the password file {} is empty", show_path(path)))
            .hint("its first line is the password, or what `pasv passwd` prints"));
    }
    match std::str::from_utf8(line) {
        Ok(text) if text.starts_with("$argon2") => PasswordHash::parse(text)
            .map_err(|e| Failure::new(Exit::Usage, format!("{}: {e}", show_path(path)))),
        _ => hash(line),
    }
}

/// Twenty letters and digits that nobody misreads: some 98 bits.
fn generate_password() -> Result<String, Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|e| Failure::new(Exit::Refused, format!("no random bytes: {e}")))?;
    Ok(bytes.iter().map(|b| LETTERS[usize::from(b % 32)] as char).collect())
}
