//! How does a probe come to a session, in clear or under TLS?
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Mutex;

use net::tls::HandshakeError;
use net::tls::UpgradeError;
use wire::command::Mechanism;
use wire::{Command, Protection, Reply, RepresentationType, Severity};

use super::call::{ANSWER, Call, FULL, HandshakeFailed, NoReply, TRIES, line};
use super::facts::{Cover, Dial, Handshake, Login};
use super::notebook::Notebook;
use super::target::Target;
use client::error::{is_full, says_full};
use client::security::judged;
use client::session::Credentials;

/// Where failures are counted, five are the least that shut somebody out.
const DOUBT: u8 = 4;
/// For a greeting, and for the answer to a password: both may be looked up, and some servers wait on purpose.
const SLOW: Duration = Duration::from_secs(6);

/// What the first login has shown to those that come after it. A password that is refused is not said again:
/// a server that counts failures would shut the user out.
#[derive(Debug, Default)]
pub(super) struct LoginGuard(Mutex<LoginState>);

#[derive(Debug, Default)]
enum LoginState {
    /// Nobody has come in yet.
    #[default]
    Unknown,
    /// The same, and the password was said without an answer to it: so much weighs that.
    Uncertain(u8),
    Accepted,
    Refused(String),
}

/// Which session is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) to: SocketAddr,
    pub(super) cover: Cover,
    /// The largest segments, where larger ones were found to be lost.
    pub(super) segments: Option<u16>,
}

/// A session that is logged in, with PROT P under TLS and TYPE I, in the directory that the target names.
pub(super) async fn session<'n>(
    target: &Target,
    notebook: &'n Notebook,
    guard: &LoginGuard,
    wanted: Wanted,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    let mut tries = 0;
    loop {
        let came = attempt(target, notebook, guard, wanted, lane).await;
        let Err(Login::Full(said)) = came else { return came };
        notebook.facts().full = Some(said.clone());
        if tries == TRIES {
            return Err(Login::Full(said));
        }
        notebook.say(lane, "* full: once more in a moment".to_owned());
        tries += 1;
        tokio::time::sleep(FULL).await;
    }
}

async fn attempt<'n>(
    target: &Target,
    notebook: &'n Notebook,
    guard: &LoginGuard,
    Wanted { to, cover, segments }: Wanted,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    if let LoginState::Refused(said) = &*guard.0.lock().await {
        return Err(Login::NotRepeated(said.clone()));
    }
    // It has answered before. More tries would only make a ban longer.
    if let Some((_, why)) = notebook.facts().banned.as_ref().filter(|(at, _)| *at == to) {
        return Err(Login::Banned(why.clone()));
    }
    let dialled = Call::dial_narrow(to, lane, notebook, segments).await;
    let mut call = dialled.map_err(|dial| banned(notebook, to, unreached(&dial)))?;
    if target.implicit {
        protect(target, notebook, &mut call, false).await?;
    }
    let greeting = call.last(SLOW).await.map_err(|no_reply| match no_reply {
        NoReply::Ended(_) => banned(notebook, to, "is taken and ended without a word".to_owned()),
        other => broken_by(&other),
    })?;
    if greeting.code.severity() != Severity::Completion {
        return Err(if is_full(&greeting) {
            Login::Full(line(&greeting))
        } else {
            Login::Broken(line(&greeting))
        });
    }
    if cover == Cover::Tls && !target.implicit {
        let auth = call.ask(&Command::Auth(Mechanism::Tls), ANSWER).await;
        let auth = auth.map_err(|no_reply| Login::NoAuth(no_reply.words()))?;
        if auth.code.get() == 421 {
            return Err(Login::Broken(line(&auth)));
        }
        if auth.code.severity() != Severity::Completion {
            return Err(Login::NoTls(line(&auth)));
        }
        protect(target, notebook, &mut call, true).await?;
    }
    admit(target, guard, &mut call, cover).await?;
    if cover == Cover::Tls {
        call.ask(&Command::Pbsz(0), ANSWER).await.map_err(|no_reply| broken_by(&no_reply))?;
        let prot = call
            .ask(&Command::Prot(Protection::Private), ANSWER)
            .await
            .map_err(|no_reply| broken_by(&no_reply))?;
        if prot.code.severity() != Severity::Completion {
            return Err(Login::Unprotected(line(&prot)));
        }
    }
    // Where it is refused, listings come all the same.
    call.ask(&Command::Type(RepresentationType::Image), ANSWER)
        .await
        .map_err(|no_reply| broken_by(&no_reply))?;
    if let Some(directory) = &target.directory {
        let moved = call
            .ask(&Command::Cwd(directory.clone()), ANSWER)
            .await
            .map_err(|no_reply| broken_by(&no_reply))?;
        if moved.code.severity() != Severity::Completion {
            notebook.facts().no_directory = Some(line(&moved));
        }
    }
    Ok(call)
}

