//! Which server is to be examined, and how far?
use std::time::Duration;

use client::session::Credentials;
use client::{Endpoint, Security};
use net::tls::Versions;
use net::tls::client::{ClientTls, Roots, Settings, Trust};
use net::tls::identity::Identity;
use wire::Pathname;

use super::facts::Cover;

/// A server to examine, and how far to go.
#[derive(Debug)]
pub struct Target {
    /// Where the site is.
    pub site: Endpoint,
    /// TLS is to come before the first word (`ftps://`).
    pub implicit: bool,
    /// Who we are there.
    pub credentials: Credentials,
    /// May the login be sent unencrypted? For an anonymous one that does no harm.
    pub clear: bool,
    /// Is TLS to be tried?
    pub tls: bool,
    /// Which certificates are accepted; none: any, which is for logins that are no secret. Where there is a
    /// password the judge may ask a person.
    pub trust: Option<Security>,
    /// Where TLS was seen on an earlier visit, in words, if a server without TLS is to be refused for that.
    pub seen: Option<String>,
    /// A certificate of our own, for servers that ask for one.
    pub identity: Option<Identity>,
    /// The directory to look at; none: where the login starts.
    pub directory: Option<Pathname>,
    /// May a small file be stored there, and deleted again?
    pub write: bool,
    /// For how long control connections are left alone, the shortest first; empty: not at all.
    pub idle: Vec<Duration>,
}

impl Target {
    /// TLS that takes any certificate, for what says nothing secret; it tells what the authorities think of
    /// it.
    pub(super) fn any_tls(&self, versions: Versions) -> ClientTls {
        let identity = self.identity.clone();
        ClientTls::new(Settings { trust: Trust::Report(Roots::system()), versions, identity })
    }

    /// May sessions be had with this cover at all?
    pub(super) fn may_be(&self, cover: Cover) -> bool {
        match cover {
            Cover::Tls => self.tls,
            Cover::Clear => !self.implicit && self.clear,
        }
    }
}

/// Hears the name of a test whenever it does something.
pub type Watch = Box<dyn Fn(&str) + Send + Sync>;
