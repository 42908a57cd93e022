//! Paths: what they can say, and how long they can be.
use std::path::{Component, Path, PathBuf};

use proptest::prelude::*;
use storage::{Create, FileType, Kind, Tree, VPath};

use crate::site::{Site, at, refused};

#[tokio::test]
async fn names_of_255_bytes_are_files_like_any_other() {
    let site = Site::new();
    let names =
        [b"x".repeat(255), "é".repeat(127).into_bytes(), [&b"\xff\n\r\x1b "[..], &b"y".repeat(250)].concat()];
    for name in &names {
        let path = at(name);
        let mut sink = site.tree.create(&path, Create::Replace).await.unwrap();
        sink.write(b"12345").await.unwrap();
        drop(sink);
        let mut sink = site.tree.create(&path, Create::Resume { at: 5 }).await.unwrap();
        sink.write(b"678").await.unwrap();
        sink.commit().await.unwrap();
        assert_eq!(site.tree.stat(&path).await.unwrap().size, 8);
    }
    let listed: Vec<_> = site.list("/").await.unwrap().into_iter().map(|e| e.name).collect();
    let mut expected = names.to_vec();
    expected.sort();
    assert_eq!(listed, expected);
    for name in &names {
        site.tree.rename(&at(name), &at(b"z".repeat(255))).await.unwrap();
        site.tree.remove(&at(b"z".repeat(255))).await.unwrap();
    }
    assert!(site.really("").is_empty());
}

#[test]
fn a_name_of_256_bytes_a_path_of_4097_and_a_nul_are_no_paths() {
    assert_eq!(refused(VPath::root().join(&b"x".repeat(256))), Kind::TooLong);
    assert_eq!(refused(VPath::root().join(&b"/12345678".repeat(456))), Kind::TooLong);
    assert_eq!(refused(VPath::root().join(b"a\0b")), Kind::BadName);
    assert_eq!(at(b"/1234567".repeat(512)).as_bytes().len(), 4096);
}

#[tokio::test]
async fn a_path_of_4096_bytes_reaches_its_file() {
    let site = Site::new();
    let mut dir = VPath::root();
    while dir.as_bytes().len() + 201 < 4096 - 255 {
        dir = dir.join(&b"d".repeat(200)).unwrap();
        site.tree.make_dir(&dir, None).await.unwrap();
    }
    let room = 4096 - dir.as_bytes().len() - 1;
    let rest = room - 201;
    dir = dir.join(&b"e".repeat(200)).unwrap();
    site.tree.make_dir(&dir, None).await.unwrap();
    let path = dir.join(&b"f".repeat(rest)).unwrap();
    assert_eq!(path.as_bytes().len(), 4096);
    for how in [Create::Replace, Create::Append { at: None }] {
        let mut sink = site.tree.create(&path, how).await.unwrap();
        sink.write(b"deep").await.unwrap();
        sink.commit().await.unwrap();
    }
    assert_eq!(site.tree.stat(&path).await.unwrap().size, 8);
    let mut batch = Vec::new();
    site.tree.list(&dir).await.unwrap().next(&mut batch).await.unwrap();
    assert_eq!(batch.len(), 1);
    let mut sink = site.tree.create(&path, Create::Replace).await.unwrap();
    sink.write(b"part").await.unwrap();
    drop(sink);
    let up = at(b"f");
    site.tree.rename(&path, &up).await.unwrap();
    assert_eq!(site.tree.kept(&path).await.unwrap(), Some(4));
    site.tree.rename(&up, &path).await.unwrap();
    site.tree.remove(&path).await.unwrap();
    assert_eq!(refused(site.tree.stat(&path).await), Kind::NotFound);
}

