//! Is `pasv serve ftp://...` a proxy of another server: TLS and passive mode, whatever that one can do?
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::harness::files::{assert_same, assert_same_file, content, write, write_tree};
use crate::harness::process::{command, run};
use crate::harness::site::Site;

/// Our client, which takes the certificate that the proxy has made for itself.
fn pasv(verb: &str) -> Command {
    let mut pasv = command(Path::new(env!("CARGO_BIN_EXE_pasv")), [verb]);
    pasv.env("NETRC", "/nonexistent");
    if verb != "serve" {
        pasv.args(["--insecure", "--tls", "required"]);
    }
    pasv
}

/// An old server: active mode only, and unencrypted.
fn old(flags: &[&str]) -> Site {
    Site::with(&[&["--tls", "off", "--no-passive"], flags].concat())
}

#[test]
fn an_old_server_is_used_in_passive_mode_and_under_tls() {
    let upstream = old(&[]);
    let there = upstream.root().join("some/dir");
    fs::create_dir_all(&there).unwrap();
    let proxy = Site::proxy(&upstream.door.url("some/dir"), &["--no-active"]);
    let (here, door) = (proxy.beside("here"), &proxy.door);
    let up = write(&here, "up.bin", 1, 3_000_007);
    run(pasv("put").arg(&up).arg(door.url("a b"))).good();
    assert_same_file(&up, &there.join("a b"));
    let listed = run(pasv("ls").args(["--json"]).arg(door.url(""))).good().text();
    assert!(listed.contains("\"a b\"") && listed.contains("3000007"), "{listed}");
    run(pasv("get").arg("-O").arg(&here).arg(door.url("a b"))).good();
    assert_same_file(&up, &here.join("a b"));
    // A download is resumed, and an upload.
    fs::write(here.join("rest"), &content(1, 3_000_007)[..1_000_000]).unwrap();
    run(pasv("get").args(["-c", "-o"]).arg(here.join("rest")).arg(door.url("a b"))).good();
    assert_same_file(&up, &here.join("rest"));
    fs::write(there.join("half"), &content(1, 3_000_007)[..1_000_000]).unwrap();
    run(pasv("put").arg("-c").arg(&up).arg(door.url("half"))).good();
    assert_same_file(&up, &there.join("half"));
    // The proxy reads the file for a digest.
    let mut talk = door.talk();
    let ours = talk.ask_for("HASH half", "213");
    let theirs = upstream.door.talk().ask_for("HASH some/dir/half", "213");
    assert_eq!(ours.split(' ').nth(2), theirs.split(' ').nth(2), "{ours} {theirs}");
    run(pasv("mv").arg(door.url("half")).arg(door.url("moved"))).good();
    assert!(there.join("moved").exists() && !there.join("half").exists());
    run(pasv("rm").arg(door.url("moved"))).good();
    assert!(!there.join("moved").exists());
    write_tree(&here.join("tree"));
    run(pasv("put").arg("-r").arg(here.join("tree")).arg(door.url(""))).good();
    assert_same(&here.join("tree"), &there.join("tree"));
    run(pasv("get").arg("-r").arg("-O").arg(here.join("back")).arg(door.url("tree/"))).good();
    run(pasv("rm").arg("-r").arg(door.url("tree"))).good();
    assert!(!there.join("tree").exists());
    let said = proxy.log();
    assert!(said.contains("pasv is a proxy of ftp://tester@127.0.0.1"), "{said}");
    assert!(!said.contains("sesame"), "{said}");
}

#[test]
fn a_download_that_the_upstream_breaks_off_is_not_confirmed() {
    let upstream = old(&["--drain-timeout", "1s"]);
    write(upstream.root(), "large", 1, 64 << 20);
    let proxy = Site::proxy(&upstream.door.url(""), &[]);
    let mut talk = proxy.door.talk();
    talk.ask_for("TYPE I", "200");
    let mut data = talk.passive();
    talk.ask_for("RETR large", "150");
    let mut some = vec![0; 100_000];
    data.read_exact(&mut some).unwrap();
    drop(upstream);
    let mut rest = Vec::new();
    // It may be reset.
    let _ = data.read_to_end(&mut rest);
    assert!(rest.len() + some.len() < 64 << 20);
    let reply = talk.reply();
    assert!(reply.starts_with("426") || reply.starts_with("451"), "{reply}");
    // The session goes on, and says what is wrong.
    let reply = talk.ask("SIZE large");
    assert!(reply.starts_with("550") || reply.starts_with("451"), "{reply}");
    talk.ask_for("NOOP", "200");
}

