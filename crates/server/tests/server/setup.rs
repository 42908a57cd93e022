//! What does a story find on the server? A folder with its files, a gate, and settings.
use std::collections::HashMap;
use std::fs;
use std::future::ready;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use config::SiteConfig;
use config::{Reuse, Tls, TlsEnd};
use net::tls::identity::Identity;
use storage::accounts::certificates::{Certificates, Mark, Role};
use storage::local::{Local, LocalOptions, Sync};
use storage::{Admission, Answer, Attempt, Certificate, Denied, Gate, Kind, Prompt, Rights, Tree, VPath};
use tempfile::TempDir;
use wire::Stamp;

use testbed::hooked::Hooked;

use crate::fault::Faults;
use crate::loopback::plain;
use crate::scene::Open;
use crate::story::{Story, Text, word};

/// The setup of one story; the folder goes with it.
pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    pub(crate) settings: SiteConfig,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) ports: usize,
    pub ipv6: bool,
    /// The certificate that the clients show; it is asked for where there are certificates of users.
    pub(crate) shown: Option<Identity>,
    /// Who logs in before a story begins, and the password.
    pub(crate) login: Option<String>,
    pub(crate) password: Option<Vec<u8>>,
}

/// Users with plain-text passwords: what hashing costs and hides is tested where it is done.
struct PlainPasswords {
    tree: Arc<dyn Tree>,
    users: HashMap<Vec<u8>, Vec<u8>>,
    anonymous: bool,
    rights: Rights,
    available: bool,
    certificates: Certificates,
}

impl Gate for PlainPasswords {
    fn greet<'a>(&'a self, user: &'a [u8], certificate: Option<&'a Certificate>) -> Answer<'a, Prompt> {
        let enough = self.certificates.role() == Role::WithoutPassword && self.users.contains_key(user);
        let own = |shown: &Certificate| enough && self.certificates.is_of(user, shown);
        Box::pin(ready(match () {
            () if certificate.is_some_and(own) => Prompt::Admitted(Box::new(self.admission(user))),
            () if self.anonymous(user) => Prompt::Anonymous,
            () => Prompt::Password,
        }))
    }

    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        let asked = self.certificates.role() == Role::WithPassword;
        let own = attempt.certificate.as_ref().is_some_and(|c| self.certificates.is_of(&attempt.user, c));
        let known = self.users.get(&attempt.user);
        let answer = match known {
            _ if !self.available => Err(Denied::Unavailable),
            None if self.anonymous(&attempt.user) => Ok(()),
            None => Err(Denied::UnknownUser),
            Some(_) if asked && !own => Err(Denied::NoCertificate),
            Some(password) if *password == *attempt.password => Ok(()),
            Some(_) => Err(Denied::WrongPassword),
        };
        Box::pin(ready(answer.map(|()| self.admission(&attempt.user))))
    }
}

impl PlainPasswords {
    fn anonymous(&self, user: &[u8]) -> bool {
        self.anonymous && matches!(user, b"anonymous" | b"ftp")
    }

    fn admission(&self, user: &[u8]) -> Admission {
        let anonymous = self.anonymous(user);
        let user = String::from_utf8_lossy(user);
        Admission { anonymous, ..Admission::new(user, self.rights, Arc::clone(&self.tree)) }
    }
}

impl Setup {
    /// Puts everything in its place.
    pub(crate) fn lay(story: &Story) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        for name in ["root", "outside"] {
            fs::create_dir(folder.path().join(name)).map_err(|e| e.to_string())?;
        }
        let tree =
            Local::open(&folder.path().join("root"), LocalOptions::default()).map_err(|e| e.to_string())?;
        let mut setup = Self {
            folder,
            settings: plain(),
            gate: Arc::new(Open(Arc::new(tree))),
            ports: 2,
            ipv6: false,
            login: None,
            password: None,
            shown: None,
        };
        let (mut users, mut faults) = (Users::default(), Vec::new());
        for line in &story.site {
            setup
                .place(&line.what, &mut users, &mut faults)
                .map_err(|why| format!("tests/sessions/{}.txt:{}: {why}", story.name, line.number))?;
        }
        let options =
            LocalOptions { read_only: users.read_only, sync: Sync::Never, ..LocalOptions::default() };
        let tree: Arc<dyn Tree> = Arc::new(Local::open(&setup.root(), options).map_err(|e| e.to_string())?);
        let tree = if faults.is_empty() { tree } else { Arc::new(Hooked { tree, hook: Faults(faults) }) };
        setup.password = setup.login.as_ref().and_then(|user| users.passwords.get(user.as_bytes()).cloned());
        setup.gate = Arc::new(PlainPasswords {
            tree,
            anonymous: users.anonymous || users.passwords.is_empty(),
            users: users.passwords,
            rights: match (users.read_only, users.drop_box) {
                (true, _) => Rights::Read,
                (false, true) => Rights::Drop,
                (false, false) => Rights::Write,
            },
            available: !users.unavailable,
            certificates: Certificates::new(
                users.role.unwrap_or(Role::WithoutPassword),
                users.owners.iter().map(|(name, user)| {
                    let fingerprint = *users.made[name].fingerprint().as_bytes();
                    (user.clone(), Mark::Fingerprint(fingerprint))
                }),
            ),
        });
        Ok(setup)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Where a path of the site is on this machine.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    fn outside(&self, path: &str) -> PathBuf {
        self.folder.path().join("outside").join(path.trim_start_matches('/'))
    }

