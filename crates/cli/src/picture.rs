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
use std::net::SocketAddr;
use std::time::Duration;

use client::{Dialled, Event};
use wire::pathname::show;
use wire::{Reply, Severity};

use crate::columns::wrap;
use indicatif::HumanCount;

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
    /// Which way the bytes of the last transfer command go.
    flow: Flow,
    /// What the server said behind its last byte, before that had come.
    held: Vec<Reply>,
}

#[derive(Debug, Default)]
struct Transfer {
    /// So many bytes have moved, as far as that is known.
    bytes: u64,
    /// Its arrow is drawn.
    drawn: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Down,
    Up,
}

impl Picture {
    /// An empty sheet so many columns wide.
    pub(crate) fn new(columns: usize) -> Self {
        let width = columns.clamp(NARROWEST, WIDEST);
        let left = if width >= TIMED { TIME } else { 0 };
        let (client_data, server_data) = (left + 2, width - 3);
        Self {
            width,
            client_data,
            client: client_data + 7,
            server: server_data - 7,
            server_data,
            control: None,
            data: None,
            flow: Flow::Down,
            held: Vec::new(),
        }
    }

    /// The lines of an event at this time.
    pub(crate) fn event(&mut self, at: Duration, event: &Event) -> Vec<String> {
        let mut lines = Vec::new();
        match event {
            Event::ControlOpened { local, peer } => {
                self.release(at, &mut lines);
                if self.control.replace(local.port()).is_some() {
                    lines.push(String::new());
                }
                self.data = None;
                self.head(*local, *peer, &mut lines);
                let mut line = self.lanes(Some(at));
                arrow(&mut line, self.client, self.server, '=', " control connection ");
                lines.push(drawn(line));
                self.note(&format!("(the client connects to port {})", peer.port()), &mut lines);
            }
            Event::Said(text) => {
                self.release(at, &mut lines);
                match text.split(' ').next() {
                    Some("STOR" | "STOU" | "APPE") => self.flow = Flow::Up,
                    Some("RETR" | "LIST" | "NLST" | "MLSD") => self.flow = Flow::Down,
                    _ => {}
                }
                let mut line = self.lanes(Some(at));
                put(&mut line, self.client + 3, &cut(text, self.room()));
                put(&mut line, self.server - 2, "->");
                lines.push(drawn(line));
            }
            Event::Answered(reply) => self.answered(at, reply, &mut lines),
            Event::DataOpened { dialled, local, peer } => {
                self.release(at, &mut lines);
                self.opened(at, *dialled, *local, *peer, &mut lines);
            }
            Event::DataEnded { bytes } => {
                if let Some(transfer) = &mut self.data {
                    transfer.bytes = *bytes;
                    lines.extend(self.transferred(at, ""));
                }
                self.data = None;
                self.release(at, &mut lines);
            }
            other => {
                let words = other.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                let room = (self.server - self.client).saturating_sub(3);
                for (n, words) in wrap(&words, "", "  ", room).into_iter().enumerate() {
                    let mut line = self.lanes((n == 0).then_some(at));
                    put(&mut line, self.client + 2, &words);
                    lines.push(drawn(line));
                }
            }
        }
        lines
    }

    /// So many bytes more have come or gone over the data connection.
    pub(crate) fn moved(&mut self, bytes: u64) {
        if let Some(transfer) = &mut self.data {
            transfer.bytes += bytes;
        }
    }

    /// The arrow of a transfer that goes on, for a terminal that shows it until there is more; none where
    /// nothing moves.
    pub(crate) fn under_way(&self, at: Duration) -> Option<String> {
        let transfer = self.data.as_ref().filter(|transfer| !transfer.drawn)?;
        Some(self.moving(at, &format!("{} bytes so far", HumanCount(transfer.bytes))))
    }

