//! How does a scripted server speak TLS?
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use client::TlsMode;
use net::active::ActivePort;
use net::control::{Control, Explicit, Waiting};
use net::data::Data;
use net::listener::Listener;
use net::pump::{self, Progress, PumpError};
use net::tls::identity::Identity;
use net::tls::server::{Binding, ClientCertificates, ServerTls, Settings};
use net::tls::sessions::Sessions;
use net::tls::{DataTlsError, Fingerprint, Flow, Reuse, UpgradeError, Versions};
use socket2::SockRef;
use tokio::sync::oneshot;

/// A peer that waits for longer than this waits for ever: the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server of one client. What it does not expect ends the test.
pub(crate) struct Peer {
    listener: Listener,
    tls: ServerTls,
    other: ServerTls,
    fingerprint: Fingerprint,
    control: Option<Control>,
    binding: Option<Binding>,
    unread: Vec<u8>,
    awaited: Option<ActivePort>,
}

impl Peer {
    pub(crate) fn start(versions: Versions) -> Self {
        Self::asking(versions, ClientCertificates::Off)
    }

    /// One that wants to see certificates of clients.
    pub(crate) fn asking(versions: Versions, clients: ClientCertificates) -> Self {
        let identity = identity();
        let fingerprint = identity.fingerprint();
        Self {
            listener: Listener::bind((HERE, 0).into()).unwrap(),
            tls: serving(identity, versions, clients.clone()),
            other: serving(self::identity(), versions, clients),
            fingerprint,
            control: None,
            binding: None,
            unread: Vec::new(),
            awaited: None,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local().port()
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Takes a control connection.
    pub(crate) async fn accept(&mut self) {
        self.unread.clear();
        self.binding = None;
        self.control = Some(self.accepted().await);
    }

    async fn accepted(&self) -> Control {
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        accepted.expect("nobody came").unwrap()
    }

    /// Takes a second connection beside the control connection, which is silent, and answers TLS on it.
    pub(crate) async fn answers_a_probe(&mut self) {
        let probe = self.accepted().await;
        probe.accept_tls(&self.tls, None, PATIENCE).await.expect("a probe for TLS");
    }

    /// Takes a control connection, and protects it in the way that the client begins.
    pub(crate) async fn open(&mut self, tls: TlsMode) {
        if tls != TlsMode::Implicit {
            return self.open_with(b"234 go on\r\n").await;
        }
        self.accept().await;
        let binding = self.control().accept_tls(&self.tls, None, PATIENCE).await;
        self.binding = Some(binding.expect("implicit TLS"));
        self.say("220 ready").await;
    }

    /// The same with the login.
    pub(crate) async fn enter(&mut self, tls: TlsMode) {
        self.open(tls).await;
        self.login().await;
    }

    /// Takes a control connection, and answers unencrypted.
    pub(crate) async fn greets(&mut self, answers: &[(&str, &str)]) {
        self.accept().await;
        self.say("220 ready").await;
        self.answers(answers).await;
    }

    /// The same with this answer to AUTH.
    pub(crate) async fn open_with(&mut self, answer: &'static [u8]) {
        self.greets(&[]).await;
        self.hears("AUTH TLS").await;
        let binding = self.answered(answer).await;
        self.binding = Some(binding.expect("explicit TLS"));
    }

    async fn answered(&self, answer: &'static [u8]) -> Result<Binding, UpgradeError> {
        let explicit = Explicit { read_ahead: &self.unread, answer };
        self.control().accept_tls(&self.tls, Some(explicit), PATIENCE).await
    }

    /// Takes a control connection whose client is refused in the handshake, and hears nothing of it.
    pub(crate) async fn refuses(&mut self) {
        self.greets(&[]).await;
        self.hears("AUTH TLS").await;
        assert!(self.answered(b"234 go on\r\n").await.is_err(), "a client that should have been refused");
        self.control = None;
    }

    /// Takes a control connection, and whatever is said on it once TLS was agreed on: as where large packets
    /// do not pass.
    pub(crate) async fn swallows(&mut self, tls: TlsMode) {
        if tls == TlsMode::Implicit {
            self.accept().await;
        } else {
            self.greets(&[("AUTH TLS", "234 go on")]).await;
        }
        let mut swallowed = Vec::new();
        let all = async { while matches!(self.control().read(&mut swallowed).await, Ok(1..)) {} };
        tokio::time::timeout(PATIENCE, all).await.expect("the client gives up");
        assert!(swallowed.starts_with(&[0x16, 3]), "it said {swallowed:?}");
    }

    /// The same on a data connection.
    pub(crate) async fn swallows_data(&mut self) {
        let mut data = self.connected().await;
        let mut swallowed = Vec::new();
        while matches!(
            pump::receive(&mut data, &mut swallowed, PATIENCE, &Progress::default()).await,
            Ok(1..)
        ) {}
        assert!(swallowed.starts_with(&[0x16, 3]), "it said {swallowed:?}");
    }

    /// The largest segment that the control connection takes.
    pub(crate) fn segment(&self) -> u32 {
        SockRef::from(self.control()).tcp_mss().unwrap()
    }

    pub(crate) async fn login(&mut self) {
        self.answers(&[
            ("USER ada", "331 who?"),
            ("PASS hunter2", "230 in"),
            ("PBSZ 0", "200 yes"),
            ("PROT P", "200 yes"),
            ("FEAT", "211-Features:\r\n SIZE\r\n REST STREAM\r\n211 End"),
            ("TYPE I", "200 yes"),
        ])
        .await;
    }

    pub(crate) async fn answers(&mut self, answers: &[(&str, &str)]) {
        for (heard, said) in answers {
            self.hears(heard).await;
            self.say(said).await;
        }
    }

    fn control(&self) -> &Control {
        self.control.as_ref().expect("a control connection")
    }

    pub(crate) async fn say(&self, line: &str) {
        let line = format!("{line}\r\n");
        let said = self.control().write_all(line.as_bytes());
        tokio::time::timeout(PATIENCE, said).await.expect("the client reads").unwrap();
    }

    pub(crate) async fn hears(&mut self, wanted: &str) {
        assert_eq!(self.next_line().await.as_deref(), Some(wanted));
    }

    pub(crate) async fn hears_no_more(&mut self) {
        assert_eq!(self.next_line().await, None, "nothing more is said");
    }

    /// Hears all to the client's end, and no name and no password.
    pub(crate) async fn hears_no_user(&mut self) {
        while let Some(line) = self.next_line().await {
            assert!(!line.contains("USER") && !line.contains("PASS"), "it said {line}");
        }
    }

    /// The next line, or none at the client's end, however it ends.
    pub(crate) async fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.unread.drain(..end + 2).take(end).collect();
                return Some(String::from_utf8(line).unwrap());
            }
            let control = self.control.as_ref().expect("a control connection");
            let read = tokio::time::timeout(PATIENCE, control.read(&mut self.unread)).await;
            if matches!(read.expect("the client says nothing"), Ok(0) | Err(_)) {
                return None;
            }
        }
    }

    /// Answers EPSV, and the command of a transfer.
    pub(crate) async fn starts(&mut self, command: &str) {
        let awaited = ActivePort::bind(HERE, None, None).unwrap();
        let port = awaited.local().port();
        self.awaited = Some(awaited);
        self.hears("EPSV").await;
        self.say(&format!("229 come (|||{port}|)")).await;
        self.answers(&[(command, "150 go on")]).await;
    }

    /// An upload that arrives.
    pub(crate) async fn takes(&mut self, bytes: &[u8]) {
        self.takes_unconfirmed(bytes).await;
        self.say("226 got it").await;
        self.answers(&[("SIZE a", &format!("213 {}", bytes.len()))]).await;
    }

    /// The same without a last reply.
    pub(crate) async fn takes_unconfirmed(&mut self, bytes: &[u8]) {
        self.starts("STOR a").await;
        assert!(self.receives().await == bytes, "other bytes came");
    }

    /// A download that is whole.
    pub(crate) async fn gives(&mut self, bytes: &[u8]) {
        self.answers(&[("SIZE a", &format!("213 {}", bytes.len()))]).await;
        self.starts("RETR a").await;
        self.sends(bytes).await;
        self.say("226 that was it").await;
    }

    async fn connected(&mut self) -> Data {
        let awaited = self.awaited.take().expect("EPSV was answered");
        tokio::time::timeout(PATIENCE, awaited.connection(HERE)).await.expect("nobody came").unwrap()
    }

    async fn data(&mut self, flow: Flow) -> Data {
        let data = self.connected().await;
        let binding = self.binding.as_ref().expect("TLS");
        data.accept_tls(binding, Reuse::Require, flow, PATIENCE)
            .await
            .expect("a data connection that resumes")
    }

    /// A data connection at which somebody else answers.
    pub(crate) async fn stranger(&mut self) -> Result<Data, DataTlsError> {
        let data = self.connected().await;
        data.hello(&self.other, PATIENCE)
            .await?
            .accept(self.binding.as_ref().expect("TLS"), Reuse::Off, Flow::Sends, PATIENCE)
            .await
    }

    /// All bytes of an upload, to its orderly end.
    async fn receives(&mut self) -> Vec<u8> {
        let (data, came) = self.received().await;
        data.finish(PATIENCE).await;
        came
    }

    async fn received(&mut self) -> (Data, Vec<u8>) {
        let mut data = self.data(Flow::Receives).await;
        let mut came = Vec::new();
        while pump::receive(&mut data, &mut came, PATIENCE, &Progress::default()).await.unwrap() > 0 {}
        (data, came)
    }

    /// All bytes of an upload and its orderly end; then says `last`, and takes its time to end the data
    /// connection. Until then the client reads, whatever comes, and asks for nothing.
    pub(crate) async fn receives_and_lingers(&mut self, last: &str) -> Vec<u8> {
        let (mut data, came) = self.received().await;
        self.say(last).await;
        // More than all buffers between us hold: a client that has closed answers it with a reset.
        let sent = pump::send(&mut data, &vec![0; 16 << 20], PATIENCE, &Progress::default()).await;
        sent.expect("the client reads to our end");
        assert_eq!(self.control().waiting(), Waiting::Nothing, "it asks only when both sides have ended");
        data.finish(PATIENCE).await;
        came
    }

    /// The beginning of an upload, and how its data connection ends when `go_on` says that the client is done
    /// with it.
    pub(crate) async fn sees_the_end(
        &mut self,
        begun: impl FnOnce(),
        go_on: oneshot::Receiver<()>,
    ) -> PumpError {
        let mut data = self.data(Flow::Receives).await;
        let mut came = Vec::new();
        pump::receive(&mut data, &mut came, PATIENCE, &Progress::default()).await.expect("the first bytes");
        begun();
        tokio::time::timeout(PATIENCE, go_on).await.expect("the client goes on").expect("a word");
        loop {
            came.clear();
            match pump::receive(&mut data, &mut came, PATIENCE, &Progress::default()).await {
                Ok(0) => panic!("a part ended as if it were the whole"),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }

    /// A download.
    pub(crate) async fn sends(&mut self, bytes: &[u8]) {
        self.sent(bytes).await.finish(PATIENCE).await;
    }

    async fn sent(&mut self, bytes: &[u8]) -> Data {
        let mut data = self.data(Flow::Sends).await;
        pump::send(&mut data, bytes, PATIENCE, &Progress::default()).await.unwrap();
        data
    }

    /// A download whose connection ends without the end of TLS.
    pub(crate) async fn sends_and_drops(&mut self, bytes: &[u8]) {
        drop(self.sent(bytes).await);
    }

    /// The same, in the middle of a record.
    pub(crate) async fn sends_and_tears(&mut self, bytes: &[u8]) {
        let data = self.sent(bytes).await;
        // The header of a record of 100 bytes, and three of them.
        SockRef::from(&data).send(&[23, 3, 3, 0, 100, 1, 2, 3]).unwrap();
    }
}

fn identity() -> Identity {
    Identity::self_signed(&["127.0.0.1".to_owned()]).unwrap().identity
}

fn serving(identity: Identity, versions: Versions, clients: ClientCertificates) -> ServerTls {
    let settings = Settings { identities: vec![identity], versions, clients };
    ServerTls::new(settings, &Sessions::new().unwrap()).unwrap()
}
