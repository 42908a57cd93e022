//! How does the site of the model speak FTP? Over loopback, in the runtime of the test.
//!
//! What it does wrong is in its [`World`]; nothing here decides by itself. Reading and writing go through the
//! world piece by piece, so that a file that changes in the middle is a mixture, as with a server that reads
//! in place.
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use client::{Mode, Options, Patience, SessionSpec, Verify};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wire::Stamp;

use super::world::{AHEAD, Cut, Fault, File, Keeps, Rest, Shared, lock, point};

/// What is read and sent at a time.
const PIECE: usize = 16 * 1024;

/// Of the uploads that matter, about.
pub(crate) const EXPECTED: usize = 512;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    port: u16,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(world: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
        let port = listener.local_addr().expect("a bound socket").port();
        let task = tokio::spawn(async move {
            let mut sessions = tokio::task::JoinSet::new();
            while let Ok((control, _)) = listener.accept().await {
                let _ = control.set_nodelay(true);
                // A session that ends by a fault or by the client's end is over either way.
                sessions.spawn(Session::new(control, world.clone()).run());
                while sessions.try_join_next().is_some() {}
            }
        });
        Self { port, task }
    }

    /// A session with it.
    pub(crate) fn spec(&self, verify: Verify) -> SessionSpec {
        let patience = Patience { reply: Duration::from_secs(10), ..Patience::default() };
        crate::spec(self.port, Options { mode: Mode::Passive, verify, patience, ..Options::default() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Session {
    control: BufReader<TcpStream>,
    world: Shared,
    /// How many bytes it may still say.
    left: Option<usize>,
    passive: Option<TcpListener>,
    rest: u64,
    range: Option<(u64, u64)>,
    /// What the last SIZE was the length of.
    shown: Vec<u8>,
}

enum Next {
    Go,
    End,
}

impl Session {
    fn new(control: TcpStream, world: Shared) -> Self {
        let left = lock(&world).hang_ups.pop_front().flatten();
        let control = BufReader::new(control);
        Self { control, world, left, passive: None, rest: 0, range: None, shown: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        self.say("220 ready").await?;
        loop {
            let mut line = Vec::new();
            if self.control.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            if let Next::End = self.heard(verb, argument).await? {
                return Ok(());
            }
        }
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        let mut bytes = format!("{text}\r\n").into_bytes();
        if let Some(left) = &mut self.left {
            let whole = bytes.len() <= *left;
            bytes.truncate(*left);
            *left -= bytes.len();
            self.control.write_all(&bytes).await?;
            return if whole { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) };
        }
        self.control.write_all(&bytes).await
    }

    async fn heard(&mut self, verb: &str, argument: &str) -> io::Result<Next> {
        let offers = lock(&self.world).offers;
        let file = lock(&self.world).files.get(argument).cloned();
        let told_size = |file: &File| file.bytes.len() as u64 + offers.size_lies_by;
        let answer = match (verb, file) {
            ("USER", _) => "230 in".to_owned(),
            ("FEAT", _) => {
                let mut text = "211-Features\r\n".to_owned();
                for (offered, line) in [
                    (offers.size, "SIZE"),
                    (offers.mdtm, "MDTM"),
                    (offers.mdtm, "MFMT"),
                    (offers.mlst, "MLST type*;size*;modify*;unique*;"),
                    (offers.rest != Rest::Refused, "REST STREAM"),
                    (offers.hash, "HASH SHA-256*"),
                    (offers.hash, "RANG STREAM"),
                ] {
                    if offered {
                        text += &format!(" {line}\r\n");
                    }
                }
                text + "211 End"
            }
            ("QUIT", _) => {
                self.say("221 bye").await?;
                return Ok(Next::End);
            }
            ("TYPE" | "NOOP" | "CWD", _) => "200 yes".to_owned(),
            ("PWD", _) => "257 \"/\"".to_owned(),
            ("EPSV", _) => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
                let port = listener.local_addr()?.port();
                self.passive = Some(listener);
                format!("229 (|||{port}|)")
            }
            ("SIZE", Some(file)) if offers.size => {
                let answer = format!("213 {}", told_size(&file));
                self.shown = file.bytes;
                answer
            }
            ("SIZE", None) if offers.size && lock(&self.world).parts.contains_key(argument) => {
                self.shown = lock(&self.world).parts.get(argument).cloned().unwrap_or_default();
                format!("213 {}", self.shown.len())
            }
            ("MFMT", _) if offers.mdtm => {
                let (time, name) = argument.split_once(' ').unwrap_or_default();
                match (Stamp::parse(time.as_bytes()), lock(&self.world).files.get_mut(name)) {
                    (Some(stamp), Some(file)) => {
                        file.modified = stamp.seconds;
                        format!("213 Modify={time}; {name}")
                    }
                    _ => "550 no such file".to_owned(),
                }
            }
            ("MDTM", Some(file)) if offers.mdtm => format!("213 {}", time(&file)),
            ("MLST", Some(file)) if offers.mlst => {
                format!("250-\r\n {} {argument}\r\n250 End", facts(&file, told_size(&file)))
            }
            ("MLSD", _) if offers.mlst => {
                let bytes = self.listing(argument, offers.size_lies_by);
                return self.send_bytes(&bytes).await;
            }
            ("REST", _) if offers.rest != Rest::Refused => {
                let asked = argument.parse().unwrap_or(0);
                self.rest = match offers.rest {
                    Rest::Ahead if asked > 0 => asked + AHEAD,
                    Rest::Works | Rest::Ahead => asked,
                    Rest::Refused | Rest::Ignored => 0,
                };
                "350 from there".to_owned()
            }
            ("RANG", _) if offers.hash => {
                let range =
                    argument.split_once(' ').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                self.range = range.filter(|(first, last)| first <= last);
                "350 as you like".to_owned()
            }
            ("OPTS", _) if offers.hash => "200 SHA-256".to_owned(),
            ("HASH", Some(file)) if offers.hash => {
                let last = (file.bytes.len() as u64).saturating_sub(1);
                let (first, last) = self.range.take().unwrap_or((0, last));
                match file.bytes.get(first as usize..=last as usize) {
                    Some(bytes) => format!("213 SHA-256 {first}-{last} {} {argument}", digest(bytes)),
                    None => "551 no such range".to_owned(),
                }
            }
            ("RETR", Some(_)) if lock(&self.world).drop_box => "550 not for you".to_owned(),
            ("RETR", Some(_)) => return self.send(argument).await,
            ("STOR" | "APPE", _) => return self.receive(argument, verb == "APPE").await,
            ("DELE", Some(_)) => {
                lock(&self.world).files.remove(argument);
                "250 gone".to_owned()
            }
            ("SIZE" | "MDTM" | "MLST" | "HASH" | "RETR" | "DELE", None) => "550 no such file".to_owned(),
            _ => "502 no".to_owned(),
        };
        // Without FEAT, which a client leaves out in the next session, only SIZE would show that a 226 lies:
        // stories show that.
        if verb == "FEAT" {
            self.left = self.left.map(|left| left.max(answer.len() + 2));
        }
        self.say(&answer).await?;
        Ok(Next::Go)
    }

    fn listing(&self, directory: &str, lies: u64) -> Vec<u8> {
        let world = lock(&self.world);
        let mut text = String::new();
        let mut folders = std::collections::BTreeSet::new();
        for (name, file) in &world.files {
            let Some(rest) = name.strip_prefix(&format!("{directory}/")) else { continue };
            match rest.split_once('/') {
                Some((folder, _)) => {
                    folders.insert(folder);
                }
                None => text += &format!("{} {rest}\r\n", facts(file, file.bytes.len() as u64 + lies)),
            }
        }
        for folder in folders {
            text += &format!("type=dir; {folder}\r\n");
        }
        text.into_bytes()
    }

    async fn data(&mut self) -> io::Result<TcpStream> {
        let listener = self.passive.take().ok_or(io::ErrorKind::NotConnected)?;
        Ok(listener.accept().await?.0)
    }

    async fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<Next> {
        let mut data = self.data().await?;
        self.say("150 go").await?;
        data.write_all(bytes).await?;
        drop(data);
        self.say("226 done").await?;
        Ok(Next::Go)
    }

    /// RETR: a piece at a time, each of the file as it is then.
    async fn send(&mut self, name: &str) -> io::Result<Next> {
        let mut data = self.data().await?;
        let Fault { mut change, cut } = lock(&self.world).faults.pop_front().unwrap_or_default();
        let length = lock(&self.world).files.get(name).map_or(0, |file| file.bytes.len());
        self.say("150 go").await?;
        let mut at = std::mem::take(&mut self.rest) as usize;
        // A file that is removed is read to its end all the same.
        let mut known = Vec::new();
        let cut = cut.map(|(cut, how)| (point(cut, length).max(at), how));
        loop {
            if change.as_ref().is_some_and(|(when, _)| point(*when, length) <= at)
                && let Some((_, change)) = change.take()
            {
                let mut world = lock(&self.world);
                if let Some(file) = world.files.get(name) {
                    known.clone_from(&file.bytes);
                }
                world.change(name, &change);
            }
            match cut.filter(|(when, _)| *when <= at) {
                // The data goes on all the same.
                Some((_, Cut::Control)) => self.control.shutdown().await?,
                Some((_, how)) => return self.cut(data, how).await,
                None => {}
            }
            let next_cut = cut.map_or(usize::MAX, |(when, _)| when);
            let next_change = change.as_ref().map_or(usize::MAX, |(when, _)| point(*when, length));
            let bound =
                [next_cut, next_change].into_iter().filter(|next| *next > at).min().unwrap_or(usize::MAX);
            let end = bound.min(at + PIECE);
            let piece = {
                let world = lock(&self.world);
                if let Some(file) = world.files.get(name) {
                    known.clone_from(&file.bytes);
                }
                known.get(at..end.min(known.len())).unwrap_or_default().to_vec()
            };
            if piece.is_empty() {
                break;
            }
            data.write_all(&piece).await?;
            at += piece.len();
        }
        drop(data);
        if cut.is_some_and(|(_, how)| how == Cut::Control) {
            return Ok(Next::End);
        }
        self.say("226 done").await?;
        Ok(Next::Go)
    }

    async fn cut(&mut self, data: TcpStream, how: Cut) -> io::Result<Next> {
        if how == Cut::Reset {
            socket2::SockRef::from(&data).set_linger(Some(Duration::ZERO))?;
        }
        drop(data);
        match how {
            Cut::Told | Cut::Reset => self.say("426 broken off").await?,
            Cut::Lie => self.say("226 done").await?,
            Cut::Both | Cut::Control => return Ok(Next::End),
        }
        Ok(Next::Go)
    }

    /// STOR and APPE. The points of a fault are those of a file of [`EXPECTED`] bytes.
    async fn receive(&mut self, name: &str, append: bool) -> io::Result<Next> {
        let start = std::mem::take(&mut self.rest) as usize;
        let refusal = lock(&self.world).refuses;
        if let Some(refusal) = refusal {
            self.say(refusal).await?;
            return Ok(Next::Go);
        }
        if !lock(&self.world).busy.insert(name.to_owned()) {
            self.say("450 somebody else uploads to it").await?;
            return Ok(Next::Go);
        }
        // Whatever ends this, a dropped task too, the name is free again.
        let _busy = Busy(self.world.clone(), name.to_owned());
        let keeps = lock(&self.world).offers.keeps;
        let there = {
            let world = lock(&self.world);
            let part = world.parts.get(name).filter(|_| keeps == Keeps::OutOfSight).cloned();
            part.or_else(|| world.files.get(name).map(|file| file.bytes.clone())).unwrap_or_default()
        };
        let kept = if append { there.len() } else { start };
        let Some(mut all) = there.get(..kept).map(<[u8]>::to_vec) else {
            self.say("554 there are not so many bytes").await?;
            return Ok(Next::Go);
        };
        let mut data = self.data().await?;
        // Another start than the client was shown: a part behind the file, or what another client has stored
        // meanwhile. A client can see that only in what is published, and may fail to repair it then.
        lock(&self.world).lied |= !self.shown.starts_with(&all);
        let Fault { cut, .. } = lock(&self.world).faults.pop_front().unwrap_or_default();
        let cut = cut.map(|(at, how)| (point(at, EXPECTED), how));
        self.say("150 go").await?;
        let mut lost = false;
        let (mut came, mut control) = (0, true);
        let ended = loop {
            if keeps == Keeps::InPlace {
                lock(&self.world).put(name, all.clone());
            }
            let meanwhile = {
                let mut world = lock(&self.world);
                let due = world.meanwhile.as_ref().is_some_and(|meanwhile| meanwhile.at <= came);
                if due { world.meanwhile.take() } else { None }
            };
            if let Some(meanwhile) = meanwhile {
                (meanwhile.deed)();
            }
            if std::mem::take(&mut lock(&self.world).killed) {
                self.keep(name, all, keeps);
                return Ok(Next::End);
            }
            match cut.filter(|(at, _)| *at <= came) {
                Some((_, Cut::Control)) if control => {
                    control = false;
                    self.control.shutdown().await?;
                }
                Some((_, Cut::Control)) | None => {}
                // What comes from here on is lost.
                Some((_, Cut::Lie)) => {
                    lost = true;
                    lock(&self.world).lied = true;
                }
                Some((_, how)) => {
                    self.keep(name, all, keeps);
                    return self.cut(data, how).await;
                }
            }
            let mut piece = vec![0; PIECE];
            match data.read(&mut piece).await {
                Ok(0) => break true,
                Ok(count) => {
                    came += count;
                    if !lost {
                        all.extend_from_slice(&piece[..count]);
                    }
                }
                Err(_) => break false,
            }
        };
        drop(data);
        if !ended {
            self.keep(name, all, keeps);
            self.say("426 broken off").await?;
            return Ok(if control { Next::Go } else { Next::End });
        }
        if control || keeps == Keeps::UntilFin {
            let mut world = lock(&self.world);
            world.parts.remove(name);
            world.put(name, all);
        } else {
            self.keep(name, all, keeps);
        }
        if !control {
            return Ok(Next::End);
        }
        self.say("226 done").await?;
        Ok(Next::Go)
    }

    /// What becomes of a broken upload.
    fn keep(&self, name: &str, bytes: Vec<u8>, keeps: Keeps) {
        let mut world = lock(&self.world);
        match keeps {
            Keeps::InPlace => world.put(name, bytes),
            Keeps::OutOfSight => drop(world.parts.insert(name.to_owned(), bytes)),
            Keeps::UntilFin => {}
        }
    }
}

struct Busy(Shared, String);

impl Drop for Busy {
    fn drop(&mut self) {
        lock(&self.0).busy.remove(&self.1);
    }
}

fn time(file: &File) -> String {
    let mut text = Vec::new();
    Stamp::from_seconds(file.modified).encode(&mut text);
    String::from_utf8(text).expect("digits")
}

fn facts(file: &File, size: u64) -> String {
    format!("type=file;size={size};modify={};unique={:x};", time(file), file.unique)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
