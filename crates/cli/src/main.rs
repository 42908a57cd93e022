//! The door: argv, wiring, output and exit codes of the one program `pasv`. No protocol lives here.
#![forbid(unsafe_code)]

mod address;
mod arguments;
mod cat;
mod client_flags;
mod columns;
mod demo;
mod doctor;
mod entry;
mod firewall;
mod flags;
mod forget;
mod generate;
mod get;
mod interrupt;
mod json;
mod ls;
mod manual;
mod mkdir;
mod mv;
mod outcome;
mod passwd;
mod password;
mod picture;
mod progress;
mod put;
mod question;
mod rm;
mod serve;
mod several;
mod site;
mod stat;
mod talk;
mod trace;
mod trust;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::talk::Failure;

/// FTP server, client, firewall guide and doctor in one program.
#[derive(Debug, Parser)]
#[command(name = "pasv", version, max_term_width = 100, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(Box<serve::Flags>),
    Ls(ls::Flags),
    Get(get::Flags),
    Put(put::Flags),
    Cat(cat::Flags),
    Rm(rm::Flags),
    Mv(mv::Flags),
    Mkdir(mkdir::MakeFlags),
    Rmdir(mkdir::Flags),
    Stat(stat::Flags),
    Trace(trace::Flags),
    Demo(demo::Flags),
    Doctor(doctor::Flags),
    Forget(forget::Flags),
    Firewall(Box<firewall::Flags>),
    Passwd(passwd::Flags),
    Completions(generate::CompletionFlags),
    Man(generate::ManFlags),
    /// Write the man pages into a folder.
    #[command(hide = true)]
    Generate(generate::Flags),
}

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect::<Vec<_>>();
    if let Some(arguments) = doctor::site::arguments(&arguments) {
        return end(doctor::site::run(&arguments::read(arguments)));
    }
    let arguments: Arguments = arguments::read(arguments);
    let done = match arguments.verb {
        Verb::Serve(flags) => serve::run(&flags),
        Verb::Ls(flags) => visit(ls::run(&flags)),
        Verb::Get(flags) => visit(get::run(&flags)),
        Verb::Put(flags) => visit(put::run(&flags)),
        Verb::Cat(flags) => visit(cat::run(&flags)),
        Verb::Rm(flags) => visit(rm::run(&flags)),
        Verb::Mv(flags) => visit(mv::run(&flags)),
        Verb::Mkdir(flags) => visit(mkdir::make(&flags)),
        Verb::Rmdir(flags) => visit(mkdir::remove(&flags)),
        Verb::Stat(flags) => visit(stat::run(&flags)),
        Verb::Trace(flags) => visit(trace::run(&flags)),
        Verb::Demo(flags) => visit(demo::run(&flags)),
        Verb::Doctor(flags) => visit(doctor::run(&flags)),
        Verb::Forget(flags) => forget::run(&flags),
        Verb::Firewall(flags) => firewall::run(&flags),
        Verb::Passwd(flags) => passwd::run(&flags),
        Verb::Completions(flags) => generate::completions(&flags),
        Verb::Man(flags) => generate::man(&flags),
        Verb::Generate(flags) => generate::run(&flags),
    };
    end(done)
}

fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.say(),
    }
}

/// Runs a client's verb: one session, one thread.
fn visit(verb: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        startup::process::outlive_file_size_limit();
        verb.await
    });
    // A read of a terminal or a pipe may still wait in the blocking pool; nobody waits for it.
    runtime.shutdown_background();
    done
}
