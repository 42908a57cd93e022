//! How does a probe come to a session, in clear or under TLS?
use std::net::SocketAddr;
use std::time::Duration;

use net::tls::HandshakeError;
use net::tls::UpgradeError;
use wire::command::Mechanism;
use wire::{Command, Protection, Reply, RepresentationType, Severity};

use super::Patient;
use super::call::{ANSWER, Call, Deaf, line};
use super::findings::{Cover, Dial, Login};
use super::notebook::Notebook;
use super::reach::any_tls;
use crate::security::judged;

/// A server that counts sessions per address may have let one go after this.
const FULL: Duration = Duration::from_millis(1200);
/// For a greeting, and for the answer to a password: both may be looked up, and some servers wait on purpose.
const SLOW: Duration = Duration::from_secs(6);

/// A session that is logged in, with PROT P under TLS and TYPE I, in the directory that the patient names.
pub(super) async fn session<'n>(
    patient: &Patient,
    notebook: &'n Notebook,
    to: SocketAddr,
    cover: Cover,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    match attempt(patient, notebook, to, cover, lane).await {
        Err(Login::Broken(why)) if why.starts_with("421") => {
            notebook.say(lane, "* full: once more in a moment".to_owned());
            tokio::time::sleep(FULL).await;
            attempt(patient, notebook, to, cover, lane).await
        }
        other => other,
    }
}

async fn attempt<'n>(
    patient: &Patient,
    notebook: &'n Notebook,
    to: SocketAddr,
    cover: Cover,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    let mut call = Call::dial(to, lane, notebook).await.map_err(|dial| broken(&dial))?;
    if patient.implicit {
        protect(patient, &mut call, false).await?;
    }
    let greeting = call.last(SLOW).await.map_err(|deaf| deafened(&deaf))?;
    if greeting.code.severity() != Severity::Completion {
        return Err(Login::Broken(line(&greeting)));
    }
    if cover == Cover::Tls && !patient.implicit {
        let auth = call.ask(&Command::Auth(Mechanism::Tls), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
        if auth.code.severity() != Severity::Completion {
            return Err(Login::NoTls(line(&auth)));
        }
        protect(patient, &mut call, true).await?;
    }
    admit(patient, &mut call).await?;
    if cover == Cover::Tls {
        call.ask(&Command::Pbsz(0), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
        let prot =
            call.ask(&Command::Prot(Protection::Private), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
        if prot.code.severity() != Severity::Completion {
            return Err(Login::Broken(format!("PROT P was answered with {}", line(&prot))));
        }
    }
    // Where it is refused, listings come all the same.
    call.ask(&Command::Type(RepresentationType::Image), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
    if let Some(directory) = &patient.directory {
        call.ask(&Command::Cwd(directory.clone()), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
    }
    Ok(call)
}

/// TLS, and a certificate that is good enough for what will be said.
async fn protect(patient: &Patient, call: &mut Call<'_>, after_auth: bool) -> Result<(), Login> {
    let host = &patient.site.host;
    let tls = match &patient.trust {
        Some(security) => net::tls::client::ClientTls::new(security.settings.clone()),
        None => any_tls(net::tls::Versions::Both),
    };
    match call.protect(&tls, host, after_auth).await {
        Ok(()) => {}
        Err(UpgradeError::Handshake(error)) if HandshakeError::is_certificate(&error) => {
            return Err(Login::Untrusted(error.to_string()));
        }
        Err(error) => return Err(Login::NoHandshake(error.to_string())),
    }
    // Anonymous says nothing that anybody could misuse.
    let (Some(security), Some(session)) = (&patient.trust, call.tls()) else { return Ok(()) };
    let judged = judged(security, host, patient.site.port, session).await;
    judged.map(drop).map_err(|error| Login::Untrusted(error.to_string()))
}

async fn admit(patient: &Patient, call: &mut Call<'_>) -> Result<(), Login> {
    let who = &patient.credentials;
    let mut reply = ask(call, &Command::User(who.user.clone())).await?;
    if reply.code.get() == 331 {
        reply = ask(call, &Command::Pass(who.password.clone())).await?;
    }
    if let (332, Some(account)) = (reply.code.get(), &who.account) {
        reply = ask(call, &Command::Acct(account.clone())).await?;
    }
    match reply.code.severity() {
        Severity::Completion => Ok(()),
        _ if reply.code.get() == 421 => Err(Login::Broken(line(&reply))),
        _ if wants_tls(&reply) => Err(Login::NeedsTls(line(&reply))),
        _ => Err(Login::Refused(line(&reply))),
    }
}

async fn ask(call: &mut Call<'_>, command: &Command) -> Result<Reply, Login> {
    call.ask(command, SLOW).await.map_err(|deaf| deafened(&deaf))
}

/// Servers have different codes for it and, as people must read it, one of two words.
fn wants_tls(reply: &Reply) -> bool {
    let words = reply.text().to_ascii_uppercase();
    words.windows(3).any(|word| word == b"TLS" || word == b"SSL") || reply.code.get() == 522
}

fn deafened(deaf: &Deaf) -> Login {
    Login::Broken(deaf.words())
}

fn broken(dial: &Dial) -> Login {
    Login::Broken(match dial {
        Dial::Connected => "the connection ended".to_owned(),
        Dial::Silent => "a second connection to the control port is not answered".to_owned(),
        Dial::Refused => "a second connection to the control port is refused".to_owned(),
        Dial::Rejected { says: why, .. } | Dial::NoRoute(why) | Dial::Failed(why) => why.clone(),
    })
}
