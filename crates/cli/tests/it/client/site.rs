//! Does `pasv doctor --site` judge a site by its flags, as text and as JSON, and refuse what does not go
//! together?
use std::net::{Ipv4Addr, TcpListener};

use net::tls::identity::Identity;
use serde_json::Value;

use super::pasv;
use crate::harness::process::{Said, run};
use crate::harness::site::Site;

/// On loopback and without passive ports, so that this machine's firewall, its addresses and who else is
/// there do not matter.
fn look(flags: &[&str]) -> Said {
    run(pasv(["doctor", "--site", "--no-passive"]).args(flags))
}

fn object(said: &Said) -> Value {
    serde_json::from_slice(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Each verdict with its weight, the heaviest first.
fn verdicts(object: &Value) -> Vec<(&str, &str)> {
    let also = object["also"].as_array().expect("a list").iter();
    std::iter::once(object)
        .chain(also)
        .filter_map(|one| Some((one["verdict"].as_str()?, one["weight"].as_str()?)))
        .collect()
}

#[test]
fn a_site_that_runs_finds_its_own_ports_in_its_own_hands() {
    let site = Site::start();
    let listen = format!("127.0.0.1:{}", site.door.port);
    let flags = ["--json", "--listen", &listen, "--max-sessions", "50", "--max-sessions-per-address", "5"];
    let said = look(&flags).good();
    let object = object(&said);
    let verdicts = verdicts(&object);
    assert!(verdicts.contains(&("ports", "fine")), "{object:#}");
    assert!(!verdicts.iter().any(|(_, weight)| *weight == "hinders"), "{object:#}");
    for field in ["verdict", "weight", "sentence", "evidence", "server", "client", "also", "not_known"] {
        assert!(object.get(field).is_some(), "{field}: {object:#}");
    }
}

#[test]
fn what_is_wrong_is_said_first_and_is_the_exit_code() {
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let listen = held.local_addr().unwrap().to_string();
    // A program that is not pasv has the port.
    let said = look(&["--listen", &listen]);
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    let text = String::from_utf8(said.out).unwrap();
    assert!(text.starts_with(&format!("1 error: another program uses {listen}.")), "{text}");
    assert!(text.contains(&format!("(process {})", std::process::id())), "{text}");
    let said = look(&["--json", "--listen", &listen]);
    assert_eq!(said.status.code(), Some(1), "{}", said.err);
    assert_eq!(verdicts(&object(&said)).first(), Some(&("ports", "hinders")), "{said:?}");
}

#[test]
fn a_certificate_with_the_key_of_another_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let [one, other] =
        ["one.example", "two.example"].map(|name| Identity::self_signed(&[name.to_owned()]).unwrap());
    let cert = file("cert.pem", one.certificate.as_bytes());
    let (key, wrong) = (file("key.pem", one.key.expose()), file("wrong.pem", other.key.expose()));
    let names = |key: &str| {
        let said = look(&["--json", "--listen", "127.0.0.1:0", "--cert", &cert, "--key", key]);
        let object = object(&said);
        let all = verdicts(&object).into_iter().map(|(verdict, _)| verdict.to_owned()).collect::<Vec<_>>();
        (said.status.code(), all)
    };
    let (code, found) = names(&wrong);
    assert!(code == Some(1) && found.contains(&"certificate".to_owned()), "{found:?}");
    let (code, found) = names(&key);
    assert!(code == Some(0) && found.contains(&"certificate-trust".to_owned()), "{found:?}");
}

#[test]
fn flags_of_the_two_looks_are_not_mixed_and_there_is_one_verb() {
    for (flags, words) in [
        (&["--site", "--slow"][..], "'--slow'"),
        (&["ftp://127.0.0.1/", "--listen", "21"], "'--listen'"),
        (&[], "<FTP-URL>"),
    ] {
        let said = run(pasv(["doctor"]).args(flags));
        assert_eq!(said.status.code(), Some(2), "{flags:?}: {}", said.err);
        assert!(
            said.err.contains(words) && said.err.contains("Usage: pasv doctor"),
            "{flags:?}: {}",
            said.err
        );
    }
    // With --site a URL is what `pasv serve` takes it for: no folder is looked for.
    let proxy = run(&mut pasv(["doctor", "ftp://127.0.0.1/", "--site", "--tls", "off"]));
    assert!(proxy.status.code() != Some(2), "{}", proxy.err);
    assert!(!proxy.text().contains("cannot be read"), "{}", proxy.text());
    // A setting of the environment is nobody's flag.
    let said = run(pasv(["doctor", "http://x/"]).env("PASV_LOG", "debug"));
    assert!(said.status.code() == Some(2) && !said.err.contains("--site"), "{}", said.err);
    let help = String::from_utf8(run(&mut pasv(["--help"])).good().out).unwrap();
    assert!(help.contains("\n  doctor ") && !help.contains("doctor-site"), "{help}");
    let gone = run(&mut pasv(["doctor-site"]));
    assert!(gone.status.code() == Some(2) && gone.err.contains("unrecognized subcommand"), "{}", gone.err);
    for (flags, shown) in
        [(&["doctor", "--help"][..], "--transcript"), (&["doctor", "--site", "--help"], "--listen")]
    {
        let help = String::from_utf8(run(&mut pasv(flags)).good().out).unwrap();
        assert!(help.contains(shown), "{help}");
    }
}
