//! Whose certificate is it, by its own words? The subject, as text (RFC 4514).
use std::fmt::{self, Write as _};
use std::str::FromStr;

use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, Tag, ToDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// The attributes that have a keyword: those of RFC 4514 3, and those that openssl writes so beside them.
const KEYWORDS: [(&str, &str); 14] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "GN"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// A certificate's subject as RFC 4514 writes it, the last attribute first: `CN=alice,O=Example`. Two are
/// equal when the same attributes have the same values in the same order, letter case included.
///
/// It is what the certificate says. That it is true takes an authority that vouches for it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Subject(String);

impl Subject {
    /// Of a certificate in DER. None where the subject is empty or damaged.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let mut parts: Vec<String> = Vec::new();
        for set in parsed.subject().iter_rdn() {
            let mut part = String::new();
            for attribute in set.iter() {
                if !part.is_empty() {
                    part.push('+');
                }
                let dotted = attribute.attr_type().to_id_string();
                let keyword = KEYWORDS.iter().find(|(oid, _)| *oid == dotted).map(|(_, keyword)| *keyword);
                part.push_str(keyword.unwrap_or(&dotted));
                part.push('=');
                match text(attribute.attr_value()).filter(|_| keyword.is_some()) {
                    Some(value) => escape(value, &mut part),
                    None => dump(&attribute.attr_value().to_der_vec().ok()?, &mut part),
                }
            }
            parts.push(part);
        }
        parts.reverse();
        (!parts.is_empty()).then(|| Self(parts.join(",")))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The text is not a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject is written as in CN=alice,O=Example (RFC 4514), without blanks between its parts")]
pub struct NotASubject;

impl FromStr for Subject {
    type Err = NotASubject;

    /// Reads what RFC 4514 3 allows, keywords in upper and lower case; blanks around the parts are none of
    /// it.
    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let (mut out, mut rest) = (String::new(), text);
        loop {
            let (name, value) = rest.split_once('=').ok_or(NotASubject)?;
            let keyword = KEYWORDS.iter().find(|(_, keyword)| keyword.eq_ignore_ascii_case(name));
            let dotted = name.contains('.') && name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            match keyword {
                Some((_, keyword)) => out.push_str(keyword),
                None if dotted && value.starts_with('#') => out.push_str(name),
                None => return Err(NotASubject),
            }
            out.push('=');
            let separator;
            (separator, rest) = if value.starts_with('#') {
                let end = value.find([',', '+']).unwrap_or(value.len());
                let (hex, rest) = value.split_at(end);
                let digits = hex.get(1..).unwrap_or_default();
                if digits.is_empty()
                    || digits.len() % 2 == 1
                    || !digits.bytes().all(|b| b.is_ascii_hexdigit())
                {
                    return Err(NotASubject);
                }
                out.push_str(&hex.to_ascii_lowercase());
                (rest.chars().next(), rest.get(1..).unwrap_or_default())
            } else {
                let (plain, separator, rest) = unescape(value)?;
                escape(&plain, &mut out);
                (separator, rest)
            };
            match separator {
                Some(separator) => out.push(separator),
                None => return Ok(Self(out)),
            }
        }
    }
}

/// The characters of a value, where it is of a kind that has them plainly.
fn text<'a>(value: &'a Any<'_>) -> Option<&'a str> {
    let plain = [Tag::Utf8String, Tag::PrintableString, Tag::Ia5String, Tag::NumericString];
    plain.contains(&value.tag()).then(|| std::str::from_utf8(value.data).ok()).flatten()
}

/// RFC 4514 2.4; control characters, which may stand as they are there, are escaped too, so that a subject is
/// a line.
fn escape(value: &str, into: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        let edge = (c == ' ' && (at == 0 || at == last)) || (c == '#' && at == 0);
        if edge || matches!(c, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            into.extend(['\\', c]);
        } else if c.is_control() {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(into, "\\{byte:02X}");
            }
        } else {
            into.push(c);
        }
    }
}

fn dump(der: &[u8], into: &mut String) {
    into.push('#');
    for byte in der {
        // Writing to a string cannot fail.
        let _ = write!(into, "{byte:02x}");
    }
}

