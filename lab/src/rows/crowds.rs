//! What do others do while somebody moves a file: strangers, neighbours, and a load balancer?
use std::net::{IpAddr, Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::shared::seconds;
use crate::addresses::{CLIENT, HIGH, LOW};
use crate::client::{Job, Manner};
use crate::relay::{Proxy, Way};
use crate::site::Serve;
use crate::talk;
use crate::trial::{Pair, Trial, content};

/// More than any site has ports for.
const CROWD: usize = 200;

pub(super) fn proxy_v1(trial: &mut Trial<'_>) {
    behind_a_balancer(trial, Proxy::V1);
}

pub(super) fn proxy_v2(trial: &mut Trial<'_>) {
    behind_a_balancer(trial, Proxy::V2);
}

pub(super) fn proxy_stranger(trial: &mut Trial<'_>) {
    trial.serve();
    let mut talk = talk::connect(&trial.lab.client, trial.at());
    talk.expect("220");
    let told = talk.ask("PROXY TCP4 192.0.2.7 203.0.113.2 40000 21");
    assert!(told.starts_with("421"), "{told}");
    assert!(talk.is_over(), "the connection goes on");
}

pub(super) fn stranger(trial: &mut Trial<'_>) {
    trial.serve();
    give_strangers_time(trial);
    let stranger = trial.lab.add("stranger", "192.0.2");
    with_a_stranger(trial, Some(stranger), |trial| {
        for _ in 0..2 {
            trial.moves_files(Manner::default(), seconds(8));
        }
    });
}

pub(super) fn stranger_at_home(trial: &mut Trial<'_>) {
    trial.serve();
    give_strangers_time(trial);
    // Some of them hang as long as they are let; all together are to stay within ten seconds.
    trial.patience = seconds(3);
    with_a_stranger(trial, None, |trial| {
        let deadline = Instant::now() + seconds(3);
        let (to, from) = (trial.here("down.bin"), trial.here("up.bin"));
        let stored = trial.site().files().join("up.bin");
        for _ in 0..4 {
            let _ = std::fs::remove_file(&to);
            if trial.attempt(Job::Get("down.bin", &to), Manner::default()).succeeded() {
                let got = std::fs::read(&to).expect("the file that came");
                assert!(got == content(1), "success, and {} other bytes came", got.len());
            }
            let _ = std::fs::remove_file(&stored);
            if trial.attempt(Job::Put(&from, "up.bin"), Manner::default()).succeeded() {
                let kept = std::fs::read(&stored).expect("the file that was stored");
                assert!(kept == content(2), "success, and {} other bytes were stored", kept.len());
            }
            if Instant::now() > deadline {
                break;
            }
        }
    });
    // Of transfers that a stranger may spoil, the time says nothing.
    trial.slowest = Duration::ZERO;
}

pub(super) fn stranger_first(trial: &mut Trial<'_>) {
    trial.lab.nat();
    trial.serve();
    let at = trial.at();
    // Which of the three a server finds first is chance.
    for _ in 0..12 {
        let mut talk = talk::open(&trial.lab.client, at, trial.site().login());
        let to = talk.epsv();
        // A busy server finds both of them, and the command, when it comes round.
        let (mut stranger, mut own) = trial.site().held(|| {
            let stranger = trial.lab.client.connect(to, seconds(5)).expect("the stranger's connection");
            let own = trial.lab.client.connect(to, seconds(5)).expect("the client's connection");
            talk.say("RETR pub/down.bin");
            (stranger, own)
        });
        let told = trial.measure(|_| talk.reply());
        assert!(told.starts_with("425"), "{told}");
        for (who, stream) in [("the stranger", &mut stranger), ("the client", &mut own)] {
            stream.set_read_timeout(Some(seconds(5))).expect("a deadline");
            let mut bytes = Vec::new();
            // It may be reset; what counts is what came.
            let _ = std::io::Read::read_to_end(stream, &mut bytes);
            assert!(bytes.is_empty(), "{who} got {} bytes", bytes.len());
        }
    }
}

pub(super) fn stranger_tls(trial: &mut Trial<'_>) {
    trial.serve_with(Serve { tls: true, ..Serve::default() });
    give_strangers_time(trial);
    with_a_stranger(trial, None, |trial| {
        trial.moves_files(Manner { tls: true, ..Manner::default() }, seconds(8));
    });
}

pub(super) fn crowd(trial: &mut Trial<'_>) {
    trial.lab.nat();
    trial.serve();
    let (at, login) = (trial.at(), trial.site().login());
    let client = &trial.lab.client;
    let start = Barrier::new(CROWD + 1);
    let (served, took) = client.within(|| {
        std::thread::scope(|scope| {
            let one = || {
                let talk = catch_unwind(|| talk::open(client, at, login));
                // Those that did not get in wait as well, for the others' sake.
                start.wait();
                talk.is_ok_and(|mut talk| {
                    talk::fetch(&mut talk, "pub/down.bin").is_ok_and(|bytes| bytes == content(1))
                })
            };
            let all: Vec<_> = (0..CROWD).map(|_| scope.spawn(one)).collect();
            start.wait();
            let started = Instant::now();
            let served = all.into_iter().filter_map(|one| one.join().ok()).filter(|&served| served).count();
            (served, started.elapsed())
        })
    });
    assert!(served == CROWD, "{served} of {CROWD} were served in {:.1} s", took.as_secs_f64());
    assert!(took < seconds(5), "it took {:.1} s", took.as_secs_f64());
    trial.slowest = took;
}

fn behind_a_balancer(trial: &mut Trial<'_>, proxy: Proxy) {
    let behind = Serve { flags: &["--proxy-from", "203.0.113.1"], ..Serve::default() };
    trial.serve_with(behind);
    trial.lab.relay(true, Way { proxy: Some(proxy), ..Way::default() });
    trial.moves_files(Manner::default(), seconds(5));
    assert!(trial.log().contains(&CLIENT.to_string()), "the log does not name {CLIENT}: {}", trial.log());
    if trial.pair == Pair::Ours {
        // On data connections the header comes before the hello that says whose they are.
        trial.serve_with(Serve { tls: true, ..behind });
        trial.moves_files(Manner { tls: true, ..Manner::default() }, seconds(5));
    }
}

/// The client hears of its port when the stranger has had time to find it. Control connections are relayed by
/// the router, whose address the client's data connections have too.
fn give_strangers_time(trial: &mut Trial<'_>) {
    trial.lab.relay(false, Way { delay: Duration::from_millis(15), ..Way::default() });
}

/// Does `work` while somebody connects to every passive port, again and again: from another host, or beside
/// the client.
fn with_a_stranger(trial: &mut Trial<'_>, other: Option<usize>, work: impl FnOnce(&mut Trial<'_>)) {
    let over = AtomicBool::new(false);
    let at = trial.at();
    // A thread enters the stranger's host and stays there; the trial itself is the worker's.
    std::thread::scope(|scope| {
        let host = other.map_or(&trial.lab.client, |n| trial.lab.other(n)).entrance();
        let over = &over;
        scope.spawn(move || {
            host.enter();
            knock(at, over);
        });
        // A failure has to end the stranger too.
        let done = catch_unwind(AssertUnwindSafe(|| work(trial)));
        over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

fn knock(at: IpAddr, over: &AtomicBool) {
    let mut held = Vec::new();
    while !over.load(Ordering::Relaxed) {
        for port in LOW..=HIGH {
            if let Ok(stream) = TcpStream::connect_timeout(&(at, port).into(), Duration::from_millis(30)) {
                held.push(stream);
            }
        }
        // Some of them are held, and some go at once.
        if held.len() > 40 {
            for stream in held.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}
