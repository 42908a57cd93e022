//! How do two connections look on paper? The picture that every description of passive FTP draws, line by
//! line as it happens.
//!
//! ```text
//!                client 192.0.2.7                 server 198.51.100.1
//! classic              n                               21
//! here               40310                            2121
//!   0.000              |===== control connection ======>|
//!                      |  (client connects to port 2121) |
//!   0.010              |  EPSV                        ->|
//!   0.011              |<- 229 Entering extended pas... |
//! classic     n+1      |                                |      p
//! here       40311     |                                |    61214
//!   0.012      |--------------- data connection ------------->|
//!              |       |(passive: client connects again)|     |
//!   0.020      |<=============== 12,345 bytes ================|
//! ```
//! Time goes down, in seconds. An arrow starts at the end that dialled; that of a transfer at the end that
//! sends.
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use client::{Dialled, Event};
use indicatif::HumanCount;
use wire::pathname::show;
use wire::{Reply, Severity};

use crate::columns::wrap;

/// Narrower than this no reply could be read; wider, and the eye loses its line.
const NARROWEST: usize = 56;
const WIDEST: usize = 132;
/// With less than this the messages need the room of the time.
const TIMED: usize = 76;
/// Columns of the time: seconds with three digits behind the point, and a blank.
const TIME: usize = 9;

/// A session's picture, drawn down to now.
#[derive(Debug)]
pub(crate) struct Picture {
    width: usize,
    /// Columns of the four lanes. The data ports' are the outer ones, so that no message is in their way.
    client_data: usize,
    client: usize,
    server: usize,
    server_data: usize,
    control: Option<u16>,
    /// A transfer's data connection, while it stands.
    data: Option<Transfer>,
    /// The bytes of the last transfer command go to the server.
    upload: bool,
    /// What the server said behind its last byte, before that had come.
    held: Vec<Reply>,
    /// When the newest event happened.
    now: Duration,
    /// What was drawn for it so far.
    lines: Vec<String>,
}

#[derive(Debug, Default)]
struct Transfer {
    /// So many bytes have moved, as far as that is known.
    bytes: u64,
    /// Its arrow is drawn.
    drawn: bool,
}

impl Picture {
    /// An empty sheet so many columns wide.
    pub(crate) fn new(columns: usize) -> Self {
        let width = columns.clamp(NARROWEST, WIDEST);
        let (client_data, server_data) = (if width >= TIMED { TIME } else { 0 } + 2, width - 3);
        Self {
            width,
            client_data,
            client: client_data + 7,
            server: server_data - 7,
            server_data,
            control: None,
            data: None,
            upload: false,
            held: Vec::new(),
            now: Duration::ZERO,
            lines: Vec::new(),
        }
    }

    /// The lines of an event at this time.
    pub(crate) fn event(&mut self, at: Duration, event: &Event) -> Vec<String> {
        self.now = at;
        match event {
            Event::ControlOpened { local, peer } => {
                self.release();
                if self.control.replace(local.port()).is_some() {
                    self.lines.push(String::new());
                }
                self.data = None;
                self.head(*local, *peer);
                let arrow = self.row(true).arrow(self.client, self.server, '=', " control connection ");
                self.draw(&arrow);
                self.note(&format!("(the client connects to port {})", peer.port()));
            }
            Event::Said(text) => {
                self.release();
                match text.split(' ').next() {
                    Some("STOR" | "STOU" | "APPE") => self.upload = true,
                    Some("RETR" | "LIST" | "NLST" | "MLSD") => self.upload = false,
                    _ => {}
                }
                let row = self.row(true).put(self.client + 3, &cut(text, self.room()));
                self.draw(&row.put(self.server - 2, "->"));
            }
            Event::Answered(reply) => self.answered(reply),
            Event::DataOpened { dialled, local, peer } => {
                self.release();
                self.opened(*dialled, *local, *peer);
            }
            Event::DataEnded { bytes } => {
                if let Some(transfer) = &mut self.data {
                    transfer.bytes = *bytes;
                }
                self.transferred("");
                self.data = None;
                self.release();
            }
            other => {
                let words = other.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                for (n, words) in wrap(&words, "", "  ", self.room() + 3).into_iter().enumerate() {
                    self.draw(&self.row(n == 0).put(self.client + 2, &words));
                }
            }
        }
        std::mem::take(&mut self.lines)
    }

