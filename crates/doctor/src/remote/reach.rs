//! Which addresses does the host have, which of them answer, and what answers there?
use std::net::SocketAddr;
use std::time::Duration;

use net::tls::{HandshakeError, UpgradeError, Versions};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use wire::pathname::show;
use wire::{Reply, Severity};

use super::call::{CONNECT, Call, GREETING, NoReply, explained, line};
use super::facts::{AddressSeen, Answer, Dial};
use super::handshake::once_more;
use super::notebook::Notebook;
use super::target::Target;
use client::error::words;

/// Nobody has more addresses than this that are worth a try.
const ADDRESSES: usize = 8;
/// For the name.
const NAME: Duration = Duration::from_secs(4);
/// For the other family to answer too, before the sessions begin at the first address that did.
const OTHER: Duration = Duration::from_millis(250);
/// For a silent port to answer TLS or HTTP.
const PROBE: Duration = Duration::from_millis(2500);

/// Dials every address, side by side; `first` hears of each that answers, as it does.
pub(super) async fn dial_all(
    target: &Target,
    notebook: &Notebook,
    addresses: Vec<SocketAddr>,
    first: mpsc::Sender<SocketAddr>,
) {
    let mut dials = tokio::task::JoinSet::new();
    for address in addresses {
        dials.spawn(async move {
            let begun = Instant::now();
            let dial = match timeout(CONNECT, net::dial::dial_explained(address)).await {
                Ok(Ok(_)) => Dial::Connected,
                Ok(Err(error)) => explained(&error),
                Err(_) => Dial::Silent,
            };
            AddressSeen { address, dial, elapsed: begun.elapsed() }
        });
    }
    while let Some(Ok(attempt)) = dials.join_next().await {
        notebook.say(
            "reach",
            format!("* {}, port {}: {:?}", attempt.address.ip(), target.site.port, attempt.dial),
        );
        if attempt.dial == Dial::Connected {
            // Where nobody listens any more, enough addresses have been heard of.
            let _ = first.try_send(attempt.address);
        }
        notebook.facts().addresses.push(attempt);
    }
}

/// How long a server may take to see that a connection is gone, and to count it no more.
const COUNTED: Duration = Duration::from_secs(1);

/// The addresses of the host.
pub(super) async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, String> {
    let lookup = tokio::net::lookup_host((target.site.host.as_str(), target.site.port));
    match timeout(NAME, lookup).await {
        Ok(Ok(found)) => {
            let mut addresses: Vec<SocketAddr> = Vec::new();
            for address in found.take(ADDRESSES) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() { Err("the name has no address".to_owned()) } else { Ok(addresses) }
        }
        Ok(Err(error)) => Err(words(&error)),
        Err(_) => Err(format!("no answer from the name server within {} s", NAME.as_secs())),
    }
}

/// The address for the sessions, and all that have answered by then: the first that does, and IPv4 where both
/// do, since all four verbs work there.
pub(super) async fn choose(
    answering: &mut mpsc::Receiver<SocketAddr>,
) -> Option<(SocketAddr, Vec<SocketAddr>)> {
    let mut heard = vec![answering.recv().await?];
    let until = Instant::now() + OTHER;
    while heard.iter().all(SocketAddr::is_ipv6) {
        match tokio::time::timeout_at(until, answering.recv()).await {
            Ok(Some(other)) => heard.push(other),
            Ok(None) | Err(_) => break,
        }
    }
    let best = heard.iter().find(|address| address.is_ipv4()).or(heard.first()).copied()?;
    Some((best, heard))
}

/// What speaks at the port?
pub(super) async fn what_answers(target: &Target, notebook: &Notebook, to: SocketAddr) -> Option<Answer> {
    let mut call = Call::dial(to, "port", notebook, None).await.ok()?;
    {
        let ends = (call.local(), call.peer());
        notebook.facts().ends = Some(ends);
    }
    if target.implicit {
        return Some(at_once(target, notebook, &mut call).await);
    }
    match call.first_bytes(GREETING).await {
        Ok(Some(())) => match greeting(&mut call).await {
            // Our own look whether the port answers was here a moment ago, and may still be counted.
            turned @ Answer::Turned(_) => {
                drop(call);
                tokio::time::sleep(COUNTED).await;
                Some(again(notebook, to).await.unwrap_or(turned))
            }
            answer => Some(answer),
        },
        Ok(None) => Some(silent(target, notebook, to).await),
        Err(_) => Some(Answer::HangsUp),
    }
}

/// Does it greet us now?
async fn again(notebook: &Notebook, to: SocketAddr) -> Option<Answer> {
    let mut call = Call::dial(to, "port", notebook, None).await.ok()?;
    call.first_bytes(GREETING).await.ok()??;
    let ends = (call.local(), call.peer());
    let answer = greeting(&mut call).await;
    notebook.facts().ends = Some(ends);
    Some(answer)
}

