//! How are the man pages and the shell completions made? From the one definition of the flags.
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, Command, CommandFactory, Subcommand};
use clap_complete::Shell;

use crate::Arguments;
use crate::talk::{Exit, Failure};

/// Write man pages or shell completions.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// One man page for pasv and one for each verb.
    Man {
        /// The folder they are written to.
        folder: PathBuf,
    },
    /// Completions for bash, zsh, fish, elvish and PowerShell.
    Completions {
        /// The folder they are written to.
        folder: PathBuf,
    },
}

pub(crate) fn run(flags: &Flags) -> Result<(), Failure> {
    let mut command = shown(&Arguments::command());
    command.build();
    let (What::Man { folder } | What::Completions { folder }) = &flags.what;
    let written = fs::create_dir_all(folder).and_then(|()| match &flags.what {
        What::Man { .. } => pages(&command, folder),
        What::Completions { .. } => [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell]
            .into_iter()
            .try_for_each(|shell| clap_complete::generate_to(shell, &mut command, "pasv", folder).map(drop)),
    });
    written.map_err(|e| Failure::new(Exit::Usage, format!("cannot write to {}: {e}", folder.display())))
}

/// The program without its hidden verbs, which completions would offer.
fn shown(whole: &Command) -> Command {
    let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    let bare = Command::new("pasv").args(whole.get_arguments().cloned()).subcommands(verbs);
    let bare = bare.version(env!("CARGO_PKG_VERSION")).subcommand_required(true);
    let about = whole.get_about().cloned().unwrap_or_default();
    bare.about(about).after_help(whole.get_after_help().cloned().unwrap_or_default())
}

fn pages(command: &Command, folder: &Path) -> io::Result<()> {
    let page = |command: &Command, name: &str| {
        let mut text = Vec::new();
        clap_mangen::Man::new(command.clone().display_name(name.to_owned()))
            .title(name.to_owned())
            .render(&mut text)?;
        fs::write(folder.join(format!("{name}.1")), text)
    };
    page(command, "pasv")?;
    for verb in command.get_subcommands().filter(|v| v.get_name() != "help") {
        page(verb, &format!("pasv-{}", verb.get_name()))?;
    }
    Ok(())
}
