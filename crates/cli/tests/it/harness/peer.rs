//! How are the other servers started, each with its own settings, ports and folder?
//!
//! All of them serve one folder, `pub`, in which `tester` may write. Nothing of the machine is changed: no
//! user is made, no file is written outside the test's own folder.

use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lab::peers::{
    self, CRYPTED, DAEMON, Listen, NOBODY, PASSWORD, Place, give, pureftpd, pureftpd_users, vsftpd,
    vsftpd_tls,
};
use tempfile::TempDir;

use super::need;
use super::ports::Block;
use super::process::{Running, command, run, wait_until};
use super::url::Door;

/// They are tried over loopback.
const LISTEN: Listen = Listen::At(Ipv4Addr::LOCALHOST);

/// Another server, running. It ends, and its folder goes, with this value.
pub(crate) struct Peer {
    /// The way in; the files are under `pub`.
    pub(crate) door: Door,
    owner: u32,
    folder: TempDir,
    _process: Running,
    _ports: Block,
}

impl Peer {
    /// vsftpd, in which everybody is anonymous: its other users are those of the machine.
    pub(crate) fn vsftpd() -> Option<Self> {
        Self::vsftpd_with(|_| String::new())
    }

    /// The same with TLS on every connection, and data connections that must resume their control
    /// connection's session.
    pub(crate) fn vsftpd_tls() -> Option<Self> {
        Self::vsftpd_with(|lab| vsftpd_tls(&lab.identity()))
    }

    fn vsftpd_with(more: impl FnOnce(&Lab) -> String) -> Option<Self> {
        need::root("vsftpd")?;
        let program = need::peer_file("vsftpd", "vsftpd/usr/sbin/vsftpd")?;
        let lab = Lab::new(DAEMON);
        let config = vsftpd(&lab.place(&lab.path("root")), LISTEN, &lab.made("empty"));
        let config = config + "connect_from_port_20=NO\n";
        let config = lab.file("vsftpd.conf", &(config + &more(&lab)));
        Some(lab.start("anonymous", &mut command(&program, [config])))
    }

    /// ProFTPD, with a user file.
    pub(crate) fn proftpd() -> Option<Self> {
        Self::proftpd_with(|_| String::new())
    }

    /// The same with TLS on every connection, and data connections that must resume, as is its default.
    pub(crate) fn proftpd_tls() -> Option<Self> {
        let module = need::peer_file("proftpd", "proftpd-mod-crypto/usr/lib/proftpd/mod_tls.so")?;
        Self::proftpd_with(|lab| {
            format!(
                "ModulePath {modules}\nLoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSLog {log}\n\
                 TLSECCertificateFile {pem}\nTLSECCertificateKeyFile {pem}\n",
                modules = module.parent().expect("a module lies in a folder").display(),
                log = lab.path("tls.log").display(),
                pem = lab.identity().display(),
            )
        })
    }

    fn proftpd_with(more: impl FnOnce(&Lab) -> String) -> Option<Self> {
        need::root("proftpd")?;
        let program = need::peer_file("proftpd", "proftpd-core/usr/sbin/proftpd")?;
        let lab = Lab::new(NOBODY);
        let root = lab.path("root");
        let users = format!("tester:{CRYPTED}:{NOBODY}:{NOBODY}::{}:/bin/sh\n", root.display());
        let config = format!(
            "ServerType standalone\nDefaultServer on\nDefaultAddress 127.0.0.1\nPort {control}\nUseIPv6 off\n\
             ServerIdent off\nUseReverseDNS off\nUser nobody\nGroup nogroup\nAuthPAM off\n\
             AuthOrder mod_auth_file.c\nAuthUserFile {users}\nUseFtpUsers off\nRequireValidShell off\n\
             DefaultRoot {root}\nAllowOverwrite on\nAllowStoreRestart on\nUmask 022\nDelayEngine off\nWtmpLog off\n\
             ScoreboardFile none\nPidFile {pid}\nTransferLog none\nSystemLog {log}\nPassivePorts {low} {high}\n",
            control = lab.ports.control(),
            users = lab.file("users", &users).display(),
            root = root.display(),
            pid = lab.path("pid").display(),
            log = lab.path("system.log").display(),
            low = lab.ports.passive().start(),
            high = lab.ports.passive().end(),
        );
        let config = lab.file("proftpd.conf", &(config + &more(&lab)));
        let mut serve = command(&program, ["-n", "-q", "-c"]);
        serve.arg(config);
        Some(lab.start("tester", &mut serve))
    }

    /// Pure-FTPd, with a database of users of its own.
    pub(crate) fn pureftpd() -> Option<Self> {
        Self::pureftpd_with(|_, serve| {
            serve.args(["-Y", "0"]);
        })
    }

