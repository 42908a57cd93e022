//! How do two connections look on paper? The picture that every description of passive FTP draws.
//!
//! ```text
//!      client 127.0.0.1                            server 127.0.0.1
//!     n         n+1                               21         p
//!   40310      40311                             2121      61214
//!     |                                           |
//!     |============ control connection ==========>|            the client dials port 2121
//!     |  EPSV                                   ->|
//!     |<- 229 Entering extended passive mode      |
//!     |         |------------- data connection -------------->|  passive: the client dials again, port 61214
//! ```
//! Time goes down. An arrow starts at the end that dialled.
use std::net::SocketAddr;

use client::{Dialled, Event};
use wire::Reply;
use wire::pathname::show;

/// Columns of the four lanes: the client's control and data port, the server's control and data port.
const CLIENT: usize = 5;
const CLIENT_DATA: usize = 15;
const SERVER: usize = 58;
const SERVER_DATA: usize = 68;
const WIDTH: usize = 73;

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
        let mut names = blank();
        put(&mut names, CLIENT - 1, &format!("client {}", local.ip()));
        put(&mut names, SERVER - 1, &format!("server {}", peer.ip()));
        self.push(names, "");
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
        self.push(letters, "the ports by their classic names");
        self.push(ports, "the ports of this very run");
    }

    fn event(&mut self, event: &Event) {
        match event {
            Event::ControlOpened { peer, .. } => {
                let mut line = self.lanes();
                arrow(&mut line, CLIENT, SERVER, '=', " control connection ");
                self.push(line, &format!("the client dials port {}", peer.port()));
            }
            Event::Said(text) => {
                let mut line = self.lanes();
                put(&mut line, CLIENT + 3, &cut(text, SERVER - CLIENT - 6));
                put(&mut line, SERVER - 2, "->");
                self.push(line, "");
            }
            Event::Answered(reply) => {
                let mut line = self.lanes();
                put(&mut line, CLIENT + 1, "<-");
                put(&mut line, CLIENT + 4, &cut(&one_line(reply), SERVER - CLIENT - 5));
                self.push(line, "");
            }
            Event::DataOpened { dialled, local, peer } => {
                self.data_lanes = true;
                let mut line = self.lanes();
                let note = match dialled {
                    Dialled::ByClient => {
                        arrow(&mut line, CLIENT_DATA, SERVER_DATA, '-', " data connection ");
                        format!("passive: the client dials again, port {}", peer.port())
                    }
                    Dialled::ByServer => {
                        arrow(&mut line, SERVER_DATA, CLIENT_DATA, '-', " data connection ");
                        format!("active: the server dials the client, port {}", local.port())
                    }
                };
                self.push(line, &note);
            }
            Event::DataEnded { bytes } => {
                let mut line = self.lanes();
                put(&mut line, CLIENT_DATA + 3, &format!("{bytes} bytes, and its end"));
                self.push(line, "the data connection has done its work");
                self.data_lanes = false;
            }
            Event::Fallback { .. }
            | Event::AddressNotFollowed { .. }
            | Event::Warning(_)
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

    fn push(&mut self, line: Vec<char>, note: &str) {
        let drawn: String = line.into_iter().collect();
        self.lines.push(format!("{drawn}{note}").trim_end().to_owned());
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
            passive[5].contains("|---") && passive[5].contains("->|") && !passive[5].contains('<'),
            "{passive:#?}"
        );
        let active = picture(&[control, data(Dialled::ByServer)]);
        assert!(active[4].contains("|<---") && !active[4].contains('>'), "{active:#?}");
        assert!(active.iter().all(|line| line.chars().count() <= WIDTH + 60));
    }

    #[test]
    fn nothing_seen_is_nothing_drawn() {
        assert!(picture(&[]).is_empty());
        assert!(picture(&[Event::Said("x".repeat(10_000))]).is_empty());
    }
}
