//! What should the administrator know of a configuration that is allowed, and dangerous?
use config::{Anonymous, SiteConfig};

use crate::root::is_home;

/// What the administrator should know, each a sentence.
#[must_use]
pub fn warnings(site: &SiteConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    match site.anonymous_rights() {
        Some(Anonymous::Write) if !site.users.is_empty() => {
            warnings.push(
                "anyone who can connect can change and delete these files and fill this disk; leave out --anonymous write to require a password"
                    .to_owned(),
            );
            if !site.write {
                let users: Vec<_> = site.users.iter().map(|user| user.name.as_str()).collect();
                warnings.push(format!(
                    "{} may do less than anyone without a password: add --write",
                    users.join(", ")
                ));
            }
        }
        Some(Anonymous::Write) => warnings.push(
            "anyone who can connect can change and delete these files and fill this disk; use --user NAME to require a password"
                .to_owned(),
        ),
        Some(Anonymous::Drop) => warnings.push("anyone who can connect can fill this disk".to_owned()),
        Some(Anonymous::Read) | None => {}
    }
    if !site.users.is_empty() && site.listeners.iter().any(|listener| !listener.has_tls()) {
        let but = if site.has_tls() { ", except at the ftps:// addresses" } else { "" };
        warnings.push(format!("passwords and files are sent unencrypted{but}"));
    }
    if site.root.folder().is_some_and(is_home) {
        warnings.push(
            "this is a home directory: hidden files such as .ssh and .bash_history are shared too".to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use config::{Listener, Tls, User};

    use super::*;

    #[test]
    fn what_is_dangerous_is_said() {
        let site = |users: &[&str], write, anonymous, tls| SiteConfig {
            write,
            anonymous,
            users: users.iter().map(|name| User { name: (*name).to_owned(), password_file: None }).collect(),
            listeners: vec![Listener { tls, ..Listener::default() }],
            ..SiteConfig::default()
        };
        let said = warnings(&site(&["alice"], false, Some(Anonymous::Write), Tls::Off)).join("\n");
        for words in [
            "leave out --anonymous write to require a password",
            "alice may do less than anyone without a password: add --write",
            "passwords and files are sent unencrypted",
        ] {
            assert!(said.contains(words), "{said}");
        }
        let said = warnings(&site(&["alice"], true, Some(Anonymous::Write), Tls::Offered)).join("\n");
        assert!(!said.contains("do less") && !said.contains("unencrypted"), "{said}");
        assert!(warnings(&site(&[], true, None, Tls::Off)).join("").contains("use --user NAME to require"));
        assert!(warnings(&site(&[], false, None, Tls::Off)).is_empty());
    }
}
