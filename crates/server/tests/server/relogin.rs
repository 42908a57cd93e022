//! What becomes of a transfer when another user logs in meanwhile? (RFC 959 4.1.1)
use std::path::Path;
use std::sync::Arc;

use config::SiteConfig;
use storage::local::{Local, LocalOptions, Sync};
use storage::{Admission, Answer, Attempt, Denied, Gate, Rights, Tree};
use tokio::sync::Semaphore;

use crate::scene::{Scene, patiently};
use crate::tls_mode::TlsMode;

/// `somebody` may write; `reader` has another folder, and may only read there. The password of `slow` is
/// checked when the test says so.
struct Two {
    first: Arc<dyn Tree>,
    second: Arc<dyn Tree>,
    checked: Arc<Semaphore>,
}

impl Gate for Two {
    fn admit(&self, attempt: Attempt) -> Answer<'_, Result<Admission, Denied>> {
        Box::pin(async move {
            if attempt.user == b"slow" {
                self.checked.acquire().await.expect("it is never closed").forget();
            }
            let write = attempt.user == b"somebody";
            let (rights, tree) =
                if write { (Rights::Write, &self.first) } else { (Rights::Read, &self.second) };
            Ok(Admission::new(String::from_utf8_lossy(&attempt.user), rights, Arc::clone(tree)))
        })
    }
}

fn scene(tls_mode: TlsMode, other: &Path, checked: &Arc<Semaphore>) -> Scene {
    let options = LocalOptions { read_only: true, sync: Sync::Never, ..LocalOptions::default() };
    let second = Arc::new(Local::open(other, options).expect("a tree"));
    let checked = Arc::clone(checked);
    Scene::with(SiteConfig::default(), tls_mode, |first| Arc::new(Two { first, second, checked }))
}

/// Under TLS the connection was held back until somebody was logged in as whom the transfer had begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_data_connection_may_come_behind_the_new_login() {
    for tls_mode in TlsMode::KINDS {
        let other = tempfile::tempdir().expect("a folder");
        let scene = scene(tls_mode, other.path(), &Arc::new(Semaphore::new(0)));
        std::fs::write(scene.path("down"), "of the first").unwrap();
        let mut client = scene.member().await;
        let port = client.port().await;
        client.write("RETR down\r\n").await;
        client.command("USER reader", 331).await;
        client.command("PASS x", 230).await;
        let data = client.dial(port).await;
        client.expect(150).await;
        assert_eq!(patiently(data.all()).await.unwrap().0, b"of the first");
        client.expect(226).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_completes_under_the_old_login_and_the_new_one_begins_at_once() {
    for tls_mode in TlsMode::KINDS {
        let other = tempfile::tempdir().expect("a folder");
        std::fs::write(other.path().join("other"), "of the other").unwrap();
        let scene = scene(tls_mode, other.path(), &Arc::new(Semaphore::new(0)));
        let mut client = scene.member().await;
        let mut data = client.data().await;
        client.command("STOR up", 150).await;
        data.send(b"one ").await.unwrap();
        client.command("USER reader", 331).await;
        client.command("PASS x", 230).await;
        data.send(b"two").await.unwrap();
        data.end().await.unwrap();
        client.expect(226).await;
        assert_eq!(std::fs::read(scene.path("up")).unwrap(), b"one two");
        // From here on it is another's session.
        let _data = client.data().await;
        client.command("STOR more", 550).await;
        client.command("SIZE up", 550).await;
        let data = client.data().await;
        client.command("RETR other", 150).await;
        assert_eq!(patiently(data.all()).await.unwrap().0, b"of the other");
        client.expect(226).await;
        let log = scene.xferlog();
        let users: Vec<_> = log.lines().map(|line| line.split(' ').rev().nth(4)).collect();
        assert_eq!(users, [Some("somebody"), Some("reader")], "{log}");
    }
}

/// A check takes tens of milliseconds, and much longer where many wait for theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_while_the_new_password_is_checked() {
    let (other, checked) = (tempfile::tempdir().expect("a folder"), Arc::new(Semaphore::new(0)));
    let scene = scene(TlsMode::Clear, other.path(), &checked);
    let mut client = scene.member().await;
    let mut data = client.data().await;
    client.command("STOR up", 150).await;
    client.command("USER slow", 331).await;
    client.write("PASS x\r\n").await;
    data.send(&vec![7; 3_000_000]).await.unwrap();
    data.end().await.unwrap();
    client.expect(226).await;
    checked.add_permits(1);
    client.expect(230).await;
    client.command("PWD", 257).await;
}
