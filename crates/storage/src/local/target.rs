//! Which file does an upload become, and may it?
//!
//! The path may end in a link: the upload goes to the file that it leads to, beneath the root, as a write by
//! any program would; its part is beside that file. What the permissions of the file system would refuse when
//! the upload is published is refused before its data comes.
use std::os::fd::OwnedFd;

use rustix::fs::{Access, OFlags};

use super::facts::{self, Facts};
use super::inner::Inner;
use super::resolve::{Reach, physical};
use super::rights::{self, Within};
use crate::{Error, FileType, Kind, Result, VPath};

/// The file that an upload becomes.
pub(super) struct Target {
    /// The directory it is in.
    pub(super) dir: OwnedFd,
    /// Its name there, which is no link.
    pub(super) name: Vec<u8>,
    /// What is there now.
    pub(super) standing: Option<Facts>,
}

/// Finds it. Only regular files that may be written, and names that are free, are targets.
pub(super) fn find(inner: &Inner, path: &VPath) -> Result<Target> {
    let Some((dir, name)) = inner.root.parent(path, Reach::Disk)? else {
        return Err(Kind::IsADirectory.into());
    };
    let target = Target { standing: look(&dir, name)?, dir, name: name.to_vec() };
    let target = match &target.standing {
        Some(stat) if stat.kind == FileType::Link => through_link(inner, path)?,
        _ => target,
    };
    let Some(stat) = &target.standing else { return Ok(target) };
    match stat.kind {
        FileType::File => {}
        FileType::Directory => return Err(Kind::IsADirectory.into()),
        FileType::Link | FileType::Other => return Err(Kind::NotRegular.into()),
    }
    if !rights::may(&target.dir, &target.name, Access::WRITE_OK) {
        return Err(Kind::Denied.into());
    }
    if !inner.process.owns(stat.posix.uid) {
        let within = facts::of(&target.dir)?;
        if !inner.process.may_unlink(stat.posix.uid, &Within::new(&target.dir, &within)) {
            return Err(Kind::Denied.into());
        }
    }
    Ok(target)
}

fn look(dir: &OwnedFd, name: &[u8]) -> Result<Option<Facts>> {
    match facts::of_name(dir, name) {
        Ok(stat) => Ok(Some(stat)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn through_link(inner: &Inner, path: &VPath) -> Result<Target> {
    let nowhere = |error: Error| if error.kind == Kind::NotFound { Kind::Outside.into() } else { error };
    let found = physical(&inner.root, path).map_err(nowhere)?;
    let Some((parent, name)) = found.path.split() else { return Err(Kind::IsADirectory.into()) };
    let dir = inner
        .root
        .open_at(&parent, OFlags::PATH | OFlags::DIRECTORY, Reach::Disk)
        .map_err(|fault| nowhere(fault.into()))?;
    let standing = look(&dir, name)?;
    match &standing {
        // What was meant is not in the tree.
        None if found.leaves => Err(Kind::Outside.into()),
        // Exchanged meanwhile.
        Some(stat) if stat.kind == FileType::Link => Err(Kind::Changed.into()),
        _ => Ok(Target { dir, name: name.to_vec(), standing }),
    }
}
