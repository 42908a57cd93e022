//! `pasv doctor`: why does FTP fail here, and what helps?
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use client::doctor::{Diagnosis, Findings, Patient, Remark, Verdict, Weight, diagnose, examine};
use client::{Site, TlsMode};
use serde_json::{Value, json};
use wire::url::{FtpUrl, Scheme};

use crate::client_flags::{DataPortFlag, ModeFlag, Talk, TlsFlag, TlsFlags};
use crate::password::{LoginFlags, credentials};
use crate::site;
use crate::talk::{Exit, Failure, say, show_path};
use crate::trust::{policy, reading_policy};

mod line;

pub(crate) use line::Flags;

/// A look from here at a site.
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
    /// Write all that was said to this file, secrets masked: for the keeper of the site.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,

    /// Say the password in clear too, to look at both; an anonymous login is always tried in clear.
    #[arg(long)]
    clear: bool,

    /// Find idle time-outs too: leaves control connections alone for up to 5 minutes.
    #[arg(long)]
    slow: bool,

    /// Read the password from the first line of this file; - is stdin.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Take this certificate of the site and no other before a password is said: sha256: and 64 hexadecimal digits. May be
    /// repeated.
    #[arg(long, value_name = "FINGERPRINT")]
    pin: Vec<net::tls::Fingerprint>,

    /// Take a certificate that nobody vouches for: whoever is in between reads the password.
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
    let patient = patient(visit, &url)?;
    // Before minutes are spent, and never over a file that is there.
    let mut transcript = flags.transcript.as_deref().map(open).transpose()?;
    let (findings, said) = examine(&patient).await;
    let diagnosis = diagnose(&findings);
    if let (Some(file), Some(path)) = (&mut transcript, &flags.transcript) {
        let head = heading(&url, &diagnosis);
        let text = said.iter().fold(head, |text, line| text + line + "\n");
        file.write_all(text.as_bytes()).map_err(|error| Failure::file(path, &error))?;
        say(format_args!("transcript: {}", show_path(path)));
    }
    let mut out = io::stdout();
    if *json {
        writeln!(out, "{}", crate::json::line(&object(&findings, &diagnosis)))?;
    } else {
        for line in report(&url, &diagnosis, width()) {
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    match exit(&diagnosis) {
        Exit::Done => Ok(()),
        other => Err(Failure::told(other)),
    }
}

/// For a reader who has nothing but the transcript.
fn heading(url: &FtpUrl, diagnosis: &Diagnosis) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let at = wire::Stamp::from_seconds(i64::try_from(now).unwrap_or(i64::MAX)).civil();
    format!(
        "# pasv {} doctor {}://{}/, ended {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC\n# {}\n\
         # seconds from the start; the probe; > said, < heard, * seen. Passwords are ***.\n",
        env!("CARGO_PKG_VERSION"),
        scheme(url),
        address(url),
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        diagnosis.verdict.sentence
    )
}

fn open(path: &Path) -> Result<std::fs::File, Failure> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| Failure::file(path, &error))
}

