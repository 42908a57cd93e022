//! `pasv doctor`: why does FTP fail here, and what helps?
use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use client::{Endpoint, TlsMode};
use doctor::remote::{Facts, Target, diagnose, examine_watched};
use doctor::{Finding, Report, Verdict, Weight};
use serde_json::{Value, json};
use wire::url::{FtpUrl, Scheme};

use crate::client_flags::{Talk, TlsFlag, TlsFlags};
use crate::columns::{self, columns, wrap};
use crate::password::{LoginFlags, credentials};
use crate::site;
use crate::talk::{Exit, Failure, say, show_path};
use crate::trust::policy;

mod line;
mod spinner;

pub(crate) use line::Flags;
use spinner::Spinner;

/// A report of a server from here.
#[derive(Debug)]
pub(crate) struct Visit {
    url: String,
    json: bool,
    write: bool,
    tls: Option<TlsFlag>,
    /// Our own certificate and its key, for a site that asks for one.
    identity: Option<(PathBuf, PathBuf)>,
    options: Options,
}

#[derive(Args, Debug)]
#[group(skip)]
struct Options {
    /// Write the whole dialogue to this file, passwords masked, for the server's administrator.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Send the password unencrypted too, to test both; an anonymous login is always tested unencrypted.
    #[arg(long)]
    clear: bool,

    /// Find idle time-outs too: leaves control connections idle for up to 5 minutes.
    #[arg(long)]
    slow: bool,

    /// Read the password from the first line of this file; - is stdin.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated.
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Vec<net::tls::Fingerprint>,

    /// Accept an untrusted certificate: a man in the middle can read the password.
    ///
    /// One that has changed since the last visit is refused all the same: see `pasv forget`.
    #[arg(long)]
    insecure: bool,
}

/// How long control connections are left alone with `--slow`: what NATs and servers are usually set to.
const IDLE: [u64; 4] = [30, 60, 120, 300];

pub(crate) async fn run(visit: &Visit) -> Result<(), Failure> {
    let Visit { json, options: flags, .. } = visit;
    let url = site::url(&visit.url)?;
    let target = target(visit, &url)?;
    // Before minutes are spent, and never over a file that is there.
    let mut transcript = flags.transcript.as_deref().map(open).transpose()?;
    let spinner = Spinner::start(&target.site.host);
    let (facts, said) = examine_watched(&spinner.over(target), spinner.watch()).await;
    spinner.end();
    let report = diagnose(&facts);
    if let (Some(file), Some(path)) = (&mut transcript, &flags.transcript) {
        let head = heading(&url, &report);
        let text = said.iter().fold(head, |text, line| text + line + "\n");
        file.write_all(text.as_bytes()).map_err(|error| Failure::file(path, &error))?;
        say(format_args!("transcript: {}", show_path(path)));
    }
    let mut out = io::stdout();
    if *json {
        writeln!(out, "{}", crate::json::line(&object(&facts, &report)))?;
    } else {
        for line in lines_of(&url, &report, width()) {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    match exit(&report) {
        Exit::Done => Ok(()),
        other => Err(Failure::told(other)),
    }
}

/// For a reader who has nothing but the transcript.
fn heading(url: &FtpUrl, report: &Report) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let at = wire::Stamp::from_seconds(i64::try_from(now).unwrap_or(i64::MAX)).civil();
    format!(
        "# pasv {} doctor {}://{}/, ended {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC\n# {}\n\
         # seconds from the start; the probe; > sent, < received, * seen. Passwords are ***.\n",
        env!("CARGO_PKG_VERSION"),
        scheme(url),
        address(url),
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        report.verdict.sentence
    )
}

fn open(path: &Path) -> Result<std::fs::File, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} exists already, and is not overwritten", show_path(path)))
                .hint("give --transcript another name, or delete that file")
        }
        _ => Failure::file(path, &error),
    })
}

