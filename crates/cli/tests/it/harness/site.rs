//! How is `pasv serve` started for a test?

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::ports::Block;
use super::process::{Running, command, wait_until};
use super::url::Door;

/// How TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By AUTH.
    Explicit,
    /// From the first byte.
    Implicit,
}

/// A running site of ours, with a folder of its own. It ends, and the folder goes, with this value.
pub(crate) struct Site {
    /// The way in.
    pub(crate) door: Door,
    /// The port for TLS at once, with `--listen-tls`.
    pub(crate) implicit: Option<u16>,
    root: PathBuf,
    folder: TempDir,
    process: Running,
    _ports: Block,
}

impl Site {
    /// A site on which `tester` may write and everybody may read, with TLS for those who want it.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same without TLS.
    pub(crate) fn clear() -> Self {
        Self::with(&["--tls", "off"])
    }

    /// The same with TLS on every connection. `reuse` is that of `--data-reuse`.
    pub(crate) fn tls(way: Way, reuse: &str) -> Self {
        let flags = ["--tls", "required-data", "--data-reuse", reuse];
        match way {
            Way::Explicit => Self::with(&flags),
            Way::Implicit => {
                let mut site = Self::with(&[&flags[..], &["--listen-tls", "127.0.0.1:0"]].concat());
                site.door =
                    Door { scheme: "ftps", port: site.implicit.expect("a port for TLS"), ..site.door };
                site
            }
        }
    }

    /// The same, with further flags of `pasv serve`.
    pub(crate) fn with(flags: &[&str]) -> Self {
        Self::keeping(None, flags)
    }

    /// The same; what it keeps from one start to the next goes into `state`, where there is one, and outlives
    /// it.
    pub(crate) fn keeping(state: Option<&Path>, flags: &[&str]) -> Self {
        Self::sharing(None, state, flags)
    }

    /// A proxy of the server of this URL. Its own folder is not used.
    pub(crate) fn proxy(url: &str, flags: &[&str]) -> Self {
        Self::sharing(Some(url), None, flags)
    }

    fn sharing(url: Option<&str>, state: Option<&Path>, flags: &[&str]) -> Self {
        let door = Door { scheme: "ftp", port: 0, user: "tester", password: "open sesame" };
        let folder = tempfile::tempdir().expect("a folder for the site");
        let (root, ready) = (folder.path().join("root"), folder.path().join("ready.json"));
        let (password, log) = (folder.path().join("password"), folder.path().join("log"));
        fs::create_dir(&root).expect("the site's root");
        fs::write(&password, format!("{}\n", door.password)).expect("the password file");
        let ports = Block::take();
        let range = format!("{}-{}", ports.passive().start(), ports.passive().end());
        let mut serve =
            command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["serve", "--write", "--anonymous=write"]);
        serve.args(["--listen", "127.0.0.1:0", "--passive-ports", &range]);
        let shared = url.map_or(root.as_os_str(), OsStr::new);
        serve.arg("--root").arg(shared).env("NETRC", "/nonexistent");
        serve.arg("--ready-file").arg(&ready);
        serve.arg("--user").arg(format!("{}:{}", door.user, password.display())).args(flags);
        serve.env("XDG_STATE_HOME", state.map_or_else(|| folder.path().join("state"), Path::to_owned));
        let mut process = Running::start(&mut serve, &log);
        let until = Instant::now() + Duration::from_secs(30);
        let told = wait_until(until, || {
            if let Some(status) = process.ended() {
                panic!("pasv serve: {status}\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            // It is complete when it parses; before that it is being written.
            serde_json::from_slice::<serde_json::Value>(&fs::read(&ready).ok()?).ok()
        });
        let told = told.unwrap_or_else(|| {
            panic!("pasv serve is not ready: {}", fs::read_to_string(&log).unwrap_or_default())
        });
        let port = |kind: &str| Some(told[kind][0].as_str()?.parse::<SocketAddr>().ok()?.port());
        let control = port("control").expect("an address in the ready file");
        let implicit = port("implicit");
        Self { door: Door { port: control, ..door }, implicit, root, folder, process, _ports: ports }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// A figure of its process's status (proc_pid_status(5)), in bytes where it is an amount of memory.
    pub(crate) fn status(&self, figure: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a running process");
        let value = status.lines().find_map(|line| line.strip_prefix(figure)?.strip_prefix(':'));
        let mut words = value.expect("a figure of that name").split_whitespace();
        let number: usize = words.next().and_then(|word| word.parse().ok()).expect("a number");
        if words.next() == Some("kB") { number << 10 } else { number }
    }

    /// Tells it to look at its files again (SIGHUP), and waits until it has said this once more than before.
    #[track_caller]
    pub(crate) fn reads_again(&self, words: &str) {
        let before = self.log().matches(words).count();
        self.process.hang_up();
        let said = || (self.log().matches(words).count() > before).then_some(());
        wait_until(Instant::now() + Duration::from_secs(60), said)
            .unwrap_or_else(|| panic!("it never said {words:?}:\n{}", self.log()));
    }

    /// Tells it to look at its files again (SIGHUP).
    pub(crate) fn hang_up(&self) {
        self.process.hang_up();
    }

    /// Ends it (SIGTERM), and waits for that.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.process.stop()
    }

    /// Where it says that it is up.
    pub(crate) fn ready(&self) -> PathBuf {
        self.folder.path().join("ready.json")
    }

    /// What it has said so far, on stdout and stderr.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Waits until it has said this, and gives the line.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> String {
        let line = || self.log().lines().find(|line| line.contains(words)).map(str::to_owned);
        wait_until(Instant::now() + Duration::from_secs(60), line)
            .unwrap_or_else(|| panic!("it never said {words:?}:\n{}", self.log()))
    }

    /// The folder that it serves.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The certificate that it has made for itself.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("state/pasv/certificate.pem")
    }

    /// A folder beside it, for the client's side of a test.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).expect("a folder beside the site");
        path
    }
}
