//! Who are we at this site, and where does the password come from?
//!
//! In this order: the URL, `--password-file`, `~/.netrc`, a prompt that does not echo when there is a terminal. A URL
//! without a user is anonymous unless netrc knows the host.
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use client::Credentials;
use wire::Secret;
use wire::url::FtpUrl;

use crate::client_flags::Talk;
use crate::netrc;
use crate::talk::{Failure, say, show_path, words};

/// No password is longer; a file that is larger is another file.
const LONGEST: u64 = 4096;
/// A netrc of everybody's hosts is some kilobytes.
const NETRC: u64 = 1024 * 1024;

pub(crate) fn credentials(url: &FtpUrl, talk: &Talk) -> Result<Credentials, Failure> {
    let from_file = talk.password_file.as_deref().map(password_file).transpose()?;
    if let (Some(user), Some(password)) = (&url.user, url.password.as_ref().or(from_file.as_ref())) {
        return Ok(Credentials { user: user.clone(), password: password.clone(), account: None });
    }
    let known = netrc_of(&url.host.to_string(), url.user.as_deref());
    let account = known.as_ref().and_then(|k| k.account.clone());
    let user = url.user.clone().or_else(|| known.as_ref().and_then(|k| k.user.clone()));
    let Some(user) = user else {
        if from_file.is_some() {
            return Err(Failure::usage("--password-file needs a user").hint("write ftp://user@host/path"));
        }
        return Ok(Credentials::anonymous());
    };
    let password = match from_file.or_else(|| known.and_then(|k| k.password)) {
        Some(password) => password,
        None if user.eq_ignore_ascii_case(b"anonymous") || user.eq_ignore_ascii_case(b"ftp") => {
            Credentials::anonymous().password
        }
        None => prompt(&user, url)?,
    };
    Ok(Credentials { user, password, account })
}

fn prompt(user: &[u8], url: &FtpUrl) -> Result<Secret, Failure> {
    let who = format!("{} at {}", wire::pathname::show(user), url.host);
    // The prompt goes to the terminal itself, so what is stored may come through stdin meanwhile.
    let seen = io::stdin().is_terminal() || io::stderr().is_terminal();
    if !seen || File::open("/dev/tty").is_err() {
        return Err(Failure::usage(format!("no password for {who}, and no terminal to ask for it"))
            .hint("use --password-file FILE or a line in ~/.netrc"));
    }
    let password = rpassword::prompt_password(format!("Password for {who}: "))
        .map_err(|e| Failure::usage(format!("reading the password: {e}")))?;
    Ok(Secret::new(password))
}

fn password_file(path: &Path) -> Result<Secret, Failure> {
    let file = File::open(path).map_err(|e| Failure::file(path, &e))?;
    let mut line = Vec::new();
    BufReader::new(file.take(LONGEST)).read_until(b'\n', &mut line).map_err(|e| Failure::file(path, &e))?;
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    if line.is_empty() {
        return Err(Failure::usage(format!("the password file {} is empty", show_path(path)))
            .hint("its first line is the password"));
    }
    if line.iter().any(|b| matches!(b, b'\r' | 0)) {
        return Err(Failure::usage(format!(
            "{}: the password holds a line end or a NUL byte",
            show_path(path)
        )));
    }
    Ok(Secret::new(line))
}

/// What `~/.netrc` (or the file that `NETRC` names) knows of the host. One that is there and cannot be read is told: without
/// it the login may be another one than was meant.
fn netrc_of(host: &str, user: Option<&[u8]>) -> Option<netrc::Login> {
    let path = match std::env::var_os("NETRC") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".netrc"),
    };
    let (text, mode) = match read_netrc(&path) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let path = show_path(&path);
            say(format_args!("warning: {path} is not used, as it cannot be read: {}", words(&error)));
            return None;
        }
    };
    let login = netrc::find(&text, host, user)?;
    if mode & 0o077 != 0 && login.password.is_some() {
        say(format_args!(
            "warning: {} can be read by others; chmod 600 keeps its passwords yours",
            show_path(&path)
        ));
    }
    Some(login)
}

/// Its bytes and its mode.
fn read_netrc(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = Vec::new();
    if file.take(NETRC + 1).read_to_end(&mut text)? as u64 > NETRC {
        return Err(io::Error::other(format!("it is larger than {NETRC} bytes")));
    }
    Ok((text, mode))
}
