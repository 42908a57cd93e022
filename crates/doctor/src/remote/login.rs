//! How does a probe come to a session, in clear or under TLS?
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Mutex;

use net::tls::HandshakeError;
use net::tls::UpgradeError;
use wire::command::Mechanism;
use wire::{Command, Protection, Reply, RepresentationType, Severity};

use super::Patient;
use super::call::{ANSWER, Call, Deaf, NotShaken, line};
use super::facts::{Cover, Dial, Login, Shake};
use super::notebook::Notebook;
use super::reach::any_tls;
use client::error::{is_full, says_full};
use client::security::judged;
use client::session::Credentials;

/// A server that counts sessions per address may have let one go after this.
pub(super) const FULL: Duration = Duration::from_millis(1200);
/// And so often: what is full for longer is so for another reason than we.
pub(super) const TRIES: usize = 3;
/// Where failures are counted, five are the least that shut somebody out.
const DOUBT: u8 = 4;
/// For a greeting, and for the answer to a password: both may be looked up, and some servers wait on purpose.
const SLOW: Duration = Duration::from_secs(6);

/// What the first login has shown to those that come after it. A password that is refused is not said again: a server that
/// counts failures would shut the user out.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Passage>);

#[derive(Debug, Default)]
enum Passage {
    /// Nobody has come in yet.
    #[default]
    NotKnown,
    /// The same, and the password was said without an answer to it: so much weighs that.
    Doubtful(u8),
    Open,
    Shut(String),
}

/// Which session is wanted.
#[derive(Clone, Copy)]
pub(super) struct Whither {
    pub(super) to: SocketAddr,
    pub(super) cover: Cover,
    /// The largest segments, where larger ones were found to be lost.
    pub(super) segments: Option<u16>,
}

/// A session that is logged in, with PROT P under TLS and TYPE I, in the directory that the patient names.
pub(super) async fn session<'n>(
    patient: &Patient,
    notebook: &'n Notebook,
    gate: &Gate,
    who: Whither,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    let mut tries = 0;
    loop {
        let came = attempt(patient, notebook, gate, who, lane).await;
        let Err(Login::Full(said)) = came else { return came };
        notebook.findings().full = Some(said.clone());
        if tries == TRIES {
            return Err(Login::Full(said));
        }
        notebook.say(lane, "* full: once more in a moment".to_owned());
        tries += 1;
        tokio::time::sleep(FULL).await;
    }
}

