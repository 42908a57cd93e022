//! What is as long as it likes, and is it held only piece by piece? Is the kept beginning of a pipe sent once
//! more where it got lost?
use std::future::pending;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use client::walk::Walk;
use client::{Error, Options, Patience, Progress, Upload, WriteMode};
use socket2::SockRef;
use tokio::sync::oneshot;
use wire::Pathname;

use crate::meet;
use crate::peer::{Peer, accept};

/// More than a client that keeps its listing could deliver before the end: there is none until all has been
/// delivered.
const BLOCKS: usize = 400;
const BLOCK: usize = 1000;

const LISTING: &str = "! login\nT: MLSD";

/// The listing goes on only while the client hands out what came before.
fn endless(peer: &mut Peer, delivered: &Receiver<usize>) -> Result<(), String> {
    peer.play(LISTING)?;
    let mut seen = 0;
    for block in 0..BLOCKS {
        let lines: String =
            (0..BLOCK).map(|n| format!("type=file;size={n}; file-{block}-{n}\\r\\n")).collect();
        peer.step("D>", &lines)?;
        while seen < (block + 1) * BLOCK {
            seen = delivered.recv().map_err(|_| format!("only {seen} entries were delivered"))?;
        }
    }
    peer.step("!", "close-data")?;
    peer.step("S:", "226 done")
}

/// A listing that goes on until the client has had enough of it.
fn until_enough(peer: &mut Peer) -> Result<(), String> {
    peer.play(LISTING)?;
    let lines = "type=dir; another\\r\\n".repeat(BLOCK);
    // A gigabyte, if it were let.
    let given_up = (0..50_000).any(|_| peer.step("D>", &lines).is_err());
    if !given_up {
        return Err("the client took it all".to_owned());
    }
    peer.step("S:", "426 you hung up")
}

#[test]
fn a_walk_gives_up_on_a_directory_without_an_end() {
    let ((), visit) = meet(Options::default(), until_enough, async |mut client| {
        Walk::new(None).holding(1 << 20).next(&mut client).await.unwrap()
    });
    let error = visit.unwrap_err().error;
    assert!(matches!(error, Error::Local { .. }), "{error}");
    assert!(error.to_string().contains("take more than 1048576 bytes"), "{error}");
}

#[test]
fn a_listing_is_delivered_as_it_comes_and_not_kept() {
    let (tell, delivered) = channel();
    let play = move |peer: &mut Peer| endless(peer, &delivered);
    let ((), count) = meet(Options::default(), play, async |mut client| {
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
    assert_eq!(count, BLOCKS * BLOCK);
}

/// More than the peer has room for, less than the kernel takes of us at once.
const FIRST: usize = 100_000;
const SECOND: usize = 1000;

fn up_to_data(peer: &mut Peer) -> Result<TcpStream, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    SockRef::from(&listener).set_recv_buffer_size(4096).map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    peer.play(&format!("C: EPSV\nS: 229 (|||{port}|)"))?;
    let data = accept(&listener)?;
    peer.play("C: STOR a\nS: 150 come")?;
    Ok(data)
}

/// Takes nothing in its first session, so that what was sent waits for ever.
fn swallowed(peer: &mut Peer) -> Result<(), String> {
    peer.play("! login\nC: MLST a\nS: 550 no such file")?;
    let mut data = up_to_data(peer)?;
    peer.step("!", "wait-control")?;
    match data.read_to_end(&mut Vec::new()) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        cut => Err(format!("what was a part of the file ended as if it were all of it: {cut:?}")),
    }
}

/// Takes all in a new session. Returns what came.
fn taken(peer: &mut Peer, begun: impl FnOnce() -> Result<(), String>) -> Result<Vec<u8>, String> {
    peer.play("! new-control\n! login")?;
    let mut data = up_to_data(peer)?;
    begun()?;
    let mut came = Vec::new();
    data.read_to_end(&mut came).map_err(|e| e.to_string())?;
    drop(data);
    peer.play(&format!("S: 226 done\nC: SIZE a\nS: 213 {}", came.len()))?;
    Ok(came)
}

fn impatient() -> Options {
    let patience = Patience { quiet: Duration::from_millis(200), ..Patience::default() };
    Options { patience, ..Options::default() }
}

#[track_caller]
fn is_all(came: &[u8], sent: u64) {
    assert_eq!(sent, (FIRST + SECOND) as u64);
    assert!(came == [vec![1; FIRST], vec![2; SECOND]].concat(), "{} bytes came", came.len());
}

#[test]
fn a_pipe_whose_beginning_is_swallowed_is_sent_once_more_in_small_segments() {
    let (tell, go_on) = channel();
    let play = move |peer: &mut Peer| {
        swallowed(peer)?;
        // The piece that was being waited for all the time comes now.
        taken(peer, || tell.send(()).map_err(|e| e.to_string()))
    };
    let mut given = 0;
    let give = Box::new(move || {
        given += 1;
        Ok(match given {
            1 => vec![1; FIRST],
            2 => {
                go_on.recv().map_err(std::io::Error::other)?;
                vec![2; SECOND]
            }
            _ => Vec::new(),
        })
    });
    let (came, sent) = meet(impatient(), play, async |mut client| {
        let path = Pathname::new("a").unwrap();
        client.store_stream(&path, give, &Arc::new(Progress::default())).await
    });
    is_all(&came, sent.unwrap());
}

#[test]
fn a_beginning_that_is_sent_once_more_is_not_lost_where_that_is_cancelled() {
    let (tell, begun) = oneshot::channel();
    let play = move |peer: &mut Peer| {
        swallowed(peer)?;
        peer.step("!", "new-control")?;
        tell.send(()).map_err(|()| "the client is gone".to_owned())?;
        peer.step("S:", "220 ready")?;
        // Up to here or farther, as it comes.
        peer.until_closed()?;
        taken(peer, || Ok(()))
    };
    let (came, sent) = meet(impatient(), play, async |client| {
        let mut upload =
            Upload::open(client, &Pathname::new("a").unwrap(), WriteMode::Replace).await.unwrap();
        upload.write(&vec![1; FIRST]).await.unwrap();
        tokio::select! {
            gone = upload.wait_for(pending::<()>()) => panic!("it was to be in the middle: {gone:?}"),
            _ = begun => {}
        }
        upload.write(&vec![2; SECOND]).await.unwrap();
        upload.commit().await
    });
    is_all(&came, sent.unwrap());
}
