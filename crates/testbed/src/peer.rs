//! How does a small FTP server answer that is healthy but for one thing?
//!
//! Its answers are those of [`Session::serve`], but where the test's quirk has another one.
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// How long it waits for its client.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer in place of the healthy one.
pub enum Odd {
    /// This line.
    Says(&'static str),
    /// The same, of a text that was made.
    Tells(String),
    /// None.
    Swallows,
    /// The end of the connection.
    HangsUp,
    /// A reset of it.
    Resets,
    /// A data port at which nobody answers: its queue is full, so that the kernel drops the SYN.
    SilentPort,
    /// A data port at which nobody listens.
    DeadPort,
    /// An address that is not the server's, with a port that is.
    Foreign,
    /// Agreement, and nothing done.
    Ignores(&'static str),
    /// These bytes on the data connection.
    Sends(Vec<u8>),
    /// These bytes, and then nothing until the client ends the control connection or says something.
    Stalls(Vec<u8>),
    /// This is done with the data connection of an upload.
    Takes(Box<dyn FnOnce(TcpStream) + Send>),
    /// A transfer as it should be, and the end of the control connection in place of its last reply.
    Vanishes,
}

/// A command to which a quirk may have an answer.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The number of the session, from 0.
    pub session: usize,
    /// Its first word.
    pub verb: &'a str,
    /// What stands behind it.
    pub argument: &'a str,
}

/// What a server has, and what it has heard.
#[derive(Default)]
pub struct Kept {
    files: Mutex<HashMap<String, Vec<u8>>>,
    stored: Mutex<HashMap<String, Vec<u8>>>,
    heard: Mutex<Vec<Vec<String>>>,
}

type Quirk = Arc<dyn Fn(Ask<'_>) -> Option<Odd> + Send + Sync>;

impl Kept {
    /// What was uploaded.
    pub fn stored(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        held(&self.stored)
    }

    fn content(&self, name: &str) -> Option<Vec<u8>> {
        held(&self.stored).get(name).or(held(&self.files).get(name)).cloned()
    }
}

/// A lock is nobody's when a test has failed under it, and the test has said so.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One control connection.
pub struct Session {
    control: TcpStream,
    quirk: Quirk,
    number: usize,
    waiting: Option<TcpListener>,
    target: Option<SocketAddr>,
    rest: usize,
    kept: Arc<Kept>,
    /// So that what is dead or full stays so.
    sockets: Vec<Socket>,
}

impl Session {
    /// A session with this quirk.
    pub fn new(
        control: TcpStream,
        quirk: impl Fn(&str) -> Option<Odd> + Send + Sync + 'static,
        kept: Arc<Kept>,
    ) -> Self {
        Self::playing(control, Arc::new(move |ask| quirk(ask.verb)), kept)
    }

    fn playing(control: TcpStream, quirk: Quirk, kept: Arc<Kept>) -> Self {
        let number = held(&kept.heard).len();
        held(&kept.heard).push(Vec::new());
        Self { control, quirk, number, waiting: None, target: None, rest: 0, kept, sockets: Vec::new() }
    }

    fn say(&mut self, line: &str) -> Option<()> {
        self.control.write_all(format!("{line}\r\n").as_bytes()).ok()
    }

    /// Answers until one of the two ends.
    pub fn serve(self, greeting: &str) -> Option<()> {
        self.serve_until(greeting, |_| false)
    }

    /// The same; the verb for which `ends` is true is answered by the end of the connection.
    pub fn serve_until(mut self, greeting: &str, ends: impl Fn(&str) -> bool) -> Option<()> {
        self.say(greeting)?;
        let mut lines = BufReader::new(self.control.try_clone().ok()?);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            held(&self.kept.heard)[self.number].push(line.to_owned());
            let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
            if ends(verb) {
                return None;
            }
            match (self.quirk)(Ask { session: self.number, verb, argument }) {
                Some(Odd::Says(words) | Odd::Ignores(words)) => self.say(words)?,
                Some(Odd::Tells(words)) => self.say(&words)?,
                Some(Odd::Swallows) => {}
                Some(Odd::HangsUp) => return None,
                Some(Odd::Resets) => {
                    let _ = socket2::SockRef::from(&self.control).set_linger(Some(Duration::ZERO));
                    return None;
                }
                Some(odd @ (Odd::SilentPort | Odd::DeadPort | Odd::Foreign)) => {
                    self.passive(verb, Some(&odd))?
                }
                Some(Odd::Sends(bytes)) => self.send(&bytes)?,
                Some(Odd::Stalls(bytes)) => {
                    self.say("150 here it comes")?;
                    let mut data = self.data()?;
                    // The client may be gone before it has taken all of it.
                    let _ = data.write_all(&bytes);
                    let _ = lines.read_line(&mut String::new());
                    return None;
                }
                Some(Odd::Takes(take)) => {
                    self.say("150 go on")?;
                    take(self.data()?);
                    self.say("226 got it")?;
                }
                Some(Odd::Vanishes) => {
                    self.say("150 go on")?;
                    let mut data = self.data()?;
                    if verb == "STOR" {
                        self.store(argument, &mut data)?;
                    } else {
                        let _ = data.write_all(&self.kept.content(argument)?);
                    }
                    return None;
                }
                None => self.answer(verb, argument)?,
            }
        }
    }

    fn answer(&mut self, verb: &str, argument: &str) -> Option<()> {
        match verb {
            "USER" => self.say("331 who?"),
            "PASS" => self.say("230 welcome, hunter2"),
            "TYPE" => self.say("200 yes"),
            "SYST" => self.say("215 UNIX Type: L8"),
            "STAT" => self.say("211-Status\r\n Connected to 127.0.0.1\r\n211 End"),
            "FEAT" => {
                self.say("211-Features:\r\n MLST size*;type*;\r\n SIZE\r\n MDTM\r\n REST STREAM\r\n211 End")
            }
            "EPSV" | "PASV" => self.passive(verb, None),
            "EPRT" => {
                self.target = wire::host_port::parse_eprt(argument.as_bytes()).ok();
                self.say("200 yes")
            }
            "PORT" => {
                self.target = wire::HostPort::parse(argument.as_bytes()).map(wire::HostPort::socket);
                self.say("200 yes")
            }
            "REST" => {
                self.rest = argument.parse().ok()?;
                self.say("350 from there")
            }
            "LIST" | "MLSD" => {
                let mut files: Vec<_> =
                    held(&self.kept.files).iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect();
                files.sort();
                let line = |(name, size): &(String, usize)| match verb {
                    "LIST" => format!("-rw-r--r-- 1 a a {size:>6} Jan 02 2024 {name}\r\n"),
                    _ => format!("type=file;size={size}; {name}\r\n"),
                };
                self.send(files.iter().map(line).collect::<String>().as_bytes())
            }
            "RETR" => {
                let from = std::mem::take(&mut self.rest);
                match self.kept.content(argument) {
                    Some(bytes) => self.send(bytes.get(from..)?),
                    None => self.say("550 not there"),
                }
            }
            "STOR" => {
                self.say("150 go on")?;
                let mut data = self.data()?;
                self.store(argument, &mut data)?;
                drop(data);
                self.say("226 got it")
            }
            "SIZE" => match self.kept.content(argument) {
                Some(bytes) => self.say(&format!("213 {}", bytes.len())),
                None => self.say("550 not there"),
            },
            "MDTM" => self.say("213 20240102000000"),
            "DELE" => {
                let gone = self.kept.stored().remove(argument).is_some();
                self.say(if gone { "250 gone" } else { "550 not there" })
            }
            "QUIT" => self.say("221 bye"),
            _ => self.say("502 no"),
        }
    }

    fn passive(&mut self, verb: &str, odd: Option<&Odd>) -> Option<()> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).ok()?;
        let at = socket.local_addr().ok()?.as_socket()?;
        match odd {
            Some(Odd::DeadPort) => self.sockets.push(socket),
            Some(Odd::SilentPort) => {
                socket.listen(0).ok()?;
                // Linux takes one more than it is announced.
                for _ in 0..2 {
                    let fill = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
                    fill.set_nonblocking(true).ok()?;
                    let _ = fill.connect(&at.into());
                    self.sockets.push(fill);
                }
                self.sockets.push(socket);
            }
            _ => {
                socket.listen(8).ok()?;
                self.waiting = Some(socket.into());
            }
        }
        let [p, q] = at.port().to_be_bytes();
        match (verb, odd) {
            ("EPSV", _) => self.say(&format!("229 come (|||{}|)", at.port())),
            (_, Some(Odd::Foreign)) => self.say(&format!("227 come (10,9,8,7,{p},{q})")),
            _ => self.say(&format!("227 come (127,0,0,1,{p},{q})")),
        }
    }

    fn data(&mut self) -> Option<TcpStream> {
        let data = match (self.waiting.take(), self.target.take()) {
            (Some(listener), _) => listener.accept().ok()?.0,
            (None, Some(target)) => TcpStream::connect(target).ok()?,
            (None, None) => return None,
        };
        data.set_read_timeout(Some(PATIENCE)).ok()?;
        Some(data)
    }

    fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.say("150 here it comes")?;
        if self.waiting.is_none() && self.target.is_none() {
            // It goes on calling somebody who does not answer.
            return Some(());
        }
        // A client that has seen enough may have gone.
        let _ = self.data()?.write_all(bytes);
        self.say("226 that was it")
    }

    fn store(&self, name: &str, data: &mut TcpStream) -> Option<()> {
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).ok()?;
        self.kept.stored().insert(name.to_owned(), bytes);
        Some(())
    }
}

