//! Do many tasks share the few sessions that a server allows?
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use client::{Error, Options, Patience, Pool, Remote, no_watcher};
use storage::{Create, Tree, VPath};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wire::Pathname;

use crate::peer::Peer;
use crate::spec;

/// A server that allows so many sessions, and what has become of them.
#[derive(Default)]
struct Server {
    allowed: usize,
    /// With which reply it refuses the next one, and where.
    refusal: &'static str,
    after_login: bool,
    /// It ends a session at the second SIZE, and says this before.
    leaves: Option<&'static str>,
    now: AtomicUsize,
    most: AtomicUsize,
    opened: AtomicUsize,
    quit: AtomicUsize,
}

impl Server {
    async fn start(self) -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Arc::new(self);
        let of_all = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&of_all);
                tokio::spawn(async move {
                    let now = server.now.fetch_add(1, SeqCst) + 1;
                    // The other end may be gone.
                    let _ = server.serve(stream, now).await;
                    server.now.fetch_sub(1, SeqCst);
                });
            }
        });
        (server, port)
    }

    async fn serve(&self, stream: TcpStream, now: usize) -> std::io::Result<()> {
        let mut control = BufReader::new(stream);
        let is_full = now > self.allowed;
        if is_full && !self.after_login {
            return control.write_all(self.refusal.as_bytes()).await;
        }
        control.write_all(b"220 hello\r\n").await?;
        let (mut line, mut sizes) = (String::new(), 0);
        loop {
            line.clear();
            if control.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let answer = match line.get(..4) {
                Some("USER") => "331 and the password?\r\n",
                Some("PASS") if is_full => return control.write_all(self.refusal.as_bytes()).await,
                Some("PASS") => {
                    self.opened.fetch_add(1, SeqCst);
                    self.most.fetch_max(self.now.load(SeqCst).min(now), SeqCst);
                    "230 welcome\r\n"
                }
                Some("SIZE" | "DELE") if self.leaves.is_some() && sizes > 0 => {
                    return control.write_all(self.leaves.unwrap_or_default().as_bytes()).await;
                }
                Some("SIZE") if line.contains("last") => "421 that was the last\r\n",
                Some("SIZE") => {
                    sizes += 1;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    "213 7\r\n"
                }
                Some("QUIT") => {
                    self.quit.fetch_add(1, SeqCst);
                    "221 bye\r\n"
                }
                Some("TYPE" | "NOOP" | "OPTS") => "200 ok\r\n",
                _ => "502 no\r\n",
            };
            control.write_all(answer.as_bytes()).await?;
            if answer.starts_with("421") {
                return Ok(());
            }
        }
    }
}

fn pool(port: u16, most: usize) -> Pool {
    let patience = Patience { full: Duration::from_millis(100), ..Patience::default() };
    Pool::new(spec(port, Options { patience, ..Options::default() }), no_watcher(), most)
}

async fn size(pool: Pool, name: &str) -> Result<Option<u64>, Error> {
    pool.get().await?.size(&Pathname::new(name).unwrap()).await
}

#[tokio::test]
async fn eight_tasks_get_through_where_two_sessions_are_allowed() {
    for (refusal, after_login) in [
        ("421 Too many connections from your address.\r\n", false),
        ("530 Sorry, the maximum number of clients (2) are already connected.\r\n", true),
        ("421 There are too many connected users.\r\n", true),
    ] {
        let (server, port) = Server { allowed: 2, refusal, after_login, ..Server::default() }.start().await;
        let pool = pool(port, 8);
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let pool = pool.clone();
            tasks.spawn(async move {
                for _ in 0..5 {
                    assert_eq!(size(pool.clone(), "f").await.unwrap(), Some(7));
                }
            });
        }
        tasks.join_all().await;
        assert!(server.opened.load(SeqCst) <= 2, "{refusal}");
        assert!(pool.allowed().is_some_and(|allowed| allowed <= 2), "{refusal}: {pool:?}");
        pool.close().await;
        assert_eq!(server.quit.load(SeqCst), server.opened.load(SeqCst), "{refusal}");
    }
}

