//! What does a protected claim ask of its connection?
use std::sync::Arc;

use tokio::time::Instant;

use super::claims::Kind;
use super::refusals::Cause;
use crate::data::Hello;
use crate::session_id::SessionId;
use crate::tls::owner::{Answer, Policy, Reuse, Shows, owner};
use crate::tls::server::{Binding, ServerTls};
use crate::tls::sessions::ControlSession;

/// Whose connection a protected claim is for.
#[derive(Debug)]
pub struct Demand {
    /// The listener's TLS, which reads what a connection says first.
    pub tls: Arc<ServerTls>,
    /// The control connection that it has to belong to.
    pub binding: Binding,
    /// As far as the policy asks for that.
    pub reuse: Reuse,
}

/// The same as the passive ports keep it: it does not keep the control connection's session alive.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    tls: Arc<ServerTls>,
    session: Arc<ControlSession>,
    policy: Policy,
    /// At a port of its own.
    alone: bool,
}

impl Terms {
    pub(super) fn of(demand: &Demand) -> Self {
        let Demand { tls, binding, reuse } = demand;
        // Which way the bytes go is not known yet.
        let policy = Policy { reuse: *reuse, must_resume: binding.must_resume(), lends: true };
        let session = Arc::clone(binding.session());
        let alone = takes_nothing(policy) || (*reuse != Reuse::Require && session.sibling.shares());
        Self { tls: Arc::clone(tls), session, policy, alone }
    }

    pub(super) fn kind(&self) -> Kind {
        if self.alone { Kind::Lone(self.id()) } else { Kind::Bound(self.id()) }
    }

    /// The same at a port that others use as well, where the hellos tell them apart.
    pub(super) fn shared(&self) -> Option<Self> {
        (self.alone && !takes_nothing(self.policy)).then(|| Self { alone: false, ..self.clone() })
    }

    pub(super) fn id(&self) -> SessionId {
        self.session.id()
    }

    /// It was not used, and its connection may still come.
    pub(super) fn left(&self, port: u16, now: Instant) {
        self.session.sibling.left(port, now);
    }

    pub(super) fn tls(&self) -> &Arc<ServerTls> {
        &self.tls
    }

    /// Is this hello good enough, at this port?
    pub(super) fn takes(&self, hello: &Hello, port: u16) -> bool {
        let shows = match hello.shows(&self.session) {
            // It may be for an earlier claim of the other's.
            Shows::Sibling if !hello.is_lent(&self.session, port) => Shows::Other,
            shows => shows,
        };
        matches!(owner(shows, self.policy), Answer::Own | Answer::Perhaps)
    }
}

/// Is a connection taken that resumes nothing?
fn takes_nothing(policy: Policy) -> bool {
    owner(Shows::Nothing, policy) == Answer::Perhaps
}

/// A connection that was turned away and may have been the client's own. The claim goes on.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Why.
    pub cause: Cause,
    /// The same for the log.
    pub detail: Arc<str>,
    /// It can have been for no other claim, so that it most likely was the client's only one.
    pub(super) alone: bool,
}
