//! Is a site's certificate asked about, pinned, remembered and refused as a person would want it?
//!
//! Against our own `pasv serve`, which makes a certificate that nobody vouches for, or has one of a test's
//! own authority.
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::pasv;
use crate::harness::certificates::Authority;
use crate::harness::files::{content, write};
use crate::harness::need;
use crate::harness::process::{Said, command, run, run_with};
use crate::harness::site::Site;

/// Somebody with a memory.
struct Person(TempDir);

impl Person {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn pasv<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut pasv = pasv(arguments);
        pasv.env("XDG_STATE_HOME", self.0.path());
        pasv
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("pasv/known_sites")
    }

    /// What is remembered.
    fn knows(&self) -> String {
        fs::read_to_string(self.file()).unwrap_or_default()
    }

    fn ls(&self, url: &str) -> Said {
        run(&mut self.pasv(["ls", url]))
    }
}

fn with_scheme(scheme: &str, url: &str) -> String {
    url.replacen("ftp://", scheme, 1)
}

#[track_caller]
fn fingerprint(said: &str) -> String {
    let word = said.split(|c: char| c.is_whitespace()).find(|word| word.starts_with("sha256:"));
    word.unwrap_or_else(|| panic!("no fingerprint in {said}")).to_owned()
}

/// The certificate that is known becomes another one.
fn forge(person: &Person) {
    let print = fingerprint(&person.knows());
    let other = format!("sha256:{}", "0".repeat(64));
    fs::write(person.file(), person.knows().replace(&print, &other)).unwrap();
}

#[track_caller]
fn refused(said: &Said, why: &str, hint: &str) {
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    let (error, hinted) = said.err.split_once("\nhint: ").unwrap_or_else(|| panic!("{}", said.err));
    assert!(error.starts_with("error: ") && error.contains(why), "{}", said.err);
    assert!(hinted.contains(hint), "{}", said.err);
    assert!(said.out.is_empty());
}

#[test]
fn plain_ftp_pins_at_the_first_visit_and_refuses_a_change() {
    let site = Site::with(&["--tls", "required"]);
    let (person, url) = (Person::new(), site.door.url(""));
    let first = person.ls(&url).good();
    assert!(first.err.starts_with("warning: first connection to 127.0.0.1:"), "{}", first.err);
    assert_eq!(first.err.lines().count(), 1, "{}", first.err);
    let print = fingerprint(&first.err);
    let place = format!("127.0.0.1:{} pinned {print} 20", site.door.port);
    assert!(person.knows().starts_with(&place), "{}", person.knows());
    // Known, and nothing more to say; neither has the stricter scheme.
    assert_eq!(person.ls(&url).good().err, "");
    assert_eq!(person.ls(&with_scheme("ftpes://", &url)).good().err, "");

    forge(&person);
    let before = person.knows();
    for more in [&[][..], &["--insecure"]] {
        let said = run(person.pasv(["ls", url.as_str()]).args(more));
        refused(
            &said,
            "has CHANGED",
            &format!("by another way; if it is the new one, run `pasv forget 127.0.0.1:{}`", site.door.port),
        );
    }
    assert_eq!(person.knows(), before);
    // The word of a person replaces it, for good; and so does forgetting.
    run(&mut person.pasv(["ls", "--pin", &print, &url])).good();
    assert_eq!(person.ls(&url).good().err, "");
    let gone = run(&mut person.pasv(["forget", "127.0.0.1"])).good();
    assert!(String::from_utf8(gone.out).unwrap().starts_with("forgotten: 127.0.0.1:"));
    assert_eq!(person.knows(), "");
    let said = run(&mut person.pasv(["forget", "127.0.0.1"]));
    assert!(said.status.code() == Some(1) && said.err.contains("nothing is known about"), "{}", said.err);
}

#[test]
fn tls_that_was_asked_for_takes_no_stranger_unasked() {
    let site = Site::with(&["--tls", "required", "--listen-tls", "127.0.0.1:0"]);
    let here = site.door.url("");
    let implicit = here.replace(&format!(":{}/", site.door.port), &format!(":{}/", site.implicit.unwrap()));
    for url in [with_scheme("ftpes://", &here), with_scheme("ftps://", &implicit)] {
        let person = Person::new();
        let said = person.ls(&url);
        let print = fingerprint(&said.err);
        refused(&said, "not signed by a trusted authority", &format!("--pin {print}"));
        assert!(said.err.lines().next().unwrap().ends_with(&print), "{}", said.err);
        assert_eq!(person.knows(), "");

        let said = run(&mut person.pasv(["ls", "-q", "--insecure", &url])).good();
        assert!(said.err.starts_with("warning: INSECURE: ") && said.err.contains(&print), "{}", said.err);
        assert_eq!(person.knows(), "", "what nobody vouches for is not remembered");

        let other = format!("sha256:{}", "0".repeat(64));
        let said = run(&mut person.pasv(["ls", "--insecure", "--pin", &other, &url]));
        refused(&said, "matches no --pin", "ask the server's administrator");
        assert_eq!(run(&mut person.pasv(["ls", "--pin", &print, &url])).good().err, "");
        assert_eq!(person.ls(&url).good().err, "");
    }
}

