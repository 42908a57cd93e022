//! What is in a directory, and how is it changed?
use std::borrow::BorrowMut;
use std::fmt;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use wire::facts::EntryType;
use wire::listing::ListingReader;
use wire::pathname::show;
use wire::{Command, Entry, Facts, Pathname, Reply, Stamp};

use crate::charset::{Charset, Pieces};
use crate::client::Client;
use crate::download::{Receiving, Resume};
use crate::error::Error;
use crate::paths::{directory_in, parent_and_name};
use crate::session::Want;

/// Takes the entries of a listing as they come; an error ends the listing.
pub type Each<'a> = &'a mut (dyn FnMut(Entry) -> io::Result<()> + Send);

/// The lines of a listing that could not be read: with any of them it is not known what is in the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Unread {
    /// How many.
    pub lines: u64,
    /// The first of them, each cut to a length that fits a terminal.
    pub first: Vec<Vec<u8>>,
}

impl Unread {
    /// Was all of it read?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines == 0
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.lines == 1 { "" } else { "s" };
        write!(f, "{} unreadable line{s} in the listing", self.lines)?;
        for (n, line) in self.first.iter().enumerate() {
            write!(f, "{} \"{}\"", if n == 0 { ":" } else { "," }, show(line))?;
        }
        if self.lines > self.first.len() as u64 { f.write_str(", ...") } else { Ok(()) }
    }
}

/// A directory on its way to us, to be read some entries at a time, in constant memory. Dropped before its
/// end it gives the session up.
pub struct Listing<S: BorrowMut<Client>> {
    receiving: Receiving<S>,
    reader: ListingReader,
    pieces: Option<Pieces>,
    of: Option<Pathname>,
    /// Where the session goes back to at the end.
    home: Option<Pathname>,
    /// Is a refusal that says that nothing is there believed to be about the entries of the directory?
    empty: Empty,
    piece: Vec<u8>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    Believed,
    /// If it is a directory that can be entered.
    IfEntered,
    NotBelieved,
}

impl<S: BorrowMut<Client>> Listing<S> {
    /// Opens a directory; `None` is where the login starts. The session may be moved in, a pooled one for
    /// example. MLSD where it is offered, else LIST.
    ///
    /// # Errors
    /// [`Error::Refused`] where there is no such directory; [`Error::Unreachable`] where no data connection
    /// can be established.
    pub async fn open(mut session: S, path: Option<&Pathname>) -> Result<Self, Error> {
        let client = session.borrow_mut();
        let mut reader = ListingReader::new(today());
        let mut home = None;
        let (command, empty) = if client.features.has_mlsd() {
            reader = ListingReader::mlsd();
            (Command::Mlsd(path.cloned()), Empty::IfEntered)
        } else if let Some(path) = path {
            // A pathname in LIST is a pattern to some servers and an option to others; a directory gone into
            // is neither.
            home = client.working_directory().await?;
            if home.is_some() {
                client.ask(Command::Cwd(path.clone())).await?;
                let command = client.list_command().await?;
                client.within = Some(path.clone());
                (command, Empty::Believed)
            } else {
                (Command::List(Some(path.clone())), Empty::NotBelieved)
            }
        } else {
            (client.list_command().await?, Empty::Believed)
        };
        let pieces = client.options.charset.map(Charset::pieces);
        let receiving = Receiving::new(session, command, 0, Resume::AtStart);
        let of = path.cloned();
        let mut listing =
            Self { receiving, reader, pieces, of, home, empty, piece: Vec::new(), ended: false };
        if let Err(error) = listing.receiving.begin().await {
            listing.end(Err(error)).await?;
        }
        Ok(listing)
    }

    /// Clears `batch` and fills it with the next entries; none is the end. The entries for the directory
    /// itself and the one above are left out, and names that repeat the directory are cut down to their last
    /// part.
    ///
    /// # Errors
    /// [`Error::Broken`] and others, when the listing has ended before its end.
    pub async fn next(&mut self, batch: &mut Vec<Entry>) -> Result<(), Error> {
        batch.clear();
        while batch.is_empty() && !self.ended {
            self.piece.clear();
            match self.receiving.read(&mut self.piece).await {
                Ok(0) => {
                    let whole = self.whole().await;
                    self.end(whole).await?;
                    let rest = self.pieces.as_mut().map(|pieces| pieces.decode(b"", true));
                    self.reader.push(rest.unwrap_or_default(), batch);
                    self.reader.finish(batch);
                }
                Ok(_) => {
                    let pieces = self.pieces.as_mut();
                    let bytes = pieces.map_or(&self.piece[..], |pieces| pieces.decode(&self.piece, false));
                    self.reader.push(bytes, batch);
                }
                Err(error) => self.end(Err(error)).await?,
            }
            for entry in batch.iter_mut() {
                within(self.of.as_ref(), entry);
            }
            batch.retain(|entry| !is_itself_or_parent(entry));
        }
        Ok(())
    }