async fn attempt<'n>(
    patient: &Patient,
    notebook: &'n Notebook,
    gate: &Gate,
    Whither { to, cover, segments }: Whither,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    if let Passage::Shut(said) = &*gate.0.lock().await {
        return Err(Login::NotRepeated(said.clone()));
    }
    // It has answered before. More tries would only make a ban longer.
    if let Some((_, why)) = notebook.findings().barred.as_ref().filter(|(at, _)| *at == to) {
        return Err(Login::Barred(why.clone()));
    }
    let dialled = Call::dial_narrow(to, lane, notebook, segments).await;
    let mut call = dialled.map_err(|dial| barred(notebook, to, unreached(&dial)))?;
    if patient.implicit {
        protect(patient, notebook, &mut call, false).await?;
    }
    let greeting = call.last(SLOW).await.map_err(|deaf| match deaf {
        Deaf::Ended(_) => barred(notebook, to, "is taken and ended without a word".to_owned()),
        other => deafened(&other),
    })?;
    if greeting.code.severity() != Severity::Completion {
        return Err(if is_full(&greeting) {
            Login::Full(line(&greeting))
        } else {
            Login::Broken(line(&greeting))
        });
    }
    if cover == Cover::Tls && !patient.implicit {
        let auth = call.ask(&Command::Auth(Mechanism::Tls), ANSWER).await;
        let auth = auth.map_err(|deaf| Login::NoAuth(deaf.words()))?;
        if auth.code.get() == 421 {
            return Err(Login::Broken(line(&auth)));
        }
        if auth.code.severity() != Severity::Completion {
            return Err(Login::NoTls(line(&auth)));
        }
        protect(patient, notebook, &mut call, true).await?;
    }
    admit(patient, gate, &mut call, cover).await?;
    if cover == Cover::Tls {
        call.ask(&Command::Pbsz(0), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
        let prot =
            call.ask(&Command::Prot(Protection::Private), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
        if prot.code.severity() != Severity::Completion {
            return Err(Login::Unprotected(line(&prot)));
        }
    }
    // Where it is refused, listings come all the same.
    call.ask(&Command::Type(RepresentationType::Image), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
    if let Some(directory) = &patient.directory {
        let moved =
            call.ask(&Command::Cwd(directory.clone()), ANSWER).await.map_err(|deaf| deafened(&deaf))?;
        if moved.code.severity() != Severity::Completion {
            notebook.findings().no_directory = Some(line(&moved));
        }
    }
    Ok(call)
}

/// TLS, and a certificate that is good enough for what will be said.
async fn protect(
    patient: &Patient,
    notebook: &Notebook,
    call: &mut Call<'_>,
    after_auth: bool,
) -> Result<(), Login> {
    let host = &patient.site.host;
    let tls = match &patient.trust {
        Some(security) => net::tls::client::ClientTls::new(security.settings.clone()),
        None => any_tls(patient, net::tls::Versions::Both),
    };
    match call.protect(&tls, host, after_auth).await {
        Ok(()) => {}
        Err(NotShaken { error: UpgradeError::Handshake(error), .. })
            if HandshakeError::is_certificate(&error) =>
        {
            return Err(Login::Untrusted(error.to_string()));
        }
        Err(NotShaken { shake: Shake::WantsCertificate(why), .. }) => {
            return Err(Login::WantsCertificate(why));
        }
        Err(NotShaken { shake, .. }) => return Err(Login::NoHandshake(shake)),
    }
    // Anonymous says nothing that anybody could misuse.
    let (Some(security), Some(session)) = (&patient.trust, call.tls()) else { return Ok(()) };
    let judged = notebook.asking(judged(security, host, patient.site.port, session)).await;
    judged.map(drop).map_err(|error| Login::Untrusted(error.to_string()))
}

async fn admit(patient: &Patient, gate: &Gate, call: &mut Call<'_>, cover: Cover) -> Result<(), Login> {
    // One at a time, until one of them has come in.
    let mut passage = gate.0.lock().await;
    match &*passage {
        Passage::Shut(said) => return Err(Login::NotRepeated(said.clone())),
        Passage::Open => {
            drop(passage);
            return say_who(&patient.credentials, call, cover).await.map_err(|(_, login)| login);
        }
        Passage::NotKnown | Passage::Doubtful(_) => {}
    }
    match say_who(&patient.credentials, call, cover).await {
        Ok(()) => {
            *passage = Passage::Open;
            Ok(())
        }
        Err((Said::User, login)) => Err(login),
        Err((Said::Password, login)) => {
            let before = if let Passage::Doubtful(before) = *passage { before } else { 0 };
            *passage = match &login {
                Login::Refused(said) => Passage::Shut(said.clone()),
                // A limit has nothing to do with the password, if that is what was meant. Some end the session in place of
                // an answer, which may be chance once.
                Login::Full(why) if before + 1 >= DOUBT => Passage::Shut(why.clone()),
                Login::Broken(why) if before + 2 >= DOUBT => Passage::Shut(why.clone()),
                Login::Full(_) => Passage::Doubtful(before + 1),
                _ => Passage::Doubtful(before + 2),
            };
            Err(login)
        }
    }
}

/// How far a login has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    User,
    Password,
}

async fn say_who(who: &Credentials, call: &mut Call<'_>, cover: Cover) -> Result<(), (Said, Login)> {
    let mut said = Said::User;
    let user = call.ask(&Command::User(who.user.clone()), SLOW).await;
    let mut reply = user.map_err(|deaf| (said, deafened(&deaf)))?;
    if reply.code.get() == 331 {
        said = Said::Password;
        let password = call.ask(&Command::Pass(who.password.clone()), SLOW).await;
        reply = password.map_err(|deaf| (said, deafened(&deaf)))?;
    }
    if let (332, Some(account)) = (reply.code.get(), &who.account) {
        let account = call.ask(&Command::Acct(account.clone()), SLOW).await;
        reply = account.map_err(|deaf| (said, deafened(&deaf)))?;
    }
    let words = line(&reply);
    Err((
        said,
        match reply.code.severity() {
            Severity::Completion => return Ok(()),
            _ if cover == Cover::Clear && wants_tls(&reply) => Login::NeedsTls(words),
            // After a password, 421 alone may be what it is refused with.
            _ if says_full(&reply) => Login::Full(words),
            _ if reply.code.get() == 421 => Login::Broken(words),
            _ => Login::Refused(words),
        },
    ))
}

/// Servers have different codes for it and, as people must read it, one of a few words.
fn wants_tls(reply: &Reply) -> bool {
    const WORDS: [&str; 7] =
        ["tls", "ssl", "encrypt", "cleartext", "clear text", "secure connection", "use auth"];
    let words = String::from_utf8_lossy(reply.text()).to_ascii_lowercase();
    WORDS.iter().any(|word| words.contains(word)) || reply.code.get() == 522
}

fn deafened(deaf: &Deaf) -> Login {
    match deaf {
        Deaf::WantsCertificate(why) => Login::WantsCertificate(why.clone()),
        other => Login::Broken(other.words()),
    }
}

fn barred(notebook: &Notebook, to: SocketAddr, why: String) -> Login {
    let why = notebook.findings().barred.get_or_insert((to, why)).1.clone();
    Login::Barred(why)
}

fn unreached(dial: &Dial) -> String {
    match dial {
        Dial::Connected => "ended".to_owned(),
        Dial::Silent => "is not answered".to_owned(),
        Dial::Refused => "is refused".to_owned(),
        Dial::Rejected { says: why, .. } | Dial::NoRoute(why) | Dial::Failed(why) => format!("fails ({why})"),
    }
}
