//! What do the certificates of a site and of its clients do, with `pasv serve` from outside?
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

use tempfile::TempDir;

use crate::harness::certificates::{Authority, Pair};
use crate::harness::need;
use crate::harness::ours::pasv;
use crate::harness::process::{command, run};
use crate::harness::site::Site;
use crate::harness::tls::{Client, VERSIONS, print};

const AGAIN: &str = "certificates reloaded";

/// Where a test's certificates are, and who vouches for them.
struct Bureau {
    folder: TempDir,
    authority: Authority,
    /// The site's own.
    own: Pair,
}

impl Bureau {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path());
        let own = authority.issue("localhost");
        Self { folder, authority, own }
    }

    /// A site with that certificate, and with flags; `{}` in them is our folder.
    fn site(&self, flags: &[&str]) -> Site {
        let folder = self.folder.path().display().to_string();
        let flags: Vec<String> = ["--cert", "{}/localhost-cert.pem", "--key", "{}/localhost-key.pem"]
            .iter()
            .chain(flags)
            .map(|flag| flag.replace("{}", &folder))
            .collect();
        Site::with(&flags.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }
}

#[test]
fn a_certificate_is_renewed_while_sessions_go_on() {
    let bureau = Bureau::new();
    let site = bureau.site(&["--data-reuse", "require"]);
    // Each keeps its own sessions: who comes later is another client.
    let (client, later) = (Client::new(&bureau.authority), Client::new(&bureau.authority));
    let old = print(&bureau.own);
    let mut before = client.call(&site, "localhost").unwrap();
    before.log_in();
    assert_eq!(before.shown(), old);

    let fresh = print(&bureau.authority.issue("localhost"));
    assert_ne!(fresh, old);
    site.reads_again(AGAIN);
    assert_eq!(later.call(&site, "localhost").unwrap().shown(), fresh);
    // Who was there goes on with what was there, on data connections too.
    let mut data = client.data(&mut before, "STOR up.bin").unwrap();
    data.write_all(b"whole").unwrap();
    data.conn.send_close_notify();
    data.flush().unwrap();
    data.read_to_end(&mut Vec::new()).unwrap();
    assert!(before.hear().starts_with("226"));
    assert_eq!(fs::read(site.root().join("up.bin")).unwrap(), b"whole");

    // The new certificate is there, and not its key yet.
    let other = bureau.authority.issue("elsewhere");
    fs::copy(&other.cert, &bureau.own.cert).unwrap();
    site.reads_again("cannot use the changed certificates; still using the old ones");
    assert!(site.log().contains("the private key does not belong to the certificate"), "{}", site.log());
    assert_eq!(later.call(&site, "localhost").unwrap().shown(), fresh);
    before.all(&[("NOOP", "200")]);
}

#[test]
fn the_name_asked_for_chooses_the_certificate() {
    let bureau = Bureau::new();
    let two = bureau.authority.issue("two.example");
    let site = bureau.site(&["--cert", "{}/two.example-cert.pem", "--key", "{}/two.example-key.pem"]);
    let client = Client::new(&bureau.authority);
    assert_eq!(client.call(&site, "localhost").unwrap().shown(), print(&bureau.own));
    assert_eq!(client.call(&site, "two.example").unwrap().shown(), print(&two));
    let refused = client.call(&site, "three.example").err().expect("no certificate of that name");
    assert!(refused.to_string().contains("localhost"), "the first is shown: {refused}");
}

