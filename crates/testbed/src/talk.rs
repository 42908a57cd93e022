//! How does a test say single commands, to bring a server into a state that no client would?
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any server here takes to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A control connection.
pub struct Talk {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Talk {
    /// On a connection on which nothing has been said.
    #[track_caller]
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let replies = BufReader::new(stream.try_clone().expect("a second handle of the connection"));
        Self { stream, replies }
    }

    /// Reads the greeting and logs in.
    #[track_caller]
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.expect("220");
        if self.ask(&format!("USER {user}")).starts_with("331") {
            self.ask_for(&format!("PASS {password}"), "230");
        }
        self
    }

    /// Says `command` and returns the last line of its reply.
    #[track_caller]
    pub fn ask(&mut self, command: &str) -> String {
        self.say(command);
        self.reply()
    }

    /// Says `command` and returns the text of its reply, which has to carry `code`.
    #[track_caller]
    pub fn ask_for(&mut self, command: &str, code: &str) -> String {
        self.say(command);
        self.expect(code).split_off(4)
    }

    /// Says `command`, and waits for no reply.
    #[track_caller]
    pub fn say(&mut self, command: &str) {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).expect("the server listens");
    }

    /// The last line of the next reply.
    #[track_caller]
    pub fn reply(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            self.replies.read_line(&mut line).expect("a reply in time");
            assert!(!line.is_empty(), "the server closed the connection");
            // The lines of a long reply before its last have a hyphen here, or no code.
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The last line of the next reply, which has to carry `code`.
    #[track_caller]
    pub fn expect(&mut self, code: &str) -> String {
        let line = self.reply();
        assert!(line.starts_with(code), "{code} expected: {line}");
        line
    }

    /// Has the server closed the connection?
    pub fn is_over(&mut self) -> bool {
        matches!(self.replies.read_line(&mut String::new()), Ok(0))
    }

    /// Our own address and port.
    #[track_caller]
    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("the address of a connection")
    }

    /// The address that the answer to EPSV means.
    #[track_caller]
    pub fn epsv(&mut self) -> SocketAddr {
        let told = self.ask_for("EPSV", "229");
        let port = told.split('|').nth(3).and_then(|port| port.parse().ok());
        let server = self.stream.peer_addr().expect("the address of a connection");
        (server.ip(), port.unwrap_or_else(|| panic!("no port: {told}"))).into()
    }

    /// Opens the data connection of the next transfer.
    #[track_caller]
    pub fn passive(&mut self) -> TcpStream {
        TcpStream::connect(self.epsv()).expect("the data connection")
    }
}
