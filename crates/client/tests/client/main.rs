//! Does the client survive what servers do? Stories with a scripted peer over loopback.
//!
//! `tests/sessions/client/*.txt` are replayed one by one; what a file cannot say well is a test of its own
//! here.
mod broken_uploads;
mod handles;
mod model;
mod peer;
mod pool;
mod story;
mod streams;

use std::fs;
use std::path::{Path, PathBuf};

use client::{Client, Credentials, Endpoint, Options, SessionSpec, no_watcher};

use peer::Peer;

/// An anonymous session with the server at this port.
fn spec(port: u16, options: Options) -> SessionSpec {
    SessionSpec { options, ..SessionSpec::new(Endpoint::new("127.0.0.1", port), Credentials::anonymous()) }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

/// Opens a session with a peer that plays its part, and acts: what both came to.
fn meet<P: Send + 'static, T>(
    options: Options,
    play: impl FnOnce(&mut Peer) -> Result<P, String> + Send + 'static,
    act: impl AsyncFnOnce(Client) -> T,
) -> (P, T) {
    let peer = Peer::new();
    let spec = spec(peer.port(), options);
    let played = peer.start(play);
    let done = block_on(async { act(Client::open(spec, no_watcher()).await.unwrap()).await });
    (played.join().unwrap().unwrap(), done)
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sessions/client");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the stories are in the tree")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_story_ends_as_it_says() {
    let files = stories();
    assert!(!files.is_empty(), "there are stories");
    let told: Vec<_> = files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a readable story");
            let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
            (name, std::thread::spawn(move || story::tell(&text)))
        })
        .collect();
    let mut failed = Vec::new();
    for (name, story) in told {
        match story.join() {
            Ok(Ok(())) => {}
            Ok(Err(why)) => failed.push(format!("--- {name}\n{why}")),
            Err(_) => failed.push(format!("--- {name}\npanicked")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
