//! How do we reach the control port of a host that has several addresses?
//!
//! All of them are tried, each a quarter of a second after the one before (RFC 8305 calls it happy eyeballs), so
//! that a dead address family costs a moment and not a time-out. The first that answers is used.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use net::control::Control;
use net::reserve::Reserved;
use tokio::task::JoinSet;

use crate::error::{Error, Unreachable, words};
use crate::options::{DataPort, Site};

/// RFC 8305 5: long enough for the first address to win on a good day, too short to be felt on a bad one.
const STAGGER: Duration = Duration::from_millis(250);

/// Nobody has more addresses than this that are worth a try.
const ADDRESSES: usize = 16;

pub(crate) async fn connect(
    site: &Site,
    data_port: DataPort,
    segment: Option<u16>,
    within: Duration,
) -> Result<(Control, Option<Reserved>), Error> {
    let started = tokio::time::Instant::now();
    let until = started + within;
    let no_name = |why: String| Error::Unreachable(Unreachable::Name { host: site.host.clone(), why });
    let lookup = tokio::net::lookup_host((site.host.as_str(), site.port));
    let addresses: Vec<SocketAddr> = match tokio::time::timeout_at(until, lookup).await {
        Ok(Ok(found)) => found.take(ADDRESSES).collect(),
        Ok(Err(error)) => return Err(no_name(words(&error))),
        Err(_) => return Err(no_name(format!("no answer within {} s", within.as_secs()))),
    };
    if addresses.is_empty() {
        return Err(no_name("the name has none".to_owned()));
    }

    let mut dials = JoinSet::new();
    for (n, to) in alternating(addresses).into_iter().enumerate() {
        dials.spawn(async move {
            tokio::time::sleep(STAGGER * u32::try_from(n).unwrap_or(u32::MAX)).await;
            (to, one(to, data_port, segment).await)
        });
    }
    let mut why = Vec::new();
    loop {
        match tokio::time::timeout_at(until, dials.join_next()).await {
            Ok(Some(Ok((_, Ok(connected))))) => return Ok(connected),
            Ok(Some(Ok((to, Err(error))))) => why.push(format!("{}: {}", to.ip(), words(&error))),
            // A task of ours that panicked has nothing to say about the network.
            Ok(Some(Err(_))) => {}
            Ok(None) => break,
            Err(_) => {
                why.push("no answer".to_owned());
                break;
            }
        }
    }
    Err(Error::Unreachable(Unreachable::Control {
        host: site.host.clone(),
        port: site.port,
        why: why.join("; "),
        elapsed: started.elapsed(),
    }))
}

async fn one(
    to: SocketAddr,
    data_port: DataPort,
    segment: Option<u16>,
) -> std::io::Result<(Control, Option<Reserved>)> {
    match data_port {
        DataPort::Any => Ok((Control::connect_narrow(to, None, segment).await?, None)),
        DataPort::Next => {
            let any = match to.ip() {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let (first, second) = Reserved::pair(any)?;
            let from = SocketAddr::new(any, first.port());
            let control = Control::connect_narrow(to, Some(from), segment).await?;
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

    #[test]
    fn families_take_turns() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let given =
            vec![at("[::1]:21"), at("[::2]:21"), at("1.1.1.1:21"), at("1.1.1.2:21"), at("1.1.1.3:21")];
        let want = vec![at("[::1]:21"), at("1.1.1.1:21"), at("[::2]:21"), at("1.1.1.2:21"), at("1.1.1.3:21")];
        assert_eq!(alternating(given), want);
    }
}
