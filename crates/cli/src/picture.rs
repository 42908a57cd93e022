//! How do two connections look on paper? The picture that every description of passive FTP draws.
//!
//! ```text
//!      client 127.0.0.1                            server 127.0.0.1
//!     n         n+1                               21         p
//!   40310      40311                             2121      61214
//!     |============ control connection ==========>|
//!     |        (the client dials port 2121)       |
//!     |  EPSV                                   ->|
//!     |<- 229 Entering extended passive mode      |
//!     |         |------------- data connection -------------->|
//!     |         |  (passive: the client dials again, port 61214)
//! ```
//! Time goes down. An arrow starts at the end that dialled. It fits a terminal of 80 columns.
use std::net::SocketAddr;

use client::{Dialled, Event};
use wire::Reply;
use wire::pathname::show;

/// Columns of the four lanes: the client's control and data port, the server's control and data port.
const CLIENT: usize = 5;
const CLIENT_DATA: usize = 15;
const SERVER: usize = 58;
const SERVER_DATA: usize = 68;
const REMARK: usize = 72;
const WIDTH: usize = 80;

/// Draws what was seen of one session with at most one data connection.
pub(crate) fn picture(events: &[Event]) -> Vec<String> {
    // A session that was begun anew is the one to draw.
    let start = events.iter().rposition(|e| matches!(e, Event::ControlOpened { .. })).unwrap_or(0);
    let events = events.get(start..).unwrap_or_default();
    let Some(Event::ControlOpened { local, peer }) = events.first() else { return Vec::new() };
    let data = events.iter().find_map(|event| match event {
        Event::DataOpened { dialled, local, peer } => Some((*dialled, *local, *peer)),
        _ => None,
    });
    let mut sheet = Sheet { lines: Vec::new(), data_lanes: false };
    sheet.head(*local, *peer, data);
    for event in events {
        sheet.event(event);
    }
    sheet.lines
}

struct Sheet {
    lines: Vec<String>,
    /// Do the data ports' lanes exist yet?
    data_lanes: bool,
}

