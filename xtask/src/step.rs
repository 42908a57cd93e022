//! Which steps has `cargo xtask test`?

use anyhow::{Context as _, Result};

use crate::lab::Flags;
use crate::project::Project;
use crate::report::Findings;
use crate::{checks, fuzz, lab, suite, tools};

/// One step of `cargo xtask test`.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    pub(crate) about: &'static str,
    /// Are the tests to be built for it?
    pub(crate) runs_tests: bool,
    /// Runs it; the last argument says whether the tests were built, and well.
    pub(crate) run: fn(&Project, Flags, Option<bool>) -> Findings,
}

macro_rules! steps {
    ($($name:literal $runs_tests:literal $about:literal: $run:expr;)+) => {
        [$(Step { name: $name, about: $about, runs_tests: $runs_tests, run: $run }),+]
    };
}

/// All, in the order in which they run: the quick ones that fail most often first.
pub(crate) static STEPS: [Step; 9] = steps! {
    "tools" false "fetch the clients and servers that interop and lab need (as root, with apt)":
        |project, _, _| tools::fetch(project);
    "format" false "is the code formatted? (rustfmt)":
        |project, _, _| checks::format(project);
    "lint" false "does clippy have anything to say, and are comments at most 110 columns wide?":
        |project, _, _| checks::lint(project);
    "docs" false "do the docs build without a warning, and do the pages' links lead somewhere?":
        |project, _, _| checks::docs(project);
    "pure" true "tests that open no socket: units, properties, golden sessions":
        |project, _, built| suite::run(&suite::PURE, project, built);
    "loopback" true "the real server and client over loopback, with well and badly behaved peers":
        |project, _, built| suite::run(&suite::LOOPBACK, project, built);
    "interop" true "pasv with other people's clients and servers":
        |project, _, built| suite::run(&suite::INTEROP, project, built);
    "lab" false "the same in networks of our own: firewalls, NAT, dead families, black holes":
        |project, flags, built| lab::step(project, flags, built == Some(true));
    "fuzz" false "a short run of each fuzz target":
        |project, _, _| fuzz::smoke(project);
};

impl Step {
    /// The step called `name`.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        let found = STEPS.iter().find(|step| step.name == name);
        found.with_context(|| format!("there is no step called {name}"))
    }
}
