//! How does a test say single commands, and ask the kernel what it knows?
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::network::{CONTROL, Host};

/// Longer than any server here takes to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A control connection.
pub(crate) struct Talk {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
    site: IpAddr,
}

impl Talk {
    /// Connects and logs in.
    #[track_caller]
    pub(crate) fn open(host: &Host, site: IpAddr, (user, password): (&str, &str)) -> Self {
        let mut talk = Self::connect(host, site);
        talk.expect("220");
        let asked = talk.ask(&format!("USER {user}"));
        if asked.starts_with("331") {
            let welcome = talk.ask(&format!("PASS {password}"));
            assert!(welcome.starts_with("230"), "{welcome}");
        }
        talk
    }

    /// Connects, and says nothing.
    #[track_caller]
    pub(crate) fn connect(host: &Host, site: IpAddr) -> Self {
        let stream = host.connect((site, CONTROL).into(), PATIENCE).expect("a control connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let replies = BufReader::new(stream.try_clone().expect("a second handle of the connection"));
        Self { stream, replies, site }
    }

    /// Says `command` and returns the last line of its reply.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.say(command);
        self.reply()
    }

    /// Says `command`.
    #[track_caller]
    pub(crate) fn say(&mut self, command: &str) {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).expect("the site listens");
    }

    /// The last line of the next reply.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            self.replies.read_line(&mut line).expect("a reply in time");
            assert!(!line.is_empty(), "the site closed the connection");
            // The lines of a long reply before its last have a hyphen here, or no code.
            if line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// The next reply, which has to carry `code`.
    #[track_caller]
    pub(crate) fn expect(&mut self, code: &str) -> String {
        let line = self.reply();
        assert!(line.starts_with(code), "{code} expected: {line}");
        line
    }

    /// Has the site closed the connection?
    pub(crate) fn is_over(&mut self) -> bool {
        let mut line = String::new();
        matches!(self.replies.read_line(&mut line), Ok(0))
    }

    /// Our own address and port.
    pub(crate) fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("the address of a connection")
    }

    /// The port that EPSV tells, at the first time of asking.
    #[track_caller]
    pub(crate) fn epsv(&mut self) -> SocketAddr {
        let told = self.ask("EPSV");
        let port = told.split('|').nth(3).and_then(|port| port.parse().ok());
        (self.site, port.unwrap_or_else(|| panic!("no port: {told}"))).into()
    }

    /// Asks for `name` where no data connection can be made, and returns the reply; called on the host it
    /// belongs to.
    #[track_caller]
    pub(crate) fn fetches_in_vain(&mut self, name: &str) -> String {
        let to = self.epsv();
        self.say(&format!("RETR {name}"));
        // The client's try is what the server can see, or not see; a second SYN goes after the first within
        // this time.
        let _ = TcpStream::connect_timeout(&to, Duration::from_secs(2));
        self.reply()
    }

    /// Asks for a listing to a port of ours, to which nobody comes, and returns the reply; called on the host
    /// it belongs to.
    #[track_caller]
    pub(crate) fn waits_in_vain(&mut self) -> String {
        let listener = TcpListener::bind((self.local().ip(), 0)).expect("a port of ours");
        let port = listener.local_addr().expect("its address").port();
        let told = self.ask(&format!("EPRT |1|{}|{port}|", self.local().ip()));
        assert!(told.starts_with("200"), "{told}");
        let told = self.ask("LIST");
        if told.starts_with('1') { self.reply() } else { told }
    }

    /// Fetches `name`; called on the host it belongs to.
    #[track_caller]
    pub(crate) fn fetch(&mut self, name: &str) -> Result<Vec<u8>, String> {
        self.ask("TYPE I");
        let to = self.epsv();
        let mut data = TcpStream::connect_timeout(&to, PATIENCE).map_err(|error| format!("{to}: {error}"))?;
        data.set_read_timeout(Some(PATIENCE)).expect("a deadline");
        let mark = self.ask(&format!("RETR {name}"));
        if !mark.starts_with('1') {
            return Err(mark);
        }
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let done = self.reply();
        if done.starts_with('2') { Ok(bytes) } else { Err(done) }
    }
}

/// Does somebody listen at this port, on the host where this is asked?
pub(crate) fn listens(port: u16) -> bool {
    // /proc/net is the network of the process; this is the thread's.
    ["tcp", "tcp6"].iter().any(|table| {
        let text = fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
        // `local address:port` in hexadecimal is the second column, the state the fourth; 0A is LISTEN.
        text.lines().skip(1).any(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            columns.get(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
                && columns.get(3) == Some(&"0A")
        })
    })
}

/// Has the host where this is asked an IPv4 route?
pub(crate) fn has_v4() -> bool {
    fs::read_to_string("/proc/thread-self/net/route").is_ok_and(|text| text.lines().count() > 1)
}
