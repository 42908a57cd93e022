//! Do the fuzz targets survive a short run?

use std::fs;

use crate::chance;
use crate::project::Project;
use crate::report::Findings;
use crate::run::{Said, answers, find, run};

/// Seconds for each target under libFuzzer: enough to try its corpus and some thousand changes of it.
const SECONDS: u32 = 5;
/// Inputs for each body where there is no libFuzzer.
const RUNS: u32 = 20_000;

/// Each target for a few seconds with the nightly toolchain and cargo-fuzz; without them a bounded number of
/// random inputs to the same bodies.
pub(crate) fn smoke(project: &Project) -> Findings {
    if let (Some(rustup), Some(_)) = (find("rustup"), find("cargo-fuzz")) {
        let nightly = |words: &[&str]| {
            let mut call = std::process::Command::new(&rustup);
            call.args(["run", "nightly", "cargo"]).args(words).current_dir(&project.root);
            // These name the toolchain that runs us.
            call.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
            call
        };
        if answers(nightly(&["--version"])) {
            let mut findings = Findings::default();
            for target in targets(project) {
                let limit = format!("-max_total_time={SECONDS}");
                let Said { good, text } = run(&mut nightly(&["fuzz", "run", &target, "--", &limit]));
                findings.add_check(good, &text);
            }
            findings.remark = format!("{SECONDS} s each with libFuzzer");
            return findings;
        }
    }
    let (runs, seed) = (RUNS.to_string(), chance::seed());
    let program = ["run", "--quiet", "--package", "fuzz-bodies", "--bin", "fuzz-smoke", "--"];
    let bounded = program.into_iter().chain(["--runs", &runs, "--seed", &seed]);
    let Said { good, text } = run(&mut project.cargo(bounded));
    let remark = format!("{RUNS} random inputs each: cargo-fuzz or the nightly toolchain is not installed");
    let mut findings = Findings::check(good, &text);
    // It says `NAME: held` for each, and ends at the first that does not.
    findings.passed = text.lines().filter(|line| line.ends_with(": held")).count();
    Findings { remark, ..findings }
}

fn targets(project: &Project) -> Vec<String> {
    let Ok(entries) = fs::read_dir(project.root.join("fuzz/fuzz_targets")) else { return Vec::new() };
    let files = entries.flatten().map(|entry| entry.path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
