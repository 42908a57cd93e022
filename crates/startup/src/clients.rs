//! Are clients asked for certificates, and which certificates belong to which users?
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{AskClients, ClientCertificates as Configured, ClientLogin, SiteConfig};
use net::tls::server::{ClientCertificates, ClientTrust};
use net::tls::{Fingerprint, Subject};
use storage::accounts::certificates::{Certificates, Mark, Role};

use crate::error::{Error, cannot, read};

/// The users' certificates, as long as the site runs.
pub(crate) struct Owners {
    pub(crate) certificates: Arc<Certificates>,
    /// The users there are.
    users: HashSet<String>,
}

/// What TLS asks of clients.
pub(crate) fn asked(config: &Configured) -> Result<ClientCertificates, Error> {
    let trust = match (config.asked(), &config.ca, &config.users) {
        (AskClients::Off, _, None) => return Ok(ClientCertificates::Off),
        (AskClients::Off, _, Some(_)) => {
            return Err(Error::new(
                "--client-cert off contradicts --client-cert-users, which needs certificates",
            ));
        }
        (_, Some(authorities), _) => {
            let revoked = config.crl.as_deref().map(read).transpose()?.unwrap_or_default();
            ClientTrust::from_pem(&read(authorities)?, &revoked).map_err(cannot)?
        }
        (_, None, Some(_)) => ClientTrust::Any,
        (_, None, None) => {
            return Err(Error::new("--client-cert does not say which certificates to accept").hint(
                "use --client-ca for authorities that sign them, or --client-cert-users for single ones",
            ));
        }
    };
    Ok(match config.asked() {
        AskClients::Require => ClientCertificates::Require(trust),
        _ => ClientCertificates::Ask(trust),
    })
}

/// The files that say what is asked, and whose certificates are whose.
pub(crate) fn files(config: &Configured) -> impl Iterator<Item = &PathBuf> {
    config.ca.iter().chain(&config.crl).chain(&config.users)
}

impl Owners {
    /// Whose certificates are whose; `None` where there is no list.
    pub(crate) fn open(site: &SiteConfig) -> Result<Option<Self>, Error> {
        let config = &site.tls.clients;
        let Some(list) = &config.users else { return Ok(None) };
        let role = match config.login {
            ClientLogin::WithPassword => Role::WithPassword,
            ClientLogin::WithoutPassword => Role::WithoutPassword,
        };
        let users = site.users.iter().map(|user| user.name.clone()).collect();
        let certificates = Arc::new(Certificates::new(role, listed(config, list, &users)?));
        Ok(Some(Self { certificates, users }))
    }

    /// Reads the list again; what is returned puts it in place.
    pub(crate) fn read_again(&self, config: &Configured) -> Result<impl FnOnce(), Error> {
        let fresh = config.users.as_ref().map(|list| listed(config, list, &self.users)).transpose()?;
        Ok(move || {
            if let Some(fresh) = fresh {
                self.certificates.replace(fresh);
            }
        })
    }
}

fn listed(config: &Configured, list: &Path, users: &HashSet<String>) -> Result<Vec<(String, Mark)>, Error> {
    let text = fs::read_to_string(list).map_err(|e| Error::file(list, &e))?;
    let mut all = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |why: &str| Error::new(format!("{}:{number}: {why}", list.display()));
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (user, mark) = owner(line).map_err(|why| wrong(&why))?;
        if !users.contains(&user) {
            return Err(wrong(&format!("there is no --user {user}")));
        }
        if config.ca.is_none() && matches!(mark, Mark::Subject(_)) {
            return Err(wrong("a subject proves nothing without an authority that signs certificates").hint(
                "use --client-ca to name the authority, or give the certificate's sha256:... instead",
            ));
        }
        all.push((user, mark));
    }
    Ok(all)
}

/// A line: a user's name and what the certificate is known by.
fn owner(line: &str) -> Result<(String, Mark), String> {
    let form = || "a line is `NAME sha256:HEX` or `NAME subject CN=...`".to_owned();
    let (user, known_by) = line.split_once(char::is_whitespace).ok_or_else(form)?;
    let known_by = known_by.trim_start();
    let mark = match known_by.split_once(char::is_whitespace) {
        Some(("subject", subject)) => {
            let subject: Subject = subject.trim_start().parse().map_err(|e| format!("{e}"))?;
            Mark::Subject(subject.to_string())
        }
        None if known_by.contains(':') => {
            let fingerprint: Fingerprint = known_by.parse().map_err(|e| format!("{e}"))?;
            Mark::Fingerprint(*fingerprint.as_bytes())
        }
        _ => return Err(form()),
    };
    Ok((user.to_owned(), mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str, authorities: Option<&str>) -> Result<Vec<(String, Mark)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("owners");
        fs::write(&list, text).unwrap();
        let users = ["alice", "bob"].map(str::to_owned).into();
        let config = Configured { ca: authorities.map(PathBuf::from), ..Configured::default() };
        let read = super::listed(&config, &list, &users);
        read.map_err(|f| f.text.rsplit_once('/').unwrap().1.to_owned())
    }

    #[test]
    fn a_list_says_whose_certificates_are_whose() {
        let (hex, colons) = ("ab".repeat(32), ["AB"; 32].join(":"));
        let text = format!(
            "# ours\n\nalice sha256:{hex}\r\n  bob\tSHA256:{colons}\nalice subject cn=alice,O=An Example\n"
        );
        let read = listed(&text, Some("ca.pem")).unwrap();
        let print = Mark::Fingerprint([0xab; 32]);
        assert_eq!(
            read,
            [
                ("alice".to_owned(), print.clone()),
                ("bob".to_owned(), print),
                ("alice".to_owned(), Mark::Subject("CN=alice,O=An Example".to_owned())),
            ]
        );
        assert_eq!(listed("", None), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_with_it_is_said_with_its_line() {
        for (line, why) in [
            ("alice", "a line is"),
            ("alice CN=alice", "a line is"),
            ("alice sha256:ab", "64 hexadecimal digits"),
            ("alice md5:ab", "64 hexadecimal digits"),
            ("alice subject alice", "RFC 4514"),
            ("alice subject CN=alice, O=Example", "without blanks"),
            ("carol subject CN=carol", "no --user carol"),
        ] {
            let said = listed(&format!("\n{line}\n"), Some("ca.pem")).unwrap_err();
            assert!(said.starts_with("owners:2: ") && said.contains(why), "{said}");
        }
        let said = listed("alice subject CN=alice", None).unwrap_err();
        assert!(said.starts_with("owners:1: a subject proves nothing"), "{said}");
    }
}