#[tokio::test]
async fn a_link_too_deep_for_any_path_is_listed_as_a_link() {
    let site = Site::new();
    let mut dir = VPath::root();
    while dir.as_bytes().len() + 201 <= 4096 {
        dir = dir.join(&b"d".repeat(200)).unwrap();
        site.tree.make_dir(&dir, None).await.unwrap();
    }
    // Its own path has over 4096 bytes, so it is made elsewhere and its directory moved there.
    let near = at(b"n".repeat(150));
    site.tree.make_dir(&near, None).await.unwrap();
    std::os::unix::fs::symlink("/", site.real(&"n".repeat(150)).join("l".repeat(250))).unwrap();
    let last = dir.split().unwrap().0.join(&b"n".repeat(150)).unwrap();
    assert!(last.as_bytes().len() + 251 > VPath::LENGTH);
    let mut batch = Vec::new();
    site.tree.list(&near).await.unwrap().next(&mut batch).await.unwrap();
    assert_eq!((batch[0].stat.kind, batch[0].stat.target.as_deref()), (FileType::Link, Some(&b"/"[..])));
    site.tree.rename(&near, &last).await.unwrap();
    site.tree.list(&last).await.unwrap().next(&mut batch).await.unwrap();
    assert_eq!((batch[0].stat.kind, &batch[0].stat.target), (FileType::Link, &None));
}

/// Pieces of paths that mean something, among others.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"/".to_vec()),
        Just(b"..".to_vec()),
        Just(b".".to_vec()),
        Just(b"...".to_vec()),
        Just(b"\0".to_vec()),
        Just(vec![b'n'; 255]),
        Just(vec![b'n'; 256]),
        prop::collection::vec(any::<u8>(), 0..6),
    ]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

fn is_normal(path: &VPath) -> bool {
    let bytes = path.as_bytes();
    bytes == b"/"
        || bytes.len() <= VPath::LENGTH
            && bytes[0] == b'/'
            && bytes[1..].split(|b| *b == b'/').all(|component| {
                !component.is_empty()
                    && component.len() <= VPath::COMPONENT
                    && component != b"."
                    && component != b".."
                    && !component.contains(&0)
            })
}

/// The same walk by the standard library's components.
fn oracle(from: &VPath, text: &[u8]) -> PathBuf {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let start = Path::new(OsStr::from_bytes(from.as_bytes())).join(OsStr::from_bytes(text));
    let mut out = PathBuf::from("/");
    for component in start.components() {
        match component {
            Component::Normal(name) => out.push(name),
            Component::ParentDir => {
                out.pop();
            }
            _ => {}
        }
    }
    out
}

proptest! {
    #[test]
    fn a_path_is_normal_or_refused(start in text(), then in text()) {
        if let Ok(from) = VPath::root().join(&start) {
            prop_assert!(is_normal(&from), "{from:?}");
            match from.join(&then) {
                Ok(path) => {
                    prop_assert!(is_normal(&path), "{path:?}");
                    let expected = oracle(&from, &then);
                    prop_assert_eq!(path.as_bytes(), expected.as_os_str().as_encoded_bytes());
                    // Said again, from anywhere, it is the same.
                    prop_assert_eq!(&from.join(path.as_bytes()).unwrap(), &path);
                    prop_assert_eq!(&VPath::root().join(path.relative()).unwrap(), &path);
                    prop_assert_eq!(&path.join(b"").unwrap(), &path);
                    prop_assert!(path.is_in(&VPath::root()) && path.is_in(&path));
                    if let Some((parent, name)) = path.split() {
                        prop_assert_eq!(&parent.join(name).unwrap(), &path);
                        prop_assert_eq!(&path.join(b"..").unwrap(), &parent);
                        prop_assert!(path.is_in(&parent) && !parent.is_in(&path));
                    }
                }
                Err(error) if error.kind == Kind::BadName => prop_assert!(then.contains(&0)),
                Err(error) => {
                    prop_assert_eq!(error.kind, Kind::TooLong);
                    let long = then.split(|b| *b == b'/').any(|name| name.len() > VPath::COMPONENT);
                    prop_assert!(long || oracle(&from, &then).as_os_str().len() > VPath::LENGTH);
                }
            }
        }
    }
}

#[test]
fn a_path_is_in_its_directories_and_not_in_those_that_begin_alike() {
    assert!(at("/a/b").is_in(&at("/a")));
    assert!(!at("/ab").is_in(&at("/a")));
    assert!(!at("/a").is_in(&at("/a/b")));
}
