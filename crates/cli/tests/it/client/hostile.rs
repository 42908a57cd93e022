//! Can a server write where it should not, or make us believe in half a file?
use std::fs;

use testbed::peer::{Odd, Server};

use super::{part_of, pasv};
use crate::harness::process::run;

#[test]
fn hostile_names_never_leave_the_folder() {
    let liar = Server::start("220 trust me", |verb| match verb {
        "MLSD" => {
            let names: &[u8] =
                b"type=file;size=1; ../../x\r\ntype=file;size=1; /tmp/pasv-x\r\ntype=file;size=1; a/b\r\n\
                  type=dir; ..\r\ntype=file;size=1; evil\x1b[2J\r\ntype=file;size=4; good\r\n";
            Some(Odd::Sends(names.to_vec()))
        }
        _ => None,
    });
    let liar = liar.having("good", b"good".to_vec());
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("deep/er/into");
    fs::create_dir_all(&into).unwrap();
    let said = run(pasv(["get", "-r", "-O"]).arg(&into).arg(liar.url("")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    for name in ["../../x", "/tmp/pasv-x", "a/b", "evil\\x1b[2J"] {
        assert!(said.err.contains(&format!("skipped: \"{name}\"")), "{name}: {}", said.err);
    }
    assert!(!said.err.contains('\x1b'));
    assert_eq!(fs::read(into.join("127.0.0.1/good")).unwrap(), b"good");
    // Nothing else anywhere: one folder in each folder, and one file.
    let mut at = folder.path().to_owned();
    for name in ["deep", "er", "into", "127.0.0.1", "good"] {
        let names: Vec<_> = fs::read_dir(&at).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [name], "in {}", at.display());
        at.push(name);
    }
}

#[test]
fn a_short_file_is_broken_off_and_kept_for_later() {
    let liar = Server::start("220 trust me", |verb| (verb == "SIZE").then_some(Odd::Says("213 10")));
    let liar = liar.having("a", b"half".to_vec());
    let folder = tempfile::tempdir().unwrap();
    let said = run(pasv(["get", "-O"]).arg(folder.path()).arg(liar.url("a")));
    assert_eq!(said.status.code(), Some(4), "{}", said.err);
    assert!(said.err.contains("hint: ") && said.err.contains("-c"), "{}", said.err);
    assert!(!folder.path().join("a").exists());
    assert_eq!(fs::read(part_of(&folder.path().join("a"))).unwrap(), b"half");
}
