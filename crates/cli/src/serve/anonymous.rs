//! What may anonymous users do? `--anonymous`, and what it means beside `--write` and `--user`.
use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueEnum};
use config::{Anonymous, Tls};
use storage::Rights;

use super::listen::Listen;
use super::users::name_of;
use super::{Flags, root};
use crate::talk::Failure;

/// Reads a value of `--anonymous`. As the value may be left out, the word behind the flag is often the folder.
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

impl Flags {
    /// What anonymous users may do; `None` where they are not let in.
    pub(super) fn anonymous_rights(&self) -> Option<Rights> {
        match self.anonymous {
            Some(flag) => Some(match flag {
                Anonymous::Read => Rights::Read,
                Anonymous::Write => Rights::Write,
                Anonymous::Drop => Rights::Drop,
            }),
            None if !self.user.is_empty() => None,
            None if self.write => Some(Rights::Write),
            None => Some(Rights::Read),
        }
    }

    /// May anybody store or change something?
    pub(crate) fn changes_files(&self) -> bool {
        self.write || self.anonymous_rights().is_some_and(Rights::stores)
    }

    /// What whoever starts the server should know, each a sentence.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        match self.anonymous_rights() {
            Some(Rights::Write) if !self.user.is_empty() => {
                warnings.push(
                    "anyone who can connect can change and delete these files and fill this disk; leave out --anonymous write to require a password"
                        .to_owned(),
                );
                if !self.write {
                    let users: Vec<_> = self.user.iter().map(|user| name_of(user)).collect();
                    warnings.push(format!(
                        "{} may do less than anyone without a password: add --write",
                        users.join(", ")
                    ));
                }
            }
            Some(Rights::Write) => warnings.push(
                "anyone who can connect can change and delete these files and fill this disk; use --user NAME to require a password"
                    .to_owned(),
            ),
            Some(Rights::Drop) => warnings.push("anyone who can connect can fill this disk".to_owned()),
            Some(Rights::Read) | None => {}
        }
        if !self.user.is_empty() && self.tls.tls == Tls::Off {
            let but = if self.tls.is_used() { ", except at the ftps:// addresses" } else { "" };
            warnings.push(format!("passwords and files are sent unencrypted{but}"));
        }
        if root::is_home(self.root()) {
            warnings.push(
                "this is a home directory: hidden files such as .ssh and .bash_history are shared too"
                    .to_owned(),
            );
        }
        warnings
    }

    /// Refuses flags that exclude each other in ways that the parser does not know.
    pub(super) fn agree(&self) -> Result<(), Failure> {
        if self.write && self.user.is_empty() && self.anonymous.is_some_and(|f| f != Anonymous::Write) {
            return Err(Failure::usage("--write is for users, and there is no --user")
                .hint("add --user NAME; or use --anonymous write to let everyone write"));
        }
        if let Some(port) =
            self.port.filter(|_| !self.listen.is_empty() && self.listen.iter().all(Listen::has_port))
        {
            return Err(Failure::usage(format!("--port {port} has no effect: each --listen names a port"))
                .hint("leave out --port, or the port of --listen"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

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
    fn who_may_write_is_said_for_users_and_for_everyone_else() {
        use Rights::{Drop, Read, Write};
        for (line, anonymous, changes) in [
            ("", Some(Read), false),
            ("--write", Some(Write), true),
            ("-w", Some(Write), true),
            ("--anonymous", Some(Read), false),
            ("--anonymous drop", Some(Drop), true),
            ("--anonymous=write", Some(Write), true),
            ("--user alice", None, false),
            ("--user alice -w", None, true),
            ("--user alice --write --anonymous", Some(Read), true),
            ("--anonymous --user alice --write", Some(Read), true),
            ("--user alice --write --anonymous drop", Some(Drop), true),
            ("--user alice --anonymous write", Some(Write), true),
            ("-p 1 -l 127.0.0.1:2 -l ::1", Some(Read), false),
        ] {
            let flags = read(line).unwrap();
            assert_eq!((flags.anonymous_rights(), flags.changes_files()), (anonymous, changes), "{line}");
            assert!(flags.agree().is_ok(), "{line}");
        }
        for line in ["--write --anonymous", "--write --anonymous drop", "-p 1 -l 127.0.0.1:2"] {
            assert!(read(line).unwrap().agree().is_err(), "{line}");
        }
        let warned = |line: &str| read(line).unwrap().warnings().join("\n");
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
