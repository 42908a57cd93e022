//! Is a lost last word asked for again, and a lost end noticed?
//!
//! The servers are scripted: what they do wrong, none that we could install does on demand.
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{part_of, pasv};
use crate::harness::files::content;
use crate::harness::process::{Running, Said, run, wait_until};

const BYTES: &[u8] = b"all of it";
const LONG: usize = 4 << 20;

/// What a server does after the data.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The control connection is lost, as where a NAT has forgotten it; in the next session SIZE tells so much.
    Vanishes(usize),
    /// Nothing out of order; SIZE tells so much.
    Stays(usize),
    /// It says 226, and has only so much of the file, however often the rest is sent.
    Loses(usize),
    /// The file is to be so long, and its end never comes.
    Dawdles(usize),
    /// The same, but in the next session all is as it should be.
    DawdlesOnce(usize),
    /// All is as it should be with a file of this length.
    Serves(usize),
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
                let then = if let Then::DawdlesOnce(size) = then {
                    Then::Serves(size)
                } else {
                    Then::Stays(BYTES.len())
                };
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
    let (Then::Vanishes(size)
    | Then::Stays(size)
    | Then::Loses(size)
    | Then::Dawdles(size)
    | Then::DawdlesOnce(size)
    | Then::Serves(size)) = then;
    let mut start = 0;
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
            "MDTM" => answer("213 20200102030405"),
            "REST" => {
                start = said["REST ".len()..].parse().unwrap();
                answer("350 from there");
            }
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
                if let Then::Serves(size) = then {
                    stream.write_all(&content(1, size)[start..]).unwrap();
                    drop(stream);
                    answer("226 done");
                    continue;
                }
                if matches!(then, Then::Dawdles(_) | Then::DawdlesOnce(_)) {
                    // Enough to fill every buffer on the way, so that some is on the disk; then the client's end, however.
                    // The client may be gone before it has taken all of it.
                    let _ = stream.write_all(&content(1, LONG));
                    let _ = lines.read_line(&mut String::new());
                    return if matches!(then, Then::Dawdles(_)) { End::Quit } else { End::Vanished };
                }
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
fn a_missing_last_reply_is_no_failure() {
    let server = Server::start(Then::Vanishes(BYTES.len()));
    let folder = tempfile::tempdir().unwrap();
    let said = run(pasv(["get", "-v", "-O"]).arg(folder.path()).arg(server.url())).good();
    assert!(
        said.err.contains("asking again in a new session") && said.err.contains("a is complete"),
        "{}",
        said.err
    );
    assert_eq!(fs::read(folder.path().join("a")).unwrap(), BYTES);
    server.end();

    // For an upload SIZE is no proof: it may be of what was there before. It is sent once more.
    for more in [&[][..], &["--verify=off"]] {
        let server = Server::start(Then::Vanishes(BYTES.len()));
        let said = put(&server, more).good();
        assert!(said.err.contains("upload of a not confirmed; sending it again"), "{}", said.err);
        let heard = server.end();
        assert_eq!(heard.iter().filter(|said| *said == "STOR a").count(), 2, "{heard:?}");
        assert!(!heard.iter().any(|said| said.starts_with("REST")), "{heard:?}");
    }
}

#[test]
fn an_upload_that_lost_its_end_is_sent_whole_once_more_and_then_a_failure() {
    let server = Server::start(Then::Loses(4));
    let said = put(&server, &[]);
    assert_eq!(said.status.code(), Some(4), "{}", said.err);
    assert!(said.err.contains("the server has 4 of 9 bytes"), "{}", said.err);
    assert!(said.err.contains("\nhint: ") && said.err.contains("-c"), "{}", said.err);
    let heard = server.end();
    let sent: Vec<_> =
        heard.iter().filter(|said| said.starts_with("REST") || said.starts_with("STOR")).collect();
    assert_eq!(sent, ["STOR a", "STOR a"]);

    // Whoever trusts the server's word has it.
    let server = Server::start(Then::Loses(4));
    put(&server, &["--verify=off"]).good();
    assert!(!server.end().iter().any(|said| said.starts_with("SIZE")));
}

