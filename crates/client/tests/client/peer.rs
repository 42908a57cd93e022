//! How does the scripted server play its part?
//!
//! ```text
//!   S: 220 ready            says a line                    D> abc\r\n      sends on the data connection
//!   C: USER ada             expects a line; a * at its     D< abc          expects on the data connection
//!                           end stands for anything
//!   DP                      expects EPSV, and says 229 with a data port
//!   T: RETR a               an ordinary transfer begins: `DP`, the command and a 150
//!   F: type=dir; a          says a 250 with these facts
//!   D>. abc                 `D> abc`, `! close-data`       D<. abc         `D< abc`, `! wait-data`
//!   ! login                 the usual login, with MLST, SIZE, MDTM, REST and MFMT on offer
//!                           `login plain`: no FEAT         `login hash`: SIZE, REST, RANG and HASH on offer
//!   ! close-data            ends the data connection       ! reset-data    breaks it
//!   ! wait-data             waits for the client's end of it; `wait-reset`: which is a reset
//!   ! close-control         ends the control connection    ! new-control   waits for another one
//!   ! login again           `! new-control`, `! login`
//!   ! wait-control          waits for the client's end of it
//!   ! dial                  connects to the port that the last EPRT or PORT told
//!   ! flood                 says lines of a multi-line reply until the client has had enough
//! ```
//! In an `S:` line `{port}` is the port of a data socket that is opened for it, `{p},{q}` the same for a 227,
//! and `{dead}` a port without a listener, and `{silent}` one where nothing answers.
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use net::reserve::Reserved;
use socket2::{Domain, SockRef, Socket, Type};

/// A peer that waits for longer than this waits for ever: the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const LOGIN: &str = "S: 220 ready
C: USER anonymous
S: 331 who?
C: PASS pasv@
S: 230 welcome
C: FEAT";
const OFFERED: [&str; 5] = ["MLST type*;size*;modify*;unique*;", "SIZE", "MDTM", "MFMT", "REST STREAM"];
const HASHING: [&str; 4] = ["SIZE", "REST STREAM", "RANG STREAM", "HASH SHA-256*;SHA-1"];

/// The server's side of a story.
pub(crate) struct Peer {
    listener: TcpListener,
    control: Option<BufReader<TcpStream>>,
    data_listener: Option<TcpListener>,
    data: Option<TcpStream>,
    /// The port that the client told last.
    told: Option<SocketAddr>,
    dead: Vec<Reserved>,
    silent: Vec<(Socket, TcpStream)>,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
        Self {
            listener,
            control: None,
            data_listener: None,
            data: None,
            told: None,
            dead: Vec::new(),
            silent: Vec::new(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.listener.local_addr().expect("a bound socket").port()
    }

    /// Takes a control connection, and plays a part on a thread of its own.
    pub(crate) fn start<T: Send + 'static>(
        mut self,
        play: impl FnOnce(&mut Self) -> Result<T, String> + Send + 'static,
    ) -> JoinHandle<Result<T, String>> {
        std::thread::spawn(move || {
            self.new_control()?;
            play(&mut self)
        })
    }

    /// Plays the lines in order.
    pub(crate) fn play(&mut self, steps: &str) -> Result<(), String> {
        steps.lines().try_for_each(|line| {
            let (kind, text) = line.split_once(' ').unwrap_or((line, ""));
            self.step(kind, text).map_err(|why| format!("at \"{line}\": {why}"))
        })
    }

    pub(crate) fn step(&mut self, kind: &str, text: &str) -> Result<(), String> {
        match (kind, text) {
            ("S:", _) => self.say(text),
            ("C:", _) => self.expect(text),
            ("DP", _) => self.play("C: EPSV\nS: 229 come (|||{port}|)"),
            ("T:", _) => self.play(&format!("DP\nC: {text}\nS: 150 go on")),
            ("F:", _) => self.play(&format!("S: 250-look\nS:  {text}\nS: 250 that was it")),
            ("D>.", _) => self.play(&format!("D> {text}\n! close-data")),
            ("D<.", _) => self.play(&format!("D< {text}\n! wait-data")),
            ("D>", _) => {
                let bytes = unescape(text);
                self.data()?.write_all(&bytes).map_err(|e| format!("sending data: {e}"))
            }
            ("D<", _) => {
                let wanted = unescape(text);
                let mut got = vec![0; wanted.len()];
                self.data()?.read_exact(&mut got).map_err(|e| format!("receiving data: {e}"))?;
                equal(&got, &wanted)
            }
            ("!", "login") => self.login(&OFFERED),
            ("!", "login again") => self.play("! new-control\n! login"),
            ("!", "login plain") => self.login(&[]),
            ("!", "login hash") => self.login(&HASHING),
            ("!", "close-data") => {
                self.data()?;
                self.data = None;
                Ok(())
            }
            ("!", "reset-data") => {
                let data = self.data()?;
                // With a byte unread a close is a reset; the client sends one first in such a story.
                let mut one = [0];
                data.peek(&mut one).map_err(|e| e.to_string())?;
                self.data = None;
                Ok(())
            }
            ("!", "wait-data") => {
                let mut rest = Vec::new();
                self.data()?
                    .read_to_end(&mut rest)
                    .map_err(|e| format!("waiting for the end of data: {e}"))?;
                self.data = None;
                equal(&rest, b"")
            }
            ("!", "wait-reset") => match self.data()?.read(&mut [0]) {
                Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(()),
                other => Err(format!("the data ended with {other:?}")),
            },
            ("!", "close-control") => {
                self.control = None;
                Ok(())
            }
            ("!", "wait-control") => {
                let mut rest = Vec::new();
                self.control()?
                    .read_to_end(&mut rest)
                    .map_err(|e| format!("waiting for the end of control: {e}"))?;
                equal(&rest, b"")
            }
            ("!", "new-control") => self.new_control(),
            ("!", "dial") => {
                let to = self.told.ok_or("no EPRT or PORT was heard")?;
                self.data = Some(patient(TcpStream::connect(to).map_err(|e| e.to_string())?)?);
                Ok(())
            }
            ("!", "flood") => self.flood(),
            _ => Err("not a step".to_owned()),
        }
    }

