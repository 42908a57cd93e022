//! What is as long as the peer likes, and is it held only piece by piece?
use std::sync::mpsc::{Receiver, channel};

use client::walk::Walk;
use client::{Client, Credentials, Endpoint, Error, SessionSpec, no_watcher};

use crate::peer::Peer;

/// More than a client that keeps its listing could deliver before the end: there is none until all has been
/// delivered.
const BLOCKS: usize = 400;
const BLOCK: usize = 1000;

/// The listing goes on only while the client hands out what came before.
fn endless(peer: &mut Peer, delivered: &Receiver<usize>) -> Result<(), String> {
    let mut step = |kind: &str, text: &str| peer.step(kind, text);
    step("!", "new-control")?;
    step("!", "login")?;
    step("C:", "EPSV")?;
    step("S:", "229 (|||{port}|)")?;
    step("C:", "MLSD")?;
    step("S:", "150 here it comes")?;
    let mut seen = 0;
    for block in 0..BLOCKS {
        let lines: String =
            (0..BLOCK).map(|n| format!("type=file;size={n}; file-{block}-{n}\\r\\n")).collect();
        step("D>", &lines)?;
        while seen < (block + 1) * BLOCK {
            seen = delivered.recv().map_err(|_| format!("only {seen} entries were delivered"))?;
        }
    }
    step("!", "close-data")?;
    step("S:", "226 done")
}

/// A listing that goes on until the client has had enough of it.
fn until_enough(peer: &mut Peer) -> Result<(), String> {
    let mut step = |kind: &str, text: &str| peer.step(kind, text);
    step("!", "new-control")?;
    step("!", "login")?;
    step("C:", "EPSV")?;
    step("S:", "229 (|||{port}|)")?;
    step("C:", "MLSD")?;
    step("S:", "150 here it comes")?;
    let lines = "type=dir; another\\r\\n".repeat(BLOCK);
    // A gigabyte, if it were let.
    let given_up = (0..50_000).any(|_| step("D>", &lines).is_err());
    if !given_up {
        return Err("the client took it all".to_owned());
    }
    step("S:", "426 you hung up")
}

#[test]
fn a_walk_gives_up_on_a_directory_without_an_end() {
    let mut peer = Peer::new();
    let port = peer.port();
    let played = std::thread::spawn(move || until_enough(&mut peer));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let visit = runtime.block_on(async {
        let site = Endpoint { host: "127.0.0.1".to_owned(), port };
        let spec = SessionSpec::new(site, Credentials::anonymous());
        let mut client = Client::open(spec, no_watcher()).await.unwrap();
        Walk::new(None).holding(1 << 20).next(&mut client).await.unwrap()
    });
    played.join().unwrap().unwrap();
    let error = visit.unwrap_err().error;
    assert!(matches!(error, Error::Local { .. }), "{error}");
    assert!(error.to_string().contains("take more than 1048576 bytes"), "{error}");
}

#[test]
fn a_listing_is_delivered_as_it_comes_and_not_kept() {
    let mut peer = Peer::new();
    let port = peer.port();
    let (tell, delivered) = channel();
    let played = std::thread::spawn(move || endless(&mut peer, &delivered));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let count = runtime.block_on(async {
        let site = Endpoint { host: "127.0.0.1".to_owned(), port };
        let spec = SessionSpec::new(site, Credentials::anonymous());
        let mut client = Client::open(spec, no_watcher()).await.unwrap();
        let mut count = 0;
        let mut each = |_| {
            count += 1;
            if count % BLOCK == 0 {
                tell.send(count).map_err(std::io::Error::other)?;
            }
            Ok(())
        };
        assert!(client.list(None, &mut each).await.unwrap().is_empty());
        count
    });
    played.join().unwrap().unwrap();
    assert_eq!(count, BLOCKS * BLOCK);
}