    /// After the end: the lines that could not be read.
    pub fn unread(&self) -> Unread {
        Unread { lines: self.reader.unread(), first: self.reader.samples().to_vec() }
    }

    /// Has all of it come?
    async fn whole(&mut self) -> Result<(), Error> {
        let came = self.receiving.hear_end().await?;
        if !came.confirmed {
            return Err(Error::unconfirmed("the listing", came.bytes));
        }
        self.receiving.client().believe_end("the listing", came)
    }

    /// Goes back to where the session was, and says what came of it all.
    async fn end(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        self.ended = true;
        let client = self.receiving.client();
        if let Some(home) = self.home.take() {
            client.within = None;
            if result.as_ref().err().is_none_or(Error::leaves_session_usable) {
                client.go_back(home).await?;
            }
        }
        match (&result, self.empty) {
            (Err(error), Empty::Believed) if says_empty(error) => Ok(()),
            (Err(error), Empty::IfEntered)
                if says_empty(error) && client.can_be_entered(self.of.as_ref()).await? =>
            {
                Ok(())
            }
            _ => result,
        }
    }

    /// Ends it, as our own side has failed.
    async fn fail(&mut self, why: io::Error) -> Error {
        if self.ended {
            return Error::local("showing the listing", why);
        }
        let error = self.receiving.fail(why).await;
        match self.end(Err(error)).await {
            Err(error) => error,
            Ok(()) => Error::local("showing the listing", io::ErrorKind::Other.into()),
        }
    }
}

impl<S: BorrowMut<Client>> Drop for Listing<S> {
    fn drop(&mut self) {
        if self.home.is_some() {
            // It is not where the next command expects it.
            self.receiving.client().give_up();
        }
    }
}

impl Client {
    /// Lists a directory, entry by entry as they come, in constant memory; `None` is where the login starts.
    /// See [`Listing`]. Lines that cannot be read are given back.
    pub async fn list(&mut self, path: Option<&Pathname>, each: Each<'_>) -> Result<Unread, Error> {
        let mut listing = Listing::open(self, path).await?;
        let mut batch = Vec::new();
        loop {
            listing.next(&mut batch).await?;
            if batch.is_empty() {
                return Ok(listing.unread());
            }
            if let Err(error) = batch.drain(..).try_for_each(&mut *each) {
                return Err(listing.fail(error).await);
            }
        }
    }

    /// What the listing of its directory has of a path; and of that listing what could not be read.
    pub(crate) async fn listed(&mut self, path: &Pathname) -> Result<(Option<Entry>, Unread), Error> {
        let (parent, name) = parent_and_name(path);
        let mut found = None;
        let mut each = |entry: Entry| {
            if entry.name == name.as_bytes() {
                found = Some(entry);
            }
            Ok(())
        };
        let unread = self.list(parent.as_ref(), &mut each).await?;
        Ok((found, unread))
    }

    /// Unix servers hide dot names unless told `-a`; others would take that for a name.
    async fn list_command(&mut self) -> Result<Command, Error> {
        let system = self.ask_maybe(Command::Syst).await?;
        let unix = system.is_some_and(|r| r.text().to_ascii_uppercase().starts_with(b"UNIX"));
        Ok(if unix { Command::ListAll } else { Command::List(None) })
    }

    /// Is it a directory that CWD leads into? `None` is where the session is.
    pub(crate) async fn can_be_entered(&mut self, path: Option<&Pathname>) -> Result<bool, Error> {
        let Some(path) = path else { return Ok(true) };
        let Some(home) = self.working_directory().await? else { return Ok(false) };
        if self.ask_maybe(Command::Cwd(path.clone())).await?.is_none() {
            return Ok(false);
        }
        self.go_back(home).await?;
        Ok(true)
    }