    /// The arrow of a transfer that does not come to its own end, and what was held back for it.
    pub(crate) fn broken_off(&mut self, at: Duration, why: &str) -> Vec<String> {
        let mut lines = Vec::new();
        if self.data.as_ref().is_some_and(|transfer| transfer.bytes > 0) {
            lines.extend(self.transferred(at, why));
        }
        self.release(at, &mut lines);
        lines
    }

    fn answered(&mut self, at: Duration, reply: &Reply, lines: &mut Vec<String>) {
        let severity = reply.code.severity();
        // Its arrow is drawn as soon as all has come; a 2yz may be here before.
        let waits = severity == Severity::Completion && self.data.as_ref().is_some_and(|data| !data.drawn);
        if matches!(severity, Severity::Transient | Severity::Permanent) {
            lines.extend(self.broken_off(at, ", broken off"));
            self.data = None;
        }
        if waits {
            self.held.push(reply.clone());
        } else {
            lines.push(self.reply(at, reply));
        }
    }

    fn reply(&self, at: Duration, reply: &Reply) -> String {
        let mut line = self.lanes(Some(at));
        put(&mut line, self.client + 1, "<-");
        put(&mut line, self.client + 4, &cut(&one_line(reply), self.room() + 1));
        drawn(line)
    }

    fn release(&mut self, at: Duration, lines: &mut Vec<String>) {
        let held = std::mem::take(&mut self.held);
        lines.extend(held.iter().map(|reply| self.reply(at, reply)));
    }

    fn opened(
        &mut self,
        at: Duration,
        dialled: Dialled,
        local: SocketAddr,
        peer: SocketAddr,
        lines: &mut Vec<String>,
    ) {
        let next = self.control.and_then(|port| port.checked_add(1)) == Some(local.port());
        // In active mode the server leaves from port 20, where it has the privilege to.
        let (ours, theirs) =
            (if next { "n+1" } else { "any" }, if dialled == Dialled::ByClient { "p" } else { "20" });
        for (label, ours, theirs) in [
            ("classic", ours, theirs),
            ("here", local.port().to_string().as_str(), peer.port().to_string().as_str()),
        ] {
            let mut line = self.lanes(None);
            self.label(&mut line, label);
            centre(&mut line, self.client_data, ours);
            centre(&mut line, self.server_data, theirs);
            lines.push(drawn(line));
        }
        self.data = Some(Transfer::default());
        let mut line = self.lanes(Some(at));
        let note = match dialled {
            Dialled::ByClient => {
                arrow(&mut line, self.client_data, self.server_data, '-', " data connection ");
                format!("(passive: the client connects again, port {})", peer.port())
            }
            Dialled::ByServer => {
                arrow(&mut line, self.server_data, self.client_data, '-', " data connection ");
                format!("(active: the server connects, port {})", local.port())
            }
        };
        lines.push(drawn(line));
        self.note(&note, lines);
    }

    /// The bytes, as an arrow from the end that sends.
    fn transferred(&mut self, at: Duration, end: &str) -> Option<String> {
        let transfer = self.data.as_mut().filter(|transfer| !transfer.drawn)?;
        transfer.drawn = true;
        let plural = if transfer.bytes == 1 { "" } else { "s" };
        let words = format!("{} byte{plural}{end}", HumanCount(transfer.bytes));
        Some(self.moving(at, &words))
    }

    fn moving(&self, at: Duration, words: &str) -> String {
        let mut line = self.lanes(Some(at));
        let (from, to) = match self.flow {
            Flow::Down => (self.server_data, self.client_data),
            Flow::Up => (self.client_data, self.server_data),
        };
        arrow(&mut line, from, to, '=', &format!(" {words} "));
        drawn(line)
    }

