//! How does a test say single commands, to bring a site into a state no client would?

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::url::Door;

/// A control connection, logged in.
pub(crate) struct Dialogue {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Dialogue {
    /// Connects and logs in.
    #[track_caller]
    pub(crate) fn open(door: &Door) -> Self {
        let stream = TcpStream::connect((Door::HOST, door.port)).expect("a connection to the site");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a deadline");
        let replies = BufReader::new(stream.try_clone().expect("a second handle of the connection"));
        let mut talk = Self { stream, replies };
        talk.expect("220");
        talk.ask(&format!("USER {}", door.user), "331");
        talk.ask(&format!("PASS {}", door.password), "230");
        talk
    }

    /// Says `command` and returns the text of its reply, which has to carry `code`.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str, code: &str) -> String {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).expect("the site listens");
        self.expect(code)
    }

    /// Says something, and waits for no reply.
    #[track_caller]
    pub(crate) fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("the site listens");
    }

    /// The text of the next reply, which has to carry `code`.
    #[track_caller]
    pub(crate) fn expect(&mut self, code: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            self.replies.read_line(&mut line).expect("a reply");
            assert!(!line.is_empty(), "the site closed the connection before {code}");
            // The lines of a long reply before its last have a hyphen here, or no code.
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) {
                break;
            }
        }
        assert!(line.starts_with(code), "{code} expected: {line}");
        line.split_off(4)
    }

    /// Opens the data connection of the next transfer.
    #[track_caller]
    pub(crate) fn passive(&mut self) -> TcpStream {
        let told = self.ask("EPSV", "229");
        let port =
            told.split('|').nth(3).and_then(|port| port.parse::<u16>().ok()).expect("a port in the reply");
        TcpStream::connect((Door::HOST, port)).expect("the data connection")
    }
}
