//! What may anonymous users do? `--anonymous`, and what it means beside `--write` and `--user`.
use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueEnum};
use config::{Anonymous, SiteConfig};

/// Reads a value of `--anonymous`. As the value may be left out, the word behind the flag is often the
/// folder.
#[derive(Clone, Debug)]
pub(super) struct Parser;

impl TypedValueParser for Parser {
    type Value = Anonymous;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<Self::Value, clap::Error> {
        EnumValueParser::<Anonymous>::new().parse_ref(command, argument, value).map_err(|mut error| {
            if error.kind() == ErrorKind::InvalidValue {
                let tip = format!("write `pasv serve {} --anonymous` to share that folder", value.display());
                error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            }
            error
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let values = Anonymous::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        Some(Box::new(values.collect::<Vec<_>>().into_iter()))
    }
}

/// What the administrator should know, each a sentence.
pub(super) fn warnings(site: &SiteConfig) -> Vec<String> {
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
    if site.root.folder().is_some_and(startup::is_home) {
        warnings.push(
            "this is a home directory: hidden files such as .ssh and .bash_history are shared too".to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Flags;
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn read(line: &str) -> Result<Flags, String> {
        let words = std::iter::once("serve").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.flags).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_that_exclude_each_other_are_refused_and_what_is_dangerous_is_said() {
        for line in [
            "",
            "-w",
            "--anonymous=write",
            "--user alice -w",
            "--user alice --write --anonymous",
            "--user alice --anonymous write",
            "-p 1 -l 127.0.0.1:2 -l ::1",
        ] {
            assert!(read(line).unwrap().config().is_ok(), "{line}");
        }
        for line in ["--write --anonymous", "--write --anonymous drop", "-p 1 -l 127.0.0.1:2"] {
            assert!(read(line).unwrap().config().is_err(), "{line}");
        }
        let warned = |line: &str| warnings(&read(line).unwrap().config().unwrap()).join("\n");
        let said = warned("--anonymous write --user alice:f --tls off");
        for words in [
            "leave out --anonymous write to require a password",
            "alice may do less than anyone without a password: add --write",
            "passwords and files are sent unencrypted",
        ] {
            assert!(said.contains(words), "{said}");
        }
        assert!(!warned("-w --anonymous write --user alice").contains("do less"));
        assert!(!warned("--user alice").contains("unencrypted"));
        let said = read("--anonymous /srv/files").unwrap_err();
        assert!(
            said.contains("read, write, drop") && said.contains("pasv serve /srv/files --anonymous"),
            "{said}"
        );
    }
}
