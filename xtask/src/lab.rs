//! How are the tests in networks of our own run and counted?
//!
//! They are a program, not tests of cargo: each needs a network, and the run as a whole needs namespaces. See
//! `lab`.

use crate::project::Project;
use crate::report::{Findings, Skip};
use crate::run::{Said, run};

/// What the command line asks of the lab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// The slow ones too, and what others' programs do.
    pub(crate) nightly: bool,
    /// Write the table into the documents.
    pub(crate) write: bool,
}

impl Flags {
    /// Takes one from the command line. Says whether there is one of this name.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        match word {
            "--nightly" => self.nightly = true,
            "--write" => self.write = true,
            _ => return false,
        }
        true
    }
}

/// Builds what is needed and runs it. `pasv_is_built`: the tests were built, and the program with them.
pub(crate) fn step(project: &Project, flags: Flags, pasv_is_built: bool) -> Findings {
    // Where the tests are built, so is pasv, and with their features: asked for alone it would be built once
    // more.
    let wanted: &[&str] = if pasv_is_built { &["lab"] } else { &["lab", "cli"] };
    for package in wanted {
        let Said { good, text } =
            run(&mut project.cargo(["build", "--quiet", "--bins", "--package", package]));
        if !good {
            return Findings::check(false, &text);
        }
    }
    let programs = project.target.join("debug");
    let mut call = std::process::Command::new(programs.join("lab"));
    call.arg("--pasv")
        .arg(programs.join("pasv"))
        .arg("--peers")
        .arg(&project.peers)
        .current_dir(&project.root);
    call.args(flags.nightly.then_some("--nightly"));
    if flags.write {
        call.arg("--write").arg(project.root.join("docs/networks.md"));
    }
    counted(&run(&mut call))
}

/// The findings, from what the lab has printed.
fn counted(said: &Said) -> Findings {
    let mut findings = Findings::default();
    for line in said.text.lines() {
        if let Some((name, why)) = line.strip_prefix("skipped: ").and_then(|rest| rest.split_once(" (")) {
            findings.skipped.push(Skip::of(name, why.trim_end_matches(')')));
        } else if line.starts_with("ok ") {
            findings.passed += 1;
        } else if line.starts_with("FAILED ") {
            findings.failed += 1;
        }
    }
    if !said.good {
        // It may have failed before any test did.
        findings.failed += usize::from(findings.failed == 0);
        let told = |line: &&str| !line.starts_with("ok ") && !line.starts_with("skipped");
        findings.details = said.text.lines().filter(told).map(|line| format!("{line}\n")).collect();
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{Flags, counted};
    use crate::run::Said;

    #[test]
    fn what_the_lab_prints_is_counted() {
        let text = "ok         0.1 s  open ours/ours\nskipped           open ours/vsftpd\n\
                    FAILED            mtu ours/ours\n                  it stood still\n\
                    theirs    40.0 s  mtu curl/ours: fails: no\n\
                    skipped: open ours/vsftpd (vsftpd needs root)\n1 passed, 1 failed, 1 skipped\n";
        let findings = counted(&Said { good: false, text: text.to_owned() });
        assert_eq!((findings.passed, findings.failed, findings.skipped.len()), (1, 1, 1));
        assert_eq!(findings.skipped[0].why, "vsftpd needs root");
        assert!(findings.details.contains("it stood still") && !findings.details.contains("open"));
        assert_eq!(counted(&Said { good: false, text: String::new() }).failed, 1);
    }

    #[test]
    fn flags_are_taken_by_name() {
        let mut flags = Flags::default();
        assert!(flags.take("--write") && !flags.take("--fast"));
        assert_eq!(flags, Flags { nightly: false, write: true });
    }
}
