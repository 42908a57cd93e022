//! Who wins when PASV is tried beside the dial of EPSV, and what comes after?
//!
//! Time is an argument: no test waits for it.
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use client::session::{Approach, Flow, Goal, Input, MoveError, Output, Patience, Transfer, Transferred};
use client::{DataMethod, Mode};
use client::{Error, Unreachable};
use wire::{Command, Pathname, Reply};

/// A transfer, its clock, and what it did.
struct Race {
    transfer: Transfer,
    start: Instant,
    now: Instant,
    did: Vec<String>,
    end: Option<Result<Transferred, Error>>,
}

impl Race {
    fn new(approach: Approach) -> Self {
        let start = Instant::now();
        let retr = Command::Retr(Pathname::new("a").unwrap());
        let transfer = Transfer::new(retr, Flow::Down, None, approach, Patience::default(), start);
        let mut race = Self { transfer, start, now: start, did: Vec::new(), end: None };
        race.poll();
        race
    }

    fn of(mode: Mode) -> Self {
        Self::new(Approach::new(mode, DataMethod::first(mode), server()))
    }

    fn poll(&mut self) {
        while let Some(output) = self.transfer.poll() {
            let done = match output {
                Output::Send(command) => command.verb().to_string(),
                Output::Dial(to) => format!("dial {}", to.port()),
                Output::Listen => {
                    let ours = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 9), 40_000));
                    self.transfer.handle(Input::Listening(ours), self.now);
                    "listen".to_owned()
                }
                Output::CloseData => "close".to_owned(),
                Output::HangUp => "hang up".to_owned(),
                Output::Accept => "accept".to_owned(),
                Output::Move => "move".to_owned(),
                Output::Done(result) => {
                    self.end = Some(result);
                    continue;
                }
                Output::Protect(_) | Output::Probe | Output::Confirmed | Output::Tell(_) => continue,
            };
            self.did.push(done);
        }
    }

    fn meets(&mut self, input: Input) -> &mut Self {
        self.transfer.handle(input, self.now);
        self.poll();
        self
    }

    fn hears(&mut self, code: u16, text: &'static str) -> &mut Self {
        self.meets(Input::Reply(Reply::new(code, text)))
    }

    /// Nothing happens until the transfer itself wants to act.
    fn waits(&mut self) -> &mut Self {
        self.now = self.transfer.deadline().expect("every wait ends");
        self.meets(Input::TimePassed)
    }

    fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// What it did since the last look.
    #[track_caller]
    fn did(&mut self, wanted: &[&str]) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.did), wanted);
        self
    }
}

fn server() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 21))
}

const EPSV: &str = "come (|||50001|)";
const PASV: &str = "come (192,0,2,1,195,82)";

#[test]
fn a_silent_port_of_epsv_is_left_for_that_of_pasv_after_two_seconds() {
    let mut race = Race::of(Mode::Auto);
    race.hears(229, EPSV).did(&["EPSV", "dial 50001"]);
    // The first dial is not given up while PASV is not answered.
    race.waits().did(&["PASV"]);
    assert_eq!(race.elapsed(), Duration::from_secs(2));
    race.hears(227, PASV).did(&["close", "dial 50002"]);
    race.meets(Input::Connected).did(&["RETR"]);
    race.hears(150, "ok").meets(Input::Moved(Ok(3))).hears(226, "ok");
    assert!(matches!(race.end, Some(Ok(Transferred::Whole { method: DataMethod::Pasv, .. }))));
}

#[test]
fn the_first_dial_wins_where_pasv_is_refused() {
    // It stands before the refusal is heard, or after it.
    for early in [true, false] {
        let mut race = Race::of(Mode::Auto);
        race.hears(229, EPSV).waits().did(&["EPSV", "dial 50001", "PASV"]);
        if early {
            race.meets(Input::Connected).did(&[]).hears(500, "no");
        } else {
            race.hears(500, "no").did(&[]).meets(Input::Connected);
        }
        race.did(&["RETR"]);
        race.hears(150, "ok").meets(Input::Moved(Ok(3))).hears(226, "ok");
        assert!(matches!(race.end, Some(Ok(Transferred::Whole { method: DataMethod::Epsv, .. }))), "{early}");
    }
}

#[test]
fn a_first_dial_that_stands_too_late_is_not_used() {
    // The server has given up its port by then: data would never come there.
    let mut race = Race::of(Mode::Auto);
    race.hears(229, EPSV).waits().meets(Input::Connected).hears(227, PASV);
    race.did(&["EPSV", "dial 50001", "PASV", "close", "dial 50002"]);
}

#[test]
fn the_first_dial_may_fail_beside_pasv() {
    let mut race = Race::of(Mode::Auto);
    race.hears(229, EPSV).waits().meets(Input::NotConnected(io::ErrorKind::ConnectionRefused.into()));
    race.hears(227, PASV).meets(Input::Connected);
    race.did(&["EPSV", "dial 50001", "PASV", "dial 50002", "RETR"]);
}

