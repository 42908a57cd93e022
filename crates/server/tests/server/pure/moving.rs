//! How does a file move where there is no socket? By way of the Tree, in memory.
use server::Reason;
use server::effect::{DataPlan, Form, Opened, Outcome, Plan, What};
use server::session::Pass;
use server::transfer::{facts, listing};
use sha2::Digest as _;
use storage::{Create, Entry, FileType, Kind, Sink, Stat, VPath};
use wire::ascii::{Decoder, Encoder};
use wire::digest::Algorithm;
use wire::facts::listable;

use super::Pure;

/// What the buffers of two sockets hold at the least: a smaller file is gone before its receiver looks.
const BUFFERED: usize = 64 * 1024;

/// The data connection, from the client's side.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) sent: Vec<u8>,
    pub(super) sent_end: bool,
    pub(super) got: Vec<u8>,
    /// The server has closed.
    pub(super) ended: bool,
    /// Further connections to the same port.
    pub(super) connections: usize,
    /// The client has accepted it.
    pub(super) taken: bool,
}

pub(super) enum Transfer {
    /// The file is open, the data connection is not.
    Waiting {
        work: Work,
        opened: Opened,
        data: DataPlan,
    },
    Moving {
        work: Work,
        moved: u64,
    },
}

impl Transfer {
    pub(super) fn moved(&self) -> u64 {
        match self {
            Self::Waiting { .. } => 0,
            Self::Moving { moved, .. } => *moved,
        }
    }
}

pub(super) enum Work {
    Send(Vec<u8>, u64),
    Store {
        sink: Box<dyn Sink>,
        text: Option<Decoder>,
    },
    /// Fails once the connection is there.
    Fail(Reason),
}

/// A transfer's end without any number in it.
pub(super) fn ended(broken: Option<Reason>) -> Outcome {
    Outcome { bytes: 0, unlisted: 0, digest: None, broken, told: None, detail: None }
}

impl Pure {
    /// Opens the file, then sees whether the data connection is there.
    pub(super) async fn begin(&mut self, who: usize, plan: Plan) {
        let Plan { pass, path, what, ascii, data, .. } = plan;
        let mut opened = Opened { size: None, name: None };
        let work = match what {
            What::Retrieve { start, end } => {
                retrieve(&pass, &path, start, end, ascii).await.inspect(|work| {
                    if let (Work::Send(bytes, _), false) = (work, ascii) {
                        opened.size = Some(bytes.len() as u64);
                    }
                })
            }
            What::Store { how, mode } => match pass.tree().create(&path, how).await {
                Ok(mut sink) => {
                    if let Some(mode) = mode {
                        sink.set_mode(mode);
                    }
                    opened.name = (how == Create::Unique).then(|| sink.path().clone());
                    Ok(Work::Store { sink, text: ascii.then(Decoder::default) })
                }
                Err(error) => Err(error.kind.into()),
            },
            What::List { given, form } => list(&pass, &path, given, &form).await,
            What::Digest { algorithm, start, end } => {
                return match digest(&pass, &path, algorithm, start, end).await {
                    Ok(digest) => {
                        self.opened(who, opened);
                        self.transferred(who, Outcome { digest: Some(digest), ..ended(None) });
                    }
                    Err(reason) => self.transferred(who, ended(Some(reason))),
                };
            }
        };
        let work = match work {
            Ok(work) => work,
            Err(reason) => return self.transferred(who, ended(Some(reason))),
        };
        let client = self.client(who);
        client.transfer = Some(Transfer::Waiting { work, opened, data });
        match data {
            DataPlan::Target(target) if client.listening == Some(target.port()) => {
                client.wire = Some(Wire::default());
                self.connected(who).await;
            }
            DataPlan::Target(_) => self.break_off(who, Reason::DialFailed).await,
            _ => match &client.wire {
                Some(wire) if wire.connections > 0 => self.break_off(who, Reason::Contested).await,
                Some(wire) if !wire.ended => self.connected(who).await,
                _ => {}
            },
        }
    }

    /// The data connection is there.
    pub(super) async fn connected(&mut self, who: usize) {
        if self.begins(who) {
            self.push(who).await;
        }
    }

    /// The data connection is there, and turns out not to be the client's own, or not protected.
    pub(super) async fn connected_in_vain(&mut self, who: usize, reason: Reason) {
        self.begins(who);
        self.break_off(who, reason).await;
    }

