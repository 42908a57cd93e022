//! How are values on the command line written? Durations, port ranges, addresses.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use net::proxy::IpNet;

/// Reads `30`, `30s`, `5m`, `2h` or `1d`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("write a number of seconds, or 30s, 5m, 2h, 1d".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number of seconds, or 30s, 5m, 2h, 1d")?;
    let seconds = number
        .checked_mul(factor)
        .filter(|s| *s <= 10 * 365 * 86_400)
        .ok_or("that is more than ten years")?;
    Ok(Duration::from_secs(seconds))
}

/// Reads a time-out, as [`duration`] does: with none of it everything would fail at once.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time.is_zero() { Err("write 1s or more".into()) } else { Ok(time) })
}

/// Reads `LO-HI`, or one port.
pub(crate) fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let port = |digits: &str| digits.parse::<u16>().map_err(|_| format!("{digits:?} is not a port"));
    let (low, high) = (port(low)?, port(high)?);
    if low > high {
        return Err(format!("the range is reversed: write {high}-{low}"));
    }
    if low < 1024 {
        return Err("passive ports are above 1023".into());
    }
    Ok(low..=high)
}

/// Reads a port.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "write a port from 0 to 65535".into())
}

/// Reads `ADDR:PORT`, `[V6]:PORT`, `:PORT` or `PORT`; the latter two listen on every address of both families.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let port = text.strip_prefix(':').unwrap_or(text);
    match port.parse::<u16>() {
        Ok(port) => Ok(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)),
        Err(_) => Err("write ADDRESS:PORT, as 192.0.2.1:2121 or [::1]:2121, or a port alone".into()),
    }
}

/// Reads the address that PASV announces.
pub(crate) fn external(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| match text.parse::<Ipv6Addr>() {
        Ok(_) => {
            "PASV can announce only an IPv4 address; EPSV, which IPv6 clients use, announces none".into()
        }
        Err(_) => "write an IPv4 address, as 192.0.2.1".into(),
    })
}

/// Reads a network, or one address.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| "write a network, as 192.0.2.0/24, or one address".into())
}

/// Reads the largest segment of a data connection.
pub(crate) fn mss(text: &str) -> Result<u16, String> {
    let sizes = net::segments::SIZES;
    let size = text.parse().ok().filter(|size| sizes.contains(size));
    size.ok_or_else(|| format!("write a number from {} to {}, as 1200", sizes.start(), sizes.end()))
}

/// Reads a limit below which the server could serve nobody.
pub(crate) fn at_least<const LEAST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= LEAST => Ok(number),
        _ => Err(format!("write a number, {LEAST} or more")),
    }
}

/// Ports for the log: runs of them as ranges, `61210-61219, 61300`.
pub(crate) fn show_ports(ports: &[u16]) -> String {
    let runs = ports.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let shown = runs.filter_map(|run| match (run.first()?, run.last()?) {
        (first, last) if first == last => Some(first.to_string()),
        (first, last) => Some(format!("{first}-{last}")),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Reads up to three octal digits.
pub(crate) fn umask(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|m| *m <= 0o777)
        .ok_or_else(|| "write octal digits, as 022".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_their_forms() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("5 minutes").is_err() && duration("").is_err() && duration("99999999999d").is_err());
        assert_eq!(wait("1"), Ok(Duration::from_secs(1)));
        assert!(wait("0").is_err_and(|why| why.contains("1s")) && wait("0m").is_err() && wait("x").is_err());
        assert_eq!(ports("61000-61009"), Ok(61000..=61009));
        assert_eq!(ports("61000"), Ok(61000..=61000));
        assert!(ports("9-5").is_err() && ports("61009-61000").is_err() && ports("99999").is_err());
        assert_eq!(ports("30-20"), Err("the range is reversed: write 20-30".to_owned()));
        assert!(
            ["abc", "99999", ""].iter().all(|text| port(text).is_err_and(|why| why.contains("0 to 65535")))
        );
        assert_eq!(listen(":2121").unwrap().to_string(), "[::]:2121");
        assert_eq!(listen("127.0.0.1:0").unwrap().to_string(), "127.0.0.1:0");
        assert_eq!(umask("077"), Ok(0o77));
        assert!(umask("999").is_err());
        assert!(at_least::<1>("0").is_err() && at_least::<1>("x").is_err());
        assert_eq!(at_least::<1>("1"), Ok(1));
        assert_eq!(network("192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
        assert!(network("2001:db8::/32").is_ok() && network("192.0.2.0/33").is_err());
        assert_eq!(mss("1200"), Ok(1200));
        assert!(mss("87").is_err() && mss("40000").is_err());
        assert!(external("2001:db8::1").is_err_and(|why| why.contains("EPSV")));
        assert_eq!(show_ports(&[61210, 61211, 61213]), "61210-61211, 61213");
        assert_eq!(show_ports(&[u16::MAX]), "65535");
    }
}
