//! Are the printed rules enough, and is each line needed?
//!
//! Complete, everything of a set's modes has to work. Without any one of its lines, just that has to fail
//! which the line is for, and the missing rule has to be named: by the doctor at the client's, with its
//! number or the numbers that it may be; by the server's own 425; and on the server, where the rules can be
//! read, by `pasv firewall --check` and `pasv doctor --site`.
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use testbed::process::{Said, run_within};

use super::{Loss, Modes, Place, Rules, Shape};
use crate::addresses::{CLIENT, CONTROL, HIGH, LOW, OUTSIDE, SERVER_V6};
use crate::client::{Job, Manner, Mode};
use crate::doctor::{NAME, Opinion};
use crate::site::{Serve, in_url};
use crate::talk;
use crate::trial::Trial;

/// The complete set: everything works, and nobody misses anything.
pub(crate) fn complete(trial: &mut Trial<'_>, rules: &Rules) {
    let shape = rules.shape;
    prepare(trial, rules, &rules.text());
    let modes = [Mode::Passive, Mode::Active].into_iter().filter(|mode| shape.has(*mode));
    for mode in modes.clone() {
        trial.moves_files(manner(mode), Duration::from_secs(5));
    }
    let opinion = Opinion::of(trial, &in_url(trial.at()));
    match (shape.modes, shape.place) {
        // The rules for active mode leave the passive range closed, and that is what a client sees first.
        (Modes::Active, Place::Router) => opinion.is("data-ports-refused"),
        (Modes::Active, _) => opinion.is("rule-3-or-4"),
        _ => opinion.is("all-is-well"),
    }
    for mode in modes {
        assert!(opinion.works(if mode == Mode::Active { "EPRT" } else { "EPSV" }), "{opinion}");
    }
    if shape.place == Place::Router {
        let outward = works(trial, Loss::Outward, shape);
        assert!(outward != shape.output_drop, "the server's own connections get out: {outward}");
        return;
    }
    assert_eq!(missing(trial, shape), [0; 0], "a rule of the complete set is missing");
    for what in [Loss::Loopback, Loss::V6, Loss::NarrowPath] {
        assert!(works(trial, what, shape), "{what:?} fails");
    }
}

/// The set without its line `n`: what the line is for fails and no more, and it is said what is missing.
pub(crate) fn without(trial: &mut Trial<'_>, rules: &Rules, n: usize) {
    let (shape, loss) = (rules.shape, rules.loss(n));
    prepare(trial, rules, &rules.without(n));
    if loss == Loss::Nothing {
        // Nor does a narrow path need it.
        trial.lab.narrow(1300);
        for mode in [Mode::Passive, Mode::Active].into_iter().filter(|mode| shape.has(*mode)) {
            trial.moves_files(manner(mode), Duration::from_secs(5));
        }
        return;
    }
    assert!(!works(trial, loss, shape), "without `{}` all goes on: {loss:?} was to fail", rules.line(n));
    if !takes_long(rules, n) {
        doctor(trial, rules, n, loss);
    }
    if let Some(number) = rules.number(n) {
        if let Loss::Data(mode) = loss {
            server(trial, number, mode, shape);
        }
        if shape.place != Place::Router {
            administrator(trial, number, shape);
        }
    } else if loss == Loss::Control && shape.place != Place::Router {
        // It is part of every rule that lets something in, or out.
        assert_ne!(missing(trial, shape), [0; 0], "nothing is said to be missing on the server");
    }
    // What fails is what was said, and not something before it.
    if matches!(loss, Loss::Data(_) | Loss::NarrowPath) {
        let talks = trial.lab.client.within(|| {
            let mut talk = talk::open(&trial.lab.client, trial.at(), trial.site().login());
            talk.ask("NOOP").starts_with("200")
        });
        assert!(talks, "the dialogue does not work either");
    }
    let mode = match loss {
        Loss::Loopback | Loss::V6 | Loss::NarrowPath | Loss::Outward => {
            Some(if shape.has(Mode::Passive) { Mode::Passive } else { Mode::Active })
        }
        // The other mode is not touched.
        Loss::Data(Mode::Active) if shape.modes == Modes::Both => Some(Mode::Passive),
        Loss::Data(_) if shape.modes == Modes::Both => Some(Mode::Active),
        _ => None,
    };
    if let Some(mode) = mode {
        assert!(works_by(trial, mode, Job::List), "a listing does not work either");
    }
    trial.slowest = Duration::ZERO;
}