    /// The usual login, with these lines in FEAT, or without FEAT.
    fn login(&mut self, offered: &[&str]) -> Result<(), String> {
        self.play(LOGIN)?;
        let offered = offered.join("\\r\\n ");
        let features = format!("211-Features:\\r\\n {offered}\\r\\n211 End");
        self.say(if offered.is_empty() { "500 FEAT?" } else { &features })?;
        self.play("C: TYPE I\nS: 200 I it is")
    }

    /// Reads whatever is said up to the client's end of the control connection. A reset is one too: what was
    /// said last may be unread.
    pub(crate) fn until_closed(&mut self) -> Result<(), String> {
        let _ = self.control()?.read_to_end(&mut Vec::new());
        Ok(())
    }

    fn new_control(&mut self) -> Result<(), String> {
        let stream = accept(&self.listener)?;
        self.control = Some(BufReader::new(stream));
        Ok(())
    }

    fn control(&mut self) -> Result<&mut BufReader<TcpStream>, String> {
        self.control.as_mut().ok_or_else(|| "the control connection is closed".to_owned())
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        let mut line = text.to_owned();
        if line.contains("{port}") || line.contains("{p},{q}") {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|e| e.to_string())?;
            let port = listener.local_addr().map_err(|e| e.to_string())?.port();
            let [p, q] = port.to_be_bytes();
            line = line.replace("{port}", &port.to_string()).replace("{p},{q}", &format!("{p},{q}"));
            self.data_listener = Some(listener);
            self.data = None;
        }
        if line.contains("{silent}") {
            let (port, holding) = silent().map_err(|e| e.to_string())?;
            line = line.replace("{silent}", &port.to_string());
            self.silent.push(holding);
        }
        if line.contains("{dead}") {
            // Held without listening: a connection is refused there, and no other story is given it.
            let pair = Reserved::pair(Ipv4Addr::LOCALHOST.into()).map_err(|e| e.to_string())?;
            line = line.replace("{dead}", &pair.0.port().to_string());
            self.dead.push(pair.0);
        }
        let mut bytes = unescape(&line);
        bytes.extend_from_slice(b"\r\n");
        self.control()?.get_mut().write_all(&bytes).map_err(|e| format!("saying it: {e}"))
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        let mut line = Vec::new();
        self.control()?.read_until(b'\n', &mut line).map_err(|e| format!("hearing nothing: {e}"))?;
        let heard = line.escape_ascii().to_string();
        let heard =
            heard.strip_suffix("\\r\\n").ok_or_else(|| format!("heard \"{heard}\" without a line end"))?;
        let fits = match wanted.strip_suffix('*') {
            Some(start) => heard.starts_with(start),
            None => heard == wanted,
        };
        self.told = told_address(heard).or(self.told);
        if fits { Ok(()) } else { Err(format!("heard \"{heard}\"")) }
    }

    fn data(&mut self) -> Result<&mut TcpStream, String> {
        if self.data.is_none() {
            let listener = self.data_listener.as_ref().ok_or("no data port was told")?;
            self.data = Some(accept(listener)?);
        }
        self.data.as_mut().ok_or_else(|| "no data connection".to_owned())
    }

    fn flood(&mut self) -> Result<(), String> {
        let stream = self.control()?.get_mut();
        // 64 MiB: far more than any client should keep.
        for _ in 0..65_536 {
            let block = "and another line of this reply, which has no end of its own\r\n".repeat(16);
            match stream.write_all(block.as_bytes()) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    return Ok(());
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("the client took it all".to_owned())
    }
}

/// A port that drops every SYN, as a firewall does: its queue of one is full (listen(2)).
fn silent() -> std::io::Result<(u16, (Socket, TcpStream))> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(0)?;
    let at = socket.local_addr()?.as_socket().ok_or(ErrorKind::AddrNotAvailable)?;
    let queued = TcpStream::connect(at)?;
    Ok((at.port(), (socket, queued)))
}

pub(crate) fn accept(listener: &TcpListener) -> Result<TcpStream, String> {
    // On Linux the time-out for reading counts for accept too (socket(7)).
    SockRef::from(listener).set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
    let (stream, _) = listener.accept().map_err(|e| format!("nobody came: {e}"))?;
    patient(stream)
}

fn patient(stream: TcpStream) -> Result<TcpStream, String> {
    // A reply that waits for the acknowledgement of the one before it comes when the data is long through.
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
    Ok(stream)
}

fn told_address(command: &str) -> Option<SocketAddr> {
    if let Some(argument) = command.strip_prefix("EPRT ") {
        return wire::host_port::parse_eprt(argument.as_bytes()).ok();
    }
    Some(wire::HostPort::parse(command.strip_prefix("PORT ")?.as_bytes())?.socket())
}

fn equal(got: &[u8], wanted: &[u8]) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("got \"{}\"", got.escape_ascii())) }
}

/// `\r`, `\n`, `\0`, `\\` and `\xNN`.
pub(crate) fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(b'0') => out.push(0),
            Some(b'x') => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                out.push(u8::from_str_radix(&digits, 16).expect("two hexadecimal digits after \\x"));
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}
