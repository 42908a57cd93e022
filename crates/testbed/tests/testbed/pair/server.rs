//! What does the server's session ask for, and what comes of it? As its driver does it, without sockets.
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use server::effect::{DataPlan, Effect, Input, Opened, Outcome, Output, Plan, What};
use server::transfer::listing;
use server::{Reason, Session, Settings, files};
use storage::{Admission, Denied, Prompt, Rights, Sink, Tree, VPath};
use testbed::memory::Memory;
use wire::LineDecoder;

use super::net::{Chance, Connection, End, Read};
use super::world::{CLIENT, Fault, PASSWORD, SERVER, Shared};

/// What the site sends and takes in one transfer, for those who judge it afterwards.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) bytes: Vec<u8>,
    /// The server has said that it went well.
    pub(crate) is_whole: bool,
}

/// One control connection, from the server's side.
pub(crate) struct Server {
    session: Option<Session>,
    decoder: LineDecoder,
    unread: Vec<u8>,
    /// What has been asked for and is not done yet.
    pending: Option<Input>,
    /// A handshake of TLS is due.
    pub(crate) securing: bool,
    pub(crate) is_secured: bool,
    hung_up: bool,
    transfer: Option<Transfer>,
    tree: Memory,
    settings: Settings,
}

struct Transfer {
    work: Work,
    plan: DataPlan,
    opened: Option<Opened>,
    data: Option<usize>,
    since: Instant,
    /// Its record.
    at: usize,
}

enum Work {
    Send { bytes: Vec<u8>, at: usize },
    Store { sink: Box<dyn Sink> },
}

impl Server {
    pub(crate) fn new(settings: &Settings, tree: &Memory, now: Instant, shared: &mut Shared) -> Self {
        let session = Session::new(settings.clone(), CLIENT, SERVER, now);
        let mut server = Self {
            session: Some(session),
            decoder: LineDecoder::new(settings.site.limits.line),
            unread: Vec::new(),
            pending: None,
            securing: false,
            is_secured: false,
            hung_up: false,
            transfer: None,
            tree: tree.clone(),
            settings: settings.clone(),
        };
        server.drain(now, shared);
        server
    }

    fn tell(&mut self, input: Input, now: Instant, shared: &mut Shared) {
        if let Some(session) = &mut self.session {
            session.handle(input, now);
            self.drain(now, shared);
        }
    }

    fn drain(&mut self, now: Instant, shared: &mut Shared) {
        while let Some(output) = self.session.as_mut().and_then(Session::poll) {
            match output {
                Output::Reply(reply) => {
                    let mut bytes = Vec::new();
                    reply.encode(&mut bytes);
                    say(&bytes, shared);
                }
                Output::Part(reply, part) => {
                    let mut bytes = Vec::new();
                    reply.encode_part(part, &mut bytes);
                    say(&bytes, shared);
                }
                Output::Event(event) => shared.shows_no_secret(&event),
                Output::Effect(effect) => self.effect(effect, now, shared),
                Output::Close => self.close(shared),
            }
        }
    }

    fn close(&mut self, shared: &mut Shared) {
        self.session = None;
        Self::unlisten(shared);
        if let Some(transfer) = self.transfer.take() {
            transfer.reset(shared);
        }
        shared.control.to_client.end(End::Fin);
    }

    fn unlisten(shared: &mut Shared) {
        shared.claimed = None;
        if let Some(id) = shared.arrived.take() {
            shared.data[id].cut();
        }
    }

    fn effect(&mut self, effect: Effect, now: Instant, shared: &mut Shared) {
        match effect {
            Effect::Greet(..) => self.pending = Some(Input::Greeted(Prompt::Password)),
            Effect::Admit { attempt, .. } => {
                let answer = if shared.fault(Fault::Unavailable) {
                    Err(Denied::Unavailable)
                } else if attempt.password.as_slice() == PASSWORD.as_bytes() {
                    Ok(Admission::new("ada", Rights::Write, Arc::new(self.tree.clone())))
                } else {
                    Err(Denied::WrongPassword)
                };
                self.pending = Some(Input::Admitted(answer));
            }
            Effect::File(pass, op) => self.pending = Some(Input::File(at_once(files::run(&pass, op)))),
            Effect::Listen(protection) => {
                shared.data_is_protected(self.is_secured, protection);
                Self::unlisten(shared);
                let port = shared.next_port();
                let listens = !shared.fault(Fault::NoPort);
                shared.claimed = listens.then_some(port);
                let answer = if listens { Ok((SERVER.ip(), port)) } else { Err(Reason::NoPort) };
                self.pending = Some(Input::Listening(answer));
            }
            Effect::Secure(answer) => {
                let mut bytes = Vec::new();
                answer.encode(&mut bytes);
                say(&bytes, shared);
                self.securing = true;
            }
            Effect::Unsecure(_) => shared.wrong("nobody asks for CCC"),
            Effect::Unlisten => Self::unlisten(shared),
            Effect::Transfer(plan) => self.begin(plan, now, shared),
            Effect::Abort => {
                if let Some(transfer) = self.transfer.take() {
                    transfer.reset(shared);
                }
                Self::unlisten(shared);
                self.tell(Input::Transferred(ended(0, Some(Reason::Aborted))), now, shared);
            }
            Effect::Progress => self.tell(Input::Progress(0), now, shared),
        }
    }