fn patient(visit: &Visit, url: &FtpUrl) -> Result<Patient, Failure> {
    let Visit { write, options: flags, .. } = visit;
    // The doctor tries all modes itself; of what the other verbs share only the trust counts.
    let talk = Talk {
        verbose: false,
        quiet: false,
        mode: ModeFlag::Auto,
        data_port: DataPortFlag::Any,
        timeout: Duration::from_secs(15),
        stall: Duration::from_secs(15),
        login: LoginFlags::with_file(flags.password_file.clone()),
        tls: TlsFlags {
            tls: visit.tls,
            pin: flags.pin.clone(),
            insecure: flags.insecure,
            cert: visit.identity.as_ref().map(|(cert, _)| cert.clone()),
            key: visit.identity.as_ref().map(|(_, key)| key.clone()),
        },
    };
    let credentials = credentials(url, &talk.login)?.credentials;
    let anonymous = credentials.is_anonymous();
    // As all client verbs do before a password is sent. Otherwise nothing is asked and nothing is remembered.
    let policy = if anonymous { reading_policy(url, &talk)? } else { policy(url, &talk)? };
    let plain = url.scheme == Scheme::Ftp && matches!(visit.tls, None | Some(TlsFlag::Offered));
    Ok(Patient {
        site: Site { host: url.host.to_string(), port: policy.port },
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

fn exit(diagnosis: &Diagnosis) -> Exit {
    let verdict = &diagnosis.verdict;
    match (verdict.weight, verdict.verdict) {
        (Weight::Note, _) => Exit::Done,
        (Weight::Hinders, _)
        | (_, Verdict::LoginRefused | Verdict::TlsRequired | Verdict::TurnedAway | Verdict::UploadRefused) => {
            Exit::Refused
        }
        (Weight::Blocks, _) => Exit::Unreachable,
    }
}

/// What a person reads: the answer, why, what to do, what to use.
fn report(url: &FtpUrl, diagnosis: &Diagnosis, width: usize) -> Vec<String> {
    let wrap = |line: &str, indent| wrap(line, indent, width);
    let mut lines = wrap(&diagnosis.verdict.sentence, "");
    let section = |lines: &mut Vec<String>, title: &str, inner: Vec<String>| {
        if !inner.is_empty() {
            lines.push(String::new());
            lines.push(format!("{title}:"));
            lines.extend(inner.iter().flat_map(|line| wrap(line, "  ")));
        }
    };
    section(&mut lines, "Also", diagnosis.also.iter().map(|remark| remark.sentence.clone()).collect());
    section(&mut lines, "What was seen", diagnosis.evidence.clone());
    section(&mut lines, "To do at the server", fixes(diagnosis, |remark| &remark.server));
    section(&mut lines, "To do at the client", fixes(diagnosis, |remark| &remark.client));
    if let Some(config) = &diagnosis.config {
        // curl and lftp know no ftpes://, and the settings say the same.
        let (ours, theirs) = (scheme(url), if url.scheme == Scheme::Ftps { "ftps" } else { "ftp" });
        let at = address(url);
        let line = |of: &Option<String>, how: &dyn Fn(&str) -> String| {
            of.as_deref().map_or_else(|| "(none: it takes no way that works)".to_owned(), how)
        };
        let curl =
            |flags: &str| format!("curl {flags}{}{theirs}://{at}/", if flags.is_empty() { "" } else { " " });
        let inner = vec![
            format!("pasv       pasv ls {} {ours}://{at}/", config.pasv),
            format!("curl       {}", line(&config.curl, &curl)),
            format!("lftp       {}", line(&config.lftp, &|set| format!("lftp -e '{set}' {theirs}://{at}/"))),
            format!("FileZilla  {}", line(&config.filezilla, &str::to_owned)),
        ];
        section(&mut lines, "To use", inner);
    }
    let open = diagnosis
        .open
        .iter()
        .flat_map(|open| [format!("{};", open.what), format!("  what would decide it: {}", open.decided_by)]);
    section(&mut lines, "Not known", open.collect());
    lines
}

/// How wide may lines be? As the terminal is, unless that is hard to read; in a pipe or a file as most texts are.
fn width() -> usize {
    let columns = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { 100 } else { columns.clamp(40, 120) }
}

/// A line as lines of at most `width` columns, all but the first of them further in.
fn wrap(line: &str, indent: &str, width: usize) -> Vec<String> {
    let most = width;
    let rest = if indent.is_empty() { "" } else { "    " };
    let (mut lines, mut current) = (Vec::new(), indent.to_owned());
    let mut columns = indent.len();
    for word in line.split_inclusive(' ') {
        let width = word.trim_end().chars().count();
        if columns + width > most && !current.trim().is_empty() {
            lines.push(current.trim_end().to_owned());
            current = format!("{indent}{rest}");
            columns = current.len();
        }
        current.push_str(word);
        columns += word.chars().count();
    }
    lines.push(current.trim_end().to_owned());
    lines
}

/// What is to be done, the heaviest first. Where something hinders, the mere notes' advice would only be in the way.
fn fixes(diagnosis: &Diagnosis, side: impl Fn(&Remark) -> &Vec<String>) -> Vec<String> {
    let hinders = diagnosis.verdict.weight != Weight::Note;
    let also = diagnosis.also.iter().filter(|remark| !hinders || remark.weight != Weight::Note);
    let mut all: Vec<String> = Vec::new();
    for remark in std::iter::once(&diagnosis.verdict).chain(also) {
        for fix in side(remark) {
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
fn object(findings: &Findings, diagnosis: &Diagnosis) -> Value {
    let remark = |remark: &Remark| {
        json!({
            "verdict": remark.verdict.name(),
            "weight": match remark.weight {
                Weight::Blocks => "blocks",
                Weight::Hinders => "hinders",
                Weight::Note => "note",
            },
            "rules": remark.rules,
            "sentence": remark.sentence,
            "server": remark.server,
            "client": remark.client,
        })
    };
    let trials: Vec<Value> = findings
        .trials
        .iter()
        .map(|trial| {
            json!({
                "tls": trial.cover == client::doctor::Cover::Tls,
                "way": trial.way.to_string(),
                "server": trial.peer.to_string(),
                "told": trial.told.map(|told| told.to_string()),
                "works": trial.end.is_through(),
                "resumed": trial.resumed,
                "small_segments": trial.narrow,
                "seconds": trial.elapsed.as_secs_f64(),
            })
        })
        .collect();
    let mut object = remark(&diagnosis.verdict);
    if let Some(fields) = object.as_object_mut() {
        let open: Vec<Value> = diagnosis
            .open
            .iter()
            .map(|open| json!({"what": open.what, "decided_by": open.decided_by}))
            .collect();
        let config = diagnosis.config.as_ref().map(|config| {
            json!({
                "pasv": config.pasv,
                "curl": config.curl,
                "lftp": config.lftp,
                "filezilla": config.filezilla,
            })
        });
        fields.insert("host".to_owned(), json!(findings.host));
        fields.insert("port".to_owned(), json!(findings.port));
        fields.insert("also".to_owned(), diagnosis.also.iter().map(remark).collect());
        fields.insert("evidence".to_owned(), json!(diagnosis.evidence));
        fields.insert("ways".to_owned(), json!(trials));
        fields.insert("use".to_owned(), json!(config));
        fields.insert("not_known".to_owned(), json!(open));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_between_words() {
        let lines = wrap(&"word ".repeat(50), "  ", 100);
        assert!(lines.len() == 3 && lines.iter().all(|line| line.chars().count() <= 100), "{lines:?}");
        assert!(lines[0].starts_with("  word") && lines[1].starts_with("      word"), "{lines:?}");
        assert_eq!(lines.join(" ").split_whitespace().count(), 50);
        let name = "x".repeat(200);
        assert_eq!(wrap(&name, "", 100).concat(), name);
        assert_eq!(wrap("", "  ", 100), [""]);
        assert!(wrap(&"word ".repeat(50), "  ", 40).iter().all(|line| line.chars().count() <= 40));
    }
}
