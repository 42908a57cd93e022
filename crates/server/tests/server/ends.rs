//! How do sessions end that the site ends, or that end in the middle of something?
use std::fs;

use config::SiteConfig;
use server::Stop;

use crate::client::in_each_tls_mode;
use crate::data::End;
use crate::scene::{Scene, patiently};

/// Ctrl-C twice means at once. A session that was writing to a client which does not read held the site up
/// until the deadline of a stalled transfer, a minute later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_at_once_waits_for_no_client() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        for n in 0..1000 {
            fs::write(scene.path(&format!("{n:x>250}")), "").unwrap();
        }
        let mut client = scene.member().await;
        client.write("STAT /\r\n".repeat(400)).await;
        // The site is writing by now, and goes on until the buffers of both sockets are full.
        client.expect(213).await;
        assert_eq!((scene.registry.stop_further(), scene.registry.stop_further()), (Stop::Drain, Stop::Now));
        scene.ended().await;
    })
    .await;
}

/// Who drops a running site ends it. Its sessions went on, each of them spinning since there was nobody left
/// to wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_that_is_dropped_takes_its_sessions_with_it() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        let mut client = scene.member().await;
        scene.running.as_ref().expect("it runs").abort();
        assert_eq!(client.expect(421).await, "421 The server is shutting down.");
        assert_eq!(client.reply().await, None);
    })
    .await;
}

/// A client that is cut off in the middle of a download left no trace in either log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_cut_off_with_its_session_is_logged() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        fs::File::create(scene.path("big")).and_then(|f| f.set_len(1 << 30)).unwrap();
        let mut client = scene.member().await;
        let mut data = client.data().await;
        client.command("RETR big", 150).await;
        data.first().await.unwrap();
        assert_eq!(scene.xferlog(), "");
        client.control.reset().unwrap();
        scene.registry.stop_further();
        let log = scene.ended().await;
        assert!(log.contains(" /big b _ o r somebody ftp 0 * i\n"), "the log holds {log:?}");
    })
    .await;
}

/// A client whose download is cut off by the end of the site hears why, and does not take what it has for the
/// whole file: without TLS, FIN is the end of a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_the_end_of_the_site_cuts_off_is_reset_and_the_client_told() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        fs::File::create(scene.path("big")).and_then(|f| f.set_len(1 << 30)).unwrap();
        let mut client = scene.member().await;
        let mut data = client.data().await;
        client.command("RETR big", 150).await;
        data.first().await.unwrap();
        assert_eq!((scene.registry.stop_further(), scene.registry.stop_further()), (Stop::Drain, Stop::Now));
        assert_eq!(client.expect(426).await, "426 The server is shutting down.");
        assert_eq!(client.expect(421).await, "421 The server is shutting down.");
        assert_eq!(client.reply().await, None);
        // Without TLS only a reset is no end of the file, and it is an error here.
        let cut = patiently(data.all()).await.map_or(true, |(_, end)| end == End::Cut);
        assert!(cut, "the client took it for the whole file");
        scene.ended().await;
    })
    .await;
}
