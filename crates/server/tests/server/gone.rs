//! What becomes of work whose client has gone, of a file that changes while it is sent, and of a site that is
//! told to end?
use std::fs::{self, File};
use std::time::Duration;

use config::SiteConfig;
use server::Stop;

use crate::client::in_each_dress;
use crate::dress::Dress;
use crate::scene::{Scene, patiently};

const TEBIBYTE: u64 = 1 << 40;

/// A site that soon gives up, with so many sessions at a time.
fn scene(dress: Dress, sessions: usize) -> Scene {
    let mut settings = SiteConfig::default();
    settings.deadlines.gone = Duration::from_millis(200);
    settings.limits.sessions = sessions;
    let scene = Scene::open(settings, dress);
    sparse(&scene, "huge", TEBIBYTE);
    scene
}

fn sparse(scene: &Scene, name: &str, length: u64) {
    File::create(scene.path(name)).and_then(|file| file.set_len(length)).unwrap();
}

/// Two hundred clients that had asked for a digest of a large file, and left, kept all cores busy for half an
/// hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_for_a_client_that_has_gone_ends() {
    in_each_dress(async |dress| {
        let scene = scene(dress, 1);
        // Each of those that wait behind it would take as long again, and a hundred are more than are read
        // ahead.
        for (command, times) in [("HASH huge", 1), ("XMD5 huge", 8), ("XCRC huge", 100)] {
            let mut client = scene.member_in_turn().await;
            client.say(&format!("{command}\r\n").repeat(times)).await;
            client.control.shutdown().await;
            drop(client);
            patiently(scene.room()).await;
        }
    })
    .await;
}

/// What lies before the marker of a text is read and not sent, so that the client's end is not met by
/// sending.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_skipped_for_a_client_that_has_gone_ends() {
    in_each_dress(async |dress| {
        let scene = scene(dress, 1);
        let mut client = scene.member_in_turn().await;
        client.ask("TYPE A", "200").await;
        let data = client.passive().await;
        client.ask(&format!("REST {}", TEBIBYTE / 2), "350").await;
        client.ask("RETR huge", "150").await;
        client.control.shutdown().await;
        drop((client, data));
        patiently(scene.room()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_side_hears_what_takes_no_time() {
    in_each_dress(async |dress| {
        let scene = scene(dress, 1);
        fs::write(scene.path("small"), vec![7; 300_000]).unwrap();
        let mut client = scene.member_in_turn().await;
        client.say("HASH small\r\nXCRC small\r\nPWD\r\n").await;
        client.control.shutdown().await;
        client.hear("213").await;
        client.hear("250").await;
        client.hear("257").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_side_has_the_file_that_it_goes_on_reading() {
    const LENGTH: u64 = 64 << 20;
    in_each_dress(async |dress| {
        let scene = scene(dress, 2);
        sparse(&scene, "file", LENGTH);
        let mut client = scene.member_in_turn().await;
        let mut data = client.passive().await;
        client.ask("RETR file", "150").await;
        let before = data.first().await.unwrap().len() as u64;
        client.control.shutdown().await;
        // Another one that had closed its side a moment later has been given up.
        let mut other = scene.member_in_turn().await;
        other.say("HASH huge\r\n").await;
        other.control.shutdown().await;
        assert_eq!(other.reply().await, None);
        let (rest, _) = patiently(data.all()).await.unwrap();
        assert_eq!(before + rest.len() as u64, LENGTH);
        client.hear("226").await;
    })
    .await;
}

/// What a client has of a file that was cut is not to be taken for the whole, whatever its type.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_cut_while_it_is_sent_is_not_done() {
    in_each_dress(async |dress| {
        let scene = scene(dress, 1);
        let mut client = scene.member_in_turn().await;
        for kind in ["I", "A"] {
            sparse(&scene, "file", 64 << 20);
            client.ask(&format!("TYPE {kind}"), "200").await;
            let mut data = client.passive().await;
            client.ask("RETR file", "150").await;
            let before = data.first().await.unwrap().len();
            File::options().write(true).open(scene.path("file")).unwrap().set_len(1 << 20).unwrap();
            // However it ends.
            let after = patiently(data.all()).await.map_or(0, |(rest, _)| rest.len());
            assert!(before + after < 64 << 20, "TYPE {kind}");
            client.hear("451").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_grows_while_it_is_sent_is_sent_as_it_was() {
    const LENGTH: u64 = 64 << 20;
    in_each_dress(async |dress| {
        let scene = scene(dress, 1);
        let mut client = scene.member_in_turn().await;
        for kind in ["I", "A"] {
            sparse(&scene, "file", LENGTH);
            client.ask(&format!("TYPE {kind}"), "200").await;
            let mut data = client.passive().await;
            client.ask("RETR file", "150").await;
            let before = data.first().await.unwrap().len() as u64;
            File::options().write(true).open(scene.path("file")).unwrap().set_len(2 * LENGTH).unwrap();
            let (rest, _) = patiently(data.all()).await.unwrap();
            assert_eq!(before + rest.len() as u64, LENGTH, "TYPE {kind}");
            client.hear("226").await;
        }
    })
    .await;
}

/// A digest, an upload of a byte a second: without a bound a site that was told to end was there until it was
/// killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_is_told_to_end_does_so_in_time() {
    in_each_dress(async |dress| {
        let mut settings = SiteConfig::default();
        settings.deadlines.drain = Duration::from_millis(200);
        let scene = Scene::open(settings, dress);
        sparse(&scene, "huge", TEBIBYTE);
        let (mut digest, mut upload) = (scene.member().await, scene.member().await);
        digest.say("HASH huge\r\n").await;
        let mut data = upload.passive().await;
        upload.ask("STOR up", "150").await;
        data.send(b"slow").await.unwrap();
        assert_eq!(scene.registry.stop_further(), Stop::Drain);
        patiently(scene.running).await.unwrap();
        for client in [&mut digest, &mut upload] {
            assert_eq!(client.hear("426").await, "426 The server is shutting down.");
            client.hear("421").await;
            assert_eq!(client.reply().await, None);
        }
    })
    .await;
}
