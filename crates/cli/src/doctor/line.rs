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

/// Find out why a site cannot be used from here, or with --site what is wrong at the site of this machine.
///
/// With an FTP-URL: tries everything that FTP needs, side by side, in less than 15 seconds and without privileges: the name
/// and its addresses, what answers, TLS, and a listing over EPSV, PASV, EPRT and PORT, in clear and under TLS. A password is
/// said in clear only with --clear.
///
/// With --site, on the machine that serves a site or is to: takes the flags of `pasv serve`, and looks whether they go
/// together, who else has its ports, whether this machine's own connections may take its passive ports, which address clients
/// are told, whether its certificates are good, whether port 80 is free for --acme, whether active mode can work, and whether
/// this machine's firewall lets all that through (root can read its rules). Run it as the user who serves, and as root for the
/// firewall.
///
/// The first line is the answer; evidence, what to do, and what is not known follow.
#[derive(Args, Debug)]
#[group(skip)]
#[command(mut_args(grouped))]
#[command(override_usage = "pasv doctor [OPTIONS] <FTP-URL>\n       pasv doctor --site [OPTIONS] [DIR]")]
#[command(after_help = "Why does it fail from here:              pasv doctor ftp://host/\n\
                        Is my site set up well:                  pasv doctor --site --listen 21\n\n\
                        With --site all flags of `pasv serve` are taken; those shown above are the ones that matter here.\n\
                        Exit codes: 0 all is well, or nothing that is wrong here was found; 1 something hinders, the site\n\
                        refuses, or (--site) something is wrong; 2 a wrong command line; 3 nothing gets through")]
struct Line {
    /// Site to look at. A path names the directory for listings and files.
    #[arg(value_name = "FTP-URL")]
    url: Option<String>,
    /// Look at the site of this machine, that `pasv serve` makes with the same flags.
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
            .help("Store a small file of a name of our own three times, have it proven by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`")
            .help_heading(VISIT),
        "tls" => argument
            .help("TLS: off, offered or required, as for all client verbs. With --site: as for `pasv serve`")
            .help_heading(VISIT),
        "cert" => argument
            .help("Our own certificate (PEM), for a site that asks for one. With --site: that of the site, as for `pasv serve`")
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
                let mut shown = serve.certificates().map(|(cert, key)| (cert.to_owned(), key.to_owned()));
                let (identity, write) = (shown.next(), serve.write());
                drop(shown);
                let tls = tls.and_then(|mode| TlsFlag::from_str(&mode, true).ok());
                Self::Visit(Box::new(Visit { url, json, write, tls, identity, options: visit }))
            }
            // With --site the one word is the folder, as for `pasv serve`.
            folder => {
                serve.share(folder.map(Into::into));
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
            "an FTP-URL says at which site to look from here, --site to look at the site of this machine"
                .to_owned(),
        )),
        (true, true) => conflict(
            "--site looks at the site of this machine, and an FTP-URL at one from here: give one of the two"
                .to_owned(),
        ),
        (true, false) => match first(ids::<serve::Flags>()) {
            Some(id) if id == "dir" => conflict("one FTP-URL at a time".to_owned()),
            Some(id) => conflict(format!("--{} says how a site is served: it goes with --site", flag(&id))),
            None if in_site_only(matches) => conflict(
                "--tls required-data is for --site: a client says off, offered or required".to_owned(),
            ),
            None => matches
                .get_many::<std::path::PathBuf>("cert")
                .filter(|shown| shown.len() > 1)
                .and_then(|_| conflict("a site is shown one --cert".to_owned())),
        },
        (false, true) => first(ids::<super::Options>()).and_then(|id| {
            conflict(format!(
                "--{} is for a look from here: it goes with an FTP-URL, not with --site",
                flag(&id)
            ))
        }),
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
            ("", "error: an FTP-URL says at which site"),
            ("--json", "error: an FTP-URL says at which site"),
            ("--listen 21", "error: an FTP-URL says at which site"),
            ("ftp://x/ --site", "give one of the two"),
            ("ftp://x/ --listen 21", "error: --listen says how a site is served: it goes with --site"),
            ("ftp://x/ --active-port 20", "error: --active-port says how"),
            (
                "--site --slow",
                "error: --slow is for a look from here: it goes with an FTP-URL, not with --site",
            ),
            ("ftp://x/ --tls required-data", "--tls required-data is for --site"),
            ("--site --password-file x", "error: --password-file is for"),
        ] {
            let said = read(line).unwrap_err();
            assert!(said.contains(words) && said.contains("Usage: pasv doctor"), "{line}: {said}");
            assert!(!said.contains("doctor-site"), "{line}: {said}");
        }
    }
}
