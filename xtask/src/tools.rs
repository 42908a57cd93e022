//! Which programs do the tests need, and where do they come from?

use std::process::Command;

use crate::peers;
use crate::project::Project;
use crate::report::{Findings, Skip};
use crate::run::{Said, find, last_words, run};

/// Programs with the Debian package each is in.
const PROGRAMS: &[(&str, &str)] = &[
    ("curl", "curl"),
    ("lftp", "lftp"),
    ("openssl", "openssl"),
    ("ncftpget", "ncftp"),
    ("wget", "wget"),
    ("tnftp", "tnftp"),
    ("python3", "python3"),
    ("rclone", "rclone"),
    ("ftp-ssl", "ftp-ssl"),
    ("pebble", "pebble"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("strace", "strace"),
    ("nft", "nftables"),
    ("iptables-restore", "iptables"),
    ("ufw", "ufw"),
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
];

/// Finds or fetches all of it. What cannot be had is noted and fails nothing.
pub(crate) fn fetch(project: &Project) -> Findings {
    let mut apt = Apt::find();
    let mut missing = Vec::new();
    for (program, package) in PROGRAMS {
        if find(program).is_none()
            && let Err(why) = apt.install(package)
        {
            missing.push(Skip::of(package, &why));
        }
    }
    missing.extend(peers::fetch(project, &mut apt));
    Findings { missing, ..Findings::default() }
}

/// Debian's package tool, as far as we may use it.
#[derive(Debug)]
pub(crate) struct Apt {
    refusal: Option<&'static str>,
    fresh: bool,
}

impl Apt {
    fn find() -> Self {
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
