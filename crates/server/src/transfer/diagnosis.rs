//! Why is there no data connection, and which of the firewall's rules does that point to?
//!
//! Only what the evidence is enough for is said: users read it, and so do those they ask for help.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use firewall::Name;
use net::departure::Departure;
use net::dial::DialError;
use net::half_open::Attempt;
use net::passive::ClaimedPort;
use tokio::time::sleep;

use super::outcome::is_exhausted;
use crate::effect::Outcome;
use crate::reason::Reason;

/// When it is looked whether a call has begun, beside the end of the wait. Clients call as they send their
/// command, or before; and where this machine's own firewall drops our answer, the kernel forgets a call
/// after a second, when it cannot answer again.
const LOOKS: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(1100)];

/// Waits for what arrives at a place, and says whether a call was seen that had begun.
pub(super) async fn watched<T>(place: ClaimedPort, arrival: impl Future<Output = T>) -> (T, Attempt) {
    let begun = async {
        for after in LOOKS {
            sleep(after).await;
            if place.half_open().await == Attempt::HalfOpen {
                return;
            }
        }
        std::future::pending().await
    };
    let mut arrival = std::pin::pin!(arrival);
    tokio::select! {
        biased;
        arrived = &mut arrival => (arrived, Attempt::Unknown),
        () = begun => (arrival.await, Attempt::HalfOpen),
    }
}

/// Nobody came to a claimed port, where a call was seen or not.
pub(super) async fn no_arrival(place: &ClaimedPort, seen: Attempt, waited: Duration) -> Outcome {
    if let Some(error) = exhausted() {
        // The connection may well be there; what cannot be done is to take it.
        return Outcome { detail: Some(error.to_string()), ..Reason::TooManyFiles.into() };
    }
    let call = if seen == Attempt::HalfOpen { seen } else { place.half_open().await };
    let ClaimedPort { peer, port, ports, .. } = place;
    let range = if ports.start() == ports.end() {
        format!("port {}", ports.start())
    } else {
        format!("ports {}-{}", ports.start(), ports.end())
    };
    let told = match call {
        Attempt::HalfOpen => Some(format!(
            "Your connection attempt reached passive port {port}, but our answer did not get back to {peer}: a firewall blocks answers from {range} (rule {}).",
            Name::PassiveOut.number()
        )),
        Attempt::None => Some(format!(
            "No connection attempt from {peer} reached passive port {port} within {}: a firewall blocks connections to {range} (rule {}), or your client did not connect.",
            shown(waited),
            Name::PassiveIn.number()
        )),
        Attempt::Unknown => None,
    };
    Outcome {
        told,
        detail: Some(format!("passive port {port}: {}", name(call))),
        ..Reason::DataNotMade.into()
    }
}

/// Is no descriptor left? The system is asked for one.
fn exhausted() -> Option<io::Error> {
    let error = std::fs::File::open("/").err()?;
    error.raw_os_error().is_some_and(is_exhausted).then_some(error)
}

/// The client's port was called, and there is no connection. `from` is the port of ours that calls, where it
/// is a certain one.
pub(super) fn not_called(
    target: SocketAddr,
    from: Option<u16>,
    why: &DialError,
    waited: Duration,
) -> Outcome {
    // Rules 3 and 4 of active mode are about our port, whichever side calls.
    let (ours, ports) = match from {
        Some(port) => (format!(" from port {port}"), format!("port {port}")),
        None => (String::new(), "ports above 1023".to_owned()),
    };
    let end = |told: Option<String>, detail: String| Outcome {
        told: told.map(|told| format!("{told}; use passive mode (EPSV or PASV).")),
        detail: Some(detail),
        ..Reason::DialFailed.into()
    };
    match why {
        DialError::NoAnswer(departure) => {
            let told = match departure {
                Departure::Held => format!(
                    "Our connection attempt{ours} to {target} does not leave this server: its own firewall blocks connections from {ports} to clients (rule {})",
                    Name::ActiveOut.number()
                ),
                Departure::Left | Departure::Unknown => {
                    let left = if *departure == Departure::Left { " left this server and" } else { "" };
                    format!(
                        "Our connection attempt{ours} to {target}{left} got no answer within {}: a firewall blocks connections from {ports} to clients (rule {}) or answers to {ports} (rule {}), or your firewall blocks us",
                        shown(waited),
                        Name::ActiveOut.number(),
                        Name::ActiveIn.number()
                    )
                }
            };
            let detail = match departure {
                Departure::Held => "held back by this machine",
                Departure::Left => "no answer, and it has left this machine",
                Departure::Unknown => "no answer",
            };
            end(Some(told), format!("{target}: {detail}"))
        }
        DialError::Failed(_, Some(rejection)) => {
            let what = if rejection.is_prohibition() {
                format!(
                    "a firewall rejects it (rule {}, {ports} to clients, or your own firewall)",
                    Name::ActiveOut.number()
                )
            } else {
                "this server cannot reach it".to_owned()
            };
            let told = format!("Our connection attempt{ours} to {target} was rejected, {rejection}: {what}");
            end(Some(told), format!("{target}: {rejection}"))
        }
        DialError::Failed(error, None) if error.raw_os_error().is_some_and(is_exhausted) => {
            Outcome { detail: Some(error.to_string()), ..Reason::TooManyFiles.into() }
        }
        // What could not even be begun is nothing to tell a client.
        DialError::Failed(error, None) => {
            let why = match error.kind() {
                io::ErrorKind::ConnectionRefused => {
                    Some("refused the connection: nothing listens there, or a firewall rejects it")
                }
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    Some("cannot be reached from this server")
                }
                _ => None,
            };
            end(why.map(|why| format!("{target} {why}")), error.to_string())
        }
    }
}

