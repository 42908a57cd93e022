//! What ground is a story played on? A folder with what the story puts there, a gate, and settings.
use std::collections::HashMap;
use std::fs;
use std::future::ready;
use std::net::IpAddr;
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
use crate::story::{Check, Directive, Story};

/// The ground of one story; the folder goes with it.
pub(crate) struct Ground {
    folder: TempDir,
    pub(crate) settings: SiteConfig,
    pub(crate) gate: Arc<Doorkeeper>,
    pub(crate) ports: usize,
    pub ipv6: bool,
    /// The certificate that the clients show; it is asked for where there are certificates of users.
    pub(crate) shown: Option<Identity>,
    /// The address the clients come from, where it is not this machine's.
    pub(crate) peer: Option<IpAddr>,
}

/// Users with passwords in clear: what hashing costs and hides is tested where it is done.
pub(crate) struct Doorkeeper {
    tree: Arc<dyn Tree>,
    users: HashMap<Vec<u8>, Vec<u8>>,
    anonymous: bool,
    rights: Rights,
    available: bool,
    certificates: Certificates,
}

impl Gate for Doorkeeper {
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

impl Doorkeeper {
    fn anonymous(&self, user: &[u8]) -> bool {
        self.anonymous && matches!(user, b"anonymous" | b"ftp")
    }