/// The pool has a session that the upstream has ended: at most the first command fails.
#[test]
fn sessions_that_the_upstream_has_ended_are_replaced() {
    let upstream = old(&["--idle-timeout", "1s"]);
    write(upstream.root(), "file", 1, 10);
    let proxy = Site::proxy(&upstream.door.url(""), &[]);
    let mut talk = proxy.door.talk();
    talk.ask_for("TYPE I", "200");
    talk.ask_for("SIZE file", "213");
    // The timer is the upstream's, another process.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let _ = talk.ask("SIZE file");
    talk.ask_for("SIZE file", "213");
}

/// An upload that breaks off is kept at the upstream, and continued from there.
#[test]
fn a_broken_upload_is_resumed_at_the_upstream() {
    let upstream = old(&[]);
    let proxy = Site::proxy(&upstream.door.url(""), &[]);
    let whole = content(1, 300_000);
    let mut talk = proxy.door.talk();
    talk.ask_for("TYPE I", "200");
    let mut data = talk.passive();
    talk.ask_for("STOR file", "150");
    data.write_all(&whole[..200_000]).unwrap();
    let has_arrived = || {
        let files = fs::read_dir(upstream.root()).unwrap().flatten();
        files.filter_map(|file| file.metadata().ok()).any(|file| file.len() > 0)
    };
    while !has_arrived() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    talk.ask_for("ABOR", "426");
    talk.expect("226");
    drop(data);
    assert!(!upstream.root().join("file").exists());
    // The upstream needs a moment to notice.
    let kept: usize = (0..500)
        .find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            talk.ask("SIZE file").strip_prefix("213 ")?.trim().parse().ok()
        })
        .expect("what has come is kept");
    let mut data = talk.passive();
    talk.ask_for(&format!("REST {kept}"), "350");
    talk.ask_for("STOR file", "150");
    data.write_all(&whole[kept..]).unwrap();
    drop(data);
    talk.expect("226");
    assert!(fs::read(upstream.root().join("file")).unwrap() == whole);
}

#[test]
fn one_session_of_the_upstream_is_enough_for_several_clients() {
    let upstream = old(&["--max-sessions-per-address", "1"]);
    for n in 0..4 {
        write(upstream.root(), format!("file{n}"), n, 500_000);
    }
    let proxy = Site::proxy(&upstream.door.url(""), &[]);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (proxy, upstream) = (&proxy, &upstream);
            scope.spawn(move || {
                let to = proxy.beside("here").join(n.to_string());
                run(pasv("get").arg("-o").arg(&to).arg(proxy.door.url(format!("file{n}")))).good();
                assert_same_file(&upstream.root().join(format!("file{n}")), &to);
            });
        }
    });
}

#[test]
fn a_large_file_takes_little_memory() {
    let upstream = old(&["--sync", "never"]);
    let there = write(upstream.root(), "large", 1, 64 << 20);
    let proxy = Site::proxy(&upstream.door.url(""), &[]);
    let here = proxy.beside("here");
    let transfers = |name: &str| {
        run(pasv("get").arg("-o").arg(here.join(name)).arg(proxy.door.url(name))).good();
        run(pasv("put").arg(here.join(name)).arg(proxy.door.url("up"))).good();
    };
    // What a first session takes, and the verification of a password, is not what is measured.
    write(upstream.root(), "small", 1, 10);
    transfers("small");
    let before = proxy.status("VmHWM");
    transfers("large");
    let grown = (proxy.status("VmHWM") - before) >> 10;
    println!("{grown} KiB more");
    assert!(grown < 16 << 10, "{grown} KiB more");
    assert_same_file(&there, &upstream.root().join("up"));
}

#[test]
fn an_upstream_that_cannot_be_used_is_an_error_at_the_start() {
    let upstream = old(&[]);
    write(upstream.root(), "file", 1, 1);
    let port = upstream.door.port;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, code, words) in [
        (format!("ftp://127.0.0.1:{closed}/"), 3, "127.0.0.1"),
        (format!("ftp://tester:wrong@127.0.0.1:{port}/"), 1, "refused the login"),
        (upstream.door.url("missing/"), 1, "missing"),
        (upstream.door.url("file"), 4, "sharing ftp://tester@127.0.0.1"),
        (format!("ftp://tester@127.0.0.1:{port}/"), 2, "PASV_UPSTREAM_PASSWORD"),
        (format!("ftpes://tester:secret@127.0.0.1:{port}/"), 3, "TLS"),
        ("ftp://".to_owned(), 2, ""),
    ] {
        let said = run(pasv("serve").args(["--listen", "127.0.0.1:0", &url]));
        assert_eq!(said.status.code(), Some(code), "{url}: {}", said.err);
        assert!(said.err.contains(words) && !said.err.contains("secret"), "{url}: {}", said.err);
    }
}
