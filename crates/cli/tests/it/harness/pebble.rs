//! How is pebble run, the small authority with which Let's Encrypt's people test ACME clients?

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use net::tls::identity::Identity;
use tempfile::TempDir;

use super::need;
use super::ports::Block;
use super::process::{Running, command, run, wait_until};

/// A running authority that believes any server that answers for `localhost`. It ends, and forgets all, with
/// this value.
pub(crate) struct Pebble {
    folder: TempDir,
    program: PathBuf,
    curl: PathBuf,
    process: Running,
    ports: Block,
}

impl Pebble {
    /// Started, where it is installed.
    pub(crate) fn start() -> Option<Self> {
        let (program, curl) = (need::program("pebble")?, need::program("curl")?);
        let (folder, ports) = (tempfile::tempdir().expect("a folder for pebble"), Block::take());
        let path = |name: &str| folder.path().join(name);
        let made = Identity::self_signed(&["localhost".to_owned()]).expect("a certificate for pebble");
        fs::write(path("directory.pem"), &made.certificate).expect("a file of pebble's");
        fs::write(path("directory.key"), made.key.expose()).expect("a file of pebble's");
        let [directory, management, asked] = Self::addresses(&ports);
        let config = serde_json::json!({ "pebble": {
            "listenAddress": directory.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": path("directory.pem"),
            "privateKey": path("directory.key"),
            "httpPort": asked.port(),
            "tlsPort": asked.port() + 1,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        fs::write(path("config.json"), config.to_string()).expect("a file of pebble's");
        let process = Self::run(&program, folder.path(), &ports);
        Some(Self { folder, program, curl, process, ports })
    }

    /// Ends it and starts it again: it knows no account and no order then.
    pub(crate) fn forget(&mut self) {
        self.process.stop();
        self.process = Self::run(&self.program, self.folder.path(), &self.ports);
    }

    fn run(program: &Path, folder: &Path, ports: &Block) -> Running {
        let log = folder.join("log");
        let mut pebble = command(program, ["-config"]);
        pebble.arg(folder.join("config.json"));
        // It waits up to 15 seconds before it asks, so that nobody relies on a quick one; and it remembers
        // half of what was proven. The refused nonces, one in twenty, stay: who cannot deal with them is no
        // client.
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        let mut process = Running::start(&mut pebble, &log);
        let [directory, management, _] = Self::addresses(ports);
        let up = wait_until(Instant::now() + Duration::from_secs(30), || {
            if let Some(status) = process.ended() {
                panic!("pebble: {status}\n{}", fs::read_to_string(&log).unwrap_or_default());
            }
            [directory, management].iter().all(|at| TcpStream::connect(at).is_ok()).then_some(())
        });
        assert!(up.is_some(), "pebble does not listen: {}", fs::read_to_string(&log).unwrap_or_default());
        process
    }

    /// Its directory, its management, and the port that it asks when it is to ask port 80.
    fn addresses(ports: &Block) -> [SocketAddr; 3] {
        let first = ports.control();
        [0, 1, 2].map(|step| (Ipv4Addr::LOCALHOST, first + step).into())
    }

    /// The flags with which a site gets a certificate from it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let [directory, _, asked] = Self::addresses(&self.ports);
        let ca = self.folder.path().join("directory.pem").display().to_string();
        let directory = format!("https://localhost:{}/dir", directory.port());
        let flags = ["--acme", "localhost", "--acme-directory", &directory, "--acme-ca", &ca];
        let flags = flags.into_iter().chain(["--acme-listen"]).map(str::to_owned);
        flags.chain([asked.to_string()]).collect()
    }

    /// Where it asks for what was promised.
    pub(crate) fn asked(&self) -> SocketAddr {
        Self::addresses(&self.ports)[2]
    }

    /// A port beside it on which nobody listens.
    pub(crate) fn nobody(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, *self.ports.passive().end()).into()
    }

    /// A file with the root of the certificates that it gives.
    pub(crate) fn root(&self) -> PathBuf {
        let [_, management, _] = Self::addresses(&self.ports);
        let mut curl = command(&self.curl, ["--silent", "--show-error", "--fail", "--cacert"]);
        curl.arg(self.folder.path().join("directory.pem"));
        let said = run(curl.arg(format!("https://localhost:{}/roots/0", management.port()))).good();
        let file = self.folder.path().join("root.pem");
        fs::write(&file, said.out).expect("a file beside pebble");
        file
    }

    /// How many accounts and how many orders it was asked for since it began.
    pub(crate) fn asked_for(&self) -> (usize, usize) {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let count = |words: &str| log.lines().filter(|line| line.contains(words)).count();
        (count("accounts in memory"), count("Added order "))
    }
}
