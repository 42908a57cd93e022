//! How does a test say single commands, and ask the kernel what it knows?
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::Duration;

use testbed::talk::Talk;

use crate::addresses::CONTROL;
use crate::network::Host;

/// Longer than any server here takes to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connects and logs in.
#[track_caller]
pub(crate) fn open(host: &Host, site: IpAddr, (user, password): (&str, &str)) -> Talk {
    connect(host, site).login(user, password)
}

/// Connects, and says nothing.
#[track_caller]
pub(crate) fn connect(host: &Host, site: IpAddr) -> Talk {
    Talk::new(host.connect((site, CONTROL).into(), PATIENCE).expect("a control connection"))
}

/// Asks for `name` where no data connection can be made, and returns the reply; called on the host it
/// belongs to.
#[track_caller]
pub(crate) fn fetches_in_vain(talk: &mut Talk, name: &str) -> String {
    let to = talk.epsv();
    talk.say(&format!("RETR {name}"));
    // The client's try is what the server can see, or not see; a second SYN goes after the first within
    // this time.
    let _ = TcpStream::connect_timeout(&to, Duration::from_secs(2));
    talk.reply()
}

/// Asks for a listing to a port of ours, to which no connection comes, and returns the reply; called on the
/// host it belongs to.
#[track_caller]
pub(crate) fn waits_in_vain(talk: &mut Talk) -> String {
    let own = talk.local().ip();
    let listener = TcpListener::bind((own, 0)).expect("a port of ours");
    let port = listener.local_addr().expect("its address").port();
    talk.ask_for(&format!("EPRT |1|{own}|{port}|"), "200");
    let told = talk.ask("LIST");
    if told.starts_with('1') { talk.reply() } else { told }
}

/// Fetches `name`; called on the host it belongs to.
#[track_caller]
pub(crate) fn fetch(talk: &mut Talk, name: &str) -> Result<Vec<u8>, String> {
    talk.ask("TYPE I");
    let to = talk.epsv();
    let mut data = TcpStream::connect_timeout(&to, PATIENCE).map_err(|error| format!("{to}: {error}"))?;
    data.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    let mark = talk.ask(&format!("RETR {name}"));
    if !mark.starts_with('1') {
        return Err(mark);
    }
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let done = talk.reply();
    if done.starts_with('2') { Ok(bytes) } else { Err(done) }
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
