//! Which flags has `pasv serve`, and which configuration do they make?
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Args;
use config::text::{network, show_ports};
use config::{
    Acme, Anonymous, CertificateFiles, ClientCertificates, Deadlines, IpNet, Limits, Listener, Log, Reuse,
    Root, SiteConfig, Tls, TlsEnd, TlsFiles, Uploads, User,
};

use super::anonymous;
use super::listen::{self, Listen};
use crate::flags::{external, mss, port};
use crate::talk::Failure;

/// The usual port of implicit TLS.
const IMPLICIT: u16 = 990;

const NETWORK: &str = "Network";
const LOGS: &str = "Logs";
const TLS: &str = "TLS";

const EXAMPLES: &str = "\
Examples:
  Share this folder, read-only:
    pasv serve
  Share a folder with two users who can write:
    pasv passwd > alice.password
    pasv serve /srv/files -w --user alice:alice.password --user bob
  Staff write, everyone else reads:
    pasv serve /srv/files -w --user alice:alice.password --anonymous
  A drop box, where anyone can upload and nobody but alice sees the files:
    pasv serve /srv/drop -w --user alice:alice.password --anonymous drop
  Behind NAT, with these ports forwarded to this machine:
    pasv serve -p 2121 --passive-ports 61210-61219 --external 203.0.113.7
  With a TLS certificate, and no login without TLS:
    pasv serve --cert fullchain.pem --key privkey.pem --tls required
  TLS and passive mode in front of an old server, with its password in PASV_UPSTREAM_PASSWORD:
    pasv serve ftp://alice@192.0.2.1/ -w --user alice:alice.password --tls required

Exit codes: 0 stopped as told, 1 could not start (a port is in use, for
example), 2 wrong command line, or a file or folder that cannot be used,
3 the server of the URL cannot be reached";

/// Share a folder over FTP
///
/// Without options: the current folder, read-only, for everyone, on port 2121. Use --user to require a
/// password.
///
/// Press Ctrl-C (or send SIGTERM) to stop: running transfers finish first, for up to --drain-timeout; a
/// second time stops at once. SIGHUP reloads certificates and reopens --log-file and --xferlog. If the
/// terminal closes, the server stops.
#[derive(Debug, Args)]
#[command(after_help = "More: pasv serve --help", after_long_help = EXAMPLES)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) share: ShareFlags,
    #[command(flatten)]
    pub(crate) listen: ListenFlags,
    #[command(flatten)]
    pub(crate) other: OtherFlags,
}

// Doc comments of flattened structs would replace that of the verb.

// What is shared, and with whom.
#[derive(Debug, Args)]
pub(crate) struct ShareFlags {
    /// Folder to share, or the ftp:// URL of a server to be a proxy of [default: the current folder]
    ///
    /// The password for the other server is that of the URL, else of the environment variable
    /// PASV_UPSTREAM_PASSWORD, else of ~/.netrc. Up to eight sessions with it serve all clients.
    #[arg(value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The same as DIR
    #[arg(long, value_name = "DIR", conflicts_with = "dir", hide = true)]
    root: Option<PathBuf>,
    /// Let users upload, rename and delete; without --user: let everyone
    #[arg(long, short)]
    pub(crate) write: bool,
    /// Let this user log in, with the password in this file, or with a generated one; can be repeated
    ///
    /// The file's first line is the password, or the output of `pasv passwd`. Without a file, a password is
    /// generated at each start and printed. Nobody else can log in then, unless --anonymous is given.
    #[arg(long, value_name = "NAME[:FILE]", value_parser = user)]
    user: Vec<User>,
    /// Let everyone log in without a password, and say what they can do [default: read]
    #[arg(long, value_name = "RIGHT", value_parser = anonymous::Parser, num_args = 0..=1, default_missing_value = "read")]
    anonymous: Option<Anonymous>,
}

