//! How is a line read as a command? (RFC 959 5.3)
use alloc::vec::Vec;

use super::{Command, CommandError, DigestOf, Epsv, Fact, Mdtm, Mechanism, Site};
use crate::digest::Algorithm;
use crate::host_port::{self, EprtError, Family, HostPort};
use crate::option::{Opt, OptError};
use crate::pathname::{Pathname, PathnameError};
use crate::secret::Secret;
use crate::stamp::Stamp;
use crate::types::{Marker, Protection, RepresentationType, Structure, TransferMode, decimal};
use crate::verb::{Argument, Verb};

impl Command {
    /// Reads a line. The verb ends at the first blank; all that follows that one blank is the argument.
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let (name, text) = split_at_blank(line).unwrap_or((line, b""));
        let verb = Verb::parse(name).ok_or(CommandError::Unknown)?;
        let row = verb.row();
        if !row.served {
            return Ok(Self::Unserved(verb));
        }
        let bad = |why| CommandError::Argument(verb, why);
        let missing = match row.argument {
            Argument::Pathname | Argument::Text => text.is_empty(),
            Argument::None if !text.trim_ascii().is_empty() => return Err(bad("takes no argument")),
            _ => false,
        };
        if missing {
            return Err(bad("needs an argument"));
        }
        let pathname = |text: &[u8]| {
            Pathname::new(text).map_err(|e| match e {
                PathnameError::Empty => bad("needs a pathname"),
                PathnameError::Control(0) => bad("a pathname cannot hold a NUL byte"),
                PathnameError::Control(_) => bad("a pathname cannot hold a line end"),
            })
        };
        let maybe_pathname = |text: &[u8]| if text.is_empty() { Ok(None) } else { pathname(text).map(Some) };
        let plain = |text: &[u8]| {
            if text.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
                Err(bad("control characters are not allowed here"))
            } else {
                Ok(text.to_vec())
            }
        };
        // The X forms of RFC 775, before they had names of their own.
        let meant = match verb {
            Verb::Xcwd => Verb::Cwd,
            Verb::Xcup => Verb::Cdup,
            Verb::Xrmd => Verb::Rmd,
            Verb::Xmkd => Verb::Mkd,
            Verb::Xpwd => Verb::Pwd,
            other => other,
        };
        let maybe = || match verb {
            Verb::List | Verb::Nlst | Verb::Stat => maybe_pathname(without_ls_options(text)),
            _ => maybe_pathname(text),
        };
        if let Some(simple) = Self::simple(meant, || pathname(text), maybe) {
            return simple;
        }
        Ok(match meant {
            Verb::User => Self::User(plain(text)?),
            Verb::Pass => Self::Pass(Secret::new(text)),
            Verb::Acct => Self::Acct(Secret::new(text)),
            Verb::Host => Self::Host(plain(text)?),
            Verb::Port => Self::Port(
                HostPort::parse(text.trim_ascii()).ok_or_else(|| bad("expects h1,h2,h3,h4,p1,p2"))?,
            ),
            Verb::Eprt => Self::Eprt(host_port::parse_eprt(text.trim_ascii()).map_err(|e| match e {
                EprtError::Form => bad("expects |protocol|address|port|"),
                EprtError::Protocol => CommandError::Protocol,
            })?),
            Verb::Epsv => Self::Epsv(match text.trim_ascii() {
                b"" => Epsv::Any,
                b"1" => Epsv::Only(Family::V4),
                b"2" => Epsv::Only(Family::V6),
                all if all.eq_ignore_ascii_case(b"ALL") => Epsv::All,
                other if decimal(other).is_some() => return Err(CommandError::Protocol),
                _ => return Err(bad("expects no argument, 1, 2 or ALL")),
            }),
            Verb::Type => match RepresentationType::parse(text) {
                Some(RepresentationType::Ebcdic) => {
                    return Err(CommandError::Parameter(verb, "EBCDIC is not supported, use A or I"));
                }
                Some(RepresentationType::Local(bits)) if bits != 8 => {
                    return Err(CommandError::Parameter(verb, "only 8-bit bytes are supported"));
                }
                Some(known) => Self::Type(known),
                None if matches!(text.first(), Some(b'A' | b'a' | b'E' | b'e')) => {
                    return Err(CommandError::Parameter(verb, "only the non-print format is supported"));
                }
                None => return Err(bad("expects A, I or L 8")),
            },
            Verb::Stru => match Structure::parse(text.trim_ascii()) {
                Some(Structure::File) => Self::Stru(Structure::File),
                Some(_) => return Err(CommandError::Parameter(verb, "only F (file) is supported")),
                None => return Err(bad("expects F")),
            },
            Verb::Mode => match TransferMode::parse(text.trim_ascii()) {
                Some(TransferMode::Stream) => Self::Mode(TransferMode::Stream),
                Some(_) => return Err(CommandError::Parameter(verb, "only S (stream) is supported")),
                None => return Err(bad("expects S")),
            },
            Verb::Allo => {
                let mut words = words(text);
                let size = words.next().and_then(decimal).ok_or_else(|| bad("expects a number of bytes"))?;
                match (words.next(), words.next(), words.next()) {
                    (None, _, _) => {}
                    (Some(r), Some(n), None) if r.eq_ignore_ascii_case(b"R") && decimal(n).is_some() => {}
                    _ => return Err(bad("expects a number of bytes")),
                }
                Self::Allo(size)
            }
            Verb::Rest => {
                Self::Rest(Marker::parse(text.trim_ascii()).ok_or_else(|| bad("expects an offset in bytes"))?)
            }
            Verb::Rang => {
                let mut words = words(text);
                let mut number =
                    || words.next().and_then(decimal).ok_or_else(|| bad("expects a first and a last byte"));
                let (first, last) = (number()?, number()?);
                match (words.next(), first, last) {
                    (None, 1, 0) => Self::Rang(None),
                    (None, first, last) if first <= last => Self::Rang(Some((first, last))),
                    _ => return Err(bad("expects a first and a last byte")),
                }
            }
            Verb::Site => Self::Site(site(text, &bad)?),
            Verb::Help => Self::Help(if text.is_empty() { None } else { Some(plain(text)?) }),
            Verb::Opts => Self::Opts(Opt::parse(text).map_err(|e| match e {
                OptError::Unknown => bad("no such option"),
                OptError::Value => bad("this option has no such value"),
            })?),
            Verb::Mdtm => {
                let set = split_at_blank(text)
                    .and_then(|(time, path)| Some((Stamp::parse(time)?, Pathname::new(path).ok()?)));
                Self::Mdtm(Mdtm { whole: pathname(text)?, set })
            }
            Verb::Mfmt | Verb::Mfct => {
                let (time, path) =
                    split_at_blank(text).ok_or_else(|| bad("expects a time and a pathname"))?;
                let stamp =
                    Stamp::parse(time).ok_or_else(|| bad("expects a valid time as YYYYMMDDHHMMSS"))?;
                let path = pathname(path)?;
                if verb == Verb::Mfmt { Self::Mfmt(stamp, path) } else { Self::Mfct(stamp, path) }
            }
            Verb::Mff => {
                let (facts, path) =
                    split_at_blank(text).ok_or_else(|| bad("expects facts and a pathname"))?;
                Self::Mff(facts_to_set(facts).map_err(bad)?, pathname(path)?)
            }
            Verb::Xcrc => Self::Digest(Algorithm::Crc32, digest_of(pathname(text)?)),
            Verb::Xmd5 => Self::Digest(Algorithm::Md5, digest_of(pathname(text)?)),
            Verb::Xsha1 => Self::Digest(Algorithm::Sha1, digest_of(pathname(text)?)),
            Verb::Xsha256 => Self::Digest(Algorithm::Sha256, digest_of(pathname(text)?)),
            Verb::Xsha512 => Self::Digest(Algorithm::Sha512, digest_of(pathname(text)?)),
            Verb::Clnt => Self::Clnt(plain(text)?),
            Verb::Auth => Self::Auth(
                Mechanism::ALL
                    .into_iter()
                    .find(|mechanism| mechanism.name().as_bytes().eq_ignore_ascii_case(text.trim_ascii()))
                    .ok_or(CommandError::Parameter(verb, "only TLS is supported"))?,
            ),
            Verb::Pbsz => Self::Pbsz(
                decimal(text.trim_ascii())
                    .and_then(|size| u32::try_from(size).ok())
                    .ok_or_else(|| bad("expects a number of 32 bits"))?,
            ),
            Verb::Prot => Self::Prot(
                Protection::parse(text.trim_ascii())
                    .ok_or(CommandError::Parameter(verb, "only C (clear) and P (private) are supported"))?,
            ),
            // Those that are not served, as said above.
            _ => Self::Unserved(verb),
        })
    }
}

