//! What may anonymous users do? `--anonymous`, and what it means beside `--write` and `--user`.
use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, ValueEnum};
use config::Anonymous;

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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Flags;

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
    fn flags_that_exclude_each_other_are_refused() {
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
        let said = read("--anonymous /srv/files").unwrap_err();
        assert!(
            said.contains("read, write, drop") && said.contains("pasv serve /srv/files --anonymous"),
            "{said}"
        );
    }
}
