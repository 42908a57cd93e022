//! Does a data connection belong to its own control connection, and to no other?
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, mpsc};

use net::active::ActivePort;
use net::pump::{self, Progress};
use net::tls::{DataTlsError, Flow, Reuse, Shows, Versions};
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use tokio::task::spawn_blocking;

use super::scene::{BOTH, Login, STALL, Site, Stranger, datas, refusal, stranger, version};
use crate::scene::{HERE, LONG, connect};

/// One whole transfer, either way.
async fn transfer(login: &Login, flow: Flow, reuse: Reuse) -> bool {
    let (mut server, mut client) = login.data(reuse, flow).await;
    let resumed = client.established().unwrap().resumed;
    let (mut got, progress) = (Vec::new(), Progress::default());
    match flow {
        Flow::Sends => {
            pump::send(&mut server, &[7; 5000], STALL, &progress).await.unwrap();
            server.finish(LONG).await;
            while pump::receive(&mut client, &mut got, STALL, &progress).await.unwrap() > 0 {}
            client.finish(LONG).await;
        }
        Flow::Receives => {
            pump::send(&mut client, &[7; 5000], STALL, &progress).await.unwrap();
            let read = async {
                while pump::receive(&mut server, &mut got, STALL, &progress).await.unwrap() > 0 {}
                server.finish(LONG).await;
            };
            let (end, ()) = tokio::join!(client.end_upload(LONG), read);
            assert!(matches!(end, net::data::UploadEnd::Whole), "{end:?}");
        }
    }
    assert_eq!(got, [7; 5000]);
    resumed
}

#[tokio::test]
async fn two_hundred_transfers_in_one_session_all_resume_it() {
    let site = Site::new();
    for versions in BOTH {
        let login = site.login(versions).await;
        for n in 0..200 {
            // Many uploads in a row, which is where clients run out of tickets, and downloads between them.
            let flow = if n % 40 < 30 { Flow::Receives } else { Flow::Sends };
            assert!(transfer(&login, flow, Reuse::Require).await, "transfer {n} under {versions:?}");
            assert!(login.session.tickets() > 0);
        }
        assert!(login.binding.has_resumed());
    }
}

#[tokio::test]
async fn small_records_are_not_held_back_on_either_side() {
    let login = Site::new().login(Versions::Both).await;
    let (server, client) = login.data(Reuse::Learn, Flow::Sends).await;
    for data in [server, client] {
        assert!(socket2::SockRef::from(&data.as_fd()).tcp_nodelay().unwrap());
    }
}

#[tokio::test]
async fn another_control_connections_session_is_foreign() {
    let site = Site::new();
    for versions in BOTH {
        let (anna, bert) = (site.login(versions).await, site.login(versions).await);
        for reuse in [Reuse::Require, Reuse::Learn] {
            let (server, client) = anna.attempt(&bert.session, reuse, Flow::Sends).await;
            assert_eq!(refusal(server), "foreign");
            assert!(client.is_err(), "{client:?}");
        }
        // Where nobody asks for it, it is a stranger like any other, and resumes nothing.
        let (server, client) = anna.attempt(&bert.session, Reuse::Off, Flow::Sends).await;
        assert!(!server.unwrap().established().unwrap().resumed);
        assert!(!client.unwrap().established().unwrap().resumed);
        // Also when the other has gone.
        let session = bert.session.clone();
        drop(bert);
        let (server, _) = anna.attempt(&session, Reuse::Require, Flow::Sends).await;
        assert_eq!(refusal(server), "foreign");
        assert!(transfer(&anna, Flow::Sends, Reuse::Require).await, "the rightful one is not served");
    }
    assert_eq!(site.sessions.live(), 0);
}

/// A visit of a client that keeps whatever tickets it can get, and was given none to resume with.
async fn visit(login: &Login, stranger: &Stranger, reuse: Reuse) -> Result<bool, DataTlsError> {
    let (accepted, _) = stranger.comes(&login.binding, reuse, Flow::Sends, true).await;
    assert!(!matches!(accepted, Ok(true)), "it has resumed what it was never given");
    accepted
}

#[tokio::test]
async fn who_resumes_nothing_gets_nothing_to_resume() {
    let site = Site::new();
    for versions in BOTH {
        let login = site.login(versions).await;
        let eve = Stranger::new(&[], version(versions));
        // Refused, and come again with what he was given: a ticket of the refused handshake would bind him
        // now.
        for _ in 0..3 {
            assert_eq!(refusal(visit(&login, &eve, Reuse::Require).await), "unbound");
        }
        // Let in once by a lenient policy, which makes him nobody's owner either.
        assert!(visit(&login, &eve, Reuse::Learn).await.is_ok());
        assert!(visit(&login, &eve, Reuse::Off).await.is_ok());
        assert_eq!(refusal(visit(&login, &eve, Reuse::Require).await), "unbound");
        assert!(!login.binding.has_resumed());
        assert!(transfer(&login, Flow::Receives, Reuse::Require).await);
    }
}

