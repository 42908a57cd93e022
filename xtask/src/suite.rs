//! Which tests belong to which step, and how are they run and counted?
//!
//! ```text
//!   interop    crates/cli/tests/it, module `interop`
//!   loopback   the crate net, and the test binaries `server`, `client` and `it`, but the modules called `pure` there
//!   pure       all others
//! ```

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::chance;
use crate::project::Project;
use crate::report::{Findings, Report, Skip};
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

/// Builds all tests, once for all suites, and runs those of `suite`.
pub(crate) fn run(suite: &Suite, project: &Project, report: &mut Report) -> Result<()> {
    let nextest = project.has_cargo("nextest");
    let build: &[&str] = if nextest { &["nextest", "run", "--no-run"] } else { &["test", "--no-run"] };
    let built = report.built.unwrap_or_else(|| {
        report.step("build", || {
            let Said { good, text } = run_cargo(project, build, &["--workspace"]);
            let failed = if good { Findings::default() } else { Findings::check(false, &text) };
            let remark = if nextest {
                String::new()
            } else {
                "with cargo test: cargo-nextest is not installed".to_owned()
            };
            Findings { remark, ..failed }
        })
    });
    report.built = Some(built);
    if !built {
        report.step(suite.name, || Findings::skip(suite.name, "the tests do not build"));
        return Ok(());
    }
    let log = SkipLog::new(project, suite)?;
    report.step(suite.name, || {
        let mut findings = Findings::default();
        if nextest {
            let arguments = "nextest run --workspace --no-fail-fast --no-tests=pass --status-level=fail -E";
            let mut call = project.cargo(arguments.split(' '));
            let said = run::run(log.told(call.arg(suite.filter), project));
            count(&mut findings, &said, nextest_counts(&said.text));
        } else {
            for call in suite.calls {
                let said = run::run(
                    log.told(project.cargo(["test", "--no-fail-fast"]).args(call.split(' ')), project),
                );
                count(&mut findings, &said, libtest_counts(&said.text));
            }
        }
        if suite.name == PURE.name && nextest {
            // nextest does not run the examples in the docs.
            let said = run_cargo(project, &["test", "--doc"], &["--workspace"]);
            count(&mut findings, &said, libtest_counts(&said.text));
        }
        // A skipped test ends well, so that it was counted as passed.
        findings.skipped = log.read();
        findings.passed = findings.passed.saturating_sub(findings.skipped.len());
        findings
    });
    Ok(())
}

fn run_cargo(project: &Project, words: &[&str], more: &[&str]) -> Said {
    run::run(project.cargo(words).args(more))
}

fn count(findings: &mut Findings, said: &Said, counts: Option<(usize, usize)>) {
    let (passed, failed) = counts.unwrap_or_default();
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

/// The file into which tests write that they were skipped; see `crates/testbed/src/need.rs`.
struct SkipLog {
    path: PathBuf,
}

impl SkipLog {
    fn new(project: &Project, suite: &Suite) -> Result<Self> {
        let path = project.target.join(format!("skipped-{}", suite.name));
        fs::write(&path, "").with_context(|| format!("the skip log {}", path.display()))?;
        Ok(Self { path })
    }

    fn told<'c>(
        &self,
        call: &'c mut std::process::Command,
        project: &Project,
    ) -> &'c mut std::process::Command {
        call.env("PASV_SKIP_LOG", &self.path)
            .env("PASV_PEERS", &project.peers)
            .env(chance::VARIABLE, chance::seed())
    }

    /// What is in it: `test TAB what it needs TAB why it is not there`, each test once.
    fn read(&self) -> Vec<Skip> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let mut skips: Vec<Skip> = text
            .lines()
            .filter_map(|line| {
                let mut parts = line.split('\t');
                let (test, need, why) = (parts.next()?, parts.next()?, parts.next()?);
                Some(Skip::of(test, &format!("{need}: {why}")))
            })
            .collect();
        skips.sort_by(|one, other| one.name.cmp(&other.name));
        skips.dedup_by(|one, other| one.name == other.name);
        skips
    }
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