#[test]
fn what_came_before_ctrl_c_is_kept_and_told() {
    let server = Server::start(Then::Dawdles(2 * LONG));
    let folder = tempfile::tempdir().unwrap();
    let (part, log) = (part_of(&folder.path().join("a")), folder.path().join("log"));
    let mut get = pasv(["get", "--tls", "off", "-O"]);
    let mut running = Running::start(get.arg(folder.path()).arg(server.url()), &log);
    let until = Instant::now() + Duration::from_secs(30);
    let came = wait_until(until, || fs::metadata(&part).ok().filter(|m| m.len() > 0));
    assert!(came.is_some(), "{}", fs::read_to_string(&log).unwrap());
    kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), Signal::INT).unwrap();
    let status = wait_until(until, || running.ended()).expect("the end of an interrupted program");
    // As a shell expects it of a program that was interrupted.
    assert_eq!(status.signal(), Some(Signal::INT.as_raw()));
    let said = fs::read_to_string(&log).unwrap();
    let (kept, rest) = said.strip_prefix("interrupted: ").and_then(|said| said.split_once(' ')).expect(&said);
    let told = format!("bytes are kept in {}; the same command with -c resumes it\n", part.display());
    assert_eq!(rest, told);
    let kept: usize = kept.replace(',', "").parse().unwrap();
    let bytes = fs::read(&part).unwrap();
    assert!(
        0 < kept && kept <= bytes.len() && content(1, LONG).starts_with(&bytes),
        "{kept} {}",
        bytes.len()
    );
    server.end();
}

/// A server that does not look at the control connection takes an orderly end for the end of the file, whoever ended it.
#[test]
fn an_upload_of_a_killed_program_ends_with_a_reset() {
    for signal in [Signal::INT, Signal::KILL] {
        let control = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (port, passive) = (control.local_addr().unwrap().port(), listener.local_addr().unwrap().port());
        let (tell, begun) = channel();
        let (go_on, ended) = channel();
        let playing = std::thread::spawn(move || {
            let (mut control, _) = control.accept().unwrap();
            let mut lines = BufReader::new(control.try_clone().unwrap());
            control.write_all(b"220 ready\r\n").unwrap();
            loop {
                let mut line = String::new();
                lines.read_line(&mut line).unwrap();
                let answer = match line.split_whitespace().next().unwrap() {
                    "USER" => "230 in".to_owned(),
                    "EPSV" => format!("229 (|||{passive}|)"),
                    "TYPE" => "200 yes".to_owned(),
                    "STOR" => break,
                    _ => "502 no".to_owned(),
                };
                control.write_all(format!("{answer}\r\n").as_bytes()).unwrap();
            }
            let (mut data, _) = listener.accept().unwrap();
            control.write_all(b"150 go\r\n").unwrap();
            // More than the client sends at a time: less of it may not be counted yet.
            data.read_exact(&mut vec![0; 8 << 20]).unwrap();
            tell.send(()).unwrap();
            ended.recv().unwrap();
            std::io::copy(&mut data, &mut std::io::sink()).map_err(|error| error.kind())
        });
        let folder = tempfile::tempdir().unwrap();
        let (file, log) = (folder.path().join("a"), folder.path().join("log"));
        fs::File::create(&file).unwrap().set_len(64 << 20).unwrap();
        let mut put = pasv(["put"]);
        let mut running = Running::start(put.arg(&file).arg(format!("ftp://127.0.0.1:{port}/a")), &log);
        begun.recv_timeout(Duration::from_secs(30)).unwrap();
        kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), signal).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        let status = wait_until(until, || running.ended()).expect("the end of a killed program");
        assert_eq!(status.signal(), Some(signal.as_raw()));
        let said = fs::read_to_string(&log).unwrap();
        let last = said.lines().last().unwrap_or_default();
        let told = last.starts_with("interrupted: ")
            && last.contains(" bytes of a were sent; the same command with -c resumes it");
        assert_eq!(told, signal == Signal::INT, "{said}");
        go_on.send(()).unwrap();
        assert_eq!(playing.join().unwrap(), Err(std::io::ErrorKind::ConnectionReset), "{signal:?}");
    }
}

#[test]
fn what_came_before_kill_9_is_resumed() {
    let server = Server::start(Then::DawdlesOnce(2 * LONG));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a");
    let mut get = pasv(["get", "--tls", "off", "-c", "-O"]);
    let log = folder.path().join("log");
    let mut running = Running::start(get.arg(folder.path()).arg(server.url()), &log);
    let until = Instant::now() + Duration::from_secs(30);
    let came = wait_until(until, || fs::metadata(part_of(&target)).ok().filter(|m| m.len() > 100_000));
    assert!(came.is_some(), "{}", fs::read_to_string(&log).unwrap());
    kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    let status = wait_until(until, || running.ended()).expect("the end of a killed program");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    let kept = fs::metadata(part_of(&target)).unwrap().len();
    assert!(!target.exists());

    run(pasv(["get", "--tls", "off", "-c", "-O"]).arg(folder.path()).arg(server.url())).good();
    assert!(fs::read(&target).unwrap() == content(1, 2 * LONG));
    assert!(!part_of(&target).exists());
    let heard = server.end();
    assert!(heard.contains(&format!("REST {}", kept - 65_536)), "{heard:?}");
}
