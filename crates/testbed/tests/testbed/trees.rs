//! Which trees keep the promises of `storage::Tree`?
use std::sync::{Arc, Mutex};
use std::time::Duration;

use storage::local::{Local, LocalOptions, Sync};
use testbed::conformance::{self, Errors};
use testbed::memory::Memory;

#[tokio::test]
async fn a_folder() {
    for sync in [Sync::Never, Sync::Always] {
        let folders = Mutex::new(Vec::new());
        let fresh = async || {
            let folder = tempfile::tempdir().expect("a folder of the test's own");
            let keep_parts = Duration::from_secs(3600);
            let options = LocalOptions { read_only: false, sync, umask: 0o022, keep_parts };
            let tree = Local::open(folder.path(), options).expect("the folder");
            folders.lock().unwrap().push(folder);
            Arc::new(tree) as _
        };
        assert!(conformance::tree(Errors::Exact, fresh).await.is_empty());
        // No promise leaves a part, whatever its name: what an upload needed for itself is gone.
        for folder in folders.into_inner().unwrap() {
            let parts = || -> Vec<_> {
                let names =
                    std::fs::read_dir(folder.path()).expect("the folder").flatten().map(|e| e.file_name());
                names.filter(|name| name.as_encoded_bytes().starts_with(b".pasv.")).collect()
            };
            // What is dropped is removed by another thread.
            let removed = async {
                while !parts().is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            assert!(tokio::time::timeout(Duration::from_secs(20), removed).await.is_ok(), "{:?}", parts());
        }
    }
}

#[tokio::test]
async fn memory() {
    let unsupported = conformance::tree(Errors::Exact, async || Arc::new(Memory::default()) as _).await;
    let lacks = ["the_file_itself_holds_the_same_bytes", "modes_are_kept", "space_is_told"];
    assert_eq!(unsupported, lacks);
}
