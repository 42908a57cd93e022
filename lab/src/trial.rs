//! What does one test stand on: a network, a server in it, a client, and a clock?
use std::fs;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use testbed::files;
use testbed::process::{Said, clean, run_within};

use crate::client::{Client, Job, Manner};
use crate::network::Lab;
use crate::rules::{Rules, Shape};
use crate::site::{Serve, Server, Site, in_url};
use crate::tools::{Skipped, Tools};

/// Who talks with whom: the columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pair {
    Ours,
    Curl,
    Lftp,
    Vsftpd,
    PureFtpd,
}

/// A test while it runs. With it go the server, then the network, then the files.
pub(crate) struct Trial<'t> {
    pub(crate) pair: Pair,
    tools: &'t Tools,
    site: Option<Site>,
    pub(crate) lab: Lab,
    folder: TempDir,
    /// How long a job may take before it is ended.
    pub(crate) patience: Duration,
    /// The slowest job so far, or what the test put in its place.
    pub(crate) slowest: Duration,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the time of its slowest job.
    Passed(Duration),
    /// With that time, and the reason.
    Failed(Duration, String),
    Skipped(String),
}

/// What a test does with its network.
pub(crate) type Test = dyn Fn(&mut Trial<'_>) + Send + Sync;

/// The file that is fetched and the file that is stored: larger than all buffers on the way.
const SIZE: usize = 400_007;

impl Pair {
    pub(crate) const ALL: [Self; 5] = [Self::Ours, Self::Curl, Self::Lftp, Self::Vsftpd, Self::PureFtpd];

    /// Client / server.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours/ours",
            Self::Curl => "curl/ours",
            Self::Lftp => "lftp/ours",
            Self::Vsftpd => "ours/vsftpd",
            Self::PureFtpd => "ours/pure-ftpd",
        }
    }

    pub(crate) fn client(self) -> Client {
        match self {
            Self::Curl => Client::Curl,
            Self::Lftp => Client::Lftp,
            Self::Ours | Self::Vsftpd | Self::PureFtpd => Client::Ours,
        }
    }

    fn server(self) -> Server {
        match self {
            Self::Ours | Self::Curl | Self::Lftp => Server::Ours,
            Self::Vsftpd => Server::Vsftpd,
            Self::PureFtpd => Server::PureFtpd,
        }
    }
}

/// Runs `test` with a fresh network; a panic in it is a failure and takes the network down like any other
/// end.
pub(crate) fn run_one(pair: Pair, tools: &Tools, test: &Test) -> End {
    let done = catch_unwind(AssertUnwindSafe(|| {
        let mut trial = Trial {
            pair,
            tools,
            site: None,
            lab: Lab::new(),
            folder: tempfile::tempdir_in("/run").expect("a folder for the trial"),
            patience: Duration::from_secs(40),
            slowest: Duration::ZERO,
        };
        let done = catch_unwind(AssertUnwindSafe(|| test(&mut trial)));
        // What our server has logged is worth reading beside a failure.
        let log = if done.is_err() && pair.server() == Server::Ours { trial.log() } else { String::new() };
        (done, trial.slowest, log)
    }));
    let (panic, took, log) = match done {
        Ok((Ok(()), slowest, _)) => return End::Passed(slowest),
        Ok((Err(panic), slowest, log)) => (panic, slowest, log),
        Err(panic) => (panic, Duration::ZERO, String::new()),
    };
    if let Some(Skipped(why)) = panic.downcast_ref() {
        return End::Skipped(why.clone());
    }
    let words = panic.downcast_ref::<String>().cloned();
    let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
    let mut words = words.unwrap_or_else(|| "it failed without a word".to_owned());
    if !log.is_empty() {
        let from = log.len().saturating_sub(2000);
        let from = log.char_indices().map(|(n, _)| n).find(|&n| n >= from).unwrap_or(0);
        words.push_str(&format!("\nthe end of the server's log:\n{}", &log[from..]));
    }
    End::Failed(took, words)
}