    /// So many bytes more have come or gone over the data connection.
    pub(crate) fn moved(&mut self, bytes: u64) {
        if let Some(transfer) = &mut self.data {
            transfer.bytes += bytes;
        }
    }

    /// The arrow of a transfer that goes on, for a terminal that shows it until there is more; none where
    /// nothing moves.
    pub(crate) fn under_way(&mut self, at: Duration) -> Option<String> {
        self.now = at;
        let transfer = self.data.as_ref().filter(|transfer| !transfer.drawn)?;
        Some(self.moving(&format!("{} bytes so far", HumanCount(transfer.bytes))).to_string())
    }

    /// The arrow of a transfer that does not come to its own end, and what was held back for it.
    pub(crate) fn broken_off(&mut self, at: Duration, why: &str) -> Vec<String> {
        self.now = at;
        self.break_off(why);
        std::mem::take(&mut self.lines)
    }

    fn break_off(&mut self, why: &str) {
        if self.data.as_ref().is_some_and(|transfer| transfer.bytes > 0) {
            self.transferred(why);
        }
        self.release();
    }

    fn answered(&mut self, reply: &Reply) {
        let severity = reply.code.severity();
        // Its arrow is drawn as soon as all has come; a 2yz may be here before.
        let waits = severity == Severity::Completion && self.data.as_ref().is_some_and(|data| !data.drawn);
        if matches!(severity, Severity::Transient | Severity::Permanent) {
            self.break_off(", broken off");
            self.data = None;
        }
        if waits { self.held.push(reply.clone()) } else { self.reply(reply) }
    }

    fn reply(&mut self, reply: &Reply) {
        let row = self.row(true).put(self.client + 1, "<-");
        self.draw(&row.put(self.client + 4, &cut(&one_line(reply), self.room() + 1)));
    }

    fn release(&mut self) {
        for reply in std::mem::take(&mut self.held) {
            self.reply(&reply);
        }
    }

    fn opened(&mut self, dialled: Dialled, local: SocketAddr, peer: SocketAddr) {
        let next = self.control.and_then(|port| port.checked_add(1)) == Some(local.port());
        // In active mode the server leaves from port 20, where it has the privilege to.
        let theirs = if dialled == Dialled::ByClient { "p" } else { "20" };
        let classic = [if next { "n+1" } else { "any" }, theirs];
        let (ours, theirs) = (self.client_data, self.server_data);
        self.ports(&self.row(false), (ours, theirs), classic, [local, peer]);
        self.data = Some(Transfer::default());
        let (from, to, note) = match dialled {
            Dialled::ByClient => {
                (ours, theirs, format!("(passive: the client connects again, port {})", peer.port()))
            }
            Dialled::ByServer => {
                (theirs, ours, format!("(active: the server connects, port {})", local.port()))
            }
        };
        self.draw(&self.row(true).arrow(from, to, '-', " data connection "));
        self.note(&note);
    }

    /// The bytes, as an arrow from the end that sends; once for each transfer.
    fn transferred(&mut self, end: &str) {
        let Some(transfer) = self.data.as_mut().filter(|transfer| !transfer.drawn) else { return };
        transfer.drawn = true;
        let plural = if transfer.bytes == 1 { "" } else { "s" };
        let words = format!("{} byte{plural}{end}", HumanCount(transfer.bytes));
        self.draw(&self.moving(&words));
    }

    fn moving(&self, words: &str) -> Row {
        let (ours, theirs) = (self.client_data, self.server_data);
        let (from, to) = if self.upload { (ours, theirs) } else { (theirs, ours) };
        self.row(true).arrow(from, to, '=', &format!(" {words} "))
    }

    fn head(&mut self, local: SocketAddr, peer: SocketAddr) {
        let (client, server) = (format!("client {}", local.ip()), format!("server {}", peer.ip()));
        let at = |lane: usize, name: &str| {
            lane.saturating_sub(name.len() / 2).min(self.width.saturating_sub(name.len()))
        };
        let left = at(self.client, &client).max(if self.has_time() { TIME } else { 0 });
        let right = at(self.server, &server);
        let mut names = self.blank().put(left, &client);
        // Long addresses of IPv6 have a line each.
        if right < left + client.len() + 2 {
            self.draw(&names);
            names = self.blank();
        }
        self.draw(&names.put(right, &server));
        self.ports(&self.blank(), (self.client, self.server), ["n", "21"], [local, peer]);
    }