    fn begins(&mut self, who: usize) -> bool {
        let Some(Transfer::Waiting { work, opened, .. }) = self.client(who).transfer.take() else {
            return false;
        };
        self.client(who).transfer = Some(Transfer::Moving { work, moved: 0 });
        self.opened(who, opened);
        true
    }

    /// Moves what can be moved without the client's doing more.
    pub(super) async fn push(&mut self, who: usize) {
        let client = self.client(who);
        let Some(Transfer::Moving { work, moved }) = &mut client.transfer else { return };
        let Some(wire) = &mut client.wire else { return };
        match work {
            Work::Fail(reason) => {
                let reason = *reason;
                self.transferred(who, ended(Some(reason)));
            }
            Work::Send(bytes, _) if bytes.len() <= BUFFERED => self.pull(who).await,
            Work::Send(..) => {}
            Work::Store { sink, text, .. } => {
                let mut bytes = std::mem::take(&mut wire.sent);
                let end = wire.sent_end;
                *moved += bytes.len() as u64;
                if let Some(decoder) = text {
                    let raw = std::mem::take(&mut bytes);
                    decoder.push(&raw, &mut bytes);
                    if end {
                        decoder.finish(&mut bytes);
                    }
                }
                let written = if bytes.is_empty() { Ok(()) } else { sink.write(&bytes).await };
                match written {
                    Err(error) => self.break_off(who, error.kind.into()).await,
                    Ok(()) if end => self.commit(who).await,
                    Ok(()) => {}
                }
            }
        }
        // Boxed, since settling may begin the next transfer.
        Box::pin(self.settle(who)).await;
    }

    async fn commit(&mut self, who: usize) {
        let client = self.client(who);
        if client.closed && client.session.as_ref().is_some_and(|session| !session.is_leaving()) {
            // The client went away without a word: what came is kept as a part.
            return self.break_off(who, Reason::HungUp).await;
        }
        let Some(Transfer::Moving { work: Work::Store { sink, .. }, moved }) =
            self.client(who).transfer.take()
        else {
            return;
        };
        let broken = sink.commit().await.err().map(|error| error.kind.into());
        self.transferred(who, Outcome { bytes: moved, ..ended(broken) });
    }

    /// The client reads: all that a download has left comes to it.
    pub(super) async fn pull(&mut self, who: usize) {
        let client = self.client(who);
        if let (Some(Transfer::Moving { work: Work::Send(bytes, unlisted), .. }), Some(wire)) =
            (&mut client.transfer, &mut client.wire)
        {
            let count = bytes.len() as u64;
            wire.got.append(bytes);
            let end = Outcome { bytes: count, unlisted: *unlisted, ..ended(None) };
            self.transferred(who, end);
        }
        Box::pin(self.settle(who)).await;
    }

    /// The transfer ends before its time; an upload that got something is kept for resuming.
    pub(super) async fn break_off(&mut self, who: usize, reason: Reason) {
        if let Some(transfer) = self.client(who).transfer.take() {
            let moved = transfer.moved();
            let (Transfer::Waiting { work, .. } | Transfer::Moving { work, .. }) = transfer;
            if let Work::Store { sink, .. } = work
                && reason == Reason::Full
            {
                sink.discard().await.expect("a part can be removed");
            }
            self.transferred(who, Outcome { bytes: moved, ..ended(Some(reason)) });
        }
        Box::pin(self.settle(who)).await;
    }
}

async fn read(pass: &Pass, path: &VPath, start: u64, end: u64) -> Result<Vec<u8>, Reason> {
    let mut source = pass.tree().open(path).await.map_err(|e| e.kind)?;
    let mut bytes = Vec::new();
    loop {
        let at = start + bytes.len() as u64;
        let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(1 << 20);
        let mut piece = vec![0; left];
        if left == 0 {
            return Ok(bytes);
        }
        source.read(at, &mut piece).await.map_err(|e| e.kind)?;
        if piece.is_empty() {
            return Ok(bytes);
        }
        bytes.append(&mut piece);
    }
}

async fn retrieve(
    pass: &Pass,
    path: &VPath,
    start: u64,
    end: Option<u64>,
    ascii: bool,
) -> Result<Work, Reason> {
    let size = pass.tree().open(path).await.map_err(|e| e.kind)?.stat().size;
    if start > size && !ascii {
        return Err(Reason::BadOffset);
    }
    let end = end.unwrap_or(u64::MAX);
    // What fails in reading does so after the file was opened.
    let bytes =
        match read(pass, path, if ascii { 0 } else { start }, if ascii { u64::MAX } else { end }).await {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Work::Fail(reason)),
        };
    if !ascii {
        return Ok(Work::Send(bytes, 0));
    }
    let (mut encoder, mut text) = (Encoder::new(), Vec::new());
    encoder.push(&bytes, &mut text);
    encoder.finish(&mut text);
    text.truncate(usize::try_from(end).unwrap_or(usize::MAX));
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    Ok(if start > text.len() { Work::Fail(Reason::BadOffset) } else { Work::Send(text.split_off(start), 0) })
}