    fn admission(&self, user: &[u8]) -> Admission {
        let anonymous = self.anonymous(user);
        let user = String::from_utf8_lossy(user);
        Admission { anonymous, ..Admission::new(user, self.rights, Arc::clone(&self.tree)) }
    }
}

impl Ground {
    /// Puts everything in its place.
    pub(crate) fn lay(story: &Story) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        for name in ["root", "outside"] {
            fs::create_dir(folder.path().join(name)).map_err(|e| e.to_string())?;
        }
        let tree =
            Local::open(&folder.path().join("root"), LocalOptions::default()).map_err(|e| e.to_string())?;
        let mut ground = Self {
            folder,
            settings: plain(),
            gate: Arc::new(Doorkeeper {
                tree: Arc::new(tree),
                users: HashMap::new(),
                anonymous: false,
                rights: Rights::Write,
                available: true,
                certificates: Certificates::new(Role::WithoutPassword, []),
            }),
            ports: 2,
            ipv6: false,
            peer: None,
            shown: None,
        };
        let (mut keeper, mut faults) = (Keeper::default(), Vec::new());
        for line in &story.site {
            ground
                .place(&line.what, &mut keeper, &mut faults)
                .map_err(|why| format!("tests/sessions/{}.txt:{}: {why}", story.name, line.number))?;
        }
        let options =
            LocalOptions { read_only: keeper.read_only, sync: Sync::Never, ..LocalOptions::default() };
        let tree: Arc<dyn Tree> = Arc::new(Local::open(&ground.root(), options).map_err(|e| e.to_string())?);
        let tree = if faults.is_empty() { tree } else { Arc::new(Hooked { tree, hook: Faults(faults) }) };
        ground.gate = Arc::new(Doorkeeper {
            tree,
            anonymous: keeper.anonymous || keeper.users.is_empty(),
            users: keeper.users,
            rights: match (keeper.read_only, keeper.drop_box) {
                (true, _) => Rights::Read,
                (false, true) => Rights::Drop,
                (false, false) => Rights::Write,
            },
            available: !keeper.unavailable,
            certificates: Certificates::new(
                keeper.role.unwrap_or(Role::WithoutPassword),
                keeper.owners.iter().map(|(name, user)| {
                    let fingerprint = *keeper.made[name].fingerprint().as_bytes();
                    (user.clone(), Mark::Fingerprint(fingerprint))
                }),
            ),
        });
        Ok(ground)
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
        directive: &Directive,
        keeper: &mut Keeper,
        faults: &mut Vec<(VPath, Kind)>,
    ) -> Result<(), String> {
        let said = |e: std::io::Error| e.to_string();
        match directive {
            Directive::ReadOnly => keeper.read_only = true,
            Directive::DropBox => keeper.drop_box = true,
            Directive::Anonymous => keeper.anonymous = true,
            Directive::User(name, password) => {
                keeper.users.insert(name.clone().into_bytes(), password.clone());
            }
            Directive::AccountsUnavailable => keeper.unavailable = true,
            Directive::LoggedIn(_) => {}
            Directive::File(path, content) => fs::write(self.at(path), content).map_err(said)?,
            Directive::Outside(path, content) => fs::write(self.outside(path), content).map_err(said)?,
            Directive::Sparse(path, size) => {
                fs::File::create(self.at(path)).and_then(|f| f.set_len(*size)).map_err(said)?;
            }
            Directive::Dir(path) => fs::create_dir(self.at(path)).map_err(said)?,
            Directive::Link(path, target) => symlink(target, self.at(path)).map_err(said)?,
            Directive::Fifo(path) => {
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    self.at(path),
                    rustix::fs::FileType::Fifo,
                    rustix::fs::Mode::from_raw_mode(0o644),
                    0,
                )
                .map_err(|e| e.to_string())?;
            }
            Directive::Time(path, stamp) => {
                let time = time(stamp)?;
                // Read-only is enough to set the time of what is one's own, and opens a directory too.
                fs::File::open(self.at(path)).and_then(|f| f.set_modified(time)).map_err(said)?;
            }
            Directive::Mode(path, mode) => {
                fs::set_permissions(self.at(path), fs::Permissions::from_mode(*mode)).map_err(said)?;
            }
            Directive::Limit(which, value) => self.limit(which, *value)?,
            Directive::Deadline(which, ms) => self.deadline(which, Duration::from_millis(*ms))?,
            Directive::Passive(on) => self.settings.listeners[0].passive = *on,
            Directive::Active(on) => self.settings.listeners[0].active = *on,
            Directive::Ports(count) => self.ports = *count,
            Directive::Ipv6 => self.ipv6 = true,
            Directive::Tls(policy) => {
                self.settings.listeners[0].tls = match policy.as_str() {
                    "offered" => Tls::Offered,
                    "login" => Tls::RequiredForLogin,
                    "data" => Tls::RequiredForData,
                    other => return Err(format!("no policy is called {other}")),
                };
            }
            Directive::Certificates(worth) => {
                keeper.role = Some(match worth.as_str() {
                    "with-password" => Role::WithPassword,
                    "without-password" => Role::WithoutPassword,
                    other => return Err(format!("no role is called {other}")),
                });
            }
            Directive::Certificate(name, user) => {
                keeper.identity(name);
                keeper.owners.push((name.clone(), user.clone()));
            }
            Directive::Shows(name) => self.shown = Some(keeper.identity(name)),
            Directive::Ccc => self.settings.listeners[0].allow_ccc = true,
            Directive::Reuse(reuse) => {
                self.settings.listeners[0].data_reuse = match reuse.as_str() {
                    "require" => Reuse::Require,
                    "learn" => Reuse::Learn,
                    "off" => Reuse::Off,
                    other => return Err(format!("no reuse is called {other}")),
                };
            }
            Directive::TlsEnd(end) => {
                self.settings.listeners[0].tls_end = match end.as_str() {
                    "strict" => TlsEnd::Strict,
                    "learn" => TlsEnd::Learn,
                    "lenient" => TlsEnd::Lenient,
                    other => return Err(format!("no end of TLS is called {other}")),
                };
            }
            Directive::Peer(peer) => self.peer = Some(peer.parse().map_err(|_| "no address")?),
            Directive::External(at) => {
                self.settings.listeners[0].external = Some(at.parse().map_err(|_| "no address")?)
            }
            Directive::Fault(path, kind) => {
                let kind = match kind.as_str() {
                    "full" => Kind::Full,
                    "broken" => Kind::Io,
                    "denied" => Kind::Denied,
                    "descriptors" => Kind::TooManyFiles,
                    "unsupported" => Kind::Unsupported,
                    other => return Err(format!("no fault is called {other}")),
                };
                faults.push((VPath::root().join(path.as_bytes()).map_err(|e| e.to_string())?, kind));
            }
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
    pub(crate) fn check(&self, check: &Check) -> Result<(), String> {
        match check {
            Check::File(path, content) => holds(&self.at(path), path, content),
            Check::OutsideFile(path, content) => holds(&self.outside(path), path, content),
            Check::None(path) => match fs::symlink_metadata(self.at(path)) {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(format!("{path} should not be there")),
            },
            Check::Dir(path) if self.at(path).is_dir() => Ok(()),
            Check::Dir(path) => Err(format!("{path} should be a directory")),
            Check::Empty(path) => {
                let names = fs::read_dir(self.at(path)).map_err(|e| format!("{path}: {e}"))?;
                match names.count() {
                    0 => Ok(()),
                    n => Err(format!("{path} should be empty; it holds {n} names")),
                }
            }
            Check::Time(path, stamp) => {
                let got = fs::metadata(self.at(path))
                    .and_then(|m| m.modified())
                    .map_err(|e| format!("{path}: {e}"))?;
                if got == time(stamp)? {
                    Ok(())
                } else {
                    Err(format!("{path} was changed at {got:?}, not {stamp}"))
                }
            }
            Check::Mode(path, mode) => {
                let got =
                    fs::metadata(self.at(path)).map_err(|e| format!("{path}: {e}"))?.permissions().mode()
                        & 0o7777;
                if got == *mode { Ok(()) } else { Err(format!("{path} has mode {got:04o}, not {mode:04o}")) }
            }
        }
    }
}

#[derive(Default)]
struct Keeper {
    read_only: bool,
    drop_box: bool,
    anonymous: bool,
    unavailable: bool,
    users: HashMap<Vec<u8>, Vec<u8>>,
    role: Option<Role>,
    /// Certificates by their names in the story.
    made: HashMap<String, Identity>,
    owners: Vec<(String, String)>,
}

impl Keeper {
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
