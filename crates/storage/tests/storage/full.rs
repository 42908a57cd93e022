//! A full disk: a tmpfs of a few pages that is mounted nowhere, so that nothing of it is left behind.
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
};
use storage::local::{Local, LocalOptions, Sync};
use storage::{Create, Kind, Tree};

use crate::site::{OPEN, STARTING, at};

/// A file system of 64 KiB; says why not, where this process may not have one.
fn small_disk() -> rustix::io::Result<OwnedFd> {
    let disk = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&disk, "size", "64k")?;
    fsconfig_create(&disk)?;
    fsmount(&disk, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}

#[tokio::test]
async fn a_full_disk_harms_neither_the_old_file_nor_what_has_come() {
    let _no_children = STARTING.lock().await;
    let disk = match small_disk() {
        Ok(disk) => disk,
        Err(errno) => return testbed::need::skip("a small disk", &format!("needs root: {errno}")),
    };
    let root = PathBuf::from(format!("/proc/self/fd/{}", disk.as_raw_fd()));
    for sync in [Sync::Never, Sync::Always] {
        let tree = Local::open(&root, LocalOptions { sync, ..OPEN }).unwrap();
        let path = at("/file");
        fs::write(root.join("file"), "old").unwrap();
        let before = tree.space(&at("/")).await.unwrap();
        assert!(before < 64 << 10);

        let mut sink = tree.create(&path, Create::Replace).await.unwrap();
        let mut written = 0;
        let error = loop {
            match sink.write(&[b'x'; 5000]).await {
                Ok(()) => written += 5000,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, Kind::Full);
        assert!(written > 0);
        drop(sink);
        assert_eq!(fs::read(root.join("file")).unwrap(), b"old");
        // The others have their room again at once.
        assert_eq!(tree.space(&at("/")).await.unwrap(), before);
        assert_eq!(tree.kept(&path).await.unwrap(), None);
        // Adding to a file takes the room of what is added, though it is in two places for a moment.
        fs::write(root.join("file"), vec![b'o'; 40_000]).unwrap();
        let row: Vec<u8> = (0..16_000_u32).flat_map(|n| [n as u8]).collect();
        let mut sink = tree.create(&path, Create::Append { at: None }).await.unwrap();
        sink.write(&row).await.unwrap();
        sink.commit().await.unwrap();
        let rows = [vec![b'o'; 40_000], row].concat();
        assert!(fs::read(root.join("file")).unwrap() == rows);
        // One for which there is none is refused whole.
        let mut sink = tree.create(&path, Create::Append { at: None }).await.unwrap();
        assert_eq!(sink.write(&[b'r'; 16_000]).await.unwrap_err().kind, Kind::Full);
        drop(sink);
        assert!(fs::read(root.join("file")).unwrap() == rows);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
        tree.remove(&path).await.unwrap();
    }
}
