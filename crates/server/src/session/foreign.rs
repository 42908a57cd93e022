//! Is it another protocol that the client speaks?
use wire::Verb;

use crate::reason::Reason;

/// Why a line is refused that is none of FTP.
pub(super) fn protocol(line: &[u8]) -> Option<Reason> {
    match line {
        _ if is_http(line) => Some(Reason::Http),
        _ if is_proxy(line) => Some(Reason::ProxyHeader),
        _ if is_tls(line) => Some(Reason::TlsTooSoon),
        _ => None,
    }
}

/// Is it a line of HTTP? A page somewhere has made a browser talk to us, and every further line is somebody
/// else's text. A request line ends with the version (RFC 9112 3), whatever its method; the usual ones are
/// known without it.
fn is_http(line: &[u8]) -> bool {
    const METHODS: [&[u8]; 10] = [
        b"GET",
        b"POST",
        b"HEAD",
        b"PUT",
        b"OPTIONS",
        b"CONNECT",
        b"DELETE",
        b"PATCH",
        b"TRACE",
        b"PROPFIND",
    ];
    let line = line.trim_ascii_end();
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let (method, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // The name of a file may look like a version.
    let version = |word: &[u8]| word.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"HTTP/"));
    let request = Verb::parse(method).is_none()
        && method.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-')
        && rest.rsplit(|byte| *byte == b' ').next().is_some_and(version);
    request || METHODS.contains(&method) && rest.contains(&b'/')
}

/// Is it a header of the PROXY protocol, or the third line of version 2's signature (CR LF CR LF NUL CR LF)?
/// A trusted load balancer's has been read before the session began.
fn is_proxy(line: &[u8]) -> bool {
    line == b"\0"
        || line
            .strip_prefix(b"PROXY ")
            .is_some_and(|rest| rest.starts_with(b"TCP") || rest.starts_with(b"UNKNOWN"))
}

/// Does TLS begin here? A client that starts it at once has the wrong port or the wrong mode, and is told so.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    // A handshake record of any version 3.x.
    matches!(bytes, [0x16, 0x03, ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_told_from_a_command() {
        assert!(is_tls(&[0x16, 3, 1, 2, 0, 1]));
        assert!(!is_tls(b"USER anna\r\n") && !is_tls(b"\x16") && !is_tls(b""));
    }

    #[test]
    fn http_is_told_from_ftp() {
        for line in ["GET / HTTP/1.1", "POST /x", "CONNECT h:21 HTTP/1.0", "OPTIONS */x"]
            .into_iter()
            .chain(["PATCH /x HTTP/1.1", "DELETE /x", "PROPFIND / HTTP/1.1", "M-SEARCH * HTTP/1.1"])
            .chain(["get / HTTP/1.1", "Delete /x http/1.0", "PRI * HTTP/2.0", "GET / HTTP/1.1\r"])
        {
            assert!(is_http(line.as_bytes()), "{line}");
        }
        for line in [
            "GET",
            "GET x",
            "RETR /x",
            "get /x",
            "PUTX /x",
            "",
            "HTTP/1.1",
            "RETR a HTTP/1.1",
            "stor HTTP/1.1",
        ] {
            assert!(!is_http(line.as_bytes()), "{line}");
        }
    }
}