#[test]
fn a_person_at_a_terminal_is_asked() {
    let Some(script) = need::program("script") else { return };
    let site = Site::with(&["--tls", "required"]);
    let url = with_scheme("ftpes://", &site.door.url(""));
    let person = Person::new();
    let asked = |answer: &str| {
        let line = format!("'{}' ls '{url}'", env!("CARGO_BIN_EXE_pasv"));
        let mut at_terminal = command(&script, ["-q", "-e", "-c", line.as_str(), "/dev/null"]);
        at_terminal.env("XDG_STATE_HOME", person.0.path());
        let said = run_with(&mut at_terminal, format!("{answer}\n").as_bytes());
        (said.status.code(), String::from_utf8(said.out).unwrap())
    };
    for no in ["no", "y\nno", ""] {
        let (code, seen) = asked(no);
        assert_eq!(code, Some(3), "{seen}");
        assert!(seen.contains("Trust it from now on? [yes/no]") && seen.contains("was rejected"), "{seen}");
        assert_eq!(person.knows(), "");
    }
    let (code, seen) = asked("yes");
    assert_eq!(code, Some(0), "{seen}");
    assert!(person.knows().contains(&fingerprint(&seen)), "{seen}");
    assert_eq!(person.ls(&url).good().err, "", "now and from now on");
}

#[test]
fn a_port_once_seen_with_tls_is_not_spoken_to_unencrypted() {
    let protected = Site::start();
    let clear = Site::with(&["--tls", "off"]);
    write(clear.root(), "a", 1, 10);
    let (person, url) = (Person::new(), clear.door.url("a"));
    let said = run(&mut person.pasv(["cat", &url])).good();
    assert!(
        said.err.contains("warning: 127.0.0.1 has no TLS: the password and files are sent unencrypted")
            && said.err.lines().count() == 1,
        "{}",
        said.err
    );
    assert_eq!(person.knows(), "");

    let at = format!("127.0.0.1:{}", protected.door.port);
    let protected_url = protected.door.url("a");
    person.ls(&protected.door.url("")).good();
    drop(protected);
    // Another port may be another server, behind one address.
    run(&mut person.pasv(["cat", &url])).good();

    drop(clear);
    let clear = Site::with(&["--tls", "off", "--listen", &at]);
    write(clear.root(), "a", 1, 10);
    let url = protected_url;
    let said = run(&mut person.pasv(["cat", &url]));
    refused(&said, &format!("TLS was seen at {at}"), &format!("use --tls off once, or `pasv forget {at}`"));
    assert!(!said.err.contains("open%20sesame"));
    assert_eq!(run(&mut person.pasv(["cat", "--tls", "off", &url])).good().out, content(1, 10));
    run(&mut person.pasv(["forget", "127.0.0.1"])).good();
    run(&mut person.pasv(["cat", &url])).good();
}

/// Only a login that succeeded was followed by nothing unencrypted.
#[test]
fn a_handshake_that_failed_is_not_followed_by_an_unencrypted_login() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = port.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        for auth in ["234 go on", "500 what?"] {
            let (mut peer, _) = port.accept().unwrap();
            peer.write_all(b"220 ready\r\n").unwrap();
            let mut lines = BufReader::new(peer.try_clone().unwrap()).lines();
            assert_eq!(lines.next().unwrap().unwrap(), "AUTH TLS");
            peer.write_all(format!("{auth}\r\n").as_bytes()).unwrap();
            if auth.starts_with("500") {
                assert!(!lines.map_while(Result::ok).any(|line| line.contains("USER")));
            }
        }
    });
    let (person, here) = (Person::new(), tempfile::tempdir().unwrap());
    let url = |user: &str| format!("ftp://{user}:pw@{at}/{user}");
    let said = run(person.pasv(["get", "-O"]).arg(here.path()).args([url("ada"), url("bob")]));
    server.join().unwrap();
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    let line = format!("error: {at} used TLS earlier in this command and now refuses it (500 what?)");
    assert!(said.err.contains(&line), "{}", said.err);
    assert!(
        said.err.contains("hint: someone between you and the server may be blocking TLS"),
        "{}",
        said.err
    );
}

/// Another port may be another server's.
#[test]
fn a_server_without_tls_beside_one_with_it_is_used() {
    let protected = Site::with(&["--tls", "required"]);
    let clear = Site::with(&["--tls", "off"]);
    write(protected.root(), "a", 1, 10);
    write(clear.root(), "b", 2, 10);
    let (person, here) = (Person::new(), clear.beside("here"));
    let urls = [protected.door.url("a"), clear.door.url("b")];
    run(person.pasv(["get", "--insecure", "-O"]).arg(&here).args(urls)).good();
    assert_eq!(fs::read_dir(&here).unwrap().count(), 2);
}

