//! Does the server keep its limits and deadlines with clients that never pause?
use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use server::Settings;
use storage::{Admission, Attempt, Denied, Gate};
use tokio::sync::Semaphore;

use crate::client::in_each_dress;
use crate::scene::{Open, Scene, patiently};

/// A packet of 4096 bytes holds five hundred `STAT directory`. Their answers were all put together in memory before the
/// first was written: some hundred megabytes for each client that asks and does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_hold_up_the_commands_behind_them() {
    in_each_dress(async |dress| {
        let mut settings = Settings::default();
        settings.deadlines.stall = Duration::from_millis(300);
        settings.limits.sessions = 1;
        let scene = Scene::open(settings, dress);
        for n in 0..1000 {
            fs::write(scene.path(&format!("{n:x>250}")), "").unwrap();
        }
        let mut client = scene.member().await;
        // Far more than the buffers of both sockets take.
        client.say(&format!("{}MKD made\r\n", "STAT /\r\n".repeat(400))).await;
        // The session ends since its replies are not taken, and then there is room for another.
        patiently(scene.room()).await;
        assert!(
            !scene.path("made").exists(),
            "the command behind a hundred megabytes of replies was done already"
        );
    })
    .await;
}

/// The answer to `STAT directory` goes out in pieces, and is one reply with every name once all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_is_told_in_pieces_as_one_reply() {
    in_each_dress(async |dress| {
        let mut settings = Settings::default();
        settings.limits.stat_lines = 600;
        let scene = Scene::open(settings, dress);
        for n in 0..600 {
            fs::write(scene.path(&format!("{n:0>200}")), "").unwrap();
        }
        let mut client = scene.member().await;
        for last in ["213 End of status.", "213 There is more: use LIST."] {
            client.say("STAT /\r\nNOOP\r\n").await;
            let mut lines = Vec::new();
            while lines.last().is_none_or(|line: &String| line != "200 Here.") {
                let line = patiently(client.control.line()).await.unwrap().expect("a line");
                lines.push(String::from_utf8(line).expect("names of ASCII"));
            }
            assert_eq!(
                (lines.len(), lines[0].as_str(), lines[601].as_str()),
                (603, "213-Status follows:", last)
            );
            let names: std::collections::HashSet<_> =
                lines[1..601].iter().filter_map(|line| line.rsplit(' ').next()).collect();
            assert!(names.len() == 600 && lines[1..601].iter().all(|line| line.starts_with(' ')));
            fs::write(scene.path("one more"), "").unwrap();
        }
    })
    .await;
}

/// Guesses made at the same time were each let through to the gate before the first of them was found wrong: with a
/// thousand connections a thousand guesses, where fifty are allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_on_many_connections_at_once_gains_nothing() {
    in_each_dress(async |dress| {
        let (begun, allowed) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let mut settings = Settings::default();
        settings.limits.failures_before_refusal = 2;
        let scene = Scene::with(settings, dress, |tree| {
            Arc::new(Pondering { open: Open(tree), begun: Arc::clone(&begun), allowed: Arc::clone(&allowed) })
        });
        let mut lucky = scene.client().await;
        lucky.ask("USER somebody", "331").await;
        lucky.say("PASS right\r\n").await;
        patiently(begun.acquire()).await.unwrap().forget();
        for _ in 0..2 {
            let mut other = scene.client().await;
            other.ask("USER somebody", "331").await;
            other.ask("PASS wrong", "530").await;
        }
        allowed.add_permits(1);
        lucky.hear("421").await;
    })
    .await;
}

/// Takes its time with the right password.
struct Pondering {
    open: Open,
    begun: Arc<Semaphore>,
    allowed: Arc<Semaphore>,
}

impl Gate for Pondering {
    fn wants_password(&self, _user: &[u8]) -> bool {
        true
    }

    fn admit<'a>(
        &'a self,
        attempt: Attempt,
    ) -> Pin<Box<dyn Future<Output = Result<Admission, Denied>> + Send + 'a>> {
        Box::pin(async move {
            if attempt.password.as_slice() != b"right" {
                return Err(Denied::WrongPassword);
            }
            self.begun.add_permits(1);
            self.allowed.acquire().await.expect("it is never closed").forget();
            Ok(self.open.admission())
        })
    }
}
