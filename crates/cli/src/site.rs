//! How does a verb get from its URL to a session?
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use client::trust::Policy;
use client::upload::Records;
use client::walk::below;
use client::{Client, Credentials, Endpoint, Error, Event, Known, Mode, SessionSpec, Verify, Watcher, Way};
use wire::Pathname;
use wire::pathname::show;
use wire::url::FtpUrl;

use crate::address;
use crate::client_flags::Talk;
use crate::interrupt::UnderWay;
use crate::outcome;
use crate::password::{Found, credentials};
use crate::progress::Meter;
use crate::talk::{Exit, Failure, say};
use crate::trust::{explain, policy};
use client::memory::known_sites::Place;
use client::memory::methods::{Features, Network, News, Segments, Ways};

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

/// Are both URLs of one site and one user? Then one session serves both.
pub(crate) fn same_site(one: &FtpUrl, other: &FtpUrl) -> bool {
    one.scheme == other.scheme
        && one.host == other.host
        && one.port_or_default() == other.port_or_default()
        && one.user == other.user
}

/// The servers that have agreed to TLS in this run, each by its name and its address with the port, as another port may be another
/// server: none is spoken with unencrypted after that, unless `--tls off` says so.
#[derive(Clone, Debug, Default)]
struct Protected(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    places: HashSet<String>,
    peers: HashSet<SocketAddr>,
}

impl Protected {
    fn add(&self, host: &str, peer: SocketAddr) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.places.insert(named_place(host, peer.port()));
        seen.peers.insert(plain(peer));
    }

    fn has(&self, host: &str, peer: SocketAddr) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.places.contains(&named_place(host, peer.port())) || seen.peers.contains(&plain(peer))
    }

    /// Adds whoever agrees to TLS, also where the login fails after that: the next one to this server would send its
    /// password unencrypted.
    fn watching(&self, host: String, watch: Watcher) -> Watcher {
        let protected = self.clone();
        Arc::new(move |event: &Event| {
            if let Event::TlsAgreed { peer } = event {
                protected.add(&host, *peer);
            }
            watch(event);
        })
    }
}

fn named_place(host: &str, port: u16) -> String {
    Place::new(host, usual(port)).to_string()
}

/// The address and the port alone, an IPv4 address as one also where the system tells it in IPv6.
fn plain(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), usual(peer.port()))
}

/// The two usual ports are one server's, as in the file of known sites.
fn usual(port: u16) -> u16 {
    if port == 990 { 21 } else { port }
}

/// The session of the URL before, kept as long as the next URL is of the same site and user.
pub(crate) struct Sessions<'a> {
    talk: &'a Talk,
    verify: Verify,
    records: Option<Records>,
    /// Where progress and talk are shown.
    pub(crate) meter: Meter,
    under_way: Arc<UnderWay>,
    protected: Protected,
    last: Option<(FtpUrl, Client)>,
    /// Where no session could be begun: a second try would wait as long, or send a wrong password once more.
    closed: Vec<FtpUrl>,
}

impl<'a> Sessions<'a> {
    pub(crate) fn new(talk: &'a Talk, meter: Meter) -> Self {
        Self {
            talk,
            verify: Verify::default(),
            records: None,
            under_way: Arc::new(UnderWay::new(&meter, false)),
            meter,
            protected: Protected::default(),
            last: None,
            closed: Vec::new(),
        }
    }

    /// The same, where files are copied and proven in this way. `resume`: the command has `-c` already.
    pub(crate) fn copying(self, verify: Verify, resume: bool) -> Self {
        Self { verify, under_way: Arc::new(UnderWay::new(&self.meter, resume)), ..self }
    }

    /// The same, where uploads are recorded there.
    pub(crate) fn recording(self, records: Option<Records>) -> Self {
        Self { records, ..self }
    }

    /// A session at the site of `url`.
    pub(crate) async fn at(&mut self, url: &FtpUrl) -> Result<&mut Client, Failure> {
        let client = match self.last.take() {
            Some((known, client)) if same_site(&known, url) && known.password == url.password => client,
            last => {
                if let Some((_, other)) = last {
                    other.quit().await;
                }
                if self.closed.iter().any(|known| same_site(known, url) && known.password == url.password) {
                    let text =
                        format!("{url} was not tried, as no session with {} could be started", url.host);
                    return Err(Failure::new(Exit::Unreachable, text));
                }
                let watch = watcher(self.talk, self.meter.clone(), Arc::clone(&self.under_way));
                let of = (self.verify, self.records.clone(), &self.protected);
                match reach(url, self.talk, watch, of).await {
                    Ok(client) => client,
                    Err(failure) => {
                        self.closed.push(url.clone());
                        return Err(failure);
                    }
                }
            }
        };
        Ok(&mut self.last.insert((url.clone(), client)).1)
    }

