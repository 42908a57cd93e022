//! Who logs in to this server, and where does the password come from?
//!
//! ```text
//!   user        the URL, --user, ~/.netrc, else anonymous
//!   password    the URL, --user, --password-file, PASV_PASSWORD, ~/.netrc, else a prompt without echo
//! ```
//! The first that has one counts. The password of `--user` is for that user only, and `PASV_PASSWORD`, which
//! may be set for something else, is never sent with an anonymous login.
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, ValueHint};
use client::Credentials;
use wire::Secret;
use wire::pathname::show;
use wire::url::FtpUrl;

use crate::interrupt;
use crate::talk::{Failure, say, show_path, words};
use client::memory::netrc;

/// No password is longer; a file that is larger is another file.
const LONGEST: u64 = 4096;
/// The environment variable.
const VARIABLE: &str = "PASV_PASSWORD";

/// The flags about the login.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Login")]
pub(crate) struct LoginFlags {
    /// User, if the URL names none; without PASSWORD it is asked for.
    ///
    /// Before that it is looked for in --password-file, PASV_PASSWORD and ~/.netrc. A password on the command
    /// line can be seen by other users of this computer (ps); --password-file, PASV_PASSWORD or ~/.netrc keep
    /// it private. The first of these that has a password counts: the URL, --user, --password-file,
    /// PASV_PASSWORD, ~/.netrc, a prompt.
    #[arg(short, long, value_name = "NAME[:PASSWORD]", value_parser = OsStringValueParser::new().map(Named::from))]
    user: Option<Named>,

    /// File whose first line is the password; - is stdin.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    password_file: Option<PathBuf>,

    /// What a person has typed, and what came from a file or through stdin: it is not asked for twice.
    #[arg(skip)]
    heard: Arc<Mutex<Heard>>,
}

#[derive(Debug, Default)]
struct Heard {
    file: Option<Secret>,
    /// A --user that is ignored is said once.
    warned: bool,
    /// By user and host.
    typed: HashMap<(Vec<u8>, String), Secret>,
}

/// The value of `--user`.
#[derive(Clone, Debug)]
struct Named {
    user: Vec<u8>,
    password: Option<Secret>,
}

impl From<OsString> for Named {
    fn from(text: OsString) -> Self {
        let mut parts = text.as_bytes().splitn(2, |byte| *byte == b':');
        let user = parts.next().unwrap_or_default().to_vec();
        Self { user, password: parts.next().map(Secret::new) }
    }
}

/// A login, and whether its password was typed just now.
pub(crate) struct Found {
    pub(crate) credentials: Credentials,
    pub(crate) typed: bool,
}

impl LoginFlags {
    /// With nothing but this.
    pub(crate) fn with_file(password_file: Option<PathBuf>) -> Self {
        Self { password_file, ..Self::default() }
    }

    /// Is stdin read for the password?
    pub(crate) fn reads_stdin(&self) -> bool {
        self.password_file.as_deref() == Some(Path::new("-"))
    }

    /// The typed password was wrong: it is asked for once more.
    pub(crate) fn forget(&self, url: &FtpUrl, user: &[u8]) {
        self.heard().typed.remove(&(user.to_vec(), url.host.to_string()));
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_file(&self) -> Result<Option<Secret>, Failure> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let mut heard = self.heard();
        if heard.file.is_none() {
            heard.file = Some(if !self.reads_stdin() {
                first_line(File::open(path).map_err(|e| Failure::file(path, &e))?, path)?
            } else if io::stdin().is_terminal() {
                typed("Password: ")?
            } else {
                first_line(io::stdin().lock(), Path::new("stdin"))?
            });
        }
        Ok(heard.file.clone())
    }

    fn prompt(&self, user: &[u8], url: &FtpUrl) -> Result<Secret, Failure> {
        let key = (user.to_vec(), url.host.to_string());
        let mut heard = self.heard();
        if let Some(password) = heard.typed.get(&key) {
            return Ok(password.clone());
        }
        let who = format!("{}@{}", show(user), url.host);
        // The prompt goes to the terminal itself, so what is uploaded may come through stdin meanwhile.
        let seen = io::stdin().is_terminal() || io::stderr().is_terminal();
        if !seen || File::open("/dev/tty").is_err() {
            return Err(Failure::usage(format!("no password for {who}, and no terminal to ask for it"))
                .hint(
                    "use --password-file FILE, the environment variable PASV_PASSWORD or a line in ~/.netrc",
                ));
        }
        let password = typed(&format!("Password for {who}: "))?;
        heard.typed.insert(key, password.clone());
        Ok(password)
    }
}