async fn digest(
    pass: &Pass,
    path: &VPath,
    algorithm: Algorithm,
    start: u64,
    end: Option<u64>,
) -> Result<(String, u64), Reason> {
    let size = pass.tree().open(path).await.map_err(|e| e.kind)?.stat().size;
    if start > size {
        return Err(Reason::BadOffset);
    }
    let bytes = read(pass, path, start, end.unwrap_or(u64::MAX)).await?;
    let hex = |digest: &[u8]| digest.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let text = match algorithm {
        Algorithm::Sha256 => hex(&sha2::Sha256::digest(&bytes)),
        Algorithm::Sha512 => hex(&sha2::Sha512::digest(&bytes)),
        Algorithm::Sha1 => hex(&sha1::Sha1::digest(&bytes)),
        Algorithm::Md5 => hex(&md5::Md5::digest(&bytes)),
        Algorithm::Crc32 => format!("{:08x}", crc32fast::hash(&bytes)),
    };
    Ok((text, start + bytes.len() as u64))
}

async fn list(pass: &Pass, path: &VPath, given: Vec<u8>, form: &Form) -> Result<Work, Reason> {
    let single = |stat: Stat| vec![Entry { name: given.clone(), stat }];
    let names = matches!(form, Form::Names);
    let (entries, prefix) = match pass.tree().stat(path).await {
        Ok(stat) if stat.kind == FileType::Directory => {
            let mut prefix = if names { given.clone() } else { Vec::new() };
            if matches!(prefix.as_slice(), b"." | b"./") {
                prefix.clear();
            }
            if !prefix.is_empty() && !prefix.ends_with(b"/") {
                prefix.push(b'/');
            }
            (entries(pass, path).await?, prefix)
        }
        Ok(_) if matches!(form, Form::Facts(_)) => return Err(Reason::NotADirectory),
        Ok(_) => (single(pass.tree().entry(path).await.map_err(|e| e.kind)?), Vec::new()),
        Err(error) if error.kind == Kind::NotFound && !matches!(form, Form::Facts(_)) => {
            let (parent, name) = path.split().ok_or(Reason::NotFound)?;
            if !name.contains(&b'*') && !name.contains(&b'?') {
                return Err(Reason::NotFound);
            }
            let mut found = entries(pass, &parent).await?;
            found.retain(|e| (e.name[0] != b'.' || name[0] == b'.') && glob(name, &e.name));
            if found.is_empty() {
                return Err(Reason::NoMatch);
            }
            let prefix = given[..given.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1)].to_vec();
            (found, prefix)
        }
        Err(error) => return Err(error.kind.into()),
    };
    let (mut out, mut unlisted) = (Vec::new(), 0);
    for entry in entries {
        let name = [prefix.as_slice(), &entry.name].concat();
        if listable(&entry.name).is_err() {
            unlisted += 1;
            continue;
        }
        match form {
            Form::Names => out.extend([name.as_slice(), b"\r\n"].concat()),
            Form::Long => {
                out.extend(listing::status_line(&name, &entry.stat).expect("a name that can be listed"));
                out.extend_from_slice(b"\r\n");
            }
            Form::Facts(wanted) => {
                let facts = facts::of(&entry.stat, pass.rights().everywhere().writes());
                facts.encode_line(wanted, &name, &mut out).expect("a name that can be listed");
            }
        }
    }
    Ok(Work::Send(out, unlisted))
}

async fn entries(pass: &Pass, path: &VPath) -> Result<Vec<Entry>, Reason> {
    let mut listing = pass.tree().list(path).await.map_err(|e| e.kind)?;
    let (mut all, mut batch) = (Vec::new(), Vec::new());
    loop {
        listing.next(&mut batch).await.map_err(|e| e.kind)?;
        if batch.is_empty() {
            return Ok(all);
        }
        all.append(&mut batch);
    }
}

/// `*` and `?`, as in a shell.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => (0..=name.len()).any(|at| glob(rest, &name[at..])),
        (Some((b'?', rest)), Some((_, name))) => glob(rest, name),
        (Some((want, rest)), Some((got, name))) => want == got && glob(rest, name),
        _ => false,
    }
}
