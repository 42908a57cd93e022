//! Whatever happens: is a file that was fetched the site's, and are all other files of the user as they were?
//!
//! Random sequences of what people do (fetch, resume, fetch trees, two at once, stop, kill), of what happens
//! at the site (files that change between and during transfers), of what goes wrong on the way (connections
//! that end at any byte), and of what lies in the folder (parts that somebody has planted). After each step:
//!
//! - success means that the target holds the bytes of one version that the site had during the step;
//! - anything else means that the target is as it was;
//! - every other file of the user is as it was, whatever the step came to.
//!
//! Of uploads: success means that the site's file is our file, of one version that it had during the step;
//! anything else means, at a site that publishes in one step, that it is as it was or ours; every other file
//! of the site is as it was. Of deletions: nothing beside what was named is gone.
//!
//! `PROPTEST_CASES` says how many sequences are tried, `PROPTEST_RNG_SEED` which.
mod download;
mod folder;
mod removal;
mod samples;
mod server;
mod upload;
mod world;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Tries so many cases, or as many as the environment says.
fn try_many<S: Strategy>(cases: u32, plans: &S, play: impl AsyncFn(S::Value) -> Result<(), String>) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tried =
        TestRunner::new(config).run(plans, |plan| runtime.block_on(play(plan)).map_err(TestCaseError::fail));
    if let Err(error) = tried {
        panic!("{error}");
    }
}
