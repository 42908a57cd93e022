//! Which files can be sent and received without TLS, and is a failure told by its fault?
//!
//! That the same bytes come out by every route, `tls/moving.rs` tries, with TLS and without.
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use net::data::Data;
use net::pump::{self, Progress, PumpError};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::scene::{LONG, content, file_of, pair, pattern, reset};

const STALL: Duration = Duration::from_secs(30);

/// A peer that reads to the end.
fn reader(mut peer: TcpStream) -> JoinHandle<Vec<u8>> {
    spawn_blocking(move || {
        let mut got = Vec::new();
        peer.read_to_end(&mut got).unwrap();
        got
    })
}

/// A peer that writes pieces of a size, and ends.
fn writer(mut peer: TcpStream, bytes: Vec<u8>, piece: usize) -> JoinHandle<()> {
    spawn_blocking(move || bytes.chunks(piece).for_each(|part| peer.write_all(part).unwrap()))
}

#[tokio::test]
async fn a_file_that_is_not_in_memory_is_sent_all_the_same() {
    let bytes = pattern((3 << 20) + 77);
    let file = file_of(&bytes);
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let (mut data, peer) = pair().await;
    let reader = reader(peer);
    let range = 0..bytes.len() as u64;
    pump::send_file(&mut data, &file, range, STALL, &Progress::default()).await.unwrap();
    data.finish(LONG).await;
    assert!(reader.await.unwrap() == bytes);
}

#[tokio::test]
async fn a_file_opened_for_appending_takes_no_pages_but_all_bytes() {
    let path = tempfile::NamedTempFile::new().unwrap();
    let file = Arc::new(File::options().append(true).open(path.path()).unwrap());
    let (mut data, peer) = pair().await;
    let bytes = pattern(3 << 20);
    let writer = writer(peer, bytes.clone(), 100_000);
    pump::receive_file(&mut data, &file, 0, None, STALL, &Progress::default()).await.unwrap();
    writer.await.unwrap();
    assert!(content(path.as_file()) == bytes);
}

fn stalled<T: std::fmt::Debug>(result: Result<T, PumpError>) {
    assert!(matches!(result, Err(PumpError::Stalled(STALL))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_stalls_every_route() {
    let (mut data, _peer) = pair().await;
    let file = file_of(&pattern(1 << 20));
    let progress = Progress::default();
    stalled(pump::receive(&mut data, &mut Vec::new(), STALL, &progress).await);
    stalled(pump::receive_file(&mut data, &file, 0, None, STALL, &progress).await);
    // More than any socket buffer takes.
    let (large, length) = (tempfile::tempfile().unwrap(), 1 << 30);
    large.set_len(length).unwrap();
    stalled(pump::send_file(&mut data, &Arc::new(large), 0..length, STALL, &progress).await);
    stalled(pump::send(&mut data, &[0; 8], STALL, &progress).await);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_a_stall_is_in_the_file() {
    let (mut data, mut peer) = pair().await;
    peer.write_all(b"so far").unwrap();
    let file = file_of(&[]);
    stalled(pump::receive_file(&mut data, &file, 0, None, STALL, &Progress::default()).await);
    assert_eq!(content(&file), b"so far");
}

#[tokio::test]
async fn a_full_disk_keeps_its_number() {
    for length in [10, 1 << 20] {
        let (mut data, peer) = pair().await;
        let full = Arc::new(File::options().write(true).open("/dev/full").unwrap());
        // The peer may find the connection closed before it has written everything.
        let writer = spawn_blocking(move || (&peer).write_all(&pattern(length)));
        match pump::receive_file(&mut data, &full, 0, None, STALL, &Progress::default()).await {
            Err(PumpError::File(error)) => assert_eq!(error.kind(), std::io::ErrorKind::StorageFull),
            other => panic!("{other:?}"),
        }
        drop(data);
        let _ = writer.await.unwrap();
    }
}

fn broken<T: std::fmt::Debug>(result: Result<T, PumpError>) {
    assert!(matches!(result, Err(PumpError::Peer(_))), "{result:?}");
}

#[tokio::test]
async fn a_reset_is_the_peers_fault() {
    async fn fresh() -> Data {
        let (data, peer) = pair().await;
        reset(peer);
        data
    }
    let file = file_of(&pattern(8 << 20));
    let progress = Progress::default();
    broken(
        timeout(LONG, pump::receive(&mut fresh().await, &mut Vec::new(), STALL, &progress)).await.unwrap(),
    );
    broken(
        timeout(LONG, pump::receive_file(&mut fresh().await, &file, 0, None, STALL, &progress))
            .await
            .unwrap(),
    );
    broken(
        timeout(LONG, pump::send_file(&mut fresh().await, &file, 0..8 << 20, STALL, &progress))
            .await
            .unwrap(),
    );
    let many = pattern(8 << 20);
    broken(timeout(LONG, pump::send(&mut fresh().await, &many, STALL, &progress)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_transfer_stops_writing() {
    let (mut data, mut peer) = pair().await;
    let sevens = vec![7; 100_000];
    let writer = spawn_blocking(move || while peer.write_all(&sevens).is_ok() {});
    let (file, progress) = (file_of(&[]), Arc::new(Progress::default()));
    let transfer = tokio::spawn({
        let (file, progress) = (Arc::clone(&file), Arc::clone(&progress));
        async move { pump::receive_file(&mut data, &file, 0, None, STALL, &progress).await.map(|_| ()) }
    });
    while progress.bytes() < 8 << 20 {
        tokio::task::yield_now().await;
    }
    transfer.abort();
    assert!(transfer.await.unwrap_err().is_cancelled());
    // A thread that still writes holds the file.
    timeout(LONG, async {
        while Arc::strong_count(&file) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a thread goes on writing");
    let after = file.metadata().unwrap().len() - progress.bytes();
    assert!(after <= 4 << 20, "{after} bytes more than were counted");
    writer.await.unwrap();
}

#[tokio::test]
async fn finishing_reads_what_is_left_so_that_nothing_is_reset() {
    let (mut data, mut peer) = pair().await;
    peer.write_all(&pattern(30_000)).unwrap();
    pump::send(&mut data, b"the answer", STALL, &Progress::default()).await.unwrap();
    let peer = spawn_blocking(move || {
        let mut got = Vec::new();
        peer.read_to_end(&mut got).map(|_| got)
    });
    data.finish(LONG).await;
    assert_eq!(peer.await.unwrap().expect("a reset"), b"the answer");
}

#[tokio::test(start_paused = true)]
async fn finishing_has_an_end_when_the_peer_has_none() {
    let (data, mut peer) = pair().await;
    peer.write_all(b"and I stay").unwrap();
    // The peer's bytes must be there, or there is nothing to finish.
    let begun = tokio::time::Instant::now();
    data.finish(Duration::from_secs(5)).await;
    assert!(begun.elapsed() <= Duration::from_secs(6));
    drop(peer);
}
