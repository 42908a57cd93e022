//! What stands in the help and in the manual page of a verb beside its options: examples, exit codes, files,
//! environment?
//!
//! One table for both, so that they say the same.
use std::fmt::Write as _;

use clap::Command;

/// What is said of one verb.
pub(crate) struct Page {
    /// The verb; empty for the program itself.
    pub(crate) verb: &'static str,
    /// What it does, and the line that does it.
    pub(crate) examples: &'static [(&'static str, &'static str)],
    pub(crate) exit: &'static [(u8, &'static str)],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    pub(crate) files: &'static [(&'static str, &'static str)],
}

const CLIENT_EXIT: &[(u8, &str)] = &[
    (0, "success"),
    (1, "the server refused something, or not everything was done"),
    (2, "the command line is wrong, or a local file cannot be used"),
    (3, "could not connect, or not securely"),
    (4, "the connection was lost, or a transfer failed"),
    (130, "interrupted by Ctrl-C"),
];
const LOCAL_EXIT: &[(u8, &str)] =
    &[(0, "success"), (1, "not done"), (2, "the command line is wrong, or a local file cannot be used")];

const CLIENT_ENVIRONMENT: &[(&str, &str)] = &[
    (
        "PASV_PASSWORD",
        "Password, where neither the URL nor an option gives one. It is not used for anonymous logins.",
    ),
    ("NETRC", "File to read in place of ~/.netrc."),
    ("XDG_STATE_HOME", "Directory of pasv/known_sites and pasv/ways, if not ~/.local/state."),
    ("NO_COLOR", "If set and not empty, nothing is coloured."),
];
const SERVER_ENVIRONMENT: &[(&str, &str)] =
    &[("XDG_STATE_HOME", "Directory of what the server keeps, if not ~/.local/state.")];

const CLIENT_FILES: &[(&str, &str)] = &[
    ("~/.netrc", "Users and passwords by host. It should be readable by its owner only (chmod 600)."),
    (
        "~/.local/state/pasv/known_sites",
        "Certificates of servers, by host and port. `pasv forget` removes lines.",
    ),
    ("~/.local/state/pasv/ways", "Which mode of data connections worked, by server and network."),
    ("~/.local/state/pasv/uploads/", "Records of interrupted uploads, for `pasv put -c`."),
];
const SERVER_FILES: &[(&str, &str)] =
    &[("~/.local/state/pasv/", "The certificate that is made at the first start, and those of --acme.")];

const fn client(verb: &'static str, examples: &'static [(&'static str, &'static str)]) -> Page {
    Page { verb, examples, exit: CLIENT_EXIT, environment: CLIENT_ENVIRONMENT, files: CLIENT_FILES }
}

const fn local(verb: &'static str, examples: &'static [(&'static str, &'static str)]) -> Page {
    Page { verb, examples, exit: LOCAL_EXIT, environment: &[], files: &[] }
}

