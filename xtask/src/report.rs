//! What passed, failed and was skipped, and how is that reported?

use std::io::Write as _;
use std::time::{Duration, Instant};

/// What one step has found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Tests and checks that passed.
    pub(crate) passed: usize,
    /// Tests and checks that failed.
    pub(crate) failed: usize,
    /// Tests and checks that could not run.
    pub(crate) skipped: Vec<Skip>,
    /// Things this machine does not have: what is skipped for want of them is in `skipped` of the step that
    /// needs them.
    pub(crate) missing: Vec<Skip>,
    /// What failed, in full.
    pub(crate) details: String,
    /// A word beside the numbers.
    pub(crate) remark: String,
}

/// Something that could not be had or run.
#[derive(Debug)]
pub(crate) struct Skip {
    /// Its name.
    pub(crate) name: String,
    /// The reason.
    pub(crate) why: String,
}

/// All steps so far.
#[derive(Debug)]
pub(crate) struct Report {
    steps: Vec<(&'static str, Duration, Findings)>,
    started: Instant,
}

impl Findings {
    /// One check, passed or failed; of a failed one `text` is shown.
    pub(crate) fn check(good: bool, text: &str) -> Self {
        let mut findings = Self::default();
        findings.add_check(good, text);
        findings
    }

    /// One check that cannot run.
    pub(crate) fn skip(name: &str, why: &str) -> Self {
        Self { skipped: vec![Skip::of(name, why)], ..Self::default() }
    }

    /// One check more.
    pub(crate) fn add_check(&mut self, good: bool, text: &str) {
        if good {
            self.passed += 1;
        } else {
            self.failed += 1;
            self.details.push_str(text);
            self.details.push('\n');
        }
    }
}

impl Skip {
    /// `name` is skipped because of `why`.
    pub(crate) fn of(name: &str, why: &str) -> Self {
        Self { name: name.to_owned(), why: why.to_owned() }
    }
}

impl Report {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { steps: Vec::new(), started: Instant::now() }
    }

    /// Runs a step and prints its line, and what failed in it.
    pub(crate) fn step(&mut self, name: &'static str, work: impl FnOnce() -> Findings) -> bool {
        print!("{name:<10}");
        // A terminal that is gone is no reason to stop testing.
        let _ = std::io::stdout().flush();
        let start = Instant::now();
        let findings = work();
        let time = start.elapsed();
        let word = if findings.failed == 0 { "ok" } else { "FAILED" };
        let Findings { passed, failed, .. } = findings;
        let counts = format!("{passed} passed, {failed} failed, {} skipped", findings.skipped.len());
        let counts = if passed + failed + findings.skipped.len() == 0 { String::new() } else { counts };
        let line = format!("{word:<8}{:>9}  {counts}  {}", seconds(time), findings.remark);
        println!("{}", line.trim_end());
        if !findings.details.is_empty() {
            println!("{}", indented(findings.details.trim_end()));
        }
        self.steps.push((name, time, findings));
        self.steps.last().is_some_and(|(_, _, findings)| findings.failed == 0)
    }

    /// Has nothing failed?
    pub(crate) fn good(&self) -> bool {
        self.steps.iter().all(|(_, _, findings)| findings.failed == 0)
    }

    /// Prints the table, what was skipped, and the sum as the last line.
    pub(crate) fn summary(&self) {
        println!("\n{:<10}{:>9}{:>9}{:>9}{:>9}", "step", "time", "passed", "failed", "skipped");
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for (name, time, findings) in &self.steps {
            let row = [findings.passed, findings.failed, findings.skipped.len()];
            println!("{name:<10}{:>9}{:>9}{:>9}{:>9}", seconds(*time), row[0], row[1], row[2]);
            passed += row[0];
            failed += row[1];
            skipped += row[2];
        }
        println!("{:<10}{:>9}{passed:>9}{failed:>9}{skipped:>9}\n", "all", seconds(self.started.elapsed()));
        for (_, _, findings) in &self.steps {
            for Skip { name, why } in findings.missing.iter().chain(&findings.skipped) {
                println!("skipped: {name} ({why})");
            }
        }
        println!("{passed} passed, {failed} failed, {skipped} skipped");
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_good_until_something_fails() {
        let mut report = Report::new();
        assert!(report.step("one", || Findings::check(true, "not shown")));
        assert!(report.step("two", || Findings::skip("a test", "no reason")));
        assert!(report.good());
        assert!(!report.step("three", || Findings::check(false, "shown")));
        assert!(!report.good());
    }
}