/// TLS, and a certificate that is good enough for what will be said.
async fn protect(
    target: &Target,
    notebook: &Notebook,
    call: &mut Call<'_>,
    after_auth: bool,
) -> Result<(), Login> {
    let host = &target.site.host;
    let tls = match &target.trust {
        Some(security) => net::tls::client::ClientTls::new(security.settings.clone()),
        None => target.any_tls(net::tls::Versions::Both),
    };
    match call.protect(&tls, host, after_auth).await {
        Ok(()) => {}
        Err(HandshakeFailed { error: UpgradeError::Handshake(error), .. })
            if HandshakeError::is_certificate(&error) =>
        {
            return Err(Login::Untrusted(error.to_string()));
        }
        Err(HandshakeFailed { handshake: Handshake::WantsCertificate(why), .. }) => {
            return Err(Login::WantsCertificate(why));
        }
        Err(HandshakeFailed { handshake, .. }) => return Err(Login::NoHandshake(handshake)),
    }
    // Anonymous says nothing that anybody could misuse.
    let (Some(security), Some(session)) = (&target.trust, call.tls()) else { return Ok(()) };
    let judged = notebook.asking(judged(security, host, target.site.port, session)).await;
    judged.map(drop).map_err(|error| Login::Untrusted(error.to_string()))
}

async fn admit(target: &Target, guard: &LoginGuard, call: &mut Call<'_>, cover: Cover) -> Result<(), Login> {
    // One at a time, until one of them has come in.
    let mut state = guard.0.lock().await;
    match &*state {
        LoginState::Refused(said) => return Err(Login::NotRepeated(said.clone())),
        LoginState::Accepted => {
            drop(state);
            return say_who(&target.credentials, call, cover).await.map_err(|(_, login)| login);
        }
        LoginState::Unknown | LoginState::Uncertain(_) => {}
    }
    match say_who(&target.credentials, call, cover).await {
        Ok(()) => {
            *state = LoginState::Accepted;
            Ok(())
        }
        Err((Said::User, login)) => Err(login),
        Err((Said::Password, login)) => {
            let before = if let LoginState::Uncertain(before) = *state { before } else { 0 };
            *state = match &login {
                Login::Refused(said) => LoginState::Refused(said.clone()),
                // A limit has nothing to do with the password, if that is what was meant. Some end the
                // session in place of an answer, which may be chance once.
                Login::Full(why) if before + 1 >= DOUBT => LoginState::Refused(why.clone()),
                Login::Broken(why) if before + 2 >= DOUBT => LoginState::Refused(why.clone()),
                Login::Full(_) => LoginState::Uncertain(before + 1),
                _ => LoginState::Uncertain(before + 2),
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
    let mut reply = user.map_err(|no_reply| (said, broken_by(&no_reply)))?;
    if reply.code.get() == 331 {
        said = Said::Password;
        let password = call.ask(&Command::Pass(who.password.clone()), SLOW).await;
        reply = password.map_err(|no_reply| (said, broken_by(&no_reply)))?;
    }
    if let (332, Some(account)) = (reply.code.get(), &who.account) {
        let account = call.ask(&Command::Acct(account.clone()), SLOW).await;
        reply = account.map_err(|no_reply| (said, broken_by(&no_reply)))?;
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

fn broken_by(no_reply: &NoReply) -> Login {
    match no_reply {
        NoReply::WantsCertificate(why) => Login::WantsCertificate(why.clone()),
        other => Login::Broken(other.words()),
    }
}

fn banned(notebook: &Notebook, to: SocketAddr, why: String) -> Login {
    let why = notebook.facts().banned.get_or_insert((to, why)).1.clone();
    Login::Banned(why)
}

fn unreached(dial: &Dial) -> String {
    match dial {
        Dial::Connected => "ended".to_owned(),
        Dial::Silent => "is not answered".to_owned(),
        Dial::Refused => "is refused".to_owned(),
        Dial::Rejected { says: why, .. } | Dial::NoRoute(why) | Dial::Failed(why) => format!("fails ({why})"),
    }
}
