//! What does a program show on a terminal?

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::process::clean;

/// Runs a program to its end with stderr on a terminal of so many columns: all that was written there,
/// escapes included.
pub(crate) fn on_a_terminal(command: &mut Command, columns: u16) -> (ExitStatus, String) {
    let (ours, its) = pair(columns);
    let home = tempfile::tempdir().expect("a home for the program");
    let child = clean(command, home.path())
        .stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(File::from(its))
        .spawn();
    // The terminal ends with the last handle of its other side.
    command.stderr(Stdio::null());
    let mut said = Vec::new();
    // Linux ends a terminal that nobody has open any more with EIO.
    let _ = File::from(ours).read_to_end(&mut said);
    let status = child.and_then(|mut child| child.wait()).expect("the end of a child of ours");
    (status, String::from_utf8(said).expect("UTF-8 on the terminal"))
}

/// Both sides of a terminal.
fn pair(columns: u16) -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&ours).expect("the right to use a terminal of ours");
    unlockpt(&ours).expect("the use of a terminal of ours");
    let name = ptsname(&ours, Vec::new()).expect("the terminal's name");
    let its = open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty());
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).expect("a size for a terminal of ours");
    (ours, its.expect("the terminal's other side"))
}
