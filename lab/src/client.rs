//! How is each client told to list, fetch and store: ours, curl and lftp?
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use testbed::process::find;

use crate::site::Site;
use crate::tools::{Tools, skip};

/// Whose client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Ours,
    Curl,
    Lftp,
}

/// Who opens data connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As the client does by itself.
    #[default]
    Usual,
    /// Passive and nothing else.
    Passive,
    /// Passive by PASV, for clients that can be told so.
    Pasv,
    /// Active.
    Active,
}

/// How the client is called.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner<'f> {
    pub(crate) mode: Mode,
    pub(crate) tls: bool,
    /// Further flags of our own client.
    pub(crate) flags: &'f [&'f str],
}

/// What it is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Job<'p> {
    List,
    Get(&'static str, &'p Path),
    Put(&'p Path, &'static str),
}

impl Client {
    /// The call that does `job` on `site`, which is found at `host`.
    pub(crate) fn call(
        self,
        job: Job<'_>,
        manner: Manner<'_>,
        site: &Site,
        host: &str,
        tools: &Tools,
    ) -> Command {
        match self {
            Self::Ours => ours(job, manner, site, host, tools),
            Self::Curl => curl(job, manner, site, host),
            Self::Lftp => lftp(job, manner, site, host),
        }
    }
}

fn ours(job: Job<'_>, manner: Manner<'_>, site: &Site, host: &str, tools: &Tools) -> Command {
    let mut command = Command::new(&tools.pasv);
    match job {
        Job::List => command.arg("ls").arg(site.url(host, "")),
        Job::Get(name, to) => command.arg("get").arg("-o").arg(to).arg(site.url(host, name)),
        Job::Put(from, name) => command.arg("put").arg(from).arg(site.url(host, name)),
    };
    match manner.mode {
        Mode::Usual => {}
        Mode::Passive | Mode::Pasv => _ = command.args(["--mode", "passive"]),
        Mode::Active => _ = command.args(["--mode", "active"]),
    }
    command.args(if manner.tls { &["--tls", "required", "--insecure"][..] } else { &["--tls", "off"] });
    command.args(manner.flags);
    command
}

fn curl(job: Job<'_>, manner: Manner<'_>, site: &Site, host: &str) -> Command {
    let mut command = Command::new(find("curl").unwrap_or_else(|| skip("curl is not installed")));
    command.args(["-q", "-sS", "-v", "-g"]);
    match job {
        Job::List => command.arg(site.url(host, "")),
        Job::Get(name, to) => command.arg("-o").arg(to).arg(site.url(host, name)),
        Job::Put(from, name) => command.arg("-T").arg(from).arg(site.url(host, name)),
    };
    match manner.mode {
        Mode::Usual | Mode::Passive => {}
        Mode::Pasv => _ = command.arg("--disable-epsv"),
        Mode::Active => _ = command.args(["-P", "-"]),
    }
    if manner.tls {
        command.args(["--ssl-reqd", "-k"]);
    }
    command
}

fn lftp(job: Job<'_>, manner: Manner<'_>, site: &Site, host: &str) -> Command {
    let mut command = Command::new(find("lftp").unwrap_or_else(|| skip("lftp is not installed")));
    let (user, password) = site.login();
    let host = host.trim_matches(['[', ']']);
    // It would try for ever. The rest is as it comes.
    let mut script =
        OsString::from("set cmd:fail-exit yes; set net:max-retries 2; set ssl:verify-certificate no; ");
    if manner.mode == Mode::Active {
        script.push("set ftp:passive-mode no; ");
    }
    script.push(if manner.tls {
        "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; "
    } else {
        "set ftp:ssl-allow no; "
    });
    script.push(format!("open -u {user},{password} {host}; "));
    match job {
        Job::List => script.push("ls pub/"),
        Job::Get(name, to) => {
            script.push(format!("get pub/{name} -o "));
            script.push(to);
        }
        Job::Put(from, name) => {
            script.push("put ");
            script.push(from);
            script.push(format!(" -o pub/{name}"));
        }
    }
    command.args(["--norc".into(), "-c".into(), script]);
    command
}
