//! Is the code formatted, clean and documented?

use crate::comments;
use crate::links;
use crate::project::Project;
use crate::report::Findings;
use crate::run::{Said, run};

/// `cargo fmt --check`.
pub(crate) fn format(project: &Project) -> Findings {
    if !project.has_cargo("fmt") {
        return Findings::skip("format", "rustfmt is not installed");
    }
    let Said { good, text } = run(&mut project.cargo(["fmt", "--all", "--check", "--", "--color=never"]));
    Findings::check(good, &text)
}

/// `cargo clippy`, in which a warning is an error, and the width of comments.
pub(crate) fn lint(project: &Project) -> Findings {
    let wide = comments::too_wide(&project.root);
    let mut findings = Findings::check(wide.is_empty(), &wide.join("\n"));
    if !project.has_cargo("clippy") {
        findings.skipped = Findings::skip("lint", "clippy is not installed").skipped;
        return findings;
    }
    let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    let Said { good, text } = run(&mut project.cargo(arguments));
    findings.add_check(good, &text);
    findings
}

/// `cargo doc`, in which a warning is an error, and the links of all Markdown pages.
pub(crate) fn docs(project: &Project) -> Findings {
    let mut findings = Findings::default();
    let mut doc = project.cargo(["doc", "--quiet", "--workspace", "--no-deps"]);
    let Said { good, text } = run(doc.env("RUSTDOCFLAGS", "-D warnings"));
    findings.add_check(good, &text);
    let broken = links::broken(&project.root);
    findings.add_check(broken.is_empty(), &broken.join("\n"));
    findings
}
