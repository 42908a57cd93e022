//! What do passive and active FTP look like? `pasv demo`: a server on loopback, and two traces of a download.
use std::fs::File;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};

use clap::{Args, Parser};
use config::{Listener, SiteConfig, Tls};
use net::reserve::Reserved;

use crate::talk::{Exit, Failure};
use crate::trace;

/// Run a server and a client on loopback, and draw one passive and one active transfer.
///
/// No network and no privileges are needed.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    pasv demo\n  \
    pasv demo --size 100\n\n\
    Exit codes:\n  \
    0 done   1 the demo could not be set up   2 wrong command line   4 broken off")]
pub(crate) struct Flags {
    /// Bytes to transfer.
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    size: u64,
}

/// The command line of `pasv trace`.
#[derive(Parser)]
struct Trace {
    #[command(flatten)]
    flags: trace::Flags,
}

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let setting = |e: io::Error| Failure::new(Exit::Refused, format!("cannot set up the demo: {e}"));
    let folder = tempfile::tempdir().map_err(setting)?;
    let file = File::create(folder.path().join("demo.bin")).map_err(setting)?;
    file.set_len(flags.size).map_err(setting)?;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (first, second) = Reserved::pair(here).map_err(setting)?;
    let passive_ports = first.port()..=second.port();
    drop((first, second));
    let listener = Listener { address: here, port: 0, tls: Tls::Off, passive_ports, ..Listener::default() };
    let site = SiteConfig { root: folder.path().into(), listeners: vec![listener], ..SiteConfig::default() };
    let server = startup::open(&site, None)?
        .bind(&site, None)
        .map_err(|e| Failure::new(Exit::Refused, format!("the server of the demo cannot be opened: {e}")))?;
    let url = server.control().first().map(|at| format!("ftp://{at}/demo.bin")).unwrap_or_default();
    tokio::spawn(server.run());
    let mut out = io::stdout();
    writeln!(out, "A server and a client on this machine, and two connections for each transfer.\n")?;
    writeln!(
        out,
        "PASSIVE: the client opens both connections,\n\
         so the client's firewall does not have to let the server in.\n"
    )?;
    trace("passive", &url).await?;
    writeln!(out, "\nACTIVE: the client announces a port of its own, and the server connects to it.\n")?;
    trace("active", &url).await?;
    writeln!(
        out,
        "\nPassive: nobody connects to the client, so its firewall and its NAT have nothing\n\
         to let in; the server's firewall lets in port 21 and the passive ports.\n\
         Active: the client's firewall would have to let the server in."
    )?;
    Ok(out.flush()?)
}

async fn trace(mode: &str, url: &str) -> Result<(), Failure> {
    let line = ["trace", "--tls", "off", "--bytes", "all", "--mode", mode, "--data-port", "next", url];
    let Trace { flags } = Trace::try_parse_from(line).map_err(Failure::usage)?;
    Box::pin(trace::run(&flags)).await
}