impl Sheet {
    fn head(&mut self, local: SocketAddr, peer: SocketAddr, data: Option<(Dialled, SocketAddr, SocketAddr)>) {
        let (client, server) = (format!("client {}", local.ip()), format!("server {}", peer.ip()));
        let mut names = blank();
        put(&mut names, CLIENT - 1, &client);
        // Long addresses of IPv6 begin further left, or on a line of their own.
        let at = (SERVER - 1).min(WIDTH.saturating_sub(server.len()));
        if at < CLIENT + client.len() {
            self.push(std::mem::replace(&mut names, blank()));
        }
        put(&mut names, at, &server);
        self.push(names);
        let mut letters = blank();
        let mut ports = blank();
        centre(&mut letters, CLIENT, "n");
        centre(&mut ports, CLIENT, &local.port().to_string());
        centre(&mut letters, SERVER, "21");
        centre(&mut ports, SERVER, &peer.port().to_string());
        if let Some((dialled, ours, theirs)) = data {
            let next = local.port().checked_add(1) == Some(ours.port());
            centre(&mut letters, CLIENT_DATA, if next { "n+1" } else { "any" });
            centre(&mut ports, CLIENT_DATA, &ours.port().to_string());
            // In active mode the server leaves from port 20, where it has the privilege to.
            centre(&mut letters, SERVER_DATA, if dialled == Dialled::ByClient { "p" } else { "20" });
            centre(&mut ports, SERVER_DATA, &theirs.port().to_string());
        }
        put(&mut letters, REMARK, "classic");
        put(&mut ports, REMARK, "this run");
        self.push(letters);
        self.push(ports);
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::ControlOpened { peer, .. } => {
                let mut line = self.lanes();
                arrow(&mut line, CLIENT, SERVER, '=', " control connection ");
                self.push(line);
                self.note(CLIENT, SERVER, &format!("(the client dials port {})", peer.port()));
            }
            Event::Said(text) => {
                let mut line = self.lanes();
                put(&mut line, CLIENT + 3, &cut(text, SERVER - CLIENT - 6));
                put(&mut line, SERVER - 2, "->");
                self.push(line);
            }
            Event::Answered(reply) => {
                let mut line = self.lanes();
                put(&mut line, CLIENT + 1, "<-");
                put(&mut line, CLIENT + 4, &cut(&one_line(reply), SERVER - CLIENT - 5));
                self.push(line);
            }
            Event::DataOpened { dialled, local, peer } => {
                self.data_lanes = true;
                let mut line = self.lanes();
                let note = match dialled {
                    Dialled::ByClient => {
                        arrow(&mut line, CLIENT_DATA, SERVER_DATA, '-', " data connection ");
                        format!("(passive: the client dials again, port {})", peer.port())
                    }
                    Dialled::ByServer => {
                        arrow(&mut line, SERVER_DATA, CLIENT_DATA, '-', " data connection ");
                        format!("(active: the server dials the client, port {})", local.port())
                    }
                };
                self.push(line);
                self.note(CLIENT_DATA, SERVER_DATA, &note);
            }
            Event::DataEnded { bytes } => {
                let mut line = self.lanes();
                put(&mut line, CLIENT_DATA + 3, &format!("{bytes} bytes, and its end"));
                self.push(line);
                self.data_lanes = false;
            }
            Event::Fallback { .. }
            | Event::AddressNotFollowed { .. }
            | Event::Warning(_)
            | Event::Note(_)
            | Event::Clear { .. }
            | Event::Secured { .. }
            | Event::DataSecured { .. }
            | Event::WayFound { .. }
            | Event::NarrowFound { .. }
            | Event::NoWay { .. }
            | Event::Anew { .. } => {
                self.lines.push(format!("  {event}"));
            }
        }
    }

    fn lanes(&self) -> Vec<char> {
        let mut line = blank();
        for lane in [CLIENT, SERVER] {
            put(&mut line, lane, "|");
        }
        if self.data_lanes {
            for lane in [CLIENT_DATA, SERVER_DATA] {
                put(&mut line, lane, "|");
            }
        }
        line
    }

    /// Words about the arrow above, between the lanes it joins.
    fn note(&mut self, left: usize, right: usize, words: &str) {
        let mut line = self.lanes();
        put(&mut line, left + (right - left).saturating_sub(words.len()) / 2 + 1, words);
        self.push(line);
    }

    fn push(&mut self, line: Vec<char>) {
        let drawn: String = line.into_iter().collect();
        self.lines.push(drawn.trim_end().to_owned());
    }
}

fn blank() -> Vec<char> {
    vec![' '; WIDTH]
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
    put(line, left + (right - left - words.len()) / 2 + 1, words);
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

    #[test]
    fn arrows_start_at_the_end_that_dialled() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let control = Event::ControlOpened { local: at("192.0.2.1:40310"), peer: at("192.0.2.2:21") };
        let data = |dialled| Event::DataOpened {
            dialled,
            local: at("192.0.2.1:40311"),
            peer: at("192.0.2.2:61214"),
        };
        let passive = picture(&[control.clone(), Event::Said("EPSV".into()), data(Dialled::ByClient)]);
        assert!(passive[1].contains("n+1") && passive[2].contains("40311") && passive[2].contains("61214"));
        assert!(
            passive[6].contains("|---") && passive[6].contains("->|") && !passive[6].contains('<'),
            "{passive:#?}"
        );
        let active = picture(&[control, data(Dialled::ByServer)]);
        assert!(active[5].contains("|<---") && !active[5].contains('>'), "{active:#?}");
        assert!(passive.iter().chain(&active).all(|line| line.chars().count() <= 80), "{passive:#?}");
    }

    #[test]
    fn long_addresses_are_whole() {
        let (ours, theirs) =
            ("2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:1111:2222:3333:4444:5555:7777");
        for (ours, theirs) in [(ours, theirs), ("2001:db8::1", theirs), (ours, "2001:db8::2")] {
            let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 21);
            let drawn = picture(&[Event::ControlOpened { local: at(ours), peer: at(theirs) }]).join("\n");
            assert!(drawn.contains(ours) && drawn.contains(theirs), "{drawn}");
            assert!(drawn.lines().all(|line| line.chars().count() <= 80), "{drawn}");
        }
    }

    #[test]
    fn nothing_seen_is_nothing_drawn() {
        assert!(picture(&[]).is_empty());
        assert!(picture(&[Event::Said("x".repeat(10_000))]).is_empty());
    }
}
