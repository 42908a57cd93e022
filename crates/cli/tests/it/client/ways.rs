//! Is the way to a data connection remembered from one run to the next, and forgotten when it fails?
use std::fs;

use testbed::peer::{Ask, Odd, Server};

use super::pasv;
use crate::harness::process::{Said, run};

const BYTES: &[u8] = b"all of it";

/// Which verb tells a port that can be reached: the firewall in front of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opens {
    Epsv,
    Pasv,
    Neither,
}

/// A server before which a firewall stands, another one in each session.
fn behind(firewalls: [Opens; 7]) -> Server {
    let quirk = move |ask: Ask<'_>| match (ask.verb, firewalls[ask.session]) {
        ("EPSV", Opens::Epsv) | ("PASV", Opens::Pasv) => None,
        ("EPSV" | "PASV", _) => Some(Odd::DeadPort),
        ("EPRT" | "PORT", _) => Some(Odd::Says("502 no")),
        ("FEAT", _) => Some(Odd::Says("211-Features\r\n SIZE\r\n211 End")),
        _ => None,
    };
    Server::playing(quirk).having("a", BYTES.to_vec())
}

#[test]
fn the_way_that_worked_is_the_first_one_next_time() {
    use Opens::{Epsv, Neither, Pasv};
    let server = behind([Pasv, Pasv, Epsv, Epsv, Pasv, Neither, Pasv]);
    let port = server.port;
    let state = tempfile::tempdir().unwrap();
    let get = || -> Said {
        let url = format!("ftp://127.0.0.1:{port}/a");
        run(pasv(["get", "-o", "-", "--tls", "off"]).arg(url).env("XDG_STATE_HOME", state.path()))
    };
    let known = || fs::read_to_string(state.path().join("pasv/ways")).unwrap();
    let first = get().good();
    assert!(first.err.contains("EPSV failed") && first.out == BYTES, "{}", first.err);
    assert!(known().starts_with(&format!("127.0.0.1:{port} 127.0.0.0/24")), "{}", known());
    assert_eq!(get().good().err, "");
    // The firewall is repaired for EPSV, and shut for PASV.
    get().good();
    assert_eq!(known(), "");
    get().good();
    get().good();
    let error = get();
    assert!(
        !error.status.success()
            && error.err.contains("hint: the server's firewall must let clients reach its passive ports"),
        "{}",
        error.err
    );
    assert_eq!(known(), "", "what fails is not remembered");
    get().good();
    // Forgotten by word, though nothing else is known of the site; and once only.
    let forget = || run(pasv(["forget", "127.0.0.1"]).env("XDG_STATE_HOME", state.path()));
    let gone = String::from_utf8(forget().good().out).unwrap();
    assert!(gone.starts_with(&format!("forgotten connection mode: 127.0.0.1:{port} 127.0.0.0/24")), "{gone}");
    assert_eq!(known(), "");
    let nothing = forget();
    assert_eq!(nothing.status.code(), Some(1), "{}", nothing.err);
    assert!(nothing.err.contains("nothing is known about 127.0.0.1"), "{}", nothing.err);
    let wanted: [&[&str]; 7] = [
        &["EPSV", "PASV"],
        &["PASV"],
        &["PASV", "EPSV"],
        &["EPSV"],
        &["EPSV", "PASV"],
        &["PASV", "EPSV", "EPRT", "PORT"],
        &["EPSV", "PASV"],
    ];
    let tried = |heard: Vec<String>| -> Vec<String> {
        let verbs = heard.iter().filter_map(|line| line.split(' ').next());
        verbs.filter(|verb| matches!(*verb, "EPSV" | "PASV" | "EPRT" | "PORT")).map(str::to_owned).collect()
    };
    assert_eq!(server.heard().into_iter().map(tried).collect::<Vec<_>>(), wanted);
}

/// A server that does not survive FEAT costs a session once, until it is forgotten.
#[test]
fn that_a_server_hangs_up_at_feat_is_remembered() {
    let server = Server::start("220 ready", |verb| match verb {
        "FEAT" => Some(Odd::HangsUp),
        "USER" => Some(Odd::Says("230 in")),
        _ => None,
    });
    let server = server.having("a", BYTES.to_vec());
    let state = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| run(pasv(arguments).env("XDG_STATE_HOME", state.path())).good();
    let url = server.url("a");
    let stat = ["stat", "--tls", "off", url.as_str()];
    assert!(ask(&stat).err.contains("connecting again without FEAT"));
    assert_eq!(ask(&stat).err, "");
    ask(&["forget", "127.0.0.1"]);
    ask(&stat);
    let [whole, without]: [&[&str]; 2] = [&["USER", "FEAT"], &["USER", "TYPE", "SIZE", "MDTM", "QUIT"]];
    let verbs = |heard: Vec<String>| -> Vec<String> {
        heard.iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    let heard: Vec<_> = server.heard().into_iter().map(verbs).collect();
    assert_eq!(heard, [whole, without, without, whole, without]);
}
