//! How are values written as text, in a file and on the command line?
//!
//! For serde, the modules [`time`], [`timeout`], [`ports_text`] and [`umask_text`] are used with
//! `#[serde(with = ...)]`.
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

/// Reads `30`, `30s`, `5m`, `2h`, `1d` or `500ms`; a bare number is seconds.
///
/// # Errors
/// What to write instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err("write a number of seconds, or 30s, 5m, 2h, 1d".into()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number of seconds, or 30s, 5m, 2h, 1d")?;
    let milliseconds = number
        .checked_mul(factor)
        .filter(|time| *time <= 10 * 365 * 86_400_000)
        .ok_or("that is more than ten years")?;
    Ok(Duration::from_millis(milliseconds))
}

/// Writes what [`duration`] reads, in the largest unit that fits.
#[must_use]
pub fn show_duration(time: &Duration) -> String {
    let milliseconds = time.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.into_iter().find(|(unit, _)| milliseconds >= *unit && milliseconds.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", milliseconds / unit),
        None if milliseconds == 0 => "0s".to_owned(),
        None => format!("{milliseconds}ms"),
    }
}

/// Reads a timeout, as [`duration`] does: with a timeout of zero everything would fail at once.
///
/// # Errors
/// What to write instead.
pub fn nonzero(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time.is_zero() { Err("write 1s or more".into()) } else { Ok(time) })
}

/// Reads a number of bytes: `500000`, `64K`, `1M` or `2GiB`, in units of 1024; `all` is 0, for no limit.
///
/// # Errors
/// What to write instead.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size: write 500000, 64K, 10M, 2G or all");
    if text.eq_ignore_ascii_case("all") {
        return Ok(0);
    }
    let upper = text.to_ascii_uppercase();
    let (digits, unit) = upper.split_at(upper.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let shift = match unit {
        "" => 0,
        "K" | "KI" | "KB" | "KIB" => 10,
        "M" | "MI" | "MB" | "MIB" => 20,
        "G" | "GI" | "GB" | "GIB" => 30,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// Reads `LO-HI`, or one port.
///
/// # Errors
/// What to write instead.
pub fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
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

/// Writes what [`ports`] reads.
#[must_use]
pub fn show_ports(ports: &RangeInclusive<u16>) -> String {
    format!("{}-{}", ports.start(), ports.end())
}

/// Reads a network, or one address.
///
/// # Errors
/// What to write instead.
pub fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| "write a network, as 192.0.2.0/24, or one address".into())
}

/// Reads up to three octal digits.
///
/// # Errors
/// What to write instead.
pub fn umask(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|m| *m <= 0o777)
        .ok_or_else(|| "write octal digits, as 022".into())
}

/// Writes what [`umask`] reads.
#[must_use]
pub fn show_umask(umask: &u32) -> String {
    format!("{umask:03o}")
}

/// Reads a number that is not below `LEAST`.
///
/// # Errors
/// What to write instead.
pub fn at_least<const LEAST: usize>(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number >= LEAST => Ok(number),
        _ => Err(format!("write a number, {LEAST} or more")),
    }
}

/// A module for `#[serde(with = ...)]` from a function that reads and one that writes.
macro_rules! with {
    ($(#[$doc:meta])* $name:ident: $type:ty, $read:ident, $show:ident) => {
        $(#[$doc])*
        pub mod $name {
            use std::borrow::Cow;

            use serde::{Deserialize as _, Deserializer, Serializer};

            /// Writes the value as text.
            ///
            /// # Errors
            /// The serializer's.
            pub fn serialize<S: Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&super::$show(value))
            }

            /// Reads the value from text.
            ///
            /// # Errors
            /// What to write instead, and the deserializer's.
            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
                super::$read(&Cow::<str>::deserialize(from)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

with! {
    /// A duration such as `1d`.
    time: std::time::Duration, duration, show_duration
}
with! {
    /// A duration such as `1m`, which is not zero.
    timeout: std::time::Duration, nonzero, show_duration
}
with! {
    /// A range of ports such as `61210-61219`.
    ports_text: std::ops::RangeInclusive<u16>, ports, show_ports
}
with! {
    /// Permission bits such as `022`.
    umask_text: u32, umask, show_umask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("5 minutes").is_err() && duration("").is_err() && duration("99999999999d").is_err());
        assert_eq!(nonzero("1"), Ok(Duration::from_secs(1)));
        assert!(nonzero("0").is_err_and(|why| why.contains("1s")));
        assert!(nonzero("0m").is_err() && nonzero("x").is_err());
        for text in ["0s", "500ms", "90s", "1m", "5m", "2h", "1d", "36h"] {
            assert_eq!(show_duration(&duration(text).unwrap()), text);
        }
    }

    #[test]
    fn values_in_their_forms() {
        assert_eq!(ports("61000-61009"), Ok(61000..=61009));
        assert_eq!(ports("61000"), Ok(61000..=61000));
        assert!(ports("9-5").is_err() && ports("61009-61000").is_err() && ports("99999").is_err());
        assert_eq!(ports("30-20"), Err("the range is reversed: write 20-30".to_owned()));
        assert_eq!(show_ports(&(61000..=61009)), "61000-61009");
        assert_eq!((umask("077"), show_umask(&0o22)), (Ok(0o77), "022".to_owned()));
        assert!(umask("999").is_err());
        assert!(at_least::<1>("0").is_err() && at_least::<1>("x").is_err());
        assert_eq!(at_least::<1>("1"), Ok(1));
        assert_eq!(network("192.0.2.7").unwrap().to_string(), "192.0.2.7/32");
        assert!(network("2001:db8::/32").is_ok() && network("192.0.2.0/33").is_err());
    }

    #[test]
    fn sizes_have_suffixes() {
        for (text, bytes) in [
            ("0", 0),
            ("all", 0),
            ("ALL", 0),
            ("500000", 500_000),
            ("64K", 65_536),
            ("64k", 65_536),
            ("1MiB", 1 << 20),
            ("1MB", 1 << 20),
            ("2G", 2 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "K", "1T", "-1", "1.5M", "1I", "x", "99999999999G", "B"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