    fn begin(&mut self, plan: Plan, now: Instant, shared: &mut Shared) {
        let Plan { pass, path, what, ascii, data, protection, .. } = plan;
        shared.data_is_protected(self.is_secured, protection);
        if ascii {
            shared.wrong("the client has set TYPE I");
        }
        let (mut size, mut name) = (None, None);
        let tree = pass.tree();
        let work = match what {
            What::Retrieve { start, .. } => at_once(read(tree, &path, start)).map(|bytes| {
                size = Some(bytes.len() as u64);
                Work::Send { bytes, at: 0 }
            }),
            What::Store { how, .. } => at_once(tree.create(&path, how)).map(|sink| {
                name = (how == storage::Create::Unique).then(|| sink.path().clone());
                Work::Store { sink }
            }),
            What::List { .. } => at_once(list(tree, &path)).map(|bytes| Work::Send { bytes, at: 0 }),
            What::Digest { .. } => return shared.wrong("nobody asks for a digest"),
        };
        match work {
            Ok(work) => {
                let bytes = if let Work::Send { bytes, .. } = &work { bytes.clone() } else { Vec::new() };
                shared.records.push(Record { bytes, is_whole: false });
                let (opened, at) = (Some(Opened { size, name }), shared.records.len() - 1);
                self.transfer = Some(Transfer { work, plan: data, opened, data: None, since: now, at });
            }
            Err(error) => {
                let reason = error.kind.into();
                self.pending = Some(Input::Transferred(ended(0, Some(reason))));
            }
        }
    }

    /// Is there anything that it can do now?
    pub(crate) fn can_go_on(&self, shared: &Shared) -> bool {
        self.pending.is_some()
            || self.wants_bytes()
                && (!self.unread.is_empty() || !self.hung_up && shared.control.to_server.is_readable())
            || self.transfer.as_ref().is_some_and(|transfer| transfer.can_go_on(shared))
    }

    fn wants_bytes(&self) -> bool {
        self.pending.is_none() && !self.securing && self.session.as_ref().is_some_and(Session::wants_line)
    }

    /// Does one of the things that it can do.
    pub(crate) fn go_on(&mut self, now: Instant, shared: &mut Shared, chance: &mut Chance) {
        let moves = self.transfer.as_ref().is_some_and(|transfer| transfer.can_go_on(shared));
        if moves && (chance.once_in(2) || self.pending.is_none() && !self.wants_bytes()) {
            return self.transfer_goes_on(now, shared, chance);
        }
        if let Some(input) = self.pending.take() {
            return self.tell(input, now, shared);
        }
        if !self.wants_bytes() {
            return;
        }
        if self.unread.is_empty() && !self.hung_up {
            match shared.control.to_server.read(chance) {
                Some(Read::Bytes(bytes)) => self.unread = bytes,
                Some(Read::End(_)) => {
                    self.hung_up = true;
                    if self.transfer.is_none() {
                        self.close(shared);
                    }
                    return;
                }
                None => return,
            }
        }
        let mut rest = self.unread.as_slice();
        let line = self.decoder.decode(&mut rest);
        self.unread = rest.to_vec();
        if let Some(line) = line {
            self.tell(Input::Line(line), now, shared);
        }
    }

    fn transfer_goes_on(&mut self, now: Instant, shared: &mut Shared, chance: &mut Chance) {
        let Some(transfer) = &mut self.transfer else { return };
        transfer.since = now;
        let Some(id) = transfer.data else {
            transfer.data = match transfer.plan {
                DataPlan::Listening => shared.arrived.take(),
                DataPlan::Target(at) if !shared.fault(Fault::Refused) => shared.dial_client(at),
                DataPlan::Target(_) | DataPlan::None => None,
            };
            shared.claimed = None;
            if transfer.data.is_none() {
                return self.finish(Err(Reason::DialFailed), now, shared);
            }
            if let Some(opened) = transfer.opened.take() {
                self.tell(Input::Opened(opened), now, shared);
            }
            return;
        };
        match &mut transfer.work {
            Work::Send { bytes, at } => {
                // What the client has closed takes no more; a FIN of its side alone means nothing.
                if shared.data[id].to_server.ended() == Some(End::Reset)
                    || shared.data[id].to_client.ended().is_some()
                {
                    return self.finish(Err(Reason::PeerBroke), now, shared);
                }
                let left = bytes.len() - *at;
                if left == 0 {
                    shared.data[id].to_client.end(End::Fin);
                    return self.finish(Ok(()), now, shared);
                }
                let count = 1 + chance.below(left.min(700));
                shared.data[id].to_client.write(&bytes[*at..*at + count]);
                *at += count;
            }
            Work::Store { sink } => match shared.data[id].to_server.read(chance) {
                Some(Read::Bytes(_)) if shared.fault(Fault::Full) => {
                    self.finish(Err(Reason::Full), now, shared);
                }
                Some(Read::Bytes(bytes)) => {
                    shared.records[transfer.at].bytes.extend_from_slice(&bytes);
                    if let Err(error) = at_once(sink.write(&bytes)) {
                        self.finish(Err(error.kind.into()), now, shared);
                    }
                }
                Some(Read::End(End::Reset)) => self.finish(Err(Reason::PeerBroke), now, shared),
                Some(Read::End(End::Fin)) => self.finish(Ok(()), now, shared),
                None => {}
            },
        }
    }