    fn place(
        &mut self,
        line: &str,
        users: &mut Users,
        faults: &mut Vec<(VPath, Kind)>,
    ) -> Result<(), String> {
        let said = |e: std::io::Error| e.to_string();
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let bytes = |text: &str| Text::parse(text)?.fixed();
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{text} is no number"));
        // Of those that are about a path or a name: it, and what is left.
        let (first, value) = word(rest)?;
        let at = self.at(&first);
        let listener = &mut self.settings.listeners[0];
        match (name, rest) {
            ("read-only", _) => users.read_only = true,
            ("drop-box", _) => users.drop_box = true,
            ("anonymous", _) => users.anonymous = true,
            ("user", _) => drop(users.passwords.insert(first.into_bytes(), bytes(value)?)),
            ("accounts", "unavailable") => users.unavailable = true,
            ("logged", "in") => self.login = Some("anonymous".to_owned()),
            ("logged", _) => {
                self.login = Some(rest.strip_prefix("in as ").ok_or("logged in as whom?")?.to_owned());
            }
            ("file", _) => fs::write(at, bytes(value)?).map_err(said)?,
            ("outside", _) => fs::write(self.outside(&first), bytes(value)?).map_err(said)?,
            ("sparse", _) => {
                let size = number(value)? as u64;
                fs::File::create(at).and_then(|f| f.set_len(size)).map_err(said)?;
            }
            ("dir", _) => fs::create_dir(at).map_err(said)?,
            ("link", _) => symlink(value, at).map_err(said)?,
            ("fifo", _) => {
                let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o644));
                rustix::fs::mknodat(rustix::fs::CWD, at, kind, mode, 0).map_err(|e| e.to_string())?;
            }
            // Read-only is enough to set the time of what is one's own, and opens a directory too.
            ("time", _) => {
                let time = time(value)?;
                fs::File::open(at).and_then(|f| f.set_modified(time)).map_err(said)?;
            }
            ("mode", _) => {
                fs::set_permissions(at, fs::Permissions::from_mode(octal(value)?)).map_err(said)?;
            }
            ("limit", _) => self.limit(&first, number(value)?)?,
            ("deadline", _) => self.deadline(&first, Duration::from_millis(number(value)? as u64))?,
            ("passive", "off") => listener.passive = false,
            ("active", "off") => listener.active = false,
            ("ports", _) => self.ports = number(rest)?,
            ("ipv6", _) => self.ipv6 = true,
            ("tls", "offered") => listener.tls = Tls::Offered,
            ("tls", "login") => listener.tls = Tls::RequiredForLogin,
            ("tls", "data") => listener.tls = Tls::RequiredForData,
            ("certificates", "with-password") => users.role = Some(Role::WithPassword),
            ("certificates", "without-password") => users.role = Some(Role::WithoutPassword),
            ("certificate", _) => {
                let (name, user) = rest.split_once(" of ").ok_or("certificate NAME of USER")?;
                users.identity(name);
                users.owners.push((name.to_owned(), user.to_owned()));
            }
            ("shows", _) => self.shown = Some(users.identity(rest)),
            ("ccc", _) => listener.allow_ccc = true,
            ("reuse", "require") => listener.data_reuse = Reuse::Require,
            ("reuse", "learn") => listener.data_reuse = Reuse::Learn,
            ("reuse", "off") => listener.data_reuse = Reuse::Off,
            ("tls-end", "strict") => listener.tls_end = TlsEnd::Strict,
            ("tls-end", "learn") => listener.tls_end = TlsEnd::Learn,
            ("tls-end", "lenient") => listener.tls_end = TlsEnd::Lenient,
            ("fault", _) => {
                let kind = match value {
                    "full" => Kind::Full,
                    "broken" => Kind::Io,
                    "denied" => Kind::Denied,
                    "descriptors" => Kind::TooManyFiles,
                    "unsupported" => Kind::Unsupported,
                    other => return Err(format!("no fault is called {other}")),
                };
                faults.push((VPath::root().join(first.as_bytes()).map_err(|e| e.to_string())?, kind));
            }
            _ => return Err(format!("@ {line} means nothing")),
        }
        Ok(())
    }

    fn limit(&mut self, which: &str, value: usize) -> Result<(), String> {
        let limits = &mut self.settings.limits;
        let small = u32::try_from(value).map_err(|e| e.to_string())?;
        match which {
            "sessions" => limits.sessions = value,
            "sessions-per-address" => limits.sessions_per_address = value,
            "handshakes-per-address" => limits.handshakes_per_address = value,
            "line" => limits.line = value,
            "commands-before-login" => limits.commands_before_login = small,
            "failures-before-delay" => limits.failures_before_delay = small,
            "failures-before-refusal" => limits.failures_before_refusal = small,
            "failures-of-address" => limits.failures_of_address = small,
            "queue" => limits.queue = value,
            "stat-lines" => limits.stat_lines = value,
            other => return Err(format!("no limit is called {other}")),
        }
        Ok(())
    }

    fn deadline(&mut self, which: &str, value: Duration) -> Result<(), String> {
        let deadlines = &mut self.settings.deadlines;
        match which {
            "login" => deadlines.login = value,
            "idle" => deadlines.idle = value,
            "data" => deadlines.data = value,
            "stall" => deadlines.stall = value,
            "port" => deadlines.port = value,
            "claim" => deadlines.claim = value,
            "gone" => deadlines.gone = value,
            "drain" => deadlines.drain = value,
            "failure-delay" => self.settings.limits.failure_delay = value,
            other => return Err(format!("no deadline is called {other}")),
        }
        Ok(())
    }

    /// Is it so on the disk?
    pub(crate) fn check(&self, line: &str) -> Result<(), String> {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (path, value) = word(rest)?;
        let at = self.at(&path);
        let said = |e: std::io::Error| format!("{path}: {e}");
        let ok = match name {
            "file" => return holds(&at, &path, &Text::parse(value)?.fixed()?),
            "outside" => return holds(&self.outside(&path), &path, &Text::parse(value)?.fixed()?),
            "none" => fs::symlink_metadata(at).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound),
            "dir" => at.is_dir(),
            "empty" => fs::read_dir(at).map_err(said)?.next().is_none(),
            "time" => fs::metadata(at).and_then(|m| m.modified()).map_err(said)? == time(value)?,
            "mode" => fs::metadata(at).map_err(said)?.permissions().mode() & 0o7777 == octal(value)?,
            _ => return Err(format!("= {name} means nothing")),
        };
        if ok { Ok(()) } else { Err(format!("it is not so: {line}")) }
    }
}

