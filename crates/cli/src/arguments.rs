//! What does the program say of a command line that it does not understand?
//!
//! The parser's own words with two differences: no argument is shown with the password that may be in it, and
//! a tip is given only where it is very likely to be what was meant.
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Error, Parser};
use wire::url::masked;

use crate::manual::with_pages;

/// Reads the command line; ends the program where it asks for help or is wrong.
pub(crate) fn read<P: Parser>(arguments: Vec<OsString>) -> P {
    parse(&arguments).unwrap_or_else(|error| error.exit())
}

fn parse<P: Parser>(arguments: &[OsString]) -> Result<P, Error> {
    let arguments = with_help_of_help(arguments);
    let error = match understood(&arguments) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    // The parser's errors repeat arguments in many places, so it is asked again about arguments that hold no
    // secret.
    let shown: Vec<_> =
        arguments.iter().map(|argument| OsString::from_vec(masked(argument.as_bytes()))).collect();
    let mut error = match understood::<P>(&shown) {
        Err(error) => error,
        Ok(_) => P::command().error(error.kind(), "this command line is not valid"),
    };
    advise(&mut error, &shown, &P::command());
    Err(error)
}

/// The parser's reading, with the help that `manual` adds.
fn understood<P: Parser>(arguments: &[OsString]) -> Result<P, Error> {
    let mut command = with_pages(P::command());
    let matches = command.try_get_matches_from_mut(arguments)?;
    P::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// `pasv help --help` is asked for by those who look for help.
fn with_help_of_help(arguments: &[OsString]) -> Vec<OsString> {
    match arguments {
        [program, help, flag] if help == "help" && (flag == "--help" || flag == "-h") => {
            vec![program.clone(), flag.clone()]
        }
        other => other.to_vec(),
    }
}

/// Replaces the parser's tips with ours.
fn advise(error: &mut Error, arguments: &[OsString], command: &clap::Command) {
    let text = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let tip = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            error.remove(ContextKind::SuggestedSubcommand);
            text(error, ContextKind::InvalidSubcommand).and_then(|verb| tip_for_verb(&verb, command))
        }
        ErrorKind::UnknownArgument => {
            // "To pass '-x' as a value, use '-- -x'" helps nobody who has mistaken a flag.
            error.remove(ContextKind::Suggested);
            let typed = text(error, ContextKind::InvalidArg).unwrap_or_default();
            if let Some(ContextValue::String(suggested)) = error.get(ContextKind::SuggestedArg)
                && !is_near(&typed, suggested)
            {
                error.remove(ContextKind::SuggestedArg);
                // It is for the argument that is not suggested any more.
                if let Some(usage) = usage(arguments, command) {
                    error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
                }
            }
            let near = error.get(ContextKind::SuggestedArg).is_some();
            if near { None } else { tip_for_option(&typed, arguments, command) }
        }
        _ => None,
    };
    if let Some(tip) = tip {
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tips);
    }
}

/// What people call a verb elsewhere, and what does it here.
const VERBS: &str = "\
download fetch wget curl mget recv: use `pasv get URL`
upload store send mput push: use `pasv put FILE URL`
cp copy: `pasv get URL` downloads, `pasv put FILE URL` uploads
mirror sync rsync: `pasv get -r URL` downloads a directory tree, `pasv put -r DIR URL` uploads one
dir list nlst nlist ll find: use `pasv ls URL`
del delete dele remove unlink erase mdelete: use `pasv rm URL`
move rename ren: use `pasv mv URL NEW-URL`
md mkd: use `pasv mkdir URL`
rd rmd: use `pasv rmdir URL`
open connect login ftp shell cd: there is no interactive mode; `pasv ls URL` lists a directory
server daemon share start: use `pasv serve`
check diagnose diag test ping: use `pasv doctor URL`
info size: use `pasv stat URL`
type more less print head tail: use `pasv cat URL`
password adduser useradd: use `pasv passwd`
ufw nft nftables iptables rules: use `pasv firewall`
version: use `pasv --version`";

/// What people call an option elsewhere, and what does it here.
const OPTIONS: &str = "\
--active -A: use `--mode active`
--passive --pasv -P: use `--mode passive`
-k --no-check-certificate --no-verify: use `--insecure`
--ssl --ssl-reqd --ftps --ftpes --starttls: use `--tls required`
--no-tls --no-ssl --plain --plaintext: use `--tls off`
--username --login: use `--user NAME`
--password --pass --passwd: use `--password-file FILE` or the environment variable PASV_PASSWORD
--port: the port is part of the URL: ftp://host:PORT/path
--resume: use `--continue`";

/// The same for `pasv serve`.
const SERVE: &str = "\
-b --bind --host --address --interface: use `--listen ADDRESS`
-d --dir --directory --folder --path: the folder is an argument: `pasv serve DIR`
-u --username --login: use `--user NAME`
-P --password --pass --passwd: use `--user NAME:FILE`; `pasv passwd` makes the file
--writable --upload --uploads --allow-write --rw: use `--write`
-r --read-only --readonly: a folder is read-only unless --write is given
-a --anon --guest --public: use `--anonymous`
--active --passive --pasv: both modes are on; `--no-active` and `--no-passive` turn one off
--ssl --ssl-reqd --ftpes --starttls --require-tls: use `--tls required`
--no-tls --no-ssl --plain --plaintext: use `--tls off`
-v --verbose --debug: use `--log-level debug`
--log --logfile: use `--log-file FILE`";

