//! URLs.
use proptest::prelude::*;
use wire::Secret;
use wire::url::{Ending, FtpUrl, Host, Scheme, TypeCode};

use crate::values::{bytes, config, name};

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-zA-Z_][a-zA-Z0-9._-]{0,20}".prop_map(Host::Name),
        Just(Host::Name("bücher.example".into())),
        any::<std::net::Ipv4Addr>().prop_map(Host::V4),
        (any::<std::net::Ipv6Addr>(), proptest::option::of("[a-z0-9._~-]{1,8}"))
            .prop_map(|(address, zone)| Host::V6(address, zone)),
    ]
}

fn url() -> impl Strategy<Value = FtpUrl> {
    let scheme = proptest::sample::select(vec![Scheme::Ftp, Scheme::Ftps, Scheme::Ftpes]);
    let type_code = proptest::sample::select(vec![TypeCode::Ascii, TypeCode::Image, TypeCode::Directory]);
    let login =
        proptest::option::of((name(12), proptest::option::of(prop_oneof![name(12), Just(Vec::new())])));
    let path = (proptest::collection::vec(name(12), 0..4), any::<bool>());
    (scheme, login, host(), proptest::option::of(1..=u16::MAX), path, proptest::option::of(type_code))
        .prop_map(|(scheme, login, host, port, (segments, slash), type_code)| {
            let (user, password) = login.map_or((None, None), |(user, password)| (Some(user), password));
            let ending = if slash || segments.is_empty() { Ending::Slash } else { Ending::Plain };
            FtpUrl {
                scheme,
                user,
                password: password.map(Secret::new),
                host,
                port,
                segments,
                ending,
                type_code,
            }
        })
}

fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        proptest::sample::select(vec![
            "ftp://", "ftpes://", "h", "user", ":", "@", "/", "//", "%2F", "%41", "%0a", "%", ";type=", "i",
            "[::1]", "[", "]", "?", "#", "..", "21", " ", "é", "\n",
        ])
        .prop_map(str::to_owned),
        bytes(4).prop_map(|b| String::from_utf8_lossy(&b).into_owned()),
    ];
    (any::<bool>(), proptest::collection::vec(part, 0..12))
        .prop_map(|(scheme, parts)| [if scheme { "ftp://" } else { "" }, &parts.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..config() })]

    #[test]
    fn what_is_written_is_read_as_the_same(url in url()) {
        prop_assert_eq!(FtpUrl::parse(&url.with_password()), Ok(url));
    }

    #[test]
    fn what_is_read_can_be_written(text in text()) {
        if let Ok(url) = FtpUrl::parse(&text) {
            prop_assert_eq!(FtpUrl::parse(&url.with_password()), Ok(url.clone()));
            let parts = url.segments.iter().chain(&url.user);
            for part in parts {
                prop_assert!(!part.is_empty() && !part.iter().any(|b| matches!(b, b'\r' | b'\n' | b'\0')));
            }
            prop_assert!(!url.path().is_empty() || url.segments.is_empty());
        }
    }

    #[test]
    fn a_password_does_not_show(mut url in url()) {
        let without = FtpUrl { password: None, ..url.clone() };
        url.password = Some(Secret::new("correct horse"));
        url.user.get_or_insert_with(|| b"me".to_vec());
        let without = FtpUrl { user: url.user.clone(), ..without };
        prop_assert_eq!(url.to_string(), without.to_string());
        let debug = format!("{url:?}");
        prop_assert!(!debug.contains("horse"));
    }
}
