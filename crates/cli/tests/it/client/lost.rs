//! Is a lost last word asked for again, and a lost end noticed?
//!
//! The servers are scripted: what they do wrong, none that we could install does on demand.
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testbed::peer::{Ask, Odd, Server};

use super::{part_of, pasv};
use crate::harness::files::content;
use crate::harness::process::{Running, Said, run, wait_until};

const BYTES: &[u8] = b"all of it";
const LONG: usize = 4 << 20;

const FEATURES: &str = "211-Features\r\n SIZE\r\n REST STREAM\r\n211 End";

/// A server of the file `a` that does something else with its data.
fn server(data: impl Fn(Ask<'_>) -> Option<Odd> + Send + Sync + 'static) -> Server {
    let quirk = move |ask: Ask<'_>| match ask.verb {
        "FEAT" => Some(Odd::Says(FEATURES)),
        "USER" => Some(Odd::Says("230 in")),
        _ => data(ask),
    };
    Server::playing(quirk).having("a", BYTES.to_vec())
}

/// The control connection of the first session is lost behind the data, as where a NAT has forgotten it.
fn vanishing() -> Server {
    server(|ask| matches!((ask.session, ask.verb), (0, "RETR" | "STOR")).then_some(Odd::Vanishes))
}

/// It says 226, and has only four bytes of the file, however often the rest is sent.
fn losing() -> Server {
    server(|ask| (ask.verb == "SIZE").then_some(Odd::Says("213 4")))
}

/// The file is to be twice as long as what comes, and its end never comes; in a second session it does.
fn dawdling() -> Server {
    let quirk = |ask: Ask<'_>| match (ask.session, ask.verb) {
        // Enough to fill every buffer on the way, so that some is on the disk.
        (0, "RETR") => Some(Odd::Stalls(content(1, LONG))),
        _ => None,
    };
    server(quirk).having("a", content(1, 2 * LONG))
}

/// All that a server has heard.
fn lines(server: &Server) -> Vec<String> {
    server.heard().concat()
}

fn put(server: &Server, more: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a");
    fs::write(&file, BYTES).unwrap();
    run(pasv(["put"]).args(more).arg(&file).arg(server.url("a")))
}

#[test]
fn a_missing_last_reply_is_no_failure() {
    let server = vanishing();
    let folder = tempfile::tempdir().unwrap();
    let said = run(pasv(["get", "-v", "-O"]).arg(folder.path()).arg(server.url("a"))).good();
    assert!(
        said.err.contains("asking again in a new session") && said.err.contains("a is complete"),
        "{}",
        said.err
    );
    assert_eq!(fs::read(folder.path().join("a")).unwrap(), BYTES);

    // For an upload SIZE is no proof: it may be of what was there before. It is sent once more.
    for more in [&[][..], &["--verify=off"]] {
        let server = vanishing();
        let said = put(&server, more).good();
        assert!(said.err.contains("upload of a not confirmed; sending it again"), "{}", said.err);
        let heard = lines(&server);
        assert_eq!(heard.iter().filter(|said| *said == "STOR a").count(), 2, "{heard:?}");
        assert!(!heard.iter().any(|said| said.starts_with("REST")), "{heard:?}");
    }
}

#[test]
fn an_upload_that_lost_its_end_is_sent_whole_once_more_and_then_a_failure() {
    let server = losing();
    let said = put(&server, &[]);
    assert_eq!(said.status.code(), Some(4), "{}", said.err);
    assert!(said.err.contains("the server has 4 of 9 bytes"), "{}", said.err);
    assert!(said.err.contains("\nhint: ") && said.err.contains("-c"), "{}", said.err);
    let heard = lines(&server);
    let sent: Vec<_> =
        heard.iter().filter(|said| said.starts_with("REST") || said.starts_with("STOR")).collect();
    assert_eq!(sent, ["STOR a", "STOR a"]);

    // `--verify off` trusts the server's word.
    let server = losing();
    put(&server, &["--verify=off"]).good();
    assert!(!lines(&server).iter().any(|said| said.starts_with("SIZE")));
}

#[test]
fn what_came_before_ctrl_c_is_kept_and_told() {
    let server = dawdling();
    let folder = tempfile::tempdir().unwrap();
    let (part, log) = (part_of(&folder.path().join("a")), folder.path().join("log"));
    let mut get = pasv(["get", "--tls", "off", "-O"]);
    let mut running = Running::start(get.arg(folder.path()).arg(server.url("a")), &log);
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
}

/// A server that does not look at the control connection takes an orderly end for the end of the file,
/// whichever side ended it.
#[test]
fn an_upload_of_a_killed_program_ends_with_a_reset() {
    for signal in [Signal::INT, Signal::KILL] {
        let (gate, (say, ends)) = (Arc::new(Barrier::new(2)), channel());
        let waiting = Arc::clone(&gate);
        let server = server(move |ask| {
            let (gate, say) = (Arc::clone(&waiting), say.clone());
            (ask.verb == "STOR").then_some(Odd::Takes(Box::new(move |mut data| {
                // More than the client sends at a time: less of it may not be counted yet.
                data.read_exact(&mut vec![0; 8 << 20]).unwrap();
                gate.wait();
                gate.wait();
                let end = std::io::copy(&mut data, &mut std::io::sink());
                say.send(end.map_err(|error| error.kind())).unwrap();
            })))
        });
        let folder = tempfile::tempdir().unwrap();
        let (file, log) = (folder.path().join("a"), folder.path().join("log"));
        fs::File::create(&file).unwrap().set_len(64 << 20).unwrap();
        let mut put = pasv(["put"]);
        let mut running = Running::start(put.arg(&file).arg(server.url("a")), &log);
        gate.wait();
        kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), signal).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        let status = wait_until(until, || running.ended()).expect("the end of a killed program");
        assert_eq!(status.signal(), Some(signal.as_raw()));
        let said = fs::read_to_string(&log).unwrap();
        let last = said.lines().last().unwrap_or_default();
        let told = last.starts_with("interrupted: ")
            && last.contains(" bytes of a were sent; the same command with -c resumes it");
        assert_eq!(told, signal == Signal::INT, "{said}");
        gate.wait();
        let end = ends.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(end, Err(std::io::ErrorKind::ConnectionReset), "{signal:?}");
    }
}

#[test]
fn what_came_before_kill_9_is_resumed() {
    let server = dawdling();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a");
    let mut get = pasv(["get", "--tls", "off", "-c", "-O"]);
    let log = folder.path().join("log");
    let mut running = Running::start(get.arg(folder.path()).arg(server.url("a")), &log);
    let until = Instant::now() + Duration::from_secs(30);
    let came = wait_until(until, || fs::metadata(part_of(&target)).ok().filter(|m| m.len() > 100_000));
    assert!(came.is_some(), "{}", fs::read_to_string(&log).unwrap());
    kill_process(Pid::from_raw(running.pid().cast_signed()).unwrap(), Signal::KILL).unwrap();
    let status = wait_until(until, || running.ended()).expect("the end of a killed program");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    let kept = fs::metadata(part_of(&target)).unwrap().len();
    assert!(!target.exists());

    run(pasv(["get", "--tls", "off", "-c", "-O"]).arg(folder.path()).arg(server.url("a"))).good();
    assert!(fs::read(&target).unwrap() == content(1, 2 * LONG));
    assert!(!part_of(&target).exists());
    let heard = lines(&server);
    assert!(heard.contains(&format!("REST {}", kept - 65_536)), "{heard:?}");
}
