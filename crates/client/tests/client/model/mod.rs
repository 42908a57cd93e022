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

use proptest::test_runner::{Config, TestRunner};

/// A configuration that the environment may override.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(cases);
    TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() })
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