    /// The ports at two lanes: those that descriptions of FTP give, and those that are used here.
    fn ports(&mut self, row: &Row, lanes: (usize, usize), classic: [&str; 2], here: [SocketAddr; 2]) {
        let here = here.map(|end| end.port().to_string());
        for (label, [ours, theirs]) in [("classic", classic), ("here", here.each_ref().map(String::as_str))] {
            let row = row.clone().put(0, if self.has_time() { label } else { "" });
            self.draw(&row.centre(lanes.0, ours).centre(lanes.1, theirs));
        }
    }

    /// Words about the arrow above, in the middle between the lanes.
    fn note(&mut self, words: &str) {
        let words = cut(words, self.room() + 2);
        let room = self.server - self.client;
        let at = self.client + room.saturating_sub(words.chars().count()) / 2 + 1;
        self.draw(&self.row(false).put(at, &words));
    }

    /// Columns for what is said, beside its arrow.
    fn room(&self) -> usize {
        self.server - self.client - 6
    }

    fn has_time(&self) -> bool {
        self.width >= TIMED
    }

    fn blank(&self) -> Row {
        Row(vec![' '; self.width])
    }

    /// A row with the lanes, and where there is room for it with the time.
    fn row(&self, timed: bool) -> Row {
        let mut row = self.blank().put(self.client, "|").put(self.server, "|");
        if timed && self.has_time() {
            row = row.put(0, &format!("{:7.3}", self.now.as_secs_f64()));
        }
        match self.data {
            Some(Transfer { drawn: false, .. }) => row.put(self.client_data, "|").put(self.server_data, "|"),
            _ => row,
        }
    }

    fn draw(&mut self, row: &Row) {
        self.lines.push(row.to_string());
    }
}

/// A line of the picture.
#[derive(Clone)]
struct Row(Vec<char>);

impl Row {
    /// Writes text over what is there; what goes beyond the sheet is cut off.
    fn put(mut self, at: usize, text: &str) -> Self {
        for (place, c) in self.0.iter_mut().skip(at).zip(text.chars()) {
            *place = c;
        }
        self
    }

    fn centre(self, at: usize, text: &str) -> Self {
        self.put(at.saturating_sub(text.len() / 2), text)
    }

    /// An arrow from one lane to another, with words in its middle.
    fn arrow(self, from: usize, to: usize, shaft: char, words: &str) -> Self {
        let (left, right) = (from.min(to), from.max(to));
        let middle = left + (right - left).saturating_sub(words.chars().count()) / 2 + 1;
        let shaft = format!("|{}|", shaft.to_string().repeat(right - left - 1));
        let row = self.put(left, &shaft).put(middle, words);
        if from < to { row.put(right - 1, ">") } else { row.put(left + 1, "<") }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iter().collect::<String>().trim_end())
    }
}

