//! Are the man pages in the tree those of the flags as they are, and do completions come out?

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::harness::process::{command, run};

#[test]
fn the_man_pages_are_those_of_the_flags() {
    let kept = "docs/man";
    let folder = tempfile::tempdir().expect("a folder");
    run(command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["generate"]).arg(folder.path())).good();
    let made = files(folder.path());
    let kept_files = files(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(kept));
    assert!(!made.is_empty(), "nothing was made");
    for (name, text) in &made {
        assert!(
            kept_files.get(name) == Some(text),
            "{kept}/{name} is not up to date: cargo xtask man {kept}"
        );
    }
    assert_eq!(made.len(), kept_files.len(), "{kept} has a file that is made no more");
}

#[test]
fn completions_come_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["completions", shell])).good();
        assert!(script.text().contains("passive-ports"), "{shell}");
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|entry| {
            let entry = entry.expect("an entry of the folder");
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file"))
        })
        .collect()
}
