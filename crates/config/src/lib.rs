//! How is a server configured? One plain value: what is shared, with whom, on which addresses.
//!
//! ```text
//!   flags of `pasv serve` --\                  /--> server: sessions, listeners
//!                            >-- SiteConfig --<---> firewall: what to let through
//!   (a file, later) --------/                  \--> doctor: what to check
//! ```
//!
//! No I/O: paths are not opened here, and names are not resolved. The defaults of all settings are here and
//! nowhere else. The value is made for a file with nested tables: `[limits]`, `[timeouts]`, `[[listener]]`,
//! `[[user]]`.
#![forbid(unsafe_code)]

mod limits;
mod listener;
mod log;
mod root;
pub mod text;
mod tls;
mod uploads;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use ipnet::IpNet;
pub use limits::{Deadlines, Limits};
pub use listener::{Listener, Reuse, Tls, TlsEnd};
pub use log::{Log, LogFormat};
pub use root::Root;
pub use tls::{Acme, AskClients, CertificateFiles, ClientCertificates, ClientLogin, TlsFiles};
pub use uploads::{HangUp, Sync, Uploads};

/// Everything that is configured about a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SiteConfig {
    /// The folder that is shared, or the server that this one is a proxy of.
    pub root: Root,
    /// The text of the 220 greeting.
    pub greeting: String,
    /// May users write? Where there are no users: may everyone?
    pub write: bool,
    /// What users without a password may do; `None`: nothing where there are users, else what `write` says.
    pub anonymous: Option<Anonymous>,
    /// How much of what there may be.
    pub limits: Limits,
    /// How long the server waits for what.
    #[serde(rename = "timeouts")]
    pub deadlines: Deadlines,
    /// How uploads are stored.
    pub uploads: Uploads,
    /// Certificates.
    pub tls: TlsFiles,
    /// Where the logs go.
    pub log: Log,
    /// The addresses that are listened on, each with its own policy.
    #[serde(rename = "listener")]
    pub listeners: Vec<Listener>,
    /// Users with passwords.
    #[serde(rename = "user")]
    pub users: Vec<User>,
}

impl Default for SiteConfig {
    fn default() -> Self {
        Self {
            root: Path::new(".").into(),
            greeting: "pasv ready.".to_owned(),
            write: false,
            anonymous: None,
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            uploads: Uploads::default(),
            tls: TlsFiles::default(),
            log: Log::default(),
            listeners: vec![Listener::default()],
            users: Vec::new(),
        }
    }
}

/// A user with a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name that the user logs in with.
    pub name: String,
    /// The file whose first line is the password or its hash; `None`: a password is generated at each start.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// What users without a password may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Anonymous {
    /// Read and list.
    Read,
    /// Everything, as users with --write.
    Write,
    /// Upload new files, and nothing else: no listing, no reading, no replacing.
    Drop,
}

impl SiteConfig {
    /// What anonymous users may do; `None` where they are not let in.
    #[must_use]
    pub fn anonymous_rights(&self) -> Option<Anonymous> {
        match self.anonymous {
            Some(rights) => Some(rights),
            None if !self.users.is_empty() => None,
            None if self.write => Some(Anonymous::Write),
            None => Some(Anonymous::Read),
        }
    }

    /// May anybody store or change something?
    #[must_use]
    pub fn changes_files(&self) -> bool {
        self.write || self.anonymous_rights().is_some_and(|rights| rights != Anonymous::Read)
    }

    /// Is TLS enabled on any listener?
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.listeners.iter().any(Listener::has_tls)
    }

    /// Does anybody but this machine reach the server?
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.listeners.iter().any(|listener| !listener.address.is_loopback())
    }

    /// What cannot be followed because TLS is off, as a sentence.
    #[must_use]
    pub fn conflict(&self) -> Option<&'static str> {
        if self.has_tls() {
            None
        } else if self.tls.acme.is_used() {
            Some("--acme gets a certificate for TLS, and TLS is off")
        } else if self.tls.clients.is_used() {
            Some("client certificates are part of TLS, and TLS is off")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_survives_being_written_and_read() {
        let config = SiteConfig {
            root: Path::new("/srv/files").into(),
            write: true,
            anonymous: Some(Anonymous::Drop),
            users: vec![User { name: "alice".into(), password_file: Some("alice.password".into()) }],
            listeners: vec![
                Listener { port: 21, data_mss: Some(1200), active: false, ..Listener::default() },
                Listener {
                    tls: Tls::RequiredForData,
                    implicit: true,
                    external: Some([203, 0, 113, 7].into()),
                    proxy_from: vec!["192.0.2.0/24".parse().unwrap()],
                    ..Listener::default()
                },
            ],
            ..SiteConfig::default()
        };
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SiteConfig>(&text).unwrap(), config);
    }

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_unknown_is_refused() {
        let read = |text: &str| serde_json::from_str::<SiteConfig>(text);
        assert_eq!(read("{}").unwrap(), SiteConfig::default());
        let config = read(
            r#"{"timeouts": {"idle": "2h"}, "limits": {"queue": 1}, "uploads": {"umask": "077"},
                "listener": [{"port": 990, "implicit": true, "tls": "required", "passive_ports": "50000-50009"}]}"#,
        )
        .unwrap();
        assert_eq!(config.deadlines.idle.as_secs(), 7200);
        assert_eq!(config.deadlines.login, Deadlines::default().login);
        assert_eq!((config.limits.queue, config.uploads.umask), (1, 0o77));
        let listener = config.listeners.first().unwrap();
        assert_eq!((listener.tls, listener.passive_ports.clone()), (Tls::RequiredForLogin, 50000..=50009));
        for text in [
            r#"{"lisener": []}"#,
            r#"{"timeouts": {"idle": "0"}}"#,
            r#"{"listener": [{"passive_ports": "9-5"}]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn anonymous_users_are_let_in_where_there_are_no_others() {
        let user = || User { name: "alice".into(), password_file: None };
        let site = |write, anonymous, users| SiteConfig { write, anonymous, users, ..SiteConfig::default() };
        for (config, rights, changes) in [
            (site(false, None, vec![]), Some(Anonymous::Read), false),
            (site(true, None, vec![]), Some(Anonymous::Write), true),
            (site(false, None, vec![user()]), None, false),
            (site(true, None, vec![user()]), None, true),
            (site(true, Some(Anonymous::Read), vec![user()]), Some(Anonymous::Read), true),
            (site(false, Some(Anonymous::Drop), vec![]), Some(Anonymous::Drop), true),
        ] {
            assert_eq!((config.anonymous_rights(), config.changes_files()), (rights, changes), "{config:?}");
        }
    }
}