    fn finish(&mut self, end: Result<(), Reason>, now: Instant, shared: &mut Shared) {
        let Some(transfer) = self.transfer.take() else { return };
        let (at, bytes) = (transfer.at, shared.records[transfer.at].bytes.len() as u64);
        let gone = self.hung_up && !self.session.as_ref().is_some_and(Session::is_leaving);
        let end = match (end, transfer) {
            (Ok(()), Transfer { work: Work::Store { sink }, data, .. }) => {
                let end = if gone {
                    Err(Reason::HungUp)
                } else {
                    at_once(sink.commit()).map_err(|e| e.kind.into())
                };
                if let Some(id) = data {
                    shared.data[id].to_client.end(End::Fin);
                }
                if end.is_ok() {
                    shared.stored(at);
                }
                end
            }
            (Ok(()), _) => Ok(()),
            (Err(reason), transfer) => {
                transfer.reset(shared);
                Err(reason)
            }
        };
        shared.records[at].is_whole = end.is_ok();
        Self::unlisten(shared);
        self.tell(Input::Transferred(ended(bytes, end.err())), now, shared);
        if self.hung_up {
            self.close(shared);
        }
    }

    /// TLS stands, or it does not: then the session just ends.
    pub(crate) fn secured(&mut self, is_secured: bool, now: Instant, shared: &mut Shared) {
        self.securing = false;
        self.is_secured = is_secured;
        if is_secured {
            self.tell(Input::Secured(Ok(None)), now, shared);
        } else {
            self.close(shared);
        }
    }

    pub(crate) fn stop(&mut self, now: Instant, shared: &mut Shared) {
        self.tell(Input::Stop(Reason::Stopping), now, shared);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let transfer = self.transfer.as_ref().map(|transfer| match transfer.data {
            None => transfer.since + self.settings.site.deadlines.data,
            Some(_) => transfer.since + self.settings.site.deadlines.stall,
        });
        transfer.into_iter().chain(self.session.as_ref().and_then(Session::deadline)).min()
    }

    pub(crate) fn time_passes(&mut self, now: Instant, shared: &mut Shared) {
        if self.deadline().is_none_or(|at| at > now) {
            return;
        }
        match &self.transfer {
            Some(Transfer { data: None, .. }) => self.finish(Err(Reason::DataNotMade), now, shared),
            Some(_) => self.finish(Err(Reason::Stalled), now, shared),
            None => self.tell(Input::Tick, now, shared),
        }
    }
}

impl Transfer {
    fn can_go_on(&self, shared: &Shared) -> bool {
        match (&self.work, self.data) {
            (_, None) => self.plan != DataPlan::Listening || shared.arrived.is_some(),
            (Work::Send { .. }, Some(_)) => true,
            (Work::Store { .. }, Some(id)) => shared.data[id].to_server.is_readable(),
        }
    }

    /// It ends before its time.
    fn reset(self, shared: &mut Shared) {
        if let Some(id) = self.data {
            let Connection { to_client, to_server } = &mut shared.data[id];
            // An orderly end of TCP behind what was sent, as most servers leave it: only the reply tells.
            to_client.end(End::Fin);
            to_server.end(End::Reset);
        }
    }
}

fn say(bytes: &[u8], shared: &mut Shared) {
    shared.note(|| format!("S: {}", bytes.escape_ascii()));
    shared.control.to_client.write(bytes);
    if shared.fault(Fault::Doubled) {
        shared.control.to_client.write(bytes);
    }
}

fn ended(bytes: u64, broken: Option<Reason>) -> Outcome {
    Outcome { bytes, unlisted: 0, digest: None, broken, told: None, detail: None }
}

async fn read(tree: &dyn Tree, path: &VPath, start: u64) -> storage::Result<Vec<u8>> {
    let mut source = tree.open(path).await?;
    if start > source.stat().size {
        return Err(storage::Kind::BadOffset.into());
    }
    let mut bytes = vec![0; source.stat().size as usize];
    source.read(start, &mut bytes).await?;
    Ok(bytes)
}

async fn list(tree: &dyn Tree, path: &VPath) -> storage::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for entry in testbed::tree::list(tree, path).await? {
        lines.extend(listing::status_line(&entry.name, &entry.stat).into_iter().flatten());
        lines.extend_from_slice(b"\r\n");
    }
    Ok(lines)
}

/// The tree in memory answers at the first poll.
pub(crate) fn at_once<T>(operation: impl Future<Output = T>) -> T {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("a tree in memory waits for nothing"),
    }
}
