//! What is a running server? Its listeners, its passive ports, its gate, and the way it ends.
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use net::control::Control;
use net::listener::Listener;
use net::passive::{Options, PassivePorts, Refusals};
use net::tls::server::ServerTls;
use storage::Gate;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wire::Reply;

use crate::driver;
use crate::limits::InMemory;
use crate::log_rate::LogRate;
use crate::reason::Reason;
use crate::registry::{Registry, Stop};
use crate::settings::{Proxies, Settings, Tls};
use crate::shared::Shared;
use crate::turns::Logins;
use crate::xferlog::Xferlog;

/// The TLS of a site.
#[derive(Clone, Debug)]
pub struct Protected {
    /// What it is made of.
    pub tls: Arc<ServerTls>,
    /// Where it begins with the connection (implicit TLS), beside the addresses that speak clear first.
    pub implicit: Vec<SocketAddr>,
}

/// Why a server could not be bound.
#[derive(Debug)]
pub enum BindError {
    /// A control address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// None of the passive ports can be.
    Passive(RangeInclusive<u16>, io::Error),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(at, error) => write!(f, "cannot listen on {at}: {error}"),
            Self::Passive(range, error) => {
                write!(f, "cannot use any passive port of {}-{}: {error}", range.start(), range.end())
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(_, error) | Self::Passive(_, error) => Some(error),
        }
    }
}

/// A server whose ports are bound; [`Server::run`] serves.
pub struct Server {
    /// Those that speak clear first, then the others.
    listeners: Vec<Listener>,
    clear: usize,
    passive: Vec<u16>,
    taken: Vec<(u16, io::Error)>,
    shared: Arc<Shared>,
    drained: mpsc::Receiver<()>,
}

impl Server {
    /// Binds the control addresses and the passive range. Needs a tokio runtime around it.
    pub fn bind(
        settings: Settings,
        gate: Arc<dyn Gate>,
        listen: &[SocketAddr],
        passive: Option<RangeInclusive<u16>>,
        xferlog: Option<Xferlog>,
    ) -> Result<Self, BindError> {
        Self::bind_protected(settings, gate, listen, passive, xferlog, None)
    }

    /// The same with TLS, as [`Settings::security`] says; without `protected` it is off.
    pub fn bind_protected(
        mut settings: Settings,
        gate: Arc<dyn Gate>,
        listen: &[SocketAddr],
        passive: Option<RangeInclusive<u16>>,
        xferlog: Option<Xferlog>,
        protected: Option<Protected>,
    ) -> Result<Self, BindError> {
        settings.security.implicit = false;
        if protected.is_none() {
            settings.security.tls = Tls::Off;
        }
        let (tls, at_once) = protected.map_or((None, Vec::new()), |p| (Some(p.tls), p.implicit));
        let all: Vec<SocketAddr> = listen.iter().chain(&at_once).copied().collect();
        let listeners = Listener::bind_all(&all).map_err(|(at, error)| BindError::Listen(at, error))?;
        let mut taken = Vec::new();
        let ports = match passive.filter(|_| settings.modes.passive) {
            Some(range) => {
                let mut addresses: Vec<IpAddr> = listeners.iter().map(|l| l.local().ip()).collect();
                addresses.sort_unstable();
                addresses.dedup();
                let (mss, proxies) = (settings.modes.data_mss, settings.proxies.clone());
                let (protected, yields) = (tls.is_some(), Some(settings.deadlines.data));
                let options = Options { mss, proxies, protected, yields };
                let (ports, missing) = PassivePorts::bind_with(&addresses, range.clone(), &options)
                    .map_err(|e| BindError::Passive(range, e))?;
                taken = missing;
                Some(ports)
            }
            None => None,
        };
        let passive = ports.as_ref().map(PassivePorts::ports).unwrap_or_default();
        settings.anonymous = gate.anonymous(b"anonymous");
        let mut implicit = settings.clone();
        implicit.security.implicit = true;
        if implicit.security.tls != Tls::RequiredForData {
            implicit.security.tls = Tls::RequiredForLogin;
        }
        let (alive, drained) = mpsc::channel(1);
        let logins = Logins::new(gate.places());
        let login_limits = Arc::new(InMemory::new(settings.limits.clone()));
        let shared = Shared {
            settings: Arc::new(settings),
            implicit: Arc::new(implicit),
            tls,
            gate,
            ports,
            xferlog,
            registry: Registry::default(),
            login_limits,
            logins,
            log_rate: LogRate::default(),
            _alive: alive,
        };
        Ok(Self { listeners, clear: listen.len(), passive, taken, shared: Arc::new(shared), drained })
    }

    /// The control addresses that speak clear first, with the ports the kernel gave.
    #[must_use]
    pub fn control(&self) -> Vec<SocketAddr> {
        self.listeners.iter().take(self.clear).map(Listener::local).collect()
    }

    /// The control addresses that speak TLS at once, with the ports the kernel gave.
    #[must_use]
    pub fn implicit(&self) -> Vec<SocketAddr> {
        self.listeners.iter().skip(self.clear).map(Listener::local).collect()
    }

