use std::time::Duration;

use client::DataMethod;

use super::*;

fn refused(said: &str, code: u16, words: &'static str) -> Error {
    Error::Refused { said: said.to_owned(), reply: Reply::new(code, words) }
}

fn peer(anonymous: bool) -> Peer {
    Peer { url: "ftp://h/".to_owned(), anonymous }
}

/// What is said of an error, as a person sees it.
fn said(error: &Error, peer: &Peer) -> String {
    failure(error, Some(peer)).to_string()
}

/// One line for each row of the table and for what stands beside it; servers are pasv, vsftpd, ProFTPD,
/// Pure-FTPd, IIS.
#[test]
fn hints_fit_the_cause() {
    for (asked, code, words, hint) in [
        ("PASS ***", 530, "TLS is required here.", "requires TLS"),
        ("USER a", 530, "Non-anonymous sessions must use encryption (SSL).", "requires TLS"),
        ("USER a", 530, "Sorry, the maximum number of clients (10) are already connected", "no more users"),
        ("PASS ***", 530, "Too many users", "no more users"),
        ("the connection", 421, "Too many connections", "no more users"),
        ("PASS ***", 332, "Need account", "account NAME"),
        ("PASS ***", 530, "Login incorrect.", "check the user and the password"),
        ("PASS ***", 430, "Invalid username or password", "check the user and the password"),
        ("STOR f", 530, "Please login with USER and PASS.", "another login"),
        ("STOR f", 452, "No space left.", "server's disk is full"),
        ("STOR f", 552, "Quota exceeded", "server's disk is full"),
        ("STOR f", 550, "Disk full", "server's disk is full"),
        ("STOR f", 550, "This site is read-only for you.", "the server is read-only"),
        ("MKD d", 550, "This site is read-only for you.", "the server is read-only"),
        ("DELE f", 550, "d: Read-only file system", "the server is read-only"),
        ("RETR f", 550, "f: Permission denied", "may not do that"),
        ("MKD d", 550, "Access is denied. ", "may not do that"),
        ("STOR d", 553, "That is a directory.", "to upload into a directory, end the URL with a slash"),
        ("RNTO d", 550, "That is a directory", "to move into a directory, end the new URL with a slash"),
        ("RETR d", 550, "d: Not a plain file.", "pasv get -r"),
        ("DELE d", 550, "d: Is a directory", "pasv rm -r"),
        ("RMD d", 550, "d: Directory not empty", "pasv rm -r"),
        ("MKD d", 550, "d: File exists", "in use already"),
        ("DELE f", 450, "f: File busy", "try again later"),
        (
            "STOR f",
            550,
            "The process cannot access the file because it is being used by another process.",
            "try again later",
        ),
        ("MLSD d", 550, "No such directory.", "run `pasv ls` on the parent directory"),
        ("RETR f", 550, "No such file.", "run `pasv ls` on the parent directory"),
        ("RETR *.txt", 550, "No such file.", "patterns such as *.txt are not supported yet"),
        ("DELE f?", 550, "No such file.", "patterns such as *.txt are not supported yet"),
        ("DELE f", 550, "No such file.", "pasv rm -r"),
        ("RMD d", 550, "No such directory.", "run `pasv ls` on the parent directory"),
        ("RMD d", 550, "Failed.", "only an empty directory"),
        ("MKD a/b/c", 550, "No such directory.", "pasv mkdir -p"),
        ("STOR a/b", 550, "No such directory.", "the directory of the target must exist"),
        ("RNTO a/b", 550, "No such directory.", "the directory of the target must exist"),
        ("STOR f", 553, "Prohibited file name: f", "does not accept this name"),
        ("RNFR f", 502, "RNFR not implemented.", "does not support this command"),
        ("RETR f", 451, "Local error.", "try again later"),
    ] {
        let shown = said(&refused(asked, code, words), &peer(false));
        let hints = shown.split_once("\nhint: ").map_or("", |(_, hints)| hints);
        assert!(hints.contains(hint) && hints.lines().count() == 1, "{asked}: {shown}");
    }
}

#[test]
fn an_anonymous_login_that_is_refused_is_not_a_wrong_password() {
    let error = refused("PASS ***", 530, "Login incorrect.");
    assert!(said(&error, &peer(true)).contains("does not accept anonymous logins"));
    let error = refused("USER anonymous", 530, "This FTP server requires TLS.");
    assert!(said(&error, &peer(true)).contains("requires TLS"));
}