    fn head(&self, local: SocketAddr, peer: SocketAddr, lines: &mut Vec<String>) {
        let (client, server) = (format!("client {}", local.ip()), format!("server {}", peer.ip()));
        let at = |lane: usize, name: &str| {
            lane.saturating_sub(name.len() / 2).min(self.width.saturating_sub(name.len()))
        };
        let mut names = self.blank();
        let left = at(self.client, &client).max(if self.has_time() { TIME } else { 0 });
        put(&mut names, left, &client);
        // Long addresses of IPv6 have a line each.
        if at(self.server, &server) < left + client.len() + 2 {
            lines.push(drawn(std::mem::replace(&mut names, self.blank())));
        }
        put(&mut names, at(self.server, &server), &server);
        lines.push(drawn(names));
        let (ours, theirs) = (local.port().to_string(), peer.port().to_string());
        for (label, ours, theirs) in [("classic", "n", "21"), ("here", ours.as_str(), theirs.as_str())] {
            let mut line = self.blank();
            self.label(&mut line, label);
            centre(&mut line, self.client, ours);
            centre(&mut line, self.server, theirs);
            lines.push(drawn(line));
        }
    }

    /// Words about the arrow above, in the middle between the lanes.
    fn note(&self, words: &str, lines: &mut Vec<String>) {
        let mut line = self.lanes(None);
        let words = cut(words, self.room() + 2);
        let room = self.server - self.client;
        put(&mut line, self.client + room.saturating_sub(words.chars().count()) / 2 + 1, &words);
        lines.push(drawn(line));
    }

    /// Columns for what is said, beside its arrow.
    fn room(&self) -> usize {
        self.server - self.client - 6
    }

    fn has_time(&self) -> bool {
        self.width >= TIMED
    }

    fn label(&self, line: &mut [char], label: &str) {
        if self.has_time() {
            put(line, 0, label);
        }
    }

    fn blank(&self) -> Vec<char> {
        vec![' '; self.width]
    }

    fn lanes(&self, at: Option<Duration>) -> Vec<char> {
        let mut line = self.blank();
        if let Some(at) = at.filter(|_| self.has_time()) {
            put(&mut line, 0, &format!("{:7.3}", at.as_secs_f64()));
        }
        let data = self.data.as_ref().filter(|transfer| !transfer.drawn);
        let data = data.map(|_| [self.client_data, self.server_data]);
        for lane in [self.client, self.server].into_iter().chain(data.into_iter().flatten()) {
            put(&mut line, lane, "|");
        }
        line
    }
}

fn drawn(line: Vec<char>) -> String {
    let drawn: String = line.into_iter().collect();
    drawn.trim_end().to_owned()
}

/// Writes text over what is there; what goes beyond the sheet is cut off.
fn put(line: &mut [char], at: usize, text: &str) {
    for (place, c) in line.iter_mut().skip(at).zip(text.chars()) {
        *place = c;
    }
}

fn centre(line: &mut [char], at: usize, text: &str) {
    put(line, at.saturating_sub(text.len() / 2), text);
}