/// Where data does not come, the doctor has a test to himself: several programs wait in vain there.
pub(crate) fn takes_long(rules: &Rules, n: usize) -> bool {
    matches!(rules.loss(n), Loss::Data(_))
}

/// The set without its line `n`: what the doctor says.
pub(crate) fn named(trial: &mut Trial<'_>, rules: &Rules, n: usize) {
    prepare(trial, rules, &rules.without(n));
    doctor(trial, rules, n, rules.loss(n));
}

/// What the doctor says at the client's: the verdict, and the numbers of the rules that it may be.
fn doctor(trial: &mut Trial<'_>, rules: &Rules, n: usize, loss: Loss) {
    let router = rules.shape.place == Place::Router;
    let inward = rules.chain(n).eq_ignore_ascii_case("input");
    let (verdict, numbers): (_, &[u64]) = match (loss, rules.number(n)) {
        // A client sees nothing of these.
        (Loss::Loopback | Loss::Outward | Loss::NarrowPath | Loss::Nothing, _) => return,
        // What a router does not translate is for the router itself, and it answers.
        (Loss::Control, Some(1)) if router => ("control-refused", &[1]),
        // The first packet comes in by rule 1, and its answer goes out; what follows does not come in.
        (Loss::Control, None) if !router && inward => ("no-greeting", &[1]),
        // Which of the two, only the server can say.
        (Loss::Control, _) => ("rule-1-or-2", &[1, 2]),
        (Loss::Data(Mode::Active), Some(4)) => ("active-impossible", &[4]),
        // The call comes here, and the answer does not get back.
        (Loss::Data(Mode::Active), _) => ("active-impossible", &[3]),
        (Loss::Data(_), Some(3)) if router => ("data-ports-refused", &[3]),
        // The server's word decides.
        (Loss::Data(_), Some(4)) => ("rule-3-or-4", &[4]),
        (Loss::Data(_), _) => ("rule-3-or-4", &[3]),
        (Loss::V6, _) => ("family-dead", &[]),
    };
    let host = if loss == Loss::V6 { NAME.to_owned() } else { in_url(trial.at()) };
    let opinion = Opinion::of(trial, &host);
    if loss == Loss::Data(Mode::Active) {
        assert!(!opinion.works("EPRT"), "{opinion}");
    } else {
        opinion.is(verdict);
    }
    assert_eq!(opinion.rules(verdict), Some(numbers.to_vec()), "the rules of {verdict}: {opinion}");
}

/// What the server's own 425 says of a data connection that never came.
fn server(trial: &mut Trial<'_>, number: u8, mode: Mode, shape: Shape) {
    // Without translation on the router the server's call arrives, and is not taken.
    if mode == Mode::Active && shape.place == Place::Router {
        return;
    }
    let at = trial.at();
    let told = trial.lab.client.within(|| {
        let mut talk = talk::open(&trial.lab.client, at, trial.site().login());
        if mode == Mode::Active {
            talk::waits_in_vain(&mut talk)
        } else {
            talk::fetches_in_vain(&mut talk, "pub/down.bin")
        }
    });
    assert!(told.starts_with("425"), "{told}");
    assert!(told.contains(&format!("rule {number}")), "rule {number} is not named: {told}");
    // Of its own answers in passive mode it knows whether they were answered, and of its own calls whether
    // they left; who stops the answers to these it does not.
    let sure = mode != Mode::Active || number == 4;
    assert_eq!(told.matches("(rule ").count(), if sure { 1 } else { 2 }, "{told}");
}

/// What those say on the server who read its rules.
fn administrator(trial: &mut Trial<'_>, number: u8, shape: Shape) {
    assert_eq!(missing(trial, shape), [number], "`pasv firewall --check`");
    let (listen, range) = (CONTROL.to_string(), format!("{LOW}-{HIGH}"));
    let mut call = trial.program();
    call.args(["doctor", "--site", "--listen", &listen, "--active-port", "20"]);
    match shape.modes {
        Modes::Active => call.arg("--no-passive"),
        Modes::Passive => call.args(["--passive-ports", &range, "--no-active"]),
        Modes::Both => call.args(["--passive-ports", &range]),
    };
    let said = trial.lab.server.within(|| run_within(&mut call, b"", Duration::from_secs(20)));
    let text = said.text();
    let wrong: Vec<&str> = text.lines().filter(|line| line.starts_with("  error ")).collect();
    assert!(
        !wrong.is_empty() && wrong.iter().all(|line| line.contains(&format!("rule {number} ("))),
        "`pasv doctor --site`: {text}{}",
        said.err
    );
}