fn one_line(reply: &Reply) -> String {
    let more = match reply.lines.len() {
        1 => String::new(),
        n => format!(" (and {} more lines)", n - 1),
    };
    let first = reply.lines.first().map_or_else(String::new, |l| show(l));
    format!("{} {first}{more}", reply.code)
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn control() -> Event {
        Event::ControlOpened { local: at("192.0.2.1:40310"), peer: at("192.0.2.2:21") }
    }

    fn data(dialled: Dialled) -> Event {
        Event::DataOpened { dialled, local: at("192.0.2.1:40311"), peer: at("192.0.2.2:61214") }
    }

    fn said(text: &str) -> Event {
        Event::Said(text.to_owned())
    }

    fn answer(code: u16, text: &'static str) -> Event {
        Event::Answered(Reply::new(code, text))
    }

    fn secured() -> Event {
        let fingerprint = format!("sha256:{}", "0123456789abcdef".repeat(4));
        Event::Secured { version: "1.3", suite: "TLS13_AES_256_GCM_SHA384".to_owned(), fingerprint }
    }

    fn draw(columns: usize, events: &[Event]) -> String {
        let mut picture = Picture::new(columns);
        let at = Duration::from_millis(1234);
        events.iter().flat_map(|event| picture.event(at, event)).map(|line| line + "\n").collect()
    }

    fn download() -> Vec<Event> {
        vec![control(), data(Dialled::ByClient), said("RETR a"), answer(150, "Here it comes.")]
    }

    /// Arrows start at the end that dialled and at the one that sends; what is long stays between the lanes.
    #[test]
    fn the_picture_is_that_of_every_description() {
        let ended = Event::DataEnded { bytes: 1_048_576 };
        let passive = [download(), vec![ended.clone(), answer(226, "Done.")]].concat();
        assert_eq!(draw(80, &passive), PASSIVE);
        // Of two sockets either may be heard first.
        assert_eq!(draw(80, &[download(), vec![answer(226, "Done."), ended]].concat()), PASSIVE);
        let long = said(&format!("CWD {}", "x".repeat(200)));
        let ended = Event::DataEnded { bytes: 1 };
        let active = [secured(), long, said("EPRT"), said("STOR a"), data(Dialled::ByServer), ended];
        assert_eq!(draw(76, &[&[control()], &active[..]].concat()), ACTIVE);
        for columns in [60, 80, 120] {
            let drawn = draw(columns, &[&passive[..], &active[..]].concat());
            assert!(drawn.lines().all(|line| line.chars().count() <= columns), "{drawn}");
            assert_eq!(drawn.contains("1.234"), columns > 60, "{drawn}");
            assert!(drawn.contains(&format!("{}... ->|", "x".repeat(Picture::new(columns).room() - 7))));
        }
    }

    const PASSIVE: &str = concat!(
        "          client 192.0.2.1                                    server 192.0.2.2\n",
        "classic           n                                                  21\n",
        "here            40310                                                21\n",
        "  1.234           |================ control connection ==============>|\n",
        "                  |          (the client connects to port 21)         |\n",
        "classic   n+1     |                                                   |      p\n",
        "here     40311    |                                                   |    61214\n",
        "  1.234    |------------------------ data connection ----------------------->|\n",
        "           |      |  (passive: the client connects again, port 61214) |      |\n",
        "  1.234    |      |  RETR a                                         ->|      |\n",
        "  1.234    |      |<- 150 Here it comes.                              |      |\n",
        "  1.234    |<======================= 1,048,576 bytes ========================|\n",
        "  1.234           |<- 226 Done.                                       |\n",
    );

    const ACTIVE: &str = concat!(
        "          client 192.0.2.1                                server 192.0.2.2\n",
        "classic           n                                              21\n",
        "here            40310                                            21\n",
        "  1.234           |============== control connection ============>|\n",
        "                  |        (the client connects to port 21)       |\n",
        "  1.234           | * control: TLS 1.3, TLS13_AES_256_GCM_SHA384, |\n",
        "                  |   certificate                                 |\n",
        "                  |   sha256:0123456789abcdef0123456789abcdef0123 |\n",
        "                  |   456789abcdef0123456789abcdef                |\n",
        "  1.234           |  CWD xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx... ->|\n",
        "  1.234           |  EPRT                                       ->|\n",
        "  1.234           |  STOR a                                     ->|\n",
        "classic   n+1     |                                               |     20\n",
        "here     40311    |                                               |    61214\n",
        "  1.234    |<--------------------- data connection ----------------------|\n",
        "           |      |   (active: the server connects, port 40311)   |      |\n",
        "  1.234    |=========================== 1 byte =========================>|\n",
    );

    #[test]
    fn a_transfer_that_breaks_off_has_its_bytes_too() {
        let mut picture = Picture::new(80);
        for event in download() {
            picture.event(Duration::ZERO, &event);
        }
        assert!(picture.under_way(Duration::ZERO).unwrap().contains("|<=="));
        picture.moved(70_000);
        let lines = picture.event(Duration::ZERO, &answer(426, "Broken."));
        assert!(lines[0].contains("70,000 bytes, broken off") && lines[1].contains("426"), "{lines:#?}");
        assert_eq!(picture.under_way(Duration::ZERO), None);
        assert!(picture.broken_off(Duration::ZERO, "").is_empty());
    }

    #[test]
    fn long_addresses_are_whole() {
        let (ours, theirs) =
            ("2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:7777");
        for (ours, theirs) in [(ours, theirs), ("2001:db8::1", theirs), (ours, "2001:db8::2")] {
            let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 21);
            let drawn = draw(80, &[Event::ControlOpened { local: at(ours), peer: at(theirs) }]);
            assert!(drawn.contains(ours) && drawn.contains(theirs), "{drawn}");
            assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
        }
    }
}