#[test]
fn the_systems_authorities_vouch_for_a_site_and_its_renewals() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let serve = |name: &str| {
        let pair = authority.issue(name);
        let (cert, key) = (pair.cert.to_str().unwrap(), pair.key.to_str().unwrap());
        Site::with(&["--tls", "required", "--cert", cert, "--key", key])
    };
    let site = serve("127.0.0.1");
    let (person, url) = (Person::new(), with_scheme("ftpes://", &site.door.url("")));
    let trusting = |url: &str| run(person.pasv(["ls", url]).env("SSL_CERT_FILE", authority.file()));
    assert_eq!(trusting(&url).good().err, "");
    assert!(person.knows().contains(" verified sha256:"), "{}", person.knows());
    // A renewal that the same authority vouches for is no change.
    forge(&person);
    assert_eq!(trusting(&url).good().err, "");
    assert!(!person.knows().contains("sha256:0000"), "{}", person.knows());

    // A client that does not trust the authority trusts none of that.
    let stranger = Person::new();
    refused(&stranger.ls(&url), "authority", "--pin");
    forge(&person);
    refused(&person.ls(&url), "has CHANGED", "pasv forget");
    // And a certificate is for a name.
    let other = serve("other.example");
    let said = trusting(&with_scheme("ftpes://", &other.door.url("")));
    refused(&said, "it is for another name: other.example", "--pin");
}

#[test]
fn a_port_of_the_other_kind_is_told_and_not_waited_for() {
    let site = Site::with(&["--tls", "required", "--listen-tls", "127.0.0.1:0"]);
    let person = Person::new();
    // The time-out for a reply is as long as the test may take: it is not what ends this.
    let ls = |url: String| run(&mut person.pasv(["ls", "--timeout", "10m", &url]));
    refused(&ls(format!("ftps://127.0.0.1:{}/", site.door.port)), "the server sent plain text", "ftpes://");
    let implicit = site.implicit.unwrap();
    for scheme in ["ftp", "ftpes"] {
        refused(&ls(format!("{scheme}://127.0.0.1:{implicit}/")), "answers TLS", "ftps://");
    }
    assert_eq!(person.knows(), "");
    let said = run(&mut person.pasv(["ls", "--tls", "off", &site.door.url("")]));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert!(said.err.contains("\nhint: this server requires TLS"), "{}", said.err);
}

#[test]
fn a_certificate_of_ours_is_shown_where_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    let ca = authority.file();
    let (site, ours) = (
        Site::with(&["--tls", "required", "--client-cert", "require", "--client-ca", ca.to_str().unwrap()]),
        authority.issue("ada.example"),
    );
    write(site.root(), "a", 1, 10);
    let (person, url) = (Person::new(), with_scheme("ftpes://", &site.door.url("a")));
    let with = |more: &[&Path]| run(person.pasv(["cat", "--insecure"]).args(more).arg(&url));
    let flag = Path::new;
    assert_eq!(with(&[flag("--cert"), &ours.cert, flag("--key"), &ours.key]).good().out, content(1, 10));
    // Both in one file.
    let both = folder.path().join("both.pem");
    fs::write(&both, [fs::read(&ours.cert).unwrap(), fs::read(&ours.key).unwrap()].concat()).unwrap();
    assert_eq!(with(&[flag("--cert"), &both]).good().out, content(1, 10));

    let said = with(&[]);
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    assert!(said.err.contains("certificate") && said.err.contains("\nhint: --cert"), "{}", said.err);
    let said = with(&[flag("--cert"), &ours.cert]);
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    assert!(said.err.contains("no usable private key"), "{}", said.err);
}

#[test]
fn a_file_of_known_sites_that_is_damaged_is_told_and_kept() {
    let site = Site::with(&["--tls", "required"]);
    let (person, url) = (Person::new(), site.door.url(""));
    let print = fingerprint(&person.ls(&url).err);
    let good = person.knows();
    fs::write(person.file(), format!("elsewhere.example:21 pinned sha256:77\n{good}")).unwrap();
    let said = person.ls(&url).good();
    assert!(said.err.starts_with("warning: line 1 of ") && said.err.contains("is ignored"), "{}", said.err);
    assert_eq!(run(&mut person.pasv(["ls", "-q", &url])).good().err, "");
    assert!(person.knows().starts_with("elsewhere"));
    // What is damaged is what is known of this very site.
    fs::write(person.file(), good.replace(&print, &print[..20])).unwrap();
    let said = person.ls(&url);
    assert_eq!(said.status.code(), Some(2), "{}", said.err);
    assert!(said.err.contains("line 1 of ") && said.err.contains("pasv forget 127.0.0.1:"), "{}", said.err);
    run(&mut person.pasv(["forget", &format!("127.0.0.1:{}", site.door.port)])).good();
    person.ls(&url).good();
}

#[test]
fn a_closed_port_990_leads_to_the_scheme_that_most_sites_mean() {
    // Held without listening, so that nobody answers there.
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = held.local_addr().unwrap().port();
    drop(held);
    let said = Person::new().ls(&format!("ftps://127.0.0.1:{port}/"));
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    assert!(said.err.contains("ftpes://"), "{}", said.err);
}
