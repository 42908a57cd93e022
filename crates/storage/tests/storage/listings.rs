//! Listings: all of a directory, in pieces, and nothing that is the store's own.
use std::ffi::OsStr;
use std::fs;
use std::future::Future;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::pin::pin;
use std::task::Poll;

use storage::{Batch, Create, Kind, Tree};
use testbed::need;

use crate::site::{Site, at, poll_once, refused};

#[tokio::test]
async fn every_kind_is_listed_as_its_entry_has_it() {
    let site = Site::new();
    site.put("file", "12345");
    fs::create_dir(site.real("dir")).unwrap();
    symlink("file", site.real("link")).unwrap();
    symlink("dir", site.real("dirlink")).unwrap();
    symlink("gone", site.real("dangling")).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, site.real("fifo"), fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    fs::write(site.real("").join(OsStr::from_bytes(b"\xfe\nname\r ; x=y")), "").unwrap();
    let listed = site.list("/").await.unwrap();
    assert_eq!(listed.len(), 7);
    for entry in &listed {
        assert_eq!(
            entry.stat,
            site.tree.entry(&at(&entry.name)).await.unwrap(),
            "{}",
            entry.name.escape_ascii()
        );
    }
}

/// A name that is removed while the listing is under way is left out, and the rest is not.
#[tokio::test]
async fn what_goes_while_a_directory_is_listed_leaves_no_hole() {
    let site = Site::new();
    for n in 0..600 {
        site.put(&format!("{n:03}"), "");
    }
    let mut entries = site.tree.list(&at("/")).await.unwrap();
    let (mut seen, mut batch) = (Vec::new(), Batch::new());
    entries.next(&mut batch).await.unwrap();
    seen.extend(batch.drain(..).map(|entry| entry.name));
    for n in 200..590 {
        fs::remove_file(site.real(&format!("{n:03}"))).unwrap();
    }
    loop {
        entries.next(&mut batch).await.unwrap();
        if batch.is_empty() {
            break;
        }
        seen.extend(batch.drain(..).map(|entry| entry.name));
    }
    assert!(seen.is_sorted() && seen.len() >= 210, "{}", seen.len());
    assert_eq!(seen.last().map(Vec::as_slice), Some(b"599".as_slice()));
}

#[tokio::test]
async fn a_piece_of_nothing_but_parts_is_not_the_end() {
    let site = Site::new();
    for n in 0..600 {
        site.break_off(&format!("/{n}"), Create::Replace, b"x").await;
    }
    site.put("seen", "");
    assert_eq!(site.parts(""), 600);
    let listed = site.list("/").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, b"seen");
}

#[test]
fn an_abandoned_piece_does_not_pass_for_the_end() {
    // One thread for waiting work, and that one taken, so that the piece is not there at the first poll.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let site = Site::new();
        site.put("a", "");
        let mut entries = site.tree.list(&at("/")).await.unwrap();
        let mut batch = Batch::new();
        let (free, taken) = std::sync::mpsc::channel::<()>();
        let holder = tokio::task::spawn_blocking(move || taken.recv());
        {
            assert!(poll_once(entries.next(&mut batch).as_mut()).is_pending());
        }
        free.send(()).unwrap();
        holder.await.unwrap().unwrap();
        assert_eq!(refused(entries.next(&mut batch).await), Kind::Io);
    });
}

#[tokio::test]
async fn what_memory_holds_is_answered_at_the_first_poll() {
    let site = Site::new();
    site.put("a", "12345");
    let (a, root) = (at("/a"), at("/"));
    fn at_once<T>(operation: impl Future<Output = T>) -> T {
        match poll_once(pin!(operation)) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it went to another thread"),
        }
    }
    // Files made a moment ago are in memory. (Where the kernel cannot tell, there is nothing to test.)
    if !has_resolve_cached() {
        return need::skip("RESOLVE_CACHED", "this kernel has none");
    }
    assert_eq!(at_once(site.tree.stat(&a)).unwrap().size, 5);
    let _entries = at_once(site.tree.list(&root)).unwrap();
    let mut source = at_once(site.tree.open(&a)).unwrap();
    let mut buffer = vec![0; 100];
    source.read(1, &mut buffer).await.unwrap();
    assert_eq!(buffer, b"2345");
}

fn has_resolve_cached() -> bool {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    !matches!(openat2(CWD, ".", flags, Mode::empty(), ResolveFlags::CACHED), Err(rustix::io::Errno::INVAL))
}
