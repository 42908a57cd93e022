//! Which tests belong to which step, and how are they run and counted?
//!
//! ```text
//!   interop    crates/cli/tests/it, module `interop`
//!   loopback   the crate net, and the test binaries `server`, `client` and `it`, but the modules called `pure` there
//!   pure       all others
//! ```

use std::fs;

use crate::chance;
use crate::project::Project;
use crate::report::{Findings, Skip};
use crate::run::{self, Said};

/// The tests of one step.
#[derive(Debug)]
pub(crate) struct Suite {
    name: &'static str,
    /// A filter expression of nextest.
    filter: &'static str,
    /// The same as calls of `cargo test`, where nextest is not installed.
    calls: &'static [&'static str],
}

macro_rules! interop {
    () => {
        "(package(cli) & binary(it) & test(/^interop::/))"
    };
}

macro_rules! loopback {
    () => {
        "(package(net) | (kind(test) & binary(/^(server|client|remote|it)$/) - test(/(^|::)pure::/)))"
    };
}

/// Tests that open no socket.
pub(crate) const PURE: Suite = Suite {
    name: "pure",
    filter: concat!("all() - ", loopback!(), " - ", interop!()),
    calls: &[
        "--workspace --exclude net --exclude server --exclude client --exclude cli",
        "-p server -p client --lib",
        "-p cli --bins",
        "-p client --test session",
        "-p server --test server -- pure::",
    ],
};

/// Tests that talk over loopback, among themselves.
pub(crate) const LOOPBACK: Suite = Suite {
    name: "loopback",
    filter: concat!(loopback!(), " - ", interop!()),
    calls: &[
        "-p net",
        "-p server -p client -p cli --test server --test client --test it -- --skip pure:: --skip interop::",
    ],
};

/// Tests with other people's programs.
pub(crate) const INTEROP: Suite =
    Suite { name: "interop", filter: interop!(), calls: &["-p cli --test it -- interop::"] };

/// Builds all tests, once for all suites.
pub(crate) fn build(project: &Project) -> Findings {
    let nextest = project.has_cargo("nextest");
    let words: &[&str] = if nextest { &["nextest", "run", "--no-run"] } else { &["test", "--no-run"] };
    let Said { good, text } = run::run(project.cargo(words).arg("--workspace"));
    let findings = if good { Findings::default() } else { Findings::check(false, &text) };
    let remark = if nextest { "" } else { "with cargo test: cargo-nextest is not installed" };
    Findings { remark: remark.to_owned(), ..findings }
}

/// Runs the tests of `suite`, where they were built.
pub(crate) fn run(suite: &Suite, project: &Project, built: Option<bool>) -> Findings {
    if built == Some(false) {
        return Findings::skip(suite.name, "the tests do not build");
    }
    // The file into which tests write that they were skipped; see `crates/testbed/src/need.rs`.
    let log = project.target.join(format!("skipped-{}", suite.name));
    if let Err(error) = fs::write(&log, "") {
        return Findings::check(false, &format!("the skip log {}: {error}", log.display()));
    }
    let mut findings = Findings::default();
    let mut call = |words: &str, filter: Option<&str>, counts: fn(&str) -> Option<(usize, usize)>| {
        let mut call = project.cargo(words.split(' '));
        call.args(filter).env("PASV_SKIP_LOG", &log).env("PASV_PEERS", &project.peers);
        count(&mut findings, &run::run(call.env(chance::VARIABLE, chance::seed())), counts);
    };
    if project.has_cargo("nextest") {
        let words = "nextest run --workspace --no-fail-fast --no-tests=pass --status-level=fail -E";
        call(words, Some(suite.filter), nextest_counts);
        if suite.name == PURE.name {
            // nextest does not run the examples in the docs.
            call("test --doc --workspace", None, libtest_counts);
        }
    } else {
        for words in suite.calls {
            call(&format!("test --no-fail-fast {words}"), None, libtest_counts);
        }
    }
    // A skipped test ends well, so that it was counted as passed.
    findings.skipped = skipped(&fs::read_to_string(&log).unwrap_or_default());
    findings.passed = findings.passed.saturating_sub(findings.skipped.len());
    findings
}

fn count(findings: &mut Findings, said: &Said, counts: fn(&str) -> Option<(usize, usize)>) {
    let (passed, failed) = counts(&said.text).unwrap_or_default();
    findings.passed += passed;
    findings.failed += failed;
    if !said.good {
        // It may have failed before any test did.
        findings.failed += usize::from(failed == 0);
        findings.details.push_str(&said.text);
    }
}

/// Passed and failed, from `Summary [ 0.1s] 5 tests run: 4 passed (1 slow), 1 failed, 3 skipped`.
fn nextest_counts(text: &str) -> Option<(usize, usize)> {
    let summary = text.lines().rfind(|line| line.trim_start().starts_with("Summary ["))?;
    let (before, after) = summary.split_once(" run: ")?;
    let words = before.rsplit_once(']')?.1;
    // When it was interrupted, "3/5 tests": those that ran.
    let run: usize = words.split_whitespace().next()?.split('/').next()?.parse().ok()?;
    let passed =
        after.split(", ").find_map(|part| part.split_once(" passed")?.0.trim().parse().ok()).unwrap_or(0);
    Some((passed, run.saturating_sub(passed)))
}

/// Passed and failed, summed over lines like `test result: ok. 5 passed; 0 failed; 0 ignored; ...`.
fn libtest_counts(text: &str) -> Option<(usize, usize)> {
    let results = text.lines().filter_map(|line| line.strip_prefix("test result: "));
    let count = |line: &str, word: &str| -> Option<usize> {
        line.split([';', '.']).find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
    };
    results.map(|line| Some((count(line, "passed")?, count(line, "failed")?))).try_fold(
        (0, 0),
        |sum, next| {
            let (passed, failed) = next?;
            Some((sum.0 + passed, sum.1 + failed))
        },
    )
}

/// What is in the skip log: `test TAB what it needs TAB why it is not there`, each test once.
fn skipped(log: &str) -> Vec<Skip> {
    let skip = |line: &str| {
        let mut parts = line.split('\t');
        let (test, need, why) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Skip::of(test, &format!("{need}: {why}")))
    };
    let mut skips: Vec<Skip> = log.lines().filter_map(skip).collect();
    skips.sort_by(|one, other| one.name.cmp(&other.name));
    skips.dedup_by(|one, other| one.name == other.name);
    skips
}

#[cfg(test)]
mod tests {
    use super::{libtest_counts, nextest_counts};

    #[test]
    fn counts_of_nextest() {
        let text = "noise\n     Summary [   0.419s] 63 tests run: 47 passed (1 slow), 16 failed, 3 skipped\nerror: failed\n";
        assert_eq!(nextest_counts(text), Some((47, 16)));
        let timed_out = "     Summary [ 180.0s] 2 tests run: 1 passed, 1 timed out, 0 skipped\n";
        assert_eq!(nextest_counts(timed_out), Some((1, 1)));
        let all = "     Summary [   0.007s] 1 test run: 1 passed, 0 skipped\n";
        assert_eq!(nextest_counts(all), Some((1, 0)));
        assert_eq!(nextest_counts("error: could not compile"), None);
    }

    #[test]
    fn counts_of_cargo_test() {
        let text = "test result: ok. 8 passed; 0 failed; 0 ignored; 0 measured\nx\ntest result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(libtest_counts(text), Some((9, 2)));
    }
}
