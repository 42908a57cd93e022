//! Do URLs mean what their standards and their users say?
use alloc::{format, string::ToString};

use super::*;

fn url(text: &str) -> FtpUrl {
    FtpUrl::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn all_the_parts() {
    let full = url("FTP://me%40home:p%3Aw@ftp.example.org:2121/a%20b/c;TYPE=I");
    assert_eq!(full.scheme, Scheme::Ftp);
    assert_eq!(full.user.as_deref(), Some(&b"me@home"[..]));
    assert_eq!(full.password.as_ref().map(Secret::expose), Some(&b"p:w"[..]));
    assert_eq!(full.host, Host::Name("ftp.example.org".into()));
    assert_eq!(full.port_or_default(), 2121);
    assert_eq!(full.segments, [&b"a b"[..], b"c"]);
    assert_eq!((full.ending, full.type_code), (Ending::Plain, Some(TypeCode::Image)));
}

#[test]
fn absolute_and_relative_paths() {
    for (text, segments, path) in [
        ("ftp://h", &[][..], &b""[..]),
        ("ftp://h/", &[], b""),
        ("ftp://h/etc/motd", &[&b"etc"[..], b"motd"], b"etc/motd"),
        ("ftp://h/%2Fetc/motd", &[b"/etc", b"motd"], b"/etc/motd"),
        ("ftp://h/%2fetc%2Fmotd", &[b"/etc/motd"], b"/etc/motd"),
        ("ftp://h//etc/motd", &[b"/", b"etc", b"motd"], b"/etc/motd"),
        ("ftp://h///etc//motd", &[b"/", b"etc", b"motd"], b"/etc/motd"),
        ("ftp://h/a?b#c", &[b"a?b#c"], b"a?b#c"),
        ("ftp://h/a;b=c", &[b"a;b=c"], b"a;b=c"),
        ("ftp://h/%ff", &[b"\xff"], b"\xff"),
        ("ftp://h/../x", &[b"..", b"x"], b"../x"),
    ] {
        assert_eq!(url(text).segments, segments, "{text}");
        assert_eq!(url(text).path(), path, "{text}");
    }
}

#[test]
fn a_directory_is_meant() {
    for text in ["ftp://h", "ftp://h/", "ftp://h/a/", "ftp://h/a;type=d", "ftp://h/%2F", "ftp://h/a/;type=a"]
    {
        assert!(url(text).means_directory(), "{text}");
    }
    assert!(!url("ftp://h/a").means_directory());
}

#[test]
fn hosts_and_ports() {
    assert_eq!(url("ftp://[::1]:2121/x").host, Host::V6(Ipv6Addr::LOCALHOST, None));
    assert_eq!(url("ftp://[fe80::1%25eth0]/").host.to_string(), "fe80::1%eth0");
    assert_eq!(url("ftps://127.0.0.1:/").host, Host::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(url("ftps://127.0.0.1:/").port_or_default(), 990);
    assert_eq!(url("ftpes://h:65535").port, Some(65535));
    assert_eq!(url("ftp://a@b:c@h/").user.as_deref(), Some(&b"a@b"[..]));
    assert_eq!(url("ftp://@h/").user, None);
}

#[test]
fn what_is_refused_and_why() {
    for (text, error) in [
        ("ftp.example.org/pub", UrlError::NoScheme),
        ("example.org/?next=a://b", UrlError::NoScheme),
        ("http://example.org/", UrlError::Scheme("http".into())),
        ("ftp:///etc", UrlError::NoHost),
        ("ftp://:21/", UrlError::NoHost),
        ("ftp://:pw@h/", UrlError::NoUser),
        ("ftp://h:0/", UrlError::Port),
        ("ftp://h:65536/", UrlError::Port),
        ("ftp://h:+21/", UrlError::Port),
        ("ftp://h:x/", UrlError::Port),
        ("ftp://::1/", UrlError::NoHost),
        ("ftp://fe80::1/", UrlError::Host),
        ("ftp://[::1/", UrlError::Host),
        ("ftp://[::1]x/", UrlError::Host),
        ("ftp://[::1%25]/", UrlError::Host),
        ("ftp://a b/", UrlError::Host),
        ("ftp://h?x", UrlError::Host),
        ("ftp://h\r\nDELE x/", UrlError::LineEnd(Part::Host)),
        ("ftp://h/a%0d%0aDELE%20b", UrlError::LineEnd(Part::Path)),
        ("ftp://h/a\nb", UrlError::LineEnd(Part::Path)),
        ("ftp://h/a%00", UrlError::LineEnd(Part::Path)),
        ("ftp://u%0A@h/", UrlError::LineEnd(Part::User)),
        ("ftp://u:p%0A@h/", UrlError::LineEnd(Part::Password)),
        ("ftp://h/100%", UrlError::Percent(Part::Path)),
        ("ftp://h/%+1", UrlError::Percent(Part::Path)),
        ("ftp://u:%zz@h/", UrlError::Percent(Part::Password)),
        ("ftp://h/x;type=z", UrlError::Type),
    ] {
        assert_eq!(FtpUrl::parse(text), Err(error), "{text}");
    }
    assert_eq!(FtpUrl::parse(&format!("ftp://h/{}", "x".repeat(20_000))), Err(UrlError::TooLong));
}

#[test]
fn a_password_is_written_only_on_demand() {
    let secret = url("ftp://me:hunter2@h/x");
    assert_eq!(secret.to_string(), "ftp://me@h/x");
    assert_eq!(format!("{secret:?}"), "FtpUrl(ftp://me@h/x)");
    assert_eq!(secret.with_password(), "ftp://me:hunter2@h/x");
}
