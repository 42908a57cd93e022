//! Are files read and written piece by piece, and what becomes of the session when that is left in its
//! middle?
use std::time::Duration;

use client::{Client, Download, Error, Options, Upload, WriteMode};
use wire::{Command, Pathname};

use crate::meet;

fn path() -> Pathname {
    Pathname::new("a").unwrap()
}

/// Opens a session with a peer that plays `steps` behind the usual login, and acts.
fn with<T>(steps: &[&str], act: impl AsyncFnOnce(Client) -> T) -> T {
    let steps = steps.join("\n");
    let mut options = Options::default();
    options.patience.data = Duration::from_secs(1);
    meet(options, move |peer| peer.play(&format!("! login\n{steps}")), act).1
}

const RETR: &str = "C: SIZE a
S: 213 6
T: RETR a
D> abc";

#[test]
fn a_file_is_read_piece_by_piece_in_a_session_that_is_moved_in() {
    let came = with(&[RETR, "D>. def\nS: 226 done"], async |client| {
        let mut download = Download::open(client, &path(), 0).await.unwrap();
        assert_eq!(download.size(), Some(6));
        // It may be read by another task than that which has opened it.
        let reading = tokio::spawn(async move {
            let mut came = Vec::new();
            while download.read(&mut came).await.unwrap() > 0 {}
            assert_eq!(download.finish().await.unwrap(), 6);
            came
        });
        reading.await.unwrap()
    });
    assert_eq!(came, b"abcdef");
}

#[test]
fn the_end_of_the_data_is_not_the_end_of_the_file() {
    let error = with(&[RETR, "! close-data\nS: 226 done"], async |mut client| {
        let mut download = client.open_read(&path(), 0).await.unwrap();
        while download.read(&mut Vec::new()).await.unwrap() > 0 {}
        download.finish().await.unwrap_err()
    });
    assert!(error.to_string().contains("3 of 6 bytes"), "{error}");
}

#[test]
fn a_reply_that_breaks_off_is_heard_while_the_next_bytes_are_waited_for() {
    let error = with(&[RETR, "S: 451 the disk is broken\n! wait-data"], async |mut client| {
        let mut download = client.open_read(&path(), 0).await.unwrap();
        loop {
            match download.read(&mut Vec::new()).await {
                Ok(0) => panic!("the data connection was not closed"),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    });
    assert!(matches!(&error, Error::Broken { .. }) && error.to_string().contains("451"), "{error}");
}

#[test]
fn a_download_that_is_stopped_leaves_the_session_usable_and_one_that_is_dropped_does_not() {
    for (steps, stops) in
        [("! wait-data\nS: 426 you hung up\nC: NOOP\nS: 200 yes", true), ("! wait-control", false)]
    {
        with(&[RETR, steps], async |mut client| {
            let mut download = client.open_read(&path(), 0).await.unwrap();
            download.read(&mut Vec::new()).await.unwrap();
            if stops {
                download.stop().await
            } else {
                drop(download)
            }
            assert_eq!(client.is_usable(), stops);
            assert_eq!(client.ask(Command::Noop).await.is_ok(), stops);
        });
    }
}

const STOR: &str = "C: MLST a
S: 550 no such file
T: STOR a
D< abc";

const DONE: &str = "D<. def\nS: 226 done\nC: SIZE a";

#[test]
fn a_file_is_written_piece_by_piece_and_its_size_is_checked() {
    let write = async |client| {
        let mut upload = Upload::open(client, &path(), WriteMode::Replace).await.unwrap();
        tokio::spawn(async move {
            upload.write(b"abc").await.unwrap();
            let more = upload.wait_for(async { b"def" }).await.unwrap();
            upload.write(more).await.unwrap();
            upload.commit().await
        })
        .await
        .unwrap()
    };
    assert_eq!(with(&[STOR, DONE, "S: 213 6"], write).unwrap(), 6);
    let error = with(&[STOR, DONE, "S: 213 5"], write).unwrap_err();
    assert!(error.to_string().contains("5 of 6 bytes"), "{error}");
}

#[test]
fn a_file_is_written_behind_what_is_kept_of_it() {
    for (mode, said, bytes, size) in [
        (WriteMode::At(3), "C: REST 3\nS: 350 yes\nC: STOR a", "def", 6),
        (WriteMode::Append, "C: APPE a", "g", 7),
    ] {
        let steps = format!(
            "C: EPSV\nS: 229 (|||{{port}}|)\n{said}\nS: 150 send it\nD<. {bytes}\nS: 226 done\nC: SIZE a\nS: 213 {size}"
        );
        with(&[&steps], async |mut client| {
            let mut upload = client.open_write(&path(), mode).await.unwrap();
            upload.write(bytes.as_bytes()).await.unwrap();
            assert_eq!(upload.commit().await.unwrap(), bytes.len() as u64);
        });
    }
}

#[test]
fn an_upload_that_is_dropped_is_not_taken_for_a_whole_file() {
    with(&[STOR, "! wait-reset\n! wait-control"], async |mut client| {
        let mut upload = client.open_write(&path(), WriteMode::Replace).await.unwrap();
        upload.write(b"abc").await.unwrap();
        // The peer reads it first, as a reset destroys what has not been read.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(upload);
        assert!(!client.is_usable());
    });
}
