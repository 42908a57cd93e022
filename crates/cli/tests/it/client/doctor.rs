//! Does `pasv doctor` say first what is the matter, and does it find nothing at a site of ours?
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::pasv;
use crate::harness::files::write;
use crate::harness::process::{Said, run};
use crate::harness::site::Site;

fn object(said: &Said) -> Value {
    serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn verdicts(object: &Value) -> Vec<&str> {
    let also = object["also"].as_array().expect("a list").iter();
    std::iter::once(object).chain(also).filter_map(|remark| remark["verdict"].as_str()).collect()
}

#[test]
fn a_site_of_ours_is_well() {
    let site = Site::start();
    write(site.root(), "small", 1, 3000);
    write(site.root(), "large", 2, 300_000);
    let said = run(&mut pasv(["doctor", &site.door.bare_url("")])).good();
    let text = String::from_utf8(said.out).unwrap();
    assert!(text.starts_with("All is well: passive transfers work under TLS, by EPSV.\n"), "{text}");
    for way in ["EPSV", "PASV", "EPRT", "PORT"] {
        for cover in ["unencrypted", "under TLS"] {
            let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{way} {cover}")));
            assert!(line.is_some_and(|line| line.contains(": works")), "{way} {cover}: {text}");
        }
    }
    assert!(text.contains("\nTo use:\n") && !text.contains("Unclear"), "{text}");
}

#[test]
fn a_site_of_ours_under_tls_is_well_and_nothing_secret_is_kept() {
    let site = Site::with(&["--tls", "offered", "--data-reuse", "require"]);
    write(site.root(), "small", 1, 3000);
    let transcript = site.beside("here").join("transcript");
    let url = site.door.url("");
    let mut doctor = pasv(["doctor", "--json", "--write", &url, "--transcript"]);
    let said = run(doctor.arg(&transcript)).good();
    let object = object(&said);
    assert_eq!(object["verdict"], "all-is-well", "{object:#}");
    let verdicts = verdicts(&object);
    assert!(
        verdicts.contains(&"reuse-required") && verdicts.contains(&"certificate-unverified"),
        "{object:#}"
    );
    assert_eq!(object["not_known"].as_array().map(Vec::len), Some(0), "{object:#}");
    let ways = object["ways"].as_array().unwrap();
    assert_eq!(ways.len(), 4, "{object:#}");
    for way in ways {
        assert!(way["works"] == true && way["tls"] == true && way["resumed"] == true, "{way}");
    }
    let evidence = object["evidence"].to_string();
    assert!(evidence.contains("upload: complete, checked by HASH"), "{evidence}");
    assert_eq!(fs::read_dir(site.root()).unwrap().count(), 1, "the file of the upload is still there");
    let text = fs::read_to_string(&transcript).unwrap();
    assert!(text.contains("> PASS ***") && text.contains("> AUTH TLS"), "{text}");
    assert!(!text.contains(site.door.password), "{text}");
    // Without TLS the password is sent only where that is asked for.
    assert!(evidence.contains("login unencrypted: skipped"), "{evidence}");
    assert_eq!(fs::metadata(&transcript).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(pasv(["doctor", &url, "--transcript"]).arg(&transcript));
    assert_eq!(again.status.code(), Some(2), "a file that is there is not overwritten: {}", again.err);
    assert!(
        again.err.contains("exists already") && again.err.contains("hint: give --transcript another name"),
        "{}",
        again.err
    );
}

#[test]
fn tls_where_clear_was_meant_and_the_reverse() {
    let site = Site::with(&["--listen-tls", "127.0.0.1:0"]);
    let (plain, implicit) = (site.door.port, site.implicit.expect("a port for TLS at once"));
    let verdict = |url: String| {
        let object = object(&run(&mut pasv(["doctor", "--json", &url])));
        object["verdict"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(verdict(format!("ftp://127.0.0.1:{implicit}/")), "wrong-scheme");
    assert_eq!(verdict(format!("ftps://127.0.0.1:{plain}/")), "wrong-scheme");
    assert_eq!(verdict(format!("ftps://127.0.0.1:{implicit}/")), "all-is-well");
    assert_eq!(verdict(format!("ftpes://127.0.0.1:{plain}/")), "all-is-well");
}

#[test]
fn a_certificate_that_is_not_the_one_keeps_the_password_back() {
    let site = Site::with(&["--tls", "required"]);
    let pin = format!("sha256:{}", "0".repeat(64));
    let transcript = site.beside("here").join("transcript");
    let mut doctor = pasv(["doctor", "--json", "--pin", &pin, &site.door.url(""), "--transcript"]);
    let said = run(doctor.arg(&transcript));
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    let object = object(&said);
    assert_eq!(object["verdict"], "certificate-refused", "{object:#}");
    assert!(object["evidence"].to_string().contains("certificate of "), "{object:#}");
    let text = fs::read_to_string(&transcript).unwrap();
    assert!(text.contains("> AUTH TLS") && !text.contains("> USER"), "{text}");
}

/// The same memory as that of `pasv ls`: what one refuses, the other does not call well.
#[test]
fn a_changed_certificate_and_lost_tls_are_refused_as_by_the_client() {
    let state = tempfile::tempdir().unwrap();
    let person = |arguments: &[&str]| run(pasv(arguments).env("XDG_STATE_HOME", state.path()));
    let known = || fs::read_to_string(state.path().join("pasv/known_sites")).unwrap_or_default();
    let first = Site::start();
    let (url, listen) = (first.door.bare_url(""), format!("127.0.0.1:{}", first.door.port));
    // The doctor alone remembers nothing of an anonymous visit.
    assert_eq!(object(&person(&["doctor", "--json", &url]).good())["verdict"], "all-is-well");
    assert_eq!(known(), "");
    person(&["ls", &url]).good();
    let pinned = known();
    assert_eq!(object(&person(&["doctor", "--json", &url]).good())["verdict"], "all-is-well");
    drop(first);

    let second = Site::with(&["--listen", &listen]);
    let refusal = person(&["ls", &url]).err;
    let refusal =
        refusal.lines().next().and_then(|line| line.strip_prefix("error: the ")).unwrap().to_owned();
    for more in [&[][..], &["--insecure"], &["--tls", "required"]] {
        let said = person(&[&["doctor", url.as_str()][..], more].concat());
        let text = String::from_utf8(said.out).unwrap();
        assert_eq!(said.status.code(), Some(3), "{text}");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&text).starts_with(&words(&format!("The {refusal}"))), "{refusal}\n{text}");
        assert!(!text.contains("To use") && !text.contains("--pin sha256:"), "{text}");
    }
    let told = object(&person(&["doctor", "--json", &url]));
    assert_eq!(told["verdict"], "certificate-refused", "{told:#}");
    assert!(told["weight"] == "blocks" && told["use"].is_null(), "{told:#}");
    // Who asks for it goes without TLS, or takes the new certificate.
    assert_eq!(object(&person(&["doctor", "--json", "--tls", "off", &url]).good())["verdict"], "all-is-well");
    let print = told["evidence"].to_string();
    let print = print.split("sha256:").last().and_then(|rest| rest.get(..64)).unwrap().to_owned();
    let pin = format!("sha256:{print}");
    assert_eq!(object(&person(&["doctor", "--json", "--pin", &pin, &url]).good())["verdict"], "all-is-well");
    assert_eq!(known(), pinned);
    drop(second);

    let _third = Site::with(&["--listen", &listen, "--tls", "off"]);
    let said = person(&["doctor", "--json", &url]);
    assert_eq!(said.status.code(), Some(3), "{said:?}");
    let told = object(&said);
    assert_eq!(told["verdict"], "certificate-refused", "{told:#}");
    let sentence = told["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("The server does not offer TLS") && sentence.contains("TLS was seen at"),
        "{told:#}"
    );
    assert!(told["use"].is_null(), "{told:#}");
    assert_eq!(object(&person(&["doctor", "--json", "--tls", "off", &url]).good())["verdict"], "all-is-well");
    assert_eq!(known(), pinned);
}

#[test]
fn the_exit_code_tells_how_bad_it_is() {
    // A port that was free a moment ago.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let said = run(&mut pasv(["doctor", &format!("ftp://127.0.0.1:{port}/")]));
    assert_eq!(said.status.code(), Some(3), "{}", said.err);
    let text = String::from_utf8(said.out).unwrap();
    assert!(text.starts_with(&format!("127.0.0.1 refuses connections to port {port}.\n")), "{text}");
    let site = Site::start();
    let wrong = site.door.url("").replace("open%20sesame", "wrong");
    let said = run(&mut pasv(["doctor", "--clear", "--json", &wrong]));
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert_eq!(object(&said)["verdict"], "login-refused");
    assert_eq!(run(&mut pasv(["doctor", "http://x/"])).status.code(), Some(2));
}
