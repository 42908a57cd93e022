//! How is a client given another ticket on its control connection, long after the handshake?
//!
//! TLS 1.3 lets a server give tickets at any time (RFC 8446 4.6.1), but rustls gives them at the end of a
//! handshake only. A client like curl 7.88 keeps one, uses it once, and never reads what an upload's
//! connection brings; what it does read is the control connection.
//!
//! ```text
//!   handshake   rustls --tickets--> Sealer --> the wire          Sealer remembers the last one as a template
//!   later       one byte, and a ticket --> Sealer --> the template with that ticket, a handshake message
//! ```
//! So the records of a control connection are protected by the library's own ciphers with one step before
//! them, and nothing of the cryptography is ours. The message that is sent later differs from the login's in
//! the ticket alone: it is for the same session, whose secret is the same. Every resumption agrees on new
//! keys, as always.
use std::cell::RefCell;
use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::cipher::{
    AeadKey, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks, OutboundOpaqueMessage,
    OutboundPlainMessage, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use rustls::{ConnectionTrafficSecrets, ContentType, SupportedCipherSuite, Tls13CipherSuite};

/// A NewSessionTicket's type, in front of the 24 bits of its length (RFC 8446 4).
const NEW_SESSION_TICKET: u8 = 4;

/// The lifetime and the mask of the age, in front of the nonce (RFC 8446 4.6.1).
const LIFETIME_AND_AGE: usize = 8;

/// A record's plaintext (RFC 8446 5.1).
const MOST: usize = 1 << 14;

thread_local! {
    // rustls encrypts a record in the call that is given its bytes (a test asserts it), so that both are
    // filled and emptied within one call, and nothing else runs on this thread meanwhile.
    /// The last ticket's message that was protected.
    static SEEN: RefCell<Option<Template>> = const { RefCell::new(None) };
    /// What is to be said in place of the next application data.
    static READY: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// A NewSessionTicket without its ticket.
#[derive(Debug)]
struct Template {
    /// Lifetime, mask of the age, nonce.
    before: Vec<u8>,
    /// Extensions.
    behind: Vec<u8>,
}

impl Template {
    /// Of the last ticket among whole handshake messages.
    fn last(mut messages: &[u8]) -> Option<Self> {
        let mut found = None;
        while let Some((&[kind, a, b, c], rest)) = messages.split_first_chunk() {
            let (body, rest) = rest.split_at_checked(u32::from_be_bytes([0, a, b, c]) as usize)?;
            if kind == NEW_SESSION_TICKET {
                found = Some(body);
            }
            messages = rest;
        }
        let body = found?;
        let nonce = usize::from(*body.get(LIFETIME_AND_AGE)?);
        let (before, rest) = body.split_at_checked(LIFETIME_AND_AGE + 1 + nonce)?;
        let (&length, rest) = rest.split_first_chunk()?;
        let (_, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
        Some(Self { before: before.to_vec(), behind: behind.to_vec() })
    }

    /// With another ticket; none where that is too long for one record.
    fn with(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let length = u16::try_from(ticket.len()).ok()?.to_be_bytes();
        let body = [&self.before, &length[..], ticket, &self.behind].concat();
        let [_, a, b, c] = u32::try_from(body.len()).ok()?.to_be_bytes();
        let message = [&[NEW_SESSION_TICKET, a, b, c][..], &body].concat();
        (message.len() <= MOST).then_some(message)
    }
}

/// The tickets that a connection gives after its handshake. Nothing happens where the connection's
/// configuration does not have our [`provider`].
#[derive(Debug, Default)]
pub(super) struct Reissue {
    template: Option<Template>,
    /// A message that goes out in front of what is said next.
    ready: Option<Vec<u8>>,
}

impl Reissue {
    /// Runs a step of a handshake, and remembers the last ticket that it has sent.
    pub(super) fn observe<T>(&mut self, step: impl FnOnce() -> T) -> T {
        SEEN.take();
        let given = step();
        let seen = SEEN.take();
        self.template = self.template.take().or(seen);
        given
    }

    /// Can a ticket be given now?
    pub(super) fn is_possible(&self) -> bool {
        self.template.is_some()
    }

    /// A ticket of this connection's session is to be given in front of what is said next.
    pub(super) fn prepare(&mut self, ticket: &[u8]) {
        self.ready = self.template.as_ref().and_then(|template| template.with(ticket));
    }

    /// Says what has been prepared; it waits to be flushed. Not to be called in the middle of a handshake.
    pub(super) fn say(&mut self, connection: &mut rustls::Connection) {
        let Some(message) = self.ready.take() else { return };
        READY.set(Some(message));
        // The byte stands for the message. It fails only where nothing can be sent any more, as the next
        // write will say.
        let _ = connection.writer().write(&[0]);
        READY.take();
    }
}

/// The cryptography of control connections: the common one, where TLS 1.3 can say a handshake message later.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    Arc::clone(PROVIDER.get_or_init(|| {
        let mut provider = (*super::provider::provider()).clone();
        for suite in &mut provider.cipher_suites {
            if let SupportedCipherSuite::Tls13(theirs) = suite {
                // A handful, made once in a process, which need them for ever.
                let algorithm: &'static Algorithm = Box::leak(Box::new(Algorithm(theirs.aead_alg)));
                let Tls13CipherSuite { hkdf_provider, quic, .. } = **theirs;
                let common = rustls::CipherSuiteCommon { ..theirs.common };
                let ours = Tls13CipherSuite { common, hkdf_provider, aead_alg: algorithm, quic };
                *suite = SupportedCipherSuite::Tls13(Box::leak(Box::new(ours)));
            }
        }
        Arc::new(provider)
    }))
}

