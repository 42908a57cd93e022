//! What becomes of an upload whose client closes everything at its end? The same each time.
use config::HangUp;
use config::SiteConfig;

use crate::scene::{Scene, patiently};
use crate::tls_mode::TlsMode;

const ROUNDS: usize = 60;

/// Uploads that all end in another way: the data connection or the control connection is closed first, and up
/// to 240 commands are sent behind STOR, more than a session lets wait.
async fn hang_up(scene: &Scene) {
    for round in 0..ROUNDS {
        let mut client = scene.member().await;
        let mut data = client.data().await;
        client.write(format!("STOR {round}\r\n")).await;
        // What is not read when it closes makes the end of the control connection a reset.
        if round % 5 < 3 {
            client.expect(150).await;
        }
        data.send(b"half an upload").await.unwrap();
        client.write("PWD\r\n".repeat(round % 4 * 80)).await;
        if round % 2 == 0 {
            drop(data);
            drop(client);
        } else {
            drop(client);
            drop(data);
        }
    }
    // The log has a line for each when it is over.
    patiently(async {
        while scene.xferlog().lines().count() < ROUNDS {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

fn published(scene: &Scene) -> usize {
    (0..ROUNDS).filter(|round| scene.path(&round.to_string()).exists()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_client_hangs_up_is_kept_and_not_published() {
    let scene = Scene::open(SiteConfig::default(), TlsMode::Clear);
    hang_up(&scene).await;
    assert_eq!(published(&scene), 0);
    // All of it is there to be resumed.
    let mut client = scene.member().await;
    for round in 0..ROUNDS {
        client.command(&format!("SIZE {round}"), "213 14").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_may_publish_what_is_hung_up_on() {
    let mut settings = SiteConfig::default();
    settings.uploads.hang_up = HangUp::Publish;
    let scene = Scene::open(settings, TlsMode::Clear);
    hang_up(&scene).await;
    assert_eq!(published(&scene), ROUNDS);
}

/// `printf 'USER ...\r\nSTOR x\r\nQUIT\r\n' | nc` has said QUIT, though nobody has read that when the data
/// ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_said_quit_has_not_hung_up() {
    let scene = Scene::open(SiteConfig::default(), TlsMode::Clear);
    for round in 0..ROUNDS {
        let mut client = scene.member().await;
        let mut data = client.data().await;
        client.write(format!("STOR {round}\r\n{}QUIT\r\n", "NOOP\r\n".repeat(round % 3 * 50))).await;
        client.control.shutdown().await;
        data.send(b"whole").await.unwrap();
        drop(data);
        while let Some(reply) = client.reply().await {
            assert!(["150", "200", "226", "221"].iter().any(|code| reply.starts_with(code)), "{reply}");
        }
    }
    assert_eq!(published(&scene), ROUNDS);
}
