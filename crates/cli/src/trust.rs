//! Which port, TLS and trust do a URL and the flags ask for, and what does a refusal mean to a person?
use std::fs;
use std::path::Path;
use std::sync::Arc;

use client::profile::Prepared;
use client::trust::{Policy, Question, Trust, TrustError};
use client::{Error, Event, Profile, SessionSpec, TlsMode, Unreachable, Watcher};
use net::tls::identity::Identity;
use wire::url::FtpUrl;

use crate::client_flags::{SessionFlags, TlsFlag};
use crate::question::ask;
use crate::talk::{Failure, say, show_path};

/// How to talk to the server of a URL. Where nothing secret is sent, nothing is asked or remembered
/// (`learns`: false).
pub(crate) fn policy(url: &FtpUrl, session: &SessionFlags, learns: bool) -> Result<Policy, Failure> {
    let quiet = session.quiet;
    let watch: Watcher = Arc::new(move |event: &Event| warn(event, quiet));
    Ok(prepare(url, session, learns, &Profile::of_user(), watch)?.policy)
}

/// Says on stderr what an event says of a server's identity.
pub(crate) fn warn(event: &Event, quiet: bool) {
    if let Event::Identity { insecure, .. } = event
        && (*insecure || !quiet)
    {
        say(format_args!("{event}"));
    }
}

/// A session with the server of a URL, as its URL, the flags and the memory of `profile` want it.
pub(crate) fn prepare(
    url: &FtpUrl,
    session: &SessionFlags,
    learns: bool,
    profile: &Profile,
    watch: Watcher,
) -> Result<Prepared, Failure> {
    let flags = &session.tls;
    let mut spec = SessionSpec::of_url(url);
    let tls = match flags.tls {
        Some(TlsFlag::Off) => TlsMode::Off,
        Some(TlsFlag::Offered) => TlsMode::Offered,
        Some(TlsFlag::Required) => TlsMode::Required,
        Some(TlsFlag::Implicit) => TlsMode::Implicit,
        None => spec.options.tls,
    };
    if tls == TlsMode::Off && !flags.pin.is_empty() {
        return Err(Failure::usage("--pin needs TLS: it cannot be combined with --tls off"));
    }
    let identity = match (&flags.cert, &flags.key) {
        (Some(cert), key) if tls != TlsMode::Off => Some(identity(cert, key.as_deref().unwrap_or(cert))?),
        _ => None,
    };
    spec.endpoint.port = url.port.unwrap_or(if tls == TlsMode::Implicit { 990 } else { 21 });
    spec.options = session.options(tls);
    let trust = Trust {
        pins: flags.pin.clone(),
        insecure: flags.insecure,
        identity,
        learns,
        ask: Arc::new(|question: &Question| {
            let Question { server, fingerprint, doubt } = question;
            let text =
                format!("The certificate of {server} is not trusted: {doubt}.\nFingerprint: {fingerprint}");
            ask(&text, "Trust it from now on? [yes/no] ")
        }),
        ..Trust::default()
    };
    let mut profile = profile.clone();
    profile.trust = trust;
    Ok(profile.prepare(spec, watch)?)
}

fn identity(cert: &Path, key: &Path) -> Result<Identity, Failure> {
    let read = |path: &Path| fs::read(path).map_err(|error| Failure::file(path, &error));
    Identity::from_pem(&read(cert)?, &read(key)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", show_path(cert))))
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        match error {
            TrustError::Unreadable { path, error } => Self::file(&path, &error),
            TrustError::Damaged { path, line, server } => {
                let file = show_path(&path);
                Self::usage(format!("line {line} of {file}, about {server}, is damaged")).hint(format_args!(
                    "repair it, or start over with `pasv forget {server}`; --pin names the certificate"
                ))
            }
        }
    }
}

/// What an error means for a server that is known.
pub(crate) fn explain(policy: &Policy, error: Error) -> Failure {
    if let (Error::Unreachable(Unreachable::Control { .. }), TlsMode::Implicit) = (&error, policy.mode) {
        return Failure::from(error).hint(
            "ftps:// means TLS from the first byte, usually at port 990; most servers offer TLS at their ordinary \
             port: use ftpes://",
        );
    }
    let (Error::NoTls { answer }, Some((server, since))) = (&error, &policy.seen_at) else {
        return error.into();
    };
    let answer = answer.trim_end_matches(['.', ' ']);
    let said =
        format!("the server does not offer TLS ({answer}), but TLS was seen at {server}, first at {since}");
    let hint = format!(
        "an attacker may be blocking TLS. If the server no longer offers it, use --tls off once, or \
         `pasv forget {server}` for good"
    );
    Failure::from(error).saying(said).hint(hint)
}