    /// A session that is elsewhere would take relative paths for others.
    async fn go_back(&mut self, home: Pathname) -> Result<(), Error> {
        let back = self.ask(Command::Cwd(home)).await;
        if back.is_err() {
            self.give_up();
        }
        back.map(drop)
    }

    /// Where the session is, if PWD tells it.
    pub(crate) async fn working_directory(&mut self) -> Result<Option<Pathname>, Error> {
        let reply = self.ask_maybe(Command::Pwd).await?;
        Ok(reply.and_then(|reply| directory_in(reply.text())))
    }

    /// What is true of one path: by MLST where it is offered, else pieced together from SIZE, MDTM and CWD.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such thing.
    pub async fn stat(&mut self, path: Option<&Pathname>) -> Result<Entry, Error> {
        let name = path.map_or_else(|| b".".to_vec(), |p| p.as_bytes().to_vec());
        if self.features.has("MLST") {
            let reply = self.ask(Command::Mlst(path.cloned())).await?;
            return match entry_in(&reply) {
                Some(entry) => Ok(Entry { name, facts: entry.facts }),
                None => Err(Error::nonsense("MLST", &reply)),
            };
        }
        let mut facts = Facts::default();
        if let Some(path) = path {
            facts.size = self.size(path).await?;
            if facts.size.is_some() {
                facts.kind = Some(EntryType::File);
                facts.modify = self.modified(path).await?;
                return Ok(Entry { name, facts });
            }
            let home = self.working_directory().await?;
            self.ask(Command::Cwd(path.clone())).await?;
            match home {
                Some(home) => self.go_back(home).await?,
                // Only a new session leads back. It is opened before a path is said that needs it.
                None => self.paths.moved = Some(path.clone()),
            }
        }
        facts.kind = Some(EntryType::Directory);
        Ok(Entry { name, facts })
    }

    /// Deletes a file.
    pub async fn remove(&mut self, path: &Pathname) -> Result<(), Error> {
        self.ask(Command::Dele(path.clone())).await.map(drop)
    }

    /// Removes an empty directory.
    pub async fn remove_dir(&mut self, path: &Pathname) -> Result<(), Error> {
        self.ask(Command::Rmd(path.clone())).await.map(drop)
    }

    /// Makes a directory.
    pub async fn make_dir(&mut self, path: &Pathname) -> Result<(), Error> {
        self.ask(Command::Mkd(path.clone())).await.map(drop)
    }

    /// Renames or moves within the site.
    pub async fn rename(&mut self, from: &Pathname, to: &Pathname) -> Result<(), Error> {
        self.exchange(Command::Rnfr(from.clone()), Want::Intermediate).await?;
        match self.ask(Command::Rnto(to.clone())).await {
            Ok(_) => Ok(()),
            Err(error) => self.rename_bare(from, to, error).await,
        }
    }

    /// Sets the time of modification, where the server offers MFMT. False: it does not, or refused.
    pub async fn set_modified(&mut self, path: &Pathname, time: Stamp) -> Result<bool, Error> {
        if !self.features.has("MFMT") {
            return Ok(false);
        }
        let whole = Stamp { nanos: 0, ..time };
        Ok(self.ask_maybe(Command::Mfmt(whole, path.clone())).await?.is_some())
    }
}

/// Does a refusal say that there is nothing, and not that it may not be seen? Some servers answer so for a
/// directory without entries; only of one that has been entered it is known that it is not the directory that
/// is missing.
fn says_empty(error: &Error) -> bool {
    let Error::Refused { reply, .. } = error else { return false };
    let words = show(reply.text()).to_ascii_lowercase();
    let says = |some: &[&str]| some.iter().any(|phrase| words.contains(phrase));
    if says(&[
        "denied",
        "permission",
        "privilege",
        "not allowed",
        "not permitted",
        "busy",
        "lock",
        "try again",
    ]) {
        return false;
    }
    match reply.code.get() {
        450 => true,
        550 | 553 => {
            says(&["no file", "no such file", "no match", "no entries", "empty", "not found", "nothing"])
        }
        _ => false,
    }
}

