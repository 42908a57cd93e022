//! Which steps has `cargo xtask test`?

use anyhow::{Context as _, Result};

use crate::lab::Flags;
use crate::project::Project;
use crate::report::Report;
use crate::{checks, fuzz, lab, suite, tools};

/// One step of `cargo xtask test`.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    pub(crate) about: &'static str,
    /// Runs it.
    pub(crate) run: fn(&Project, Flags, &mut Report) -> Result<()>,
}

/// All, in the order in which they run: the quick ones that fail most often first.
pub(crate) static STEPS: [Step; 9] = [
    Step {
        name: "tools",
        about: "fetch the clients and servers that interop and lab need (as root, with apt)",
        run: |project, _, report| report.run("tools", || tools::fetch(project)),
    },
    Step {
        name: "format",
        about: "is the code formatted? (rustfmt)",
        run: |project, _, report| report.run("format", || checks::format(project)),
    },
    Step {
        name: "lint",
        about: "does clippy have anything to say, and are comments at most 110 columns wide?",
        run: |project, _, report| report.run("lint", || checks::lint(project)),
    },
    Step {
        name: "docs",
        about: "do the docs build without a warning, and do the pages' links lead somewhere?",
        run: |project, _, report| report.run("docs", || checks::docs(project)),
    },
    Step {
        name: "pure",
        about: "tests that open no socket: units, properties, golden sessions",
        run: |project, _, report| suite::run(&suite::PURE, project, report),
    },
    Step {
        name: "loopback",
        about: "the real server and client over loopback, with well and badly behaved peers",
        run: |project, _, report| suite::run(&suite::LOOPBACK, project, report),
    },
    Step {
        name: "interop",
        about: "pasv with other people's clients and servers",
        run: |project, _, report| suite::run(&suite::INTEROP, project, report),
    },
    Step {
        name: "lab",
        about: "the same in networks of our own: firewalls, NAT, dead families, black holes",
        run: |project, flags, report| {
            let pasv_is_built = report.built == Some(true);
            report.run("lab", || lab::step(project, flags, pasv_is_built))
        },
    },
    Step {
        name: "fuzz",
        about: "a short run of each fuzz target",
        run: |project, _, report| report.run("fuzz", || fuzz::smoke(project)),
    },
];

impl Step {
    /// The step called `name`.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let found = STEPS.iter().find(|step| step.name == name);
        found.with_context(|| format!("there is no step called {name}"))
    }
}