/// What is before the first blank, and all that is behind it.
fn split_at_blank(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == b' ')?;
    Some((&text[..at], &text[at + 1..]))
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b' ').filter(|w| !w.is_empty())
}

/// Drops leading words that begin with `-`: clients send `ls` options as if a shell read them (`LIST -a
/// dir`). What is left is one pathname, blanks included. A pathname that itself starts with `-` is reached as
/// `./-name`.
fn without_ls_options(mut text: &[u8]) -> &[u8] {
    while text.first() == Some(&b'-') {
        match text.iter().position(|b| *b == b' ') {
            Some(at) => text = text[at..].trim_ascii_start(),
            None => return b"",
        }
    }
    text
}

fn octal(text: &[u8], max: u32) -> Option<u32> {
    if text.is_empty() || text.len() > 5 {
        return None;
    }
    text.iter()
        .try_fold(0, |n, b| Some(n * 8 + u32::from(b.checked_sub(b'0').filter(|d| *d < 8)?)))
        .filter(|n| *n <= max)
}

fn facts_to_set(text: &[u8]) -> Result<Vec<Fact>, &'static str> {
    let mut facts = Vec::new();
    for fact in text.split(|b| *b == b';').filter(|f| !f.is_empty()) {
        let at = fact.iter().position(|b| *b == b'=').ok_or("expects fact=value;")?;
        let value = &fact[at + 1..];
        let time = || Stamp::parse(value).ok_or("expects a valid time as YYYYMMDDHHMMSS");
        facts.push(match fact[..at].to_ascii_lowercase().as_slice() {
            b"modify" => Fact::Modify(time()?),
            b"create" => Fact::Create(time()?),
            b"unix.mode" => Fact::UnixMode(octal(value, 0o7777).ok_or("expects a mode in octal")?),
            _ => return Err("this fact cannot be set"),
        });
    }
    if facts.is_empty() { Err("expects fact=value;") } else { Ok(facts) }
}

