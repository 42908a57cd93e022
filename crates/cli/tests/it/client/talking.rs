//! Does the program say what happened, with the right exit code, and never a secret?
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use super::pasv;
use crate::harness::files::write;
use crate::harness::need;
use crate::harness::process::{command, run, run_with};
use crate::harness::site::Site;

#[test]
fn exit_codes_and_hints() {
    let site = Site::start();
    let here = site.beside("here");
    let said = run(pasv(["get", "-O"]).arg(&here).arg(site.door.bare_url("nonesuch")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(
        said.err.contains("error: ") && said.err.contains("550") && said.err.contains("\nhint: "),
        "{}",
        said.err
    );
    assert_eq!(fs::read_dir(&here).unwrap().count(), 0, "a refused download leaves nothing");

    for bad in
        ["http://x/", "ftp://", "ftp://h:99999/x", "ftp://h/a%0d%0aDELE%20x", "ftp://a%0db@h/x", "sftp://h/x"]
    {
        let said = run(&mut pasv(["get", bad]));
        assert_eq!(said.status.code(), Some(2), "{bad}: {}", said.err);
        assert!(said.err.starts_with("error: "), "{bad}: {}", said.err);
    }
    assert_eq!(run(&mut pasv(["get"])).status.code(), Some(2));
    let said = run(pasv(["put", "/nonexistent/file"]).arg(site.door.url("x")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);

    // A port that was free a moment ago.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let said = run(&mut pasv(["ls", &format!("ftp://127.0.0.1:{port}/")]));
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    assert!(said.err.contains(&port.to_string()) && said.err.contains("\nhint: "), "{}", said.err);
}

#[test]
fn a_directory_is_told_from_a_file() {
    let site = Site::start();
    write(site.root(), "d/a", 1, 10);
    let here = site.beside("here");
    for url in [site.door.bare_url("d"), site.door.bare_url("d/")] {
        let said = run(pasv(["get", "-O"]).arg(&here).arg(&url));
        assert!(!said.status.success() && said.err.contains("-r downloads it"), "{url}: {}", said.err);
    }
    let said = run(pasv(["get", "-o", "nonesuch/a"]).arg(site.door.bare_url("d/a")));
    assert!(said.status.code() == Some(2) && said.err.contains("no folder nonesuch"), "{}", said.err);
    // What cannot be stored is told, and the exit is not 0.
    fs::create_dir(here.join("tree")).unwrap();
    write(site.root(), "tree", 1, 10);
    let said = run(pasv(["put", "-r"]).arg(here.join("tree")).arg(site.door.bare_url("")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(said.err.contains("error: "), "{}", said.err);
    // By its path in the tree, since its name alone does not say which one it is.
    write(site.root(), "odd/deep/\u{1}", 1, 10);
    let said = run(pasv(["get", "-r", "-O"]).arg(&here).arg(site.door.bare_url("odd")));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(said.err.contains("skipped: \"deep/\\x01\""), "{}", said.err);
    let said = run(pasv(["put"]).arg(here.join("tree")).arg(site.door.url("")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
}

#[test]
fn no_injection_reaches_the_wire() {
    let site = Site::start();
    write(site.root(), "precious", 1, 10);
    let url = format!("{}%0d%0aDELE%20precious", site.door.url(""));
    for verb in ["get", "cat", "ls", "stat", "rm", "mkdir", "rmdir", "trace"] {
        let said = run(&mut pasv([verb, &url]));
        assert_eq!(said.status.code(), Some(2), "{verb}: {}", said.err);
    }
    assert!(site.root().join("precious").exists());
}

#[test]
fn a_reader_that_goes_away_is_silence() {
    let site = Site::start();
    write(site.root(), "big", 1, 8_000_000);
    let mut cat = pasv(["cat", "--tls", "off"])
        .arg(site.door.bare_url("big"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 1000];
    let mut out = cat.stdout.take().unwrap();
    out.read_exact(&mut start).unwrap();
    drop(out);
    let ended = cat.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert!(ended.status.success());
}

#[test]
fn passwords_come_from_everywhere_and_show_nowhere() {
    let site = Site::start();
    let here = site.beside("here");
    let up = write(&here, "up", 1, 100);
    let url = |name: &str| format!("ftp://{}@127.0.0.1:{}/{name}", site.door.user, site.door.port);
    let secret = site.door.password;
    let clean = |said: &crate::harness::process::Said| {
        let out = String::from_utf8_lossy(&said.out);
        assert!(!said.err.contains(secret) && !out.contains(secret), "{}{out}", said.err);
        assert!(!said.err.contains("open%20sesame"), "{}", said.err);
    };

    let said = run(pasv(["put", "-v"]).arg(&up).arg(site.door.url("by-url"))).good();
    assert!(said.err.contains("PASS ***"), "{}", said.err);
    clean(&said);

    let file = here.join("password");
    fs::write(&file, format!("{secret}\nanother line\n")).unwrap();
    clean(&run(pasv(["put", "-v", "--password-file"]).arg(&file).arg(&up).arg(url("by-file"))).good());

    // The URL comes first, so a wrong file beside it does not matter; an empty one is a mistake.
    let other = here.join("other");
    fs::write(&other, "not this one\n").unwrap();
    let at = site.door.url("by-url-and-file");
    clean(&run(pasv(["put", "-v", "--password-file"]).arg(&other).arg(&up).arg(at)).good());
    fs::write(&other, "\n").unwrap();
    let said = run(pasv(["put", "--password-file"]).arg(&other).arg(&up).arg(url("x")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    assert!(said.err.contains("is empty"), "{}", said.err);

    let netrc = here.join("netrc");
    // A comment in another encoding is no reason to be somebody else.
    let login = format!("\nmachine 127.0.0.1 login {} password \"{secret}\"\n", site.door.user);
    fs::write(&netrc, [b"# m\xfcller", login.as_bytes()].concat()).unwrap();
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o644)).unwrap();
    let bare = site.door.bare_url("by-netrc");
    let said = run(pasv(["put", "-v"]).env("NETRC", &netrc).arg(&up).arg(&bare)).good();
    assert!(said.err.contains("can be read by other users"), "{}", said.err);
    clean(&said);
    fs::set_permissions(&netrc, fs::Permissions::from_mode(0o600)).unwrap();
    let said = run(pasv(["put", "--tls", "off"]).env("NETRC", &netrc).arg(&up).arg(&bare)).good();
    assert_eq!(said.err, "");

    // One that cannot be read is told.
    let said = run(pasv(["ls"]).env("NETRC", &here).arg(site.door.bare_url(""))).good();
    assert!(said.err.contains("which is ignored: Is a directory"), "{}", said.err);

    // No terminal to ask at, and a password that is wrong: refused without repeating it.
    let said = run(pasv(["put"]).arg(&up).arg(url("by-nobody")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    let wrong = format!("ftp://{}:not-{}@127.0.0.1:{}/x", site.door.user, "this-one", site.door.port);
    let said = run(pasv(["put", "-v"]).arg(&up).arg(wrong));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(said.err.contains("530") && !said.err.contains("this-one"), "{}", said.err);
    for name in ["by-url", "by-file", "by-netrc"] {
        assert!(site.root().join(name).exists(), "{name}");
    }
}

/// The URL, --user, --password-file, PASV_PASSWORD, netrc, the prompt: the first that has a password counts.
#[test]
fn the_first_password_counts() {
    let site = Site::start();
    let (user, secret) = (site.door.user, site.door.password);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    };
    let [right, wrong] = [("right", secret), ("wrong", "wrong")]
        .map(|(name, password)| file(name, &format!("{password}\n")).display().to_string());
    let netrc =
        |password: &str| file("netrc", &format!("machine 127.0.0.1 login {user} password \"{password}\"\n"));
    let (bare, whole) = (site.door.bare_url(""), site.door.url(""));
    let named = format!("ftp://{user}@127.0.0.1:{}/", site.door.port);
    let [with_right, with_wrong] = [secret, "wrong"].map(|password| format!("{user}:{password}"));
    let from = "--password-file";
    // (flags, URL, PASV_PASSWORD, netrc), right up to the one that counts and wrong behind it, or the other
    // way round.
    for (flags, url, variable, of_netrc, good) in [
        (&[][..], &whole, "wrong", "wrong", true),
        (&["-u", &with_wrong], &whole, "wrong", "wrong", true),
        (&["-u", &with_right, from, &wrong], &bare, "wrong", "wrong", true),
        (&["--user", &with_wrong, from, &right], &bare, secret, secret, false),
        (&["-u", user, from, &right], &bare, "wrong", "wrong", true),
        (&["-u", user], &bare, secret, "wrong", true),
        (&["-u", user], &bare, "wrong", secret, false),
        (&["-u", user], &bare, "", secret, true),
        // The password of another user is none.
        (&["-u", "bob:wrong"], &named, secret, "wrong", true),
        (&[], &bare, secret, "wrong", true),
    ] {
        let mut ls = pasv(["ls", "-v"]);
        ls.args(flags).arg(url).env("PASV_PASSWORD", variable).env("NETRC", netrc(of_netrc));
        let said = run(&mut ls);
        assert_eq!(said.status.success(), good, "{flags:?} {url}: {}", said.err);
        assert!(!said.err.contains(secret), "{}", said.err);
    }
    // An anonymous login does not get it.
    let said = run(pasv(["ls", "-v"]).arg(&bare).env("PASV_PASSWORD", secret));
    assert!(said.err.contains("USER anonymous"), "{}", said.err);
    let said = run_with(
        pasv(["ls", "--password-file", "-"]).args(["-u", user]).arg(&bare),
        format!("{secret}\nx").as_bytes(),
    );
    said.good();
    let said = run(pasv(["put", "--password-file", "-", "-"]).arg(format!("{named}x")));
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    assert!(said.err.contains("stdin cannot be both"), "{}", said.err);
}

#[test]
fn a_wrong_password_at_a_terminal_is_asked_for_again() {
    let Some(script) = need::program("script") else { return };
    let site = Site::start();
    let secret = site.door.password;
    let typed = |lines: &str| {
        let line =
            format!("'{}' ls '{}' -u {}", env!("CARGO_BIN_EXE_pasv"), site.door.bare_url(""), site.door.user);
        let mut at_terminal = command(&script, ["-q", "-e", "-c", line.as_str(), "/dev/null"]);
        let said = run_with(at_terminal.env("NETRC", "/nonexistent"), lines.as_bytes());
        (said.status.code(), String::from_utf8_lossy(&said.out).into_owned())
    };
    let (code, seen) = typed(&format!("wrong\n{secret}\n"));
    assert_eq!((code, seen.matches("Password for ").count()), (Some(0), 2), "{seen}");
    let (code, seen) = typed(&format!("wrong\nwrong\nwrong\n{secret}\n"));
    assert_eq!((code, seen.matches("Password for ").count()), (Some(1), 3), "{seen}");
    assert!(seen.contains("hint: check the user"), "{seen}");
}

#[test]
fn a_site_that_cannot_be_opened_says_why_without_our_words() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, code, why) in [
        (vec!["--root", "/nonexistent"], 2, "cannot share /nonexistent: no such folder\n"),
        (vec!["--listen", &taken], 1, "Address already in use\n"),
        (vec!["--log-level", "informative"], 2, "is not a level\n"),
        (vec!["--max-sessions", "0"], 2, "1 or more"),
        (vec!["--user", "alice:"], 2, "no password file after the colon\n"),
        (vec!["--external", "2001:db8::1"], 2, "EPSV"),
    ] {
        // Where a check fails to refuse, the port in use does.
        let said = run(pasv(["serve", "--tls", "off", "--listen", &taken]).args(&arguments));
        assert_eq!(said.status.code(), Some(code), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(why), "{arguments:?}: {}", said.err);
    }
}
