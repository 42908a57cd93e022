//! What is a running server? Its listeners, its passive ports, its gate, and the way it ends.
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use config::{SiteConfig, Tls};
use net::control::Control;
use net::listener::Listener;
use net::passive::{self, Options, PassivePorts, TurnedAway};
use net::proxy::Proxies;
use net::tls::server::ServerTls;
use storage::Gate;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wire::Reply;

use crate::driver;
use crate::limits::{InMemory, LoginLimits};
use crate::log_rate::LogRate;
use crate::reason::Reason;
use crate::registry::{Registry, Stop};
use crate::settings::Settings;
use crate::shared::{BoundListener, Shared};
use crate::turns::Logins;
use crate::xferlog::Xferlog;

/// Why a server could not be bound.
#[derive(Debug)]
pub enum BindError {
    /// A control address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// None of the passive ports can be.
    Passive(RangeInclusive<u16>, io::Error),
    /// A listener requires TLS or begins with it, and the server has no certificate.
    NoTls(SocketAddr),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(at, error) => write!(f, "cannot listen on {at}: {error}"),
            Self::Passive(range, error) => {
                write!(f, "cannot use any passive port of {}-{}: {error}", range.start(), range.end())
            }
            Self::NoTls(at) => write!(f, "there is no certificate for the TLS required on {at}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(_, error) | Self::Passive(_, error) => Some(error),
            Self::NoTls(_) => None,
        }
    }
}

/// What a server is made of; see [`Server::builder`].
pub struct Builder {
    site: SiteConfig,
    gate: Arc<dyn Gate>,
    tls: Option<Arc<ServerTls>>,
    xferlog: Option<Xferlog>,
    login_limits: Option<Arc<dyn LoginLimits>>,
}

impl Builder {
    /// Certificates for the listeners that have TLS. Without them TLS is off where it is optional.
    #[must_use]
    pub fn tls(mut self, tls: impl Into<Option<Arc<ServerTls>>>) -> Self {
        self.tls = tls.into();
        self
    }

    /// The classic transfer log.
    #[must_use]
    pub fn xferlog(mut self, log: impl Into<Option<Xferlog>>) -> Self {
        self.xferlog = log.into();
        self
    }

    /// Has failed logins counted elsewhere than in the memory of this process.
    #[must_use]
    pub fn login_limits(mut self, limits: impl Into<Option<Arc<dyn LoginLimits>>>) -> Self {
        self.login_limits = limits.into();
        self
    }

    /// Binds the control addresses and the passive ports. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// When an address, or all passive ports of a listener, cannot be bound; when a listener requires TLS and
    /// there is no certificate.
    pub fn bind(self) -> Result<Server, BindError> {
        let Self { mut site, gate, tls, xferlog, login_limits } = self;
        for listener in &mut site.listeners {
            if listener.implicit && listener.tls != Tls::RequiredForData {
                listener.tls = Tls::RequiredForLogin;
            }
            match listener.tls {
                Tls::RequiredForLogin | Tls::RequiredForData if tls.is_none() => {
                    return Err(BindError::NoTls(listener.socket()));
                }
                Tls::Offered if tls.is_none() => listener.tls = Tls::Off,
                _ => {}
            }
        }
        let addresses: Vec<_> = site.listeners.iter().map(config::Listener::socket).collect();
        let sockets = Listener::bind_all(&addresses).map_err(|(at, error)| BindError::Listen(at, error))?;
        let addresses: Vec<_> = sockets.iter().map(|socket| socket.local().ip()).collect();
        let mut taken = Vec::new();
        let shared_by_listeners = passive_ports(&site, &addresses, &mut taken)?;
        let (alive, drained) = mpsc::channel(1);
        let site = Arc::new(site);
        let listeners = sockets
            .into_iter()
            .zip(&site.listeners)
            .zip(shared_by_listeners)
            .map(|((socket, listener), (ports, proxies))| {
                let (site, listener) = (Arc::clone(&site), Arc::new(listener.clone()));
                let settings = Settings { site, listener };
                (socket, Arc::new(BoundListener { settings, ports, proxies }))
            })
            .collect();
        let shared = Shared {
            login_limits: login_limits.unwrap_or_else(|| Arc::new(InMemory::new(site.limits.clone()))),
            site,
            tls,
            logins: Logins::new(gate.checks_at_once()),
            gate,
            xferlog,
            registry: Registry::default(),
            log_rate: LogRate::default(),
            _alive: alive,
        };
        Ok(Server { listeners, taken, shared: Arc::new(shared), drained })
    }
}