fn tip_for_verb(typed: &str, command: &clap::Command) -> Option<String> {
    if typed.contains("://") || typed.contains('/') || typed.contains('@') {
        return Some(
            "the verb comes first: `pasv get URL` downloads a file, `pasv ls URL` lists a directory"
                .to_owned(),
        );
    }
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
    let lower = typed.to_lowercase();
    tip_of(VERBS, &lower).or_else(|| {
        verbs.filter(|verb| is_near(&lower, verb)).map(|verb| format!("did you mean `pasv {verb}`?")).next()
    })
}

fn tip_for_option(typed: &str, arguments: &[OsString], command: &clap::Command) -> Option<String> {
    let first = arguments.get(1).and_then(|first| first.to_str()).unwrap_or_default();
    let verbs = || command.get_subcommands().map(clap::Command::get_name);
    if first.starts_with('-')
        && let Some(verb) = verbs().find(|verb| arguments.iter().any(|argument| argument == verb))
    {
        return Some(format!("options follow the verb: `pasv {verb} {first}`"));
    }
    tip_of(if first == "serve" { SERVE } else { OPTIONS }, typed)
}

/// The tip of the row that has this word.
fn tip_of(table: &str, typed: &str) -> Option<String> {
    let mut rows = table.lines().filter_map(|row| row.split_once(": "));
    rows.find(|(words, _)| words.split(' ').any(|word| word == typed)).map(|(_, tip)| tip.to_owned())
}

/// How the verb of this line is used.
fn usage(arguments: &[OsString], command: &clap::Command) -> Option<StyledStr> {
    let mut command = command.clone();
    command.build();
    let verb = command.find_subcommand_mut(arguments.get(1)?)?;
    Some(verb.render_usage())
}

/// Is one a slip of the other? None in a word of two letters, one in a short word, two in a longer one.
fn is_near(typed: &str, meant: &str) -> bool {
    let most = match meant.trim_start_matches('-').len() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    strsim::osa_distance(typed, meant) <= most
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Arguments;

    fn said(arguments: &[&[u8]]) -> String {
        let all = [b"pasv".as_slice()].into_iter().chain(arguments.iter().copied());
        let all: Vec<_> = all.map(|bytes| OsString::from_vec(bytes.to_vec())).collect();
        parse::<Arguments>(&all).map_or_else(|error| error.to_string(), |_| "understood".to_owned())
    }

    /// Every verb, with arguments that are wrong in every way the parser knows.
    #[test]
    fn no_verb_shows_a_password() {
        let verbs: Vec<_> = Arguments::command().get_subcommands().map(|v| v.get_name().to_owned()).collect();
        assert!(verbs.len() > 15, "{verbs:?}");
        let texts: [&[u8]; 6] = [
            b"ftp://alice:secret@h/a",
            b"alice:secret@h",
            b"ftp://alice:x@y/secret@h/",
            b"ftp://alice:%40secret%40@h",
            b"ftp://al\xffice:secret@h\xfe",
            b"ftp://alice:secret",
        ];
        for text in texts {
            let with = |before: &[u8]| [before, text].concat();
            let mut lines =
                vec![vec![text.to_vec()], vec![b"help".to_vec(), text.to_vec()], vec![with(b"-")]];
            for verb in &verbs {
                let verb = verb.clone().into_bytes();
                for wrong in
                    [b"".as_slice(), b"-", b"--", b"-x", b"--tls=", b"--quiet=", b"--pin=", b"--nonesuch="]
                {
                    lines.push(vec![verb.clone(), with(wrong), with(wrong), with(wrong)]);
                }
                for wrong in ["--tls", "--timeout", "--listen", "--for", "--mode", "-q", "--"] {
                    lines.push(vec![verb.clone(), wrong.as_bytes().to_vec(), text.to_vec(), text.to_vec()]);
                }
            }
            for line in lines {
                let line: Vec<_> = line.iter().map(Vec::as_slice).collect();
                let said = said(&line);
                assert!(!said.contains("secret"), "{said}");
            }
        }
    }

    #[test]
    fn tips_are_for_what_is_near() {
        for (line, tip) in [
            ("del", "pasv rm"),
            ("mirror", "get -r"),
            ("download", "pasv get"),
            ("upload", "pasv put"),
            ("cp", "pasv put"),
            ("dir", "pasv ls"),
            ("open", "no interactive mode"),
            ("sync", "put -r"),
            ("sevre", "pasv serve"),
            ("doctro", "pasv doctor"),
            ("ftp://h/", "the verb comes first: `pasv get URL`"),
            ("example.org/file", "the verb comes first"),
            ("--verbose get", "options follow the verb: `pasv get --verbose`"),
            ("ls --active x", "--mode active"),
            ("ls --port x", "ftp://host:PORT/"),
            ("ls --insecur x", "--insecure"),
            ("serve --bind x", "--listen ADDRESS"),
            ("serve --password x", "--user NAME:FILE"),
            ("serve --prot 1", "--port"),
            ("serve -v", "--log-level debug"),
        ] {
            let line: Vec<_> = line.split(' ').map(str::as_bytes).collect();
            let said = said(&line);
            assert!(said.contains("tip: ") && said.contains(tip), "{said}");
        }
        for line in ["xyzzy", "ls -Z x", "ls --nonesuch x", "--nonesuch", "qs", "serve --file x"] {
            let line: Vec<_> = line.split(' ').map(str::as_bytes).collect();
            let said = said(&line);
            assert!(said.starts_with("error: ") && !said.contains("tip: "), "{said}");
            assert!(!said.contains("--failure-delay"), "{said}");
        }
        assert!(said(&[b"help", b"--help"]).contains("Usage: pasv"));
    }
}
