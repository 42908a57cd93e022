//! Can netkit's `ftp-ssl` (Debian's package of this name) use the site? It never sends close_notify, and
//! resumes nothing.

use std::fs;
use std::path::Path;

use crate::harness::files::{assert_same_file, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run_with};
use crate::harness::site::Site;

/// Large enough that it does not fit any buffer on its way.
const LARGE: usize = 3_000_007;

fn call(program: &Path, site: &Site, protected: bool, passive: bool, words: &[String]) -> Said {
    let door = &site.door;
    let mut script = vec![format!("user {} \"{}\"", door.user, door.password), "binary".to_owned()];
    script.extend_from_slice(words);
    script.push("quit\n".to_owned());
    let port = door.port.to_string();
    let mut flags = vec!["-n", "-v"];
    flags.extend(protected.then_some(["-z", "secure"]).into_iter().flatten());
    flags.extend(passive.then_some("-p"));
    flags.extend(["127.0.0.1", &port]);
    run_with(&mut command(program, flags), script.join("\n").as_bytes())
}

#[test]
fn files_go_up_and_down() {
    let Some(program) = need::program("ftp-ssl") else { return };
    for (protected, passive) in [(true, true), (true, false), (false, true), (false, false)] {
        let site = Site::with(&["--tls", if protected { "required-data" } else { "off" }]);
        let here = site.beside("here");
        let files = [("large.bin", LARGE), ("empty.bin", 0), ("small.bin", 5000), ("record.bin", 16384)];
        let sources: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(seed, (name, length))| write(&here, name, seed as u64, *length))
            .collect();
        let mut words = Vec::new();
        for (source, (name, _)) in sources.iter().zip(files) {
            words.push(format!("put {} {name}", source.display()));
        }
        for (name, _) in files {
            words.push(format!("get {name} {}", here.join(format!("back-{name}")).display()));
        }
        words.push(format!("append {} small.bin", sources[2].display()));
        let said = call(&program, &site, protected, passive, &words).good();
        let text = String::from_utf8_lossy(&said.out).into_owned();
        for (source, (name, _)) in sources.iter().zip(files) {
            assert_same_file(source, &here.join(format!("back-{name}")));
            if name != "small.bin" {
                assert_same_file(source, &site.root().join(name));
            }
        }
        let small = fs::read(&sources[2]).expect("the source");
        let twice = [small.clone(), small].concat();
        assert!(fs::read(site.root().join("small.bin")).expect("it is there") == twice, "{text}");
        // Each upload's line says what was believed.
        for (name, _) in files {
            let line = site.says(&format!("path=\"/{name}\""));
            assert!(line.contains("code=226"), "{line}");
            assert_eq!(line.contains("ended without close_notify; it is published"), protected, "{line}");
        }
    }
}

#[test]
fn nothing_is_published_where_close_notify_is_a_must() {
    let Some(program) = need::program("ftp-ssl") else { return };
    let site = Site::with(&["--tls", "required-data", "--tls-end", "strict"]);
    let source = write(&site.beside("here"), "up.bin", 1, 5000);
    let said = call(&program, &site, true, true, &[format!("put {} up.bin", source.display())]);
    assert!(String::from_utf8_lossy(&said.out).contains("\n426 "), "{said:?}");
    assert!(!site.root().join("up.bin").exists());
}
