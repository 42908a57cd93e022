//! Which steps has the test of everything?

use anyhow::{Context as _, Result};

use crate::lab::Flags;
use crate::place::Place;
use crate::report::Report;
use crate::suite::Suite;
use crate::{checks, fuzz, lab, suite, tools};

/// One step of `cargo xtask test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The programs that the others need.
    Tools,
    /// rustfmt.
    Format,
    /// clippy.
    Lint,
    /// rustdoc, and the links of the pages.
    Docs,
    /// Tests that open no socket.
    Pure,
    /// Tests over loopback.
    Loopback,
    /// Tests with other people's programs.
    Interop,
    /// Tests in networks of our own.
    Lab,
    /// A few seconds of fuzzing.
    Fuzz,
}

impl Step {
    /// All, in the order in which they run: the quick ones that fail most often first.
    pub(crate) const ALL: [Self; 9] = [
        Self::Tools,
        Self::Format,
        Self::Lint,
        Self::Docs,
        Self::Pure,
        Self::Loopback,
        Self::Interop,
        Self::Lab,
        Self::Fuzz,
    ];

    /// The step called `name`.
    pub(crate) fn named(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|step| step.name() == name)
            .with_context(|| format!("there is no step called {name}"))
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Format => "format",
            Self::Lint => "lint",
            Self::Docs => "docs",
            Self::Pure => "pure",
            Self::Loopback => "loopback",
            Self::Interop => "interop",
            Self::Lab => "lab",
            Self::Fuzz => "fuzz",
        }
    }

    /// What it does, in a line.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Tools => "fetch the clients and servers that interop and lab need (as root, with apt)",
            Self::Format => "is the code formatted? (rustfmt)",
            Self::Lint => "does clippy have anything to say?",
            Self::Docs => "do the docs build without a warning, and do the pages' links lead somewhere?",
            Self::Pure => "tests that open no socket: units, properties, golden sessions",
            Self::Loopback => "the real server and client over loopback, with well and badly behaved peers",
            Self::Interop => "pasv with other people's clients and servers",
            Self::Lab => "the same in networks of our own: firewalls, NAT, dead families, black holes",
            Self::Fuzz => "a short run of each fuzz target",
        }
    }

    /// Runs it.
    pub(crate) fn run(self, place: &Place, flags: Flags, report: &mut Report) -> Result<()> {
        match self {
            Self::Tools => _ = report.step("tools", || tools::fetch(place)),
            Self::Format => _ = report.step("format", || checks::format(place)),
            Self::Lint => _ = report.step("lint", || checks::lint(place)),
            Self::Docs => _ = report.step("docs", || checks::docs(place)),
            Self::Pure => suite::run(Suite::Pure, place, report)?,
            Self::Loopback => suite::run(Suite::Loopback, place, report)?,
            Self::Interop => suite::run(Suite::Interop, place, report)?,
            Self::Lab => {
                let pasv_is_built = report.built == Some(true);
                report.step("lab", || lab::step(place, flags, pasv_is_built));
            }
            Self::Fuzz => _ = report.step("fuzz", || fuzz::smoke(place)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn every_step_is_found_by_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()).ok(), Some(step));
        }
        assert!(Step::named("everything").is_err());
    }
}
