//! Which tasks does this project have, and how are they run?
#![forbid(unsafe_code)]

mod apt;
mod chance;
mod checks;
mod comments;
mod fuzz;
mod lab;
mod links;
mod peers;
mod project;
mod report;
mod run;
mod step;
mod suite;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use lab::Flags;
use project::Project;
use report::Report;
use step::{STEPS, Step};

const HELP: &str = "\
The chores of this project.

  cargo xtask test [STEP...]     run the steps named, or all of them in this order:
";

const MORE_HELP: &str = "
  cargo xtask test lab [--nightly] [--write]
                                 --nightly: what is slow too, and what others' programs do;
                                 --write: the table of docs/networks.md
  cargo xtask --help             this

A step prints one line, and details only when something failed. What a step needs and this
machine does not have is skipped by name. The last line is always
'N passed, N failed, N skipped'; the exit code is 1 if anything failed, 2 if the words on the
command line were not understood.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [] | ["help" | "-h" | "--help", ..] | [_, "-h" | "--help"] => {
            print!("{}", help());
            return ExitCode::SUCCESS;
        }
        ["test", names @ ..] => {
            let mut flags = Flags::default();
            let names = names.iter().filter(|word| !flags.take(word));
            let steps = names.map(|name| Step::named(name)).collect::<Result<Vec<_>>>();
            match steps {
                Ok(steps) if flags != Flags::default() && !steps.iter().any(|step| step.name == "lab") => {
                    return usage("--nightly and --write belong to the step lab");
                }
                Ok(steps) => test(&steps, flags),
                Err(error) => return usage(&error.to_string()),
            }
        }
        _ => return usage(&format!("not understood: {}", words.join(" "))),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the steps, in their own order and each once; none named means all. Says whether nothing failed.
fn test(named: &[&Step], flags: Flags) -> Result<bool> {
    let project = Project::find()?;
    let (mut report, mut built) = (Report::new(), None);
    for step in &STEPS {
        if named.is_empty() || named.iter().any(|named| named.name == step.name) {
            if step.runs_tests && built.is_none() {
                built = Some(report.step("build", || suite::build(&project)));
            }
            report.step(step.name, || (step.run)(&project, flags, built));
        }
    }
    report.summary();
    Ok(report.good())
}

fn help() -> String {
    let steps: Vec<_> = STEPS.iter().map(|step| format!("      {:<10}{}\n", step.name, step.about)).collect();
    format!("{HELP}{}{MORE_HELP}", steps.concat())
}

fn usage(what: &str) -> ExitCode {
    eprintln!("error: {what}\nhint: cargo xtask --help");
    ExitCode::from(2)
}