#[derive(Default)]
struct Users {
    read_only: bool,
    drop_box: bool,
    anonymous: bool,
    unavailable: bool,
    passwords: HashMap<Vec<u8>, Vec<u8>>,
    role: Option<Role>,
    /// Certificates by their names in the story.
    made: HashMap<String, Identity>,
    owners: Vec<(String, String)>,
}

impl Users {
    fn identity(&mut self, name: &str) -> Identity {
        let make = || Identity::self_signed(&[name.to_owned()]).expect("a certificate").identity;
        self.made.entry(name.to_owned()).or_insert_with(make).clone()
    }
}

fn holds(at: &Path, path: &str, content: &[u8]) -> Result<(), String> {
    let got = fs::read(at).map_err(|e| format!("{path} should be a file: {e}"))?;
    if got == content {
        return Ok(());
    }
    let (wanted, shown) = (&content[..content.len().min(200)], &got[..got.len().min(200)]);
    Err(format!(
        "{path} should hold the {} bytes \"{}\", it holds the {} bytes \"{}\"",
        content.len(),
        wanted.escape_ascii(),
        got.len(),
        shown.escape_ascii()
    ))
}

fn time(stamp: &str) -> Result<SystemTime, String> {
    let stamp = Stamp::parse(stamp.as_bytes()).ok_or_else(|| format!("{stamp} is no time"))?;
    let seconds = u64::try_from(stamp.seconds).map_err(|_| "times of stories are after 1970")?;
    Ok(UNIX_EPOCH + Duration::new(seconds, stamp.nanos))
}

fn octal(mode: &str) -> Result<u32, String> {
    u32::from_str_radix(mode, 8).map_err(|e| e.to_string())
}
