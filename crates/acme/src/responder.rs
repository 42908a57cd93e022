//! How does the authority verify a name? It requests a token from port 80 of the name (HTTP-01, RFC 8555
//! 8.3).
//!
//! The port is open while an order is in progress, and only then; anything but the expected tokens is 404.
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// RFC 8555 8.3.
const PREFIX: &str = "/.well-known/acme-challenge/";

/// An authority connects from some five places at once; the rest is room for port scanners.
const CONNECTIONS: usize = 64;

/// From the connection to the end of the answer: authorities give up after about ten seconds themselves.
const DEADLINE: Duration = Duration::from_secs(5);

/// Bytes of a request. The authority's has some two hundred; hyper takes no smaller limit.
const REQUEST: usize = 8192;

/// Header fields of a request.
const FIELDS: usize = 64;

/// What a listening socket rests when descriptors have run out.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Token to key authorization, of the challenges that are pending.
type Pending = HashMap<String, String>;

/// Listens as long as it lives.
pub(crate) struct Responder {
    pending: Arc<Mutex<Pending>>,
    _serving: JoinSet<()>,
}

impl Responder {
    /// # Errors
    /// The system's, when the address is taken or needs a privilege.
    pub(crate) async fn listen(at: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(at).await?;
        let pending = Arc::<Mutex<Pending>>::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(socket, Arc::clone(&pending)));
        Ok(Self { pending, _serving: serving })
    }

    /// From now on answers requests for `token`.
    pub(crate) fn expect(&self, token: &str, authorization: &str) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.insert(token.to_owned(), authorization.to_owned());
    }
}

async fn serve(socket: TcpListener, pending: Arc<Mutex<Pending>>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    // Those that are left end with this task.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // It is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match socket.accept().await {
            Ok((stream, peer)) => {
                let pending = Arc::clone(&pending);
                connections.spawn(async move {
                    let _slot = slot;
                    if timeout(DEADLINE, converse(stream, &pending)).await.is_err() {
                        tracing::debug!(%peer, "a challenge request was too slow");
                    }
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection for a challenge was lost");
                sleep(EXHAUSTED).await;
            }
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, pending: &Mutex<Pending>) {
    let answer = |request: Request<Incoming>| {
        let pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
        let response = answer(&pending, request.method(), request.uri().path());
        tracing::debug!(status = response.status().as_u16(), "challenge requested");
        std::future::ready(Ok::<_, Infallible>(response))
    };
    let conversed = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(REQUEST)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .await;
    if let Err(error) = conversed {
        tracing::debug!(%error, "a challenge was not answered");
    }
}

fn answer(pending: &Pending, method: &Method, path: &str) -> Response<Full<Bytes>> {
    let token = path.strip_prefix(PREFIX).filter(|_| method == Method::GET);
    let Some(authorization) = token.and_then(|token| pending.get(token)) else {
        let mut nothing = Response::new(Full::default());
        *nothing.status_mut() = StatusCode::NOT_FOUND;
        return nothing;
    };
    Response::new(Full::new(Bytes::from(authorization.clone())))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// What is answered to some bytes, up to the end of the connection.
    async fn told(bytes: &[u8]) -> String {
        let pending = Mutex::new(Pending::from([("abc".to_owned(), "abc.thumb".to_owned())]));
        let (mut asking, answering) = duplex(4096);
        let mut told = String::new();
        let ask = async {
            // Where the answer comes before all is read, the rest goes nowhere.
            let _ = asking.write_all(bytes).await;
            asking.read_to_string(&mut told).await.unwrap();
        };
        tokio::join!(ask, converse(answering, &pending));
        told
    }

    #[tokio::test]
    async fn a_question_has_one_answer_and_the_connection_ends() {
        let question = b"GET /.well-known/acme-challenge/abc HTTP/1.1\r\nHost: ftp.example\r\n\r\n";
        let answer = told(&question.repeat(2)).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nabc.thumb"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1);
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_read_to_its_end() {
        let endless = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat();
        let answer = told(&endless).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        let fields = "A: b\r\n".repeat(FIELDS + 1);
        let answer = told(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert_eq!(told(b"\x16\x03\x01 TLS?\r\n\r\n").await.get(..12), Some("HTTP/1.1 400"));
    }

    #[test]
    fn only_what_was_promised_is_answered() {
        let pending = Pending::from([("abc".to_owned(), "abc.thumb".to_owned())]);
        let status = |method: &Method, path: &str| answer(&pending, method, path).status().as_u16();
        assert_eq!(status(&Method::GET, "/.well-known/acme-challenge/abc"), 200);
        for path in [
            "/",
            "/abc",
            "/.well-known/acme-challenge/",
            "/.well-known/acme-challenge/ab",
            "/.well-known/acme-challenge/abc/",
            "/.well-known/acme-challenge/../acme-challenge/abc",
            "//.well-known/acme-challenge/abc",
        ] {
            assert_eq!(status(&Method::GET, path), 404, "{path}");
        }
        assert_eq!(status(&Method::POST, "/.well-known/acme-challenge/abc"), 404);
    }
}
