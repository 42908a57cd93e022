//! Are clients asked for certificates, and whose are they? The flags, and the list of users' certificates.
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use config::{AskClients, ClientCertificates as Configured, ClientLogin};
use net::tls::server::{ClientCertificates, ClientTrust};
use net::tls::{Fingerprint, Subject};
use storage::accounts::certificates::{Certificates, Mark, Role};

use super::tls::{cannot, read};
use crate::talk::{Exit, Failure};

#[expect(clippy::struct_field_names, reason = "they are named as the flags are")]
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct ClientFlags {
    /// Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]
    #[arg(hide_short_help = true, long, value_enum)]
    client_cert: Option<AskClients>,
    /// Authorities that sign client certificates, in PEM
    ///
    /// Without it, any certificate is accepted and counts by its fingerprint only.
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are
    #[arg(hide_short_help = true, long, value_name = "FILE", requires = "client_ca")]
    client_crl: Option<PathBuf>,
    /// File that says which certificates belong to which users
    ///
    /// One per line: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as
    /// `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user can have several.
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    client_cert_users: Option<PathBuf>,
    /// Whether a user's certificate replaces the password [default: with-password]
    #[arg(hide_short_help = true, long, value_enum, requires = "client_cert_users")]
    client_cert_login: Option<ClientLogin>,
}

/// The users' certificates, as long as the site runs.
pub(super) struct Owners {
    pub(super) certificates: Arc<Certificates>,
    /// The users there are.
    users: HashSet<String>,
}

impl ClientFlags {
    pub(super) fn config(&self) -> Configured {
        Configured {
            ask: self.client_cert,
            ca: self.client_ca.clone(),
            crl: self.client_crl.clone(),
            users: self.client_cert_users.clone(),
            login: self.client_cert_login.unwrap_or_default(),
        }
    }

    fn ask(&self) -> AskClients {
        let listed = if self.client_cert_users.is_some() { AskClients::Ask } else { AskClients::Off };
        self.client_cert.unwrap_or(listed)
    }

    /// Is anything wanted that takes TLS?
    pub(super) fn is_used(&self) -> bool {
        self.ask() != AskClients::Off || self.client_cert_users.is_some()
    }

    /// What TLS asks of clients.
    pub(super) fn certificates(&self) -> Result<ClientCertificates, Failure> {
        let trust = match (self.ask(), &self.client_ca, &self.client_cert_users) {
            (AskClients::Off, _, None) => return Ok(ClientCertificates::Off),
            (AskClients::Off, _, Some(_)) => {
                return Err(Failure::usage(
                    "--client-cert off contradicts --client-cert-users, which needs certificates",
                ));
            }
            (_, Some(authorities), _) => {
                let revoked = self.client_crl.as_deref().map(read).transpose()?.unwrap_or_default();
                ClientTrust::from_pem(&read(authorities)?, &revoked).map_err(cannot)?
            }
            (_, None, Some(_)) => ClientTrust::Any,
            (_, None, None) => {
                return Err(Failure::usage("--client-cert does not say which certificates to accept").hint(
                    "use --client-ca for authorities that sign them, or --client-cert-users for single ones",
                ));
            }
        };
        Ok(match self.ask() {
            AskClients::Require => ClientCertificates::Require(trust),
            _ => ClientCertificates::Ask(trust),
        })
    }

    /// Whose certificates are whose, of these users; none where nothing was said.
    pub(super) fn owners(&self, users: impl Iterator<Item = String>) -> Result<Option<Owners>, Failure> {
        let Some(list) = &self.client_cert_users else { return Ok(None) };
        let role = match self.client_cert_login {
            None | Some(ClientLogin::WithPassword) => Role::WithPassword,
            Some(ClientLogin::WithoutPassword) => Role::WithoutPassword,
        };
        let users = users.collect();
        let certificates = Arc::new(Certificates::new(role, self.listed(list, &users)?));
        Ok(Some(Owners { certificates, users }))
    }

    /// Reads the list again.
    pub(super) fn read_again(&self, owners: Option<&Owners>) -> Result<impl FnOnce(), Failure> {
        let fresh = match (owners, &self.client_cert_users) {
            (Some(owners), Some(list)) => Some((owners, self.listed(list, &owners.users)?)),
            _ => None,
        };
        Ok(move || {
            if let Some((owners, fresh)) = fresh {
                owners.certificates.replace(fresh);
            }
        })
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.client_ca.iter().chain(&self.client_crl).chain(&self.client_cert_users)
    }

    fn listed(&self, list: &Path, users: &HashSet<String>) -> Result<Vec<(String, Mark)>, Failure> {
        let text = fs::read_to_string(list).map_err(|e| Failure::file(list, &e))?;
        let mut all = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let wrong = |why: &str| Failure::new(Exit::Usage, format!("{}:{number}: {why}", list.display()));
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (user, mark) = owner(line).map_err(|why| wrong(&why))?;
            if !users.contains(&user) {
                return Err(wrong(&format!("there is no --user {user}")));
            }
            if self.client_ca.is_none() && matches!(mark, Mark::Subject(_)) {
                return Err(wrong("a subject proves nothing without an authority that signs certificates")
                    .hint(
                        "use --client-ca to name the authority, or give the certificate's sha256:... instead",
                    ));
            }
            all.push((user, mark));
        }
        Ok(all)
    }
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

    fn flags(list: &Path, authorities: Option<&str>) -> ClientFlags {
        ClientFlags {
            client_cert: None,
            client_ca: authorities.map(PathBuf::from),
            client_crl: None,
            client_cert_users: Some(list.to_owned()),
            client_cert_login: None,
        }
    }

    fn listed(text: &str, authorities: Option<&str>) -> Result<Vec<(String, Mark)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("owners");
        fs::write(&list, text).unwrap();
        let users = ["alice", "bob"].map(str::to_owned).into();
        let read = flags(&list, authorities).listed(&list, &users);
        read.map_err(|f| f.text.unwrap().rsplit_once('/').unwrap().1.to_owned())
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