    /// After something failed, a session that may have ended with it is left for a new one.
    pub(crate) fn after(&mut self, done: &Result<(), Failure>) {
        let over = |failure: &Failure| matches!(failure.exit, Exit::Unreachable | Exit::Broken);
        if done.as_ref().is_err_and(over) {
            self.last = None;
        }
    }

    /// Ends the last session.
    pub(crate) async fn end(self) {
        self.under_way.finished();
        if let Some((_, client)) = self.last {
            client.quit().await;
        }
    }
}

/// Connects and logs in, showing on stderr what the flags ask for.
pub(crate) async fn open(url: &FtpUrl, talk: &Talk, meter: &Meter) -> Result<Client, Failure> {
    let under_way = Arc::new(UnderWay::new(meter, false));
    open_watched(url, talk, watcher(talk, meter.clone(), under_way)).await
}

/// Connects and logs in.
pub(crate) async fn open_watched(url: &FtpUrl, talk: &Talk, watch: Watcher) -> Result<Client, Failure> {
    reach(url, talk, watch, (Verify::default(), None, &Protected::default())).await
}

/// How uploads are verified and where they are recorded, and which servers have agreed to TLS.
type Of<'a> = (Verify, Option<Records>, &'a Protected);

/// Connects and logs in. A password that was typed and is wrong is asked for again, in a session of its own, as servers end
/// one after a wrong password.
async fn reach(url: &FtpUrl, talk: &Talk, watch: Watcher, of: Of<'_>) -> Result<Client, Failure> {
    let policy = policy(url, talk)?;
    for left in (0..TYPED).rev() {
        let Found { credentials, typed } = credentials(url, &talk.login)?;
        let user = credentials.user.clone();
        outcome::talks_to(url, credentials.is_anonymous());
        match log_in(url, talk, &policy, credentials, Arc::clone(&watch), of.clone()).await {
            Err(error) if typed && left > 0 && outcome::is_wrong_password(&error) => {
                talk.login.forget(url, &user);
                Failure::from(error).without_hint().print();
            }
            done => return done.map_err(|error| explain(&policy, error)),
        }
    }
    // The last of the tries above returns.
    Err(Failure::usage("no password"))
}

/// How often a password may be typed, as with OpenSSH.
const TYPED: usize = 3;

async fn log_in(
    url: &FtpUrl,
    talk: &Talk,
    policy: &Policy,
    credentials: Credentials,
    watch: Watcher,
    (verify, uploads, protected): Of<'_>,
) -> Result<Client, Error> {
    let host = url.host.to_string();
    let options = talk.options(policy.mode, verify);
    let place = Place::new(&host, policy.port);
    let ways = Ways::find();
    let watch = match &ways {
        Some(ways) => remembering(ways.clone(), place.clone(), options.mode, watch),
        None => watch,
    };
    let watch = protected.watching(host.clone(), greeted(watch));
    let endpoint = Endpoint { host: host.clone(), port: policy.port };
    let protected = protected.clone();
    let recall = move |local: SocketAddr, peer| {
        let known = ways.as_ref().map(|ways| ways.look(&place, &Network::of(local.ip()))).unwrap_or_default();
        Known {
            method: known.way,
            small_segments: known.segments == Segments::Small,
            no_features: known.features == Features::Unasked,
            tls_required: protected.has(&host, peer),
        }
    };
    let spec = SessionSpec {
        options,
        security: policy.security.clone(),
        recall: Some(Arc::new(recall)),
        uploads,
        ..SessionSpec::new(endpoint, credentials)
    };
    Client::open(spec, watch).await
}

