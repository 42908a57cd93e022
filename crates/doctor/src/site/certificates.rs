//! Are a site's certificates good: their time, their names, their key, and who vouches for them?
use std::fs;
use std::time::{Duration, SystemTime};

use config::CertificateFiles;
use net::tls::client::Roots;
use net::tls::identity::Identity;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::few;
use super::{Target, show_path};
use crate::finding::Findings;
use crate::verdict::Verdict;
use net::os_error::words;

/// Days before a certificate's end that are told: renewing by hand takes some.
const SOON: i64 = 14;

const DAY: i64 = 24 * 3600;

/// What is so on this machine.
#[derive(Debug, Default)]
pub(super) struct Here {
    /// Of each that is given: its file, and what is in it, or why that is not known.
    given: Vec<(String, Result<About, String>)>,
    /// What an authority has given by ACME, which the site renews by itself: its file, and what is in it.
    obtained: Option<(String, Result<About, String>)>,
    /// Nothing is given: the file of our own, and is it there yet?
    own: Option<(String, bool)>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    names: Vec<String>,
    /// Days until it begins; negative: since then. The same for its end.
    begins: i64,
    ends: i64,
    chain: Chain,
}

/// Who vouches for it?
#[derive(Clone, Debug, PartialEq, Eq)]
enum Chain {
    /// An authority of this system.
    Vouched,
    /// It itself.
    Itself,
    /// Nobody that this system trusts: why, and the issuer of the last one in the file.
    Not { why: String, issuer: String },
}

pub(super) fn gather(target: &Target) -> Here {
    let tls = &target.config.tls;
    if !target.config.has_tls() {
        return Here::default();
    }
    let now = SystemTime::now();
    // Hundreds of files, read only where something is to be verified.
    let about = |chain: &[u8], key: &[u8]| about(chain, key, now, &Roots::system());
    let read = |path| fs::read(path).map_err(|error| words(&error));
    let given: Vec<_> = tls
        .certificates
        .iter()
        .map(|CertificateFiles { cert, key }| {
            let pair =
                read(cert).and_then(|chain| Ok((chain, read(key).map_err(|e| format!("its key: {e}"))?)));
            (show_path(cert), pair.and_then(|(chain, key)| about(&chain, &key)))
        })
        .collect();
    let obtained = target.obtained.as_ref().map(|(path, read)| {
        let read = read.as_ref().map_err(|error| words(&error));
        (show_path(path), read.and_then(|pem| about(pem.expose(), pem.expose())))
    });
    let own = target.own_certificate.as_ref().filter(|_| given.is_empty() && !tls.acme.is_used());
    Here { given, obtained, own: own.map(|file| (show_path(file), file.exists())) }
}

/// What is in a file, and whether the key belongs to it.
fn about(chain: &[u8], key: &[u8], now: SystemTime, roots: &Roots) -> Result<About, String> {
    let identity = Identity::from_pem(chain, key).map_err(|e| e.to_string())?;
    let parsed: Vec<_> = identity
        .chain()
        .iter()
        .map(|der| X509Certificate::from_der(der).map(|(_, parsed)| parsed).map_err(|e| e.to_string()))
        .collect::<Result<_, _>>()?;
    let (first, last) = parsed.first().zip(parsed.last()).ok_or("no certificate in it")?;
    let names = first.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(wire::pathname::show(name.as_bytes())),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = |time: i64| time.saturating_sub(i64::try_from(since).unwrap_or(i64::MAX)).div_euclid(DAY);
    let (begins, ends) = (first.validity().not_before.timestamp(), first.validity().not_after.timestamp());
    // Its time has a finding of its own; who has signed it is asked for a time at which it is good.
    let middle = u64::try_from(begins.saturating_add(ends) / 2).unwrap_or(0);
    let good_now = days(begins) <= 0 && days(ends) >= 0;
    let at = if good_now { now } else { SystemTime::UNIX_EPOCH + Duration::from_secs(middle) };
    let name = names.first().map_or_else(|| "localhost".to_owned(), |name| name.replace('*', "ftp"));
    let chain = match roots.vouch_for(&identity, &name, at) {
        Ok(()) => Chain::Vouched,
        Err(_) if parsed.len() == 1 && first.issuer().as_raw() == first.subject().as_raw() => Chain::Itself,
        Err(why) => Chain::Not { why, issuer: wire::pathname::show(last.issuer().to_string().as_bytes()) },
    };
    Ok(About { names, begins: days(begins), ends: days(ends), chain })
}

