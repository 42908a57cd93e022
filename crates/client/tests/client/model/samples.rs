//! What once went wrong, one by one; the model finds such things by chance.
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use client::Verify;
use client::copy::{CopyError, Downloads, Got, Target, Why, is_reserved, part_name};

use super::download::{Scene, path};
use super::folder::{Deed, Plant, act, files};
use super::world::{Change, Content, Cut, Fault, Offers, Rest, lock};

const BIG: Content = Content { seed: 1, length: 300_000 };
const NO_HASH: Offers = Offers { hash: false, ..Offers::ALL };

impl Scene {
    fn here(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn site(&self) -> Vec<u8> {
        lock(&self.world).files["f"].bytes.clone()
    }

    fn part(&self) -> PathBuf {
        self.here(part_name(OsStr::new("f")).to_str().unwrap())
    }

    fn next(&self, cut: Option<(u8, Cut)>, change: Option<(u8, Change)>) {
        lock(&self.world).faults.push_back(Fault { change, cut });
    }

    fn said(&self, words: &str) -> bool {
        self.said.lock().unwrap().iter().any(|line| line.contains(words))
    }

    /// A try that breaks off half way.
    async fn broken(&self) {
        self.next(Some((128, Cut::Told)), None);
        let error = self.get(false, Verify::Size).await.unwrap_err();
        assert!(matches!(error, CopyError::Server { kept: true, .. }), "{error}");
        assert_eq!(fs::metadata(self.part()).unwrap().len(), self.site().len() as u64 / 2);
        assert!(!self.here("f").exists());
    }

    fn is_right(&self) {
        assert!(fs::read(self.here("f")).unwrap() == self.site(), "another file than the site's");
        assert!(!self.part().exists());
    }
}

#[tokio::test]
async fn a_broken_download_is_resumed_64_kib_before_its_end() {
    let scene = Scene::new(NO_HASH, BIG).await;
    scene.broken().await;
    assert_eq!(fs::metadata(scene.part()).unwrap().mode() & 0o777, 0o600);
    assert_eq!(scene.get(true, Verify::Size).await.unwrap(), Got::Whole(300_000));
    scene.is_right();
    assert!(scene.said(&format!("> REST {}", 150_000 - 65_536)));
    // Once more: nothing is fetched.
    assert_eq!(scene.get(true, Verify::Size).await.unwrap(), Got::AlreadyThere);
}

/// An interrupted download, and perhaps another file at the site since. Without SIZE the file once had
/// another length than the site's, and success was told.
#[tokio::test]
async fn only_what_is_proven_to_be_the_start_of_the_file_is_resumed() {
    let grow = |length| Some(Change::Grow(Content { seed: 2, length }));
    let (time, size) =
        ("the time of the server's file has changed", "the size of the server's file has changed");
    // A file of zeros looks the same wherever it starts.
    let zeros = Content { seed: 0, length: 300_000 };
    let timeless = |offers| Offers { mdtm: false, mlst: false, ..offers };
    let rest = |rest| Offers { rest, ..NO_HASH };
    let mut cases = vec![
        (NO_HASH, BIG, Some(Change::Touch(1)), Some(false), time),
        (NO_HASH, BIG, grow(10), Some(false), size),
        (NO_HASH, BIG, Some(Change::Shrink(250)), Some(false), size),
        // A HASH of what is there proves that a file has only grown.
        (Offers::ALL, BIG, grow(300_000), Some(true), ""),
        (Offers::ALL, BIG, Some(Change::Touch(1)), Some(false), ""),
        (Offers::ALL, BIG, Some(Change::Touch(250)), Some(true), ""),
        // A server that tells no time may have another file.
        (timeless(NO_HASH), BIG, None, Some(false), ""),
        (Offers { size: false, ..timeless(NO_HASH) }, BIG, None, Some(false), ""),
        (timeless(Offers::ALL), BIG, None, Some(true), ""),
        // One that cannot start in the middle sends all.
        (rest(Rest::Refused), BIG, None, None, "starting over"),
        (rest(Rest::Ignored), BIG, None, None, "starting over"),
        (rest(Rest::Ignored), zeros, None, None, "starting over"),
    ];
    for hash in [false, true] {
        for rest in [Rest::Works, Rest::Ignored, Rest::Ahead] {
            let offers = Offers { size: false, mlst: false, rest, hash, ..Offers::ALL };
            cases.push((offers, zeros, None, Some(false), "does not report its size; starting over"));
        }
    }
    for (offers, first, change, resumed, words) in cases {
        let scene = Scene::new(offers, first).await;
        scene.broken().await;
        if let Some(change) = &change {
            lock(&scene.world).change("f", change);
        }
        scene.get(true, Verify::Size).await.unwrap();
        scene.is_right();
        assert!(
            scene.said(words) && (words.is_empty() || scene.said("starting over")),
            "{offers:?} {change:?}"
        );
        assert!(resumed.is_none_or(|resumed| scene.said("> REST") == resumed), "{offers:?} {change:?}");
    }
}

/// SIZE was once said to be wrong.
#[tokio::test]
async fn a_server_that_starts_too_far_on_is_found_out() {
    let zeros = Content { seed: 0, length: 300_000 };
    for verify in [Verify::Size, Verify::Off] {
        let scene = Scene::new(Offers { rest: Rest::Ahead, ..NO_HASH }, zeros).await;
        scene.broken().await;
        if verify == Verify::Size {
            let error = scene.get(true, verify).await.unwrap_err();
            assert!(matches!(error, CopyError::Server { kept: true, .. }), "{error}");
        }
        scene.get(true, verify).await.unwrap();
        scene.is_right();
        assert!(scene.said("may have ignored REST; starting over"));
    }
}

#[tokio::test]
async fn a_part_with_other_bytes_before_the_seam_is_thrown_away() {
    let scene = Scene::new(NO_HASH, BIG).await;
    scene.broken().await;
    let mut bytes = fs::read(scene.part()).unwrap();
    bytes[100_000] ^= 1;
    fs::write(scene.part(), bytes).unwrap();
    scene.get(true, Verify::Size).await.unwrap();
    scene.is_right();
    assert!(scene.said("starting over"));
}

/// `-c` once renamed a shorter `x` before RETR; RETR was refused, and `x` was gone.
#[tokio::test]
async fn the_users_own_file_is_there_after_a_download_that_failed() {
    for offers in [Offers::ALL, NO_HASH] {
        for at in [0, 100] {
            let scene = Scene::new(offers, BIG).await;
            fs::write(scene.here("f"), &scene.site()[..1000]).unwrap();
            let before = files(scene.folder.path());
            for resume in [true, false, true] {
                scene.next(Some((at, Cut::Told)), None);
                scene.get(resume, Verify::Size).await.unwrap_err();
                let after = files(scene.folder.path());
                assert!(before.iter().all(|(name, seen)| after.get(name) == Some(seen)));
            }
            lock(&scene.world).change("f", &Change::Remove);
            scene.get(true, Verify::Size).await.unwrap_err();
            assert_eq!(fs::read(scene.here("f")).unwrap().len(), 1000);
        }
    }
}

/// `printf v1; get; printf 'V2 IS LONGER'; get -c` once gave a mixture of both.
#[tokio::test]
async fn a_finished_file_is_fetched_again_when_the_site_has_another() {
    for offers in [Offers::ALL, NO_HASH] {
        let scene = Scene::new(offers, Content { seed: 1, length: 100 }).await;
        scene.get(false, Verify::Size).await.unwrap();
        for change in [
            Change::Replace(Content { seed: 2, length: 200 }),
            Change::Touch(10),
            Change::Replace(Content { seed: 3, length: 50 }),
            Change::Grow(Content { seed: 1, length: 50 }),
        ] {
            lock(&scene.world).change("f", &change);
            assert!(matches!(scene.get(true, Verify::Size).await.unwrap(), Got::Whole(_)));
            scene.is_right();
            assert_eq!(scene.get(true, Verify::Size).await.unwrap(), Got::AlreadyThere);
        }
    }
}

#[tokio::test]
async fn a_tree_is_brought_up_to_date_file_by_file() {
    let scene = Scene::new(NO_HASH, BIG).await;
    assert_eq!(scene.tree(false).await.unwrap().len(), 1, "a name of a part is left out");
    lock(&scene.world).change("t/a", &Change::Replace(Content { seed: 4, length: 30 }));
    lock(&scene.world).change("t/sub/b", &Change::Touch(9));
    scene.said.lock().unwrap().clear();
    scene.tree(true).await.unwrap();
    for name in ["t/a", "t/sub/b", "t/.a.part"] {
        assert_eq!(fs::read(scene.here(name)).unwrap(), lock(&scene.world).files[name].bytes, "{name}");
    }
    assert!(!scene.said("> RETR t/.a.part"));
    // A tree that holds a file with the name of a part has it left out, in any order.
    let names = files(scene.folder.path());
    assert!(!names.keys().any(|name| name.file_name().is_some_and(is_reserved)));
}

/// The first of two once exited 0 with zeros in the file.
#[tokio::test]
async fn two_downloads_of_one_file_share_nothing() {
    for (first, second) in [(false, false), (true, true), (false, true)] {
        let scene = Scene::new(NO_HASH, BIG).await;
        let (one, other) = tokio::join!(scene.get(first, Verify::Size), scene.get(second, Verify::Size));
        one.unwrap();
        if let Err(error) = other {
            assert!(
                second && matches!(&error, CopyError::Local(here) if matches!(here.why, Why::InUse)),
                "{error}"
            );
        }
        scene.is_right();
        assert!(!files(scene.folder.path()).keys().any(|name| name.file_name().is_some_and(is_reserved)));
    }
}

/// `get --type a` broke off, and `get -c` took the length of the text for an offset.
#[tokio::test]
async fn nothing_is_kept_of_a_text_that_broke_off() {
    let scene = Scene::new(NO_HASH, BIG).await;
    let before = files(scene.folder.path());
    let target = Target::at(&scene.here("f")).unwrap();
    let other = Change::Replace(Content { seed: 2, length: 300_000 });
    // One that breaks off, and one that changes while it is read.
    for (cut, change) in [(Some((128, Cut::Told)), None), (None, Some((128, other)))] {
        scene.next(cut, change);
        let mut client = scene.client(Verify::Size).await.unwrap();
        client.get_text(&path("f"), &target, &Downloads::new(false)).await.unwrap_err();
        assert_eq!(files(scene.folder.path()), before);
    }
    let mut client = scene.client(Verify::Size).await.unwrap();
    client.get_text(&path("f"), &target, &Downloads::new(false)).await.unwrap();
}

#[tokio::test]
async fn the_mode_of_a_file_that_is_replaced_is_kept() {
    let scene = Scene::new(NO_HASH, Content { seed: 1, length: 10 }).await;
    for mode in [0o600, 0o640, 0o755] {
        fs::write(scene.here("f"), "old").unwrap();
        fs::set_permissions(scene.here("f"), PermissionsExt::from_mode(mode)).unwrap();
        scene.get(false, Verify::Size).await.unwrap();
        assert_eq!(fs::metadata(scene.here("f")).unwrap().mode() & 0o7777, mode);
        scene.is_right();
    }
    fs::remove_file(scene.here("f")).unwrap();
    fs::write(scene.here("new"), "").unwrap();
    scene.get(false, Verify::Size).await.unwrap();
    let usual = fs::metadata(scene.here("new")).unwrap().mode();
    assert_eq!(fs::metadata(scene.here("f")).unwrap().mode(), usual);
}

#[tokio::test]
async fn a_link_that_the_user_has_put_stays_and_what_it_leads_to_is_replaced() {
    let scene = Scene::new(NO_HASH, BIG).await;
    fs::create_dir(scene.here("elsewhere")).unwrap();
    fs::write(scene.here("elsewhere/real"), "old").unwrap();
    symlink("elsewhere/real", scene.here("f")).unwrap();
    for _ in 0..2 {
        scene.next(Some((128, Cut::Told)), None);
        scene.get(true, Verify::Size).await.unwrap_err();
        assert!(!scene.part().exists());
        scene.get(true, Verify::Size).await.unwrap();
        assert!(fs::symlink_metadata(scene.here("f")).unwrap().is_symlink());
        assert!(fs::read(scene.here("elsewhere/real")).unwrap() == scene.site());
        // Then one that leads nowhere yet.
        fs::remove_file(scene.here("elsewhere/real")).unwrap();
    }
    // One that leads to itself, and a directory.
    fs::remove_file(scene.here("f")).unwrap();
    symlink("f", scene.here("f")).unwrap();
    assert!(Target::at(&scene.here("f")).is_err());
    for folder in ["elsewhere", "elsewhere/", "elsewhere/.."] {
        assert!(scene.directory(folder), "{folder}");
    }
}

impl Scene {
    fn directory(&self, name: &str) -> bool {
        let error = Target::at(&self.here(name)).unwrap_err();
        matches!(&error.why, Why::Io(error) if error.kind() == std::io::ErrorKind::IsADirectory)
    }
}

/// `t/sub -> /elsewhere` was there beforehand, and the files went to /elsewhere.
#[tokio::test]
async fn a_tree_is_not_written_through_links() {
    let scene = Scene::new(NO_HASH, BIG).await;
    fs::create_dir(scene.here("elsewhere")).unwrap();
    fs::write(scene.here("elsewhere/b"), "mine").unwrap();
    symlink(scene.here("elsewhere"), scene.here("t/sub")).unwrap();
    symlink(scene.here("victim"), scene.here("t/a")).unwrap();
    let before = files(scene.folder.path());
    assert_eq!(scene.tree(false).await.unwrap().len(), 3);
    let after = files(scene.folder.path());
    for (name, seen) in &before {
        assert_eq!(after.get(name), Some(seen), "{}", name.display());
    }
    assert_eq!(after.len(), before.len() + 1);
    assert!(after.contains_key(Path::new("t/.a.part")));
    // The folder that the user named may be a link.
    let scene = Scene::new(NO_HASH, BIG).await;
    fs::rename(scene.here("t"), scene.here("real")).unwrap();
    symlink("real", scene.here("t")).unwrap();
    scene.tree(false).await.unwrap();
    assert!(scene.here("real/sub/b").is_file());
}

#[tokio::test]
async fn a_source_that_changes_while_it_is_read_is_read_again() {
    // In place, behind what has been read: the first reading is a mixture of nothing.
    let scene = Scene::new(NO_HASH, BIG).await;
    scene.next(None, Some((128, Change::Grow(Content { seed: 2, length: 1000 }))));
    scene.get(false, Verify::Size).await.unwrap();
    scene.is_right();
    assert!(scene.said("downloading it again"));
    // Before what has been read: a mixture.
    let scene = Scene::new(NO_HASH, BIG).await;
    scene.next(None, Some((128, Change::Replace(Content { seed: 2, length: 300_000 }))));
    scene.get(false, Verify::Size).await.unwrap();
    scene.is_right();
    assert!(scene.said("starting over"));
    // The same, and the second reading breaks off: what is kept is a mixture, and is not resumed.
    let scene = Scene::new(NO_HASH, BIG).await;
    scene.next(None, Some((128, Change::Replace(Content { seed: 2, length: 300_000 }))));
    scene.next(Some((0, Cut::Told)), None);
    scene.get(false, Verify::Size).await.unwrap_err();
    scene.get(true, Verify::Size).await.unwrap();
    scene.is_right();
    // A log that never rests is taken as far as it was read twice.
    let scene = Scene::new(NO_HASH, BIG).await;
    for _ in 0..2 {
        scene.next(None, Some((128, Change::Grow(Content { seed: 2, length: 1000 }))));
    }
    assert_eq!(scene.get(false, Verify::Size).await.unwrap(), Got::Whole(301_000));
    assert!(scene.site().starts_with(&fs::read(scene.here("f")).unwrap()));
    // What is always another is none.
    let scene = Scene::new(NO_HASH, BIG).await;
    for seed in 2..12 {
        scene.next(None, Some((128, Change::Replace(Content { seed, length: 300_000 }))));
    }
    scene.get(false, Verify::Size).await.unwrap_err();
    assert!(!scene.here("f").exists());
}

#[tokio::test]
async fn a_size_that_is_wrong_is_said_to_be_the_second_time() {
    for resume in [true, false] {
        let scene = Scene::new(Offers { size_lies_by: 7, ..NO_HASH }, BIG).await;
        let first = scene.get(false, Verify::Size).await.unwrap_err();
        assert!(matches!(first, CopyError::Server { kept: true, .. }), "{first}");
        for _ in 0..2 {
            let again = scene.get(resume, Verify::Size).await.unwrap_err();
            assert!(matches!(again, CopyError::SizeIsWrong { size: 300_007, came: 300_000, .. }), "{again}");
        }
        assert!(!scene.here("f").exists());
        assert_eq!(scene.get(resume, Verify::Off).await.unwrap(), Got::Whole(300_000));
        scene.is_right();
    }
}

#[tokio::test]
async fn two_names_for_one_file_here_are_not_both_taken() {
    let scene = Scene::new(NO_HASH, BIG).await;
    let mut client = scene.client(Verify::Size).await.unwrap();
    let (run, target) = (Downloads::new(false), Target::at(&scene.here("f")).unwrap());
    client.get_file(&path("f"), None, &target, &run).await.unwrap();
    let error = client.get_file(&path("t/a"), None, &target, &run).await.unwrap_err();
    assert!(matches!(&error, CopyError::Local(here) if matches!(here.why, Why::Collides)), "{error}");
    scene.is_right();
}

/// `.x.part` was a link, and the file that it led to was emptied and overwritten.
#[tokio::test]
async fn what_has_the_name_of_a_part_and_is_none_is_left_alone() {
    for plant in Plant::ALL {
        for resume in [false, true] {
            let scene = Scene::new(NO_HASH, BIG).await;
            act(&Deed::Plant(plant), scene.folder.path(), "f", &[]);
            let before = files(scene.folder.path());
            // Nothing is kept of one that breaks off, as the next run would not know its name.
            scene.next(Some((128, Cut::Told)), None);
            scene.get(resume, Verify::Size).await.unwrap_err();
            assert_eq!(files(scene.folder.path()), before, "{plant:?}");
            scene.get(resume, Verify::Size).await.unwrap();
            assert!(fs::read(scene.here("f")).unwrap() == scene.site());
            fs::remove_file(scene.here("f")).unwrap();
            assert_eq!(files(scene.folder.path()), before, "{plant:?}");
            assert!(fs::symlink_metadata(scene.part()).is_ok());
        }
    }
}

#[tokio::test]
async fn a_name_of_a_part_is_no_target() {
    let scene = Scene::new(NO_HASH, BIG).await;
    for name in [part_name(OsStr::new("f")), part_name(OsStr::new("f")).to_ascii_uppercase()] {
        let error = Target::at(&scene.folder.path().join(&name)).unwrap_err();
        assert!(matches!(error.why, Why::Reserved), "{error}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be_set_is_no_failure() {
    let scene = Scene::new(NO_HASH, Content { seed: 1, length: 10 }).await;
    // The file system has no such time.
    lock(&scene.world).files.get_mut("f").unwrap().modified = 253_402_300_799;
    scene.get(false, Verify::Size).await.unwrap();
    scene.is_right();
    let modified = fs::metadata(scene.here("f")).unwrap().modified().unwrap();
    assert!(modified > SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}
