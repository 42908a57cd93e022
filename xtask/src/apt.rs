//! How are Debian's packages installed?
use std::process::Command;

use crate::run::{Said, find, last_words, run};

/// Debian's package tool, as far as we may use it.
#[derive(Debug)]
pub(crate) struct Apt {
    refusal: Option<&'static str>,
    fresh: bool,
}

impl Apt {
    pub(crate) fn find() -> Self {
        let refusal = match () {
            () if find("apt-get").is_none() => Some("not installed, and there is no apt to install it"),
            () if !rustix::process::geteuid().is_root() => {
                Some("not installed, and only root can install it")
            }
            () => None,
        };
        Self { refusal, fresh: false }
    }

    /// Installs a package, or says why that is not possible.
    pub(crate) fn install(&mut self, package: &str) -> Result<(), String> {
        self.call(Command::new("apt-get").args([
            "install",
            "--yes",
            "--no-install-recommends",
            "-qq",
            package,
        ]))
    }

    /// Runs a call of apt-get, after `apt-get update` where it fails without.
    pub(crate) fn call(&mut self, call: &mut Command) -> Result<(), String> {
        if let Some(refusal) = self.refusal {
            return Err(refusal.to_owned());
        }
        let mut said = run(call.env("DEBIAN_FRONTEND", "noninteractive"));
        if !said.good && !self.fresh {
            self.fresh = true;
            // Whether the lists are good enough shows in what is asked for next.
            run(Command::new("apt-get").args(["update", "-qq"]));
            said = run(call);
        }
        let Said { good, text } = said;
        if good { Ok(()) } else { Err(format!("apt-get: {}", last_words(&text))) }
    }
}