/// An address as it stands in a certificate: its bytes.
fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).map(|four| std::net::IpAddr::from(four).to_string());
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(|six| std::net::IpAddr::from(six).to_string())).ok()
}

/// Pure: the same facts, the same findings.
pub(super) fn judge(here: &Here, findings: &mut Findings) {
    for (file, about) in &here.given {
        one(file, about, "renew it; a running server reloads the file by itself", findings);
    }
    if let Some((file, about)) = &here.obtained {
        let fix = "read the server's log: it renews the certificate by itself when a third of its time is left, and logs why it could not";
        one(file, about, fix, findings);
    }
    match &here.own {
        Some((file, true)) => findings.ok(
            Verdict::CertificateTrust,
            format!("{file} is the server's own certificate"),
            "self-signed by pasv: clients trust it on first use or by --pin",
        ),
        Some((file, false)) => findings.ok(
            Verdict::CertificateTrust,
            "the server generates a self-signed certificate at its first start",
            format!("neither --cert nor --acme is given, and {file} does not exist yet"),
        ),
        None => {}
    }
}

fn one(file: &str, about: &Result<About, String>, renew: &str, findings: &mut Findings) {
    let About { names, begins, ends, chain } = match about {
        Ok(about) => about,
        Err(why) => {
            let fix = "give --cert the chain in PEM, the server's own certificate first, and --key its key";
            return findings.error(Verdict::Certificate, format!("{file} cannot be used"), why, fix);
        }
    };
    let shown = if names.is_empty() { "for no name".to_owned() } else { format!("for {}", few(names)) };
    match (begins, ends) {
        (1.., _) => {
            let says = format!("{file} becomes valid in {begins} days");
            findings.error(Verdict::Certificate, says, shown.clone(), "check the clock of this machine");
        }
        (_, ..0) => {
            findings.error(
                Verdict::Certificate,
                format!("{file} expired {} days ago", -ends),
                shown.clone(),
                renew,
            );
        }
        (_, 0..SOON) => {
            findings.warn(
                Verdict::Certificate,
                format!("{file} expires in {ends} days"),
                shown.clone(),
                renew,
            );
        }
        _ => findings.ok(Verdict::Certificate, format!("{file} is valid for {ends} days"), shown.clone()),
    }
    if names.is_empty() {
        let fix = "use a certificate with the host name as subject alternative name";
        findings.error(
            Verdict::Certificate,
            format!("{file} has no subject alternative name"),
            "clients look for the host name there only",
            fix,
        );
    }
    match chain {
        Chain::Vouched => {
            findings.ok(Verdict::CertificateTrust, format!("{file} is signed by a trusted authority"), shown);
        }
        Chain::Itself => findings.warn(
            Verdict::CertificateTrust,
            format!("{file} is self-signed"),
            "issuer and subject are the same",
            "give clients its fingerprint (--pin), or use --acme for one that they trust",
        ),
        Chain::Not { why, issuer } => findings.warn(
            Verdict::CertificateTrust,
            format!("{file} is not signed by a trusted authority"),
            format!("{why}; the last certificate of the file is issued by {issuer}"),
            "add the intermediate certificates to the file, below it; clients must trust an authority of your own",
        ),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

    use super::super::tests::{names, text};
    use super::*;
    use crate::verdict::Weight;

    fn found(about: Result<About, String>) -> Findings {
        let mut findings = Findings::default();
        judge(&Here { given: vec![("c.pem".into(), about)], ..Here::default() }, &mut findings);
        findings
    }

    fn good() -> About {
        About { names: vec!["ftp.example.net".into()], begins: -9, ends: 80, chain: Chain::Vouched }
    }

    #[test]
    fn certificates_are_told_by_their_days_and_names() {
        let (fine, wrong) = ((Verdict::Certificate, Weight::Fine), (Verdict::Certificate, Weight::Hinders));
        let trusted = (Verdict::CertificateTrust, Weight::Fine);
        for (about, wanted, words) in [
            (Ok(About { ends: -3, ..good() }), &[wrong, trusted][..], "expired 3 days ago"),
            (Ok(About { ends: 3, ..good() }), &[(Verdict::Certificate, Weight::Note), trusted], "in 3 days"),
            (Ok(About { begins: 2, ..good() }), &[wrong, trusted], "becomes valid in 2 days"),
            (Err("no".into()), &[wrong], "cannot be used (no)"),
            (Ok(About { names: vec![], ..good() }), &[fine, wrong, trusted], "no subject alternative name"),
            (Ok(good()), &[fine, trusted], "valid for 80 days (for ftp.example.net)"),
        ] {
            let found = found(about);
            assert_eq!(names(&found), wanted, "{}", text(&found));
            assert!(text(&found).contains(words), "{}", text(&found));
        }
    }

    /// A chain of three, as authorities give them: the root, one below it, and the site's.
    struct Authority {
        root: String,
        middle: String,
        leaf: String,
        key: String,
    }

    fn authority() -> Authority {
        let ca = |name: &str| {
            let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params
        };
        let [root_key, middle_key, key] = [(); 3].map(|()| KeyPair::generate().unwrap());
        let root = ca("root").self_signed(&root_key).unwrap().pem();
        let root_issuer = Issuer::new(ca("root"), &root_key);
        let middle = ca("middle").signed_by(&middle_key, &root_issuer).unwrap().pem();
        let middle_issuer = Issuer::new(ca("middle"), &middle_key);
        let leaf = CertificateParams::new(vec!["*.example.net".to_owned(), "192.0.2.7".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &middle_issuer).unwrap().pem();
        Authority { root, middle, leaf, key: key.serialize_pem() }
    }

    #[test]
    fn a_chain_is_whole_or_what_is_missing_is_told() {
        let Authority { root, middle, leaf, key } = authority();
        let roots = Roots::from_pem(root.as_bytes()).unwrap();
        let now = SystemTime::now();
        let whole = about(format!("{leaf}{middle}").as_bytes(), key.as_bytes(), now, &roots).unwrap();
        assert_eq!(
            (whole.chain, &whole.names[..]),
            (Chain::Vouched, &["*.example.net".into(), "192.0.2.7".into()][..])
        );
        let part = about(leaf.as_bytes(), key.as_bytes(), now, &roots).unwrap();
        assert!(matches!(&part.chain, Chain::Not { issuer, .. } if issuer.contains("middle")), "{part:?}");
        assert!(text(&found(Ok(part))).contains("the intermediate certificates"));
        // It has ended meanwhile: that says nothing about who has signed it.
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(200_000 * 24 * 3600 * 5);
        let expired = about(format!("{leaf}{middle}").as_bytes(), key.as_bytes(), late, &roots).unwrap();
        assert!(expired.ends < 0 && expired.chain == Chain::Vouched, "{expired:?}");
    }

    #[test]
    fn a_key_of_another_and_a_certificate_of_ones_own_are_told() {
        let own = Identity::self_signed(&["one.example".to_owned()]).unwrap();
        let other = Identity::self_signed(&["two.example".to_owned()]).unwrap();
        let roots = Roots::from_pem(other.certificate.as_bytes()).unwrap();
        let now = SystemTime::now();
        let mismatch = about(own.certificate.as_bytes(), other.key.expose(), now, &roots).unwrap_err();
        assert!(mismatch.contains("does not belong"), "{mismatch}");
        let itself = about(own.certificate.as_bytes(), own.key.expose(), now, &roots).unwrap();
        assert_eq!(itself.chain, Chain::Itself);
        assert!(about(b"", b"", now, &roots).is_err());
    }

    #[test]
    fn where_nothing_is_given_the_own_one_is_told() {
        let of = |there| {
            let mut findings = Findings::default();
            judge(&Here { own: Some(("certificate.pem".into(), there)), ..Here::default() }, &mut findings);
            text(&findings)
        };
        assert!(
            of(true).contains("is the server's own certificate") && of(false).contains("at its first start")
        );
    }
}
