//! `pasv demo`: a server and a client on this machine show what passive and active FTP are.
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use client::{Client, Credentials, DataPort, Endpoint, Mode, Options, Progress, SessionSpec, Sink};
use config::{Listener, SiteConfig};
use net::reserve::Reserved;
use server::Server;
use sha2::{Digest, Sha256};
use storage::accounts::{Accounts, Anonymous};
use storage::local::{Local, LocalOptions, Sync};
use storage::{Rights, Tree, VPath};
use wire::Pathname;

use crate::talk::{Exit, Failure};
use crate::trace::Drawing;

/// Run a server and a client on loopback, and draw one passive and one active transfer.
///
/// No network and no privileges are needed. Both ends' checksums are compared.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    pasv demo\n  \
    pasv demo --size 100\n\n\
    Exit codes:\n  \
    0 done   1 the demo could not be set up   2 wrong command line   4 broken off, or the bytes differ")]
pub(crate) struct Flags {
    /// Bytes to transfer.
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    size: u64,
}

/// The file that goes to and fro.
const NAME: &str = "demo.bin";
const BACK: &str = "back.bin";

pub(crate) async fn run(flags: &Flags) -> Result<(), Failure> {
    let folder = tempfile::tempdir()
        .map_err(|e| Failure::new(Exit::Refused, format!("cannot create a temporary folder: {e}")))?;
    let shared = folder.path().join("site");
    let setting = |e: io::Error| Failure::new(Exit::Refused, format!("cannot set up the demo: {e}"));
    fs::create_dir(&shared).map_err(setting)?;
    write_bytes(&shared.join(NAME), flags.size).map_err(setting)?;

    let site = open_site(&shared)?;
    let at = *site
        .control()
        .first()
        .ok_or_else(|| Failure::new(Exit::Refused, "the server of the demo does not listen"))?;
    let stopper = site.registry();
    let serving = tokio::spawn(site.run());
    let shown = show(at, &shared, folder.path()).await;
    // Once to stop, once more to stop at once.
    stopper.stop_further();
    stopper.stop_further();
    // It ends by itself now; how is of no interest any more.
    let _ = serving.await;
    shown
}

async fn show(at: SocketAddr, shared: &Path, folder: &Path) -> Result<(), Failure> {
    let mut out = io::stdout();
    writeln!(out, "A server and a client on this machine, and two connections for each transfer.\n")?;

    writeln!(
        out,
        "PASSIVE: the client opens both connections,\n\
         so the client's firewall does not have to let the server in.\n"
    )?;
    let ours = File::options().read(true).write(true).create(true).truncate(true).open(folder.join(NAME))?;
    let drawing = Drawing::new();
    let mut client = open_client(at, Mode::Passive, &drawing).await?;
    let path = Pathname::new(NAME).map_err(Failure::usage)?;
    let progress = Arc::new(Progress::default());
    let got = client.retrieve(&path, 0, Sink::File(Arc::new(ours.try_clone()?)), &progress).await;
    client.quit().await;
    drawing.end()?;
    got?;
    compare(&shared.join(NAME), &folder.join(NAME), &mut out)?;

    writeln!(out, "\nACTIVE: the client announces a port of its own, and the server connects to it.\n")?;
    let drawing = Drawing::new();
    let mut client = open_client(at, Mode::Active, &drawing).await?;
    let back = Pathname::new(BACK).map_err(Failure::usage)?;
    let sent = client.store(&back, Arc::new(ours), &Arc::new(Progress::default())).await;
    client.quit().await;
    drawing.end()?;
    sent?;
    compare(&shared.join(BACK), &folder.join(NAME), &mut out)?;
    writeln!(
        out,
        "\nPassive: nobody connects to the client, so its firewall and its NAT have nothing\n\
         to let in; the server's firewall lets in port 21 and the passive ports.\n\
         Active: the client's firewall would have to let the server in."
    )?;
    Ok(out.flush()?)
}

async fn open_client(at: SocketAddr, mode: Mode, drawing: &Drawing) -> Result<Client, Failure> {
    let endpoint = Endpoint { host: at.ip().to_string(), port: at.port() };
    let options = Options { mode, data_port: DataPort::Next, ..Options::default() };
    let spec = SessionSpec { options, ..SessionSpec::new(endpoint, Credentials::anonymous()) };
    Ok(Client::open(spec, drawing.watcher()).await?)
}

/// The digests of both ends, and whether they are the same.
fn compare(server: &Path, client: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let (theirs, ours) = (digest(server)?, digest(client)?);
    let verdict = if theirs == ours { "the same" } else { "DIFFERENT" };
    writeln!(out, "\n  SHA-256 at both ends: {verdict}")?;
    writeln!(out, "    server  {theirs}\n    client  {ours}")?;
    if theirs == ours { Ok(()) } else { Err(Failure::new(Exit::Broken, "the bytes at both ends differ")) }
}

fn digest(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path)?;
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            n => hash.update(piece.get(..n).unwrap_or_default()),
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Bytes without a pattern, so that a mix-up of any two pieces would show.
fn write_bytes(path: &Path, size: u64) -> io::Result<()> {
    let mut file = io::BufWriter::new(File::create(path)?);
    // xorshift64: not for secrets, but no two pieces are alike.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut left = size;
    while left > 0 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let bytes = state.to_le_bytes();
        let part = bytes.get(..usize::try_from(left).unwrap_or(8).min(8)).unwrap_or(&bytes);
        file.write_all(part)?;
        left -= part.len() as u64;
    }
    file.flush()
}

fn open_site(root: &Path) -> Result<Server, Failure> {
    let fail = |e: &dyn std::fmt::Display| {
        Failure::new(Exit::Refused, format!("the server of the demo cannot be opened: {e}"))
    };
    let options = LocalOptions { read_only: false, sync: Sync::Never, ..LocalOptions::default() };
    let tree: Arc<dyn Tree> = Arc::new(Local::open(root, options).map_err(|e| fail(&e))?);
    let anonymous = Anonymous { tree, rights: Rights::Write.into(), home: VPath::root() };
    let gate = Accounts::new(Vec::new(), Some(anonymous), Accounts::REMEMBER).map_err(|e| fail(&e))?;
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let passive = free_ports(here)?;
    let listener = Listener { address: here, port: 0, passive_ports: passive, ..Listener::default() };
    let config = SiteConfig { listeners: vec![listener], ..SiteConfig::default() };
    Server::builder(config, Arc::new(gate)).bind().map_err(|e| fail(&e))
}

/// Two ports that nobody uses right now.
fn free_ports(here: IpAddr) -> Result<RangeInclusive<u16>, Failure> {
    let (first, second) = Reserved::pair(here)?;
    Ok(first.port()..=second.port())
}