/// A value up to its separator, and what is behind that.
fn unescape(text: &str) -> Result<(String, Option<char>, &str), NotASubject> {
    let mut bytes = Vec::new();
    let mut chars = text.char_indices();
    let mut ends_in_blank = text.starts_with(' ');
    let (separator, rest) = loop {
        let Some((at, c)) = chars.next() else { break (None, "") };
        match c {
            ',' | '+' => break (Some(c), text.get(at + 1..).unwrap_or_default()),
            '"' | ';' | '<' | '>' | '\0' => return Err(NotASubject),
            '\\' => {
                let (_, next) = chars.next().ok_or(NotASubject)?;
                if let Some(high) = next.to_digit(16) {
                    let low = chars.next().and_then(|(_, c)| c.to_digit(16)).ok_or(NotASubject)?;
                    bytes.push((high << 4 | low) as u8);
                } else if matches!(next, ' ' | '#' | '=' | '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
                    bytes.push(next as u8);
                } else {
                    return Err(NotASubject);
                }
                ends_in_blank = false;
                continue;
            }
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        if bytes.len() == 1 && c == ' ' {
            return Err(NotASubject);
        }
        ends_in_blank = c == ' ';
    };
    if ends_in_blank {
        return Err(NotASubject);
    }
    Ok((String::from_utf8(bytes).map_err(|_| NotASubject)?, separator, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    fn certificate(parts: &[(DnType, DnValue)]) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in parts {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn said(parts: &[(DnType, &str)]) -> String {
        let parts: Vec<_> =
            parts.iter().map(|(kind, value)| (kind.clone(), DnValue::Utf8String((*value).into()))).collect();
        Subject::of(&certificate(&parts)).unwrap().to_string()
    }

    #[test]
    fn a_subject_is_written_as_rfc_4514_says() {
        use DnType::{CommonName as Cn, OrganizationName as O};
        assert_eq!(said(&[(O, "Example"), (Cn, "alice")]), "CN=alice,O=Example");
        assert_eq!(said(&[(Cn, "Sue, Grabbit+Runn")]), "CN=Sue\\, Grabbit\\+Runn");
        assert_eq!(said(&[(Cn, " #1 <x>; \"y\"\\ ")]), "CN=\\ #1 \\<x\\>\\; \\\"y\\\"\\\\\\ ");
        assert_eq!(said(&[(Cn, "#1")]), "CN=\\#1");
        assert_eq!(said(&[(Cn, "Lučić\r\n")]), "CN=Lučić\\0D\\0A");
        // One certificate cannot be made to read as another.
        assert_ne!(said(&[(Cn, "alice,O=Example")]), said(&[(O, "Example"), (Cn, "alice")]));
        assert_eq!(
            said(&[(DnType::CustomDnType(vec![1, 3, 6, 1, 4, 1, 1466, 0]), "x")]),
            "1.3.6.1.4.1.1466.0=#0c0178"
        );
    }

    #[test]
    fn what_is_no_plain_text_is_dumped() {
        let bmp = DnValue::BmpString("a".try_into().unwrap());
        let shown = Subject::of(&certificate(&[(DnType::CommonName, bmp)])).unwrap();
        assert_eq!(shown.as_str(), "CN=#1e020061");
        assert_eq!("cn=#1E020061".parse(), Ok(shown));
    }

    #[test]
    fn an_empty_subject_is_none_and_so_is_a_damaged_one() {
        assert_eq!(Subject::of(&certificate(&[])), None);
        assert_eq!(Subject::of(&CertificateDer::from(b"junk".to_vec())), None);
        let good = certificate(&[(DnType::CommonName, DnValue::Utf8String("alice".into()))]);
        for at in 0..good.len() {
            // No byte of it can be wrong so that we fall over it.
            let mut bad = good.to_vec();
            bad[at] ^= 0xff;
            let _ = Subject::of(&CertificateDer::from(bad));
            let _ = Subject::of(&CertificateDer::from(good[..at].to_vec()));
        }
    }

    #[test]
    fn what_an_administrator_writes_is_the_same_however_it_is_escaped() {
        for (text, same) in [
            ("CN=alice,O=Example", "CN=alice,O=Example"),
            ("cn=alice,o=Example", "CN=alice,O=Example"),
            ("CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić"),
            ("CN=a\\=b\\,c,DC=example,DC=net", "CN=a=b\\,c,DC=example,DC=net"),
            (
                "OU=Sales+CN=J. Smith,emailaddress=j@example.net",
                "OU=Sales+CN=J. Smith,emailAddress=j@example.net",
            ),
            ("street=1 Way\\0A,UID=a", "STREET=1 Way\\0A,UID=a"),
            ("1.3.6.1=#0C0178", "1.3.6.1=#0c0178"),
        ] {
            let read: Subject = text.parse().unwrap();
            assert_eq!(read.as_str(), same, "{text}");
            assert_eq!(read.as_str().parse(), Ok(read.clone()));
        }
        for wrong in [
            "",
            "alice",
            "CN",
            "CN=alice, O=Example",
            "CN = alice",
            "CN= alice",
            "CN=alice ,O=x",
            "CN=a\\",
            "CN=a\\x",
            "CN=a\\C4",
            "CN=\"a\"",
            "CN=a;O=b",
            "CN=#",
            "CN=#0",
            "CN=#0g",
            "1.2.3=x",
            "XX=y",
            "CN=a,",
            "/CN=alice",
        ] {
            assert_eq!(wrong.parse::<Subject>(), Err(NotASubject), "{wrong}");
        }
    }
}
