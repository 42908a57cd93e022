//! Does every upload that is broken off end with a reset, so that no server takes a part for the whole?
//!
//! The server ends its reading with an error (ECONNRESET) or with an end; only the first may be.
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use client::{Client, Error, Options, Patience, Progress, no_watcher};
use tokio::sync::oneshot;
use wire::Pathname;

use crate::peer::{Peer, accept};
use crate::{block_on, spec};

/// More than all buffers on the way hold.
const LENGTH: u64 = 64 << 20;

/// How it is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Our file becomes shorter, and the server answers ABOR.
    Shrinks,
    /// The same, and the server hears no command in the middle of a transfer.
    ShrinksUnheard,
    Full,
    Refused,
    Nonsense,
    Leaves,
    /// STOR is never answered, though the data connection stands.
    NoStart,
    /// The server stops reading.
    Stalls,
    /// The caller drops the upload.
    Dropped,
}

/// `begun` is told when the upload is under way, and `done` tells that the client is done with it.
fn serve(
    peer: &mut Peer,
    fault: Fault,
    ours: &File,
    begun: oneshot::Sender<()>,
    done: &Receiver<()>,
) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    peer.play(&format!("! login\nC: MLST a\nS: 550 no such file\nC: EPSV\nS: 229 (|||{port}|)"))?;
    let mut step = |kind: &str, text: &str| peer.step(kind, text);
    let mut data: TcpStream = accept(&listener)?;
    step("C:", "STOR a")?;
    if fault != Fault::NoStart {
        step("S:", "150 come")?;
        data.read_exact(&mut [0; 1000]).map_err(|e| e.to_string())?;
    }
    // Only one of the faults waits for it.
    let _ = begun.send(());
    match fault {
        Fault::Shrinks | Fault::ShrinksUnheard => {
            ours.set_len(500_000).map_err(|e| e.to_string())?;
            // Up to where the file ended there is room, so that its end is met.
            let mut came = vec![0; 400_000];
            data.read_exact(&mut came).map_err(|e| e.to_string())?;
            if fault == Fault::Shrinks {
                // What was on its way may be long.
                let mut rest = data.try_clone().map_err(|e| e.to_string())?;
                let drained = std::thread::spawn(move || ends_with_reset(&mut rest));
                step("C:", "ABOR")?;
                step("S:", "426 aborted")?;
                return drained.join().map_err(|_| "panicked".to_owned())?;
            }
        }
        Fault::Full => step("S:", "452 no room")?,
        Fault::Refused => step("S:", "550 not here")?,
        Fault::Nonsense => step("S:", "hello there")?,
        Fault::Leaves => step("!", "close-control")?,
        Fault::NoStart | Fault::Stalls | Fault::Dropped => {}
    }
    if matches!(fault, Fault::Stalls | Fault::Leaves | Fault::Dropped) {
        // Its reading goes on when the client has given up.
        done.recv().map_err(|e| e.to_string())?;
    }
    ends_with_reset(&mut data)
}

fn ends_with_reset(data: &mut TcpStream) -> Result<(), String> {
    match std::io::copy(data, &mut std::io::sink()) {
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
        other => Err(format!("the data ended with {other:?}")),
    }
}

async fn store(port: u16, ours: Arc<File>) -> Result<(), Error> {
    let short = Duration::from_millis(300);
    let patience =
        Patience { reply: 2 * short, data: short, last: short, quiet: short, ..Patience::default() };
    let options = Options { patience, stall: 2 * short, ..Options::default() };
    let mut client = Client::open(spec(port, options), no_watcher()).await?;
    let path = Pathname::new("a").unwrap();
    client.store(&path, ours, &Arc::new(Progress::default())).await.map(drop)
}

#[test]
fn a_broken_upload_ends_with_a_reset_and_never_in_order() {
    for fault in [
        Fault::Shrinks,
        Fault::ShrinksUnheard,
        Fault::Full,
        Fault::Refused,
        Fault::Nonsense,
        Fault::Leaves,
        Fault::NoStart,
        Fault::Stalls,
        Fault::Dropped,
    ] {
        let ours = Arc::new(tempfile::tempfile().unwrap());
        ours.set_len(LENGTH).unwrap();
        let peer = Peer::new();
        let port = peer.port();
        let theirs = Arc::clone(&ours);
        let (tell, begun) = oneshot::channel();
        let (end, done) = channel();
        let played = peer.start(move |peer| serve(peer, fault, &theirs, tell, &done));
        block_on(async {
            if fault == Fault::Dropped {
                tokio::select! {
                    stored = store(port, ours) => panic!("it was to be in the middle: {stored:?}"),
                    _ = begun => {}
                }
            } else {
                store(port, ours).await.unwrap_err();
            }
        });
        // Some of the peers do not wait for it.
        let _ = end.send(());
        played.join().unwrap().unwrap_or_else(|why| panic!("{fault:?}: {why}"));
    }
}
