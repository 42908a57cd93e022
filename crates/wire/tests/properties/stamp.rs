//! Points in time.
use proptest::prelude::*;
use wire::Stamp;

use crate::values::{bytes, config, stamp};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_as_the_same(stamp in stamp()) {
        let text = stamp.to_string();
        prop_assert_eq!(Stamp::parse(text.as_bytes()), Some(stamp));
        let mut fast = Vec::new();
        stamp.encode(&mut fast);
        prop_assert_eq!(fast, text.as_bytes());
        prop_assert_eq!(Stamp::parse(stamp.whole().as_bytes()), Some(Stamp { nanos: 0, ..stamp }));
    }

    #[test]
    fn civil_time_and_seconds_agree(seconds in -62_167_219_200..=253_402_300_799_i64) {
        let stamp = Stamp::from_seconds(seconds);
        let civil = stamp.civil();
        prop_assert_eq!(civil.stamp(), Some(stamp));
        // Days follow each other: a second later is the same day or the next.
        let later = Stamp::from_seconds(seconds + 1).civil();
        prop_assert!(later.day == civil.day || later.day == civil.day + 1 || later.day == 1);
    }

    #[test]
    fn any_moment_has_a_date(seconds in any::<i64>(), nanos in any::<u32>()) {
        let stamp = Stamp { seconds, nanos };
        let civil = stamp.civil();
        prop_assert!((1..=12).contains(&civil.month) && (1..=31).contains(&civil.day));
        prop_assert!(stamp.to_string().len() >= 14);
    }

    #[test]
    fn what_is_read_exists(text in prop_oneof![bytes(20), "[0-9]{14}(\\.[0-9]{0,12})?".prop_map(String::into_bytes)]) {
        if let Some(stamp) = Stamp::parse(&text) {
            let c = stamp.civil();
            let second = c.second;
            // A leap second is written as the first of the next minute.
            if &text[12..14] != b"60" {
                let whole = format!("{:04}{:02}{:02}{:02}{:02}{second:02}", c.year, c.month, c.day, c.hour, c.minute);
                prop_assert_eq!(whole.as_bytes(), &text[..14]);
            }
            prop_assert!(stamp.nanos < 1_000_000_000);
        }
    }
}

#[test]
fn dates_that_nearly_exist() {
    for (text, exists) in [
        ("20000229235959", true),
        ("19000229000000", false),
        ("20261124240000", false),
        ("20261124150000.", false),
        ("20261124150000.123456789x", false),
        ("20261124236000", false),
        ("2026112415000:", false),
    ] {
        let expected = exists.then(|| text.to_owned());
        assert_eq!(Stamp::parse(text.as_bytes()).map(|stamp| stamp.to_string()), expected, "{text}");
    }
    assert_eq!(Stamp::from_seconds(951_868_799).rfc3339(), "2000-02-29T23:59:59Z");
}
