//! What becomes of work whose client has gone, of a file that changes while it is sent, and of a site that is
//! told to end?
use std::fs::{self, File};
use std::time::Duration;

use config::SiteConfig;
use server::Stop;

use crate::client::in_each_tls_mode;
use crate::scene::{Scene, patiently};
use crate::tls_mode::TlsMode;

const TEBIBYTE: u64 = 1 << 40;

/// A site that soon gives up, with so many sessions at a time.
fn scene(tls_mode: TlsMode, sessions: usize) -> Scene {
    let mut settings = SiteConfig::default();
    settings.deadlines.gone = Duration::from_millis(200);
    settings.limits.sessions = sessions;
    let scene = Scene::open(settings, tls_mode);
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
    in_each_tls_mode(async |tls_mode| {
        let scene = scene(tls_mode, 1);
        // Each of those that wait behind it would take as long again, and a hundred are more than are read
        // ahead.
        for (command, times) in [("HASH huge", 1), ("XMD5 huge", 8), ("XCRC huge", 100)] {
            let mut client = scene.member_in_turn().await;
            client.write(format!("{command}\r\n").repeat(times)).await;
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
    in_each_tls_mode(async |tls_mode| {
        let scene = scene(tls_mode, 1);
        let mut client = scene.member_in_turn().await;
        client.command("TYPE A", 200).await;
        let data = client.data().await;
        client.command(&format!("REST {}", TEBIBYTE / 2), 350).await;
        client.command("RETR huge", 150).await;
        client.control.shutdown().await;
        drop((client, data));
        patiently(scene.room()).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_side_hears_what_takes_no_time() {
    in_each_tls_mode(async |tls_mode| {
        let scene = scene(tls_mode, 1);
        fs::write(scene.path("small"), vec![7; 300_000]).unwrap();
        let mut client = scene.member_in_turn().await;
        client.write("HASH small\r\nXCRC small\r\nPWD\r\n").await;
        client.control.shutdown().await;
        client.expect(213).await;
        client.expect(250).await;
        client.expect(257).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_closes_its_side_has_the_file_that_it_goes_on_reading() {
    const LENGTH: u64 = 64 << 20;
    in_each_tls_mode(async |tls_mode| {
        let scene = scene(tls_mode, 2);
        sparse(&scene, "file", LENGTH);
        let mut client = scene.member_in_turn().await;
        let mut data = client.data().await;
        client.command("RETR file", 150).await;
        let before = data.first().await.unwrap().len() as u64;
        client.control.shutdown().await;
        // Another one that had closed its side a moment later has been given up.
        let mut other = scene.member_in_turn().await;
        other.write("HASH huge\r\n").await;
        other.control.shutdown().await;
        assert_eq!(other.reply().await, None);
        let (rest, _) = patiently(data.all()).await.unwrap();
        assert_eq!(before + rest.len() as u64, LENGTH);
        client.expect(226).await;
    })
    .await;
}

/// What a client has of a file that was cut is not to be taken for the whole, whatever its type; one that
/// grows is sent as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_while_it_is_sent_is_sent_as_it_was_or_not_done() {
    const LENGTH: u64 = 64 << 20;
    in_each_tls_mode(async |tls_mode| {
        let scene = scene(tls_mode, 1);
        let mut client = scene.member_in_turn().await;
        for (kind, becomes) in [("I", 1 << 20), ("A", 1 << 20), ("I", 2 * LENGTH), ("A", 2 * LENGTH)] {
            sparse(&scene, "file", LENGTH);
            client.command(&format!("TYPE {kind}"), 200).await;
            let mut data = client.data().await;
            client.command("RETR file", 150).await;
            let before = data.first().await.unwrap().len() as u64;
            File::options().write(true).open(scene.path("file")).unwrap().set_len(becomes).unwrap();
            // However it ends.
            let after = patiently(data.all()).await.map_or(0, |(rest, _)| rest.len() as u64);
            assert_eq!(before + after == LENGTH, becomes > LENGTH, "TYPE {kind}");
            client.expect(if becomes > LENGTH { 226 } else { 451 }).await;
        }
    })
    .await;
}

/// A digest, an upload of a byte a second: without a bound a site that was told to end was there until it was
/// killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_is_told_to_end_does_so_in_time() {
    in_each_tls_mode(async |tls_mode| {
        let mut settings = SiteConfig::default();
        settings.deadlines.drain = Duration::from_millis(200);
        let scene = Scene::open(settings, tls_mode);
        sparse(&scene, "huge", TEBIBYTE);
        let (mut digest, mut upload) = (scene.member().await, scene.member().await);
        digest.write("HASH huge\r\n").await;
        let mut data = upload.data().await;
        upload.command("STOR up", 150).await;
        data.send(b"slow").await.unwrap();
        assert_eq!(scene.registry.stop_further(), Stop::Drain);
        let partial = scene.path("up");
        scene.ended().await;
        for client in [&mut digest, &mut upload] {
            assert_eq!(client.expect(426).await, "426 The server is shutting down.");
            client.expect(421).await;
            assert_eq!(client.reply().await, None);
        }
        assert!(!partial.exists(), "half a file was published");
    })
    .await;
}
