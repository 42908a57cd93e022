//! What does the client's goal ask for, and what comes of it? As its driver does it, without sockets.
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::session::{Flow, Goal, Input, MoveError, Output, TlsAtOnce};
use client::{Error, TlsMode};
use wire::ReplyDecoder;

use super::net::{Chance, End, Read};
use super::world::{Fault, PASSWORD, Shared};

/// When a mover takes a data connection for stalled.
const STALL: Duration = Duration::from_secs(30);

/// A control connection, from the client's side.
pub(crate) struct Client {
    decoder: ReplyDecoder,
    unread: Vec<u8>,
    hands: Hands,
    /// Nothing more is heard, or said.
    pub(crate) is_lost: bool,
    pub(crate) tls: TlsMode,
    pub(crate) protecting: bool,
    pub(crate) is_protected: bool,
    flow: Flow,
    /// What is to be sent.
    pub(crate) content: Vec<u8>,
    /// What has come.
    pub(crate) received: Vec<u8>,
    confirmed: bool,
    probed: bool,
}

/// What is being done beside the control connection.
#[derive(Debug)]
enum Hands {
    Empty,
    Dialling(SocketAddr),
    /// A dial whose packets are lost.
    Waiting,
    Port(SocketAddr),
    Accepting(SocketAddr),
    Holding(usize),
    Moving {
        id: usize,
        sent: usize,
        since: Instant,
    },
}

impl Client {
    pub(crate) fn new(tls: TlsMode) -> Self {
        Self {
            decoder: ReplyDecoder::new(),
            unread: Vec::new(),
            hands: Hands::Empty,
            is_lost: false,
            tls,
            protecting: false,
            is_protected: false,
            flow: Flow::Down,
            content: Vec::new(),
            received: Vec::new(),
            confirmed: false,
            probed: false,
        }
    }

    /// Before a transfer.
    pub(crate) fn prepare(&mut self, flow: Flow, content: Vec<u8>) {
        (self.flow, self.content, self.confirmed) = (flow, content, false);
        self.received.clear();
    }

    /// The port that it waits at.
    pub(crate) fn listens_at(&self) -> Option<SocketAddr> {
        match self.hands {
            Hands::Port(at) | Hands::Accepting(at) => Some(at),
            _ => None,
        }
    }

    /// Does what the goal decides; its end, if that has come.
    pub(crate) fn follow<G: Goal>(
        &mut self,
        goal: &mut G,
        now: Instant,
        shared: &mut Shared,
    ) -> Option<Result<G::Gain, Error>>
    where
        G::Gain: Debug,
    {
        while let Some(output) = goal.poll() {
            match output {
                Output::Send(command) => {
                    let mut line = Vec::new();
                    command.encode(&mut line);
                    let says_password = line.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
                    if says_password && self.tls == TlsMode::Required && !self.is_protected {
                        shared.wrong("the password is said unencrypted");
                    }
                    shared.note(|| format!("C: {}", line.escape_ascii()));
                    shared.control.to_server.write(&line);
                }
                Output::Protect(_) => self.protecting = true,
                Output::Probe => self.probed = true,
                Output::Dial(to) => self.hands = Hands::Dialling(to),
                Output::Listen => {
                    let at = SocketAddr::new(super::world::CLIENT.ip(), shared.next_port());
                    self.hands = Hands::Port(at);
                    goal.handle(Input::Listening(at), now);
                }
                Output::Accept => {
                    if let Hands::Port(at) = self.hands {
                        self.hands = Hands::Accepting(at);
                    }
                }
                Output::Move => {
                    if let Hands::Holding(id) = self.hands {
                        self.hands = Hands::Moving { id, sent: 0, since: now };
                    } else {
                        shared.wrong("bytes are to move, and there is no data connection");
                    }
                }
                Output::Confirmed => self.confirmed = true,
                Output::CloseData => self.close_data(shared),
                Output::HangUp => self.hang_up(shared),
                Output::Tell(event) => shared.shows_no_secret(&event),
                Output::Done(result) => {
                    shared.note(|| format!("C = {result:?}"));
                    if let Err(error) = &result {
                        shared.shows_no_secret(&error);
                    }
                    if goal.poll().is_some() || goal.deadline().is_some() {
                        shared.wrong("a goal that has ended wants something");
                    }
                    return Some(result);
                }
            }
        }
        None
    }

    fn close_data(&mut self, shared: &mut Shared) {
        if let Hands::Holding(id) | Hands::Moving { id, .. } =
            std::mem::replace(&mut self.hands, Hands::Empty)
        {
            let data = &mut shared.data[id];
            // Half an upload must not pass for the whole; one that ended in order has its end already.
            let end = if data.to_server.ended().is_some() { End::Fin } else { End::Reset };
            if self.flow == Flow::Up || !data.to_client.is_readable() || data.to_client.ended().is_none() {
                data.to_server.end(end);
            } else {
                data.to_server.end(End::Fin);
            }
        }
    }

    pub(crate) fn hang_up(&mut self, shared: &mut Shared) {
        self.is_lost = true;
        self.close_data(shared);
        shared.control.to_server.end(End::Fin);
    }

    /// Is there anything that it can do now?
    pub(crate) fn can_go_on(&self, shared: &Shared) -> bool {
        self.hears(shared) || self.probed || self.moves(shared)
    }

