//! How does a verb get from its URL to a session?
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use client::profile::Prepared;
use client::walk::below;
use client::{Event, Pool, Pooled, Profile, SessionSpec, Verify, Watcher};
use wire::Pathname;
use wire::pathname::show;
use wire::url::FtpUrl;

use crate::address;
use crate::client_flags::SessionFlags;
use crate::interrupt;
use crate::outcome;
use crate::password::{Found, credentials};
use crate::progress::Meter;
use crate::talk::{Exit, Failure, say};
use crate::trust::{explain, prepare};

/// Reads a URL of the command line.
pub(crate) fn url(text: &str) -> Result<FtpUrl, Failure> {
    address::read(text)
}

/// Reads all of them: one that cannot be read is a mistake on the command line, and nothing is done.
pub(crate) fn urls(texts: &[String]) -> Result<Vec<FtpUrl>, Failure> {
    texts.iter().map(|text| url(text)).collect()
}

/// The path of a URL as a pathname for commands; `None` for the directory of the login.
pub(crate) fn path(url: &FtpUrl) -> Result<Option<Pathname>, Failure> {
    match url.path() {
        empty if empty.is_empty() => Ok(None),
        path => Pathname::new(path).map(Some).map_err(|e| Failure::usage(e.to_string())),
    }
}

/// The path of a URL where the verb needs one.
pub(crate) fn named(url: &FtpUrl) -> Result<Pathname, Failure> {
    path(url)?.ok_or_else(|| Failure::usage(format!("{url} has no path: it names no file or directory")))
}

/// The last name of a path.
pub(crate) fn last_name(path: &Pathname) -> &[u8] {
    let bytes = path.as_bytes();
    let bytes = bytes.strip_suffix(b"/").unwrap_or(bytes);
    bytes.rsplit(|b| *b == b'/').next().unwrap_or(bytes)
}

/// Where something goes: to the URL's path, or, when that means a directory, below it under `name`.
pub(crate) fn target(url: &FtpUrl, name: &[u8]) -> Result<Pathname, Failure> {
    if !url.means_directory() {
        return named(url);
    }
    below(path(url)?.as_ref(), name).ok_or_else(|| {
        Failure::usage(format!("\"{}\" contains a line end, which FTP cannot transfer", show(name)))
    })
}

/// Are both URLs of one server and one user? Then one session serves both.
pub(crate) fn same_site(one: &FtpUrl, other: &FtpUrl) -> bool {
    one.scheme == other.scheme
        && one.host == other.host
        && one.port_or_default() == other.port_or_default()
        && one.user == other.user
}

