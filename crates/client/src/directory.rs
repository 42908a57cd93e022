//! What is in a directory, and how is it changed?
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use net::pump::Progress;
use wire::facts::EntryType;
use wire::listing::ListingReader;
use wire::{Command, Entry, Facts, Pathname, Stamp};

use crate::dialogue::{Flow, Want};
use crate::download::{Sink, receiving};
use crate::error::Error;
use crate::event::Event;
use crate::session::Client;

/// Takes the entries of a listing as they come; an error ends the listing.
pub type Each<'a> = &'a mut (dyn FnMut(Entry) -> io::Result<()> + Send);

impl Client {
    /// Lists a directory, entry by entry as they come, in constant memory; `None` is where the login starts. The
    /// entries for the directory itself and the one above are left out.
    ///
    /// MLSD where it is offered, else LIST. Lines that nobody can read are counted and told to the watcher.
    pub async fn list(&mut self, path: Option<&Pathname>, each: Each<'_>) -> Result<(), Error> {
        if self.features.has_mlsd() {
            let mlsd = Command::Mlsd(path.cloned());
            return self.read_listing(mlsd, ListingReader::mlsd(), each).await;
        }
        let reader = ListingReader::new(today());
        let Some(path) = path else {
            let list = self.list_command().await?;
            return self.read_listing(list, reader, each).await;
        };
        // A pathname in LIST is a pattern to some servers and an option to others; a directory gone into is neither.
        let home = self.ask_maybe(Command::Pwd).await?;
        let home = home.and_then(|r| Pathname::unquote(r.text())).and_then(|p| Pathname::new(p).ok());
        let Some(home) = home else {
            return self.read_listing(Command::List(Some(path.clone())), reader, each).await;
        };
        self.ask(Command::Cwd(path.clone())).await?;
        let list = self.list_command().await?;
        self.within = Some(path.clone());
        let result = self.read_listing(list, reader, each).await;
        self.within = None;
        if result.as_ref().err().is_none_or(Error::leaves_session_usable) {
            self.ask(Command::Cwd(home)).await?;
        }
        result
    }

    /// Unix servers hide dot names unless told `-a`; others would take that for a name.
    async fn list_command(&mut self) -> Result<Command, Error> {
        let system = self.ask_maybe(Command::Syst).await?;
        let unix = system.is_some_and(|r| r.text().to_ascii_uppercase().starts_with(b"UNIX"));
        Ok(if unix { Command::ListAll } else { Command::List(None) })
    }

    async fn read_listing(
        &mut self,
        command: Command,
        mut reader: ListingReader,
        each: Each<'_>,
    ) -> Result<(), Error> {
        let mut entries = Vec::new();
        let mut deliver = |entries: &mut Vec<Entry>| {
            entries.drain(..).filter(|e| !is_itself_or_parent(e)).try_for_each(&mut *each)
        };
        let mut take = |bytes: &[u8]| {
            reader.push(bytes, &mut entries);
            deliver(&mut entries)
        };
        let progress = Arc::new(Progress::default());
        let stall = self.stall().until_the_first_byte();
        let mover = receiving(Sink::Bytes(&mut take), 0, stall, Arc::clone(&progress));
        let result = match self.transfer(command.clone(), Flow::Down, None, mover).await {
            // A listing cannot be taken up in its middle.
            Err(error) if progress.bytes() == 0 => {
                self.narrower(error).await?;
                let mover = receiving(Sink::Bytes(&mut take), 0, self.stall(), Arc::clone(&progress));
                self.transfer(command, Flow::Down, None, mover).await
            }
            other => other,
        };
        let (bytes, last) = result.map_err(|error| error.after_bytes(progress.bytes()))?;
        if last.is_none() {
            return Err(Error::unconfirmed("the listing", bytes));
        }
        reader.finish(&mut entries);
        deliver(&mut entries).map_err(|e| Error::local("showing the listing", e))?;
        if reader.unread() > 0 {
            let lines = reader.unread();
            (self.watch)(&Event::Warning(format!("{lines} lines of the listing could not be read")));
        }
        Ok(())
    }

    /// What is true of one path: by MLST where it is offered, else pieced together from SIZE, MDTM and CWD.
    ///
    /// # Errors
    /// [`Error::Refused`] when there is no such thing.
    pub async fn stat(&mut self, path: Option<&Pathname>) -> Result<Entry, Error> {
        let name = path.map_or_else(|| b".".to_vec(), |p| p.as_bytes().to_vec());
        if self.features.has("MLST") {
            let reply = self.ask(Command::Mlst(path.cloned())).await?;
            let entry = reply.lines.iter().skip(1).find_map(|line| Entry::parse(line.strip_prefix(b" ")?));
            return match entry {
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
            let home = self.ask_maybe(Command::Pwd).await?;
            self.ask(Command::Cwd(path.clone())).await?;
            if let Some(home) =
                home.and_then(|r| Pathname::unquote(r.text())).and_then(|p| Pathname::new(p).ok())
            {
                self.ask(Command::Cwd(home)).await?;
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
        self.ask(Command::Rnto(to.clone())).await.map(drop)
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

fn is_itself_or_parent(entry: &Entry) -> bool {
    matches!(entry.facts.kind, Some(EntryType::CurrentDirectory | EntryType::ParentDirectory))
        || matches!(entry.name.as_slice(), b"." | b"..")
}

/// Today, to give years to the dates of LIST that have none.
fn today() -> Stamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    Stamp::from_seconds(i64::try_from(seconds).unwrap_or(0))
}
