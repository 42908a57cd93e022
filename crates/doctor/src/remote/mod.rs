//! Why does FTP fail here, and what helps?
//!
//! ```text
//!   Target --examine--> Facts --diagnose--> Report
//!            probes       plain      pure         one sentence, evidence, a fix for each side,
//!            side by      data                    what to use, and what is not known
//!            side
//! ```
//! `reach` connects and finds out what answers, `connections` opens sessions of which each tries one thing,
//! `files` looks at what is moved. Nothing needs a privilege, every probe has an end of its own, and together
//! they take less than [`LONGEST`]. Nothing is written to the site unless that is asked for.
//!
//! Replies are read by the client's own [`ControlLine`](client::control_line::ControlLine), and certificates
//! judged by its `security`. Sessions are not opened by [`client::Client`]: it works around what fails (PASV
//! after EPSV, small segments, a session without FEAT), and a probe has to see it fail, by one method alone.
//! Silence, a hang-up and a refusal lead to three verdicts, where the client has one error for people.
mod call;
mod connections;
mod context;
mod evidence;
mod facts;
mod files;
mod handshake;
mod judge;
mod login;
mod notebook;
mod passive_report;
mod reach;
mod target;
mod trial;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use net::tls::client::Trust;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use client::session::Credentials;
use notebook::Notebook;

pub use facts::{
    AddressSeen, Alive, Answer, Cover, Dial, End, Facts, FilesSeen, Handshake, ImplicitSeen, Login, Rest,
    ReuseSeen, TlsSeen, Trial, Upload,
};
pub use judge::diagnose;
pub use target::{Target, Watch};

/// The longest that an examination takes; only [`Target::idle`] adds to it. People do not wait for
/// longer.
pub const LONGEST: Duration = Duration::from_millis(14_500);

/// For the first session under TLS, which shows the certificate before others show it again.
const TRUST: Duration = Duration::from_secs(6);

/// Looks at a server from all sides: what was seen, and all that was said, secrets masked. `watch` is told of
/// each probe that does something.
pub async fn examine_watched(target: &Target, watch: Watch) -> (Facts, Vec<String>) {
    let mut facts = Facts {
        identity: target.identity.is_some(),
        host: target.site.host.clone(),
        port: target.site.port,
        implicit: target.implicit,
        anonymous: target.credentials.is_anonymous(),
        seen: target.seen.clone(),
        ..Facts::default()
    };
    facts.tls.pinned =
        target.trust.as_ref().is_some_and(|trust| matches!(trust.settings.trust, Trust::Pinned(_)));
    let Credentials { password, account, .. } = &target.credentials;
    // What everybody says for anonymous is no secret.
    let known = Credentials::anonymous().password;
    let secrets = [Some(password), account.as_ref()].into_iter().flatten();
    let secrets = secrets.filter(|secret| secret.expose() != known.expose());
    let notebook = Notebook::new(facts, secrets.cloned().collect(), watch);
    Box::pin(visit(target, &notebook, Instant::now() + LONGEST)).await;
    notebook.close()
}

async fn visit(target: &Target, notebook: &Notebook, until: Instant) {
    let addresses = match reach::resolve(target).await {
        Ok(addresses) => addresses,
        Err(why) => {
            notebook.facts().no_name = Some(why);
            return;
        }
    };
    let (tell, mut answering) = mpsc::channel(addresses.len().max(1));
    let other_of = addresses.clone();
    let dialled = reach::dial_all(target, notebook, addresses, tell);
    let inside = async {
        let (to, heard) = reach::choose(&mut answering).await?;
        let answer =
            within(notebook, until, "port", reach::what_answers(target, notebook, to)).await.flatten();
        let is_ftp = matches!(answer, Some(Answer::Ftp(_)));
        notebook.facts().answer = answer;
        if !is_ftp {
            return None;
        }
        let context = context::Context::new(target, notebook, to);
        // A person may be asked, and then once.
        let consults = target.tls && target.trust.is_some() && !target.credentials.is_anonymous();
        if consults {
            within(notebook, until, "TLS", Box::pin(handshake::look(&context))).await;
        }
        if consults && !handshake::is_hopeless(&context) {
            let until = until.min(Instant::now() + TRUST);
            within(notebook, until, "certificate", connections::trust(&context)).await;
        }
        let other = other_of.into_iter().find(|address| address.is_ipv4() != to.is_ipv4());
        let family = async {
            // Only where it answers: a dead one has been seen already.
            if let Some(other) = other
                && (heard.contains(&other) || is_answering(&mut answering, other).await)
            {
                within(notebook, until, "other family", connections::other_family(&context, other)).await;
            }
        };
        let rest = async {
            let connections = within(notebook, until, "connections", connections::connections(&context));
            tokio::join!(connections, Box::pin(family));
            within(notebook, until, "files", files::look(&context)).await;
        };
        // Without it the verdict is wider, and that says so: it is none of what did not end.
        let word = timeout_at(until + notebook.asked(), Box::pin(passive_report::ask(&context)));
        let ((), _) = tokio::join!(Box::pin(rest), word);
        Some(context)
    };
    let ((), context) = tokio::join!(dialled, Box::pin(inside));
    if let Some(context) = context
        && !target.idle.is_empty()
    {
        connections::idle(&context, &target.idle).await;
    }
}