/// Cuts the name of an entry down to the last part where that repeats the directory that was asked for:
/// `dir/a`, `/dir/a`, `./a`, or the whole path of which only the end was asked for. Any other path stays one,
/// to be refused as a name.
fn within(of: Option<&Pathname>, entry: &mut Entry) {
    // As `ls -p` marks directories.
    if entry.facts.kind == Some(EntryType::Directory) && entry.name.len() > 1 && entry.name.ends_with(b"/") {
        entry.name.pop();
    }
    let Some(slash) = entry.name.iter().rposition(|b| *b == b'/') else { return };
    let parent = parts(&entry.name[..slash]);
    let asked = parts(of.map_or(&[], Pathname::as_bytes));
    let repeats = if asked.is_empty() || parent.is_empty() {
        parent.is_empty()
    } else {
        asked.ends_with(&parent) || parent.ends_with(&asked)
    };
    let climbs = parent.contains(&&b".."[..]);
    if repeats && !climbs && slash + 1 < entry.name.len() {
        entry.name.drain(..=slash);
    }
}

/// The names that a path is made of.
fn parts(path: &[u8]) -> Vec<&[u8]> {
    path.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b".")).collect()
}

fn is_itself_or_parent(entry: &Entry) -> bool {
    matches!(entry.facts.kind, Some(EntryType::CurrentDirectory | EntryType::ParentDirectory))
        || matches!(entry.name.as_slice(), b"." | b"..")
}

/// The entry in the answer to MLST (RFC 3659 7.3.2).
pub(crate) fn entry_in(reply: &Reply) -> Option<Entry> {
    reply.lines.iter().skip(1).find_map(|line| Entry::parse(line.strip_prefix(b" ")?))
}

/// Today, to give years to the dates of LIST that have none.
fn today() -> Stamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Stamp::from_seconds(i64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_repeats_the_directory_is_cut_down_and_no_other_path_is() {
        for (asked, name, cut) in [
            (Some("dir"), "dir/a.txt", "a.txt"),
            (Some("dir"), "/dir/a.txt", "a.txt"),
            (Some("/dir"), "dir/a.txt", "a.txt"),
            (Some("/dir/"), "/dir//a.txt", "a.txt"),
            (Some("dir"), "./a.txt", "a.txt"),
            (Some("dir"), "./dir/a.txt", "a.txt"),
            (Some("up/dir"), "dir/a.txt", "a.txt"),
            (Some("dir"), "/home/ada/dir/a.txt", "a.txt"),
            (Some("."), "./a.txt", "a.txt"),
            (None, "./a.txt", "a.txt"),
            (None, "/a.txt", "a.txt"),
            (Some("/"), "/a.txt", "a.txt"),
            (Some("dir"), "dir/..", ".."),
            (Some("dir"), "dir/../../x", "dir/../../x"),
            (Some(".."), "../x", "../x"),
            (Some("dir"), "other/a.txt", "other/a.txt"),
            (Some("dir"), "/etc/passwd", "/etc/passwd"),
            (Some("dir"), "mydir/a.txt", "mydir/a.txt"),
            (None, "/etc/passwd", "/etc/passwd"),
            (Some("dir"), "plain", "plain"),
        ] {
            let asked = asked.map(|path| Pathname::new(path).unwrap());
            let mut entry = Entry { name: name.into(), facts: Facts::default() };
            within(asked.as_ref(), &mut entry);
            assert_eq!(show(&entry.name), cut, "{asked:?} {name}");
        }
        let directory = Facts { kind: Some(EntryType::Directory), ..Facts::default() };
        for (name, cut) in [("sub/", "sub"), ("dir/sub/", "sub"), ("/", "/")] {
            let mut entry = Entry { name: name.into(), facts: directory.clone() };
            within(Some(&Pathname::new("dir").unwrap()), &mut entry);
            assert_eq!(show(&entry.name), cut, "{name}");
        }
    }

    #[test]
    fn a_refusal_that_says_that_nothing_is_there_is_not_one_that_forbids() {
        for (code, words, empty) in [
            (450, "No files found", true),
            (450, "nothing to list", true),
            (550, "No files found.", true),
            (550, "No such file or directory", true),
            (550, "Directory is empty", true),
            (550, "*.*: not found", true),
            (450, "Permission denied", false),
            (450, "File busy", false),
            (550, "Permission denied", false),
            (550, "Access is denied", false),
            (501, "No files found", false),
        ] {
            let error = Error::refused("LIST", Reply::new(code, words));
            assert_eq!(says_empty(&error), empty, "{code} {words}");
        }
        assert!(!says_empty(&Error::Broken { what: "450 No files found".to_owned(), moved: 0 }));
    }
}
