//! Why is there no data connection, and which of the firewall's rules does that point to?
//!
//! The rules, as everywhere (docs/passive-and-active.md): 3 lets clients in to the passive ports, 4 lets the passive ports
//! answer. What is said is what the evidence is enough for: the client reads it, and so does whoever it asks for help.
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use net::half_open::Call;
use net::passive::Place;

use crate::effect::Transferred;
use crate::reason::Reason;

/// Nobody came to a claimed port.
pub(super) async fn nobody_came(place: &Place, waited: Duration) -> Transferred {
    let call = place.half_open().await;
    let Place { peer, port, ports, .. } = place;
    let range = if ports.start() == ports.end() {
        format!("port {}", ports.start())
    } else {
        format!("ports {}-{}", ports.start(), ports.end())
    };
    let told = match call {
        Call::HalfOpen => Some(format!(
            "Your SYN reached passive port {port}, and our answer did not get back to {peer}: a firewall does not let {range} answer (rule 4)."
        )),
        Call::None => Some(format!(
            "No SYN from {peer} reached passive port {port} within {}: a firewall does not let you in to {range} (rule 3), or you have not called it.",
            shown(waited)
        )),
        Call::Unknown => None,
    };
    Transferred {
        told,
        detail: Some(format!("passive port {port}: {}", name(call))),
        ..Reason::DataNotMade.into()
    }
}

/// The client's port is silent.
pub(super) fn no_answer(target: SocketAddr, waited: Duration) -> Transferred {
    let told = format!(
        "The SYN to {target} got no answer within {}: a firewall does not let us in there; use passive mode (EPSV or PASV).",
        shown(waited)
    );
    let detail = format!("no answer from {target} within {}", shown(waited));
    Transferred { told: Some(told), detail: Some(detail), ..Reason::DialFailed.into() }
}

/// The connection to the client's port was refused, or could not even be begun, which is nothing to tell a client.
pub(super) fn not_taken(target: SocketAddr, error: &io::Error) -> Transferred {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Some("refused the connection: nobody listens there, or a firewall rejects it")
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Some("cannot be reached from here")
        }
        _ => None,
    };
    let told = why.map(|why| format!("{target} {why}; use passive mode (EPSV or PASV)."));
    Transferred { told, detail: Some(error.to_string()), ..Reason::DialFailed.into() }
}

/// Stable names, for the log.
fn name(call: Call) -> &'static str {
    match call {
        Call::HalfOpen => "half-open",
        Call::None => "no SYN",
        Call::Unknown => "not looked up",
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

    use net::passive::PassivePorts;

    use super::*;

    fn told(end: &Transferred) -> &str {
        end.told.as_deref().unwrap_or_default()
    }

    #[test]
    fn a_silent_port_of_the_client_is_named_with_the_time() {
        let target = "192.0.2.7:50210".parse().unwrap();
        let end = no_answer(target, Duration::from_secs(10));
        assert_eq!(end.broken, Some(Reason::DialFailed));
        assert!(told(&end).starts_with("The SYN to 192.0.2.7:50210 got no answer within 10 s:"), "{end:?}");
        assert!(told(&no_answer(target, Duration::from_millis(250))).contains("within 250 ms"));
    }

    #[test]
    fn our_own_trouble_is_for_the_log_alone() {
        let target = "192.0.2.7:50210".parse().unwrap();
        let refused = not_taken(target, &io::ErrorKind::ConnectionRefused.into());
        assert!(told(&refused).starts_with("192.0.2.7:50210 refused"));
        let busy = not_taken(target, &io::Error::new(io::ErrorKind::AddrInUse, "from 10.0.0.1:20"));
        assert_eq!((busy.told, busy.detail.as_deref()), (None, Some("from 10.0.0.1:20")));
    }

    #[tokio::test]
    async fn nobody_who_called_is_told_which_rule_lets_callers_in() {
        let here = Ipv4Addr::LOCALHOST.into();
        let (ports, _) = PassivePorts::bind(&[here], 0..=0).unwrap();
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        let claim = ports.claim(1, here, here, until, Duration::ZERO).await.unwrap();
        let end = nobody_came(&claim.place(), Duration::from_secs(10)).await;
        assert_eq!(end.broken, Some(Reason::DataNotMade));
        let text = format!("No SYN from 127.0.0.1 reached passive port {} within 10 s:", claim.port());
        assert!(told(&end).starts_with(&text) && told(&end).contains("(rule 3)"), "{end:?}");
    }
}
