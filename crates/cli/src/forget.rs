//! `pasv forget`: what is remembered of a server, forgotten.
use std::io::{self, Write};

use clap::Args;
use wire::pathname::show;
use wire::url::{FtpUrl, masked};

use crate::talk::{Exit, Failure, show_path};
use client::memory::known_sites::KnownSites;
use client::memory::methods::Methods;

/// Forget what is remembered of servers: certificates, use of TLS, and modes of data connections.
///
/// HOST forgets all ports of the host; HOST:PORT, or a URL with a port, forgets that port. What is forgotten
/// is printed. The next connection is a first one again.
#[derive(Args, Debug)]
pub(crate) struct Flags {
    /// Servers: HOST, HOST:PORT or a URL.
    #[arg(value_name = "SERVER", required = true)]
    sites: Vec<String>,
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let mut places = Vec::new();
    for site in &flags.sites {
        places.push(place(site)?);
    }
    let known =
        KnownSites::find().ok_or_else(|| Failure::usage("HOME is not set, so nothing is remembered"))?;
    let methods = Methods::find();
    for (site, (host, port)) in flags.sites.iter().zip(places) {
        // Told as soon as it is gone, so that an error after it hides nothing.
        let gone = known.forget(&host, port).map_err(|error| Failure::file(known.path(), &error))?;
        tell("forgotten", &gone)?;
        let of_methods = match &methods {
            Some(methods) => {
                methods.forget(&host, port).map_err(|error| Failure::file(methods.path(), &error))?
            }
            None => Vec::new(),
        };
        tell("forgotten connection mode", &of_methods)?;
        if gone.is_empty() && of_methods.is_empty() {
            let file = known.path();
            let folder = file.parent().unwrap_or(file);
            let text =
                format!("nothing is known about {} in {}", show(&masked(site.as_bytes())), show_path(folder));
            return Err(Failure::new(Exit::Refused, text));
        }
    }
    Ok(())
}

fn tell(what: &str, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(io::stdout(), "{what}: {line}"))
}

/// The host and, where one is named, the port.
fn place(site: &str) -> Result<(String, Option<u16>), Failure> {
    let text = if site.contains("://") {
        site.to_owned()
    } else if site.matches(':').count() > 1 && !site.starts_with('[') {
        format!("ftp://[{site}]/")
    } else {
        format!("ftp://{site}/")
    };
    let url = FtpUrl::parse(&text)
        .map_err(|error| Failure::usage(error.to_string()).hint("write HOST, HOST:PORT or a URL"))?;
    Ok((url.host.to_string(), url.port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_named_in_any_way() {
        let named = |text: &str| place(text).unwrap();
        assert_eq!(named("a.example"), ("a.example".to_owned(), None));
        assert_eq!(named("a.example:990"), ("a.example".to_owned(), Some(990)));
        assert_eq!(named("ftps://u:p@a.example:990/x"), ("a.example".to_owned(), Some(990)));
        for six in ["::1", "[::1]", "ftp://[::1]/"] {
            assert_eq!(named(six), ("::1".to_owned(), None), "{six}");
        }
        assert_eq!(named("[::1]:990").1, Some(990));
        assert!(place("").is_err() && place("a b:x").is_err());
    }
}
