//! How do we reach the control port of a host that has several addresses?
//!
//! All of them are tried, each a quarter of a second after the one before, or when that has failed (RFC 8305
//! calls it happy eyeballs), so that a dead address family costs a moment and not a time-out. The first that
//! answers is used.
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use net::control::Control;
use net::reserve::Reserved;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, Unreachable, words};
use crate::options::{DataPort, Endpoint};

/// RFC 8305 5: long enough for the first address to win on a good day, too short to be felt on a bad one.
const STAGGER: Duration = Duration::from_millis(250);

/// No host has more addresses than this that are worth a try.
const ADDRESSES: usize = 16;

pub(crate) async fn connect(
    site: &Endpoint,
    data_port: DataPort,
    segment: Option<u16>,
    within: Duration,
) -> Result<(Control, Option<Reserved>), Error> {
    let started = Instant::now();
    let until = started + within;
    let no_name = |why: String| Error::Unreachable(Unreachable::Name { host: site.host.clone(), why });
    let lookup = tokio::net::lookup_host((site.host.as_str(), site.port));
    let addresses: Vec<SocketAddr> = match tokio::time::timeout_at(until, lookup).await {
        Ok(Ok(found)) => alternating(found.collect()).into_iter().take(ADDRESSES).collect(),
        Ok(Err(error)) => return Err(no_name(words(&error))),
        Err(_) => return Err(no_name(format!("no answer within {} s", within.as_secs()))),
    };
    if addresses.is_empty() {
        return Err(no_name("the name has none".to_owned()));
    }

    let dial = |to| one(to, data_port, segment);
    let why = match first_of(addresses, until, dial).await {
        Ok(connected) => return Ok(connected),
        Err(why) => why,
    };
    Err(Error::Unreachable(Unreachable::Control {
        host: site.host.clone(),
        port: site.port,
        why: why.join("; "),
        elapsed: started.elapsed(),
    }))
}

/// The first of the dials that succeeds; else why each failed. What is still under way then is given up.
async fn first_of<T: Send + 'static, D: Future<Output = io::Result<T>> + Send + 'static>(
    addresses: Vec<SocketAddr>,
    until: Instant,
    dial: impl Fn(SocketAddr) -> D,
) -> Result<T, Vec<String>> {
    let mut left = addresses.into_iter();
    let mut next = Instant::now();
    let mut dials: JoinSet<(SocketAddr, io::Result<T>)> = JoinSet::new();
    let mut why = Vec::new();
    while left.len() > 0 || !dials.is_empty() {
        tokio::select! {
            Some(ended) = dials.join_next() => {
                match ended {
                    Ok((_, Ok(connected))) => return Ok(connected),
                    Ok((to, Err(error))) => why.push(format!("{}: {}", to.ip(), words(&error))),
                    // A task of ours that panicked has nothing to say about the network.
                    Err(_) => {}
                }
                next = Instant::now();
            }
            () = sleep_until(next), if left.len() > 0 => {
                if let Some(to) = left.next() {
                    let dialling = dial(to);
                    dials.spawn(async move { (to, dialling.await) });
                }
                next = Instant::now() + STAGGER;
            }
            () = sleep_until(until) => {
                why.push("no answer".to_owned());
                break;
            }
        }
    }
    Err(why)
}

async fn one(
    to: SocketAddr,
    data_port: DataPort,
    segment: Option<u16>,
) -> io::Result<(Control, Option<Reserved>)> {
    match data_port {
        DataPort::Any => Ok((Control::connect(to, None, segment).await?, None)),
        DataPort::Next => {
            let any = match to.ip() {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let (first, second) = Reserved::pair(any)?;
            let from = SocketAddr::new(any, first.port());
            let control = Control::connect(to, Some(from), segment).await?;
            Ok((control, Some(second)))
        }
    }
}

/// The resolver's order, with the two families taking turns: a dead family then delays by one step only.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let mut other = other.into_iter();
    let mut order = Vec::new();
    for address in one {
        order.push(address);
        order.extend(other.next());
    }
    order.extend(other);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dials to ports that are milliseconds: the one that answers after so long, or refuses after so long
    /// where it is odd. What came of it, and when.
    async fn raced(ports: &[u16]) -> (Result<u16, Vec<String>>, u128) {
        let at = |port: &u16| SocketAddr::from(([192, 0, 2, 1], *port));
        let started = Instant::now();
        let until = started + Duration::from_secs(20);
        let dial = |to: SocketAddr| async move {
            tokio::time::sleep(Duration::from_millis(to.port().into())).await;
            if to.port().is_multiple_of(2) {
                Ok(to.port())
            } else {
                Err(io::ErrorKind::ConnectionRefused.into())
            }
        };
        let won = first_of(ports.iter().map(at).collect(), until, dial).await;
        (won, started.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_after_a_quarter_of_a_second_or_when_one_has_failed() {
        const SILENT: u16 = 60_000;
        assert_eq!(raced(&[200, 10]).await, (Ok(200), 200));
        assert_eq!(raced(&[SILENT, 10]).await, (Ok(10), 260));
        // Within the time that it takes the second, the first may still win.
        assert_eq!(raced(&[300, 100]).await, (Ok(300), 300));
        // Eight that refuse at once took two seconds.
        assert_eq!(raced(&[1, 1, 1, 1, 1, 1, 1, 1, 10]).await, (Ok(10), 18));
        assert_eq!(raced(&[SILENT, SILENT, 1, 10]).await, (Ok(10), 511));
        let (none, after) = raced(&[1, 3]).await;
        assert_eq!((none.unwrap_err().len(), after), (2, 4));
        let (none, after) = raced(&[SILENT, 1]).await;
        let none = none.unwrap_err();
        assert!(none.len() == 2 && none[1] == "no answer", "{none:?}");
        assert_eq!(after, 20_000);
    }

    #[test]
    fn families_take_turns() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let given =
            vec![at("[::1]:21"), at("[::2]:21"), at("1.1.1.1:21"), at("1.1.1.2:21"), at("1.1.1.3:21")];
        let want = vec![at("[::1]:21"), at("1.1.1.1:21"), at("[::2]:21"), at("1.1.1.2:21"), at("1.1.1.3:21")];
        assert_eq!(alternating(given), want);
    }
}