/// Does it, or writes down that it took too long. A person may be asked whether the certificate is right, and
/// what that takes is not the probes' time.
async fn within<T>(
    notebook: &Notebook,
    until: Instant,
    what: &'static str,
    work: impl Future<Output = T>,
) -> Option<T> {
    // On the heap: dozens of sessions side by side make a future that is larger than a small stack.
    let mut work = Box::pin(work);
    loop {
        let asked = notebook.asked();
        if let Ok(done) = timeout_at(until + asked, &mut work).await {
            return Some(done);
        }
        if notebook.asked() == asked {
            notebook.facts().unfinished.push(what);
            return None;
        }
    }
}

async fn is_answering(answering: &mut mpsc::Receiver<SocketAddr>, wanted: SocketAddr) -> bool {
    while let Some(address) = answering.recv().await {
        if address == wanted {
            return true;
        }
    }
    false
}

/// The address that the server sees us at, in the text of its STAT: there is no form for it, but servers name
/// it behind one of a few words.
fn seen_as(text: &str) -> Option<IpAddr> {
    const BEFORE: [&str; 4] = ["seen as", "connected to", "connected from", "client:"];
    let lower = text.to_ascii_lowercase();
    let at = BEFORE.iter().find_map(|words| lower.find(words).map(|at| at + words.len()))?;
    // Lower case in ASCII keeps the places of all bytes.
    let line = text.get(at..)?.lines().next()?;
    // pyftpdlib's "Connected to: ADDRESS:PORT" is its own end.
    if line.starts_with(':') && lower.get(..at).is_some_and(|before| before.ends_with("connected to")) {
        return None;
    }
    let part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    line.split(|c: char| !part(c)).find_map(|word| {
        let word = word.trim_end_matches(['.', ':']);
        let bare = word.parse::<IpAddr>().ok();
        bare.or_else(|| word.parse::<SocketAddr>().ok().map(|at| at.ip()))
            .or_else(|| word.rsplit_once(':')?.0.parse().ok())
            .map(|ip| ip.to_canonical())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_tell_whom_they_see_in_their_own_words() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        for (text, seen) in [
            ("Status:\nYou are seen as 192.0.2.7:4711 and reached the site at 192.0.2.1:21.", "192.0.2.7"),
            ("Status:\nYou are seen as [2001:db8::7]:4711 and reached", "2001:db8::7"),
            ("FTP server status:\n     Connected to ::ffff:192.0.2.7\n     Logged in as ftp", "192.0.2.7"),
            ("Status of 'x'\n Connected from laptop.example ([192.0.2.9])", "192.0.2.9"),
        ] {
            assert_eq!(seen_as(text), Some(ip(seen)), "{text}");
        }
        assert_eq!(seen_as("Version 3.0.5 at 192.0.2.1"), None);
        // pyftpdlib tells its own end.
        assert_eq!(seen_as("FTP server status:\n Connected to: 192.0.2.1:21\n Logged in as: x"), None);
        assert_eq!(seen_as("Connected to\n192.0.2.1"), None);
    }
}
