//! What may this process do with a file?
//!
//! For one name the kernel is asked ([`may`]), which knows of access lists and capabilities. For the thousand
//! names of a listing the permission bits are read ([`Process`]).
use std::os::fd::AsFd;

use rustix::fs::{Access as Mode, AtFlags, StatVfsMountFlags, accessat, fstatvfs};
use rustix::io::Errno;

use super::facts::Facts;
use crate::{Access, FileType};

/// Does the kernel allow this with a name of a directory? A link at that name is followed.
pub(super) fn may(dir: impl AsFd, name: &[u8], what: Mode) -> bool {
    match accessat(&dir, name, what, AtFlags::EACCESS) {
        // A kernel before 5.8, or a sandbox that does not know the call: then by the real user, who is the
        // same one unless the program is set-user-ID.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
            accessat(&dir, name, what, AtFlags::empty()).is_ok()
        }
        answer => answer.is_ok(),
    }
}

/// What the kernel allows with one name; of the tree's root, which has no directory above it, nothing is
/// removed.
pub(super) fn of(dir: impl AsFd, name: &[u8], stat: &Facts, within: Option<(&Process, &Within)>) -> Access {
    // (The kernel would be asked for what a link leads to.)
    let link = stat.kind == FileType::Link;
    Access {
        read: link || may(&dir, name, Mode::READ_OK),
        write: !link
            && may(&dir, name, Mode::WRITE_OK)
            && within.is_none_or(|(process, within)| process.may_write(stat, within)),
        enter: stat.kind == FileType::Directory && may(&dir, name, Mode::EXEC_OK),
        remove: within
            .is_some_and(|(process, within)| within.writable && process.may_unlink(stat.posix.uid, within)),
    }
}

/// Who the process is, as far as permission bits ask for it.
#[derive(Debug)]
pub(super) struct Process {
    uid: u32,
    groups: Vec<u32>,
}

impl Process {
    /// This process, now.
    pub(super) fn current() -> Self {
        let mut groups: Vec<u32> =
            rustix::process::getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect();
        groups.push(rustix::process::getegid().as_raw());
        Self { uid: rustix::process::geteuid().as_raw(), groups }
    }

    /// What the permission bits allow, the directory being `within`.
    pub(super) fn access(&self, stat: &Facts, within: &Within) -> Access {
        let bits = match () {
            () if self.uid == 0 => 7,
            () if stat.posix.uid == self.uid => stat.posix.mode >> 6,
            () if self.groups.contains(&stat.posix.gid) => stat.posix.mode >> 3,
            () => stat.posix.mode,
        };
        let link = stat.kind == FileType::Link;
        Access {
            read: bits & 4 != 0 || link,
            write: bits & 2 != 0 && !link && self.may_write(stat, within),
            enter: bits & 1 != 0 && stat.kind == FileType::Directory,
            remove: within.writable && self.may_unlink(stat.posix.uid, within),
        }
    }

    /// As far as the file system and the directory are concerned: uploads need to replace a file of another
    /// user's.
    fn may_write(&self, stat: &Facts, within: &Within) -> bool {
        !within.read_only && (stat.kind == FileType::Directory || self.may_unlink(stat.posix.uid, within))
    }

    /// In a sticky directory only the owner of a name, or of the directory, may remove it or replace it.
    pub(super) fn may_unlink(&self, owner: u32, within: &Within) -> bool {
        self.uid == 0 || within.sticky_of.is_none_or(|of| of == self.uid || owner == self.uid)
    }

    /// Does a file that replaces one of this owner's have the same owner? Only the superuser gives files
    /// away.
    pub(super) fn keeps_owner_of(&self, uid: u32) -> bool {
        self.uid == 0 || self.owns(uid)
    }

    /// Does a file belong to this process's user?
    pub(super) fn owns(&self, uid: u32) -> bool {
        self.uid == uid
    }
}

/// What a directory means for the names in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// Names may be made and removed.
    writable: bool,
    /// Nothing may be changed in the file system that it is in.
    read_only: bool,
    /// The owner of a sticky directory.
    sticky_of: Option<u32>,
}

impl Within {
    /// Of a directory of which this much is known.
    pub(super) fn new(dir: impl AsFd, stat: &Facts) -> Self {
        Self {
            read_only: fstatvfs(&dir).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY)),
            writable: may(dir, b".", Mode::WRITE_OK | Mode::EXEC_OK),
            sticky_of: (stat.posix.mode & 0o1000 != 0).then_some(stat.posix.uid),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Posix, Time};

    fn stat(kind: FileType, mode: u32, uid: u32, gid: u32) -> Facts {
        Facts {
            kind,
            size: 0,
            modified: Time::default(),
            created: None,
            posix: Posix { mode, uid, gid, links: 1 },
            unique: (0, 0),
        }
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        let me = Process { uid: 10, groups: vec![20, 21] };
        let open = Within { writable: true, read_only: false, sticky_of: None };
        let bits = |mode, uid, gid| {
            let access = me.access(&stat(FileType::Directory, mode, uid, gid), &open);
            (access.read, access.write, access.enter)
        };
        assert_eq!(bits(0o077, 10, 20), (false, false, false), "the owner's bits, though others have more");
        assert_eq!(bits(0o740, 10, 99), (true, true, true));
        assert_eq!(bits(0o730, 11, 21), (false, true, true));
        assert_eq!(bits(0o775, 11, 99), (true, false, true));
        let root = Process { uid: 0, groups: vec![] };
        assert_eq!(root.access(&stat(FileType::Directory, 0, 1, 1), &open), Access::ALL);
        let link = me.access(&stat(FileType::Link, 0o777, 1, 1), &open);
        assert!(link.read && link.remove && !link.write && !link.enter);
    }

    #[test]
    fn a_sticky_directory_keeps_the_names_of_others() {
        let me = Process { uid: 10, groups: vec![] };
        let sticky = |of| Within { writable: true, read_only: false, sticky_of: Some(of) };
        assert!(!me.may_unlink(11, &sticky(0)));
        assert!(me.may_unlink(10, &sticky(0)) && me.may_unlink(11, &sticky(10)));
        let closed = Within { writable: false, read_only: false, sticky_of: None };
        assert!(!me.access(&stat(FileType::File, 0o666, 10, 10), &closed).remove);
    }
}
