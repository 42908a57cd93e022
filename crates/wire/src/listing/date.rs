//! Which point in time does the date of a listing mean?
//!
//! A time zone is almost never told; times are taken as UTC, which is what most servers write.
use crate::facts::Precision;
use crate::stamp::{Civil, Stamp};
use crate::types::decimal;

/// The months as `ls` writes them.
pub(super) const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A date that was found, and how many words it took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Nothing where it is the place of a date, and which one cannot be known: a month in another language, a
    /// day that is none.
    pub(super) stamp: Option<Stamp>,
    pub(super) precision: Precision,
    pub(super) words: usize,
}

/// A time of day and whether it was told to the second.
pub(super) type Clock = (u8, u8, Option<u8>);

/// Reads a date from the start of `words`, in any of the forms that `ls` has: `Nov 24 10:00`, `Nov 24 2026`,
/// `24 Nov 10:00`, `Nov 24 10:00:00 2026`, `2026-11-24 10:00[:00[.0] [+0000]]`, `2026-11-24`, `11-24 10:00`.
pub(super) fn read(words: &[&[u8]], now: Stamp) -> Option<Told> {
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    if let Some((month, day)) = month_and_day(word(0), word(1)) {
        if let Some((hour, minute, second)) = clock(word(2)) {
            let civil = Civil { year: 0, month, day, hour, minute, second: second.unwrap_or(0) };
            // With seconds, as in `ls -lT`, a year follows.
            if let Some(year) = year(word(3)).filter(|_| second.is_some()) {
                return Civil { year, ..civil }.told(Precision::Second, 4);
            }
            return latest(civil, now).and_then(|c| c.told(precise(second), 3));
        }
        let civil = Civil { year: year(word(2))?, month, day, hour: 0, minute: 0, second: 0 };
        return civil.told(Precision::Day, 3);
    }
    let mut parts = word(0).split(|b| *b == b'-');
    let date = (parts.next()?, parts.next()?, parts.next(), parts.next());
    let time = clock(word(1));
    let midnight = Civil { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0 };
    match (date, time) {
        ((y, m, Some(d), None), None) => {
            Civil { year: year(y)?, month: two(m)?, day: two(d)?, ..midnight }.told(Precision::Day, 1)
        }
        ((y, m, Some(d), None), Some((hour, minute, second))) => {
            let civil = Civil { year: year(y)?, month: two(m)?, day: two(d)?, hour, minute, second: 0 };
            let civil = Civil { second: second.unwrap_or(0), ..civil };
            let mut told = civil.told(precise(second), 2)?;
            if let Some(offset) = zone(word(2)).filter(|_| second.is_some()) {
                told.stamp = told.stamp.map(|stamp| Stamp { seconds: stamp.seconds - offset, ..stamp });
                told.words = 3;
            }
            Some(told)
        }
        ((m, d, None, None), Some((hour, minute, second))) => {
            let civil = Civil { month: two(m)?, day: two(d)?, hour, minute, ..midnight };
            latest(Civil { second: second.unwrap_or(0), ..civil }, now)?.told(precise(second), 2)
        }
        _ => None,
    }
}

impl Civil {
    fn told(self, precision: Precision, words: usize) -> Option<Told> {
        self.stamp().map(|stamp| Told { stamp: Some(stamp), precision, words })
    }
}

/// How surely words that are no date of ours stand in the place of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A word that may be a month and a number that may be a day, in either order, and a time or a year: `15.
    /// Okt 12:30`, `ao\u{fb}t 3 2019`; or a date in one word, as `15.10.2026 12:30`.
    Named,
    /// Two numbers and a time or a year: `10 15 12:30`.
    Numbers,
}

