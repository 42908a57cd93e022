//! In which order are the methods for a data connection tried?
use std::net::{IpAddr, SocketAddr};

use wire::host_port::is_private;

use crate::error::Attempt;
use crate::method::{DataMethod, Mode};

/// How the search for a data connection begins, and what is known before it.
#[derive(Clone, Debug)]
pub struct Approach {
    /// Who may open it.
    pub mode: Mode,
    /// What is tried first.
    pub first: DataMethod,
    /// The control connection's peer: data connections go to no other address, and come from no other.
    pub server: SocketAddr,
    /// The control connection is under TLS, so that no NAT on the way can translate an address that we tell.
    pub sealed: bool,
    /// What has failed already, in sessions before this one. These methods are not tried again.
    pub failed: Vec<Attempt>,
    /// What need not be tried, since what failed would fail it too.
    pub skipped: Vec<DataMethod>,
}

impl Approach {
    /// Unencrypted, and nothing has failed yet.
    #[must_use]
    pub fn new(mode: Mode, first: DataMethod, server: SocketAddr) -> Self {
        Self { mode, first, server, sealed: false, failed: Vec::new(), skipped: Vec::new() }
    }

    /// The next method, if the mode allows one that has not failed. So the search ends after four.
    pub(super) fn next(&self) -> Option<DataMethod> {
        self.left().next()
    }

    /// The next method, if `method` fails too.
    pub(super) fn next_after(&self, method: DataMethod) -> Option<DataMethod> {
        self.left().find(|left| *left != method)
    }

    /// Is there anything to try after a call of the server's that has not come? PORT is not: what stops the
    /// call does not ask for the verb.
    pub(super) fn has_more_than_calls(&self, method: DataMethod) -> bool {
        self.left().any(|left| left != method && left != DataMethod::Port)
    }

    /// Is this method still to be tried?
    pub(super) fn has_left(&self, method: DataMethod) -> bool {
        self.left().any(|left| left == method)
    }

    fn left(&self) -> impl Iterator<Item = DataMethod> {
        let untried = |method: &DataMethod| {
            !self.skipped.contains(method) && !self.failed.iter().any(|attempt| attempt.method == *method)
        };
        let methods = self.mode.methods().iter().copied();
        methods.filter(move |method| method.can_reach(self.server.ip()) && untried(method))
    }

    /// Why a server cannot dial an address of ours, where that is certain.
    ///
    /// A private address of ours and a public one of the server's mean that somebody between translates
    /// addresses. Unencrypted, the one in PORT may be translated too (by an FTP helper); under TLS it cannot.
    pub(super) fn cannot_be_dialled(&self, ours: IpAddr) -> Option<String> {
        let behind_nat = self.sealed && is_private(ours) && !is_private(self.server.ip());
        behind_nat.then(|| {
            format!("our address {ours} means nothing to a server at a public one, and no NAT can translate it under TLS: not tried")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn failed(method: DataMethod) -> Attempt {
        Attempt { method, target: None, why: String::new(), elapsed: Duration::ZERO }
    }

    /// The methods from `first` on, where each fails.
    fn tried(mode: Mode, first: DataMethod, server: &str) -> Vec<DataMethod> {
        let mut approach = Approach::new(mode, first, SocketAddr::new(server.parse().unwrap(), 21));
        let mut tried = vec![first];
        approach.failed.push(failed(first));
        while let Some(method) = approach.next() {
            tried.push(method);
            approach.failed.push(failed(method));
        }
        tried
    }

    #[test]
    fn every_way_of_a_mode_is_tried_once_wherever_it_begins() {
        use DataMethod::{Eprt, Epsv, Pasv, Port};
        assert_eq!(tried(Mode::Auto, Epsv, "192.0.2.1"), [Epsv, Pasv, Eprt, Port]);
        assert_eq!(tried(Mode::Auto, Eprt, "192.0.2.1"), [Eprt, Epsv, Pasv, Port]);
        assert_eq!(tried(Mode::Passive, Pasv, "192.0.2.1"), [Pasv, Epsv]);
        assert_eq!(tried(Mode::Active, Eprt, "192.0.2.1"), [Eprt, Port, Epsv, Pasv]);
        assert_eq!(tried(Mode::Auto, Epsv, "2001:db8::1"), [Epsv, Eprt]);
    }

    #[test]
    fn only_what_is_certain_keeps_us_from_active_mode() {
        let mut approach = Approach::new(Mode::Auto, DataMethod::Epsv, "203.0.113.1:21".parse().unwrap());
        let private = "192.168.1.2".parse().unwrap();
        assert_eq!(approach.cannot_be_dialled(private), None, "a helper may translate it");
        approach.sealed = true;
        assert!(approach.cannot_be_dialled(private).is_some());
        assert_eq!(approach.cannot_be_dialled("203.0.113.9".parse().unwrap()), None);
        approach.server = "192.168.7.7:21".parse().unwrap();
        assert_eq!(approach.cannot_be_dialled(private), None, "a network of their own");
    }
}