#[test]
fn where_everything_is_silent_the_end_comes_within_twenty_seconds() {
    let mut race = Race::of(Mode::Auto);
    race.hears(229, EPSV).waits().hears(227, PASV).waits();
    race.did(&["EPSV", "dial 50001", "PASV", "close", "dial 50002", "close", "listen", "EPRT"]);
    // A method that works is found by now.
    assert_eq!(race.elapsed(), Duration::from_secs(7));
    race.hears(200, "ok").did(&["RETR", "accept"]).waits().did(&["hang up", "close"]);
    assert_eq!(race.elapsed(), Duration::from_secs(17));
    let Some(Err(Error::Unreachable(Unreachable::Data { attempts, .. }))) = &race.end else {
        panic!("{:?}", race.end)
    };
    let methods: Vec<DataMethod> = attempts.iter().map(|attempt| attempt.method).collect();
    assert_eq!(methods, [DataMethod::Epsv, DataMethod::Pasv, DataMethod::Eprt]);
    let told = race.end.unwrap().unwrap_err().to_string();
    for word in ["192.0.2.1", "data port 50001", "data port 50002", "passive", "active", "after 2.0 s"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}

#[test]
fn who_asks_for_passive_gets_nothing_else() {
    let mut race = Race::of(Mode::Passive);
    race.hears(229, EPSV).waits().hears(227, PASV).waits();
    race.did(&["EPSV", "dial 50001", "PASV", "close", "dial 50002", "close", "close"]);
    assert!(matches!(race.end, Some(Err(Error::Unreachable(_)))), "{:?}", race.end);
}

#[test]
fn ipv6_has_no_pasv_to_race_with() {
    let six = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 21));
    let mut race = Race::new(Approach::new(Mode::Auto, DataMethod::Epsv, six));
    race.hears(229, EPSV).waits();
    race.did(&["EPSV", "dial 50001", "close", "listen", "EPRT"]);
    assert_eq!(race.elapsed(), Duration::from_secs(5));
}

#[test]
fn a_cut_or_silence_after_epsv_asks_for_another_session_without_it() {
    for cut in [true, false] {
        let mut race = Race::of(Mode::Auto);
        if cut {
            race.meets(Input::Lost(Error::Broken { what: "reset".into(), moved: 0 }));
        } else {
            race.waits();
            assert_eq!(race.elapsed(), Duration::from_secs(5));
        }
        let Some(Ok(Transferred::NewSession { approach })) = race.end else { panic!("{:?}", race.end) };
        assert_eq!(approach.first, DataMethod::Pasv);
        // EPSV is not tried again there, even if all else fails.
        let mut race = Race::new(approach);
        race.hears(500, "no").hears(500, "no").hears(500, "no");
        race.did(&["PASV", "listen", "EPRT", "close", "listen", "PORT", "close", "close"]);
        assert!(matches!(race.end, Some(Err(Error::Unreachable(_)))), "{:?}", race.end);
    }
}

/// The approach of the new session that it asks for.
#[track_caller]
fn next(race: &mut Race) -> Approach {
    match race.end.take() {
        Some(Ok(Transferred::NewSession { approach })) => approach,
        end => panic!("{end:?}"),
    }
}

fn cut() -> Input {
    Input::Lost(Error::Broken { what: "reset".into(), moved: 0 })
}

/// A middlebox that has never heard of EPSV in one session and of PASV in the next, or a server with one
/// session a user that takes the second verb for a fault: the transfer failed, though active mode would have
/// worked.
#[test]
fn a_verb_that_is_swallowed_or_cuts_the_session_is_left_for_the_next_one_whichever_it_is() {
    for swallows in [true, false] {
        let swallowed = |race: &mut Race| {
            if swallows {
                race.waits()
            } else {
                race.meets(cut())
            };
            next(race)
        };
        let mut race = Race::of(Mode::Auto);
        let mut race = Race::new(swallowed(&mut race));
        race.did(&["PASV"]);
        let mut race = Race::new(swallowed(&mut race));
        race.hears(200, "ok").did(&["listen", "EPRT", "RETR", "accept"]);
        race.meets(Input::Connected).hears(150, "ok").meets(Input::Moved(Ok(3))).hears(226, "ok");
        assert!(
            matches!(race.end, Some(Ok(Transferred::Whole { method: DataMethod::Eprt, .. }))),
            "{:?}",
            race.end
        );
        // Who asks for active mode gets passive in time where it is the verbs of active mode that are
        // swallowed.
        let mut race = Race::of(Mode::Active);
        let mut approach = swallowed(&mut race);
        let mut waited = race.elapsed();
        assert_eq!(approach.first, DataMethod::Port);
        let mut race = Race::new(approach);
        approach = swallowed(&mut race);
        waited += race.elapsed();
        assert_eq!(approach.first, DataMethod::Epsv);
        assert!(waited <= Duration::from_secs(10), "{waited:?}");
    }
    // A server that ends the session says nothing about the verb, and no other method is remembered for that.
    let mut race = Race::of(Mode::Auto);
    race.hears(421, "shutting down");
    assert!(matches!(race.end, Some(Err(Error::Broken { .. }))), "{:?}", race.end);
    // Where nothing is left, the end is what happened to the last verb.
    let mut race = Race::of(Mode::Passive);
    race.waits();
    let mut race = Race::new(next(&mut race));
    race.waits();
    let told = race.end.unwrap().unwrap_err().to_string();
    assert!(told.contains("no answer to PASV within 30 s"), "{told}");
}