#[test]
fn a_certificate_in_place_of_the_password() {
    let bureau = Bureau::new();
    let (alice, bob) = (bureau.authority.issue("alice"), bureau.authority.issue("bob"));
    bureau.file("owners", &format!("# Ours.\ntester subject CN=alice\ntester {}\n", print(&bob)));
    let flags = ["--client-ca", "{}/ca.pem", "--client-cert-users", "{}/owners"];
    let site = bureau.site(&[&flags[..], &["--client-cert-login", "without-password"]].concat());
    fs::write(site.root().join("a.txt"), "for alice").unwrap();

    for version in VERSIONS {
        for own in [&alice, &bob] {
            let mut talk = Client::showing(&bureau.authority, own, version).call(&site, "localhost").unwrap();
            talk.all(&[("USER tester", "232"), ("PWD", "257")]);
        }
        // Nobody's: the password.
        let carol = bureau.authority.issue("carol");
        let mut talk = Client::showing(&bureau.authority, &carol, version).call(&site, "localhost").unwrap();
        talk.all(&[("USER tester", "331"), ("PWD", "530")]);
        talk.log_in();
    }

    // Our own client, with a password that would not do.
    let url = site.door.url("a.txt").replace("open%20sesame", "wrong");
    let (pin, to) = (print(&bureau.own).to_string(), site.beside("here"));
    let get = |own: &[&str]| {
        let url = url.replacen("ftp://", "ftpes://", 1);
        pasv([&["get", "--pin", &pin, "-O", to.to_str().unwrap()], own, &[&url]].concat())
    };
    let own = [alice.cert.to_str().unwrap(), alice.key.to_str().unwrap()];
    let said = get(&[]);
    assert!(!said.status.success() && said.err.contains("Login incorrect"), "{}", said.err);
    get(&["--cert", own[0], "--key", own[1]]).good();
    assert_eq!(fs::read(to.join("a.txt")).unwrap(), b"for alice");

    // The list is read again when it changes.
    bureau.file("owners", "tester subject CN=carol\n");
    site.reads_again(AGAIN);
    let client = Client::showing(&bureau.authority, &alice, VERSIONS[1]);
    client.call(&site, "localhost").unwrap().all(&[("USER tester", "331")]);
    bureau.file("owners", "tester subject carol\n");
    site.reads_again("cannot use the changed certificates; still using the old ones");
    site.says("owners:1: a subject is written as");
}

#[test]
fn curl_with_a_certificate_needs_no_password() {
    let Some(curl) = need::program("curl") else { return };
    let bureau = Bureau::new();
    let own = bureau.authority.issue("alice");
    bureau.file("owners", "tester subject CN=alice\n");
    let flags = ["--client-ca", "{}/ca.pem", "--client-cert-users", "{}/owners"];
    for reuse in ["require", "off"] {
        let more = ["--client-cert-login", "without-password", "--data-reuse", reuse];
        let site = bureau.site(&[&flags[..], &more].concat());
        fs::write(site.root().join("a.txt"), "for alice").unwrap();
        let url = site.door.url("a.txt").replace("open%20sesame", "wrong");
        let curl =
            |more: &[&str]| run(command(&curl, ["-sS", "--ssl-reqd", "--insecure"]).args(more).arg(&url));
        assert_eq!(curl(&[]).status.code(), Some(67), "login denied");
        let shown = ["--cert", own.cert.to_str().unwrap(), "--key", own.key.to_str().unwrap()];
        assert_eq!(curl(&shown).good().out, b"for alice");
    }
}

#[test]
fn a_certificate_beside_the_password() {
    let bureau = Bureau::new();
    let (own, other) = (bureau.authority.issue("alice"), bureau.authority.issue("bob"));
    bureau.file("owners", &format!("tester {}\n", print(&own)));
    // Without an authority: the fingerprint is enough.
    let flags = ["--client-cert-users", "{}/owners", "--data-reuse", "off", "--delay-after-failures", "99"];
    let site = bureau.site(&flags);
    for version in VERSIONS {
        let client = Client::showing(&bureau.authority, &own, version);
        let mut talk = client.call(&site, "localhost").unwrap();
        talk.all(&[("USER tester", "331"), ("PASS wrong", "530 Login incorrect.")]);
        talk.log_in();
        // A client that keeps no sessions shows it on the data connection too, and another is told from it by
        // that.
        let second = Client::showing(&bureau.authority, &own, version);
        let mut data = second.data(&mut talk, "NLST").unwrap();
        data.read_to_end(&mut Vec::new()).unwrap();
        assert!(talk.hear().starts_with("226"));
        let mut taken = Client::showing(&bureau.authority, &other, version).call(&site, "localhost").unwrap();
        taken.all(&[("USER tester", "331"), ("PASS open sesame", "530 Login incorrect.")]);
        let mut none = Client::with(&bureau.authority, None, version).call(&site, "localhost").unwrap();
        none.all(&[("USER tester", "331"), ("PASS open sesame", "530 Login incorrect.")]);
        none.all(&[("USER anonymous", "331"), ("PASS x", "230")]);
    }
    let line = site.says("no-certificate");
    assert!(line.contains(&print(&other).to_string()), "the keeper is told which was shown: {line}");
}

