//! What do middleboxes do that the kernel's filter cannot: wait, read commands, answer for others, and
//! introduce clients?
//!
//! The relay takes connections in the router and opens another one to the site for each, at the same port.
//! Delay is put on the dial and on every piece in both directions, so that both sides wait as on a long
//! line; only the client's own handshake is quicker than there.
use std::io::{Read as _, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testbed::process::{run_within, tool};

use crate::addresses::CONTROL;

/// How often a thread looks whether the relay is to end.
const TURN: Duration = Duration::from_millis(50);

/// What becomes of EPSV on its way to the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Epsv {
    /// It passes.
    #[default]
    Passes,
    /// Nobody ever hears of it.
    Eaten,
    /// The connection is reset.
    Reset,
    /// The middlebox answers 500 itself.
    Refused,
    /// It passes, but the ports of 227 replies are the only ones that are opened.
    OnlyPasvOpens,
}

/// What becomes of AUTH TLS on its way to the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Auth {
    /// It passes.
    #[default]
    Passes,
    /// The middlebox answers 500 itself.
    Refused,
    /// Nobody ever hears of it.
    Eaten,
    /// It passes, and so does the answer; the connection ends at what follows.
    Cut,
    /// It passes, and so does the answer; nobody ever hears of what follows.
    HelloEaten,
}

/// How a load balancer introduces its clients (the PROXY protocol).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proxy {
    /// A line of text.
    V1,
    /// Bytes.
    V2,
}

/// What the relay does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Way {
    /// One way.
    pub(crate) delay: Duration,
    pub(crate) epsv: Epsv,
    pub(crate) auth: Auth,
    pub(crate) proxy: Option<Proxy>,
}

/// A running relay; it ends with this value.
pub(crate) struct Relay {
    ended: Arc<AtomicBool>,
    listeners: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Listens at `ports`, in both families, and dials `site`. Called on the host where it is to run.
    #[track_caller]
    pub(crate) fn start(ports: &[u16], site: Ipv4Addr, way: Way) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let listen = |&port: &u16| {
            let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).expect("a port of the router");
            listener.set_nonblocking(true).expect("a socket's mode");
            let ended = Arc::clone(&ended);
            std::thread::spawn(move || accept(&listener, (site, port).into(), way, &ended))
        };
        let listeners = ports.iter().map(listen).collect();
        Self { ended, listeners }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        for listener in self.listeners.drain(..) {
            let _ = listener.join();
        }
    }
}

fn accept(listener: &TcpListener, site: SocketAddr, way: Way, ended: &Arc<AtomicBool>) {
    let mut carriers = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, from)) => {
                let ended = Arc::clone(ended);
                carriers.push(std::thread::spawn(move || {
                    // A side that breaks off ends this connection and nothing else.
                    let _ = carry(client, from, site, way, &ended);
                }));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    for carrier in carriers {
        let _ = carrier.join();
    }
}

fn carry(
    client: TcpStream,
    from: SocketAddr,
    site: SocketAddr,
    way: Way,
    ended: &Arc<AtomicBool>,
) -> std::io::Result<()> {
    client.set_nonblocking(false)?;
    std::thread::sleep(way.delay);
    let mut server = TcpStream::connect_timeout(&site, Duration::from_secs(5))?;
    if let Some(proxy) = way.proxy {
        server.write_all(&introduction(proxy, from, site))?;
    }
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TURN))?;
    }
    let broken = Arc::new(AtomicBool::new(false));
    let up = Line::new(&client, &server, way, [ended, &broken])?;
    let down = Line::new(&server, &client, way, [ended, &broken])?;
    // The lines have their own handles; the last one that goes closes the connection.
    drop((client, server));
    let reads = site.port() == CONTROL && (way.epsv != Epsv::Passes || way.auth != Auth::Passes);
    std::thread::scope(|scope| {
        scope.spawn(move || up.run(if reads { Reads::Commands } else { Reads::Nothing }));
        down.run(if reads { Reads::Replies } else { Reads::Nothing });
    });
    Ok(())
}

enum Reads {
    Nothing,
    Commands,
    Replies,
}

/// One direction of a connection.
struct Line {
    from: TcpStream,
    to: TcpStream,
    way: Way,
    /// Of the relay, and of this connection.
    ended: [Arc<AtomicBool>; 2],
}

impl Line {
    fn new(
        from: &TcpStream,
        to: &TcpStream,
        way: Way,
        ended: [&Arc<AtomicBool>; 2],
    ) -> std::io::Result<Self> {
        Ok(Self { from: from.try_clone()?, to: to.try_clone()?, way, ended: ended.map(Arc::clone) })
    }

