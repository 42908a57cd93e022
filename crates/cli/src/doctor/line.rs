//! Which of its two looks is asked of `pasv doctor`: from here at a site, or on a machine at its own site?
//!
//! Both are one verb for who types it, with one help. Their flags are two sets that may not be mixed, which is found out while
//! the line is read: what comes out of it is the one or the other.
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, ValueEnum as _};

use super::Visit;
use crate::client_flags::TlsFlag;
use crate::serve;

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Flags {
    /// `pasv doctor FTP-URL`.
    Visit(Box<Visit>),
    /// `pasv doctor --site`.
    Site(Box<serve::doctor::Flags>),
}

/// Both of its own: the flags of `serve` below would leave theirs otherwise.
const EXAMPLES: &str = "Examples:\n  \
    pasv doctor ftp://host/                            why it fails from here\n  \
    pasv doctor --write ftp://alice@host/incoming/     uploads too\n  \
    pasv doctor --transcript host.txt ftp://host/      the whole dialogue, for the administrator\n  \
    pasv doctor --site --listen 21 --active-port 20    check the server of this machine\n\n\
    With --site all flags of `pasv serve` are accepted; those that matter here are shown above.\n\n\
    Exit codes:\n  \
    0 all is well, or no errors   1 something fails, the server refuses, or (--site) an error was found\n  \
    2 wrong command line   3 nothing works, or the certificate is refused";

/// Diagnose a server from here, or with --site this machine's own server.
///
/// With an FTP-URL: tests everything that FTP needs, at the same time, in less than 15 seconds and without privileges: the name
/// and its addresses, what answers, TLS, and a listing by EPSV, PASV, EPRT and PORT, unencrypted and under TLS. A password is
/// sent unencrypted only with --clear.
///
/// With --site, on the machine that runs the server: takes the flags of `pasv serve`, and checks whether they fit together,
/// which other program uses the ports, whether outgoing connections of this machine may use the passive ports, which address
/// clients get, whether the certificates are good, whether port 80 is free for --acme, whether active mode can work, and
/// whether the firewall of this machine lets all that through (root can read its rules). Run it as the user who serves, and as
/// root for the firewall.
///
/// The first line is the answer; evidence, what to do, and what is unclear follow.
#[derive(Args, Debug)]
#[group(skip)]
#[command(mut_args(grouped))]
#[command(override_usage = "pasv doctor [OPTIONS] <FTP-URL>\n       pasv doctor --site [OPTIONS]")]
#[command(after_help = EXAMPLES, after_long_help = EXAMPLES)]
struct Line {
    /// Server to test. A path is the directory for listings and files.
    #[arg(value_name = "FTP-URL")]
    url: Option<String>,
    /// Check the server of this machine, as `pasv serve` runs it with the same flags.
    #[arg(long)]
    site: bool,
    /// One JSON object on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    visit: super::Options,
    #[command(flatten)]
    serve: serve::Flags,
}

/// The flags of `serve` that are looked at; the others are taken and not shown.
const MATTER: [&str; 16] = [
    "dir",
    "user",
    "listen",
    "port",
    "listen_tls",
    "passive_ports",
    "external",
    "proxy_from",
    "no_passive",
    "no_active",
    "active_port",
    "acme",
    "acme_listen",
    "max_sessions",
    "max_sessions_per_address",
    "port_wait",
];

/// What belongs to both looks. Some flags have the same name in both: there the site says who may write, and what it shows.
const SHARED: [&str; 6] = ["json", "write", "tls", "cert", "key", "help"];

