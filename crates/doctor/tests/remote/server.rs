//! How does a small server that is healthy but for one thing answer?
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doctor::remote::LONGEST;
use socket2::{Domain, Socket, Type};

/// What is wrong: an answer in place of the healthy one.
pub(super) enum Odd {
    /// This line.
    Says(&'static str),
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
}

pub(super) type Quirk = fn(&str) -> Option<Odd>;

pub(super) fn well(_: &str) -> Option<Odd> {
    None
}

pub(super) fn content(name: &str) -> Vec<u8> {
    let length: u32 = if name == "small" { 250 } else { 30_000 };
    (0..length).flat_map(u32::to_le_bytes).collect()
}

/// One control connection.
pub(super) struct Session {
    pub(super) control: TcpStream,
    pub(super) quirk: Quirk,
    pub(super) waiting: Option<TcpListener>,
    pub(super) target: Option<SocketAddr>,
    pub(super) rest: usize,
    pub(super) stored: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    /// Held, so that what is dead or full stays so.
    pub(super) kept: Vec<Socket>,
}

impl Session {
    fn say(&mut self, line: &str) -> Option<()> {
        self.control.write_all(format!("{line}\r\n").as_bytes()).ok()
    }

    pub(super) fn serve(self, greeting: &str) -> Option<()> {
        self.serve_until(greeting, |_| false)
    }

    /// The same; the verb for which `ends` is true is answered by the end of the connection.
    pub(super) fn serve_until(mut self, greeting: &str, ends: impl Fn(&str) -> bool) -> Option<()> {
        self.say(greeting)?;
        let mut lines = BufReader::new(self.control.try_clone().ok()?);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
            if ends(verb) {
                return None;
            }
            match (self.quirk)(verb) {
                Some(Odd::Says(words)) => self.say(words)?,
                Some(Odd::Swallows) => {}
                Some(Odd::HangsUp) => return None,
                Some(Odd::Resets) => {
                    let _ = socket2::SockRef::from(&self.control).set_linger(Some(Duration::ZERO));
                    return None;
                }
                Some(Odd::Ignores(words)) => self.say(words)?,
                Some(odd @ (Odd::SilentPort | Odd::DeadPort | Odd::Foreign)) => {
                    self.passive(verb, Some(&odd))?
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
            "LIST" => self.send(
                b"-rw-r--r-- 1 a a   1000 Jan 02 2024 small\r\n-rw-r--r-- 1 a a 120000 Jan 02 2024 large\r\n"
                    .to_vec(),
            ),
            "MLSD" => self.send(b"type=file;size=1000; small\r\ntype=file;size=120000; large\r\n".to_vec()),
            "RETR" => {
                let from = std::mem::take(&mut self.rest);
                self.send(content(argument).split_off(from))
            }
            "STOR" => self.receive(argument),
            "SIZE" => {
                let stored = self.stored.lock().unwrap().get(argument).map(Vec::len);
                let size = stored.unwrap_or_else(|| content(argument).len());
                self.say(&format!("213 {size}"))
            }
            "MDTM" => self.say("213 20240102000000"),
            "DELE" => {
                let gone = self.stored.lock().unwrap().remove(argument).is_some();
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
            Some(Odd::DeadPort) => self.kept.push(socket),
            Some(Odd::SilentPort) => {
                socket.listen(0).ok()?;
                // Linux takes one more than it is announced.
                for _ in 0..2 {
                    let fill = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
                    fill.set_nonblocking(true).ok()?;
                    let _ = fill.connect(&at.into());
                    self.kept.push(fill);
                }
                self.kept.push(socket);
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
        data.set_read_timeout(Some(LONGEST)).ok()?;
        Some(data)
    }

    fn send(&mut self, bytes: Vec<u8>) -> Option<()> {
        self.say("150 here it comes")?;
        if self.waiting.is_none() && self.target.is_none() {
            // It goes on calling somebody who does not answer.
            return Some(());
        }
        // A client that has seen enough may have gone.
        let _ = self.data()?.write_all(&bytes);
        self.say("226 that was it")
    }

    fn receive(&mut self, name: &str) -> Option<()> {
        self.say("150 go on")?;
        let mut bytes = Vec::new();
        self.data()?.read_to_end(&mut bytes).ok()?;
        self.stored.lock().unwrap().insert(name.to_owned(), bytes);
        self.say("226 got it")
    }
}

/// A server that is there until the test's process ends: its thread waits for connections.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) stored: Arc<Mutex<HashMap<String, Vec<u8>>>>,
}

impl Server {
    pub(super) fn start(greeting: &'static str, quirk: Quirk) -> Self {
        Self::with(move |control, stored| {
            let session =
                Session { control, quirk, waiting: None, target: None, rest: 0, stored, kept: Vec::new() };
            let _ = session.serve(greeting);
        })
    }

    pub(super) fn with(
        serve: impl Fn(TcpStream, Arc<Mutex<HashMap<String, Vec<u8>>>>) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stored, serve) = (Arc::<Mutex<_>>::default(), Arc::new(serve));
        let kept = Arc::clone(&stored);
        std::thread::spawn(move || {
            for control in listener.incoming().map_while(Result::ok) {
                let (serve, stored) = (Arc::clone(&serve), Arc::clone(&kept));
                let _ = control.set_read_timeout(Some(LONGEST));
                std::thread::spawn(move || serve(control, stored));
            }
        });
        Self { port, stored }
    }
}
