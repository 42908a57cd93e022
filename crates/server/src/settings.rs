//! Which limits, deadlines and modes does a site have? Defaults that a person with eight connections, and an office of
//! fifty such people behind one NAT address, never meet.
use std::net::IpAddr;
use std::time::Duration;

pub use net::proxy::Proxies;
pub use net::tls::Reuse;

/// The settings of a site that sessions read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The text of the 220 greeting.
    pub greeting: String,
    /// Deadlines.
    pub deadlines: Deadlines,
    /// Limits.
    pub limits: Limits,
    /// Which data connections may be made.
    pub modes: Modes,
    /// The IPv4 address PASV tells clients that come from outside; `None`: the one they dialled.
    pub external: Option<std::net::Ipv4Addr>,
    /// The balancers before the site, whose connections begin with a PROXY header.
    pub proxies: Option<Proxies>,
    /// What TLS is asked for; it belongs to a listener, where the others belong to the site.
    pub security: Security,
    /// What becomes of an upload whose client hangs up at its end.
    pub hang_up: HangUp,
    /// Is anybody let in under the names `anonymous` and `ftp`? Then USER is told that any password will do.
    pub anonymous: bool,
}

/// How long is waited for what.
#[derive(Clone, Debug)]
pub struct Deadlines {
    /// From the connection to the end of the login. One minute: a person types a password in it.
    pub login: Duration,
    /// From one command to the next, outside transfers. Five minutes, as most servers have.
    pub idle: Duration,
    /// The longest that SITE IDLE can ask for.
    pub idle_most: Duration,
    /// From a transfer's command to its data connection. Ten seconds: longer than any honest network takes, shorter
    /// than a person's patience.
    pub data: Duration,
    /// In a transfer, from one byte to the next. One minute: what a TCP connection needs to live through a lost route.
    pub stall: Duration,
    /// How long PASV waits for a passive port that is free for the client's address. Three seconds, since a claim
    /// rarely lives longer than a round trip.
    pub port: Duration,
    /// From PASV to the command that uses it, after which the port goes back.
    pub claim: Duration,
    /// How long work goes on that moves no byte on a data connection once the client has closed the control connection: a
    /// digest, a listing that finds nothing. Five seconds answer a script that closes its side as soon as it has said all;
    /// nobody waits for more.
    pub gone: Duration,
    /// How long a site that is told to end waits for running transfers. Half a minute: service managers kill after one or more.
    pub drain: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            login: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            idle_most: Duration::from_secs(7200),
            data: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            port: Duration::from_secs(3),
            claim: Duration::from_secs(60),
            gone: Duration::from_secs(5),
            drain: Duration::from_secs(30),
        }
    }
}

/// How much of what there may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Sessions in all. Each costs some kilobytes and one descriptor.
    pub sessions: usize,
    /// Sessions from one address: fifty people with eight connections each, and room.
    pub sessions_per_address: usize,
    /// TLS handshakes of one address that are under way at once: each costs a signature and some 50 KiB. Fifty people who
    /// start at the same moment, and room.
    pub handshakes_per_address: usize,
    /// Bytes in a command line: a path of 4096 bytes, a verb, and room for doubled bytes.
    pub line: usize,
    /// Commands before a login. Real clients send ten.
    pub commands_before_login: u32,
    /// Failed logins of one user from one address within [`Limits::failure_window`], or different users that have failed
    /// from it, after which the answers to further ones are held back.
    pub failures_before_delay: u32,
    /// Failed logins of one user from one address within the window after which that user is refused there; and different
    /// users that have failed from an address after which all of it is refused, but for those who logged in from there
    /// within a day.
    pub failures_before_refusal: u32,
    /// Failed logins of an address in all after which it is refused as well. Ten devices with old passwords, each of which
    /// is refused by then.
    pub failures_of_address: u32,
    /// How long a failed login counts.
    pub failure_window: Duration,
    /// How long the answer to a failed login is held back once the delay applies.
    pub failure_delay: Duration,
    /// Commands kept for the end of a running transfer. Pipelining clients send a handful.
    pub queue: usize,
    /// Lines in the answer to `STAT pathname`, which travels on the control connection.
    pub stat_lines: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 20_000,
            sessions_per_address: 1_000,
            handshakes_per_address: 100,
            line: 8192,
            commands_before_login: 50,
            failures_before_delay: 3,
            failures_before_refusal: 50,
            failures_of_address: 500,
            failure_window: Duration::from_secs(600),
            failure_delay: Duration::from_secs(2),
            queue: 64,
            stat_lines: 1_000,
        }
    }
}