/// All of them. The first examples are shown by `-h` too.
pub(crate) const PAGES: &[Page] = &[
    client(
        "",
        &[
            ("Share this folder", "pasv serve"),
            ("Download a file", "pasv get ftp://host/path/file"),
            ("Find out why a server cannot be used", "pasv doctor ftp://host/"),
            ("Print firewall rules for a server", "pasv firewall"),
            ("See both connections of a transfer", "pasv demo"),
        ],
    ),
    Page {
        verb: "serve",
        examples: &[
            ("Share this folder, read-only", "pasv serve"),
            ("Let anyone on the network upload as well", "pasv serve --write ~/incoming"),
            (
                "Require a password",
                "pasv passwd > alice.password && pasv serve --write --user alice:alice.password",
            ),
            ("With a certificate of Let's Encrypt", "pasv serve --acme ftp.example.org /srv/ftp"),
        ],
        exit: &[
            (0, "stopped"),
            (1, "could not start, for example because a port is in use"),
            (2, "the command line is wrong, or a file or folder cannot be used"),
        ],
        environment: SERVER_ENVIRONMENT,
        files: SERVER_FILES,
    },
    client(
        "ls",
        &[
            ("List a directory", "pasv ls ftp://ftp.example.org/pub/"),
            ("As JSON, for programs", "pasv ls --json ftp://ftp.example.org/pub/"),
            ("The newest first, with readable sizes", "pasv ls -t --human ftp://ftp.example.org/pub/"),
            ("A whole tree, names only", "pasv ls -r -1 ftp://ftp.example.org/pub/"),
        ],
    ),
    client(
        "get",
        &[
            ("Download a file", "pasv get ftp://ftp.example.org/pub/tool.iso"),
            ("Resume a download", "pasv get -c ftp://ftp.example.org/pub/tool.iso"),
            (
                "Download a directory tree into ~/backup",
                "pasv get -r -O ~/backup ftp://alice@example.org/photos/",
            ),
            ("Save under another name", "pasv get -o latest.iso ftp://ftp.example.org/pub/tool.iso"),
        ],
    ),
    client(
        "put",
        &[
            ("Upload files into a directory", "pasv put a.txt b.txt ftp://alice@example.org/incoming/"),
            ("Upload under another name", "pasv put a.txt ftp://alice@example.org/incoming/c.txt"),
            ("Upload a directory tree", "pasv put -r photos ftp://alice@example.org/"),
            (
                "Upload what another program prints",
                "tar c photos | pasv put - ftp://alice@example.org/photos.tar",
            ),
        ],
    ),
    client("cat", &[("Print a file", "pasv cat ftp://ftp.example.org/pub/README")]),
    client(
        "rm",
        &[
            ("Delete a file", "pasv rm ftp://alice@example.org/old.txt"),
            ("Delete a directory tree", "pasv rm -r ftp://alice@example.org/old/"),
        ],
    ),
    client(
        "mv",
        &[
            ("Rename a file", "pasv mv ftp://alice@example.org/pub/a.txt b.txt"),
            (
                "Move it into a directory",
                "pasv mv ftp://alice@example.org/a.txt ftp://alice@example.org/old/",
            ),
        ],
    ),
    client("mkdir", &[("Create a directory and its parents", "pasv mkdir -p ftp://alice@example.org/a/b/c")]),
    client("rmdir", &[("Remove an empty directory", "pasv rmdir ftp://alice@example.org/old")]),
    client(
        "stat",
        &[
            ("Show size and time of a file", "pasv stat ftp://ftp.example.org/pub/tool.iso"),
            ("As JSON, for programs", "pasv stat --json ftp://ftp.example.org/pub/tool.iso"),
        ],
    ),
    client(
        "trace",
        &[
            ("Draw a download", "pasv trace ftp://ftp.example.org/pub/README"),
            ("Draw a listing in active mode", "pasv trace --mode active ftp://ftp.example.org/pub/"),
        ],
    ),
    local("demo", &[("Draw a passive and an active transfer", "pasv demo")]),
    Page {
        verb: "doctor",
        examples: &[
            ("Find out why a server cannot be used from here", "pasv doctor ftp://ftp.example.org/"),
            (
                "With a login, and a record for the administrator",
                "pasv doctor --transcript ftp.log ftp://alice@example.org/",
            ),
            ("Check a server on the machine that it runs on", "pasv doctor --site --listen 21"),
        ],
        exit: &[
            (0, "all is well, or nothing is wrong on this side"),
            (1, "something does not work or is refused"),
            (2, "the command line is wrong, or a local file cannot be used"),
            (3, "no connection is possible"),
        ],
        environment: CLIENT_ENVIRONMENT,
        files: CLIENT_FILES,
    },
    Page {
        files: &[CLIENT_FILES[1], CLIENT_FILES[2]],
        environment: &[CLIENT_ENVIRONMENT[2]],
        ..local(
            "forget",
            &[
                ("Forget all ports of a host", "pasv forget ftp.example.org"),
                ("Forget one port", "pasv forget ftp.example.org:990"),
            ],
        )
    },
    Page {
        exit: &[
            (0, "success; with --check, nothing is missing and nothing too wide"),
            (1, "not done; with --check, something is missing or too wide"),
            (2, "the command line is wrong"),
            (3, "the rules of this machine cannot be read"),
        ],
        ..local(
            "firewall",
            &[
                ("Print the rules for this machine", "pasv firewall"),
                ("With reasons and a drawing", "pasv firewall --explain"),
                (
                    "For a router in front of the server",
                    "pasv firewall --for nftables-router --inside 192.168.1.2",
                ),
                ("Look, ask and load them (nftables)", "pasv firewall --apply"),
            ],
        )
    },
    local("passwd", &[("Create a password file", "pasv passwd > alice.password")]),
    local(
        "completions",
        &[
            (
                "For bash, for this user",
                "pasv completions bash > ~/.local/share/bash-completion/completions/pasv",
            ),
            ("For zsh, into a directory of $fpath", "pasv completions zsh > ~/.zfunc/_pasv"),
            ("For fish", "pasv completions fish > ~/.config/fish/completions/pasv.fish"),
        ],
    ),
    local("man", &[("Read the page of a verb", "pasv man get"), ("Save it", "pasv man get > pasv-get.1")]),
];

