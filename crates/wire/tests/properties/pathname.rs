//! Pathnames in replies, and names shown to people.
use proptest::prelude::*;
use wire::Pathname;
use wire::pathname::show;

use crate::values::{bytes, config};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_quoted_pathname_comes_back(path in bytes(40), comment in bytes(20)) {
        let mut text = Pathname::quoted(&path);
        text.push(b' ');
        text.extend_from_slice(&comment);
        prop_assert_eq!(Pathname::unquote(&text), Some(path));
    }

    #[test]
    fn what_is_no_pathname_is_refused(bytes in bytes(40)) {
        let bad = bytes.is_empty() || bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | b'\0'));
        prop_assert_eq!(Pathname::new(bytes.clone()).ok().map(Pathname::into_bytes), (!bad).then_some(bytes));
    }

    #[test]
    fn what_is_shown_controls_nothing(bytes in bytes(40), c in any::<char>()) {
        let shown = show(&[&bytes[..], c.to_string().as_bytes()].concat());
        prop_assert!(!shown.chars().any(char::is_control));
    }
}
