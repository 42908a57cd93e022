//! Do man pages and completions come out for packages and shells?

use std::fs;
use std::path::Path;

use crate::harness::process::{command, run};

#[test]
fn each_verb_has_a_man_page() {
    let folder = tempfile::tempdir().expect("a folder");
    run(command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["generate"]).arg(folder.path())).good();
    let page = |name: &str| fs::read_to_string(folder.path().join(name)).expect(name);
    let whole = page("pasv.1");
    for verb in
        ["serve", "ls", "get", "put", "cat", "rm", "mv", "mkdir", "stat", "trace", "doctor", "firewall"]
    {
        assert!(whole.contains(&format!(".BR pasv\\-{verb} (1)")), "{verb}: {whole}");
        assert!(page(&format!("pasv-{verb}.1")).contains(".SH SYNOPSIS"), "{verb}");
    }
}

#[test]
fn completions_come_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&mut command(Path::new(env!("CARGO_BIN_EXE_pasv")), ["completions", shell])).good();
        assert!(script.text().contains("passive-ports"), "{shell}");
    }
}
