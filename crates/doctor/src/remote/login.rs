//! How does a probe log in, unencrypted or under TLS?
use std::net::SocketAddr;
use std::time::Duration;

use net::tls::UpgradeError;
use net::tls::Versions;
use net::tls::client::ClientTls;
use wire::command::Mechanism;
use wire::{Command, Protection, Reply, RepresentationType, Severity};

use super::call::{ANSWER, Call, FULL, HandshakeFailed, NoReply, TRIES, line};
use super::context::{Context, LoginGuard, LoginState};
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

impl From<NoReply> for Login {
    fn from(no_reply: NoReply) -> Self {
        match no_reply {
            NoReply::WantsCertificate(why) => Self::WantsCertificate(why),
            other => Self::Broken(other.words()),
        }
    }
}

impl<'a> Context<'a> {
    /// A session; what became of the login is written down.
    pub(super) async fn session(&self, to: SocketAddr, cover: Cover, lane: &'static str) -> Option<Call<'a>> {
        let came = Box::pin(session(self, to, cover, lane)).await;
        let (call, login) = match came {
            Ok(call) => (Some(call), Login::Done),
            Err(login) => (None, login),
        };
        let mut facts = self.notebook.facts();
        if matches!(login, Login::Full(_) | Login::Banned(_) | Login::Broken(_)) {
            facts.left_out.push(lane);
        }
        if to == self.to {
            let known = facts.logins.iter().position(|(of, _)| *of == cover);
            match known {
                // One that came in once can come in, and what failed later was for another reason, such as a
                // limit. What was left out says nothing new.
                Some(_) if matches!(login, Login::Full(_) | Login::Banned(_) | Login::NotRepeated(_)) => {}
                Some(at) if facts.logins.get(at).is_some_and(|(_, was)| *was != Login::Done) => {
                    facts.logins.remove(at);
                    facts.logins.push((cover, login));
                }
                Some(_) => {}
                None => facts.logins.push((cover, login)),
            }
        }
        drop(facts);
        call
    }
}

/// A session that is logged in, with PROT P under TLS and TYPE I, in the directory that the target names.
async fn session<'n>(
    context: &Context<'n>,
    to: SocketAddr,
    cover: Cover,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    let notebook = context.notebook;
    let mut tries = 0;
    loop {
        let came = attempt(context, to, cover, lane).await;
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
    context: &Context<'n>,
    to: SocketAddr,
    cover: Cover,
    lane: &'static str,
) -> Result<Call<'n>, Login> {
    let (target, notebook) = (context.target, context.notebook);
    if let LoginState::Refused(said) = &*context.guard.0.lock().await {
        return Err(Login::NotRepeated(said.clone()));
    }
    // It has answered before. More tries would only make a ban longer.
    if let Some((_, why)) = notebook.facts().banned.as_ref().filter(|(at, _)| *at == to) {
        return Err(Login::Banned(why.clone()));
    }
    let segments = if cover == Cover::Tls { context.segments() } else { None };
    let dialled = Call::dial(to, lane, notebook, segments).await;
    let mut call = dialled.map_err(|dial| banned(notebook, to, unreached(&dial)))?;
    if target.implicit {
        protect(target, notebook, &mut call, false).await?;
    }
    let greeting = call.last(SLOW).await.map_err(|no_reply| match no_reply {
        NoReply::Ended(_) => banned(notebook, to, "is taken and ended without a word".to_owned()),
        other => other.into(),
    })?;
    if greeting.code.severity() != Severity::Completion {
        let kind = if is_full(&greeting) { Login::Full } else { Login::Broken };
        return Err(kind(line(&greeting)));
    }
    if cover == Cover::Tls && !target.implicit {
        let auth = call.ask(&Command::Auth(Mechanism::Tls), ANSWER).await;
        let auth = auth.map_err(|no_reply| Login::NoAuth(no_reply.words()))?;
        if auth.code.severity() != Severity::Completion {
            let kind = if auth.code.get() == 421 { Login::Broken } else { Login::NoTls };
            return Err(kind(line(&auth)));
        }
        protect(target, notebook, &mut call, true).await?;
    }
    admit(target, &context.guard, &mut call, cover).await?;
    if cover == Cover::Tls {
        call.ask(&Command::Pbsz(0), ANSWER).await?;
        let prot = call.ask(&Command::Prot(Protection::Private), ANSWER).await?;
        if prot.code.severity() != Severity::Completion {
            return Err(Login::Unprotected(line(&prot)));
        }
    }
    // Where it is refused, listings come all the same.
    call.ask(&Command::Type(RepresentationType::Image), ANSWER).await?;
    if let Some(directory) = &target.directory {
        let moved = call.ask(&Command::Cwd(directory.clone()), ANSWER).await?;
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
        Some(security) => ClientTls::new(security.settings.clone()),
        None => target.any_tls(Versions::Both),
    };
    call.protect(&tls, host, after_auth).await.map_err(
        |HandshakeFailed { error, handshake }| match error {
            UpgradeError::Handshake(error) if error.is_certificate() => Login::Untrusted(error.to_string()),
            _ => match handshake {
                Handshake::WantsCertificate(why) => Login::WantsCertificate(why),
                handshake => Login::NoHandshake(handshake),
            },
        },
    )?;
    // An anonymous login says nothing that could be misused.
    let (Some(security), Some(session)) = (&target.trust, call.tls()) else { return Ok(()) };
    let judged = notebook.asking(judged(security, host, target.site.port, session)).await;
    judged.map(drop).map_err(|error| Login::Untrusted(error.to_string()))
}

