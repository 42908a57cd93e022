//! What can be done at a site? A session, from the login to QUIT.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use net::tls::Versions;
use net::tls::client::Settings;
use wire::pathname::show;
use wire::{Command, Marker, Pathname, Reply, RepresentationType, Stamp};

use crate::connect::connect;
use crate::driver::{Driver, now};
use crate::error::{Error, is_full};
use crate::event::{Event, Watcher};
use crate::features::Features;
use crate::method::{DataMethod, Mode};
use crate::options::{Endpoint, Options};
use crate::paths::Paths;
use crate::secrets::Secrets;
use crate::security::{Security, TlsMode};
use crate::session::{Credentials, Exchange, Login, Want};
use crate::small_segments::{self, SMALL_SEGMENT, Stall};
use crate::spec::{Known, SessionSpec};
use crate::upload::record::{RecordFile, Records};

/// How long the answer to QUIT is waited for: a round trip to the other end of the world, and some more.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a server may count a session that is over: until it has read its end and cleaned up. In all it is
/// less than what is left of twelve seconds when EPSV has been waited for.
const STILL_COUNTED: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2)];

/// How often a site that has as many sessions as it allows is called again: somebody else's short session is
/// over by then.
const FULL: u32 = 3;

/// A session at a site: the User-PI.
///
/// Every call is one goal; none leaves anything running behind. After an error for which
/// [`Error::leaves_session_usable`] is false the session is over and every further call says so.
pub struct Client {
    endpoint: Endpoint,
    pub(crate) options: Options,
    pub(crate) watch: Watcher,
    pub(crate) driver: Driver,
    security: Option<Arc<Security>>,
    pub(crate) features: Features,
    credentials: Credentials,
    representation: RepresentationType,
    /// A session of this run has agreed to TLS: all later ones must.
    agreed: bool,
    /// The method that led to the last data connection, or the first one to try.
    pub(crate) method: DataMethod,
    /// Segments are no larger than this, after large ones were lost on the way.
    pub(crate) segment: Option<u16>,
    /// Has somebody been told that small segments are what gets through, or told us?
    small_is_known: bool,
    /// A login has come so far that it was said that there is no TLS, if that is so.
    clear_is_told: bool,
    /// FEAT is not asked: the server did not survive it.
    no_features: bool,
    /// REST was said, and no transfer that was done has used it up.
    pub(crate) stale_marker: bool,
    /// OPTS HASH has chosen SHA-256 in this session.
    pub(crate) hashes: bool,
    /// What was begun to be uploaded is noted there.
    pub(crate) records: Option<Records>,
    /// Where the session has gone by CWD for a while: a new session goes there too.
    pub(crate) within: Option<Pathname>,
    /// How the server takes paths.
    pub(crate) paths: Paths,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint)
            .field("peer", &self.driver.peer())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the control port, logs in, asks what the server offers, and sets TYPE I. `watch` is told
    /// everything that happens from here on. A server that has as many sessions as it allows is asked again,
    /// a few times.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the name has no address or none of them answers within `options.connect`;
    /// [`Error::Refused`] by the greeting or the login; [`Error::Nonsense`] when it is no FTP server;
    /// [`Error::HandshakeStalled`] when TLS cannot be established, with small segments neither.
    pub async fn open(spec: SessionSpec, watch: Watcher) -> Result<Self, Error> {
        let SessionSpec { endpoint, credentials, options, security, known, recall, uploads } = spec;
        let security =
            security.or_else(|| (options.tls != TlsMode::Off).then(Security::by_roots)).map(Arc::new);
        let segment = |known: Known| known.small_segments.then_some(SMALL_SEGMENT);
        let driver = Self::reach(&endpoint, &options, security.clone(), segment(known), &watch).await?;
        let recalled = recall.map(|recall| recall(driver.local(), driver.peer())).unwrap_or_default();
        let connect_again = recalled.small_segments && !known.small_segments && options.tls != TlsMode::Off;
        let known = known.and(recalled);
        let fits = |method: &DataMethod| match options.mode {
            Mode::Auto => true,
            Mode::Passive => method.is_passive(),
            Mode::Active => !method.is_passive(),
        };
        if let Some(records) = &uploads {
            records.prune();
        }
        let mut client = Self {
            endpoint,
            method: known.method.filter(fits).unwrap_or(DataMethod::first(options.mode)),
            options,
            watch,
            driver,
            security,
            features: Features::default(),
            credentials,
            representation: RepresentationType::Ascii,
            agreed: known.tls_required,
            segment: segment(known),
            small_is_known: known.small_segments,
            clear_is_told: false,
            no_features: known.no_features,
            stale_marker: false,
            hashes: false,
            records: uploads,
            within: None,
            paths: Paths::default(),
        };
        if connect_again {
            // The first packets of TLS are full ones.
            client.driver.give_up();
            client.driver = client.reach_again().await?;
        }
        client.log_in().await?;
        Ok(client)
    }

    async fn reach(
        endpoint: &Endpoint,
        options: &Options,
        security: Option<Arc<Security>>,
        segment: Option<u16>,
        watch: &Watcher,
    ) -> Result<Driver, Error> {
        let reached = connect(endpoint, options.data_port, segment, options.connect).await?;
        let host = (endpoint.host.clone(), endpoint.port);
        let waits = (options.patience.reply, small_segments::handshake_limit(options, segment));
        Ok(Driver::new(reached, host, security, waits, watch.clone()).writing_in(options.charset))
    }

    async fn log_in(&mut self) -> Result<(), Error> {
        for time in 0..FULL {
            match self.login_once().await {
                Err(error) if error.is_full() && !self.options.patience.full.is_zero() => {
                    let pause = self.options.patience.full * 2u32.pow(time);
                    let why = match &error {
                        Error::Refused { reply, .. } => format!("{} {}", reply.code, show(reply.text())),
                        other => other.to_string(),
                    };
                    self.warn(format!("server busy ({why}); retrying in {} s", pause.as_secs()));
                    self.driver.give_up();
                    tokio::time::sleep(pause).await;
                    self.driver = self.reach_again().await?;
                }
                done => return done,
            }
        }
        self.login_once().await
    }

    async fn login_once(&mut self) -> Result<(), Error> {
        match self.enter().await {
            Err(error @ Error::HandshakeStalled { .. }) if self.segment.is_none() => {
                self.use_small_segments(&error);
                self.driver.give_up();
                self.driver = self.reach_again().await?;
                self.enter().await?;
                // The first large packets of a session were those of the handshake.
                self.small_segments_work();
                Ok(())
            }
            other => other,
        }
    }

    async fn enter(&mut self) -> Result<(), Error> {
        let (done, failed_at_features) = self.introduce().await;
        let Err(error) = done else { return done };
        if !failed_at_features {
            return Err(error);
        }
        self.warn(format!("{error}: connecting again without FEAT"));
        self.driver.give_up();
        self.driver = self.reach_again().await?;
        self.no_features = true;
        let done = self.introduce().await.0;
        match &done {
            Ok(()) => (self.watch)(&Event::FeaturesUnasked { local: self.driver.local() }),
            // It was something else.
            Err(_) => self.no_features = false,
        }
        done
    }

    /// Says who we are. Also: is the session lost since FEAT was asked?
    async fn introduce(&mut self) -> (Result<(), Error>, bool) {
        let secrets = Secrets::of(&self.credentials);
        let mut login = Login::new(self.credentials.clone(), None, self.options.patience, now())
            .under(self.options.tls)
            .agreed_before(self.agreed)
            .naming_in(self.options.charset)
            .clear_told_before(self.clear_is_told)
            .without_features(self.no_features)
            .at(&self.endpoint.host, self.endpoint.port);
        self.driver.hide(secrets);
        let features = self.driver.pursue(&mut login).await;
        self.agreed |= self.driver.has_agreed();
        // Where a login gets so far as to be refused, that came first.
        self.clear_is_told |= features.is_ok()
            || login.failed_at_features()
            || matches!(&features,
            Err(Error::Refused { said, .. }) if said.starts_with("USER") || said.starts_with("PASS"));
        let done = features.map(|features| {
            self.features = features;
            (self.hashes, self.stale_marker) = (false, false);
            self.representation = RepresentationType::Image;
        });
        (done, login.failed_at_features())
    }

    /// What the server offered in FEAT.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// Is the control connection under TLS, and with it every data connection?
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.driver.is_protected()
    }

    /// What this session has found out about the server, so that the next one can begin with it.
    #[must_use]
    pub fn learned(&self) -> Known {
        Known {
            method: Some(self.method),
            small_segments: self.segment.is_some(),
            no_features: self.no_features,
            tls_required: self.agreed,
        }
    }

    /// The site, and the name of the user.
    pub(crate) fn who(&self) -> (&Endpoint, &[u8]) {
        (&self.endpoint, &self.credentials.user)
    }

    /// Can the session be used for more, as far as is known? Not after a failure, nor after a call that was
    /// dropped in its middle.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.driver.is_usable()
    }

    /// Ends the session without a word.
    pub fn give_up(&mut self) {
        self.driver.give_up();
    }

    /// The server's end of the control connection.
    #[must_use]
    pub fn peer(&self) -> std::net::SocketAddr {
        self.driver.peer()
    }

    /// Our end of the control connection.
    #[must_use]
    pub fn local(&self) -> std::net::SocketAddr {
        self.driver.local()
    }

    /// Where the upload to `path` is noted.
    pub(crate) fn record_of(&self, path: &Pathname) -> Option<RecordFile> {
        let Endpoint { host, port } = &self.endpoint;
        Some(self.records.as_ref()?.file(host, *port, &self.credentials.user, path))
    }

    /// Says one command and returns its 2yz reply.
    ///
    /// # Errors
    /// [`Error::Refused`] with a 4yz or 5yz.
    pub async fn ask(&mut self, command: Command) -> Result<Reply, Error> {
        self.exchange(command, Want::Completion).await
    }

    pub(crate) async fn exchange(&mut self, command: Command, want: Want) -> Result<Reply, Error> {
        self.exchange_within(command, want, self.options.patience).await
    }

    pub(crate) async fn pursue(&mut self, mut exchange: Exchange) -> Result<Reply, Error> {
        let result = self.driver.pursue(&mut exchange).await;
        self.after(result)
    }

    /// A command whose refusal is an answer too: `None`.
    pub(crate) async fn ask_maybe(&mut self, command: Command) -> Result<Option<Reply>, Error> {
        match self.ask(command).await {
            Ok(reply) => Ok(Some(reply)),
            Err(Error::Refused { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Sets the representation type, if it is another one.
    pub(crate) async fn set_type(&mut self, wanted: RepresentationType) -> Result<(), Error> {
        if self.representation != wanted {
            self.ask(Command::Type(wanted)).await?;
            self.representation = wanted;
        }
        Ok(())
    }

    /// The size of a file in bytes, as type I would send it; `None` when the server does not tell.
    pub async fn size(&mut self, path: &Pathname) -> Result<Option<u64>, Error> {
        self.set_type(RepresentationType::Image).await?;
        let reply = self.ask_maybe(Command::Size(path.clone())).await?;
        Ok(reply.and_then(|r| Marker::parse(r.text().trim_ascii())).map(|m| m.0))
    }

    /// When a file was last modified; `None` when the server does not tell.
    pub async fn modified(&mut self, path: &Pathname) -> Result<Option<Stamp>, Error> {
        let mdtm = wire::command::Mdtm { whole: path.clone(), set: None };
        let reply = self.ask_maybe(Command::Mdtm(mdtm)).await?;
        Ok(reply.and_then(|r| Stamp::parse(r.text().trim_ascii())))
    }

    /// Opens another session, whose data connections can resume it. A server that gives too few tickets under
    /// TLS 1.3 mostly demands one of each data connection all the same; under TLS 1.2 one session serves any
    /// number.
    pub(crate) async fn refill(&mut self) -> Result<(), Error> {
        (self.watch)(&Event::Note(
            "the server has given no more TLS 1.3 tickets for data connections: going on in a new session"
                .to_owned(),
        ));
        let under = |security: &Security, versions| {
            let settings = Settings { versions, ..security.settings.clone() };
            Some(Arc::new(Security { settings, judge: Arc::clone(&security.judge) }))
        };
        if let Some(security) = self.security.clone().filter(|s| s.settings.versions == Versions::Both) {
            self.security = under(&security, Versions::Tls12);
            if self.begin_anew().await.is_ok() {
                return Ok(());
            }
            // It speaks nothing older: each session gives some tickets again.
            self.security = under(&security, Versions::Tls13);
        }
        self.begin_anew().await
    }

    async fn reach_again(&self) -> Result<Driver, Error> {
        Self::reach(&self.endpoint, &self.options, self.security.clone(), self.segment, &self.watch).await
    }

    /// Something came through; if it was in small segments only, that is told once.
    fn small_segments_work(&mut self) {
        if self.segment.is_some() && !std::mem::replace(&mut self.small_is_known, true) {
            (self.watch)(&Event::SmallSegmentsFound { local: self.driver.local() });
        }
    }

    pub(crate) fn found(&mut self, first: DataMethod, method: DataMethod) {
        self.small_segments_work();
        if method != first {
            (self.watch)(&Event::MethodFound { method, local: self.driver.local() });
        }
        self.method = method;
    }

    /// Gives up the session, and opens another one that is as far.
    ///
    /// A server that lets us have one session only may still count the one that has just been given up: what
    /// it refuses so is asked for again a little later.
    pub(crate) async fn begin_anew(&mut self) -> Result<(), Error> {
        self.driver.give_up();
        for pause in STILL_COUNTED {
            match Box::pin(self.open_another()).await {
                Err(Error::Refused { reply, .. })
                    if matches!(reply.code.get(), 421 | 530) || is_full(&reply) =>
                {
                    (self.watch)(&Event::Note(format!(
                        "a new session is refused ({} {}), perhaps for the one before: asking again",
                        reply.code,
                        show(reply.text())
                    )));
                    tokio::time::sleep(pause).await;
                }
                done => return done,
            }
        }
        Box::pin(self.open_another()).await
    }

    async fn open_another(&mut self) -> Result<(), Error> {
        self.driver.give_up();
        self.paths.begin_anew();
        let representation = self.representation;
        self.driver = self.reach_again().await?;
        self.login_once().await?;
        if self.representation != representation {
            self.say_once(Command::Type(representation), Want::Completion, self.options.patience).await?;
            self.representation = representation;
        }
        match self.within.clone() {
            Some(directory) => self.enter_again(&directory).await,
            None => Ok(()),
        }
    }

    /// How long this transfer may stand still.
    pub(crate) fn stall(&self) -> Stall {
        let later = self.options.stall;
        let first = if self.segment.is_some() { later } else { self.options.patience.quiet.min(later) };
        Stall::new(first, later)
    }

    /// That of a download of bytes: it is taken up where it stood, where the server can do that.
    pub(crate) fn stall_of_bytes(&self) -> Stall {
        if self.features.has("REST") { self.stall() } else { self.stall().until_the_first_byte() }
    }

    /// After a transfer that stood still before it was well under way: a new session, whose data connections
    /// have small segments. Any other error is given back.
    pub(crate) async fn again_in_small_segments(&mut self, error: Error) -> Result<(), Error> {
        let early = matches!(&error, Error::Stalled { after, .. } if *after < self.options.stall);
        if !early || self.segment.is_some() {
            return Err(error);
        }
        self.use_small_segments(&error);
        self.begin_anew().await
    }

    /// From the next connection on.
    pub(crate) fn use_small_segments(&mut self, why: &Error) {
        self.segment = Some(SMALL_SEGMENT);
        (self.watch)(&Event::Warning(format!(
            "{why}. Large packets may get lost on the way: once more with segments of {SMALL_SEGMENT} bytes"
        )));
    }

    /// After an error that leaves the dialogue in doubt nothing more may be said in this session.
    pub(crate) fn after<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result
            && !error.leaves_session_usable()
        {
            self.driver.give_up();
        }
        result
    }

    /// Says goodbye, and waits for the answer so that the server's log shows a clean end.
    ///
    /// A server that is slow to let go is not waited for: everything has been done by now.
    pub async fn quit(mut self) {
        // The session is over either way.
        let _ = tokio::time::timeout(GOODBYE, self.ask(Command::Quit)).await;
    }
}
