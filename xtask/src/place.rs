//! Where is the project, where does it build, and how is cargo called there?

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run;

/// The folders of the project.
#[derive(Debug)]
pub(crate) struct Place {
    /// The project's root.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    /// Where the other servers are kept.
    pub(crate) peers: PathBuf,
}

impl Place {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the project")?.to_owned();
        let mut place = Self { target: PathBuf::new(), peers: PathBuf::new(), root };
        let told = place
            .cargo(["metadata", "--no-deps", "--format-version=1"])
            .output()
            .context("cargo does not start")?;
        let told: serde_json::Value = serde_json::from_slice(&told.stdout)
            .with_context(|| format!("cargo metadata: {}", String::from_utf8_lossy(&told.stderr)))?;
        place.target =
            told["target_directory"].as_str().context("cargo metadata tells no target directory")?.into();
        place.peers = place.target.join("peers");
        Ok(place)
    }

    /// A call of cargo in the project's root.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut call = Command::new(cargo);
        call.args(arguments).current_dir(&self.root).env("CARGO_TERM_COLOR", "never");
        // What cargo tells xtask of itself must not look like a change of the environment to other packages' builds.
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
