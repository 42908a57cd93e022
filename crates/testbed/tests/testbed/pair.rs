//! Do our client and our server understand each other, whatever happens between them?
//!
//! [`server::Session`] and the client's [`Goal`](client::session::Goal)s are pure, so a whole session of both
//! is a calculation: what one says is put on a wire in memory, cut anywhere, delayed, doubled or lost, and
//! given to the other. Time is a number. A life is one client with a list of tasks; all of it follows from
//! its seed.
//!
//! ```text
//!   Goal <--> client.rs <--> net.rs: control and data pipes, faults <--> server.rs <--> Session, a tree in memory
//! ```
//! What holds in each life: it ends, without a panic; a download that the client believes is equal to the
//! file; an upload that the client believes is in the tree, and one that the server believes is what the
//! client has sent to its end; after TLS was agreed on no data goes without it; no event and no error holds
//! the password.
//!
//! `PAIR_LIVES=100000` tries more lives, `PAIR_SEED=7` begins at another one.
mod client;
mod net;
mod server;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use world::World;

/// How many lives are tried. Two seconds in a debug build.
const LIVES: u64 = 5_000;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Lives the life of a seed, with so many faults at the most. What is wrong with it, and all that happened.
fn live(seed: u64, faults: u32, tells: bool) -> Result<World, (String, Vec<String>)> {
    let mut world = World::new(seed, faults, tells);
    let lived = catch_unwind(AssertUnwindSafe(|| world.live()));
    let wrong = match lived {
        Ok(Ok(())) => return Ok(world),
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
        }
    };
    Err((wrong, world.into_story()))
}

/// The same life with fewer faults, as few as still show what is wrong.
fn shortest(seed: u64) -> (u32, String, Vec<String>) {
    (0..=world::FAULTS)
        .find_map(|faults| live(seed, faults, true).err().map(|(wrong, story)| (faults, wrong, story)))
        .unwrap_or_else(|| {
            panic!("seed {seed} was wrong once and is well now: it does not follow from its seed")
        })
}

#[test]
fn lives_end_well() {
    let (first, lives) = (variable("PAIR_SEED", 1), variable("PAIR_LIVES", LIVES));
    let started = Instant::now();
    let mut counts = world::Counts::default();
    for seed in first..first + lives {
        match live(seed, world::FAULTS, false) {
            Ok(world) => counts.add(&world.counts),
            Err(_) => {
                let (faults, wrong, story) = shortest(seed);
                panic!("seed {seed} with {faults} faults: {wrong}\n\n{}", story.join("\n"));
            }
        }
    }
    let rate = lives as f64 / started.elapsed().as_secs_f64();
    println!("{lives} lives, {rate:.0} a second: {counts:?}");
    // Else what is tried above is not tried.
    let least = counts.downloads.min(counts.uploads).min(counts.failures);
    assert!(least > lives / 4, "{counts:?}");
}