/// TLS from the first byte, and a greeting under it.
async fn at_once(target: &Target, notebook: &Notebook, call: &mut Call<'_>) -> Answer {
    match call.protect(&target.any_tls(Versions::Both), &target.site.host, false).await {
        Ok(()) => match call.hear(GREETING).await {
            Ok(reply) => of_reply(&reply),
            Err(NoReply::Silent) => Answer::Nothing,
            Err(NoReply::Ended(_)) => Answer::HangsUp,
            Err(NoReply::Nonsense(what)) => match of_bytes(call.unread()) {
                foreign @ Answer::Foreign(..) => foreign,
                _ => Answer::Other(what),
            },
            Err(NoReply::WantsCertificate(why)) => Answer::WantsCertificate(why),
        },
        Err(not) => match not.error {
            UpgradeError::Handshake(HandshakeError::NotTls(bytes)) => match of_bytes(&bytes) {
                Answer::Ftp(said) | Answer::Turned(said) => Answer::ClearFirst(said),
                other => other,
            },
            UpgradeError::Handshake(HandshakeError::Closed | HandshakeError::Io(_)) => Answer::HangsUp,
            UpgradeError::Handshake(HandshakeError::Late(_)) => {
                match Box::pin(once_more(target, notebook, call.peer(), not.handshake)).await {
                    Some(Ok(reply)) => of_reply(&reply),
                    _ => Answer::Nothing,
                }
            }
            UpgradeError::Handshake(error) if error.is_about_ours() => {
                Answer::WantsCertificate(error.to_string())
            }
            other => Answer::Other(other.to_string()),
        },
    }
}

async fn greeting(call: &mut Call<'_>) -> Answer {
    let begun = call.unread().to_vec();
    match of_bytes(&begun) {
        // Read as FTP reads it: it may have several lines.
        Answer::Ftp(_) | Answer::Turned(_) | Answer::Other(_) => match call.last(GREETING).await {
            Ok(reply) => of_reply(&reply),
            // The first byte of one that comes a byte at a time is as good as all of it.
            Err(_) if matches!(begun.as_slice(), [b'2' | b'4' | b'5', ..]) => {
                Answer::Endless(first_line(&begun))
            }
            Err(_) => Answer::Other(first_line(&begun)),
        },
        other => other,
    }
}

fn of_reply(reply: &Reply) -> Answer {
    let text: Vec<String> = reply.lines.iter().map(|line| show(line)).collect();
    if let Some(protocol) = like_ftp(&text.join(" ")) {
        return Answer::Foreign(protocol, line(reply));
    }
    match reply.code.severity() {
        Severity::Completion => Answer::Ftp(line(reply)),
        Severity::Transient | Severity::Permanent => Answer::Turned(line(reply)),
        Severity::Preliminary | Severity::Intermediate => Answer::Other(line(reply)),
    }
}

/// By its first bytes.
fn of_bytes(bytes: &[u8]) -> Answer {
    let text = first_line(bytes);
    match bytes {
        [b'S', b'S', b'H', b'-', ..] => Answer::Ssh(text),
        [b'H', b'T', b'T', b'P', b'/', ..] => Answer::Http(text),
        // An alert: it has taken what came before for a bad hello.
        [0x15 | 0x16, 3, ..] => Answer::TlsFirst,
        _ if foreign(bytes).is_some() => Answer::Foreign(foreign(bytes).unwrap_or_default(), text),
        [b'2', b'0'..=b'9', b'0'..=b'9', ..] => Answer::Ftp(text),
        [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', ..] => Answer::Turned(text),
        _ => Answer::Other(text),
    }
}

/// Which protocol greets in a way that FTP does not?
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    const BEGINS: [(&[u8], &str); 19] = [
        (b"+OK", "a mail server (POP3)"),
        (b"* OK", "a mail server (IMAP)"),
        (b"* PREAUTH", "a mail server (IMAP)"),
        (b"* BYE", "a mail server (IMAP)"),
        (b"RFB ", "a screen server (VNC)"),
        (b"RTSP/", "a media server (RTSP)"),
        (b"ICY ", "a media server (Icecast)"),
        (b"SIP/2.0", "a telephone server (SIP)"),
        (b"Asterisk Call Manager", "a telephone server (Asterisk)"),
        (b"@RSYNCD:", "an rsync server"),
        (b"-ERR", "a database (Redis)"),
        (b"-NOAUTH", "a database (Redis)"),
        (b"-DENIED", "a database (Redis)"),
        (b"AMQP", "a message broker (AMQP)"),
        (b"NOTICE ", "a chat server (IRC)"),
        (b"<stream:stream", "a chat server (XMPP)"),
        (b"<?xml", "an XML service"),
        (b"\xff\xfb", "a Telnet server"),
        (b"\xff\xfd", "a Telnet server"),
    ];
    // A packet of the greeting: three bytes of its length, its number 0, and version 10 of the protocol or an
    // error.
    if let [length, _, 0, 0, 0x0a | 0xff, ..] = bytes
        && *length > 4
    {
        return Some("a database (MySQL)");
    }
    BEGINS.iter().find(|(begin, _)| bytes.starts_with(begin)).map(|(_, name)| *name)
}