/// An arrow from one lane to another, with words in its middle.
fn arrow(line: &mut [char], from: usize, to: usize, shaft: char, words: &str) {
    let (left, right) = (from.min(to), from.max(to));
    for place in line.iter_mut().take(right).skip(left + 1) {
        *place = shaft;
    }
    put(line, left, "|");
    put(line, right, "|");
    put(line, left + (right - left).saturating_sub(words.chars().count()) / 2 + 1, words);
    if from < to { put(line, right - 1, ">") } else { put(line, left + 1, "<") }
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

    fn draw(columns: usize, events: &[Event]) -> Vec<String> {
        let mut picture = Picture::new(columns);
        events.iter().flat_map(|event| picture.event(Duration::from_millis(1234), event)).collect()
    }

    #[track_caller]
    fn line<'l>(lines: &'l [String], words: &str) -> &'l str {
        let found = lines.iter().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words}: {lines:#?}"))
    }

    #[track_caller]
    fn place(lines: &[String], words: &str) -> usize {
        lines.iter().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {lines:#?}"))
    }

    #[test]
    fn arrows_start_at_the_end_that_dialled_and_at_the_one_that_sends() {
        let down = [
            control(),
            said("EPSV"),
            data(Dialled::ByClient),
            said("RETR a"),
            answer(150, "Here it comes."),
            Event::DataEnded { bytes: 1_048_576 },
            answer(226, "Done."),
        ];
        let passive = draw(80, &down);
        assert!(line(&passive, "n+1").contains('p') && line(&passive, "40311").contains("61214"));
        let arrow = line(&passive, " data connection ");
        assert!(arrow.contains("|---") && arrow.ends_with("->|") && !arrow.contains('<'), "{arrow}");
        let bytes = line(&passive, "1,048,576 bytes");
        assert!(bytes.contains("|<=== ") || bytes.contains("|<====") && bytes.ends_with("==|"), "{bytes}");
        assert!(!bytes.contains('>'), "{bytes}");
        let active = draw(
            80,
            &[
                control(),
                said("EPRT"),
                said("STOR a"),
                data(Dialled::ByServer),
                Event::DataEnded { bytes: 1 },
            ],
        );
        let arrow = line(&active, " data connection ");
        assert!(arrow.contains("|<---") && !arrow.contains('>'), "{arrow}");
        assert!(line(&active, " 1 byte ").ends_with("=>|"), "{active:#?}");
        for (columns, lines) in [(80, passive), (80, active), (120, draw(120, &down)), (60, draw(60, &down))]
        {
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{lines:#?}");
            assert_eq!(line(&lines, "control connection").contains("1.234"), columns > 60, "{lines:#?}");
        }
    }

    /// Of two sockets either may be heard first.
    #[test]
    fn the_transfer_is_between_150_and_226() {
        let begun = [control(), data(Dialled::ByClient), said("RETR a"), answer(150, "Here.")];
        let ended = Event::DataEnded { bytes: 7 };
        for rest in [[ended.clone(), answer(226, "Done.")], [answer(226, "Done."), ended]] {
            let lines = draw(80, &[&begun[..], &rest].concat());
            let (start, bytes, last) =
                (place(&lines, "150 Here"), place(&lines, "7 bytes"), place(&lines, "226 Done"));
            assert!(start < bytes && bytes < last, "{lines:#?}");
            assert_eq!(lines[last].matches('|').count(), 2, "{lines:#?}");
        }
    }

    #[test]
    fn both_data_lanes_are_on_every_line_between() {
        let lines = draw(80, &[control(), data(Dialled::ByClient), said("RETR a"), answer(150, "Here.")]);
        for words in ["RETR a", "150 Here", "(passive"] {
            assert_eq!(line(&lines, words).matches('|').count(), 4, "{lines:#?}");
        }
    }

    #[test]
    fn a_transfer_that_breaks_off_has_its_bytes_too() {
        let mut picture = Picture::new(80);
        for event in [control(), data(Dialled::ByClient), said("RETR a"), answer(150, "Here.")] {
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
    fn long_words_stay_within_the_frame() {
        let secured = Event::Secured {
            version: "1.3",
            suite: "TLS13_AES_256_GCM_SHA384".to_owned(),
            fingerprint: format!("sha256:{}", "0123456789abcdef".repeat(4)),
        };
        for columns in [80, 120] {
            let lines =
                draw(columns, &[control(), secured.clone(), said(&format!("CWD {}", "x".repeat(200)))]);
            assert!(lines.iter().all(|line| line.chars().count() <= columns), "{lines:#?}");
            for line in lines.iter().skip(3) {
                assert!(line.ends_with('|'), "{lines:#?}");
            }
            // As much as there is room for.
            assert!(
                line(&lines, "CWD x").contains(&format!("{}... ->|", "x".repeat(columns - 44))),
                "{lines:#?}"
            );
        }
    }

    #[test]
    fn long_addresses_are_whole() {
        let (ours, theirs) =
            ("2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:7777");
        for (ours, theirs) in [(ours, theirs), ("2001:db8::1", theirs), (ours, "2001:db8::2")] {
            let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 21);
            let drawn = draw(80, &[Event::ControlOpened { local: at(ours), peer: at(theirs) }]).join("\n");
            assert!(drawn.contains(ours) && drawn.contains(theirs), "{drawn}");
            assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
        }
    }
}