struct Algorithm(&'static dyn Tls13AeadAlgorithm);

impl Tls13AeadAlgorithm for Algorithm {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Sealer(self.0.encrypter(key, iv)))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }

    fn fips(&self) -> bool {
        self.0.fips()
    }
}

struct Sealer(Box<dyn MessageEncrypter>);

impl MessageEncrypter for Sealer {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, rustls::Error> {
        match message.typ {
            ContentType::Handshake => {
                if let Some(template) = Template::last(&message.payload.to_vec()) {
                    SEEN.set(Some(template));
                }
            }
            ContentType::ApplicationData => {
                if let Some(ready) = READY.take() {
                    let payload = OutboundChunks::Single(&ready);
                    let message = OutboundPlainMessage {
                        typ: ContentType::Handshake,
                        payload,
                        version: message.version,
                    };
                    return self.0.encrypt(message, seq);
                }
            }
            _ => {}
        }
        self.0.encrypt(message, seq)
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        self.0.encrypted_payload_len(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::super::identity::{Choice, Identity};
    use super::super::store::{Store, View};
    use super::super::trust::Trust;
    use super::super::verify::Verifier;
    use super::*;

    #[test]
    fn a_template_is_a_ticket_message_but_for_the_ticket() {
        let body = [&[0, 1, 2, 3, 4, 5, 6, 7, 2, 0xa, 0xb][..], &[0, 3, 7, 8, 9], &[0, 0]].concat();
        let whole = [&[4, 0, 0, body.len() as u8][..], &body].concat();
        let key_update = [24, 0, 0, 1, 0];
        let other = [&[4, 0, 0, 13][..], &[9; 8], &[0, 0, 0, 0, 0]].concat();
        let template = Template::last(&[&other[..], &whole, &key_update].concat()).unwrap();
        assert_eq!(template.with(&[7, 8, 9]).unwrap(), whole);
        let longer = template.with(&[1; 400]).unwrap();
        assert_eq!(longer.get(1..4).unwrap(), [0, 1, 0x9f], "{longer:?}");
        assert_eq!(Template::last(&longer).unwrap().with(&[7, 8, 9]).unwrap(), whole);
        assert!(template.with(&vec![1; MOST]).is_none() && template.with(&vec![1; 1 << 17]).is_none());
        assert!(Template::last(&key_update).is_none() && Template::last(&[]).is_none());
        for end in 1..whole.len() {
            assert!(Template::last(&whole[..end]).is_none(), "{end} bytes");
        }
    }

    const CHANGED: &str = "rustls does not encrypt a record in the call that is given its bytes any more: \
                           tls/reissue.rs cannot work like this (docs/decisions/tickets-after-the-login.md)";

    /// Both ends of a TLS 1.3 connection in memory.
    struct Pair {
        server: rustls::Connection,
        client: rustls::Connection,
        store: Arc<Store>,
        reissue: Reissue,
    }

    impl Pair {
        fn new() -> Self {
            let identity = Identity::self_signed(&["localhost".to_owned()]).unwrap().identity;
            let verifier = Verifier::new(Trust::Pinned(vec![identity.fingerprint()]));
            let server = rustls::ServerConfig::builder_with_provider(provider())
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap()
                .with_no_client_auth();
            let mut server = server.with_cert_resolver(Arc::new(Choice(vec![identity])));
            server.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
            let client = rustls::ClientConfig::builder_with_provider(super::super::provider::provider())
                .with_protocol_versions(&[&rustls::version::TLS13])
                .unwrap();
            let mut client =
                client.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
            let store = Arc::default();
            client.resumption = rustls::client::Resumption::store(Arc::new(View::control(&store)));
            let name = "localhost".try_into().unwrap();
            Self {
                server: rustls::ServerConnection::new(Arc::new(server)).unwrap().into(),
                client: rustls::ClientConnection::new(Arc::new(client), name).unwrap().into(),
                store,
                reissue: Reissue::default(),
            }
        }

        /// Passes on what both have to say, until neither has.
        fn exchange(&mut self) {
            while self.client.wants_write() || self.server.wants_write() {
                let (mut up, mut down) = (Vec::new(), Vec::new());
                while self.client.wants_write() {
                    self.client.write_tls(&mut up).unwrap();
                }
                let mut up = up.as_slice();
                while !up.is_empty() {
                    self.server.read_tls(&mut up).unwrap();
                    self.reissue.observe(|| self.server.process_new_packets()).unwrap();
                }
                while self.server.wants_write() {
                    self.server.write_tls(&mut down).unwrap();
                }
                let mut down = down.as_slice();
                while !down.is_empty() {
                    self.client.read_tls(&mut down).unwrap();
                    self.client.process_new_packets().unwrap();
                }
            }
        }
    }

    #[test]
    fn rustls_encrypts_a_record_in_the_call_that_is_given_its_bytes() {
        let mut pair = Pair::new();
        pair.exchange();
        assert!(!pair.server.is_handshaking() && pair.reissue.is_possible(), "{CHANGED}");
        let given = pair.store.left();
        READY.set(Some(pair.reissue.template.as_ref().unwrap().with(b"another").unwrap()));
        pair.server.writer().write_all(&[0]).unwrap();
        assert!(READY.take().is_none(), "{CHANGED}");
        pair.server.writer().write_all(b"226 Done.").unwrap();
        pair.exchange();
        assert_eq!(pair.store.left(), given + 1, "the client takes it for a ticket");
        let mut said = [0; 32];
        let count = pair.client.reader().read(&mut said).unwrap();
        assert_eq!(&said[..count], b"226 Done.", "the byte that stood for the ticket is not sent");
    }
}
