//! When is the next order due, and how long do we wait after one that failed?
use std::time::{Duration, SystemTime};

/// How often the clock is read while a certificate is valid for longer: it may be set, and the machine may
/// sleep.
pub(crate) const LOOK: Duration = Duration::from_secs(3600);

/// The rest after the first failure; each further one triples it. At 0, 5, 20 and 65 minutes there are three
/// failures in the first hour, and authorities take about five in an hour for a name (Let's Encrypt's figure)
/// before they refuse unseen.
const FIRST: Duration = Duration::from_secs(5 * 60);

/// The longest wait: after port 80 is fixed, the certificate comes within half a day without a restart.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
}

impl Validity {
    /// The third of its time in which it is renewed: a month of 90 days, so that an authority may be away for
    /// weeks.
    fn third(self) -> Duration {
        self.until.duration_since(self.from).unwrap_or_default() / 3
    }

    pub(crate) fn is_over(self, now: SystemTime) -> bool {
        now >= self.until
    }
}

/// How long until a certificate is to be renewed; nothing where that is now.
pub(crate) fn until_renewal(now: SystemTime, validity: Validity) -> Duration {
    let due = validity.until.checked_sub(validity.third()).unwrap_or(validity.until);
    due.duration_since(now).unwrap_or_default()
}

/// How long to rest after so many failures in a row, one at least: five minutes, then three times as long
/// each time up to twelve hours. A certificate of a short life is worth asking for more often: a sixth of the
/// time in which it is renewed.
pub(crate) fn rest(failures: u32, validity: Option<Validity>) -> Duration {
    let longest = validity.map_or(LONGEST, |validity| (validity.third() / 6).clamp(FIRST, LONGEST));
    let times = 3_u32.saturating_pow(failures.saturating_sub(1));
    FIRST.checked_mul(times).map_or(longest, |rest| rest.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const MINUTE: Duration = Duration::from_secs(60);

    fn days(from: u32, until: u32) -> Validity {
        Validity { from: at(from), until: at(until) }
    }

    fn at(day: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + DAY * day
    }

    #[test]
    fn a_certificate_is_renewed_when_a_third_of_its_time_remains() {
        let ninety = days(1000, 1090);
        assert_eq!(until_renewal(at(1000), ninety), DAY * 60);
        assert_eq!(until_renewal(at(1059), ninety), DAY);
        assert_eq!(until_renewal(at(1060), ninety), Duration::ZERO);
        assert_eq!(until_renewal(at(2000), ninety), Duration::ZERO);
        assert!(!ninety.is_over(at(1089)) && ninety.is_over(at(1090)));
        // A clock that is behind only means a later look.
        assert_eq!(until_renewal(at(900), ninety), DAY * 160);
    }

    #[test]
    fn dates_that_make_no_sense_are_due_when_they_end() {
        assert_eq!(until_renewal(at(10), days(20, 11)), DAY);
        assert_eq!(until_renewal(at(12), days(20, 11)), Duration::ZERO);
    }

    #[test]
    fn the_rest_grows_and_has_an_end() {
        let rests: Vec<_> = (1..=7).map(|failures| rest(failures, None) / 60).map(|m| m.as_secs()).collect();
        assert_eq!(rests, [5, 15, 45, 135, 405, 720, 720]);
        assert_eq!(rest(u32::MAX, None), LONGEST);
        assert_eq!(rest(u32::MAX, Some(days(1000, 1090))), LONGEST);
    }

    #[test]
    fn a_short_life_is_asked_for_more_often() {
        // A day of validity leaves eight hours for the renewal: some ten tries and not one.
        assert_eq!(rest(9, Some(days(1000, 1001))), 80 * MINUTE);
        assert_eq!(rest(9, Some(days(1000, 1000))), FIRST);
        assert_eq!(rest(1, Some(days(1000, 1001))), FIRST);
    }
}