fn target(visit: &Visit, url: &FtpUrl) -> Result<Target, Failure> {
    let Visit { write, options: flags, .. } = visit;
    // The doctor tries all modes itself; of what the other verbs share only the trust counts.
    let talk = Talk {
        charset: None,
        verbose: false,
        quiet: false,
        mode: client::Mode::Auto,
        data_port: client::DataPort::Any,
        timeout: Duration::from_secs(15),
        stall: Duration::from_secs(15),
        login: LoginFlags::with_file(flags.password_file.clone()),
        tls: TlsFlags {
            tls: visit.tls,
            pin: flags.pin.clone(),
            insecure: flags.insecure,
            tls_end: client::TlsEnd::Strict,
            cert: visit.identity.as_ref().map(|(cert, _)| cert.clone()),
            key: visit.identity.as_ref().map(|(_, key)| key.clone()),
        },
    };
    let credentials = credentials(url, &talk.login)?.credentials;
    let anonymous = credentials.is_anonymous();
    // As all client verbs do before a password is sent. Otherwise nothing is asked and nothing is remembered.
    let policy = policy(url, &talk, !anonymous)?;
    let plain = url.scheme == Scheme::Ftp && matches!(visit.tls, None | Some(TlsFlag::Offered));
    Ok(Target {
        site: Endpoint { host: url.host.to_string(), port: policy.port },
        implicit: policy.mode == TlsMode::Implicit,
        credentials,
        clear: policy.mode == TlsMode::Off || (anonymous || flags.clear) && plain,
        tls: policy.mode != TlsMode::Off,
        seen: policy.seen(),
        identity: policy.security.as_ref().and_then(|security| security.settings.identity.clone()),
        trust: policy.security,
        directory: site::path(url)?,
        write: *write,
        idle: if flags.slow { IDLE.map(Duration::from_secs).to_vec() } else { Vec::new() },
    })
}

fn exit(report: &Report) -> Exit {
    let verdict = &report.verdict;
    match (verdict.weight, verdict.verdict) {
        (Weight::Note | Weight::Fine, _) => Exit::Done,
        (Weight::Hinders, _)
        | (_, Verdict::LoginRefused | Verdict::TlsRequired | Verdict::TurnedAway | Verdict::UploadFails) => {
            Exit::Refused
        }
        (Weight::Blocks, _) => Exit::Unreachable,
    }
}

/// What a person reads: the answer, why, what to do, what to use.
fn lines_of(url: &FtpUrl, report: &Report, width: usize) -> Vec<String> {
    let wrap = |line: &str, indent: &str| {
        let rest = if indent.is_empty() { "" } else { "      " };
        wrap(line, indent, rest, width)
    };
    let mut lines = wrap(&report.verdict.sentence, "");
    coloured(&mut lines, report.verdict.weight);
    lines.extend(report.verdict.detail.iter().flat_map(|detail| wrap(detail, "")));
    let section = |lines: &mut Vec<String>, title: &str, inner: Vec<String>| {
        if !inner.is_empty() {
            lines.push(String::new());
            lines.push(format!("{title}:"));
            lines.extend(inner.iter().flat_map(|line| wrap(line, "  ")));
        }
    };
    section(&mut lines, "Also", report.also.iter().map(|finding| finding.sentence.clone()).collect());
    section(&mut lines, "What was seen", report.verdict.evidence.clone());
    section(&mut lines, "To do at the server", fixes(report, |finding| &finding.server));
    section(&mut lines, "To do at the client", fixes(report, |finding| &finding.client));
    if let Some(config) = &report.settings {
        // curl and lftp know no ftpes://, and the settings say the same.
        let (ours, theirs) = (scheme(url), if url.scheme == Scheme::Ftps { "ftps" } else { "ftp" });
        let at = address(url);
        let line = |of: &Option<String>, how: &dyn Fn(&str) -> String| {
            of.as_deref().map_or_else(|| "(none: it supports no method that works)".to_owned(), how)
        };
        let curl =
            |flags: &str| format!("curl {flags}{}{theirs}://{at}/", if flags.is_empty() { "" } else { " " });
        let (verb, upload, put) =
            if config.upload { ("put", " -T FILE", "; put FILE") } else { ("ls", "", "") };
        let file = if config.upload { " FILE" } else { "" };
        let curl = |flags: &str| curl(flags).replacen("curl", &format!("curl{upload}"), 1);
        let inner = vec![
            format!("pasv       pasv {verb} {}{file} {ours}://{at}/", config.pasv),
            format!("curl       {}", line(&config.curl, &curl)),
            format!(
                "lftp       {}",
                line(&config.lftp, &|set| format!("lftp -e '{set}{put}' {theirs}://{at}/"))
            ),
            format!("FileZilla  {}", line(&config.filezilla, &str::to_owned)),
        ];
        // Whole, so that each can be pasted: the terminal breaks them where it must.
        lines.extend([String::new(), "To use:".to_owned()]);
        lines.extend(inner.into_iter().map(|line| format!("  {line}")));
    }
    if !report.unclear.is_empty() {
        lines.extend([String::new(), "Unclear:".to_owned()]);
    }
    for open in &report.unclear {
        lines.extend(columns::wrap(&open.what, "  ", "    ", width));
        lines.extend(columns::wrap(
            &format!("How to find out: {}", open.decided_by),
            "    ",
            "      ",
            width,
        ));
    }
    lines
}