/// Which side may open data connections.
#[derive(Clone, Copy, Debug)]
pub struct Modes {
    /// The client: EPSV and PASV.
    pub passive: bool,
    /// The server: EPRT and PORT, to the control connection's peer only.
    pub active: bool,
    /// The local port of active data connections: 20 where it may be bound, or any.
    pub active_port: Option<u16>,
    /// The largest segment of data connections, 88 to 32767 bytes; `None`: what the network's own sizes give.
    pub data_mss: Option<u16>,
}

impl Default for Modes {
    fn default() -> Self {
        Self { passive: true, active: true, active_port: None, data_mss: None }
    }
}

/// Where TLS may be, or must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    #[default]
    Off,
    /// Who wants it has it.
    Offered,
    /// Nobody logs in without it.
    RequiredForLogin,
    /// Nor is anything transferred without it.
    RequiredForData,
}

/// An upload whose data connection ended without close_notify (RFC 8446 6.1): anybody in between may have cut it. Some clients
/// never send one. One that is not believed is kept to be resumed. A reset is never believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsEnd {
    /// It is never believed.
    Strict,
    /// It is believed where no upload of the session has ended with close_notify, this one did not end in the middle of a
    /// record, and the control connection is still there.
    #[default]
    Learn,
    /// It is always believed.
    Lenient,
}

/// An upload on an unencrypted data connection whose client closes the control connection without QUIT, and without waiting
/// for the reply. That is what a process that is killed in the middle looks like, and what a camera looks like that does not
/// care for replies. Under TLS close_notify tells the two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HangUp {
    /// It is not published, and kept to be resumed.
    #[default]
    Keep,
    /// It is published where its data ended with FIN.
    Publish,
}

/// What a listener asks of TLS.
#[derive(Clone, Copy, Debug)]
pub struct Security {
    /// Where it may be, or must be.
    pub tls: Tls,
    /// TLS begins with the connection, without AUTH.
    pub implicit: bool,
    /// May the control connection go back to clear text (CCC)? Some firewalls want to read it.
    pub ccc: bool,
    /// Must data connections resume the session of their control connection?
    pub reuse: Reuse,
    /// Is an upload believed that ends without close_notify?
    pub tls_end: TlsEnd,
    /// How long a handshake may take. Ten seconds: three round trips of the slowest honest network.
    pub handshake: Duration,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            tls: Tls::Off,
            implicit: false,
            ccc: false,
            reuse: Reuse::Learn,
            tls_end: TlsEnd::Learn,
            handshake: Duration::from_secs(10),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            greeting: "pasv ready.".to_owned(),
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            modes: Modes::default(),
            external: None,
            proxies: None,
            security: Security::default(),
            hang_up: HangUp::Keep,
            anonymous: false,
        }
    }
}

impl Settings {
    /// The address that PASV tells a client: the one it dialled, unless it comes from outside and the site was told
    /// how it is seen from there. Clients on the same private network keep the address that works for them.
    #[must_use]
    pub fn told(&self, dialled: IpAddr, peer: IpAddr) -> IpAddr {
        match (self.external, peer) {
            (Some(external), IpAddr::V4(peer))
                if !(peer.is_private() || peer.is_loopback() || peer.is_link_local()) =>
            {
                external.into()
            }
            _ => dialled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_from_outside_are_told_the_external_address() {
        let site = Settings { external: Some([203, 0, 113, 7].into()), ..Settings::default() };
        let dialled: IpAddr = [192, 168, 1, 2].into();
        assert_eq!(site.told(dialled, [198, 51, 100, 1].into()), IpAddr::from([203, 0, 113, 7]));
        assert_eq!(site.told(dialled, [192, 168, 1, 9].into()), dialled);
        assert_eq!(Settings::default().told(dialled, [198, 51, 100, 1].into()), dialled);
    }
}