/// Finds the place of a date at the start of `words`, in whatever language, code page or order it is. When it
/// is, is said only where the month is told by its number: `10\u{6708} 15 12:30`.
pub(super) fn place(words: &[&[u8]], shape: Shape, now: Stamp) -> Option<Told> {
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    let (one, two, three) = (word(0), word(1), word(2));
    let told = |stamp, precision, words| Some(Told { stamp, precision, words });
    match shape {
        Shape::Numbers if is_small(one) && is_small(two) && is_time_or_year(three) => {
            told(None, Precision::Day, 3)
        }
        Shape::Numbers => None,
        Shape::Named if is_time_or_year(three) && is_month(one) && day(two).is_some() => {
            let month_and_day = numbered_month(one).zip(day(two));
            let date = month_and_day.and_then(|(month, day)| date_of(month, day, three, now));
            date.or_else(|| told(None, Precision::Day, 3))
        }
        Shape::Named if is_time_or_year(three) && day(one).is_some() && is_month(two) => {
            told(None, Precision::Day, 3)
        }
        // `10\u{6708}15\u{65e5} 12:30`, `15.10.2026 12:30`, `15-Okt-2026 12:30`.
        Shape::Named if is_dated(one) && clock(two).is_some() => told(None, Precision::Day, 2),
        // `2026\u{5e74} 10\u{6708} 15\u{65e5}`.
        Shape::Named if is_marked(one, 4) && is_marked(two, 2) && is_marked(three, 2) => {
            told(None, Precision::Day, if clock(word(3)).is_some() { 4 } else { 3 })
        }
        Shape::Named => None,
    }
}

fn date_of(month: u8, day: u8, time_or_year: &[u8], now: Stamp) -> Option<Told> {
    let midnight = Civil { year: 0, month, day, hour: 0, minute: 0, second: 0 };
    match (clock(time_or_year), year(time_or_year)) {
        (Some((hour, minute, second)), _) => {
            latest(Civil { hour, minute, second: second.unwrap_or(0), ..midnight }, now)?
                .told(precise(second), 3)
        }
        (None, Some(year)) => Civil { year, ..midnight }.told(Precision::Day, 3),
        (None, None) => None,
    }
}

/// May it be the name of a month? In any language, so all that is said is what it is not.
fn is_month(word: &[u8]) -> bool {
    let is_letter = |b: &u8| b.is_ascii_alphabetic() || !b.is_ascii();
    (2..=24).contains(&word.len())
        && word.iter().any(is_letter)
        && !word.iter().any(|b| matches!(b, b':' | b'='))
}

/// The number of a month that is told by its number and a mark: `10\u{6708}`, also in other code pages than
/// UTF-8.
fn numbered_month(word: &[u8]) -> Option<u8> {
    let (digits, mark) = digits_and_mark(word)?;
    two(digits).filter(|n| !mark.is_empty() && (1..=12).contains(n))
}

/// One or two digits, perhaps with a point, a comma or a mark of another alphabet.
fn day(word: &[u8]) -> Option<u8> {
    let word = word.strip_suffix(b".").or_else(|| word.strip_suffix(b",")).unwrap_or(word);
    two(digits_and_mark(word)?.0).filter(|day| *day <= 31)
}

fn is_small(word: &[u8]) -> bool {
    two(word).is_some_and(|number| (1..=31).contains(&number))
}

/// A time of day, or a year of files: other numbers of four digits are sizes.
fn is_time_or_year(word: &[u8]) -> bool {
    let is_year = |(digits, _)| year(digits).is_some_and(|year| (1900..=2199).contains(&year));
    clock(word).is_some() || digits_and_mark(word).is_some_and(is_year)
}

/// Digits, at most so many, and a mark of another alphabet.
fn is_marked(word: &[u8], most: usize) -> bool {
    digits_and_mark(word).is_some_and(|(digits, mark)| digits.len() <= most && !mark.is_empty())
}

/// Digits, and what follows them, which is nothing or starts with a byte beyond ASCII.
fn digits_and_mark(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = word.iter().position(|b| !b.is_ascii_digit()).unwrap_or(word.len());
    let (digits, mark) = word.split_at(end);
    (!digits.is_empty() && mark.first().is_none_or(|b| !b.is_ascii())).then_some((digits, mark))
}