/// Keeps the way to a data connection that was found, where it was not the first that was tried, and that large packets get
/// lost.
fn remembering(ways: Ways, place: Place, mode: Mode, watch: Watcher) -> Watcher {
    Arc::new(move |event: &Event| {
        watch(event);
        let (local, news) = match event {
            // What every visit begins with need not be remembered.
            Event::WayFound { way: Way::Epsv, local } => (local, News::Way(None)),
            // Of passive mode, which is better where both work, this visit knows nothing.
            Event::WayFound { way, .. } if mode == Mode::Active && !way.is_passive() => return,
            Event::WayFound { way, local } => (local, News::Way(Some(*way))),
            Event::SmallSegmentsFound { local } => (local, News::SmallSegments),
            Event::FeaturesUnasked { local } => (local, News::NoFeatures),
            Event::NoWay { local } => (local, News::Nothing),
            _ => return,
        };
        if let Err(error) = ways.put(&place, &Network::of(local.ip()), news) {
            watch(&Event::Note(format!("the connection mode is not remembered: {error}")));
        }
    })
}

/// Hints look at the greeting.
fn greeted(watch: Watcher) -> Watcher {
    Arc::new(move |event: &Event| {
        if let Event::Answered(reply) = event {
            outcome::heard(reply);
        }
        watch(event);
    })
}

/// Servers without TLS of which that has been said in this run.
static UNENCRYPTED: Mutex<BTreeSet<(String, u16, bool)>> = Mutex::new(BTreeSet::new());

/// Has it not been said yet that this server has no TLS?
fn is_news(host: &str, port: u16, anonymous: bool) -> bool {
    let mut told = UNENCRYPTED.lock().unwrap_or_else(PoisonError::into_inner);
    told.insert((host.to_ascii_lowercase(), port, anonymous))
}

/// Draws files as bars and lines. Of all else it says everything with `-v`, what a person should know without it, and nothing
/// with `-q`.
fn watcher(talk: &Talk, meter: Meter, under_way: Arc<UnderWay>) -> Watcher {
    let (verbose, quiet) = (talk.verbose, talk.quiet);
    let bars = Mutex::new(HashMap::new());
    Arc::new(move |event: &Event| {
        let worth_a_line = match event {
            Event::FileStarted { path, direction, start, have, total, progress } => {
                under_way.started(path, direction, progress);
                let bar = meter.follow(&path.to_string(), (*start, *have), *total, progress);
                bars.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone(), bar);
                false
            }
            Event::FileStopped { path } => {
                under_way.stopped();
                bars.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
                false
            }
            Event::FileDone { path, length, copied } => {
                meter.done(&path.to_string(), *length, *copied);
                false
            }
            Event::Skipped { .. } => {
                meter.skipped(format_args!("{event}"));
                false
            }
            // The next session would say the same.
            Event::Clear { host, port, anonymous, .. } if !is_news(host, *port, *anonymous) => false,
            Event::Fallback { .. } | Event::Anew { .. } | Event::Warning(_) | Event::Clear { .. } => !quiet,
            Event::TlsAgreed { .. } => false,
            _ => verbose,
        };
        if worth_a_line {
            meter.aside(|| say(format_args!("{event}")));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_name_and_by_its_address() {
        let protected = Protected::default();
        let peer = |text: &str| text.parse::<SocketAddr>().unwrap();
        protected.add("A.example", peer("192.0.2.1:21"));
        for (host, at, known) in [
            ("a.EXAMPLE", "192.0.2.9:21", true),
            ("a.EXAMPLE.", "192.0.2.9:990", true),
            ("a.example", "192.0.2.9:2121", false),
            ("a.example", "192.0.2.1:2121", false),
            ("b.example", "192.0.2.1:990", true),
            ("b.example", "192.0.2.1:21", true),
            ("b.example", "[::ffff:192.0.2.1]:21", true),
            ("b.example", "192.0.2.1:2121", false),
            ("b.example", "192.0.2.2:21", false),
        ] {
            assert_eq!(protected.has(host, peer(at)), known, "{host} {at}");
        }
    }

    /// One visit with `--mode active`, where EPRT was refused and PORT was not, had all later ones begin with PORT.
    #[test]
    fn what_active_mode_found_is_not_how_other_visits_begin() {
        let local = "127.0.0.1:50000".parse().unwrap();
        let (place, here) = (Place::new("a.example", 21), Network::of([127, 0, 0, 1].into()));
        for (mode, way, known) in [
            (Mode::Active, Way::Port, None),
            (Mode::Active, Way::Pasv, Some(Way::Pasv)),
            (Mode::Auto, Way::Port, Some(Way::Port)),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let ways = Ways::in_folder(folder.path());
            let watch = remembering(ways.clone(), place.clone(), mode, Arc::new(|_| {}));
            watch(&Event::WayFound { way, local });
            assert_eq!(ways.look(&place, &here).way, known, "{mode:?} {way}");
        }
    }
}