    fn pureftpd_with(more: impl FnOnce(&Lab, &mut Command)) -> Option<Self> {
        need::root("pure-ftpd")?;
        let program = need::peer_file("pure-ftpd", "pure-ftpd/usr/sbin/pure-ftpd")?;
        let pure_pw = need::peer_file("pure-ftpd", "pure-ftpd/usr/bin/pure-pw")?;
        let lab = Lab::new(NOBODY);
        let root = lab.path("root");
        let users = pureftpd_users(&lab.place(&root));
        let (users, database) = (lab.file("users", &users), lab.path("users.pdb"));
        run(command(&pure_pw, ["mkdb"]).arg(&database).arg("-f").arg(&users)).good();
        let mut serve = command(&program, pureftpd(&lab.place(&root), LISTEN));
        more(&lab, &mut serve);
        serve.arg("-l").arg(format!("puredb:{}", database.display())).arg("-g").arg(lab.path("pid"));
        Some(lab.start("tester", &mut serve))
    }

    /// Pure-FTPd that takes nothing but TLS, on both connections.
    pub(crate) fn pureftpd_tls() -> Option<Self> {
        Self::pureftpd_with(|lab, serve| {
            serve.args(["-Y", "3", "-2"]).arg(lab.identity());
        })
    }

    /// pyftpdlib, in the Python it was installed for.
    pub(crate) fn pyftpdlib() -> Option<Self> {
        Self::pyftpdlib_with("FTPHandler", |_| String::new())
    }

    /// The same with TLS on every connection.
    pub(crate) fn pyftpdlib_tls() -> Option<Self> {
        Self::pyftpdlib_with("TLS_FTPHandler", |lab| {
            format!(
                "Handler.certfile = Handler.keyfile = {:?}\n\
                 Handler.tls_control_required = Handler.tls_data_required = True\n",
                lab.identity().display().to_string(),
            )
        })
    }

    fn pyftpdlib_with(handler: &str, more: impl FnOnce(&Lab) -> String) -> Option<Self> {
        let python = need::peer_file("pyftpdlib", "venv/bin/python")?;
        let lab = Lab::new(rustix::process::geteuid().as_raw());
        let script = format!(
            "from pyftpdlib.authorizers import DummyAuthorizer\nfrom pyftpdlib.handlers import {handler} as Handler\n\
             from pyftpdlib.servers import FTPServer\nusers = DummyAuthorizer()\n\
             users.add_user('tester', '{PASSWORD}', {root:?}, perm='elradfmwMT')\nHandler.authorizer = users\n\
             {more}Handler.passive_ports = range({low}, {high} + 1)\n\
             FTPServer(('127.0.0.1', {control}), Handler).serve_forever()\n",
            root = lab.path("root").display().to_string(),
            more = more(&lab),
            low = lab.ports.passive().start(),
            high = lab.ports.passive().end(),
            control = lab.ports.control(),
        );
        let script = lab.file("serve.py", &script);
        Some(lab.start("tester", &mut command(&python, [script])))
    }

    /// The folder that it serves as `pub`.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.path().join("root/pub")
    }

    /// A URL of `name` in it.
    pub(crate) fn url(&self, name: impl AsRef<Path>) -> String {
        self.door.url(Path::new("pub").join(name))
    }

    /// A folder beside it, for the client's side of a test.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).expect("a folder beside the peer");
        path
    }

    /// Gives what the test has put into the served folder to the server's own user.
    pub(crate) fn own(&self) {
        give(&self.files(), self.owner);
    }
}

/// What a peer needs before it runs.
struct Lab {
    folder: TempDir,
    ports: Block,
    owner: u32,
}

impl Lab {
    fn new(owner: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the peer");
        // The server's own user has to reach what it serves.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .expect("the mode of our own folder");
        let lab = Self { folder, ports: Block::take(), owner };
        lab.made("root");
        give(&lab.made("root/pub"), owner);
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn place<'p>(&self, root: &'p Path) -> Place<'p> {
        Place { control: self.ports.control(), passive: self.ports.passive(), root }
    }

    /// A certificate that signs itself and its key, in one file.
    fn identity(&self) -> PathBuf {
        self.file("identity.pem", &peers::identity())
    }

    fn made(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).expect("a folder of the peer");
        path
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a settings file of the peer");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the mode of our own file");
        path
    }

    /// Starts the server and waits for its greeting.
    fn start(self, user: &'static str, serve: &mut Command) -> Peer {
        let log = self.path("log");
        let door = Door { scheme: "ftp", port: self.ports.control(), user, password: PASSWORD };
        let mut process = Running::start(serve, &log);
        let greeted = wait_until(Instant::now() + Duration::from_secs(30), || {
            if let Some(status) = process.ended() {
                panic!(
                    "{}: {status}\n{}",
                    serve.get_program().display(),
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
            let mut code = [0; 3];
            stream.read_exact(&mut code).ok()?;
            (&code == b"220").then_some(())
        });
        assert!(greeted.is_some(), "no greeting: {}", fs::read_to_string(&log).unwrap_or_default());
        Peer { door, owner: self.owner, folder: self.folder, _process: process, _ports: self.ports }
    }
}