/// The page of a verb.
pub(crate) fn page(verb: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.verb == verb)
}

/// The program with what the table says below the options of its help.
pub(crate) fn with_pages(command: Command) -> Command {
    // `pasv doctor --site` is parsed by itself, and has its own text.
    if !command.has_subcommands() {
        return command;
    }
    PAGES.iter().fold(command, |command, page| match page.verb {
        "" => below(command, page),
        verb => command.mut_subcommand(verb, |command| below(command, page)),
    })
}

/// What a verb itself says below its options, where that has examples: it knows better than the table.
pub(crate) fn own_text(command: &Command) -> Option<String> {
    let text = command.get_after_long_help().or(command.get_after_help())?.to_string();
    text.starts_with("Examples:").then_some(text)
}

fn below(command: Command, page: &Page) -> Command {
    if own_text(&command).is_some() {
        return command;
    }
    command.after_help(page.short()).after_long_help(page.long())
}

impl Page {
    fn short(&self) -> String {
        let shown: usize = if self.verb.is_empty() { self.examples.len() } else { 2 };
        let lines = self.examples.iter().take(shown).map(|(_, line)| format!("\n  {line}"));
        format!("Examples:{}", lines.collect::<String>())
    }

    /// What `--help` shows.
    pub(crate) fn long(&self) -> String {
        let mut text = "Examples:".to_owned();
        for (what, line) in self.examples {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {what}:\n      {line}");
        }
        text.push_str("\n\nExit codes:");
        for (code, meaning) in self.exit {
            let _ = write!(text, "\n  {code:>3}  {meaning}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::Arguments;

    #[test]
    fn every_verb_has_its_page_and_no_page_is_of_none() {
        let command = Arguments::command();
        let shown: Vec<_> =
            command.get_subcommands().filter(|v| !v.is_hide_set()).map(Command::get_name).collect();
        for verb in &shown {
            assert!(page(verb).is_some_and(|page| !page.examples.is_empty()), "{verb}");
        }
        assert_eq!(PAGES.len(), shown.len() + 1);
    }

    /// Their flags hold those of `serve`, whose text must not come along.
    #[test]
    fn verbs_with_the_flags_of_the_server_keep_their_own_examples() {
        let mut command = with_pages(Arguments::command());
        command.build();
        for verb in ["doctor", "firewall"] {
            let command = command.find_subcommand_mut(verb).unwrap();
            for help in [command.render_help().to_string(), command.render_long_help().to_string()] {
                assert!(help.contains(&format!("  pasv {verb} ")), "{verb}: {help}");
                assert!(
                    !help.contains("\n  pasv serve") && !help.contains("pasv serve --help"),
                    "{verb}: {help}"
                );
                assert_eq!(help.matches("Exit codes:").count(), 1, "{verb}: {help}");
            }
        }
    }

    /// What the examples show can be typed.
    #[test]
    fn the_parser_understands_every_example() {
        for (_, line) in PAGES.iter().flat_map(|page| page.examples) {
            let line = line.rsplit(['|', '&']).next().unwrap().split('>').next().unwrap();
            let words: Vec<_> = line.split_whitespace().map(std::ffi::OsString::from).collect();
            let read = match crate::doctor::site::arguments(&words) {
                Some(words) => crate::doctor::site::Flags::command().try_get_matches_from(words),
                None => Arguments::command().try_get_matches_from(words),
            };
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
        }
    }

    #[test]
    fn short_help_fits_a_screen_and_nothing_is_wider_than_eighty_columns() {
        for verb in PAGES
            .iter()
            .map(|page| page.verb)
            .filter(|verb| !matches!(*verb, "serve" | "doctor" | "firewall"))
        {
            let mut command = with_pages(Arguments::command()).term_width(80);
            command.build();
            let command = match verb {
                "" => &mut command,
                verb => command.find_subcommand_mut(verb).unwrap(),
            };
            let short = command.render_help().to_string();
            assert!(short.lines().count() <= 48, "{verb}: {}\n{short}", short.lines().count());
            let long = command.render_long_help().to_string();
            let widest = long.lines().chain(short.lines()).max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= 90, "{widest}");
            assert!(verb.is_empty() || long.contains("Examples:") && long.contains("Exit codes:"), "{long}");
        }
    }
}
