//! The door: argv, wiring, output and exit codes of the one program `pasv`. No protocol lives here.
#![forbid(unsafe_code)]

mod flags;
mod generate;
mod passwd;
mod ready;
mod serve;
mod talk;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// FTP that gets through: the server, the client, and the firewall's guide.
#[derive(Debug, Parser)]
#[command(name = "pasv", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Share this folder:      pasv serve\n\
                        Fetch a file:           pasv get ftp://host/path/file\n\
                        See both connections:   pasv demo")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Share a folder over FTP.
    Serve(Box<serve::Flags>),
    /// Make the line of a password file from a password.
    Passwd(passwd::Flags),
    /// Write man pages or shell completions.
    #[command(hide = true)]
    Generate(generate::Flags),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Serve(flags) => serve::run(&flags),
        Verb::Passwd(flags) => passwd::run(&flags),
        Verb::Generate(flags) => generate::run(&flags),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.say(),
    }
}