    fn hears(&self, shared: &Shared) -> bool {
        !self.is_lost
            && !self.protecting
            && (!self.unread.is_empty() || shared.control.to_client.is_readable())
    }

    fn moves(&self, shared: &Shared) -> bool {
        match self.hands {
            Hands::Dialling(_) => true,
            Hands::Accepting(_) => shared.dialled.is_some(),
            Hands::Moving { id, .. } if self.flow == Flow::Down => shared.data[id].to_client.is_readable(),
            Hands::Moving { id, sent, .. } => {
                sent <= self.content.len() || self.confirmed || shared.data[id].to_client.ended().is_some()
            }
            Hands::Empty | Hands::Waiting | Hands::Port(_) | Hands::Holding(_) => false,
        }
    }

    /// Does one of the things that it can do, and says what came of it.
    pub(crate) fn go_on(&mut self, now: Instant, shared: &mut Shared, chance: &mut Chance) -> Option<Input> {
        if std::mem::take(&mut self.probed) {
            return Some(Input::Probed(TlsAtOnce::No));
        }
        if self.moves(shared) && (chance.once_in(2) || !self.hears(shared)) {
            return self.hands_go_on(now, shared, chance);
        }
        if !self.hears(shared) {
            return None;
        }
        if self.unread.is_empty() {
            match shared.control.to_client.read(chance)? {
                Read::Bytes(bytes) => self.unread = bytes,
                Read::End(_) => {
                    self.is_lost = true;
                    shared.control.to_server.end(End::Fin);
                    let what = "the server closed the control connection".to_owned();
                    return Some(Input::Lost(Error::Broken { what, moved: 0 }));
                }
            }
        }
        let mut rest = self.unread.as_slice();
        let reply = self.decoder.decode(&mut rest);
        self.unread = rest.to_vec();
        Some(match reply? {
            Ok(reply) => Input::Reply(reply),
            Err(error) => {
                self.is_lost = true;
                Input::Lost(error.into())
            }
        })
    }

    fn hands_go_on(&mut self, now: Instant, shared: &mut Shared, chance: &mut Chance) -> Option<Input> {
        match &mut self.hands {
            Hands::Dialling(to) => {
                let to = *to;
                if shared.fault(Fault::SynLost) {
                    self.hands = Hands::Waiting;
                    return None;
                }
                let id = if shared.fault(Fault::Refused) { None } else { shared.dial_server(to) };
                self.hands = id.map_or(Hands::Empty, Hands::Holding);
                Some(match id {
                    Some(_) => Input::Connected,
                    None => Input::NotConnected(io::ErrorKind::ConnectionRefused.into()),
                })
            }
            Hands::Accepting(_) => {
                self.hands = Hands::Holding(shared.dialled.take()?);
                Some(Input::Connected)
            }
            Hands::Moving { id, sent, since } => {
                let id = *id;
                let moved = if self.flow == Flow::Down {
                    match shared.data[id].to_client.read(chance)? {
                        Read::Bytes(_) if shared.fault(Fault::Local) => {
                            Err(MoveError::Local(io::ErrorKind::StorageFull.into()))
                        }
                        Read::Bytes(bytes) => {
                            *since = now;
                            self.received.extend_from_slice(&bytes);
                            return None;
                        }
                        Read::End(End::Fin) => Ok(self.received.len() as u64),
                        Read::End(End::Reset) => Err(MoveError::Peer(io::ErrorKind::ConnectionReset.into())),
                    }
                } else {
                    let left = self.content.len().saturating_sub(*sent);
                    if shared.data[id].to_server.ended() == Some(End::Reset) {
                        Err(MoveError::Peer(io::ErrorKind::ConnectionReset.into()))
                    } else if left > 0 && shared.fault(Fault::Local) {
                        Err(MoveError::Local(io::ErrorKind::UnexpectedEof.into()))
                    } else if left > 0 {
                        let count = 1 + chance.below(left.min(700));
                        shared.data[id].to_server.write(&self.content[*sent..*sent + count]);
                        (*sent, *since) = (*sent + count, now);
                        return None;
                    } else if *sent == self.content.len() {
                        // Said once: the orderly end.
                        *sent += 1;
                        shared.sent.push(self.content.clone());
                        shared.data[id].to_server.end(End::Fin);
                        return None;
                    } else {
                        // The server's end of the connection, or its word.
                        match shared.data[id].to_client.ended() {
                            Some(End::Reset) => Err(MoveError::Peer(io::ErrorKind::ConnectionReset.into())),
                            _ => Ok(self.content.len() as u64),
                        }
                    }
                };
                // An upload that failed is never ended in order; the connection is kept until the goal closes
                // it.
                self.hands = Hands::Holding(id);
                Some(Input::Moved(moved))
            }
            _ => None,
        }
    }

    /// When its mover gives up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.hands {
            Hands::Moving { since, .. } => Some(since + STALL),
            _ => None,
        }
    }

    pub(crate) fn time_passes(&mut self, now: Instant) -> Option<Input> {
        if self.deadline().is_none_or(|at| at > now) {
            return None;
        }
        if let Hands::Moving { id, .. } = self.hands {
            self.hands = Hands::Holding(id);
        }
        Some(Input::Moved(Err(MoveError::Stalled(STALL))))
    }
}
