//! Does pasv get through the networks that FTP meets?
//!
//! ```text
//!   run       rows, rules      trial                 network, relay
//!   which     what is asked    one server, one       namespaces, cables,
//!   tests     in each network  client, one network   rules, middleboxes
//! ```
//! Not run by `cargo test` but by `cargo xtask test lab`: a run needs namespaces of its own, and makes them
//! first (`isolation`). How a network is described is in the README of this crate.
#![forbid(unsafe_code)]

mod addresses;
mod cases;
mod client;
mod doctor;
mod isolation;
mod network;
mod pace;
mod relay;
mod report;
mod rows;
mod rules;
mod run;
mod site;
mod talk;
mod tools;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use run::Choice;
use tools::Tools;

const HELP: &str = "\
The networks that FTP meets, as tests.

  lab [--nightly] [--write FILE] [--jobs N] [--pasv FILE] [--peers FOLDER] [NAME...]

  --nightly   those too that take longer than ten seconds, and what others' programs do
  --write     write the table to this file
  --jobs      how many at once (12)
  --pasv      our program (the one beside this)
  --peers     where vsftpd and pure-ftpd are unpacked (peers in the target folder)
  NAME        those whose name contains it, whatever is due of them: 'epsv', 'mtu ours/ours'
";

/// They wait most of the time, so that there may be more than the machine has processors.
const JOBS: usize = 12;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let mut choice = Choice { jobs: JOBS, ..Choice::default() };
    let (mut page, mut pasv, mut peers) = (None, None, None);
    while let Some(word) = words.next() {
        let mut file = || words.next().map(PathBuf::from);
        match word.as_str() {
            "--nightly" => choice.nightly = true,
            "--write" => page = file(),
            "--pasv" => pasv = file(),
            "--peers" => peers = file(),
            "--jobs" => choice.jobs = words.next().and_then(|word| word.parse().ok()).unwrap_or(JOBS).max(1),
            word if word.starts_with('-') => {
                print!("{HELP}");
                return ExitCode::from(u8::from(!matches!(word, "-h" | "--help")) * 2);
            }
            name => choice.names.push(name.to_owned()),
        }
    }
    if let Err(why) = isolation::enter() {
        println!("skipped: lab ({why})\n0 passed, 0 failed, 1 skipped");
        return ExitCode::SUCCESS;
    }
    let pasv = pasv.unwrap_or_else(|| beside("pasv"));
    let tools = Tools { peers: peers.unwrap_or_else(|| beside("../peers")), pasv };
    if !tools.pasv.is_file() {
        eprintln!("error: {} is not there\nhint: cargo build -p cli, or --pasv FILE", tools.pasv.display());
        return ExitCode::from(2);
    }
    // A panic is how a test fails, and is told with the test's name.
    std::panic::set_hook(Box::new(|_| {}));
    let done = run::run(cases::all(&tools), &choice, &tools);
    let mut good = report::sum(&done);
    if let Some(page) = page
        && let Err(error) = report::write(&done, &page)
    {
        eprintln!("error: {}: {error}", page.display());
        good = false;
    }
    ExitCode::from(u8::from(!good))
}

/// A file beside this program.
fn beside(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap_or_default();
    let path = this.parent().unwrap_or(Path::new(".")).join(name);
    path.canonicalize().unwrap_or(path)
}