#[tokio::test]
async fn who_has_resumed_once_must_from_then_on() {
    let site = Site::new();
    for versions in BOTH {
        let login = site.login(versions).await;
        let never = Stranger::new(&[], version(versions));
        assert!(visit(&login, &never, Reuse::Learn).await.is_ok());
        assert!(transfer(&login, Flow::Sends, Reuse::Learn).await);
        assert_eq!(refusal(visit(&login, &never, Reuse::Learn).await), "unbound");
        assert!(visit(&login, &never, Reuse::Off).await.is_ok());
    }
}

/// curl (7.88) keeps the newest ticket alone, uses it once, and reads no other from an upload: the second
/// upload of a session was refused.
#[tokio::test]
async fn who_may_have_no_ticket_left_may_come_without_one() {
    let site = Site::new();
    for versions in BOTH {
        let login = site.login(versions).await;
        let never = Stranger::new(&[], version(versions));
        assert!(transfer(&login, Flow::Receives, Reuse::Learn).await);
        // A session of TLS 1.2 is not used up.
        assert_eq!(login.binding.must_resume(), versions == Versions::Tls12);
        let came = visit(&login, &never, Reuse::Learn).await;
        assert_eq!(came.is_ok(), versions == Versions::Tls13, "{came:?}");
        assert_eq!(refusal(visit(&login, &never, Reuse::Require).await), "unbound");
        // Ours has more than one ticket, as it shows now.
        assert!(transfer(&login, Flow::Receives, Reuse::Learn).await);
        assert!(login.binding.must_resume());
        assert_eq!(refusal(visit(&login, &never, Reuse::Learn).await), "unbound");
    }
}

/// What curl 7.88 keeps of the tickets that it is given: the newest, for one use.
#[derive(Debug, Default)]
struct Newest(Mutex<(Option<Tls13ClientSessionValue>, usize)>);

impl ClientSessionStore for Newest {
    fn set_kx_hint(&self, _name: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _name: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _name: ServerName<'static>, _value: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _name: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _name: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut kept = self.0.lock().unwrap();
        *kept = (Some(value), kept.1 + 1);
    }

    fn take_tls13_ticket(&self, _name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.lock().unwrap().0.take()
    }
}

/// Logs in, and makes a data connection wherever it is told to, after it has read a byte of reply: which of
/// them resumed.
fn uploads(client: &Stranger, mut socket: TcpStream, ports: &mpsc::Receiver<SocketAddr>) -> Vec<bool> {
    socket.set_read_timeout(Some(LONG)).unwrap();
    let mut tls = client.begin();
    let mut control = rustls::Stream::new(&mut tls, &mut socket);
    let mut resumed = Vec::new();
    while let Ok(port) = ports.recv() {
        control.read_exact(&mut [0]).unwrap();
        resumed.push(client.visit(connect(HERE, port), true).unwrap());
    }
    resumed
}

/// The tickets that it is short of come on the control connection, and none comes with an upload: who closes
/// that without having read it would lose the end of the file.
#[tokio::test]
async fn who_keeps_one_ticket_has_one_for_each_of_a_thousand_uploads() {
    const UPLOADS: usize = 1000;
    let site = Site::new();
    let newest = Arc::new(Newest::default());
    let client = Stranger::new(&[], version(Versions::Tls13));
    let mut config = (*client.0).clone();
    config.resumption = Resumption::store(Arc::clone(&newest) as _);
    let client = Stranger(Arc::new(config));
    let (control, socket) = stranger().await;
    let (ports, told) = mpsc::channel();
    let client = spawn_blocking(move || uploads(&client, socket, &told));
    // Its hello goes out when it reads.
    let mut awaited = ActivePort::bind(HERE, None, None).unwrap();
    ports.send(awaited.local()).unwrap();
    let binding = control.accept_tls(&site.tls, None, LONG).await.unwrap();
    for n in 0..UPLOADS {
        control.replenish(&binding);
        control.write_all(b"2").await.unwrap();
        let data = awaited.connection(HERE).await.unwrap();
        let data = data.accept_tls(&binding, Reuse::Require, Flow::Receives, LONG).await;
        data.unwrap_or_else(|error| panic!("upload {n}: {error}")).finish(LONG).await;
        if n + 1 < UPLOADS {
            awaited = ActivePort::bind(HERE, None, None).unwrap();
            ports.send(awaited.local()).unwrap();
        }
    }
    drop(ports);
    assert_eq!(client.await.unwrap(), [true; UPLOADS]);
    // One for each upload but the first, beside those of the login.
    assert_eq!(newest.0.lock().unwrap().1, 8 + UPLOADS - 1);
}

