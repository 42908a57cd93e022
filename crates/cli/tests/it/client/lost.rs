//! Is a lost last word asked for again, and a lost end noticed?
//!
//! The servers are scripted: what they do wrong, none that we could install does on demand.
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::pasv;
use crate::harness::process::{Said, run};

const BYTES: &[u8] = b"all of it";

/// What a server does after the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The control connection is lost, as where a NAT has forgotten it; in the next session SIZE tells so much.
    Vanishes(usize),
    /// It says 226, and has only so much of the file, however often the rest is sent.
    Loses(usize),
}

struct Server {
    port: u16,
    playing: JoinHandle<Vec<String>>,
}

impl Server {
    fn start(then: Then) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let playing = std::thread::spawn(move || {
            let mut heard = Vec::new();
            let first = session(listener.accept().unwrap().0, then, &mut heard);
            if first == End::Vanished {
                session(listener.accept().unwrap().0, then, &mut heard);
            }
            heard
        });
        Self { port, playing }
    }

    fn url(&self) -> String {
        format!("ftp://127.0.0.1:{}/a", self.port)
    }

    /// The commands that it has heard.
    fn end(self) -> Vec<String> {
        self.playing.join().unwrap()
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Quit,
    Vanished,
}

fn session(mut control: TcpStream, then: Then, heard: &mut Vec<String>) -> End {
    let (Then::Vanishes(size) | Then::Loses(size)) = then;
    let mut lines = BufReader::new(control.try_clone().unwrap());
    let mut data = None;
    control.write_all(b"220 ready\r\n").unwrap();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return End::Quit;
        }
        let said = line.trim_end().to_owned();
        heard.push(said.clone());
        let mut answer = |text: &str| control.write_all(format!("{text}\r\n").as_bytes()).unwrap();
        match said.split(' ').next().unwrap() {
            "AUTH" => answer("502 no TLS here"),
            "USER" => answer("230 in"),
            "FEAT" => answer("211-Features\r\n SIZE\r\n REST STREAM\r\n211 End"),
            "SIZE" => answer(&format!("213 {size}")),
            "REST" => answer("350 from there"),
            "QUIT" => {
                answer("221 bye");
                return End::Quit;
            }
            "EPSV" => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                answer(&format!("229 (|||{}|)", listener.local_addr().unwrap().port()));
                data = Some(listener);
            }
            verb @ ("RETR" | "STOR") => {
                let (mut stream, _) = data.take().unwrap().accept().unwrap();
                answer("150 go");
                if verb == "RETR" {
                    stream.write_all(BYTES).unwrap();
                } else {
                    stream.read_to_end(&mut Vec::new()).unwrap();
                }
                drop(stream);
                if matches!(then, Then::Vanishes(_)) {
                    return End::Vanished;
                }
                answer("226 done");
            }
            _ => answer("200 yes"),
        }
    }
}

fn put(server: &Server, more: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, BYTES).unwrap();
    run(pasv(["put"]).args(more).arg(&file).arg(server.url()))
}

#[test]
fn a_missing_last_reply_is_no_failure_where_size_proves_the_file() {
    let server = Server::start(Then::Vanishes(BYTES.len()));
    let folder = tempfile::tempdir().unwrap();
    let said = run(pasv(["get", "-v", "-O"]).arg(folder.path()).arg(server.url())).good();
    assert!(
        said.err.contains("asking again in a new session") && said.err.contains("a is whole"),
        "{}",
        said.err
    );
    assert_eq!(fs::read(folder.path().join("a")).unwrap(), BYTES);
    server.end();

    for more in [&["-v"][..], &["-v", "--verify=off"]] {
        let server = Server::start(Then::Vanishes(BYTES.len()));
        let said = put(&server, more).good();
        assert!(said.err.contains("it has arrived"), "{}", said.err);
        let heard = server.end();
        assert_eq!(heard.iter().filter(|said| *said == "STOR a").count(), 1, "{heard:?}");
    }
    // Without -v it is nothing to speak of.
    let server = Server::start(Then::Vanishes(BYTES.len()));
    let said = put(&server, &[]).good();
    assert!(said.err.lines().all(|line| line.contains("no TLS")), "{}", said.err);
    server.end();
}

#[test]
fn an_upload_that_lost_its_end_is_resumed_once_and_then_a_failure() {
    let server = Server::start(Then::Loses(4));
    let said = put(&server, &[]);
    assert_eq!(said.status.code(), Some(4), "{}", said.err);
    assert!(said.err.contains("the site has 4 bytes of it and 9 were sent"), "{}", said.err);
    assert!(said.err.contains("\nhint: ") && said.err.contains("-c"), "{}", said.err);
    let heard = server.end();
    let sent: Vec<_> =
        heard.iter().filter(|said| said.starts_with("REST") || said.starts_with("STOR")).collect();
    assert_eq!(sent, ["STOR a", "REST 4", "STOR a"]);

    // Whoever trusts the server's word has it.
    let server = Server::start(Then::Loses(4));
    put(&server, &["--verify=off"]).good();
    assert!(!server.end().iter().any(|said| said.starts_with("SIZE")));
}
