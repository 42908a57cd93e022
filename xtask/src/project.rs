//! Where is the project, where does it build, and how is cargo called there?

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run;

/// The folders of the project.
#[derive(Debug)]
pub(crate) struct Project {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// Where the other servers are kept.
    pub(crate) peers: PathBuf,
}

impl Project {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the project")?.to_owned();
        let mut project = Self { target: PathBuf::new(), peers: PathBuf::new(), root };
        let told = project
            .cargo(["metadata", "--no-deps", "--format-version=1"])
            .output()
            .context("cargo does not start")?;
        let told: serde_json::Value = serde_json::from_slice(&told.stdout)
            .with_context(|| format!("cargo metadata: {}", String::from_utf8_lossy(&told.stderr)))?;
        project.target =
            told["target_directory"].as_str().context("cargo metadata tells no target directory")?.into();
        project.peers = project.target.join("peers");
        Ok(project)
    }

    /// A call of cargo in the project's root.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut call = Command::new(cargo);
        call.args(arguments).current_dir(&self.root).env("CARGO_TERM_COLOR", "never");
        // What cargo tells xtask of itself must not look like a change of the environment to other packages'
        // builds.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_")
                || text.starts_with("CARGO_MANIFEST_")
                || text == "CARGO_BIN_NAME"
            {
                call.env_remove(&name);
            }
        }
        call
    }

    /// Does cargo have this subcommand?
    pub(crate) fn has_cargo(&self, subcommand: &str) -> bool {
        run::answers(self.cargo([subcommand, "--version"]))
    }
}

/// The files below `folder` whose names end in `.extension`, without what is hidden or built.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                found.extend(files(&path, extension));
            }
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
    found
}

/// What `look` finds in the files below `root` whose names end in `.extension`, as `file:line: what`.
pub(crate) fn complaints(
    root: &Path,
    extension: &str,
    look: impl Fn(&Path, &str) -> Vec<(usize, String)>,
) -> Vec<String> {
    let mut found = Vec::new();
    for file in files(root, extension) {
        let shown = file.strip_prefix(root).unwrap_or(&file).display();
        match fs::read_to_string(&file) {
            Ok(text) => {
                let said = look(&file, &text).into_iter();
                found.extend(said.map(|(line, what)| format!("{shown}:{line}: {what}")));
            }
            Err(error) => found.push(format!("{shown}: {error}")),
        }
    }
    found.sort();
    found
}