/// The sessions of a verb: one at a time, kept as long as the next URL is of the same server and user.
pub(crate) struct Sessions<'a> {
    session: &'a SessionFlags,
    verify: Verify,
    profile: Profile,
    /// Where progress and talk are shown.
    pub(crate) meter: Meter,
    watch: Watcher,
    last: Option<(FtpUrl, Pool)>,
    /// Where no session could be opened: a second try would wait as long, or send a wrong password once more.
    closed: Vec<FtpUrl>,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(session: &'a SessionFlags, meter: Meter) -> Self {
        let watch = watcher(session, meter.clone(), None);
        Self::watched(session, meter, watch)
    }

    /// The same, where files are copied and proven in this way. `resume`: the command has `-c` already.
    pub(crate) fn copying(session: &'a SessionFlags, meter: Meter, verify: Verify, resume: bool) -> Self {
        let watch = watcher(session, meter.clone(), Some(resume));
        Self { verify, ..Self::watched(session, meter, watch) }
    }

    /// The same, where this watcher is told what happens in the sessions.
    pub(crate) fn watched(session: &'a SessionFlags, meter: Meter, watch: Watcher) -> Self {
        let (verify, profile) = (Verify::default(), Profile::of_user());
        Self { session, verify, profile, meter, watch, last: None, closed: Vec::new() }
    }

    /// A session with the server of `url`.
    pub(crate) async fn at(&mut self, url: &FtpUrl) -> Result<Pooled, Failure> {
        let same = |known: &FtpUrl| same_site(known, url) && known.password == url.password;
        if let Some((known, pool)) = &self.last {
            if same(known) {
                return Ok(pool.get().await?);
            }
            pool.close().await;
            self.last = None;
        }
        if self.closed.iter().any(same) {
            let text = format!("{url} was not tried, as no session with {} could be started", url.host);
            return Err(Failure::new(Exit::Unreachable, text));
        }
        match self.open(url).await {
            Ok((pool, session)) => {
                self.last = Some((url.clone(), pool));
                Ok(session)
            }
            Err(failure) => {
                self.closed.push(url.clone());
                Err(failure)
            }
        }
    }

    /// A password that was typed and is wrong is asked for again, in a session of its own, as servers end one
    /// after a wrong password.
    async fn open(&self, url: &FtpUrl) -> Result<(Pool, Pooled), Failure> {
        let session = self.session;
        let watch = Arc::clone(&self.watch);
        let Prepared { mut spec, watch, policy } = prepare(url, session, true, &self.profile, watch)?;
        spec.options.verify = self.verify;
        for left in (0..TYPED).rev() {
            let Found { credentials, typed } = credentials(url, &session.login)?;
            let user = credentials.user.clone();
            outcome::talks_to(url, credentials.is_anonymous());
            let pool = Pool::new(SessionSpec { credentials, ..spec.clone() }, Arc::clone(&watch), 1);
            match pool.get().await {
                Ok(session) => return Ok((pool, session)),
                Err(error) if typed && left > 0 && outcome::is_wrong_password(&error) => {
                    session.login.forget(url, &user);
                    Failure::from(error).without_hint().print();
                }
                Err(error) => return Err(explain(&policy, error)),
            }
        }
        // The last of the tries above returns.
        Err(Failure::usage("no password"))
    }

    /// Ends the last session.
    pub(crate) async fn end(self) {
        self.meter.lock().finished = true;
        if let Some((_, pool)) = self.last {
            pool.close().await;
        }
    }
}

/// How often a password may be typed, as with OpenSSH.
const TYPED: usize = 3;

/// Servers without TLS of which that has been said in this run.
static UNENCRYPTED: Mutex<BTreeSet<(String, u16, bool)>> = Mutex::new(BTreeSet::new());

/// Has it not been said yet that this server has no TLS?
fn is_news(host: &str, port: u16, anonymous: bool) -> bool {
    let mut told = UNENCRYPTED.lock().unwrap_or_else(PoisonError::into_inner);
    told.insert((host.to_ascii_lowercase(), port, anonymous))
}

/// Draws files as bars and lines. Of all else it says everything with `-v`, what a person should know without
/// it, and nothing with `-q`. Where files are `copying`, Ctrl-C says how to resume; true: the command has
/// `-c` already.
fn watcher(session: &SessionFlags, meter: Meter, copying: Option<bool>) -> Watcher {
    let (verbose, quiet) = (session.verbose, session.quiet);
    Arc::new(move |event: &Event| {
        if let (Event::FileStarted { .. }, Some(resume)) = (event, copying) {
            interrupt::copying(&meter, resume);
        }
        let worth_a_line = match event {
            // The next session would say the same.
            Event::Clear { host, port, anonymous, .. } if !is_news(host, *port, *anonymous) => false,
            Event::Fallback { .. } | Event::NewSession { .. } | Event::Warning(_) | Event::Clear { .. } => {
                !quiet
            }
            Event::TlsAgreed { .. } => false,
            Event::Identity { insecure, .. } => *insecure || !quiet,
            _ => verbose,
        };
        if !meter.shows(event) && worth_a_line {
            meter.aside(|| say(format_args!("{event}")));
        }
    })
}