impl Trial<'_> {
    /// Starts the pair's server.
    #[track_caller]
    pub(crate) fn serve(&mut self) -> &Site {
        self.serve_with(Serve::default())
    }

    /// The same, in a certain way.
    #[track_caller]
    pub(crate) fn serve_with(&mut self, serve: Serve<'_>) -> &Site {
        // One at a time has the ports.
        self.site = None;
        let folder = self.folder.path().join("site");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a folder of the trial's own");
        fs::set_permissions(self.folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("the mode of our own folder");
        let site = Site::start(self.pair.server(), serve, self.tools, &self.lab.server, &folder);
        fs::write(site.files().join("down.bin"), content(1)).expect("a file of the site");
        fs::write(self.here("up.bin"), content(2)).expect("a file of the client");
        site.own();
        self.site.insert(site)
    }

    /// The running server.
    #[track_caller]
    pub(crate) fn site(&self) -> &Site {
        self.site.as_ref().expect("the test has started a server")
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        self.site.as_ref().map(Site::log).unwrap_or_default()
    }

    /// A file on the client's side.
    pub(crate) fn here(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where our client keeps what it remembers.
    pub(crate) fn state(&self) -> PathBuf {
        self.here("state")
    }

    /// Lists, fetches and stores; all of it has to work, each within `limit`.
    #[track_caller]
    pub(crate) fn moves_files(&mut self, manner: Manner<'_>, limit: Duration) {
        self.lists(manner, limit);
        self.fetches(manner, limit);
        self.stores(manner, limit);
    }

    /// Lists, within `limit`.
    #[track_caller]
    pub(crate) fn lists(&mut self, manner: Manner<'_>, limit: Duration) -> Said {
        let said = self.attempt(Job::List, manner);
        assert!(said.succeeded(), "listing: {}\n{}", said.status, said.err);
        assert!(
            said.text().contains("down.bin"),
            "the listing lacks down.bin: {}\n{}",
            said.text(),
            said.err
        );
        in_time("the listing", &said, limit);
        said
    }

    /// Fetches a file and compares it, within `limit`.
    #[track_caller]
    pub(crate) fn fetches(&mut self, manner: Manner<'_>, limit: Duration) -> Said {
        let to = self.here("down.bin");
        let _ = fs::remove_file(&to);
        let said = self.attempt(Job::Get("down.bin", &to), manner);
        assert!(said.succeeded(), "the download: {}\n{}", said.status, said.err);
        files::assert_same_file(&self.site().files().join("down.bin"), &to);
        in_time("the download", &said, limit);
        said
    }

    /// Stores a file and compares it, within `limit`.
    #[track_caller]
    pub(crate) fn stores(&mut self, manner: Manner<'_>, limit: Duration) -> Said {
        let to = self.site().files().join("up.bin");
        let _ = fs::remove_file(&to);
        let said = self.attempt(Job::Put(&self.here("up.bin"), "up.bin"), manner);
        assert!(said.succeeded(), "the upload: {}\n{}", said.status, said.err);
        files::assert_same_file(&self.here("up.bin"), &to);
        in_time("the upload", &said, limit);
        said
    }

    /// Tries a job, and says what came of it.
    #[track_caller]
    pub(crate) fn attempt(&mut self, job: Job<'_>, manner: Manner<'_>) -> Said {
        let host = in_url(self.lab.site());
        self.attempt_at(&host, job, manner)
    }

    /// The same with a site found at `host`.
    #[track_caller]
    pub(crate) fn attempt_at(&mut self, host: &str, job: Job<'_>, manner: Manner<'_>) -> Said {
        let mut command = self.pair.client().call(job, manner, self.site(), host, self.tools);
        let command = clean(&mut command, self.folder.path());
        command.env("XDG_STATE_HOME", self.state());
        let said = self.lab.client.within(|| run_within(command, b"", self.patience));
        self.slowest = self.slowest.max(said.took);
        said
    }

    /// pasv, with a home of its own.
    pub(crate) fn program(&self) -> Command {
        let mut call = Command::new(&self.tools.pasv);
        clean(&mut call, self.folder.path());
        call
    }

    /// The rules of this shape.
    #[track_caller]
    pub(crate) fn rules(&self, shape: Shape) -> String {
        Rules::of(self.tools, shape).text()
    }

    /// Where clients find the site.
    pub(crate) fn at(&self) -> IpAddr {
        self.lab.site()
    }

    /// Measures `work` as if it were a job.
    pub(crate) fn measure<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let done = work(self);
        self.slowest = self.slowest.max(started.elapsed());
        done
    }
}

/// `SIZE` bytes that look random and differ for each `seed`.
pub(crate) fn content(seed: u64) -> Vec<u8> {
    files::content(seed, SIZE)
}

#[track_caller]
fn in_time(what: &str, said: &Said, limit: Duration) {
    assert!(
        said.took <= limit,
        "{what} took {:.1} s, and may take {:.1} s\n{}",
        said.took.as_secs_f64(),
        limit.as_secs_f64(),
        said.err
    );
}
