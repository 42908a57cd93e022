//! The file system's permissions are obeyed, before any data comes. As nobody, since the superuser is denied
//! nothing.
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use storage::local::{Local, LocalOptions, Sync};
use storage::{Create, Kind, Tree};

use crate::site::{OPEN, STARTING, Site, at, refused};

/// Set for the child only: the folder it is to share.
const FOLDER: &str = "STORAGE_TEST_AS_NOBODY";

const NOBODY: u32 = 65534;

const HOWS: [Create; 3] = [Create::Replace, Create::Append { at: None }, Create::Resume { at: 1 }];

/// Not a test by itself: what nobody may and may not.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let tree = Local::open(Path::new(&folder), LocalOptions { sync: Sync::Always, ..OPEN }).unwrap();
    if tree.kept(&at("/own/killed")).await.unwrap() == Some(3) {
        // The second time.
        let mut sink = tree.create(&at("/own/killed"), Create::Resume { at: 3 }).await.unwrap();
        sink.write(b"456").await.unwrap();
        return sink.commit().await.unwrap();
    }
    let upload = async |path: &str, how: Create| {
        let mut sink = tree.create(&at(path), how).await?;
        sink.write(b"new").await?;
        sink.commit().await
    };
    for how in HOWS {
        for path in [
            "/own/read-only",
            "/own/roots",
            "/own/link-to-roots",
            "/roots/read-only",
            "/sticky/roots",
            "/sticky/roots-open",
        ] {
            assert_eq!(refused(tree.create(&at(path), how).await), Kind::Denied, "{path} {how:?}");
        }
    }
    for path in ["/roots/new", "/roots/closed/new"] {
        assert_eq!(refused(tree.create(&at(path), Create::Replace).await), Kind::Denied, "{path}");
        assert_eq!(refused(tree.make_dir(&at(path), None).await), Kind::Denied, "{path}");
    }
    assert_eq!(refused(tree.create(&at("/roots/new"), Create::Unique).await), Kind::Denied);

    // In place: the directory is root's, the file may be written.
    upload("/roots/open", Create::Replace).await.unwrap();
    upload("/roots/open", Create::Append { at: None }).await.unwrap();
    upload("/roots/open", Create::Resume { at: 4 }).await.unwrap();
    assert_eq!(refused(tree.create(&at("/roots/open"), Create::Resume { at: 8 }).await), Kind::BadOffset);
    assert_eq!(refused(tree.create(&at("/roots/open"), Create::New).await), Kind::Exists);
    // "new", "newnew", "newnnew": and one that is added and breaks off, or for which nothing comes.
    let mut sink = tree.create(&at("/roots/open"), Create::Append { at: None }).await.unwrap();
    sink.write(b"half").await.unwrap();
    drop(sink);
    let writing = tree.create(&at("/roots/open"), Create::Replace).await.unwrap();
    assert_eq!(refused(tree.create(&at("/roots/open"), Create::Replace).await), Kind::Busy);
    drop(writing);
    // Appends at once, and with another program's.
    let mut one = tree.create(&at("/roots/open"), Create::Append { at: None }).await.unwrap();
    let mut two = tree.create(&at("/roots/open"), Create::Append { at: None }).await.unwrap();
    one.write(b"1").await.unwrap();
    two.write(b"2").await.unwrap();
    two.commit().await.unwrap();
    let mut other = fs::File::options().append(true).open(Path::new(&folder).join("roots/open")).unwrap();
    std::io::Write::write_all(&mut other, b"other").unwrap();
    one.commit().await.unwrap();
    drop(tree.create(&at("/roots/open"), Create::Replace).await.unwrap());

    // What may be written is.
    upload("/own/file", Create::Replace).await.unwrap();
    upload("/own/others", Create::Replace).await.unwrap();
    upload("/own/others", Create::Resume { at: 2 }).await.unwrap();
    upload("/own/others", Create::Append { at: None }).await.unwrap();
    upload("/sticky/own", Create::Replace).await.unwrap();
    upload("/sticky/new", Create::Replace).await.unwrap();

    assert_eq!(refused(tree.enter(&at("/roots/closed")).await), Kind::Denied);
    assert_eq!(refused(tree.list(&at("/own/names-only")).await), Kind::Denied);
    tree.enter(&at("/roots")).await.unwrap();
    assert_eq!(refused(tree.enter(&at("/own/file")).await), Kind::NotADirectory);

    // What is told of a name is what can be done with it.
    let mut batch = Vec::new();
    for dir in ["/own", "/roots", "/sticky", "/"] {
        let mut entries = tree.list(&at(dir)).await.unwrap();
        loop {
            entries.next(&mut batch).await.unwrap();
            if batch.is_empty() {
                break;
            }
            for entry in &batch {
                let path = at([dir.as_bytes(), b"/", &entry.name].concat());
                assert_eq!(tree.entry(&path).await.unwrap().access, entry.stat.access, "{path:?}");
            }
        }
    }
    let access = async |path: &str| tree.entry(&at(path)).await.unwrap().access;
    let own = access("/own/read-only").await;
    assert!(own.read && !own.write && own.remove);
    let roots = access("/roots/open").await;
    assert!(roots.write && !roots.remove);
    assert!(!access("/roots/closed").await.enter && access("/own").await.enter);
    assert!(access("/sticky/own").await.remove && !access("/sticky/roots-open").await.remove);
    assert!(access("/sticky/own").await.write && !access("/sticky/roots-open").await.write);

    // A part that somebody else has planted is not written to.
    upload("/planted/t", Create::Replace).await.unwrap();
    assert_eq!(refused(tree.create(&at("/planted/u"), Create::Resume { at: 3 }).await), Kind::Busy);
    assert_eq!(tree.kept(&at("/planted/u")).await.unwrap(), None);

    // A part whose mode was set for publishing when the process was killed can be resumed all the same.
    let mut sink = tree.create(&at("/own/killed"), Create::Replace).await.unwrap();
    sink.set_mode(0o444);
    sink.write(b"123").await.unwrap();
    sink.settle().await.unwrap();
    std::mem::forget(sink);
}