#[test]
fn a_revoked_certificate_is_refused() {
    let bureau = Bureau::new();
    let (alice, bob) = (bureau.authority.issue("alice"), bureau.authority.issue("bob"));
    bureau.authority.revokes(&[]);
    let site = bureau.site(&[
        "--client-cert",
        "require",
        "--client-ca",
        "{}/ca.pem",
        "--client-crl",
        "{}/revoked.pem",
    ]);
    let comes = |own: Option<&Pair>, version| {
        Client::with(&bureau.authority, own, version).call(&site, "localhost").is_ok()
    };
    let all = |expected: [bool; 3]| {
        for version in VERSIONS {
            let came = [comes(Some(&alice), version), comes(Some(&bob), version), comes(None, version)];
            assert_eq!(came, expected, "{version:?}");
        }
    };
    all([true, true, false]);
    bureau.authority.revokes(&[&bob]);
    site.reads_again(AGAIN);
    all([true, false, false]);
    site.says("Revoked");
    // What cannot be read lets nobody in who was not before.
    bureau.file("revoked.pem", "-----BEGIN X509 CRL-----\n");
    site.reads_again("cannot use the changed certificates; still using the old ones");
    all([true, false, false]);
}

#[test]
fn flags_that_would_let_in_the_wrong_ones_are_refused() {
    let bureau = Bureau::new();
    let (ca, owners) = (bureau.authority.file(), bureau.file("owners", "\nanna subject CN=anna\n"));
    let (ca, owners) = (ca.to_str().unwrap(), owners.to_str().unwrap());
    let (list, users) = (["--client-cert-users", owners], ["--user", "anna:/dev/null"]);
    let password = bureau.file("password", "secret\n");
    let users = [users[0], &format!("anna:{}", password.display())];
    let tls = ["--tls", "required"];
    let cases: &[(&[&[&str]], &str)] = &[
        (&[&tls, &users, &list], "owners:2: a subject proves nothing without an authority"),
        (&[&tls, &list, &["--client-ca", ca]], "owners:2: there is no --user anna"),
        (&[&["--tls", "off"], &users, &list, &["--client-ca", ca]], "part of TLS, and TLS is off"),
        (&[&tls, &users, &["--client-cert", "require"]], "does not say which certificates to accept"),
        (
            &[&tls, &users, &list, &["--client-ca", ca, "--client-cert", "off"]],
            "contradicts --client-cert-users",
        ),
        (&[&tls, &["--client-cert-login", "with-password"]], "--client-cert-users"),
    ];
    for (flags, why) in cases {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--passive-ports", "20000-20001"];
        let said = pasv(serve.iter().chain(flags.iter().copied().flatten()));
        assert_eq!(said.status.code(), Some(2), "{flags:?}: {}", said.err);
        assert!(said.err.contains(why), "{flags:?}: {}", said.err);
    }
}

#[test]
fn an_upload_without_the_end_of_tls_is_published_as_the_administrator_says() {
    let bureau = Bureau::new();
    let never = "ended without close_notify; it is published, as this session has never sent one";
    let rows = [
        (&[][..], "226", never),
        (&["--tls-end", "learn"], "226", never),
        (&["--tls-end", "strict"], "426", "it ended without close_notify"),
        (&["--tls-end", "lenient"], "226", "ended without close_notify; it is published all the same"),
    ];
    for (flags, code, why) in rows {
        let site = bureau.site(flags);
        for version in VERSIONS {
            let client = Client::with(&bureau.authority, None, version);
            let mut talk = client.call(&site, "localhost").unwrap();
            talk.log_in();
            let name = format!("{version:?}.bin").replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let mut data = client.data(&mut talk, &format!("STOR {name}")).unwrap();
            data.write_all(&[7; 3000]).unwrap();
            data.flush().unwrap();
            // No close_notify, as from somebody in between.
            data.sock.shutdown(std::net::Shutdown::Write).unwrap();
            let reply = talk.hear();
            assert!(reply.starts_with(code), "{reply}");
            let stored = fs::read(site.root().join(&name)).ok();
            assert_eq!(stored, (code == "226").then(|| vec![7; 3000]));
            // The log says whose it was, and why it was published or not.
            let line = site.says(&format!("path=\"/{name}\""));
            assert!(line.contains(why) && line.contains("verb=\"STOR\"") && line.contains("user="), "{line}");
        }
    }
}