/// A server that is there until the test's process ends: its thread waits for connections.
pub struct Server {
    /// Its control port.
    pub port: u16,
    kept: Arc<Kept>,
}

impl Server {
    /// A server with a quirk that looks at the verb.
    pub fn start(
        greeting: &'static str,
        quirk: impl Fn(&str) -> Option<Odd> + Send + Sync + 'static,
    ) -> Self {
        Self::serving(greeting, Arc::new(move |ask| quirk(ask.verb)))
    }

    /// A server with a quirk that looks at all there is.
    pub fn playing(quirk: impl Fn(Ask<'_>) -> Option<Odd> + Send + Sync + 'static) -> Self {
        Self::serving("220 ready", Arc::new(quirk))
    }

    fn serving(greeting: &'static str, quirk: Quirk) -> Self {
        Self::with(move |control, kept| {
            let _ = Session::playing(control, Arc::clone(&quirk), kept).serve(greeting);
        })
    }

    /// A server that does this with each connection.
    pub fn with(serve: impl Fn(TcpStream, Arc<Kept>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (kept, serve) = (Arc::<Kept>::default(), Arc::new(serve));
        let server = Self { port, kept: Arc::clone(&kept) };
        std::thread::spawn(move || {
            for control in listener.incoming().map_while(Result::ok) {
                let (serve, kept) = (Arc::clone(&serve), Arc::clone(&kept));
                let _ = control.set_read_timeout(Some(PATIENCE));
                std::thread::spawn(move || serve(control, kept));
            }
        });
        server
    }

    /// The same server, which has this file.
    #[must_use]
    pub fn having(self, name: &str, bytes: Vec<u8>) -> Self {
        held(&self.kept.files).insert(name.to_owned(), bytes);
        self
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("ftp://127.0.0.1:{}/{path}", self.port)
    }

    /// What was uploaded.
    pub fn stored(&self) -> MutexGuard<'_, HashMap<String, Vec<u8>>> {
        self.kept.stored()
    }

    /// The lines of each session.
    pub fn heard(&self) -> Vec<Vec<String>> {
        held(&self.kept.heard).clone()
    }
}
