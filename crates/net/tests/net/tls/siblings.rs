//! When may a data connection resume the session of another control connection? A client with one cache for
//! all shows, on the second, what it was given on the first.
use std::net::TcpStream;

use net::control::Control;
use net::tls::server::Binding;
use net::tls::{DataTlsError, Flow, Reuse, User, Versions};
use rustls::ClientConnection;
use tokio::task::spawn_blocking;

use super::scene::{BOTH, Site, Stranger, refusal, stranger, version};
use crate::scene::LONG;

/// A control connection, and the client's end of it.
struct Login {
    _control: Control,
    binding: Binding,
    _client: (ClientConnection, TcpStream),
}

async fn login(site: &Site, client: &Stranger) -> Login {
    let (control, mut socket) = stranger().await;
    let mut tls = client.begin();
    let shaking = spawn_blocking(move || {
        socket.set_read_timeout(Some(LONG)).unwrap();
        while tls.is_handshaking() {
            tls.complete_io(&mut socket).unwrap();
        }
        // What the server says first brings the tickets.
        while tls.process_new_packets().unwrap().plaintext_bytes_to_read() == 0 {
            tls.read_tls(&mut socket).unwrap();
        }
        (tls, socket)
    });
    let binding = control.accept_tls(&site.tls, None, LONG).await.unwrap();
    control.write_all(b"2").await.unwrap();
    Login { _control: control, binding, _client: shaking.await.unwrap() }
}

/// A data connection of the client's for this one: whether it resumed a session.
async fn data(login: &Login, client: &Stranger, reuse: Reuse, flow: Flow) -> Result<bool, DataTlsError> {
    client.comes(&login.binding, reuse, flow, true).await.0
}

fn user(name: &str) -> User {
    User { name: name.into(), anonymous: name == "anonymous" }
}

#[tokio::test]
async fn an_anonymous_client_that_shares_sessions_may_download_with_them_and_not_upload() {
    let site = Site::new();
    for versions in BOTH {
        let client = Stranger::new(&[], version(versions));
        let first = login(&site, &client).await;
        let second = login(&site, &client).await;
        // Nobody is logged in.
        assert_eq!(
            refusal(data(&first, &client, Reuse::Learn, Flow::Sends).await),
            "foreign",
            "{versions:?}"
        );
        for login in [&first, &second] {
            login.binding.belongs(Some(user("anonymous")));
        }
        for _ in 0..2 {
            assert!(data(&first, &client, Reuse::Learn, Flow::Sends).await.unwrap(), "{versions:?}");
            assert_eq!(
                refusal(data(&first, &client, Reuse::Learn, Flow::Receives).await),
                "foreign",
                "{versions:?}"
            );
        }
        assert_eq!(
            refusal(data(&first, &client, Reuse::Require, Flow::Sends).await),
            "foreign",
            "{versions:?}"
        );
        // Somebody else, who is anonymous as well and has shown nothing.
        let other = Stranger::new(&[], version(versions));
        let third = login(&site, &other).await;
        third.binding.belongs(Some(user("anonymous")));
        assert_eq!(refusal(data(&first, &other, Reuse::Learn, Flow::Sends).await), "foreign", "{versions:?}");
        for login in [&first, &third] {
            login.binding.belongs(Some(user("anna")));
        }
        assert!(data(&first, &other, Reuse::Learn, Flow::Receives).await.unwrap(), "{versions:?}");
        third.binding.belongs(Some(user("bert")));
        assert_eq!(refusal(data(&first, &other, Reuse::Learn, Flow::Sends).await), "foreign", "{versions:?}");
    }
    assert_eq!(site.sessions.live(), 0);
}

/// A session is kept for those that share it, and goes with the last of them.
#[tokio::test]
async fn nothing_is_kept_of_clients_that_are_gone() {
    let site = Site::new();
    let client = Stranger::new(&[], version(Versions::Tls13));
    let first = login(&site, &client).await;
    first.binding.belongs(Some(user("anna")));
    for _ in 0..20 {
        let next = login(&site, &client).await;
        next.binding.belongs(Some(user("anna")));
        assert!(data(&first, &client, Reuse::Learn, Flow::Sends).await.unwrap());
        drop(next);
        assert_eq!(site.sessions.live(), 1);
    }
    assert!(site.sessions.kept() <= 9, "{}", site.sessions.kept());
    drop(first);
    assert_eq!((site.sessions.live(), site.sessions.kept()), (0, 0));
}

/// A Go program throws its only ticket away when a handshake fails. It is given one with what is said next.
#[tokio::test]
async fn who_is_refused_for_resuming_nothing_is_given_a_ticket() {
    let site = Site::new();
    let login = site.login(Versions::Tls13).await;
    let before = login.session.tickets();
    login.binding.owes_a_ticket();
    for _ in 0..2 {
        assert_eq!(login.replenished().await, before + 1, "once");
    }
}
