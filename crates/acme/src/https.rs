//! How are requests sent to the authority? Each on a connection of its own, over HTTP/1.1 and TLS, with
//! limits of time and size.
//!
//! The client of instant-acme has neither limit, and needs HTTP/2; a dozen requests in two months need
//! neither pools nor streams.
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use net::tls::TlsConfigError;
use net::tls::client::Roots;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

/// For one request and its answer.
const WITHIN: Duration = Duration::from_secs(30);

/// For the connection to one address of several.
const CONNECT: Duration = Duration::from_secs(8);

/// Bytes of an answer: a chain of certificates has some ten thousand.
const ANSWER: usize = 1024 * 1024;

/// So that the authority's operators can identify the client (RFC 8555 6.1).
const AGENT: &str = concat!("pasv/", env!("CARGO_PKG_VERSION"), " instant-acme");

type Boxed = Box<dyn StdError + Send + Sync>;

/// The authority's server could not be asked.
#[derive(Debug)]
pub(crate) struct Unreachable(String);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Unreachable {}

/// An HTTPS client that trusts given authorities.
#[derive(Clone)]
pub(crate) struct Https {
    tls: TlsConnector,
}

impl Https {
    pub(crate) fn new(roots: &Roots) -> Result<Self, TlsConfigError> {
        let config = roots.client_config(b"http/1.1")?;
        Ok(Self { tls: TlsConnector::from(Arc::new(config)) })
    }

    async fn exchange(self, mut request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Boxed> {
        let target = Target::of(request.uri()).ok_or("not an https:// URL")?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&target.authority)?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        *request.uri_mut() = target.path.parse()?;

        let stream = connect(&target.host, target.port).await?;
        let name = ServerName::try_from(target.host)?;
        converse(self.tls.connect(name, stream).await?, request).await
    }
}

impl HttpClient for Https {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let (uri, client) = (request.uri().clone(), self.clone());
        Box::pin(async move {
            let told = match timeout(WITHIN, client.exchange(request)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => in_full(&*error),
                Err(_) => format!("no answer within {WITHIN:?}"),
            };
            Err(instant_acme::Error::Other(Box::new(Unreachable(format!("{uri}: {told}")))))
        })
    }
}

/// One request and its answer, whole.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<BodyWrapper<Bytes>>,
) -> Result<BytesResponse, Boxed> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answered = async {
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
        Ok(BytesResponse::from(hyper::Response::from_parts(parts, Full::new(body))))
    };
    // Drives the connection; the outcome is that of the answer.
    let moving = async {
        let _ = connection.await;
        pending().await
    };
    tokio::select! {
        answer = answered => answer,
        () = moving => Err("the connection was closed".into()),
    }
}

/// The error with its causes: hyper and rustls alone say only that something failed.
fn in_full(error: &(dyn StdError + 'static)) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Target {
    /// None unless the URL is `https://`: nothing goes to the authority unencrypted.
    fn of(uri: &Uri) -> Option<Self> {
        if uri.scheme_str() != Some("https") {
            return None;
        }
        let host = uri.host()?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let authority = uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path = uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        Some(Self { host: bare.to_owned(), port: uri.port_u16().unwrap_or(443), authority, path })
    }
}

/// Is this a URL of HTTPS?
pub(crate) fn is_url(text: &str) -> bool {
    text.parse().is_ok_and(|uri: Uri| Target::of(&uri).is_some_and(|target| !target.host.is_empty()))
}

/// To the first of its addresses that answers.
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// What becomes of a request that is answered with these bytes and the end.
    async fn answered(bytes: &[u8]) -> Result<Bytes, String> {
        let (ours, mut theirs) = duplex(65_536);
        let authority = async move {
            let mut asked = [0; 4096];
            let length = theirs.read(&mut asked).await.unwrap();
            assert!(asked.starts_with(b"GET /dir HTTP/1.1\r\n") && length > 0);
            // The client may close before it has read all.
            let _ = theirs.write_all(bytes).await;
        };
        let request = Request::get("/dir").body(BodyWrapper::default()).unwrap();
        let (answer, ()) = tokio::join!(converse(ours, request), authority);
        let mut answer = answer.map_err(|error| in_full(&*error))?;
        answer.body.into_bytes().await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_answer_is_taken_whole_and_not_without_end() {
        let head = b"HTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(answered(&[head, &b"{}"[..]].concat()).await.as_deref(), Ok(&b"{}"[..]));
        let endless = [&head[..], &vec![b' '; 2 * ANSWER]].concat();
        assert!(answered(&endless).await.is_err_and(|why| why.contains("limit")));
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}";
        assert!(answered(cut).await.is_err());
        assert!(answered(b"").await.is_err() && answered(b"220 pasv ready.\r\n").await.is_err());
    }

    #[test]
    fn a_request_goes_where_its_url_says_and_never_in_clear() {
        let target = |text: &str| Target::of(&text.parse().unwrap());
        let told = target("https://ca.example/acme/new-order?x=1").unwrap();
        assert_eq!((told.host.as_str(), told.port), ("ca.example", 443));
        assert_eq!((told.authority.as_str(), told.path.as_str()), ("ca.example", "/acme/new-order?x=1"));
        let told = target("https://[::1]:14000/dir").unwrap();
        assert_eq!((told.host.as_str(), told.port), ("::1", 14000));
        assert_eq!(told.authority, "[::1]:14000");
        assert_eq!(target("https://ca.example").unwrap().path, "/");
        assert_eq!(target("http://ca.example/dir"), None);
        assert_eq!(target("/dir"), None);
        assert!(is_url("https://ca.example/dir") && !is_url("ca.example") && !is_url("https://"));
    }
}