type PortsAndProxies = (Option<Arc<PassivePorts>>, Option<Proxies>);

/// Binds the passive ports of each listener. Those that want the same share them.
fn passive_ports(
    site: &SiteConfig,
    addresses: &[IpAddr],
    taken: &mut Vec<(u16, io::Error)>,
) -> Result<Vec<PortsAndProxies>, BindError> {
    let mut bound: Vec<PortsAndProxies> = Vec::new();
    for listener in &site.listeners {
        let same_proxies =
            site.listeners.iter().zip(&bound).find(|(l, _)| l.proxy_from == listener.proxy_from);
        let proxies = match same_proxies {
            Some((_, (_, proxies))) => proxies.clone(),
            None => Proxies::new(listener.proxy_from.clone()),
        };
        let shares = |other: &config::Listener| {
            other.passive
                && other.passive_ports == listener.passive_ports
                && other.data_mss == listener.data_mss
                && other.proxy_from == listener.proxy_from
        };
        let same_ports = site.listeners.iter().zip(&bound).find(|(l, _)| shares(l));
        let ports = match same_ports {
            _ if !listener.passive => None,
            Some((_, (ports, _))) => ports.clone(),
            None => {
                let sharing = || site.listeners.iter().zip(addresses).filter(|(l, _)| shares(l));
                let mut at: Vec<IpAddr> = sharing().map(|(_, address)| *address).collect();
                at.sort_unstable();
                at.dedup();
                let options = Options {
                    mss: listener.data_mss,
                    proxies: proxies.clone(),
                    protected: sharing().any(|(l, _)| l.has_tls()),
                    yields: Some(site.deadlines.data),
                };
                let range = listener.passive_ports.clone();
                let (ports, missing) = PassivePorts::bind(&at, range.clone(), &options)
                    .map_err(|error| BindError::Passive(range, error))?;
                taken.extend(missing);
                Some(Arc::new(ports))
            }
        };
        bound.push((ports, proxies));
    }
    Ok(bound)
}

/// A server whose ports are bound; [`Server::run`] serves.
pub struct Server {
    listeners: Vec<(Listener, Arc<BoundListener>)>,
    taken: Vec<(u16, io::Error)>,
    shared: Arc<Shared>,
    drained: mpsc::Receiver<()>,
}

impl Server {
    /// A server with this configuration, whose users are let in by `gate`.
    ///
    /// Of the configuration it reads the listeners, limits, timeouts, the greeting and what to do with
    /// uploads that are cut. The rest is for who makes `gate` and the arguments of the builder.
    pub fn builder(site: SiteConfig, gate: Arc<dyn Gate>) -> Builder {
        Builder { site, gate, tls: None, xferlog: None, login_limits: None }
    }

    /// Its configuration, as it is obeyed: with the ports the kernel gave.
    #[must_use]
    pub fn config(&self) -> SiteConfig {
        let mut site = SiteConfig::clone(&self.shared.site);
        for (listener, (socket, _)) in site.listeners.iter_mut().zip(&self.listeners) {
            listener.port = socket.local().port();
        }
        site
    }

    /// The control addresses without implicit TLS, with the ports the kernel gave.
    #[must_use]
    pub fn control(&self) -> Vec<SocketAddr> {
        self.addresses(false)
    }

    /// The control addresses with implicit TLS, with the ports the kernel gave.
    #[must_use]
    pub fn implicit(&self) -> Vec<SocketAddr> {
        self.addresses(true)
    }

    fn addresses(&self, implicit: bool) -> Vec<SocketAddr> {
        let is = |bound: &BoundListener| bound.settings.listener.implicit == implicit;
        self.listeners.iter().filter(|(_, bound)| is(bound)).map(|(socket, _)| socket.local()).collect()
    }