/// Stable names, for the log.
fn name(call: Attempt) -> &'static str {
    match call {
        Attempt::HalfOpen => "half-open",
        Attempt::None => "no SYN",
        Attempt::Unknown => "not looked up",
    }
}

fn shown(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use net::icmp::Rejection;
    use net::passive::{Options, PassivePorts};

    use super::*;

    fn told(end: &Outcome) -> &str {
        end.told.as_deref().unwrap_or_default()
    }

    fn silent(from: Option<u16>, departure: Departure, waited: Duration) -> Outcome {
        not_called("192.0.2.7:50210".parse().unwrap(), from, &DialError::NoAnswer(departure), waited)
    }

    #[test]
    fn a_silent_port_of_the_client_is_named_with_the_time_and_all_rules_that_it_may_be() {
        let end = silent(Some(20), Departure::Left, Duration::from_secs(10));
        assert_eq!(end.broken, Some(Reason::DialFailed));
        let start = "Our connection attempt from port 20 to 192.0.2.7:50210 left this server and got no answer within 10 s:";
        assert!(told(&end).starts_with(start), "{end:?}");
        assert!(told(&end).contains("(rule 4)") && told(&end).contains("(rule 3)"), "{end:?}");
        let short = silent(None, Departure::Unknown, Duration::from_millis(250));
        let start = "Our connection attempt to 192.0.2.7:50210 got no answer within 250 ms: a firewall blocks connections from ports above 1023";
        assert!(told(&short).starts_with(start), "{short:?}");
        assert!(told(&short).ends_with("; use passive mode (EPSV or PASV)."), "{short:?}");
    }

    #[test]
    fn what_does_not_leave_is_our_own_firewalls() {
        let end = silent(Some(20), Departure::Held, Duration::from_secs(10));
        assert!(told(&end).contains("blocks connections from port 20 to clients (rule 4)"), "{end:?}");
        assert!(!told(&end).contains("rule 3") && !told(&end).contains("your firewall"), "{end:?}");
    }

    #[test]
    fn who_rejects_is_named() {
        let target = "192.0.2.7:50210".parse().unwrap();
        let failed = |code| {
            let rejection = Rejection { by: "198.51.100.1".parse().unwrap(), kind: 3, code };
            let error = io::ErrorKind::HostUnreachable.into();
            not_called(target, Some(20), &DialError::Failed(error, Some(rejection)), Duration::ZERO)
        };
        let end = failed(13);
        assert!(told(&end).contains("198.51.100.1 says \"prohibited\""), "{end:?}");
        assert!(told(&end).contains("rule 4"), "{end:?}");
        assert!(!told(&failed(1)).contains("rule"), "{:?}", failed(1));
    }

    #[test]
    fn our_own_trouble_is_for_the_log_alone() {
        let target = "192.0.2.7:50210".parse().unwrap();
        let failed = |error| not_called(target, Some(20), &DialError::Failed(error, None), Duration::ZERO);
        let refused = failed(io::ErrorKind::ConnectionRefused.into());
        assert!(told(&refused).starts_with("192.0.2.7:50210 refused"));
        let busy = failed(io::Error::new(io::ErrorKind::AddrInUse, "from 10.0.0.1:20"));
        assert_eq!((busy.told, busy.detail.as_deref()), (None, Some("from 10.0.0.1:20")));
    }

    #[tokio::test]
    async fn nobody_who_called_is_told_which_rule_lets_callers_in() {
        let here = Ipv4Addr::LOCALHOST.into();
        let (ports, _) = PassivePorts::bind(&[here], 0..=0, &Options::default()).unwrap();
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        let claim = ports.claim(1, here, here, until, Duration::ZERO).await.unwrap();
        let end = no_arrival(&claim.claimed_port(), Attempt::Unknown, Duration::from_secs(10)).await;
        assert_eq!(end.broken, Some(Reason::DataNotMade));
        let text = format!(
            "No connection attempt from 127.0.0.1 reached passive port {} within 10 s:",
            claim.port()
        );
        assert!(told(&end).starts_with(&text), "{end:?}");
        assert!(told(&end).contains("(rule 3)"), "{end:?}");
    }

    #[tokio::test]
    async fn a_call_that_was_seen_is_told_though_it_is_gone_at_the_end() {
        let here = Ipv4Addr::LOCALHOST.into();
        let (ports, _) = PassivePorts::bind(&[here], 0..=0, &Options::default()).unwrap();
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        let claim = ports.claim(1, here, here, until, Duration::ZERO).await.unwrap();
        let end = no_arrival(&claim.claimed_port(), Attempt::HalfOpen, Duration::from_secs(10)).await;
        assert!(told(&end).contains("(rule 4)"), "{end:?}");
        // What is there at once is not looked up at all.
        assert_eq!(watched(claim.claimed_port(), std::future::ready(7)).await, (7, Attempt::Unknown));
    }
}
