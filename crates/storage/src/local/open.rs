//! How is an entry of a directory opened, whatever it is?
use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::{Mode, OFlags, openat};

/// For an entry of any kind: a link is not followed, and the other end of a pipe not waited for.
pub(super) const AS_IT_IS: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Opens what has a name in a directory.
pub(super) fn open_name(dir: impl AsFd, name: &[u8], flags: OFlags) -> rustix::io::Result<File> {
    openat(dir, name, flags | AS_IT_IS, Mode::empty()).map(File::from)
}
