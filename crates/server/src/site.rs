//! What is a running site? Its listeners, its passive ports, its gate, and the way it ends.
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use net::control::{Control, Listener};
use net::passive::PassivePorts;
use storage::Gate;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use wire::Reply;

use crate::driver;
use crate::limits::Addresses;
use crate::settings::Settings;
use crate::xferlog::Xferlog;

/// Everything that the sessions of a site share.
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) gate: Arc<dyn Gate>,
    pub(crate) ports: Option<PassivePorts>,
    pub(crate) xferlog: Option<Xferlog>,
    pub(crate) stop: watch::Receiver<Stop>,
    addresses: Mutex<Addresses>,
    sessions: AtomicU64,
    /// Every session holds the whole of this; when the last has gone, so has the sender, and the site has drained.
    _alive: mpsc::Sender<()>,
}

impl Shared {
    /// Short critical sections without a panic in them; a poisoned lock would hold counts that are still right.
    pub(crate) fn addresses(&self) -> MutexGuard<'_, Addresses> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a site ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not yet.
    #[default]
    No,
    /// No new sessions, running transfers finish.
    Drain,
    /// At once.
    Now,
}

/// Why a site could not be opened.
#[derive(Debug)]
pub enum SiteError {
    /// A control address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// None of the passive ports can be.
    Passive(RangeInclusive<u16>, io::Error),
}

impl fmt::Display for SiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(at, error) => write!(f, "cannot listen on {at}: {error}"),
            Self::Passive(range, error) => {
                write!(f, "cannot use any passive port of {}-{}: {error}", range.start(), range.end())
            }
        }
    }
}

impl std::error::Error for SiteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(_, error) | Self::Passive(_, error) => Some(error),
        }
    }
}

/// A site whose ports are bound; [`Site::run`] serves.
pub struct Site {
    listeners: Vec<Listener>,
    passive: Vec<u16>,
    taken: Vec<(u16, io::Error)>,
    shared: Arc<Shared>,
    stop: watch::Sender<Stop>,
    drained: mpsc::Receiver<()>,
}

impl Site {
    /// Binds the control addresses and the passive range. Needs a tokio runtime around it.
    pub fn bind(
        mut settings: Settings,
        gate: Arc<dyn Gate>,
        listen: &[SocketAddr],
        passive: Option<RangeInclusive<u16>>,
        xferlog: Option<Xferlog>,
    ) -> Result<Self, SiteError> {
        let listeners = Listener::bind_all(listen).map_err(|(at, error)| SiteError::Listen(at, error))?;
        let mut taken = Vec::new();
        let ports = match passive.filter(|_| settings.modes.passive) {
            Some(range) => {
                let mut addresses: Vec<IpAddr> = listeners.iter().map(|l| l.local().ip()).collect();
                addresses.sort_unstable();
                addresses.dedup();
                let (ports, missing) = PassivePorts::bind(&addresses, range.clone())
                    .map_err(|e| SiteError::Passive(range, e))?;
                taken = missing;
                Some(ports)
            }
            None => None,
        };
        let passive = ports.as_ref().map(PassivePorts::ports).unwrap_or_default();
        settings.anonymous = gate.anonymous(b"anonymous");
        let (stop, stopped) = watch::channel(Stop::No);
        let (alive, drained) = mpsc::channel(1);
        let shared = Shared {
            settings: Arc::new(settings),
            gate,
            ports,
            xferlog,
            stop: stopped,
            addresses: Mutex::default(),
            sessions: AtomicU64::new(0),
            _alive: alive,
        };
        Ok(Self { listeners, passive, taken, shared: Arc::new(shared), stop, drained })
    }

    /// The control addresses, with the ports the kernel gave.
    #[must_use]
    pub fn control(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(Listener::local).collect()
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

    /// Tells a running site to end.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Serves until told to stop, and until the last session has gone.
    pub async fn run(self) {
        let Self { listeners, shared, stop: _stop, mut drained, .. } = self;
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept(listener, Arc::clone(&shared)));
        }
        let mut stop = shared.stop.clone();
        // The sender lives in this function, so waiting cannot fail.
        let _ = stop.wait_for(|s| *s != Stop::No).await;
        accepting.shutdown().await;
        drop(shared);
        // Ends when every session has dropped its sender.
        while drained.recv().await.is_some() {}
    }
}

/// Tells a running site to end.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Stop>);

impl Stopper {
    /// Goes one step further: first draining, then at once. Returns what it is now.
    pub fn further(&self) -> Stop {
        self.0.send_modify(|s| *s = if *s == Stop::No { Stop::Drain } else { Stop::Now });
        *self.0.borrow()
    }
}

async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok(control) => admit(control, &shared),
            Err(error) => {
                tracing::error!(%error, at = %listener.local(), "the listener broke; no more connections are accepted on it");
                return;
            }
        }
    }
}

fn admit(control: Control, shared: &Arc<Shared>) {
    let peer = control.peer().ip();
    let entered = shared.addresses().enter(peer, &shared.settings.limits);
    if let Err(reason) = entered {
        tracing::warn!(peer = %control.peer(), reason = reason.name(), "refused");
        let mut bytes = Vec::new();
        Reply::new(reason.code(), reason.text()).encode(&mut bytes);
        // Best effort: the socket's buffer is empty, so this fits unless the peer has gone.
        let _ = control.try_write(&bytes);
        control.shutdown();
        return;
    }
    let id = shared.sessions.fetch_add(1, Ordering::Relaxed) + 1;
    let seat = Seat { shared: Arc::clone(shared), peer };
    tokio::spawn(async move { driver::run(control, &seat.shared, id).await });
}

/// A session's place in the counts, given back however the session ends.
struct Seat {
    shared: Arc<Shared>,
    peer: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.addresses().leave(self.peer);
    }
}
