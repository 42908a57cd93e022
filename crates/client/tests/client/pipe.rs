//! Is what comes from a pipe sent once more where its beginning got lost, and never left half sent as if it
//! were whole?
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use client::{Client, Credentials, Endpoint, Options, Patience, Progress, SessionSpec, no_watcher};
use socket2::SockRef;
use wire::Pathname;

use crate::peer::{Peer, accept};

/// More than the peer has room for, less than the kernel takes of us at once.
const FIRST: usize = 100_000;
const SECOND: usize = 1000;

/// Takes nothing in its first session, so that what was sent waits for ever; in the second it takes all.
/// Returns what came.
fn swallowing(peer: &mut Peer, go_on: &Sender<()>) -> Result<Vec<u8>, String> {
    let up_to_data = |step: &mut dyn FnMut(&str, &str) -> Result<(), String>| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
        SockRef::from(&listener).set_recv_buffer_size(4096).map_err(|e| e.to_string())?;
        let port = listener.local_addr().map_err(|e| e.to_string())?.port();
        step("C:", "EPSV")?;
        step("S:", &format!("229 (|||{port}|)"))?;
        let data: TcpStream = accept(&listener)?;
        step("C:", "STOR a")?;
        step("S:", "150 come")?;
        Ok::<_, String>(data)
    };
    let mut step = |kind: &str, text: &str| peer.step(kind, text);
    step("!", "new-control")?;
    step("!", "login")?;
    step("C:", "MLST a")?;
    step("S:", "550 no such file")?;
    let mut data = up_to_data(&mut step)?;
    step("!", "wait-control")?;
    let cut = data.read_to_end(&mut Vec::new());
    if !matches!(&cut, Err(error) if error.kind() == ErrorKind::ConnectionReset) {
        return Err(format!("what was a part of the file ended as if it were all of it: {cut:?}"));
    }
    step("!", "new-control")?;
    step("!", "login")?;
    let mut data = up_to_data(&mut step)?;
    // The piece that was being waited for all the time comes now.
    go_on.send(()).map_err(|e| e.to_string())?;
    let mut came = Vec::new();
    data.read_to_end(&mut came).map_err(|e| e.to_string())?;
    drop(data);
    step("S:", "226 done")?;
    step("C:", "SIZE a")?;
    step("S:", &format!("213 {}", came.len()))?;
    Ok(came)
}

fn give(go_on: Receiver<()>) -> client::upload::Give {
    let mut given = 0;
    Box::new(move || {
        given += 1;
        Ok(match given {
            1 => vec![1; FIRST],
            2 => {
                go_on.recv().map_err(std::io::Error::other)?;
                vec![2; SECOND]
            }
            _ => Vec::new(),
        })
    })
}

#[test]
fn a_pipe_whose_beginning_is_swallowed_is_sent_once_more_in_small_segments() {
    let mut peer = Peer::new();
    let port = peer.port();
    let (tell, go_on) = channel();
    let played = std::thread::spawn(move || swallowing(&mut peer, &tell));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sent = runtime.block_on(async {
        let site = Endpoint { host: "127.0.0.1".to_owned(), port };
        let patience = Patience { quiet: Duration::from_millis(200), ..Patience::default() };
        let options = Options { patience, ..Options::default() };
        let spec = SessionSpec { options, ..SessionSpec::new(site, Credentials::anonymous()) };
        let mut client = Client::open(spec, no_watcher()).await.unwrap();
        let path = Pathname::new("a").unwrap();
        client.store_stream(&path, give(go_on), &Arc::new(Progress::default())).await
    });
    let came = played.join().unwrap().unwrap();
    assert_eq!(sent.unwrap(), (FIRST + SECOND) as u64);
    assert!(came == [vec![1; FIRST], vec![2; SECOND]].concat(), "{} bytes came", came.len());
}