fn grouped(argument: Arg) -> Arg {
    const SITE: &str = "With --site, as for `pasv serve`";
    const VISIT: &str = "With an FTP-URL";
    match argument.get_id().as_str() {
        "write" => argument
            .help("Upload a small test file three times, check it by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`")
            .help_heading(VISIT),
        "tls" => argument
            .help("TLS: off, offered or required, as for all client verbs. With --site: as for `pasv serve`")
            .help_heading(VISIT),
        "cert" => argument
            .help("Client certificate (PEM), for servers that require one. With --site: that of the server, as for `pasv serve`")
            .help_heading(VISIT),
        "key" => argument.help("Its private key (PEM); it may be in the same file").help_heading(VISIT),
        "url" | "site" | "json" | "help" => argument,
        name if MATTER.contains(&name) => argument.help_heading(SITE),
        name if ids::<super::Options>().iter().any(|known| known == name) => argument.help_heading(VISIT),
        _ => argument.hide(true),
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        Line::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Line::augment_args_for_update(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        if let Some((kind, words)) = mixed(matches) {
            // In the words of this verb: for the program as a whole the usage would be another.
            let mut verb = Line::augment_args(Command::new("pasv doctor"));
            return Err(Error::raw(kind, words).format(&mut verb));
        }
        let tls = matches.value_source("tls").filter(|from| *from == ValueSource::CommandLine);
        let tls = tls.and_then(|_| matches.get_raw("tls")?.next()?.to_str()).map(str::to_owned);
        let Line { url, site, json, visit, mut serve } = Line::from_arg_matches_mut(matches)?;
        Ok(match url {
            Some(url) if !site => {
                let (identity, write) = (serve.certificate(), serve.share.write);
                let tls = tls.and_then(|mode| TlsFlag::from_str(&mode, true).ok());
                Self::Visit(Box::new(Visit { url, json, write, tls, identity, options: visit }))
            }
            // With --site the one word is the folder, as for `pasv serve`.
            folder => {
                serve.share.dir = serve.share.dir.take().or(folder.map(Into::into));
                Self::Site(Box::new(serve::doctor::Flags { json, site: serve }))
            }
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What of the line does not go together.
fn mixed(matches: &ArgMatches) -> Option<(ErrorKind, String)> {
    // What the environment says is for whom it concerns.
    let given = |id: &String| matches.value_source(id) == Some(ValueSource::CommandLine);
    let first = |ids: Vec<String>| ids.into_iter().filter(|id| !SHARED.contains(&id.as_str())).find(given);
    let conflict = |words| Some((ErrorKind::ArgumentConflict, words));
    let word = matches.get_one::<String>("url").filter(|_| given(&"url".to_owned()));
    let is_site = given(&"site".to_owned());
    let url = word.is_some_and(|word| !is_site || word.contains("://"));
    match (url, is_site) {
        (false, false) => Some((
            ErrorKind::MissingRequiredArgument,
            "give an FTP-URL to test a server from here, or --site to check the server of this machine"
                .to_owned(),
        )),
        (true, true) => conflict(
            "--site checks the server of this machine, an FTP-URL one from here: give one of the two"
                .to_owned(),
        ),
        (true, false) => match first(ids::<serve::Flags>()) {
            Some(id) if id == "dir" => conflict("one FTP-URL at a time".to_owned()),
            Some(id) => conflict(format!("--{} is a flag of the server: use it with --site", flag(&id))),
            None if in_site_only(matches) => {
                conflict("--tls required-data is for --site: use off, offered or required here".to_owned())
            }
            None => matches
                .get_many::<std::path::PathBuf>("cert")
                .filter(|shown| shown.len() > 1)
                .and_then(|_| conflict("only one --cert can be given".to_owned())),
        },
        (false, true) => first(ids::<super::Options>())
            .and_then(|id| conflict(format!("--{} goes with an FTP-URL, not with --site", flag(&id)))),
    }
}

/// Does --tls say what only a site can be told?
fn in_site_only(matches: &ArgMatches) -> bool {
    matches.get_raw("tls").is_some_and(|mut words| words.any(|word| word == "required-data"))
}

/// The names of all flags of a set.
fn ids<F: Args>() -> Vec<String> {
    let set = F::augment_args(Command::new("set"));
    set.get_arguments().map(|argument| argument.get_id().to_string()).collect()
}

/// As it is typed: all of them are long, and named as they are here.
fn flag(id: &str) -> String {
    id.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Whole {
        #[command(flatten)]
        flags: Flags,
    }

    fn read(line: &str) -> Result<Flags, String> {
        let words = std::iter::once("doctor").chain(line.split_whitespace());
        Whole::try_parse_from(words).map(|whole| whole.flags).map_err(|error| error.to_string())
    }

    #[test]
    fn each_look_has_its_flags() {
        assert!(
            matches!(read("ftp://x/ --write --json --slow"), Ok(Flags::Visit(visit)) if visit.write && visit.json)
        );
        let off = read("ftp://x/ --tls off");
        assert!(matches!(off, Ok(Flags::Visit(visit)) if visit.tls == Some(TlsFlag::Off)));
        assert!(matches!(read("ftp://x/"), Ok(Flags::Visit(visit)) if visit.tls.is_none()));
        let shown = read("ftp://x/ --cert mine.pem --key mine.pem");
        assert!(matches!(shown, Ok(Flags::Visit(visit)) if visit.identity.is_some()));
        assert!(read("ftp://x/ --cert a --key a --cert b --key b").is_err());
        assert!(matches!(read("--site --cert a --key a --cert b --key b"), Ok(Flags::Site(_))));
        assert!(matches!(read("--site --write --listen 21 --quiet"), Ok(Flags::Site(site)) if !site.json));
        assert!(matches!(read("--listen 21 --json --site"), Ok(Flags::Site(site)) if site.json));
        assert!(matches!(read("--site /srv/files -p 21"), Ok(Flags::Site(_))));
        assert!(read("ftp://x/ ftp://y/").unwrap_err().contains("one FTP-URL at a time"));
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_a_sentence() {
        for (line, words) in [
            ("", "error: give an FTP-URL to test a server"),
            ("--json", "error: give an FTP-URL to test a server"),
            ("--listen 21", "error: give an FTP-URL to test a server"),
            ("ftp://x/ --site", "give one of the two"),
            ("ftp://x/ --listen 21", "error: --listen is a flag of the server: use it with --site"),
            ("ftp://x/ --active-port 20", "error: --active-port is a flag of the server"),
            ("--site --slow", "error: --slow goes with an FTP-URL, not with --site"),
            ("ftp://x/ --tls required-data", "--tls required-data is for --site"),
            ("--site --password-file x", "--password-file goes with"),
        ] {
            let said = read(line).unwrap_err();
            assert!(said.contains(words) && said.contains("Usage: pasv doctor"), "{line}: {said}");
            assert!(!said.contains("doctor-site"), "{line}: {said}");
        }
    }
}