/// Mail and news servers greet with the codes of FTP; their own words tell.
fn like_ftp(text: &str) -> Option<&'static str> {
    let upper = text.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if has(&["FTP"]) {
        return None;
    }
    if has(&["SMTP", "LMTP", "POSTFIX", "EXIM", "SENDMAIL", "MAIL SERVICE", "MAIL SERVER"]) {
        return Some("a mail server (SMTP)");
    }
    has(&["NNTP", "INN2", "NETNEWS"]).then_some("a news server (NNTP)")
}

/// A port that waits for us to begin is one for TLS or the web.
async fn silent(target: &Target, notebook: &Notebook, to: SocketAddr) -> Answer {
    let tls = async {
        let mut call = Call::dial(to, "port-tls", notebook, None).await.ok()?;
        match timeout(PROBE, call.protect(&target.any_tls(Versions::Both), &target.site.host, false)).await {
            // An alert is an answer too.
            Ok(Ok(())) => Some(Answer::TlsFirst),
            Ok(Err(not)) => match not.error {
                UpgradeError::Handshake(HandshakeError::Tls(_)) => Some(Answer::TlsFirst),
                UpgradeError::Handshake(HandshakeError::NotTls(bytes)) => Some(of_bytes(&bytes)),
                _ => None,
            },
            _ => None,
        }
    };
    let web = async {
        let mut call = Call::dial(to, "port-http", notebook, None).await.ok()?;
        call.note("> GET / HTTP/1.0".to_owned());
        call.write(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
        let Some(()) = call.first_bytes(PROBE).await.ok()? else {
            return (!call.is_acknowledged()).then_some(Answer::NoAck);
        };
        let found = of_bytes(call.unread());
        call.note(format!("< {}", first_line(call.unread())));
        Some(found)
    };
    let (tls, web) = tokio::join!(Box::pin(tls), Box::pin(web));
    match (tls, web) {
        (Some(Answer::TlsFirst), _) => Answer::TlsFirst,
        (_, Some(Answer::Http(text))) | (Some(Answer::Http(text)), _) => Answer::Http(text),
        (Some(other), None | Some(Answer::NoAck)) | (_, Some(other)) => other,
        (None, None) => Answer::Nothing,
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    show(line.get(..line.len().min(200)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_who_speaks() {
        assert_eq!(of_bytes(b"SSH-2.0-x\r\n"), Answer::Ssh("SSH-2.0-x".to_owned()));
        assert_eq!(of_bytes(b"HTTP/1.1 400 Bad\r\n"), Answer::Http("HTTP/1.1 400 Bad".to_owned()));
        assert_eq!(of_bytes(&[0x15, 3, 1, 0, 2]), Answer::TlsFirst);
        assert!(matches!(of_bytes(b"220-hello\r\n"), Answer::Ftp(_)));
        assert!(matches!(of_bytes(b"421 full"), Answer::Turned(_)));
        for (bytes, protocol) in [
            (&b"* OK [CAPABILITY IMAP4rev1] ready"[..], "IMAP"),
            (b"+OK Dovecot ready.", "POP3"),
            (b"\x4a\0\0\0\x0a8.0.36\0", "MySQL"),
            (b"\x45\0\0\0\xff\x6a\x04Host is not allowed", "MySQL"),
            (b"RTSP/1.0 400 Bad Request\r\n", "RTSP"),
            (b"RFB 003.008\n", "VNC"),
            (b"@RSYNCD: 31.0", "rsync"),
        ] {
            assert!(
                matches!(of_bytes(bytes), Answer::Foreign(name, _) if name.contains(protocol)),
                "{protocol}"
            );
        }
        let greeting = |code, text: &'static str| of_reply(&Reply::new(code, text));
        assert!(matches!(greeting(220, "mail.example.org ESMTP Postfix"), Answer::Foreign(..)));
        assert!(matches!(greeting(554, "mx.example.org SMTP service unavailable"), Answer::Foreign(..)));
        assert!(matches!(
            greeting(200, "news.example.org InterNetNews NNRP server INN2"),
            Answer::Foreign(..)
        ));
        assert!(matches!(greeting(220, "FTP of our mail service"), Answer::Ftp(_)));
        assert!(matches!(greeting(220, "ready"), Answer::Ftp(_)));
        assert!(matches!(of_bytes(b"hello"), Answer::Other(_)));
        assert!(matches!(of_bytes(b""), Answer::Other(_)));
    }
}