async fn admit(target: &Target, guard: &LoginGuard, call: &mut Call<'_>, cover: Cover) -> Result<(), Login> {
    // One at a time, until one of them was accepted.
    let mut state = guard.0.lock().await;
    let before = match &*state {
        LoginState::Refused(said) => return Err(Login::NotRepeated(said.clone())),
        LoginState::Accepted => {
            drop(state);
            return say_who(&target.credentials, call, cover, &mut false).await;
        }
        LoginState::Uncertain(before) => *before,
    };
    let mut password_said = false;
    let came = say_who(&target.credentials, call, cover, &mut password_said).await;
    match &came {
        Ok(()) => *state = LoginState::Accepted,
        Err(_) if !password_said => {}
        Err(Login::Refused(said)) => *state = LoginState::Refused(said.clone()),
        // A limit has nothing to do with the password, if that is what was meant. Some end the session in
        // place of an answer, which may be chance once.
        Err(login) => {
            let doubt = before + if matches!(login, Login::Full(_)) { 1 } else { 2 };
            *state = match login {
                Login::Full(why) | Login::Broken(why) if doubt >= DOUBT => LoginState::Refused(why.clone()),
                _ => LoginState::Uncertain(doubt),
            };
        }
    }
    came
}

async fn say_who(
    who: &Credentials,
    call: &mut Call<'_>,
    cover: Cover,
    password_said: &mut bool,
) -> Result<(), Login> {
    let mut reply = call.ask(&Command::User(who.user.clone()), SLOW).await?;
    if reply.code.get() == 331 {
        *password_said = true;
        reply = call.ask(&Command::Pass(who.password.clone()), SLOW).await?;
    }
    if let (332, Some(account)) = (reply.code.get(), &who.account) {
        reply = call.ask(&Command::Acct(account.clone()), SLOW).await?;
    }
    let words = line(&reply);
    Err(match reply.code.severity() {
        Severity::Completion => return Ok(()),
        _ if cover == Cover::Clear && wants_tls(&reply) => Login::NeedsTls(words),
        // After a password, 421 alone may be what it is refused with.
        _ if says_full(&reply) => Login::Full(words),
        _ if reply.code.get() == 421 => Login::Broken(words),
        _ => Login::Refused(words),
    })
}

/// Servers have different codes for it and, as people must read it, one of a few words.
fn wants_tls(reply: &Reply) -> bool {
    const WORDS: [&str; 7] =
        ["tls", "ssl", "encrypt", "cleartext", "clear text", "secure connection", "use auth"];
    let words = String::from_utf8_lossy(reply.text()).to_ascii_lowercase();
    WORDS.iter().any(|word| words.contains(word)) || reply.code.get() == 522
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