    /// The passive ports of all listeners.
    #[must_use]
    pub fn passive(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.passive_ports().into_iter().flat_map(PassivePorts::ports).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Each once, though listeners may share them.
    fn passive_ports(&self) -> Vec<&PassivePorts> {
        let mut all: Vec<&PassivePorts> = Vec::new();
        for ports in self.listeners.iter().filter_map(|(_, bound)| bound.ports.as_deref()) {
            if !all.iter().any(|known| std::ptr::eq(*known, ports)) {
                all.push(ports);
            }
        }
        all
    }

    /// Passive ports that another program uses.
    #[must_use]
    pub fn taken(&self) -> &[(u16, io::Error)] {
        &self.taken
    }

    /// The counts of data connections that were turned away at the passive ports of all listeners, by cause;
    /// to be read at any time, also while the server runs.
    #[must_use]
    pub fn refusals(&self) -> Refusals {
        Refusals(self.passive_ports().into_iter().map(PassivePorts::refusals).collect())
    }

    /// The table of its sessions: lists and watches them, and ends one of them or the server, also while it
    /// runs.
    #[must_use]
    pub fn registry(&self) -> Registry {
        self.shared.registry.clone()
    }

    /// Serves until told to stop, and until the last session has gone; one that is still there after
    /// [`Deadlines::drain`](config::Deadlines::drain) is ended.
    pub async fn run(self) {
        let Self { listeners, shared, mut drained, .. } = self;
        let registry = shared.registry.clone();
        let _ends = EndsWithServer(registry.clone());
        let mut accepting = JoinSet::new();
        for (socket, listener) in listeners {
            accepting.spawn(accept(socket, Arc::clone(&shared), listener));
        }
        registry.stopping().beyond(Stop::No).await;
        accepting.shutdown().await;
        let patience = shared.site.deadlines.drain;
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

/// Reads the counts of a server's passive ports, at any time; see [`Server::refusals`].
#[derive(Clone, Debug)]
pub struct Refusals(Vec<passive::Refusals>);

impl Refusals {
    /// The counts now.
    #[must_use]
    pub fn read(&self) -> TurnedAway {
        self.0.iter().map(passive::Refusals::read).sum()
    }
}

/// Ends the sessions of a server that is dropped while it runs: nothing else would end them.
struct EndsWithServer(Registry);

impl Drop for EndsWithServer {
    fn drop(&mut self) {
        self.0.stop(Stop::Now);
    }
}

async fn accept(socket: Listener, shared: Arc<Shared>, listener: Arc<BoundListener>) {
    loop {
        match socket.accept().await {
            Ok(control) => match listener.proxies.as_ref().filter(|p| p.trusts(control.peer().ip())) {
                Some(proxies) => {
                    tokio::spawn(introduced(
                        control,
                        socket.local(),
                        proxies.clone(),
                        Arc::clone(&shared),
                        Arc::clone(&listener),
                    ));
                }
                None => admit(control, socket.local(), &shared, &listener),
            },
            Err(error) => {
                tracing::error!(%error, at = %socket.local(), "cannot accept connections any more on this address");
                return;
            }
        }
    }
}

/// Reads the PROXY header of a balancer's connection, and closes it where there is none. Bounded in number
/// and in time by [`Proxies`].
async fn introduced(
    mut control: Control,
    at: SocketAddr,
    proxies: Proxies,
    shared: Arc<Shared>,
    listener: Arc<BoundListener>,
) {
    let learnt = tokio::select! {
        biased;
        () = shared.registry.stopping().beyond(Stop::No) => return,
        learnt = control.introduce(&proxies) => learnt,
    };
    match learnt {
        Ok(_) => admit(control, at, &shared, &listener),
        Err(error) => {
            if shared.log_rate.allows(None, control.peer()) {
                tracing::warn!(balancer = %control.peer(), %error, reason = Reason::NoProxyHeader.name(), "refused");
            }
            turn_away(&control, &listener, Reason::NoProxyHeader);
        }
    }
}

fn turn_away(control: &Control, listener: &BoundListener, reason: Reason) {
    let mut bytes = Vec::new();
    // With implicit TLS a reply can only follow a handshake.
    if !listener.settings.listener.implicit {
        Reply::new(reason.code(), reason.text()).encode(&mut bytes);
    }
    // Best effort: the socket's buffer is empty, so this fits unless the peer has gone.
    let _ = control.try_write(&bytes);
    control.shutdown();
}

fn admit(control: Control, at: SocketAddr, shared: &Arc<Shared>, listener: &Arc<BoundListener>) {
    let (peer, local) = (control.peer(), control.local());
    let registration = match shared.registry.enter(peer, local, at, &shared.site.limits) {
        Ok(registration) => registration,
        Err(reason) => {
            if shared.log_rate.allows(None, peer) {
                tracing::warn!(peer = %peer, reason = reason.name(), "refused");
            }
            return turn_away(&control, listener, reason);
        }
    };
    let (shared, listener) = (Arc::clone(shared), Arc::clone(listener));
    tokio::spawn(async move { driver::run(control, &shared, &listener, &registration).await });
}
