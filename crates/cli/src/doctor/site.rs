//! `pasv doctor --site`: what is wrong with the server of this machine?
use std::ffi::OsString;

use clap::Parser;
use doctor::site::{Target, examine};

use super::report;
use crate::serve;
use crate::talk::Failure;

/// Check the server of this machine, as `pasv serve` runs it with the same flags.
///
/// Checks whether the flags fit together, which other program uses the ports, whether outgoing connections of
/// this machine may use the passive ports, which address clients get, whether the certificates are good,
/// whether port 80 is free for --acme, whether active mode can work, and whether the firewall of this machine
/// lets all that through (root can read its rules). Run it as the user who serves, and as root for the
/// firewall.
///
/// The first line is the answer; evidence, what to do, and what is unclear follow.
#[derive(Debug, Parser)]
#[group(skip)]
#[command(name = "pasv doctor --site", bin_name = "pasv doctor --site", max_term_width = 100)]
#[command(after_help = EXIT, after_long_help = EXIT)]
pub(crate) struct Flags {
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    serve: serve::Flags,
}

const EXIT: &str = "Exit codes: 0 no errors, 1 an error was found, 2 wrong command line";

/// The arguments of [`Flags`], where `pasv doctor` is called with `--site`: a verb of its own, spelled as a
/// flag.
pub(crate) fn arguments(all: &[OsString]) -> Option<Vec<OsString>> {
    let (program, rest) = all.split_first()?;
    let (verb, rest) = rest.split_first()?;
    let flags = rest.iter().take_while(|argument| *argument != "--");
    if verb != "doctor" || !flags.into_iter().any(|argument| argument == "--site") {
        return None;
    }
    let rest = rest.iter().filter(|argument| *argument != "--site");
    Some(std::iter::once(program).chain(rest).cloned().collect())
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let config = flags.serve.config()?;
    let report = examine(&Target {
        own_certificate: client::memory::folder().map(|folder| folder.join("certificate.pem")),
        obtained: client::memory::folder()
            .zip(config.tls.acme.names.first())
            .and_then(|(folder, name)| acme::saved(&folder, &config.tls.acme.directory, name)),
        config,
    });
    report::print(&report, flags.json.then(|| report.json()), || doctor::text::checklist(&report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_may_stand_anywhere_and_is_a_verb_of_its_own() {
        let of = |line: &str| {
            let all: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            arguments(&all).map(|rest| Flags::try_parse_from(rest).map_err(|error| error.to_string()))
        };
        assert!(of("pasv doctor ftp://x/ --json").is_none());
        assert!(of("pasv serve --site").is_none());
        for line in [
            "pasv doctor --site --cert a --key a --cert b --key b",
            "pasv doctor --site --write --listen 21 --quiet",
            "pasv doctor --listen 21 --json --site",
            "pasv doctor --site /srv/files -p 21",
        ] {
            let flags = of(line).unwrap().unwrap();
            assert_eq!(flags.json, line.contains("--json"), "{line}");
        }
        let said = of("pasv doctor --site --slow").unwrap().unwrap_err();
        assert!(said.contains("--slow") && said.contains("Usage: pasv doctor --site"), "{said}");
    }
}
