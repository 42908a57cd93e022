//! Which flags order a certificate from an authority (ACME)?
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use acme::{Acme, Terms};
use clap::Args;
use net::tls::client::Roots;
use wire::Secret;

use crate::talk::{Exit, Failure};
use crate::{flags, state};

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct AcmeFlags {
    /// Get a certificate for this host name by ACME (Let's Encrypt), and renew it; can be repeated
    ///
    /// One certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this means agreeing to
    /// the authority's terms of service. With --cert, clients that ask for these names get this certificate.
    #[arg(long, value_name = "NAME", value_parser = acme::host)]
    acme: Vec<String>,
    /// ACME directory of the authority [default: Let's Encrypt]
    #[arg(hide_short_help = true, long, value_name = "URL", value_parser = acme::directory, default_value = acme::DIRECTORY, hide_default_value = true, requires = "acme")]
    acme_directory: String,
    /// Your mail address for the authority; can be repeated
    #[arg(hide_short_help = true, long, value_name = "MAIL", value_parser = acme::contact, requires = "acme")]
    acme_contact: Vec<String>,
    /// Where to answer the authority's questions (HTTP-01), only while it asks
    ///
    /// It asks port 80; use another port here if a firewall or a web server forwards port 80 to it.
    #[arg(hide_short_help = true, long, value_name = "ADDR:PORT", value_parser = flags::listen, default_value = "80", requires = "acme")]
    acme_listen: SocketAddr,
    /// Authorities to trust for the ACME directory itself, in PEM, for an authority of your own
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "acme")]
    acme_ca: Option<PathBuf>,
}

impl AcmeFlags {
    pub(super) fn config(&self) -> config::Acme {
        config::Acme {
            names: self.acme.clone(),
            directory: self.acme_directory.clone(),
            contact: self.acme_contact.clone(),
            listen: self.listen(),
            ca: self.acme_ca.clone(),
        }
    }

    pub(super) fn is_used(&self) -> bool {
        !self.acme.is_empty()
    }

    /// The names that are to be proven, as they were given.
    pub(super) fn names(&self) -> &[String] {
        &self.acme
    }

    /// Where the authority's questions are answered.
    pub(super) fn listen(&self) -> SocketAddr {
        own_family(self.acme_listen)
    }

    /// The file of what was obtained last, and what is in it; none where nothing was yet.
    pub(super) fn certificate(&self) -> Option<(PathBuf, io::Result<Secret>)> {
        acme::saved(&state::folder()?, &self.acme_directory, self.acme.first()?)
    }

    /// None where it was not asked for. Reads what is kept, and asks nobody.
    pub(super) fn open(&self) -> Result<Option<Acme>, Failure> {
        if !self.is_used() {
            return Ok(None);
        }
        let state = state::folder().ok_or_else(|| {
            Failure::new(Exit::Usage, "--acme: there is no home to keep the certificate in")
                .hint("set XDG_STATE_HOME or HOME: without, every start would order again, and authorities count orders")
        })?;
        let extra = self.acme_ca.as_deref().map(|file| {
            let pem = fs::read(file).map_err(|error| Failure::file(file, &error))?;
            Roots::from_pem(&pem).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
        });
        let terms = Terms {
            names: self.acme.clone(),
            directory: self.acme_directory.clone(),
            contact: self.acme_contact.clone(),
            listen: self.listen(),
        };
        Ok(Acme::open(terms, &state, extra.transpose()?))
    }
}

/// `[::]` stands for every address, also where the kernel was told to leave IPv6 out.
fn own_family(at: SocketAddr) -> SocketAddr {
    if at.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !net::own::has_ipv6() {
        return SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), at.port());
    }
    at
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::tls::TlsFlags;
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        tls: TlsFlags,
    }

    #[test]
    fn flags_that_say_nothing_together_are_refused() {
        let line = |words: &str| Line::try_parse_from(words.split(' '));
        for lonely in ["--acme-ca ca.pem", "--acme-contact anna@example.org", "--acme-listen 8080"] {
            assert!(line(&format!("serve {lonely}")).is_err(), "{lonely}");
            assert!(line(&format!("serve --acme ftp.example {lonely}")).is_ok(), "{lonely}");
        }
        let off = line("serve --acme ftp.example --tls off").ok().unwrap().tls.open(std::iter::empty());
        assert!(off.is_err_and(|failure| failure.exit == Exit::Usage));
    }
}