/// What is given later is worth no more than what was given first: it belongs to its control connection, and
/// dies with it.
#[tokio::test]
async fn a_ticket_that_is_given_later_is_its_control_connections_alone() {
    let site = Site::new();
    let (anna, bert) = (site.login(Versions::Tls13).await, site.login(Versions::Tls13).await);
    while anna.session.tickets() > 1 {
        assert!(transfer(&anna, Flow::Receives, Reuse::Require).await);
    }
    anna.server.replenish(&anna.binding);
    assert_eq!(anna.session.tickets(), 1, "it goes out with what is said next");
    assert_eq!(anna.replenished().await, 2);
    // The newest is used first.
    let (server, client) = bert.attempt(&anna.session, Reuse::Require, Flow::Sends).await;
    assert_eq!(refusal(server), "foreign");
    assert!(client.is_err());
    assert!(transfer(&anna, Flow::Receives, Reuse::Require).await);
    // Who has enough is given none.
    assert_eq!(bert.replenished().await, 8);
}

/// A client that overhears a hello can send it again, but proves nothing: what is thought of the client stays
/// as it is, and it is given the tickets that it needs.
#[tokio::test]
async fn what_is_overheard_tells_nothing_of_the_client() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    assert!(transfer(&login, Flow::Receives, Reuse::Require).await);
    assert!(!login.binding.must_resume(), "it may have had one ticket");
    let (mut heard, client) = datas().await;
    let mut hello = Vec::new();
    {
        let shaking = client.connect_tls(&login.session, LONG);
        let progress = Progress::default();
        let listening = pump::receive(&mut heard, &mut hello, STALL, &progress);
        tokio::select! {
            shaken = shaking => panic!("{shaken:?}"),
            count = listening => assert!(count.unwrap() > 0),
        }
    }
    for _ in 0..3 {
        let (server, mut thief) = datas().await;
        pump::send(&mut thief, &hello, STALL, &Progress::default()).await.unwrap();
        thief.finish(LONG).await;
        let hello = server.hello(&site.tls, LONG).await.unwrap();
        assert_eq!(hello.outcome(&login.binding), Shows::Own);
        assert!(hello.accept(&login.binding, Reuse::Require, Flow::Receives, LONG).await.is_err());
    }
    assert!(!login.binding.must_resume());
    let before = login.session.tickets();
    assert_eq!(login.replenished().await, before + 1);
}

#[tokio::test]
async fn a_hello_tells_whose_connection_it_is_before_it_is_answered() {
    let site = Site::new();
    for versions in BOTH {
        let (anna, bert) = (site.login(versions).await, site.login(versions).await);
        for (whose, other) in [(&anna, &bert), (&bert, &anna)] {
            let (server, client) = datas().await;
            let serve = async {
                let hello = server.hello(&site.tls, LONG).await.unwrap();
                assert_eq!(hello.owner(), Some(whose.binding.id()));
                assert_eq!(hello.outcome(&whose.binding), Shows::Own);
                assert_eq!(hello.outcome(&other.binding), Shows::Other);
                hello.accept(&whose.binding, Reuse::Require, Flow::Sends, LONG).await
            };
            let (server, client) = tokio::join!(serve, client.connect_tls(&whose.session, LONG));
            assert!(server.unwrap().established().unwrap().resumed);
            assert!(client.unwrap().established().unwrap().resumed);
            // And taken for the wrong one it goes to nobody, under every policy.
            for reuse in [Reuse::Require, Reuse::Learn, Reuse::Off] {
                let (server, client) = datas().await;
                let serve = async {
                    let hello = server.hello(&site.tls, LONG).await.unwrap();
                    hello.accept(&other.binding, reuse, Flow::Sends, LONG).await
                };
                let (server, client) = tokio::join!(serve, client.connect_tls(&whose.session, LONG));
                assert_eq!(refusal(server), "foreign");
                assert!(client.is_err());
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_is_asked_for_a_better_hello_is_recognised_by_the_second() {
    let site = Site::new();
    // Its first choice of key exchange is one that we have not.
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.kx_groups =
        vec![rustls::crypto::aws_lc_rs::kx_group::MLKEM768, rustls::crypto::aws_lc_rs::kx_group::SECP384R1];
    let odd = Stranger::with(&[], &rustls::version::TLS13, provider);
    let (control, socket) = stranger().await;
    let shake = {
        let odd = Stranger(odd.0.clone());
        spawn_blocking(move || odd.visit(socket, true))
    };
    let binding = control.accept_tls(&site.tls, None, LONG).await.unwrap();
    control.shutdown();
    assert!(!shake.await.unwrap().unwrap());
    // It remembers our choice, but a client that forgets it says the same hello again.
    let mut forgetful = (*odd.0).clone();
    forgetful.resumption = odd.0.resumption.clone();
    for _ in 0..3 {
        let came = Stranger(odd.0.clone()).comes(&binding, Reuse::Require, Flow::Sends, true).await;
        assert!(matches!(came, (Ok(true), Ok(true))), "{came:?}");
    }
}

#[tokio::test]
async fn another_certificate_on_the_data_connection_is_refused_by_the_client() {
    let (site, other) = (Site::new(), Site::new());
    for versions in [Versions::Tls12, Versions::Tls13] {
        let (login, elsewhere) = (site.login(versions).await, other.login(versions).await);
        let (_, client) = elsewhere.attempt(&login.session, Reuse::Off, Flow::Sends).await;
        let error = client.unwrap_err().to_string();
        assert!(error.contains("another certificate"), "{error}");
    }
}
