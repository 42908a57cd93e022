//! How do sessions end that the site ends, or that end in the middle of something?
use std::fs;

use server::Settings;
use server::site::Stop;

use crate::scene::{Scene, patiently};

/// Ctrl-C twice means at once. A session that was writing to a client which does not read held the site up until the
/// deadline of a stalled transfer, a minute later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_at_once_waits_for_no_client() {
    let scene = Scene::open(Settings::default());
    for n in 0..1000 {
        fs::write(scene.path(&format!("{n:x>250}")), "").unwrap();
    }
    let mut client = scene.member().await;
    client.say(&"STAT /\r\n".repeat(400)).await;
    // The site is writing by now, and goes on until the buffers of both sockets are full.
    client.hear("213").await;
    assert_eq!((scene.stopper.further(), scene.stopper.further()), (Stop::Drain, Stop::Now));
    patiently(scene.running).await.unwrap();
}

/// Who drops a running site ends it. Its sessions went on, each of them spinning since there was nobody left to wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_is_dropped_takes_its_sessions_with_it() {
    let scene = Scene::open(Settings::default());
    let mut client = scene.member().await;
    drop(scene.stopper);
    scene.running.abort();
    assert_eq!(client.reply().await, None);
}