/// The login for a URL.
pub(crate) fn credentials(url: &FtpUrl, flags: &LoginFlags) -> Result<Found, Failure> {
    let not_typed = |credentials| Ok(Found { credentials, typed: false });
    let named = flags.user.as_ref();
    if let Some(Named { user, .. }) = named {
        check(user, "the user of --user")?;
        if user.is_empty() {
            return Err(Failure::usage("--user names no user").hint("write --user NAME"));
        }
        if let Some(other) = url.user.as_ref().filter(|other| *other != user)
            && !std::mem::replace(&mut flags.heard().warned, true)
        {
            let (flag, user) = (show(user), show(other));
            say(format_args!("warning: --user {flag} is ignored, as the URL names the user {user}"));
        }
    }
    let from_file = flags.of_file()?;
    let user = url.user.as_ref().or(named.map(|named| &named.user));
    let of_flag = named.filter(|named| user == Some(&named.user)).and_then(|named| named.password.clone());
    if let (Some(user), Some(password)) = (user, url.password.clone().or(of_flag)) {
        check(password.expose(), "the password")?;
        return not_typed(Credentials { user: user.clone(), password, account: None });
    }
    let known = netrc_of(&url.host.to_string(), user.map(Vec::as_slice)).unwrap_or_default();
    let Some(user) = user.cloned().or(known.user) else {
        if from_file.is_some() {
            return Err(Failure::usage("--password-file needs a user")
                .hint("give the user with --user NAME, or as ftp://user@host/path"));
        }
        return not_typed(Credentials::anonymous());
    };
    let mut found = Credentials { user, password: Credentials::anonymous().password, account: known.account };
    let anonymous = found.is_anonymous();
    let of_variable = match std::env::var_os(VARIABLE).filter(|text| !text.is_empty() && !anonymous) {
        Some(text) if from_file.is_none() => {
            check(text.as_bytes(), VARIABLE)?;
            Some(Secret::new(text.as_bytes()))
        }
        _ => None,
    };
    match from_file.or(of_variable).or(known.password) {
        Some(password) => found.password = password,
        None if anonymous => {}
        None => {
            found.password = flags.prompt(&found.user, url)?;
            return Ok(Found { credentials: found, typed: true });
        }
    }
    not_typed(found)
}

fn typed(prompt: &str) -> Result<Secret, Failure> {
    let password = interrupt::password(prompt);
    password.map(Secret::new).map_err(|e| Failure::usage(format!("cannot read the password: {e}")))
}

/// What would end a command, and begin another one.
fn check(text: &[u8], what: &str) -> Result<(), Failure> {
    if text.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Err(Failure::usage(format!("{what} contains a line end or a NUL byte")));
    }
    Ok(())
}

fn first_line(from: impl Read, path: &Path) -> Result<Secret, Failure> {
    let mut line = Vec::new();
    let mut from = BufReader::with_capacity(LONGEST as usize, from.take(LONGEST));
    from.read_until(b'\n', &mut line).map_err(|e| Failure::file(path, &e))?;
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    let path = show_path(path);
    if line.is_empty() {
        return Err(Failure::usage(format!("the password file {path} is empty"))
            .hint("its first line is the password"));
    }
    check(&line, &format!("{path}: the password"))?;
    Ok(Secret::new(line))
}

/// What netrc knows of the host. A file that exists and cannot be read is worth a warning: without it the
/// login may be another one than was meant.
fn netrc_of(host: &str, user: Option<&[u8]>) -> Option<netrc::Login> {
    let path = netrc::path()?;
    let (text, is_shared) = match netrc::read(&path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let path = show_path(&path);
            say(format_args!("warning: cannot read {path}, which is ignored: {}", words(&error)));
            return None;
        }
    };
    let login = netrc::find(&text, host, user)?;
    if is_shared && login.password.is_some() {
        say(format_args!("warning: {} can be read by other users; run chmod 600 on it", show_path(&path)));
    }
    Some(login)
}