#[tokio::test]
async fn where_nothing_is_refused_there_are_as_many_as_were_asked_for_and_they_are_used_again() {
    let (server, port) = Server { allowed: 100, ..Server::default() }.start().await;
    let pool = pool(port, 3);
    for _ in 0..3 {
        let tasks: JoinSet<_> = (0..8).map(|_| size(pool.clone(), "f")).collect();
        assert!(tasks.join_all().await.iter().all(|size| matches!(size, Ok(Some(7)))));
    }
    assert_eq!((server.opened.load(SeqCst), server.most.load(SeqCst), pool.allowed()), (3, 3, None));
}

#[tokio::test]
async fn a_session_that_ended_or_was_left_in_the_middle_of_a_command_is_not_used_again() {
    let (server, port) = Server { allowed: 1, refusal: "421 full\r\n", ..Server::default() }.start().await;
    let pool = pool(port, 1);
    assert!(matches!(size(pool.clone(), "last").await, Err(Error::Broken { .. })));
    assert_eq!(size(pool.clone(), "f").await.unwrap(), Some(7));
    let left = tokio::time::timeout(Duration::from_millis(5), size(pool.clone(), "f")).await;
    assert!(left.is_err());
    assert_eq!(size(pool.clone(), "f").await.unwrap(), Some(7));
    assert_eq!(server.opened.load(SeqCst), 3);
}

#[tokio::test]
async fn a_server_that_has_no_place_for_the_first_session_is_an_error_for_all() {
    let (_server, port) = Server { allowed: 0, refusal: "421 full\r\n", ..Server::default() }.start().await;
    let pool = pool(port, 4);
    let tasks: JoinSet<_> = (0..2).map(|_| size(pool.clone(), "f")).collect();
    assert!(tasks.join_all().await.iter().all(Result::is_err));
}

#[tokio::test]
async fn an_idle_session_that_has_ended_is_replaced_unless_something_may_have_been_changed() {
    for leaves in ["", "421 idle for too long\r\n"] {
        let server = Server { allowed: 9, leaves: Some(leaves), ..Server::default() };
        let (server, port) = server.start().await;
        let pool = pool(port, 1);
        for opened in 1..4 {
            assert_eq!(size(pool.clone(), "f").await.unwrap(), Some(7));
            assert_eq!(server.opened.load(SeqCst), opened, "{leaves}");
        }
        let removed = pool.get().await.unwrap().remove(&Pathname::new("f").unwrap()).await;
        assert!(matches!(removed, Err(Error::Broken { .. })), "{removed:?}");
    }
}

/// While another task waits for the only session, perhaps for a long upload.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_keeps_its_session_until_the_file_has_its_name() {
    let peer = Peer::new();
    let pool = pool(peer.port(), 1);
    let steps = "! login
C: MLST a
S: 550 no such file
C: MLST
F: type=dir; /
C: MLST .pasv-*
S: 550 no such file
T: STOR .pasv-*
D<. abc
S: 226 done
C: SIZE .pasv-*
S: 213 3
C: RNFR .pasv-*
S: 350 to what?
C: RNTO a
S: 250 done
C: SIZE other
S: 213 7";
    let played = peer.start(|peer| peer.play(steps));
    let tree = Remote::new(pool.clone(), None);
    let path = VPath::root().join(b"a").unwrap();
    let mut sink = tree.create(&path, Create::Replace).await.unwrap();
    sink.write(b"abc").await.unwrap();
    let other = tokio::spawn(size(pool, "other"));
    tokio::task::yield_now().await;
    sink.commit().await.unwrap();
    assert_eq!(other.await.unwrap().unwrap(), Some(7));
    played.join().unwrap().unwrap();
}
