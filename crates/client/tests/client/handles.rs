//! Are files read and written piece by piece, and what becomes of the session when that is left in its
//! middle?
use std::time::Duration;

use client::{Client, Credentials, Download, Endpoint, Error, SessionSpec, Upload, WriteMode, no_watcher};
use wire::{Command, Pathname};

use crate::peer::Peer;

fn path() -> Pathname {
    Pathname::new("a").unwrap()
}

/// Opens a session with a peer that plays `steps` behind the usual login, and acts.
fn with<T>(steps: &'static [(&str, &str)], act: impl AsyncFnOnce(Client) -> T) -> T {
    let mut peer = Peer::new();
    let server = Endpoint { host: "127.0.0.1".to_owned(), port: peer.port() };
    let played = std::thread::spawn(move || {
        let steps: Vec<_> =
            steps.iter().map(|(kind, text)| ((*kind).to_owned(), (*text).to_owned())).collect();
        peer.play(&[vec![("!".to_owned(), "login".to_owned())], steps].concat())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async {
        let mut spec = SessionSpec::new(server, Credentials::anonymous());
        spec.options.patience.data = Duration::from_secs(1);
        act(Client::open(spec, no_watcher()).await.unwrap()).await
    });
    played.join().unwrap().unwrap();
    done
}

const RETR: [(&str, &str); 6] = [
    ("C:", "SIZE a"),
    ("S:", "213 6"),
    ("C:", "EPSV"),
    ("S:", "229 (|||{port}|)"),
    ("C:", "RETR a"),
    ("S:", "150 here it comes"),
];

macro_rules! steps {
    ($first:expr, $($step:expr),* $(,)?) => {{
        const MORE: &[(&str, &str)] = &[$($step),*];
        const ALL: [(&str, &str); $first.len() + MORE.len()] = {
            let mut all = [("", ""); $first.len() + MORE.len()];
            let mut n = 0;
            while n < all.len() {
                all[n] = if n < $first.len() { $first[n] } else { MORE[n - $first.len()] };
                n += 1;
            }
            all
        };
        &ALL
    }};
}

#[test]
fn a_file_is_read_piece_by_piece_in_a_session_that_is_moved_in() {
    let steps = steps!(RETR, ("D>", "abc"), ("D>", "def"), ("!", "close-data"), ("S:", "226 done"));
    let came = with(steps, async |client| {
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
    let steps = steps!(RETR, ("D>", "abc"), ("!", "close-data"), ("S:", "226 done"));
    let error = with(steps, async |mut client| {
        let mut download = client.open_read(&path(), 0).await.unwrap();
        let mut came = Vec::new();
        while download.read(&mut came).await.unwrap() > 0 {}
        download.finish().await.unwrap_err()
    });
    assert!(error.to_string().contains("3 of 6 bytes"), "{error}");
}

#[test]
fn a_reply_that_breaks_off_is_heard_while_the_next_bytes_are_waited_for() {
    let steps = steps!(RETR, ("D>", "abc"), ("S:", "451 the disk is broken"), ("!", "wait-data"));
    let error = with(steps, async |mut client| {
        let mut download = client.open_read(&path(), 0).await.unwrap();
        let mut came = Vec::new();
        loop {
            match download.read(&mut came).await {
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
    let stopped = steps!(
        RETR,
        ("D>", "abc"),
        ("!", "wait-data"),
        ("S:", "426 you hung up"),
        ("C:", "NOOP"),
        ("S:", "200 yes")
    );
    with(stopped, async |mut client| {
        let mut download = client.open_read(&path(), 0).await.unwrap();
        download.read(&mut Vec::new()).await.unwrap();
        download.stop().await;
        assert!(client.is_usable());
        client.ask(Command::Noop).await.unwrap();
    });
    with(steps!(RETR, ("D>", "abc"), ("!", "wait-control")), async |mut client| {
        let mut download = client.open_read(&path(), 0).await.unwrap();
        download.read(&mut Vec::new()).await.unwrap();
        drop(download);
        assert!(!client.is_usable());
        client.ask(Command::Noop).await.unwrap_err();
    });
}

const STOR: [(&str, &str); 6] = [
    ("C:", "MLST a"),
    ("S:", "550 no such file"),
    ("C:", "EPSV"),
    ("S:", "229 (|||{port}|)"),
    ("C:", "STOR a"),
    ("S:", "150 send it"),
];

#[test]
fn a_file_is_written_piece_by_piece_and_its_size_is_checked() {
    let arrived = steps!(
        STOR,
        ("D<", "abcdef"),
        ("!", "wait-data"),
        ("S:", "226 done"),
        ("C:", "SIZE a"),
        ("S:", "213 6"),
    );
    let short = steps!(
        STOR,
        ("D<", "abcdef"),
        ("!", "wait-data"),
        ("S:", "226 done"),
        ("C:", "SIZE a"),
        ("S:", "213 5"),
    );
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
    assert_eq!(with(arrived, write).unwrap(), 6);
    let error = with(short, write).unwrap_err();
    assert!(error.to_string().contains("5 of 6 bytes"), "{error}");
}

#[test]
fn a_file_is_written_behind_what_is_kept_of_it() {
    with(
        &[
            ("C:", "EPSV"),
            ("S:", "229 (|||{port}|)"),
            ("C:", "REST 3"),
            ("S:", "350 yes"),
            ("C:", "STOR a"),
            ("S:", "150 send it"),
            ("D<", "def"),
            ("!", "wait-data"),
            ("S:", "226 done"),
            ("C:", "SIZE a"),
            ("S:", "213 6"),
            ("C:", "EPSV"),
            ("S:", "229 (|||{port}|)"),
            ("C:", "APPE a"),
            ("S:", "150 send it"),
            ("D<", "g"),
            ("!", "wait-data"),
            ("S:", "226 done"),
            ("C:", "SIZE a"),
            ("S:", "213 7"),
        ],
        async |mut client| {
            for (mode, bytes) in [(WriteMode::At(3), &b"def"[..]), (WriteMode::Append, b"g")] {
                let mut upload = client.open_write(&path(), mode).await.unwrap();
                upload.write(bytes).await.unwrap();
                assert_eq!(upload.commit().await.unwrap(), bytes.len() as u64);
            }
        },
    );
}

#[test]
fn an_upload_that_is_dropped_is_not_taken_for_a_whole_file() {
    with(steps!(STOR, ("D<", "abc"), ("!", "wait-reset"), ("!", "wait-control")), async |mut client| {
        let mut upload = client.open_write(&path(), WriteMode::Replace).await.unwrap();
        upload.write(b"abc").await.unwrap();
        // The peer reads it first, as a reset destroys what has not been read.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(upload);
        assert!(!client.is_usable());
    });
}
