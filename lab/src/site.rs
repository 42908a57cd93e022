//! How is each server started in a lab: ours, vsftpd and Pure-FTPd?
//!
//! All serve a folder `pub` in which their user may write, on port 21, with the same passive ports.
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lab::peers::{self, DAEMON, Listen, NOBODY, PASSWORD, Place};

use testbed::process::{Running, run_within, wait_until};

use crate::addresses::{CONTROL, HIGH, LOW};
use crate::network::Host;
use crate::talk;
use crate::tools::Tools;

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Ours,
    Vsftpd,
    PureFtpd,
}

/// A running server; it ends with this value.
pub(crate) struct Site {
    user: &'static str,
    root: PathBuf,
    log: PathBuf,
    owner: Option<u32>,
    process: Running,
}

/// How it is to be started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Serve<'f> {
    /// Further flags of `pasv serve`.
    pub(crate) flags: &'f [&'f str],
    /// vsftpd does not know EPSV.
    pub(crate) no_epsv: bool,
    /// TLS, and nothing without it.
    pub(crate) tls: bool,
    /// vsftpd, which has one socket, takes both families.
    pub(crate) dual: bool,
}

impl Site {
    /// Starts it on `host`, with `folder` for its files, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(server: Server, serve: Serve<'_>, tools: &Tools, host: &Host, folder: &Path) -> Self {
        let root = folder.join("root");
        fs::create_dir_all(root.join("pub")).expect("a folder of the trial's own");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("the mode of our own folder");
        let (user, owner, mut command) = match server {
            Server::Ours => ("anonymous", None, ours(serve, tools, folder)),
            Server::Vsftpd => ("anonymous", Some(DAEMON), vsftpd(serve, tools, host, folder)),
            Server::PureFtpd => ("tester", Some(NOBODY), pureftpd(serve, tools, folder)),
        };
        let log = folder.join("log");
        let mut process = host.within(|| Running::start(&mut command, &log));
        let site = |process| Self { user, root, log: log.clone(), owner, process };
        let told = || fs::read_to_string(&log).unwrap_or_default();
        let ready = wait_until(Instant::now() + Duration::from_secs(20), || {
            if let Some(status) = process.ended() {
                panic!("{server:?}: {status}\n{}", told());
            }
            // Asked of the kernel and not by a connection: rules may be in the way already.
            host.within(|| talk::listens(CONTROL)).then_some(())
        });
        assert!(ready.is_some(), "{server:?} does not listen: {}", told());
        let site = site(process);
        site.own();
        site
    }

    /// The folder in which its files are.
    pub(crate) fn files(&self) -> PathBuf {
        self.root.join("pub")
    }

    /// Gives what the test has put there to the server's own user.
    pub(crate) fn own(&self) {
        if let Some(owner) = self.owner {
            peers::give(&self.files(), owner);
        }
    }

    /// Holds the server while `work` is done.
    pub(crate) fn held<T>(&self, work: impl FnOnce() -> T) -> T {
        self.process.held(work)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// `ftp://user:password@host/pub/name`.
    pub(crate) fn url(&self, host: &str, name: &str) -> String {
        format!("ftp://{}:{PASSWORD}@{host}/pub/{name}", self.user)
    }

    /// Who logs in, with which password.
    pub(crate) fn login(&self) -> (&'static str, &'static str) {
        (self.user, PASSWORD)
    }
}

/// An address as URLs have it.
pub(crate) fn in_url(address: IpAddr) -> String {
    let text = SocketAddr::new(address, 0).to_string();
    text.strip_suffix(":0").unwrap_or(&text).to_owned()
}

fn ours(serve: Serve<'_>, tools: &Tools, folder: &Path) -> Command {
    let mut command = Command::new(&tools.pasv);
    command.args(["serve", "--quiet", "--write", "--listen", &CONTROL.to_string(), "--active-port", "20"]);
    command.args(["--passive-ports", &format!("{LOW}-{HIGH}"), "--root"]).arg(folder.join("root"));
    // What is tested is the network, not the disk.
    command.args(["--sync", "never", "--log-level", "debug"]).args(serve.flags);
    command.args(if serve.tls { &["--tls", "required"][..] } else { &[] });
    command
}

fn vsftpd(serve: Serve<'_>, tools: &Tools, host: &Host, folder: &Path) -> Command {
    let program = tools.peer("vsftpd", "vsftpd/usr/sbin/vsftpd");
    fs::create_dir(folder.join("empty")).expect("a folder of the trial's own");
    let deny = if serve.no_epsv { "cmds_denied=EPSV,EPRT\n" } else { "" };
    let listen = if !serve.dual && host.within(talk::has_v4) { Listen::Ipv4 } else { Listen::Both };
    let text = peers::vsftpd(&place(&folder.join("root")), listen, &folder.join("empty"));
    let tls = if serve.tls { peers::vsftpd_tls(&identity(folder)) } else { String::new() };
    let text = format!("{text}connect_from_port_20=YES\n{deny}{tls}");
    let mut command = Command::new(program);
    command.arg(secret(folder.join("vsftpd.conf"), &text));
    command
}

fn pureftpd(serve: Serve<'_>, tools: &Tools, folder: &Path) -> Command {
    let program = tools.peer("pure-ftpd", "pure-ftpd/usr/sbin/pure-ftpd");
    let database_tool = tools.peer("pure-ftpd", "pure-ftpd/usr/bin/pure-pw");
    let root = folder.join("root");
    let users = secret(folder.join("users"), &peers::pureftpd_users(&place(&root)));
    let database = folder.join("users.pdb");
    let made = run_within(
        Command::new(database_tool).arg("mkdb").arg(&database).arg("-f").arg(&users),
        b"",
        Duration::from_secs(20),
    );
    assert!(made.succeeded(), "pure-pw: {}", made.err);
    let mut command = Command::new(program);
    command.args(peers::pureftpd(&place(&root), Listen::Both));
    if serve.tls {
        command.args(["-Y", "3", "-2"]).arg(identity(folder));
    } else {
        command.args(["-Y", "0"]);
    }
    command.arg("-l").arg(format!("puredb:{}", database.display())).arg("-g").arg(folder.join("pid"));
    command
}

/// A certificate that signs itself and its key, in one file.
fn identity(folder: &Path) -> PathBuf {
    secret(folder.join("identity.pem"), &peers::identity())
}

/// A file that others may not read.
fn secret(path: PathBuf, text: &str) -> PathBuf {
    fs::write(&path, text).expect("a file of the trial's own");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the mode of our own file");
    path
}

fn place(root: &Path) -> Place<'_> {
    Place { control: CONTROL, passive: LOW..=HIGH, root }
}