fn digest_of(whole: Pathname) -> DigestOf {
    let range = range_after_quotes(whole.as_bytes());
    DigestOf { whole, range }
}

fn range_after_quotes(text: &[u8]) -> Option<(Pathname, u64, Option<u64>)> {
    let path = Pathname::unquote(text)?;
    let used = Pathname::quoted(&path).len();
    let mut numbers = words(text.get(used..)?).map(decimal);
    let start = numbers.next().unwrap_or(Some(0))?;
    let end = numbers.next().map_or(Some(None), |n| n.map(Some))?;
    if numbers.next().is_some() || end.is_some_and(|e| e < start) {
        return None;
    }
    Some((Pathname::new(path).ok()?, start, end))
}

fn site(text: &[u8], bad: &impl Fn(&'static str) -> CommandError) -> Result<Site, CommandError> {
    let (name, rest) = split_at_blank(text).unwrap_or((text, b""));
    let pathname = |text: &[u8]| Pathname::new(text).map_err(|_| bad("needs a pathname"));
    match name.to_ascii_uppercase().as_slice() {
        b"HELP" => Ok(Site::Help),
        b"UMASK" if rest.is_empty() => Ok(Site::Umask(None)),
        b"UMASK" => {
            octal(rest, 0o777).map(|m| Site::Umask(Some(m))).ok_or_else(|| bad("UMASK expects octal digits"))
        }
        b"CHMOD" => {
            let (mode, path) =
                split_at_blank(rest).ok_or_else(|| bad("CHMOD expects a mode and a pathname"))?;
            let mode = octal(mode, 0o7777).ok_or_else(|| bad("CHMOD expects a mode in octal"))?;
            Ok(Site::Chmod(mode, pathname(path)?))
        }
        b"UTIME" => utime(rest)
            .ok_or_else(|| bad("UTIME expects a time and a pathname, or a pathname, three times and UTC")),
        b"IDLE" if rest.is_empty() => Ok(Site::Idle(None)),
        b"IDLE" => {
            decimal(rest.trim_ascii()).map(|n| Site::Idle(Some(n))).ok_or_else(|| bad("IDLE expects seconds"))
        }
        _ => Err(CommandError::Parameter(Verb::Site, "no such SITE command; SITE HELP lists them")),
    }
}

/// `YYYYMMDDhhmm[ss] pathname`, or `pathname atime mtime ctime UTC` with times of 12 or 14 digits.
fn utime(text: &[u8]) -> Option<Site> {
    let stamp = |text: &[u8]| {
        let mut digits = text.to_vec();
        if digits.len() == 12 {
            digits.extend_from_slice(b"00");
        }
        Stamp::parse(&digits)
    };
    let mut fields = text.rsplitn(5, |b| *b == b' ');
    if let (Some(zone), Some(change), Some(modify), Some(access), Some(path)) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
        && zone.eq_ignore_ascii_case(b"UTC")
        && let (Some(_), Some(modify), Some(_)) = (stamp(access), stamp(modify), stamp(change))
    {
        return Some(Site::Utime(modify, Pathname::new(path).ok()?));
    }
    let (time, path) = split_at_blank(text)?;
    Some(Site::Utime(stamp(time)?, Pathname::new(path).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Pathname {
        Pathname::new(text).unwrap()
    }

    #[test]
    fn every_verb_that_is_served_is_read_as_a_command_of_its_own() {
        for row in crate::verb::TABLE.iter().filter(|row| row.served) {
            for argument in ["", " ", " x", " 1 0"] {
                let read = Command::parse([row.name, argument].concat().as_bytes());
                assert!(!matches!(read, Ok(Command::Unserved(_))), "{}: {read:?}", row.name);
            }
        }
    }

    #[test]
    fn ls_options_are_dropped_and_blanks_are_kept() {
        assert_eq!(Command::parse(b"LIST -a"), Ok(Command::List(None)));
        assert_eq!(Command::parse(b"LIST -la my dir "), Ok(Command::List(Some(path("my dir ")))));
        assert_eq!(Command::parse(b"NLST -CF"), Ok(Command::Nlst(None)));
        assert_eq!(Command::parse(b"RETR  x "), Ok(Command::Retr(path(" x "))));
    }

    #[test]
    fn nul_and_line_ends_are_refused() {
        assert!(matches!(Command::parse(b"DELE keep\0junk"), Err(CommandError::Argument(Verb::Dele, _))));
        assert!(matches!(Command::parse(b"DELE a\rb"), Err(CommandError::Argument(Verb::Dele, _))));
    }

    #[test]
    fn the_two_forms_of_utime() {
        let want = Site::Utime(Stamp::parse(b"20261122120000").unwrap(), path("a b"));
        assert_eq!(Command::parse(b"SITE UTIME 20261122120000 a b"), Ok(Command::Site(want.clone())));
        let five = b"SITE UTIME a b 20261122120000 20261122120000 20261122120000 UTC";
        assert_eq!(Command::parse(five), Ok(Command::Site(want)));
        // A pathname may end as the long form does.
        let want = Site::Utime(Stamp::parse(b"20261122120000").unwrap(), path("a report in UTC"));
        assert_eq!(Command::parse(b"SITE UTIME 20261122120000 a report in UTC"), Ok(Command::Site(want)));
    }

    #[test]
    fn the_names_of_tls_and_no_others() {
        assert_eq!(Command::parse(b"AUTH tls-c"), Ok(Command::Auth(Mechanism::TlsC)));
        assert!(matches!(Command::parse(b"AUTH KERBEROS_V4"), Err(CommandError::Parameter(..))));
        assert!(matches!(Command::parse(b"PBSZ 4294967296"), Err(CommandError::Argument(..))));
        assert_eq!(Command::parse(b"PROT p"), Ok(Command::Prot(Protection::Private)));
        assert!(matches!(Command::parse(b"PROT PP"), Err(CommandError::Parameter(..))));
    }

    #[test]
    fn numbers_at_their_bounds() {
        for (line, is_valid) in [
            ("ALLO 5 R 6", true),
            ("ALLO 5 R x", false),
            ("ALLO 5 X 6", false),
            ("SITE CHMOD 00644 f", true),
            ("SITE CHMOD 000644 f", false),
            ("SITE CHMOD 648 f", false),
        ] {
            assert_eq!(Command::parse(line.as_bytes()).is_ok(), is_valid, "{line}");
        }
        let Ok(Command::Digest(_, of)) = Command::parse(b"XCRC \"f\" 5 5") else { panic!() };
        assert_eq!(of.range, Some((path("f"), 5, Some(5))));
    }

    #[test]
    fn a_mode_that_is_not_served_is_no_bad_argument() {
        assert!(matches!(Command::parse(b"MODE Z"), Err(CommandError::Parameter(..))));
        assert!(matches!(Command::parse(b"MODE X"), Err(CommandError::Argument(..))));
        assert!(matches!(Command::parse(b"TYPE A T"), Err(CommandError::Parameter(..))));
        assert_eq!(
            Command::parse(b"REST abc"),
            Err(CommandError::Argument(Verb::Rest, "expects an offset in bytes"))
        );
    }
}
