//! Where does a link lead?
//!
//! The kernel follows links for everything that is read (see `resolve`). Two questions it does not answer:
//! beside which file an upload through a link must put its part, and whether the path that a link holds may
//! be shown.
use std::ffi::CString;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, readlinkat};
use rustix::io::Errno;

use super::resolve::{Reach, Root};
use crate::{Kind, Result, VPath};

/// Links followed on one path: as many as the kernel follows.
const MOST: usize = 40;

/// A path without links.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Physical {
    /// The path; its last name may be missing, all before it are directories.
    pub(super) path: VPath,
    /// A link on the way was absolute, or had more `..` than there are directories above it. The tree's root
    /// stands for the system's then, as it does when the kernel follows it; but where nothing is found there,
    /// what was meant is outside of the tree.
    pub(super) leaves: bool,
}

/// Follows all links of a path, the last one too.
///
/// [`Kind::NotFound`] where a directory of the path is missing, [`Kind::Loop`] for a circle.
pub(super) fn physical(root: &Root, path: &VPath) -> Result<Physical> {
    let mut todo: Vec<Vec<u8>> = components(path.relative()).rev().collect();
    let (mut here, mut leaves, mut followed) = (VPath::root(), false, 0);
    while let Some(name) = todo.pop() {
        if name == b".." {
            match here.split() {
                Some((above, _)) => here = above,
                None => leaves = true,
            }
            continue;
        }
        let there = here.join(&name)?;
        match link(root, &there) {
            Ok(Some(target)) => {
                followed += 1;
                if followed > MOST {
                    return Err(Errno::LOOP.into());
                }
                if target.first() == Some(&b'/') {
                    leaves = true;
                    here = VPath::root();
                }
                todo.extend(components(&target).rev());
            }
            Ok(None) => here = there,
            Err(error) if error.kind == Kind::NotFound && todo.is_empty() => here = there,
            Err(error) => return Err(error),
        }
    }
    Ok(Physical { path: here, leaves })
}

/// The path that a link holds, where it may be shown.
pub(super) fn visible_target(root: &Root, path: &VPath, dir: &OwnedFd, name: &[u8]) -> Option<Vec<u8>> {
    let target = readlinkat(dir, name, Vec::new()).ok()?.into_bytes();
    may_be_shown(root, path, &target).then_some(target)
}

/// May the path that a link holds be shown to those who see the tree? It may where it stays inside, or where
/// the kernel finds something there with the tree's root in place of the system's.
fn may_be_shown(root: &Root, link: &VPath, target: &[u8]) -> bool {
    let mut depth = link.split().map_or(0, |(above, _)| components(above.relative()).count());
    let mut leaves = target.first() == Some(&b'/');
    for name in components(target) {
        if name == b".." {
            leaves |= depth == 0;
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
        }
    }
    // (`..` behind another link may go elsewhere than this counts; the text says nothing of the outside then
    // either.)
    let absolute = target.first() == Some(&b'/');
    !leaves || absolute && root.open_at(link, OFlags::PATH, Reach::Disk).is_ok()
}

/// The path that a link holds; none where the name is no link.
fn link(root: &Root, path: &VPath) -> Result<Option<Vec<u8>>> {
    let fd = root.open_unfollowed(path)?;
    match readlinkat(&fd, c"", Vec::new()) {
        Ok(target) => Ok(Some(CString::into_bytes(target))),
        // What is no link has no path to be read: ENOENT for an empty name, EINVAL for a name.
        Err(Errno::NOENT | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> + '_ {
    path.split(|b| *b == b'/').filter(|name| !matches!(*name, b"" | b".")).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn at(path: &str) -> VPath {
        VPath::root().join(path.as_bytes()).unwrap()
    }

    #[test]
    fn links_are_followed_from_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let real = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(real("a/b")).unwrap();
        std::fs::write(real("a/x"), "x").unwrap();
        symlink("/a/b", real("into")).unwrap();
        symlink("../x", real("a/b/up")).unwrap();
        symlink("into/up", real("twice")).unwrap();
        symlink("a/none", real("dangling")).unwrap();
        symlink("../../x", real("a/out")).unwrap();
        symlink("round", real("round")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let follow = |path: &str| physical(&root, &at(path)).map(|found| (found.path, found.leaves));
        assert_eq!(follow("/a/x").unwrap(), (at("/a/x"), false));
        // By way of the directory that the link leads to, not of the one that holds the link.
        assert_eq!(follow("/into/up").unwrap(), (at("/a/x"), true));
        assert_eq!(follow("/a/b/up").unwrap(), (at("/a/x"), false));
        assert_eq!(follow("/twice").unwrap(), (at("/a/x"), true));
        assert_eq!(follow("/dangling").unwrap(), (at("/a/none"), false));
        assert_eq!(follow("/a/out").unwrap(), (at("/x"), true));
        assert_eq!(follow("/none/x").unwrap_err().kind, Kind::NotFound);
        assert_eq!(follow("/round").unwrap_err().kind, Kind::Loop);
    }

    #[test]
    fn what_leads_out_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let real = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(real("a/b")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let visible = |link: &str, target: &str| {
            symlink(target, real(link.trim_start_matches('/'))).unwrap();
            may_be_shown(&root, &at(link), target.as_bytes())
        };
        assert!(
            visible("/one", "a/b")
                && visible("/two", "none")
                && visible("/a/b/three", "../../a")
                && visible("/four", "/a")
        );
        assert!(
            !visible("/five", "/etc/passwd") && !visible("/six", "../x") && !visible("/a/seven", "../../a")
        );
    }
}