/// A method that was remembered and that a firewall swallows by now cost a failure at every visit for thirty
/// days.
#[test]
fn a_remembered_way_that_is_swallowed_by_now_costs_five_seconds() {
    for first in [DataMethod::Pasv, DataMethod::Eprt, DataMethod::Port] {
        let mut race = Race::new(Approach::new(Mode::Auto, first, server()));
        race.waits();
        assert_eq!(race.elapsed(), Duration::from_secs(5));
        assert_eq!(next(&mut race).first, DataMethod::Epsv, "{first}");
    }
}

#[test]
fn a_pasv_that_is_swallowed_beside_the_dial_costs_no_more_than_its_own_time() {
    for cuts in [true, false] {
        for stands in [true, false] {
            let mut race = Race::of(Mode::Auto);
            race.hears(229, EPSV).waits();
            if stands {
                race.meets(Input::Connected);
            }
            if cuts {
                race.meets(cut())
            } else {
                race.waits()
            };
            assert!(race.elapsed() <= Duration::from_secs(7), "{:?}", race.elapsed());
            let approach = next(&mut race);
            // The dial of EPSV was slow, and yet it is the way here.
            let wanted = if stands { DataMethod::Epsv } else { DataMethod::Eprt };
            assert_eq!(approach.first, wanted);
            assert!(approach.failed.iter().any(|attempt| attempt.method == DataMethod::Pasv));
            if stands {
                // No second race: PASV has failed for good.
                let mut race = Race::new(approach);
                race.hears(229, EPSV).did(&["EPSV", "dial 50001"]);
                race.now += Duration::from_secs(4);
                race.meets(Input::TimePassed).did(&[]);
                race.meets(Input::Connected).did(&["RETR"]);
            }
        }
    }
}

#[test]
fn who_asks_for_active_is_served_by_passive_within_ten_seconds() {
    let mut race = Race::of(Mode::Active);
    race.hears(200, "ok").did(&["listen", "EPRT", "RETR", "accept"]).waits();
    assert_eq!(race.elapsed(), Duration::from_secs(5));
    let Some(Ok(Transferred::NewSession { approach })) = race.end else { panic!("{:?}", race.end) };
    // What stops the server's call does not ask for the verb: PORT is not tried.
    assert_eq!(approach.first, DataMethod::Epsv);
}

#[test]
fn under_tls_an_address_behind_a_nat_is_not_told() {
    let mut approach =
        Approach::new(Mode::Active, DataMethod::Eprt, SocketAddr::from(([203, 0, 113, 1], 21)));
    approach.sealed = true;
    let mut race = Race::new(approach.clone());
    race.did(&["listen", "EPRT"]);
    approach.server = SocketAddr::from(([198, 51, 100, 1], 21));
    // The address that `poll` gives is public (192.0.2.9); a private one ends the way at once.
    let retr = Command::Retr(Pathname::new("a").unwrap());
    let now = Instant::now();
    let mut transfer = Transfer::new(retr, Flow::Down, None, approach, Patience::default(), now);
    while transfer.poll().is_some() {}
    transfer.handle(Input::Listening(SocketAddr::from(([192, 168, 1, 2], 40_000))), now);
    let said = std::iter::from_fn(|| transfer.poll()).find_map(|output| match output {
        Output::Send(command) => Some(command.verb().to_string()),
        _ => None,
    });
    assert_eq!(said.as_deref(), Some("EPSV"));
}

#[test]
fn a_stall_names_the_host_the_port_the_mode_and_the_time() {
    let mut race = Race::of(Mode::Auto);
    race.hears(229, EPSV).meets(Input::Connected).hears(150, "ok");
    race.meets(Input::Moved(Err(MoveError::Stalled(Duration::from_secs(60)))));
    let told = race.end.unwrap().unwrap_err().to_string();
    for word in ["192.0.2.1", "data port 50001", "EPSV (passive)", "60 s", "RETR a"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}
