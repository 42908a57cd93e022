//! How does a test speak FTP under TLS, with every choice of TLS its own? Blocking, and not by our own
//! client.
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use net::tls::Fingerprint;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

use super::certificates::{Authority, Pair};
use super::site::Site;
use super::url::Door;

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// All that there are.
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS12, &rustls::version::TLS13];

/// A client that trusts an authority, and may have a certificate of its own.
pub(crate) struct Client(Arc<ClientConfig>);

impl Client {
    /// Without one, under TLS 1.3.
    pub(crate) fn new(authority: &Authority) -> Self {
        Self::with(authority, None, VERSIONS[1])
    }

    /// With a certificate.
    pub(crate) fn showing(
        authority: &Authority,
        own: &Pair,
        version: &'static SupportedProtocolVersion,
    ) -> Self {
        Self::with(authority, Some(own), version)
    }

    /// With a certificate or without.
    pub(crate) fn with(
        authority: &Authority,
        own: Option<&Pair>,
        version: &'static SupportedProtocolVersion,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&authority.file())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => builder
                .with_client_auth_cert(
                    vec![certificate(&own.cert)],
                    PrivateKeyDer::from_pem_file(&own.key).unwrap(),
                )
                .unwrap(),
        };
        Self(Arc::new(config))
    }

    /// Under TLS by AUTH. The name is who it wants to talk to.
    pub(crate) fn call(&self, site: &Site, name: &str) -> io::Result<Talk> {
        let mut socket = TcpStream::connect((Door::HOST, site.door.port))?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut lines = BufReader::new(socket.try_clone()?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        socket.write_all(b"AUTH TLS\r\n")?;
        line.clear();
        lines.read_line(&mut line)?;
        assert!(line.starts_with("234 ") && lines.buffer().is_empty(), "{line}");
        let stream = self.shake(socket, name)?;
        let mut talk = Talk { control: BufReader::new(stream), name: name.to_owned() };
        // Under TLS 1.3 a client knows that its certificate was taken when it is answered.
        match talk.ask("NOOP") {
            reply if reply.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
            reply => {
                assert!(reply.starts_with("200 "), "{reply}");
                Ok(talk)
            }
        }
    }

    fn shake(&self, socket: TcpStream, name: &str) -> io::Result<Stream> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut stream = StreamOwned::new(ClientConnection::new(Arc::clone(&self.0), name).unwrap(), socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// The data connection of a transfer, whose TLS begins behind 150.
    pub(crate) fn data(&self, talk: &mut Talk, transfer: &str) -> io::Result<Stream> {
        let told = talk.ask("EPSV");
        let port: u16 = told.split('|').nth(3).and_then(|port| port.parse().ok()).expect("a port");
        let socket = TcpStream::connect((Door::HOST, port))?;
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let reply = talk.ask(transfer);
        assert!(reply.starts_with("150 "), "{reply}");
        self.shake(socket, &talk.name)
    }
}

/// A protected control connection.
pub(crate) struct Talk {
    control: BufReader<Stream>,
    name: String,
}

impl Talk {
    /// The fingerprint of the certificate that the site shows.
    pub(crate) fn shown(&self) -> Fingerprint {
        Fingerprint::of(&self.control.get_ref().conn.peer_certificates().expect("a certificate")[0])
    }

    /// The answer; empty where the connection ends.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        if self.control.get_mut().write_all(format!("{command}\r\n").as_bytes()).is_err() {
            return String::new();
        }
        self.hear()
    }

    /// Says something, and waits for no reply.
    #[track_caller]
    pub(crate) fn say(&mut self, text: &str) {
        self.control.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next line; empty where the connection ends.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        let _ = self.control.read_line(&mut line);
        line
    }

    /// Asks each, and must hear its code.
    #[track_caller]
    pub(crate) fn all(&mut self, dialogue: &[(&str, &str)]) {
        for (command, code) in dialogue {
            let reply = self.ask(command);
            assert!(reply.starts_with(code), "{command}: {reply}");
        }
    }

    /// As the one who may write, for files of bytes that are protected.
    #[track_caller]
    pub(crate) fn log_in(&mut self) {
        self.all(&[
            ("USER tester", "331"),
            ("PASS open sesame", "230"),
            ("PBSZ 0", "200"),
            ("PROT P", "200"),
            ("TYPE I", "200"),
        ]);
    }
}

fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}

/// A certificate's fingerprint.
pub(crate) fn print(pair: &Pair) -> Fingerprint {
    Fingerprint::of(&certificate(&pair.cert))
}
