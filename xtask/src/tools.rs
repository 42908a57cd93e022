//! Which programs do the tests need, and where do they come from?

use crate::apt::Apt;
use crate::peers;
use crate::project::Project;
use crate::report::{Findings, Skip};
use crate::run::find;

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
