//! Is what the server says true, whatever comes first?
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use config::SiteConfig;
use storage::{Kind, Op, Result, Sink, VPath};
use testbed::hooked::{Hook, Hooked};
use tokio::sync::Semaphore;

use crate::client::{all, in_each_tls_mode};
use crate::scene::{Open, Scene, patiently};
use crate::tls_mode::TlsMode;

/// ABOR that comes while an upload is being published was answered with 426, and the file appeared all the
/// same: later than what the client had stored under that name since, and in its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_being_published_is_not_said_to_be_aborted() {
    in_each_tls_mode(async |tls_mode| {
        let (begun, allowed) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let scene = Scene::with(SiteConfig::default(), tls_mode, |tree| {
            Arc::new(Open(Arc::new(Hooked {
                tree,
                hook: Held { begun: Arc::clone(&begun), allowed: Arc::clone(&allowed) },
            })))
        });
        let mut client = scene.member().await;
        let mut data = client.data().await;
        client.command("STOR x", 150).await;
        data.send(b"whole").await.unwrap();
        data.end().await.unwrap();
        patiently(begun.acquire()).await.unwrap().forget();
        // In one packet, so that with the answer to STAT the ABOR has been dealt with too.
        client.write("STAT\r\nABOR\r\n").await;
        client.expect(211).await;
        allowed.add_permits(1);
        client.expect(226).await;
        client.expect(226).await;
        assert_eq!(fs::read(scene.path("x")).unwrap(), b"whole");
    })
    .await;
}

/// Under SITE UMASK 077 a file was published for everybody to read, and made private a moment later; when
/// that failed, the client was told that its upload had failed, with the file in its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_upload_is_private_from_its_first_moment() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::with(SiteConfig::default(), tls_mode, |tree| {
            let (begun, allowed) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(1)));
            Arc::new(Open(Arc::new(Hooked { tree, hook: Held { begun, allowed } })))
        });
        let mut client = scene.member().await;
        client.command("SITE UMASK 077", 200).await;
        let mut data = client.data().await;
        client.command("STOR x", 150).await;
        data.end().await.unwrap();
        client.expect(226).await;
        assert_eq!(fs::metadata(scene.path("x")).unwrap().permissions().mode() & 0o777, 0o600);
    })
    .await;
}

/// A client that had sent something on the data connection of a download, were it a line end typed into a
/// terminal, lost the end of the file: closing over bytes that nobody has read is a reset, which takes what
/// is still under way with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_ends_well_though_the_client_talks_into_it() {
    in_each_tls_mode(async |tls_mode| {
        let scene = Scene::open(SiteConfig::default(), tls_mode);
        // More than the buffers of two sockets hold.
        fs::File::create(scene.path("x")).and_then(|f| f.set_len(32 << 20)).unwrap();
        let mut client = scene.member().await;
        let mut data = client.data().await;
        if tls_mode == TlsMode::Clear {
            data.send(b"\r\n").await.unwrap();
            client.command("NLST", 150).await;
            patiently(all(data)).await;
            client.expect(226).await;
            data = client.data().await;
            data.send(b"\r\n").await.unwrap();
        }
        client.command("RETR x", 150).await;
        // Under TLS nothing can be said before the transfer begins, when the server answers the hello.
        if tls_mode != TlsMode::Clear {
            data.send(b"\r\n").await.unwrap();
        }
        assert_eq!(patiently(all(data)).await.len(), 32 << 20);
        client.expect(226).await;
    })
    .await;
}

/// A tree whose uploads are published when the test allows it. As with a disk, what has begun goes on when
/// nobody waits for it any more. What is there keeps its mode.
struct Held {
    begun: Arc<Semaphore>,
    allowed: Arc<Semaphore>,
}

struct HeldSink {
    sink: Box<dyn Sink>,
    begun: Arc<Semaphore>,
    allowed: Arc<Semaphore>,
}

impl Sink for HeldSink {
    fn path(&self) -> &VPath {
        self.sink.path()
    }

    fn file(&self) -> Option<(Arc<fs::File>, u64)> {
        self.sink.file()
    }

    fn set_mode(&mut self, mode: u32) {
        self.sink.set_mode(mode);
    }

    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Op<'a, ()> {
        self.sink.write(bytes)
    }

    fn settle(&mut self) -> Op<'_, ()> {
        self.sink.settle()
    }

    fn commit(self: Box<Self>) -> Op<'static, ()> {
        let work = tokio::spawn(async move {
            self.begun.add_permits(1);
            self.allowed.acquire().await.expect("it is never closed").forget();
            self.sink.commit().await
        });
        Box::pin(async move { work.await.expect("it does not panic") })
    }

    fn discard(self: Box<Self>) -> Op<'static, ()> {
        self.sink.discard()
    }
}

impl Hook for Held {
    fn before(&self, what: &str, _path: &VPath) -> Result<()> {
        if what == "set_mode" { Err(Kind::Unsupported.into()) } else { Ok(()) }
    }

    fn created(&self, _path: &VPath, sink: Box<dyn Sink>) -> Box<dyn Sink> {
        let (begun, allowed) = (Arc::clone(&self.begun), Arc::clone(&self.allowed));
        Box::new(HeldSink { sink, begun, allowed })
    }
}
