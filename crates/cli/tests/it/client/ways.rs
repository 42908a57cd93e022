//! Is the way to a data connection remembered from one run to the next, and forgotten when it fails?
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use net::reserve::Reserved;

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

/// Serves one session for each of `opens`, and says which ways were tried in it.
fn serve(opens: Vec<Opens>) -> (u16, JoinHandle<Vec<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let sessions =
        move || opens.into_iter().map(|opens| session(&listener.accept().unwrap().0, opens)).collect();
    (port, std::thread::spawn(sessions))
}

fn session(mut control: &TcpStream, opens: Opens) -> Vec<String> {
    let mut lines = BufReader::new(control).lines();
    // Held without listening: nobody answers there.
    let (closed, _beside) = Reserved::pair(Ipv4Addr::LOCALHOST.into()).unwrap();
    let data = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = |open: bool| if open { data.local_addr().unwrap().port() } else { closed.port() };
    let mut ways = Vec::new();
    let mut answer = |text: String| control.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    answer("220 ready".to_owned());
    while let Some(Ok(line)) = lines.next() {
        let verb = line.split(' ').next().unwrap().to_owned();
        match verb.as_str() {
            "AUTH" | "EPRT" | "PORT" => answer("502 no".to_owned()),
            "FEAT" => answer("211-Features\r\n SIZE\r\n211 End".to_owned()),
            "SIZE" => answer(format!("213 {}", BYTES.len())),
            "EPSV" => answer(format!("229 come (|||{}|)", port(opens == Opens::Epsv))),
            "PASV" => {
                let [p, q] = port(opens == Opens::Pasv).to_be_bytes();
                answer(format!("227 come (127,0,0,1,{p},{q})"));
            }
            "RETR" => {
                let (mut stream, _) = data.accept().unwrap();
                answer("150 go".to_owned());
                stream.write_all(BYTES).unwrap();
                drop(stream);
                answer("226 done".to_owned());
            }
            "QUIT" => {
                answer("221 bye".to_owned());
                break;
            }
            _ => answer("230 yes".to_owned()),
        }
        if matches!(verb.as_str(), "EPSV" | "PASV" | "EPRT" | "PORT") {
            ways.push(verb);
        }
    }
    ways
}

#[test]
fn the_way_that_worked_is_the_first_one_next_time() {
    use Opens::{Epsv, Neither, Pasv};
    let (port, played) = serve(vec![Pasv, Pasv, Epsv, Epsv, Pasv, Neither, Pasv]);
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
    assert_eq!(played.join().unwrap(), wanted);
}

/// A server that does not survive FEAT costs a session once, until it is forgotten.
#[test]
fn that_a_server_hangs_up_at_feat_is_remembered() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = |control: TcpStream| -> Vec<String> {
        let mut verbs = Vec::new();
        let mut lines = BufReader::new(&control).lines();
        let answer = |text: &str| (&control).write_all(format!("{text}\r\n").as_bytes()).unwrap();
        answer("220 ready");
        while let Some(Ok(line)) = lines.next() {
            verbs.push(line.split(' ').next().unwrap().to_owned());
            match line.as_str() {
                "FEAT" => break,
                "QUIT" => answer("221 bye"),
                "SIZE a" => answer("213 4"),
                _ if line.starts_with("USER") => answer("230 in"),
                _ => answer("200 yes"),
            }
        }
        verbs
    };
    let played =
        std::thread::spawn(move || (0..5).map(|_| heard(listener.accept().unwrap().0)).collect::<Vec<_>>());
    let state = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| run(pasv(arguments).env("XDG_STATE_HOME", state.path())).good();
    let url = format!("ftp://127.0.0.1:{port}/a");
    let stat = ["stat", "--tls", "off", url.as_str()];
    assert!(ask(&stat).err.contains("connecting again without FEAT"));
    assert_eq!(ask(&stat).err, "");
    ask(&["forget", "127.0.0.1"]);
    ask(&stat);
    let [whole, without]: [&[&str]; 2] = [&["USER", "FEAT"], &["USER", "TYPE", "SIZE", "MDTM", "QUIT"]];
    assert_eq!(played.join().unwrap(), [whole, without, without, whole, without]);
}