/// How wide may lines be? As the terminal is, unless that is hard to read; in a pipe or a file as most texts are.
pub(crate) fn width() -> usize {
    columns().map_or(100, |columns| columns.clamp(40, 120))
}

/// Green, yellow or red, for a terminal that has colours.
pub(crate) fn coloured(lines: &mut [String], weight: Weight) {
    let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    if !colours {
        return;
    }
    let colour = match weight {
        Weight::Blocks => "31",
        Weight::Hinders => "33",
        Weight::Note | Weight::Fine => "32",
    };
    for line in lines {
        *line = format!("\x1b[1;{colour}m{line}\x1b[0m");
    }
}

/// What is to be done, the heaviest first. Where something hinders, the mere notes' advice would only be in the way.
fn fixes(report: &Report, side: impl Fn(&Finding) -> &Vec<String>) -> Vec<String> {
    let hinders = report.verdict.weight != Weight::Note;
    let also = report.also.iter().filter(|finding| !hinders || finding.weight != Weight::Note);
    let mut all: Vec<String> = Vec::new();
    for finding in std::iter::once(&report.verdict).chain(also) {
        for fix in side(finding) {
            if !all.contains(fix) {
                all.push(fix.clone());
            }
        }
    }
    all
}

fn scheme(url: &FtpUrl) -> &'static str {
    match url.scheme {
        Scheme::Ftp => "ftp",
        Scheme::Ftpes => "ftpes",
        Scheme::Ftps => "ftps",
    }
}

fn address(url: &FtpUrl) -> String {
    let host = url.host.to_string();
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let user = url.user.as_deref().map(|user| format!("{}@", wire::pathname::show(user))).unwrap_or_default();
    url.port.map_or_else(|| format!("{user}{host}"), |port| format!("{user}{host}:{port}"))
}

/// What a program reads.
fn object(facts: &Facts, report: &Report) -> Value {
    let methods = facts.trials.iter().map(|trial| {
        json!({
            "tls": trial.cover == doctor::remote::Cover::Tls,
            "way": trial.way.to_string(),
            "server": trial.peer.to_string(),
            "told": trial.announced.map(|announced| announced.to_string()),
            "works": trial.end.is_through(),
            "resumed": trial.resumed,
            "small_segments": trial.small_segments,
            "seconds": trial.elapsed.as_secs_f64(),
        })
    });
    let settings = report.settings.as_ref();
    let mut object = report.json();
    object["host"] = json!(facts.host);
    object["port"] = json!(facts.port);
    object["ways"] = methods.collect();
    object["use"] = json!(settings.map(|settings| {
        json!({
            "pasv": settings.pasv,
            "curl": settings.curl,
            "lftp": settings.lftp,
            "filezilla": settings.filezilla,
        })
    }));
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command that is broken over lines is another command.
    #[test]
    fn commands_to_use_are_never_wrapped() {
        let url = FtpUrl::parse("ftp://ftp.example.org/").unwrap();
        let pin = format!("--mode passive --tls required --pin sha256:{}", "0".repeat(64));
        let settings = doctor::ClientSettings {
            pasv: pin.clone(),
            curl: Some("--ssl-reqd --insecure".to_owned()),
            lftp: Some("set ftp:ssl-force yes; ".repeat(6)),
            filezilla: None,
            upload: false,
        };
        let verdict = Finding::new(Verdict::AllIsWell, "All is well.");
        let report = Report {
            verdict: verdict.detail("word ".repeat(40)).evidence("word ".repeat(40)),
            also: Vec::new(),
            unclear: Vec::new(),
            settings: Some(settings),
        };
        let lines = lines_of(&url, &report, 60);
        assert!(lines.contains(&format!("  pasv       pasv ls {pin} ftp://ftp.example.org/")), "{lines:#?}");
        let lftp = lines.iter().find(|line| line.starts_with("  lftp ")).unwrap();
        assert!(lftp.ends_with("' ftp://ftp.example.org/"), "{lines:#?}");
        let text = lines.iter().filter(|line| !line.contains("ftp://"));
        assert!(text.clone().all(|line| line.chars().count() <= 60), "{lines:#?}");
    }
}