/// Makes a file of somebody.
fn file(path: &Path, mode: u32, owner: u32) {
    fs::write(path, "old").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    chown(path, Some(owner), Some(owner)).unwrap();
}

fn directory(path: &Path, mode: u32, owner: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    chown(path, Some(owner), Some(owner)).unwrap();
}

#[tokio::test]
async fn nobody_may_what_nobody_may() {
    if testbed::need::root("another user").is_none() {
        return;
    }
    let site = Site::new();
    fs::set_permissions(site.top.path(), fs::Permissions::from_mode(0o755)).unwrap();
    directory(&site.real("own"), 0o755, NOBODY);
    file(&site.real("own/file"), 0o600, NOBODY);
    file(&site.real("own/read-only"), 0o444, NOBODY);
    file(&site.real("own/roots"), 0o644, 0);
    file(&site.real("own/others"), 0o666, 1);
    symlink("roots", site.real("own/link-to-roots")).unwrap();
    directory(&site.real("own/names-only"), 0o600, NOBODY);
    directory(&site.real("roots"), 0o755, 0);
    file(&site.real("roots/open"), 0o666, 0);
    file(&site.real("roots/read-only"), 0o644, 0);
    directory(&site.real("roots/closed"), 0o700, 0);
    directory(&site.real("sticky"), 0o1777, 0);
    file(&site.real("sticky/own"), 0o644, NOBODY);
    file(&site.real("sticky/roots"), 0o644, 0);
    file(&site.real("sticky/roots-open"), 0o666, 0);
    directory(&site.real("planted"), 0o777, 0);
    for name in ["t", "u"] {
        site.break_off(&format!("/planted/{name}"), Create::Replace, b"old").await;
    }
    let planted: Vec<_> =
        site.really("planted").into_iter().map(|part| site.real("planted").join(part)).collect();
    for part in &planted {
        fs::set_permissions(part, fs::Permissions::from_mode(0o666)).unwrap();
    }
    let before = [site.really("roots"), site.really("sticky")];

    let starting = STARTING.lock().await;
    // The binary itself may be where nobody may not go.
    let binary = site.top.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &binary).unwrap();
    let as_nobody = || {
        let child = Command::new(&binary)
            .args(["--exact", "rights::child", "--nocapture"])
            .env(FOLDER, site.root())
            .stdin(Stdio::null())
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr) + String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
    };
    as_nobody();

    let read = |path: &str| fs::read_to_string(site.real(path)).unwrap();
    for path in ["own/read-only", "own/roots", "roots/read-only", "sticky/roots", "sticky/roots-open"] {
        assert_eq!(read(path), "old", "{path}");
    }
    assert_eq!(fs::metadata(site.real("own/roots")).unwrap().uid(), 0);
    let open = fs::metadata(site.real("roots/open")).unwrap();
    assert_eq!((read("roots/open").as_str(), open.uid(), open.mode() & 0o777), ("newnnew2other1", 0, 0o666));
    assert_eq!(read("own/file"), "new");
    // What is another's stays another's.
    let others = fs::metadata(site.real("own/others")).unwrap();
    assert_eq!((read("own/others").as_str(), others.uid(), others.mode() & 0o777), ("nenewnew", 1, 0o666));
    assert_eq!(site.really("roots"), before[0]);
    let mut sticky = before[1].clone();
    sticky.push("new".into());
    sticky.sort();
    assert_eq!(site.really("sticky"), sticky);
    assert_eq!(read("planted/t"), "new");
    assert_ne!(fs::metadata(site.real("planted/t")).unwrap().uid(), 0);
    for part in planted {
        assert_eq!(fs::read(part).unwrap(), b"old", "what was planted");
    }
    let part = site.really("own").into_iter().find(|name| name.starts_with(".pasv.")).unwrap();
    assert_eq!(fs::metadata(site.real("own").join(part)).unwrap().mode() & 0o777, 0o444);
    as_nobody();
    drop(starting);
    assert_eq!(read("own/killed"), "123456");
    // Root that replaces a file leaves it to its owner.
    site.upload("/own/file", Create::Replace, b"root's").await.unwrap();
    assert_eq!(fs::metadata(site.real("own/file")).unwrap().uid(), NOBODY);
}
