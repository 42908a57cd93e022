//! How are the man pages and the shell completions made from the definition of the flags and the table of
//! `manual`?
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::{fs, process};

use clap::{Args, Command, CommandFactory, ValueEnum, ValueHint};
use clap_mangen::Man;

use crate::Arguments;
use crate::manual::{self, Page};
use crate::talk::{Exit, Failure, show_path, words};

/// Write the man pages into a folder, one for pasv and one for each verb: for packages.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// The folder they are written to.
    folder: PathBuf,
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub(crate) struct CompletionFlags {
    /// Shell that completes the words of pasv.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Show the manual page of pasv or of one of its verbs.
///
/// On a terminal the page is shown by man(1); otherwise its source is printed.
#[derive(Debug, Args)]
pub(crate) struct ManFlags {
    /// Verb, as in `pasv man get`; without one the page is about pasv itself.
    #[arg(value_name = "VERB", value_hint = ValueHint::Other)]
    verb: Option<String>,
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let folder = &flags.folder;
    fs::create_dir_all(folder).and_then(|()| pages(&shown(), folder)).map_err(|e| {
        Failure::new(Exit::Usage, format!("cannot write to {}: {}", show_path(folder), words(&e)))
    })
}

pub(crate) fn completions(flags: &CompletionFlags) -> Result<(), Failure> {
    let shell = match flags.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(), "pasv", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

pub(crate) fn man(flags: &ManFlags) -> Result<(), Failure> {
    let command = shown();
    let page = match flags.verb.as_deref() {
        None | Some("pasv") => page_of(&command, &command)?,
        Some(verb) => match command.find_subcommand(verb) {
            Some(found) => page_of(&command, found)?,
            None => {
                let text = format!("pasv has no verb {}", wire::pathname::show(verb.as_bytes()));
                return Err(Failure::usage(text).hint("`pasv --help` lists them"));
            }
        },
    };
    if io::stdout().is_terminal() && show_by_man(&page).unwrap_or(false) {
        return Ok(());
    }
    Ok(io::stdout().write_all(&page)?)
}

/// Has man(1) show a page; false where it cannot.
fn show_by_man(page: &[u8]) -> io::Result<bool> {
    let folder = tempfile::tempdir()?;
    // A name with a slash is a file to man-db and mandoc alike.
    let file = folder.path().join("pasv.1");
    fs::write(&file, page)?;
    process::Command::new("man").arg(&file).status().map(|status| status.success())
}

/// The program as its users see it: without its hidden verbs, which completions would offer.
fn shown() -> Command {
    let whole = manual::with_pages(Arguments::command());
    let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let bare = Command::new("pasv").args(whole.get_arguments().cloned()).subcommands(verbs);
    let bare = bare.version(env!("CARGO_PKG_VERSION")).subcommand_required(true);
    let mut bare = bare.about(whole.get_about().cloned().unwrap_or_default());
    bare.build();
    bare
}

fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    fs::write(folder.join("pasv.1"), page_of(command, command)?)?;
    for verb in command.get_subcommands().filter(|v| v.get_name() != "help") {
        fs::write(folder.join(format!("pasv-{}.1", verb.get_name())), page_of(command, verb)?)?;
    }
    Ok(())
}

/// One page. `of` is the program or one of its verbs.
fn page_of(program: &Command, of: &Command) -> io::Result<Vec<u8>> {
    let whole = of.get_name() == program.get_name();
    let name = if whole { "pasv".to_owned() } else { format!("pasv-{}", of.get_name()) };
    let source = format!("pasv {}", env!("CARGO_PKG_VERSION"));
    let usage = of.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage:").unwrap_or(&usage).trim().to_owned();
    // The short help leaves some options out; what is written about those is not to be left out here.
    let command = of.clone().mut_args(|option| option.hide_short_help(false));
    let command = command.display_name(name.clone()).override_usage(usage);
    let man = Man::new(command).title(name.to_uppercase()).source(source).manual("pasv manual");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if whole {
        verbs(program, &mut text)?;
    }
    man.render_options_section(&mut text)?;
    if let Some(page) = manual::page(if whole { "" } else { of.get_name() }) {
        sections(page, manual::own_text(of).filter(|text| *text != page.long()), &mut text)?;
    }
    writeln!(text, ".SH SEE ALSO")?;
    if whole {
        writeln!(text, ".BR ftp (1),\n.BR curl (1)")?;
    } else {
        writeln!(text, ".BR pasv (1)")?;
    }
    Ok(text)
}

fn verbs(program: &Command, text: &mut Vec<u8>) -> io::Result<()> {
    writeln!(text, ".SH COMMANDS")?;
    for verb in program.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(text, ".TP\n.BR pasv\\-{} (1)\n{}", verb.get_name(), roff(&about))?;
    }
    Ok(())
}

fn sections(page: &Page, own: Option<String>, text: &mut Vec<u8>) -> io::Result<()> {
    writeln!(text, ".SH EXAMPLES")?;
    match own {
        Some(own) => {
            // The exit codes follow from the table.
            let own = own.split("\n\nExit codes:").next().unwrap_or_default();
            writeln!(text, ".nf")?;
            for line in own.lines().skip(1) {
                writeln!(text, "{}", roff(line.strip_prefix("  ").unwrap_or(line)))?;
            }
            writeln!(text, ".fi")?;
        }
        None => {
            for (what, line) in &page.examples {
                writeln!(text, ".PP\n{}:\n.PP\n.RS 4\n.nf\n{}\n.fi\n.RE", roff(what), roff(line))?;
            }
        }
    }
    writeln!(text, ".SH EXIT STATUS")?;
    for (code, meaning) in &page.exit {
        writeln!(text, ".TP 6\n.B {code}\n{}", roff(meaning))?;
    }
    for (heading, rows) in [("ENVIRONMENT", &page.environment), ("FILES", &page.files)] {
        if rows.is_empty() {
            continue;
        }
        writeln!(text, ".SH {heading}")?;
        for (name, meaning) in rows {
            writeln!(text, ".TP\n.I {}\n{}", roff(name), roff(meaning))?;
        }
    }
    Ok(())
}

/// Text as roff reads it: no line of it is a request, and a hyphen can be copied as one.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('~', "\\(ti").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_its_sections_and_names_no_page_that_is_not_there() {
        let command = shown();
        let get = command.find_subcommand("get").unwrap();
        let page = String::from_utf8(page_of(&command, get).unwrap()).unwrap();
        for section in ["SYNOPSIS", "EXAMPLES", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "\"SEE ALSO\""] {
            let plain = format!(".SH {}\n", section.trim_matches('"'));
            assert!(page.contains(&format!(".SH {section}\n")) || page.contains(&plain), "{section}: {page}");
        }
        assert!(page.contains(&format!("pasv {}", env!("CARGO_PKG_VERSION"))), "{page}");
        assert!(
            page.contains("Client certificate (PEM)"),
            "an option that the short help leaves out: {page}"
        );
        assert!(page.contains("PASV_PASSWORD") && page.contains("known_sites"), "{page}");
        let whole = String::from_utf8(page_of(&command, &command).unwrap()).unwrap();
        assert!(
            !whole.contains("EXTRA") && !whole.contains("help (1)") && !whole.contains("generate"),
            "{whole}"
        );
    }

    #[test]
    fn text_is_not_taken_for_requests() {
        assert_eq!(roff(".so /x"), "\\&.so /x");
        assert_eq!(roff("a-b\\n 'c' ~/x"), "a\\-b\\en \\(aqc\\(aq \\(ti/x");
    }
}
