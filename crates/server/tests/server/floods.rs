//! Does the server keep its limits and deadlines with clients that never pause?
use std::fs;
use std::time::Duration;

use server::Settings;

use crate::scene::{Scene, patiently};

/// A packet of 4096 bytes holds five hundred `STAT directory`. Their answers were all put together in memory before the
/// first was written: some hundred megabytes for each client that asks and does not read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_hold_up_the_commands_behind_them() {
    let mut settings = Settings::default();
    settings.deadlines.stall = Duration::from_millis(300);
    settings.limits.sessions = 1;
    let scene = Scene::open(settings);
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
}
