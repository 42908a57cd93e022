//! Which names is a certificate for, and until when is it valid?
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use net::tls::identity::Identity;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

use super::plan::Validity;

/// A certificate with its key, and what is to be known of it.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) identity: Identity,
    pub(crate) validity: Validity,
    names: Vec<String>,
}

impl Certificate {
    /// From the key and the chain in PEM, in one text.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let identity = Identity::from_pem(pem, pem).map_err(|error| error.to_string())?;
        let own = identity.chain().first().ok_or("no certificate in it")?;
        let (_, parsed) = x509_parser::parse_x509_certificate(own).map_err(|error| error.to_string())?;
        let validity = Validity {
            from: moment(parsed.validity().not_before),
            until: moment(parsed.validity().not_after),
        };
        let names = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        let names = names.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        let names = names.collect();
        Ok(Self { identity, validity, names })
    }

    /// Is it for all of these, in lower case?
    pub(crate) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }
}

fn moment(time: ASN1Time) -> SystemTime {
    // What was before 1970 is over in any case; what no clock can hold never ends.
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dates_are_read() {
        let made = Identity::self_signed(&["FTP.example".to_owned(), "www.example".to_owned()]).unwrap();
        let pem = [made.key.expose(), made.certificate.as_bytes()].concat();
        let read = Certificate::from_pem(&pem).unwrap();
        assert_eq!(read.identity.fingerprint(), made.identity.fingerprint());
        let name = |name: &str| name.to_owned();
        assert!(read.covers(&[name("ftp.example"), name("www.example")]));
        assert!(!read.covers(&[name("ftp.example"), name("other.example")]));
        // As rcgen makes it: 1975 to 4096.
        assert!(read.validity.from < SystemTime::now() && !read.validity.is_over(SystemTime::now()));
        assert!(Certificate::from_pem(made.certificate.as_bytes()).is_err_and(|why| why.contains("key")));
    }
}