    fn is_ended(&self) -> bool {
        self.ended.iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    fn run(mut self, reads: Reads) {
        let (sender, receiver) = channel();
        let to = self.to.try_clone();
        let broken = Arc::clone(&self.ended[1]);
        std::thread::scope(|scope| {
            scope.spawn(move || to.map(|to| write_in_time(to, &receiver, &broken)));
            self.read(&reads, sender);
        });
    }

    /// Reads until the end, and hands on what passes with the time at which it is to be written.
    fn read(&mut self, reads: &Reads, sender: Sender<(Instant, Vec<u8>)>) {
        let (mut buffer, mut line) = (vec![0; 64 * 1024], Vec::new());
        let mut agreed = false;
        while !self.is_ended() {
            let got = match self.from.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => &buffer[..count],
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) =>
                {
                    continue;
                }
                Err(_) => return,
            };
            let due = Instant::now() + self.way.delay;
            if matches!(reads, Reads::Nothing) {
                let _ = sender.send((due, got.to_vec()));
                continue;
            }
            if agreed {
                match self.way.auth {
                    Auth::HelloEaten => continue,
                    _ => self.ended[1].store(true, Ordering::Relaxed),
                }
            }
            for &byte in got {
                line.push(byte);
                if byte != b'\n' {
                    continue;
                }
                let whole = std::mem::take(&mut line);
                let passes = match reads {
                    Reads::Commands => {
                        agreed |= is_auth(&whole) && matches!(self.way.auth, Auth::Cut | Auth::HelloEaten);
                        self.command(&whole)
                    }
                    Reads::Nothing | Reads::Replies => {
                        self.reply(&whole);
                        true
                    }
                };
                if passes {
                    let _ = sender.send((due, whole));
                }
            }
        }
    }

    /// Does this command of the client pass?
    fn command(&mut self, line: &[u8]) -> bool {
        match self.way.auth {
            Auth::Refused if is_auth(line) => {
                let _ = self.from.write_all(b"500 What is that?\r\n");
                return false;
            }
            Auth::Eaten if is_auth(line) => return false,
            _ => {}
        }
        if !line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"EPSV")) {
            return true;
        }
        match self.way.epsv {
            Epsv::Passes | Epsv::OnlyPasvOpens => true,
            Epsv::Eaten => false,
            Epsv::Refused => {
                let _ = self.from.write_all(b"500 What is that?\r\n");
                false
            }
            Epsv::Reset => {
                for stream in [&self.from, &self.to] {
                    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
                }
                self.ended[1].store(true, Ordering::Relaxed);
                false
            }
        }
    }

    /// Opens the port that a 227 reply names, before the client hears of it.
    fn reply(&self, line: &[u8]) {
        if self.way.epsv != Epsv::OnlyPasvOpens || !line.starts_with(b"227 ") {
            return;
        }
        let text = String::from_utf8_lossy(line);
        let numbers: Vec<u16> = text
            .get(4..)
            .unwrap_or_default()
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect();
        if let [.., high, low] = numbers[..] {
            let rule = format!("insert rule inet lab forward tcp dport {} accept\n", high * 256 + low);
            run_within(tool("nft").args(["-f", "-"]), rule.as_bytes(), Duration::from_secs(5));
        }
    }
}

fn is_auth(line: &[u8]) -> bool {
    line.get(..4).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH"))
}

fn write_in_time(mut to: TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>, broken: &AtomicBool) {
    while let Ok((due, piece)) = pieces.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&piece).is_err() {
            break;
        }
    }
    // Where the connection is to be reset, an orderly end would come before.
    if !broken.load(Ordering::Relaxed) {
        let _ = to.shutdown(Shutdown::Write);
    }
}

fn introduction(proxy: Proxy, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    // Our listeners take both families, and show IPv4 in IPv6's clothes.
    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
    match (proxy, from.ip(), to.ip()) {
        (Proxy::V1, source, target) => {
            format!("PROXY TCP4 {source} {target} {} {}\r\n", from.port(), to.port()).into_bytes()
        }
        (Proxy::V2, IpAddr::V4(source), IpAddr::V4(target)) => {
            let mut bytes = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
            bytes.extend(source.octets());
            bytes.extend(target.octets());
            bytes.extend(from.port().to_be_bytes());
            bytes.extend(to.port().to_be_bytes());
            bytes
        }
        (Proxy::V2, ..) => panic!("the labs with a load balancer have IPv4 only"),
    }
}