#[test]
fn another_protocol_is_named() {
    let nonsense = |what: &str| Error::Nonsense { what: what.to_owned() };
    let ssh = nonsense("the server sent something that is no FTP reply: \"SSH-2.0-OpenSSH_9.2\"");
    assert!(said(&ssh, &peer(false)).contains("hint: an SSH server answers"));
    let todo = "the port is one for AUTH TLS".to_owned();
    let http = Error::Insecure { what: "it said \"HTTP/1.1 400 Bad Request\"".to_owned(), todo };
    assert!(said(&http, &peer(false)).contains("hint: a web server answers"));
    let what = "h:21 sent no FTP greeting within 30 s".to_owned();
    let silent = Error::Unreachable(Unreachable::NoGreeting { what });
    assert!(said(&silent, &peer(false)).contains("hint: this may not be an FTP server"));
    let what = "h:21 is a mail server (SMTP), not FTP: \"220 mail.example.org ESMTP\"".to_owned();
    let smtp = Error::Unreachable(Unreachable::OtherProtocol { what: what.clone() });
    assert_eq!(said(&smtp, &peer(false)), format!("error: {what}\n"));
}

#[test]
fn an_error_of_the_connection_ends_with_the_doctor() {
    let control = Error::Unreachable(Unreachable::Control {
        host: "h".to_owned(),
        port: 21,
        why: "Connection refused".to_owned(),
        elapsed: Duration::ZERO,
    });
    let name = Error::Unreachable(Unreachable::Name { host: "h".to_owned(), why: "not found".to_owned() });
    let broken = Error::Broken { what: "the server closed the connection".to_owned(), moved: 7 };
    for error in [control, name, broken] {
        let said = said(&error, &peer(false));
        assert!(said.lines().last().unwrap().contains("hint: run `pasv doctor ftp://h/`"), "{said}");
    }
    let full = Error::Broken { what: "the server broke off STOR f: 452 No space left.".to_owned(), moved: 9 };
    let full = said(&full, &peer(false));
    assert!(full.contains("server's disk is full") && !full.contains("doctor"), "{full}");
    let local = Error::Local { doing: "x".to_owned(), source: io::ErrorKind::StorageFull.into() };
    let local = said(&local, &peer(false));
    assert!(local.contains("this computer's disk") && !local.contains("doctor"), "{local}");
}

fn attempt(method: DataMethod, port: u16, why: &str) -> Attempt {
    let target = Some(([192, 0, 2, 1], port).into());
    Attempt { method, target, why: why.to_owned(), elapsed: Duration::ZERO }
}

#[test]
fn data_connections_that_failed_are_a_line_each() {
    let data = |attempts: Vec<Attempt>| {
        let error = Error::Unreachable(Unreachable::Data { server: ([192, 0, 2, 1], 21).into(), attempts });
        said(&error, &peer(false))
    };
    let passive = || {
        vec![
            attempt(DataMethod::Epsv, 24299, "no answer"),
            attempt(DataMethod::Pasv, 24298, "Connection refused"),
        ]
    };
    let said = data([passive(), vec![attempt(DataMethod::Port, 42211, "answered 500 no active")]].concat());
    assert_eq!(
        said,
        "error: no data connection to 192.0.2.1, although its control port 21 answers\n  \
         EPSV (passive), server's port 24299: no answer (after 0.0 s)\n  \
         PASV (passive), server's port 24298: Connection refused (after 0.0 s)\n  \
         PORT (active), our port 42211: answered 500 no active (after 0.0 s)\n\
         hint: the server's firewall must let clients reach its passive ports (tried: 24298, 24299)\n\
         hint: run `pasv doctor ftp://h/` to find the cause\n"
    );
    let said = data(passive());
    assert!(said.contains("--mode auto") && !said.contains("rule "), "{said}");
    let blocked = || vec![attempt(DataMethod::Eprt, 42211, "no connection came")];
    let said = data([passive(), blocked()].concat());
    assert!(said.contains("NAT on this side") && !said.contains("rule "), "{said}");
    assert!(data(blocked()).contains("--mode passive"));
}

#[test]
fn the_doctors_url_is_the_servers_and_holds_no_password() {
    for (url, root) in [
        ("ftp://alice:secret@h:2121/a/b;type=a", "ftp://alice@h:2121/"),
        ("ftps://h", "ftps://h/"),
        ("ftp://[::1]:21/x", "'ftp://[::1]:21/'"),
        ("ftp://a&b@h/", "'ftp://a&b@h/'"),
        ("ftp://a'b@h/", "ftp://a%27b@h/"),
    ] {
        assert_eq!(for_shell(&root_of(&FtpUrl::parse(url).unwrap())), root);
    }
}
