//! Reading, removing, renaming: what is done with files that are there.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use storage::local::LocalOptions;
use storage::{Create, FileType, Kind, Time, Tree};

use crate::site::{OPEN, Site, at, refused};

#[tokio::test]
async fn stat_says_what_the_system_says() {
    let site = Site::new();
    site.put("a", "12345");
    fs::set_permissions(site.real("a"), fs::Permissions::from_mode(0o640)).unwrap();
    let stat = site.stat("/a").await.unwrap();
    let real = fs::metadata(site.real("a")).unwrap();
    let posix = stat.posix.unwrap();
    assert_eq!((stat.kind, stat.size, posix.mode), (FileType::File, 5, 0o640));
    assert_eq!((posix.uid, posix.gid, posix.links), (real.uid(), real.gid(), 1));
    assert_eq!(
        stat.modified,
        Time { seconds: real.mtime(), nanos: u32::try_from(real.mtime_nsec()).unwrap() }
    );
    assert_eq!(stat.unique.unwrap().1, real.ino());
}

#[tokio::test]
async fn two_names_of_one_file_are_known_by_unique() {
    let site = Site::new();
    site.put("a", "x");
    site.put("other", "x");
    fs::hard_link(site.real("a"), site.real("b")).unwrap();
    let (a, b) = (site.stat("/a").await.unwrap(), site.stat("/b").await.unwrap());
    assert_eq!(a.unique, b.unique);
    assert_eq!(a.posix.unwrap().links, 2);
    assert_ne!(a.unique, site.stat("/other").await.unwrap().unique);
}

#[tokio::test]
async fn only_regular_files_are_opened_and_nothing_is_waited_for() {
    let site = Site::new();
    let fifo = site.real("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = UnixListener::bind(site.real("socket")).unwrap();
    for name in ["/fifo", "/socket"] {
        assert_eq!(refused(site.tree.open(&at(name)).await), Kind::NotRegular, "{name}");
        assert_eq!(refused(site.create(name, Create::Replace).await), Kind::NotRegular, "{name}");
        assert_eq!(refused(site.create(name, Create::Append { at: None }).await), Kind::NotRegular, "{name}");
        assert_eq!(site.stat(name).await.unwrap().kind, FileType::Other);
    }
}

#[tokio::test]
async fn removing_takes_the_link_and_not_what_it_leads_to() {
    let site = Site::new();
    site.put("a", "a");
    fs::create_dir(site.real("d")).unwrap();
    symlink("a", site.real("link")).unwrap();
    symlink("d", site.real("dirlink")).unwrap();
    let remove = async |path| site.tree.remove(&at(path)).await;
    remove("/link").await.unwrap();
    assert_eq!(refused(site.tree.remove_dir(&at("/dirlink")).await), Kind::NotADirectory);
    remove("/dirlink").await.unwrap();
    assert_eq!(site.really(""), ["a", "d"]);
}

#[tokio::test]
async fn the_process_mask_takes_no_bits_beyond_the_trees_own() {
    let site = Site::with(LocalOptions { umask: 0, ..OPEN });
    site.tree.make_dir(&at("/d"), None).await.unwrap();
    site.upload("/f", Create::Replace, b"x").await.unwrap();
    assert_eq!(site.stat("/d").await.unwrap().posix.unwrap().mode & 0o777, 0o777);
    assert_eq!(site.stat("/f").await.unwrap().posix.unwrap().mode, 0o666);
}

#[tokio::test]
async fn times_are_set_on_what_a_link_leads_to() {
    let site = Site::new();
    site.put("a", "a");
    symlink("a", site.real("link")).unwrap();
    for time in [
        Time { seconds: 1_000_000_000, nanos: 123_000_000 },
        Time { seconds: -86_400, nanos: 0 },
        Time { seconds: 4_000_000_000, nanos: 999_999_999 },
    ] {
        site.tree.set_modified(&at("/link"), time).await.unwrap();
        assert_eq!(site.stat("/a").await.unwrap().modified, time);
    }
}

#[tokio::test]
async fn modes_are_set_without_the_dangerous_bits() {
    let site = Site::new();
    site.put("a", "a");
    fs::create_dir(site.real("shared")).unwrap();
    fs::set_permissions(site.real("shared"), fs::Permissions::from_mode(0o1755)).unwrap();
    site.tree.set_mode(&at("/a"), 0o6755).await.unwrap();
    assert_eq!(site.stat("/a").await.unwrap().posix.unwrap().mode, 0o755);
    site.tree.set_mode(&at("/a"), 0o000).await.unwrap();
    site.tree.set_mode(&at("/a"), 0o600).await.unwrap();
    assert_eq!(site.stat("/a").await.unwrap().posix.unwrap().mode, 0o600);
    site.tree.set_mode(&at("/shared"), 0o777).await.unwrap();
    assert_eq!(site.stat("/shared").await.unwrap().posix.unwrap().mode, 0o1777);
}

#[tokio::test]
async fn a_read_only_tree_refuses_every_change_and_touches_nothing() {
    let site = Site::new();
    site.put("a", "a");
    fs::create_dir(site.real("d")).unwrap();
    let tree = site.again(LocalOptions { read_only: true, ..OPEN });
    let (a, d, x) = (at("/a"), at("/d"), at("/x"));
    for how in [
        Create::Replace,
        Create::New,
        Create::Append { at: None },
        Create::Unique,
        Create::Resume { at: 0 },
        Create::Resume { at: 9 },
    ] {
        assert_eq!(refused(tree.create(&a, how).await), Kind::ReadOnly, "{how:?}");
        assert_eq!(refused(tree.create(&x, how).await), Kind::ReadOnly, "{how:?}");
    }
    assert_eq!(refused(tree.rename(&a, &x).await), Kind::ReadOnly);
    assert_eq!(refused(tree.remove(&a).await), Kind::ReadOnly);
    assert_eq!(refused(tree.remove(&x).await), Kind::ReadOnly);
    assert_eq!(refused(tree.remove_dir(&d).await), Kind::ReadOnly);
    assert_eq!(refused(tree.make_dir(&x, None).await), Kind::ReadOnly);
    assert_eq!(refused(tree.set_modified(&a, Time::default()).await), Kind::ReadOnly);
    assert_eq!(refused(tree.set_mode(&a, 0o777).await), Kind::ReadOnly);
    assert_eq!(site.really(""), ["a", "d"]);
    assert_eq!(tree.stat(&a).await.unwrap().size, 1);
}

#[tokio::test]
async fn renaming_one_of_two_names_of_a_file_to_the_other_leaves_one() {
    let site = Site::new();
    site.put("a", "content");
    fs::hard_link(site.real("a"), site.real("b")).unwrap();
    fs::hard_link(site.real("a"), site.real("c")).unwrap();
    site.tree.rename(&at("/a"), &at("/b")).await.unwrap();
    assert_eq!(site.really(""), ["b", "c"]);
    site.tree.rename(&at("/b"), &at("/c")).await.unwrap();
    site.tree.rename(&at("/c"), &at("/c")).await.unwrap();
    assert_eq!(site.really(""), ["c"]);
    assert_eq!(site.read("/c").await.unwrap(), b"content");
}

#[tokio::test]
async fn the_root_keeps_its_mode() {
    let site = Site::new();
    symlink(".", site.real("self")).unwrap();
    symlink("/", site.real("absolute")).unwrap();
    for path in ["/x/..", "/self", "/self/self", "/absolute"] {
        assert_eq!(refused(site.tree.set_mode(&at(path), 0).await), Kind::Denied, "{path}");
    }
}