// What firewalls have to know: which ports are opened where.
#[derive(Debug, Args)]
pub(crate) struct ListenFlags {
    /// Port to listen on [default: 2121]
    #[arg(long, short, value_name = "PORT", value_parser = port)]
    port: Option<u16>,
    /// Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated
    /// [default: all]
    #[arg(long, short, value_name = "ADDR[:PORT]", value_parser = listen::parse)]
    listen: Vec<Listen>,
    /// Ports that clients open data connections to; the firewall must let clients in
    #[arg(long, value_name = "LO-HI", value_parser = config::text::ports, default_value = show_ports(&Listener::default().passive_ports), help_heading = NETWORK)]
    passive_ports: RangeInclusive<u16>,
    /// IPv4 address that clients outside connect to, if the server is behind NAT
    #[arg(long, value_name = "ADDR", value_parser = external, help_heading = NETWORK)]
    external: Option<Ipv4Addr>,
    /// Print what the firewalls on both sides must let through, rule by rule
    #[arg(long, conflicts_with = "quiet", help_heading = NETWORK, hide_short_help = true)]
    pub(crate) explain: bool,
    /// Refuse passive mode (EPSV and PASV)
    #[arg(long, conflicts_with = "no_active", help_heading = NETWORK, hide_short_help = true)]
    no_passive: bool,
    /// Refuse active mode (EPRT and PORT)
    #[arg(long, help_heading = NETWORK, hide_short_help = true)]
    no_active: bool,
    /// Open active data connections from this port; the classic one is 20, which needs root
    #[arg(long, value_name = "PORT", value_parser = port, help_heading = NETWORK, hide_short_help = true)]
    active_port: Option<u16>,
    /// Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of
    /// --listen [default port: 990]; can be repeated
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = listen::parse, help_heading = TLS)]
    listen_tls: Vec<Listen>,
    /// Get a certificate for this host name by ACME (Let's Encrypt), and renew it; can be repeated
    ///
    /// One certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using
    /// this means agreeing to the authority's terms of service. With --cert, clients that ask for these names
    /// get this certificate.
    #[arg(long, value_name = "NAME", value_parser = acme::host, help_heading = TLS)]
    acme: Vec<String>,
    /// Where to answer the authority's questions (HTTP-01), only while it asks
    ///
    /// It asks port 80; use another port here if a firewall or a web server forwards port 80 to it.
    #[arg(hide_short_help = true, long, value_name = "ADDR:PORT", value_parser = crate::flags::listen, default_value = "80", requires = "acme", help_heading = TLS)]
    acme_listen: SocketAddr,
}

// All others.
#[derive(Debug, Args)]
pub(crate) struct OtherFlags {
    /// Print no banner, and log only warnings and errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Network of a load balancer that sends PROXY headers; can be repeated
    ///
    /// Its connections, control and data, must begin with a PROXY header, version 1 or 2. Such a header from
    /// any other address is refused.
    #[arg(long, value_name = "CIDR", value_parser = network, help_heading = NETWORK, hide_short_help = true)]
    proxy_from: Vec<IpNet>,
    /// Limit the packet size of data connections: for networks where listings work and files stall; 1200
    /// passes everywhere
    #[arg(long, value_name = "BYTES", value_parser = mss, help_heading = NETWORK, hide_short_help = true)]
    data_mss: Option<u16>,
    #[command(flatten)]
    tls: TlsFlags,
    #[command(flatten)]
    log: Log,
    /// When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end
    #[arg(long, value_name = "FILE", help_heading = LOGS, hide_short_help = true)]
    pub(crate) ready_file: Option<PathBuf>,
    #[command(flatten)]
    uploads: Uploads,
    #[command(flatten)]
    deadlines: Deadlines,
    #[command(flatten)]
    limits: Limits,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
struct TlsFlags {
    /// TLS on the addresses of --listen (explicit TLS, ftpes://)
    #[arg(long, value_enum, default_value_t = Listener::default().tls)]
    tls: Tls,
    /// Certificate chain, in PEM; reloaded when the file changes
    ///
    /// Without it, a self-signed certificate is generated at the first start and kept. Can be repeated, each
    /// with its --key: the host name that a client asks for decides.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Vec<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Vec<PathBuf>,
    /// ACME directory of the authority [default: Let's Encrypt]
    #[arg(hide_short_help = true, long, value_name = "URL", value_parser = acme::directory, default_value = Acme::default().directory, hide_default_value = true, requires = "acme")]
    acme_directory: String,
    /// Your mail address for the authority; can be repeated
    #[arg(hide_short_help = true, long, value_name = "MAIL", value_parser = acme::contact, requires = "acme")]
    acme_contact: Vec<String>,
    /// Authorities to trust for the ACME directory itself, in PEM, for an authority of your own
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "acme")]
    acme_ca: Option<PathBuf>,
    /// Whether data connections must resume the TLS session of their control connection
    #[arg(hide_short_help = true, long, value_enum, default_value_t = Listener::default().data_reuse)]
    data_reuse: Reuse,
    /// Let clients end TLS on the control connection (CCC), for firewalls that read it
    #[arg(long, hide_short_help = true)]
    allow_ccc: bool,
    /// Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have
    /// cut it.
    #[arg(long, value_enum, default_value_t = Listener::default().tls_end)]
    tls_end: TlsEnd,
    #[command(flatten)]
    clients: ClientCertificates,
}

impl ListenFlags {
    /// Was --listen given?
    pub(super) fn names_addresses(&self) -> bool {
        !self.listen.is_empty()
    }
}

