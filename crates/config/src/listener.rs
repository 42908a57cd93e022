//! What does one address of the server accept: TLS, passive and active mode?
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use wire::host_port::is_private;

use crate::text;

/// An address that is listened on, and what clients may do there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// Address of this machine. `::` takes IPv4 as well, unless another listener has IPv4 on the same port.
    pub address: IpAddr,
    /// Port of control connections; 0: any free one.
    pub port: u16,
    /// Where TLS may be used, or must be.
    pub tls: Tls,
    /// TLS begins with the connection, without AUTH. Then TLS is required to log in, whatever `tls` says.
    pub implicit: bool,
    /// Refuse everything that changes files, whatever the users may do.
    pub read_only: bool,
    /// May the control connection go back to clear text (CCC)? Some firewalls want to read it.
    pub allow_ccc: bool,
    /// Must data connections resume the TLS session of their control connection?
    pub data_reuse: Reuse,
    /// Is an upload published that ends without close_notify?
    pub tls_end: TlsEnd,
    /// May clients open data connections (EPSV and PASV)?
    pub passive: bool,
    /// The ports that clients open data connections to. Listeners with the same ports share them, if
    /// `data_mss` and `proxy_from` are the same as well.
    ///
    /// Ten ports above the kernel's ephemeral range (32768 to 60999), so that no outgoing connection of this
    /// machine takes one of them first.
    #[serde(with = "text::ports_text")]
    pub passive_ports: RangeInclusive<u16>,
    /// The IPv4 address that PASV announces to clients from outside; `None`: the one they connected to.
    pub external: Option<Ipv4Addr>,
    /// May the server open data connections (EPRT and PORT), to the control connection's peer only?
    pub active: bool,
    /// The local port of active data connections; `None`: any.
    pub active_port: Option<u16>,
    /// The largest segment of data connections, 88 to 32767 bytes; `None`: what the network's own sizes give.
    pub data_mss: Option<u16>,
    /// The networks of load balancers, whose connections begin with a PROXY header.
    pub proxy_from: Vec<IpNet>,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            address: Ipv6Addr::UNSPECIFIED.into(),
            port: Self::PORT,
            tls: Tls::Offered,
            implicit: false,
            read_only: false,
            allow_ccc: false,
            data_reuse: Reuse::Learn,
            tls_end: TlsEnd::Learn,
            passive: true,
            passive_ports: 61210..=61219,
            external: None,
            active: true,
            active_port: None,
            data_mss: None,
            proxy_from: Vec::new(),
        }
    }
}

impl Listener {
    /// The port of a server that nobody configured: 21 needs root, and 2121 is what people type instead.
    pub const PORT: u16 = 2121;

    /// The address and port.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Is TLS enabled here?
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.tls != Tls::Off || self.implicit
    }

    /// The address that PASV announces to a client: the one it connected to, unless it comes from outside and
    /// `external` says how the server is seen from there. Clients on the same private network keep the
    /// address that works for them.
    #[must_use]
    pub fn announced(&self, connected_to: IpAddr, peer: IpAddr) -> IpAddr {
        match (self.external, peer) {
            (Some(external), IpAddr::V4(_)) if !is_private(peer) => external.into(),
            _ => connected_to,
        }
    }
}

/// Where TLS may be used, or must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Tls {
    /// No TLS
    Off,
    /// Optional
    Offered,
    /// Required to log in
    #[serde(rename = "required")]
    #[cfg_attr(feature = "clap", value(name = "required"))]
    RequiredForLogin,
    /// Required to log in and for transfers
    #[serde(rename = "required-data")]
    #[cfg_attr(feature = "clap", value(name = "required-data"))]
    RequiredForData,
}

/// Whether data connections must resume the TLS session of their control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// They must; others are refused with 522
    Require,
    /// They must once the session has done it
    Learn,
    /// They need not
    Off,
}

/// Whether an upload is published whose data connection ended without close_notify (RFC 8446 6.1): anybody in
/// between may have cut it, and some clients never send one. Otherwise it is kept to be resumed. After a
/// reset it never is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum TlsEnd {
    /// Never: it is kept to be resumed.
    Strict,
    /// As long as the client has not sent close_notify in this session, and its control connection is open.
    Learn,
    /// Always.
    Lenient,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_from_outside_get_the_external_address() {
        let listener = Listener { external: Some([203, 0, 113, 7].into()), ..Listener::default() };
        let connected_to: IpAddr = [192, 168, 1, 2].into();
        let outside = [198, 51, 100, 1].into();
        assert_eq!(listener.announced(connected_to, outside), IpAddr::from([203, 0, 113, 7]));
        assert_eq!(listener.announced(connected_to, [192, 168, 1, 9].into()), connected_to);
        assert_eq!(listener.announced(connected_to, [100, 64, 1, 9].into()), connected_to);
        assert_eq!(Listener::default().announced(connected_to, outside), connected_to);
    }
}