    /// The passive ports.
    #[must_use]
    pub fn passive(&self) -> &[u16] {
        &self.passive
    }

    /// Passive ports of the range that somebody else holds.
    #[must_use]
    pub fn taken(&self) -> &[(u16, io::Error)] {
        &self.taken
    }

    /// The counts of data connections that were turned away at the passive ports, by cause; to be read at any time, also
    /// while the site runs.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        self.shared.ports.as_ref().map(PassivePorts::refusals).unwrap_or_default()
    }

    /// The table of its sessions: lists and watches them, and ends one of them or the server, also while it runs.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.shared.registry.clone()
    }

    /// Serves until told to stop, and until the last session has gone; one that is still there after
    /// [`Deadlines::drain`](crate::settings::Deadlines::drain) is ended.
    pub async fn run(self) {
        let Self { listeners, clear, shared, mut drained, .. } = self;
        let registry = shared.registry.clone();
        let _ends = EndsWithServer(registry.clone());
        let mut accepting = JoinSet::new();
        for (n, listener) in listeners.into_iter().enumerate() {
            let settings = Arc::clone(if n < clear { &shared.settings } else { &shared.implicit });
            accepting.spawn(accept(listener, Arc::clone(&shared), settings));
        }
        registry.stopping().beyond(Stop::No).await;
        accepting.shutdown().await;
        let patience = shared.settings.deadlines.drain;
        let log_rate = shared.log_rate.clone();
        drop(shared);
        // Ends when every session has dropped its sender.
        let drained = async { while drained.recv().await.is_some() {} };
        let mut drained = std::pin::pin!(drained);
        if timeout(patience, drained.as_mut()).await.is_err() {
            if registry.stopping().get() != Stop::Now {
                let transfers = registry.sessions().iter().filter(|s| s.transfer.is_some()).count();
                tracing::warn!(
                    transfers,
                    seconds = patience.as_secs_f64(),
                    "--drain-timeout is over, ending the transfers that still run"
                );
                registry.stop(Stop::Now);
            }
            drained.await;
        }
        log_rate.finish();
    }
}

/// Ends the sessions of a server that is dropped while it runs: nobody is left who could end them.
struct EndsWithServer(Registry);

impl Drop for EndsWithServer {
    fn drop(&mut self) {
        self.0.stop(Stop::Now);
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>, settings: Arc<Settings>) {
    loop {
        match listener.accept().await {
            Ok(control) => match shared.settings.proxies.as_ref().filter(|p| p.trusts(control.peer().ip())) {
                Some(proxies) => {
                    tokio::spawn(introduced(
                        control,
                        listener.local(),
                        proxies.clone(),
                        Arc::clone(&shared),
                        Arc::clone(&settings),
                    ));
                }
                None => admit(control, listener.local(), &shared, &settings),
            },
            Err(error) => {
                tracing::error!(%error, at = %listener.local(), "cannot accept connections any more on this address");
                return;
            }
        }
    }
}

/// A balancer's connection: it says first whose it is, or is closed. Bounded in number and in time by [`Proxies`].
async fn introduced(
    mut control: Control,
    listener: SocketAddr,
    proxies: Proxies,
    shared: Arc<Shared>,
    settings: Arc<Settings>,
) {
    let learnt = tokio::select! {
        biased;
        () = shared.registry.stopping().beyond(Stop::No) => return,
        learnt = control.introduce(&proxies) => learnt,
    };
    match learnt {
        Ok(_) => admit(control, listener, &shared, &settings),
        Err(error) => {
            if shared.log_rate.allows(None, control.peer()) {
                tracing::warn!(balancer = %control.peer(), %error, reason = Reason::NoProxyHeader.name(), "refused");
            }
            turn_away(&control, &settings, Reason::NoProxyHeader);
        }
    }
}

fn turn_away(control: &Control, settings: &Settings, reason: Reason) {
    let mut bytes = Vec::new();
    // Under implicit TLS there is no way to say it that is not a handshake first.
    if !settings.security.implicit {
        Reply::new(reason.code(), reason.text()).encode(&mut bytes);
    }
    // Best effort: the socket's buffer is empty, so this fits unless the peer has gone.
    let _ = control.try_write(&bytes);
    control.shutdown();
}

fn admit(control: Control, listener: SocketAddr, shared: &Arc<Shared>, settings: &Arc<Settings>) {
    let (peer, local) = (control.peer(), control.local());
    let registration = match shared.registry.enter(peer, local, listener, &shared.settings.limits) {
        Ok(registration) => registration,
        Err(reason) => {
            if shared.log_rate.allows(None, peer) {
                tracing::warn!(peer = %peer, reason = reason.name(), "refused");
            }
            return turn_away(&control, settings, reason);
        }
    };
    let (shared, settings) = (Arc::clone(shared), Arc::clone(settings));
    tokio::spawn(async move { driver::run(control, &shared, settings, &registration).await });
}
