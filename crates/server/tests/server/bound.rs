//! Is a protected data connection its own control connection's, whoever else comes to the port?
use std::net::SocketAddr;
use std::sync::Arc;

use net::control::Control;
use net::data::Data;
use net::dial::dial;
use net::pump::{self, Progress};
use net::tls::client::Session;
use net::tls::{Explicit, Versions};
use server::Site;
use server::settings::{Reuse, Tls as Policy};
use server::site::Protected;
use storage::Gate;
use tokio::task::JoinHandle;

use crate::client::{ground, within_bound};
use crate::ground::Ground;
use crate::loopback::{announced, site};
use crate::wrapped::{PATIENCE, Tls};

struct House {
    ground: Ground,
    at: SocketAddr,
    implicit: SocketAddr,
    tls: Tls,
    running: JoinHandle<()>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn house(told: &str, versions: Versions, reuse: Reuse) -> House {
    let mut ground = ground(told);
    ground.settings.security.tls = Policy::Offered;
    ground.settings.security.reuse = reuse;
    let tls = Tls::new(versions);
    let site = site([127, 0, 0, 1].into(), 1, |range| {
        let gate: Arc<dyn Gate> = Arc::clone(&ground.gate) as _;
        let listen = [SocketAddr::from(([127, 0, 0, 1], 0))];
        let protected = Protected { tls: Arc::clone(&tls.server), implicit: listen.to_vec() };
        Site::bind_protected(ground.settings.clone(), gate, &listen, Some(range), None, Some(protected))
    });
    let (at, implicit) = (site.control()[0], site.implicit()[0]);
    House { ground, at, implicit, tls, running: tokio::spawn(site.run()) }
}

/// A client that is logged in, with its data protected.
struct Client {
    control: Control,
    session: Session,
    heard: Vec<u8>,
    ip: std::net::IpAddr,
}

impl Client {
    async fn login(house: &House, implicit: bool) -> Self {
        let at = if implicit { house.implicit } else { house.at };
        let control = Control::connect(at, None).await.expect("a site that listens");
        let mut heard = Vec::new();
        if !implicit {
            control.read(&mut heard).await.expect("a greeting");
            control.write_all(b"AUTH TLS\r\n").await.expect("it reads");
            heard.clear();
            control.read(&mut heard).await.expect("an answer");
            assert!(heard.starts_with(b"234 "), "{}", heard.escape_ascii());
            heard.clear();
        }
        let explicit = Explicit { read_ahead: b"", answer: b"" };
        let session = control
            .connect_tls(&house.tls.client, "localhost", (!implicit).then_some(explicit), PATIENCE)
            .await
            .expect("TLS");
        let mut client = Self { control, session, heard, ip: at.ip() };
        if implicit {
            client.expect("220").await;
        }
        for (line, code) in [
            ("USER anonymous", "331"),
            ("PASS x", "230"),
            ("TYPE I", "200"),
            ("PBSZ 0", "200"),
            ("PROT P", "200"),
        ] {
            client.command(line, code).await;
        }
        client
    }

    async fn command(&mut self, line: &str, code: &str) -> String {
        self.control.write_all(format!("{line}\r\n").as_bytes()).await.expect("the server reads");
        self.expect(code).await
    }

    async fn expect(&mut self, code: &str) -> String {
        loop {
            if let Some(at) = self.heard.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.heard.drain(..at + 2).collect();
                let line = String::from_utf8_lossy(&line[..at]).into_owned();
                assert!(line.starts_with(code), "expected {code}: {line}");
                return line;
            }
            assert!(self.control.read(&mut self.heard).await.expect("the server talks") > 0, "it closed");
        }
    }

    async fn port(&mut self) -> SocketAddr {
        let line = self.command("EPSV", "229").await;
        SocketAddr::new(self.ip, announced(line.as_bytes()).expect("a port"))
    }

    fn shake(&self, to: SocketAddr) -> JoinHandle<Result<Data, String>> {
        let session = self.session.clone();
        tokio::spawn(async move {
            let data = dial(to, None).await.map_err(|e| e.to_string())?;
            data.connect_tls(&session, PATIENCE).await.map_err(|e| e.to_string())
        })
    }

    async fn retrieve(&mut self, path: &str) -> Vec<u8> {
        let to = self.port().await;
        let data = self.shake(to);
        self.command(&format!("RETR {path}"), "150").await;
        let all = all(data.await.expect("no panic").expect("TLS")).await;
        self.expect("226").await;
        all
    }
}

async fn all(mut data: Data) -> Vec<u8> {
    let (mut all, progress) = (Vec::new(), Progress::default());
    while pump::receive(&mut data, &mut all, PATIENCE, &progress).await.expect("an end with close_notify") > 0
    {
    }
    all
}

/// B has its own login and its own session, shares A's address, and comes to A's port first: it gets nothing, and A all.
#[tokio::test]
async fn a_thief_with_a_session_of_its_own_gets_nothing() {
    within_bound(async {
        for versions in [Versions::Tls12, Versions::Tls13] {
            for reuse in [Reuse::Learn, Reuse::Require] {
                let house = house("@ file /secret.txt A's alone\n", versions, reuse);
                let (mut a, mut b) = (Client::login(&house, false).await, Client::login(&house, true).await);
                // What B holds can be resumed: it just has been.
                assert_eq!(b.retrieve("secret.txt").await, b"A's alone");
                let to = a.port().await;
                let thief = b.shake(to);
                a.control.write_all(b"RETR secret.txt\r\n").await.expect("the server reads");
                let stolen = thief.await.expect("no panic");
                assert!(stolen.is_err(), "{versions:?}: B's connection was taken");
                let own = a.shake(to);
                a.expect("150").await;
                assert_eq!(all(own.await.expect("no panic").expect("TLS")).await, b"A's alone");
                a.expect("226").await;
            }
        }
    })
    .await;
}

/// TLS 1.3 tickets are for one use; a session that has been given but two at its login resumes all the same.
#[tokio::test]
async fn every_transfer_resumes() {
    within_bound(async {
        for versions in [Versions::Tls12, Versions::Tls13] {
            let house = house("@ file /a.txt a\n", versions, Reuse::Require);
            let mut client = Client::login(&house, false).await;
            for _ in 0..50 {
                assert_eq!(client.retrieve("a.txt").await, b"a");
            }
        }
    })
    .await;
}

/// Who ends an upload without close_notify may have been cut by anybody in between.
#[tokio::test]
async fn an_upload_that_is_cut_is_not_published() {
    within_bound(async {
        let house = house("@ file /a.txt a\n", Versions::Both, Reuse::Learn);
        let mut client = Client::login(&house, false).await;
        for kib in [0, 1, 63] {
            let to = client.port().await;
            let data = client.shake(to);
            client.command("STOR cut.bin", "150").await;
            let mut data = data.await.expect("no panic").expect("TLS");
            let bytes = vec![7; kib * 1024];
            pump::send(&mut data, &bytes, PATIENCE, &Progress::default()).await.expect("the server reads");
            drop(data);
            client.expect("426").await;
            assert!(!house.ground.at("/cut.bin").exists(), "{kib} KiB");
        }
    })
    .await;
}
