//! How are connections protected by TLS (RFC 4217), and the data connections bound to their control
//! connection?
//!
//! ```text
//!   server   Sessions --one per process--> ServerTls --one per listener--> Binding, of a control connection
//!                                                                          and its data connections
//!   client   ClientTls --one per site--> Session, of a control connection and its data connections
//! ```
//! A [`Binding`](server::Binding) is the server's side of one control connection: what it issued can be
//! resumed by data connections, and only by those that it verifies; with a [`User`] it lends its session to
//! others of the same client. A [`Session`](client::Session) is the client's: the tickets it was given, and
//! the certificate that every data connection must show again.
//!
//! TLS 1.2 and 1.3; older versions do not exist here, nor do renegotiation, compression and early data. The
//! TLS itself is rustls'; this module feeds it from a socket (`layer`) and decides who may resume what. It
//! knows neither control nor data connections: these hold a layer each.
pub mod client;
pub(crate) mod error;
mod established;
mod fingerprint;
pub mod identity;
pub(crate) mod layer;
pub(crate) mod owner;
mod provider;
mod reissue;
pub(crate) mod resumption;
pub mod server;
pub mod sessions;
pub(crate) mod siblings;
mod store;
mod subject;
mod tickets;
mod trust;
mod verify;

pub use error::{
    CertificateRefused, DataTlsError, HandshakeError, TlsConfigError, UpgradeError, is_about_our_certificate,
};
pub use established::Established;
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use owner::{Flow, Reuse, Shows};
pub use provider::Versions;
pub use siblings::User;
pub use subject::{NotASubject, Subject};
