//! May the path that a link holds be shown?
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, readlinkat};

use super::resolve::{Reach, Root, components};
use crate::VPath;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vpath::at;
    use std::os::unix::fs::symlink;

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
        for (link, target) in [("/1", "a/b"), ("/2", "none"), ("/a/b/3", "../../a"), ("/4", "/a")] {
            assert!(visible(link, target), "{target}");
        }
        for (link, target) in [("/5", "/etc/passwd"), ("/6", "../x"), ("/a/7", "../../a")] {
            assert!(!visible(link, target), "{target}");
        }
    }
}