impl Flags {
    /// The configuration that these flags make. An error where they exclude each other in ways that clap does
    /// not know.
    pub(crate) fn config(&self) -> Result<SiteConfig, Failure> {
        let (share, other, tls) = (&self.share, &self.other, &self.other.tls);
        if share.write && share.user.is_empty() && share.anonymous.is_some_and(|may| may != Anonymous::Write)
        {
            return Err(Failure::usage("--write is for users, and there is no --user")
                .hint("add --user NAME; or use --anonymous write to let everyone write"));
        }
        if tls.cert.len() != tls.key.len() {
            return Err(Failure::usage("each --cert needs its --key"));
        }
        let pairs = tls.cert.iter().zip(&tls.key);
        Ok(SiteConfig {
            root: Root::parse(
                share.dir.as_ref().or(share.root.as_ref()).map_or(Path::new("."), PathBuf::as_path),
            )
            .map_err(Failure::usage)?,
            write: share.write,
            anonymous: share.anonymous,
            users: share.user.clone(),
            listeners: self.listeners()?,
            limits: other.limits.clone(),
            deadlines: other.deadlines.clone(),
            uploads: other.uploads.clone(),
            tls: TlsFiles {
                certificates: pairs
                    .map(|(cert, key)| CertificateFiles { cert: cert.clone(), key: key.clone() })
                    .collect(),
                acme: Acme {
                    names: self.listen.acme.clone(),
                    directory: tls.acme_directory.clone(),
                    contact: tls.acme_contact.clone(),
                    listen: own_family(self.listen.acme_listen),
                    ca: tls.acme_ca.clone(),
                },
                clients: tls.clients.clone(),
            },
            log: Log {
                level: other.log.level.clone().or_else(|| other.quiet.then(|| "warn".to_owned())),
                ..other.log.clone()
            },
            ..SiteConfig::default()
        })
    }

    fn listeners(&self) -> Result<Vec<Listener>, Failure> {
        let (listen, other, tls) = (&self.listen, &self.other, &self.other.tls);
        if let Some(port) =
            listen.port.filter(|_| !listen.listen.is_empty() && listen.listen.iter().all(Listen::has_port))
        {
            return Err(Failure::usage(format!("--port {port} has no effect: each --listen names a port"))
                .hint("leave out --port, or the port of --listen"));
        }
        let everywhere = [Listen::everywhere(None)];
        let explicit = if listen.listen.is_empty() { &everywhere[..] } else { &listen.listen };
        let port = listen.port.unwrap_or(Listener::PORT);
        let explicit = explicit.iter().flat_map(|at| at.sockets(port)).map(|at| (at, false));
        let implicit = listen.listen_tls.iter().flat_map(|at| at.sockets(IMPLICIT)).map(|at| (at, true));
        let listener = |(at, implicit): (SocketAddr, bool)| Listener {
            address: at.ip(),
            port: at.port(),
            tls: tls.tls,
            implicit,
            allow_ccc: tls.allow_ccc,
            data_reuse: tls.data_reuse,
            tls_end: tls.tls_end,
            passive: !listen.no_passive,
            passive_ports: listen.passive_ports.clone(),
            external: listen.external,
            active: !listen.no_active,
            active_port: listen.active_port,
            data_mss: other.data_mss,
            proxy_from: other.proxy_from.clone(),
            ..Listener::default()
        };
        Ok(explicit.chain(implicit).map(listener).collect())
    }
}

/// Reads a user, with the password file behind a colon.
#[expect(clippy::unnecessary_wraps, reason = "the form that clap wants")]
fn user(text: &str) -> Result<User, String> {
    Ok(match text.split_once(':') {
        Some((name, file)) => User { name: name.to_owned(), password_file: Some(file.into()) },
        None => User { name: text.to_owned(), password_file: None },
    })
}

/// `[::]` stands for every address, also where the kernel has no IPv6.
fn own_family(at: SocketAddr) -> SocketAddr {
    if at.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !net::own::has_ipv6() {
        return SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port());
    }
    at
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn read(line: &str) -> Result<SiteConfig, String> {
        let words = std::iter::once("serve").chain(line.split_whitespace());
        let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        line.flags.config().map_err(|failure| failure.to_string())
    }

    #[test]
    fn without_flags_the_configuration_is_the_default() {
        let mut site = read("").unwrap();
        // Where the machine has no IPv6 it listens on IPv4.
        site.listeners[0].address = Listener::default().address;
        site.tls.acme.listen = Acme::default().listen;
        assert_eq!(site, SiteConfig::default());
    }

    #[test]
    fn flags_that_say_nothing_together_are_refused() {
        for lonely in ["--acme-ca ca.pem", "--acme-contact anna@example.org", "--acme-listen 8080"] {
            assert!(read(lonely).is_err(), "{lonely}");
            assert!(read(&format!("--acme ftp.example {lonely}")).is_ok(), "{lonely}");
        }
        assert!(read("--cert a --cert b --key c").unwrap_err().contains("each --cert needs its --key"));
        assert!(read("--acme ftp.example --tls off").unwrap().conflict().is_some());
    }

    #[test]
    fn each_address_is_a_listener() {
        let site = read("--listen 192.0.2.1:21 --listen [::1] --listen-tls 127.0.0.1 --no-active --user a:b")
            .unwrap();
        let listeners: Vec<_> =
            site.listeners.iter().map(|l| (l.socket().to_string(), l.implicit, l.active)).collect();
        let at = |at: &str, implicit| (at.to_owned(), implicit, false);
        assert_eq!(
            listeners,
            [at("192.0.2.1:21", false), at("[::1]:2121", false), at("127.0.0.1:990", true)]
        );
        assert_eq!(site.users, [User { name: "a".into(), password_file: Some("b".into()) }]);
    }
}