/// The numbers of the rules that `pasv firewall --check` misses on the server.
fn missing(trial: &Trial<'_>, shape: Shape) -> Vec<u8> {
    let mut call = trial.program();
    call.args(shape.words()).arg("--check");
    let said = trial.lab.server.within(|| run_within(&mut call, b"", Duration::from_secs(20)));
    let text = said.text();
    let told = text.lines().filter_map(|line| line.strip_prefix("MISSING   rule "));
    let mut numbers: Vec<u8> = told.filter_map(|told| told.get(..1)?.parse().ok()).collect();
    numbers.dedup();
    assert!(said.succeeded() || !said.out.is_empty(), "`pasv firewall --check`: {}", said.err);
    numbers
}

fn prepare(trial: &mut Trial<'_>, rules: &Rules, text: &str) {
    // Short: most of these have to fail, and by silence.
    trial.patience = Duration::from_secs(9);
    let outside = OUTSIDE.to_string();
    let mut flags = vec!["--data-timeout", "2s"];
    if rules.shape.place == Place::Router {
        trial.lab.private_server();
        rules.load(&trial.lab.router, text);
        flags.extend(["--external", &outside]);
    } else {
        rules.load(&trial.lab.server, text);
    }
    trial.serve_with(Serve { flags: &flags, ..Serve::default() });
}

fn manner(mode: Mode) -> Manner<'static> {
    Manner { mode, flags: &["--timeout", "3s"], ..Manner::default() }
}

fn works(trial: &mut Trial<'_>, what: Loss, shape: Shape) -> bool {
    let mode = if shape.has(Mode::Passive) { Mode::Passive } else { Mode::Active };
    match what {
        Loss::Loopback => trial.lab.server.within(|| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of the host");
            let at = listener.local_addr().expect("its address");
            TcpStream::connect_timeout(&at, Duration::from_secs(1)).is_ok()
        }),
        Loss::Outward => {
            let listener =
                trial.lab.client.within(|| TcpListener::bind((CLIENT, 0)).expect("a port of the client"));
            let at = listener.local_addr().expect("its address");
            trial.lab.server.connect(at, Duration::from_secs(1)).is_ok()
        }
        Loss::Control => trial.lab.client.within(|| {
            let to = (trial.at(), CONTROL).into();
            let Ok(mut stream) = trial.lab.client.connect(to, Duration::from_secs(1)) else { return false };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
            // The greeting may get out; what is said back has to get in.
            let mut code = [0; 3];
            if stream.read_exact(&mut code).is_err() {
                return false;
            }
            hears_and_answers(&mut stream)
        }),
        Loss::Data(mode) => {
            let said = trial.attempt(Job::List, Manner { mode, flags: &["--timeout", "2s"], ..manner(mode) });
            is_by(&said, mode)
        }
        Loss::V6 => {
            let before = trial.at();
            trial.lab.reach(SERVER_V6);
            let good = works_by(trial, mode, Job::List);
            trial.lab.reach(before);
            good
        }
        Loss::NarrowPath => {
            trial.lab.narrow(1300);
            let to = trial.here("down.bin");
            let flags = &["--timeout", "3s", "--stall", "3s"];
            trial.attempt(Job::Get("down.bin", &to), Manner { flags, ..manner(mode) }).succeeded()
        }
        Loss::Nothing => true,
    }
}

/// In this mode, and not by falling back to the other.
fn works_by(trial: &mut Trial<'_>, mode: Mode, job: Job<'_>) -> bool {
    is_by(&trial.attempt(job, manner(mode)), mode)
}

fn is_by(said: &Said, mode: Mode) -> bool {
    said.succeeded() && !(mode == Mode::Active && said.err.contains("passive"))
}

fn hears_and_answers(stream: &mut TcpStream) -> bool {
    let mut rest = [0; 512];
    // What remains of the greeting, and then the reply.
    let _ = stream.read(&mut rest);
    stream.write_all(b"NOOP\r\n").is_ok() && stream.read(&mut rest).is_ok_and(|count| count > 0)
}
