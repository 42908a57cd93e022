//! How is a point in time written? (RFC 3659 2.3: `YYYYMMDDHHMMSS[.sss]`, in UTC)
use alloc::{string::String, vec::Vec};
use core::fmt;

use crate::digits;
use crate::types::decimal;

/// A point in time in UTC, to the nanosecond, as `MDTM` and the `modify` fact carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Seconds since 1970-01-01 00:00:00 UTC; negative before it.
    pub seconds: i64,
    /// Nanoseconds past the second, below 1,000,000,000.
    pub nanos: u32,
}

/// A date and a time of day as people write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year, 0 to 9999.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day, 1 to 31.
    pub day: u8,
    /// The hour, 0 to 23.
    pub hour: u8,
    /// The minute, 0 to 59.
    pub minute: u8,
    /// The second, 0 to 60 (a leap second counts as the first of the next minute).
    pub second: u8,
}

impl Civil {
    /// The point in time, or `None` for a date or a time that does not exist.
    #[must_use]
    pub fn stamp(self) -> Option<Stamp> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        let valid = (0..=9999).contains(&self.year)
            && (1..=days).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        if !valid {
            return None;
        }
        // Days since 1970-01-01, counting years from March so that the leap day comes last.
        let (year, month) =
            if self.month > 2 { (self.year, self.month - 3) } else { (self.year - 1, self.month + 9) };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * i64::from(month) + 2) / 5 + i64::from(self.day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let seconds = days * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second);
        Some(Stamp { seconds, nanos: 0 })
    }
}

impl Stamp {
    /// The whole second `seconds` after the epoch.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// The date and time of day in UTC.
    #[must_use]
    pub fn civil(self) -> Civil {
        let days = self.seconds.div_euclid(86_400) + 719_468;
        let of_day = self.seconds.rem_euclid(86_400);
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        // Each value is within its unit by the divisions above.
        let small = |n: i64| u8::try_from(n).unwrap_or(0);
        Civil {
            year: era * 400 + year + carry,
            month: small(month),
            day: small(day),
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
        }
    }

    /// As RFC 3339 writes it, in UTC and without the fraction: `2026-11-24T15:00:00Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let c = self.civil();
        alloc::format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            c.year,
            c.month,
            c.day,
            c.hour,
            c.minute,
            c.second
        )
    }

    /// Reads `YYYYMMDDHHMMSS` with an optional fraction; a date that does not exist is `None`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (whole, fraction) = match text.iter().position(|b| *b == b'.') {
            Some(dot) => (&text[..dot], Some(&text[dot + 1..])),
            None => (text, None),
        };
        if whole.len() != 14 {
            return None;
        }
        let number = |from: usize, to: usize| decimal(&whole[from..to]);
        let byte = |from: usize| number(from, from + 2).and_then(|n| u8::try_from(n).ok());
        let civil = Civil {
            year: i64::try_from(number(0, 4)?).ok()?,
            month: byte(4)?,
            day: byte(6)?,
            hour: byte(8)?,
            minute: byte(10)?,
            second: byte(12)?,
        };
        let mut stamp = civil.stamp()?;
        if let Some(fraction) = fraction {
            if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let digits = &fraction[..fraction.len().min(9)];
            let scale = 10u32.pow(9 - u32::try_from(digits.len()).ok()?);
            stamp.nanos = u32::try_from(decimal(digits)?).ok()? * scale;
        }
        Some(stamp)
    }
}

impl fmt::Display for Stamp {
    /// Writes `YYYYMMDDHHMMSS`, with `.sss` only when the milliseconds are not zero. Years are kept within 0
    /// to 9999.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil();
        let year = c.year.clamp(0, 9999);
        write!(f, "{year:04}{:02}{:02}{:02}{:02}{:02}", c.month, c.day, c.hour, c.minute, c.second)?;
        let millis = self.nanos / 1_000_000;
        if millis > 0 { write!(f, ".{millis:03}") } else { Ok(()) }
    }
}

impl Stamp {
    /// Appends the text of [`fmt::Display`], faster than formatting does: listings write ten thousand of
    /// them.
    pub fn encode(self, out: &mut Vec<u8>) {
        let c = self.civil();
        // Clamped to 0..=9999, so it fits.
        digits::padded(c.year.clamp(0, 9999) as u64, 4, b'0', out);
        for part in [c.month, c.day, c.hour, c.minute, c.second] {
            out.extend_from_slice(&[b'0' + part / 10, b'0' + part % 10]);
        }
        let millis = self.nanos / 1_000_000;
        if millis > 0 {
            out.push(b'.');
            digits::padded(millis.into(), 3, b'0', out);
        }
    }

    /// The text of [`fmt::Display`] without the fraction, which some clients do not understand.
    #[must_use]
    pub fn whole(self) -> String {
        alloc::format!("{}", Self { nanos: 0, ..self })
    }
}