/// A whole date in one word: digits at its start, and in all two or three parts between points, dashes,
/// slashes or marks.
fn is_dated(word: &[u8]) -> bool {
    let parts = word.split(|b| !b.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    word.first().is_some_and(u8::is_ascii_digit)
        && word.len() <= 32
        && matches!(parts.clone().count(), 2 | 3)
        && parts.clone().filter(|part| part.iter().all(u8::is_ascii_digit)).count() >= 2
        && parts.clone().all(|part| part.len() <= 9)
}

/// The precision of a time with or without seconds.
pub(super) fn precise(second: Option<u8>) -> Precision {
    if second.is_some() { Precision::Second } else { Precision::Minute }
}

/// Fills in the year of a date without one: the latest that is not in the future. A day of future is allowed,
/// as the server's clock may be set to another zone.
fn latest(civil: Civil, now: Stamp) -> Option<Civil> {
    const DAY: i64 = 86_400;
    let this_year = now.civil().year;
    // The 29th of February comes at least once in eight years.
    (this_year - 8..=this_year + 1).rev().map(|year| Civil { year, ..civil }).find(|candidate| {
        candidate.stamp().is_some_and(|stamp| stamp.seconds <= now.seconds.saturating_add(DAY))
    })
}

/// A month by its first three letters in English.
pub(super) fn month(word: &[u8]) -> Option<u8> {
    let known = MONTHS.iter().position(|name| word.eq_ignore_ascii_case(&name[..]))?;
    u8::try_from(known + 1).ok()
}

fn month_and_day(first: &[u8], second: &[u8]) -> Option<(u8, u8)> {
    let day = |word: &[u8]| two(word.strip_suffix(b".").unwrap_or(word));
    match (month(first), month(second)) {
        (Some(month), _) => day(second).map(|day| (month, day)),
        (None, Some(month)) => day(first).map(|day| (month, day)),
        (None, None) => None,
    }
}

/// A number of one or two digits.
pub(super) fn two(word: &[u8]) -> Option<u8> {
    if word.len() > 2 { None } else { decimal(word).and_then(|n| u8::try_from(n).ok()) }
}

/// A year of four digits.
pub(super) fn year(word: &[u8]) -> Option<i64> {
    if word.len() == 4 { decimal(word).and_then(|n| i64::try_from(n).ok()) } else { None }
}

/// `H:MM`, `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fraction` (the fraction is dropped).
pub(super) fn clock(word: &[u8]) -> Option<Clock> {
    let mut parts = word.split(|b| *b == b':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next());
    if minute.len() != 2 || parts.next().is_some() {
        return None;
    }
    let second = match second {
        Some(text) => {
            let whole = text.split(|b| *b == b'.').next().filter(|whole| whole.len() == 2)?;
            Some(two(whole)?)
        }
        None => None,
    };
    Some((two(hour)?, two(minute)?, second))
}

/// A zone as `+HHMM` or `-HHMM`, in seconds east of UTC.
fn zone(word: &[u8]) -> Option<i64> {
    let (sign, digits) = word.split_first()?;
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2).filter(|(_, m)| m.len() == 2)?;
    Some(sign * (i64::from(two(hours)?) * 3600 + i64::from(two(minutes)?) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_without_a_year_is_the_latest_that_has_been() {
        for (now, month, day, year) in [
            (b"20261124120000", b"Nov", b"24", 2026),
            (b"20261124120000", b"Nov", b"26", 2025),
            (b"20261124120000", b"Nov", b"25", 2026),
            (b"20261231235000", b"Jan", b"01", 2027),
            (b"20270101001000", b"Dec", b"31", 2026),
            (b"20270101001000", b"Feb", b"29", 2024),
        ] {
            let now = Stamp::parse(now).unwrap();
            let told = read(&[month, day, b"00:05"], now).unwrap();
            assert_eq!(told.stamp.map(|stamp| stamp.civil().year), Some(year), "{told:?}");
        }
    }
}
