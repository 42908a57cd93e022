//! How is an entry written on a line? LIST, NLST, MLSD, and STAT with a pathname.
use storage::{FileType, Stat};
use wire::Stamp;
use wire::facts::{Unlistable, listable};
use wire::listing::{FileKind, LongEntry, unix_line};

use super::facts;
use crate::effect::Form;

/// Writes entries as lines, in one form.
#[derive(Debug)]
pub(super) struct Lines {
    form: Form,
    /// In front of every name: the directory as the client gave it.
    prefix: Vec<u8>,
    writes: bool,
    now: Stamp,
    name: Vec<u8>,
    ids: Ids,
    /// Names that could not be put on a line.
    pub(super) unlisted: u64,
}

impl Lines {
    pub(super) fn new(form: Form, prefix: Vec<u8>, writes: bool) -> Self {
        Self { form, prefix, writes, now: now(), name: Vec::new(), ids: Ids::default(), unlisted: 0 }
    }

    /// Appends an entry's line; one whose name holds a line end is counted instead.
    pub(super) fn push(&mut self, name: &[u8], stat: &Stat, out: &mut Vec<u8>) {
        if listable(name).is_err() {
            self.unlisted += 1;
            return;
        }
        let name = if self.prefix.is_empty() {
            name
        } else {
            self.name.clear();
            self.name.extend_from_slice(&self.prefix);
            self.name.extend_from_slice(name);
            &self.name
        };
        let mut written = Ok(());
        match &self.form {
            Form::Names => {
                out.extend_from_slice(name);
                out.extend_from_slice(b"\r\n");
            }
            Form::Long => written = long(name, stat, self.now, &mut self.ids, out),
            Form::Facts(wanted) => written = facts::of(stat, self.writes).encode_line(wanted, name, out),
        }
        self.unlisted += u64::from(written.is_err());
    }
}

/// The line that `STAT pathname` sends within its reply; `None` for a name with a line end.
pub fn status_line(name: &[u8], stat: &Stat) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    long(name, stat, now(), &mut Ids::default(), &mut line).ok()?;
    line.truncate(line.len().saturating_sub(2));
    Some(line)
}

fn long(name: &[u8], stat: &Stat, now: Stamp, ids: &mut Ids, out: &mut Vec<u8>) -> Result<(), Unlistable> {
    let kind = match stat.kind {
        FileType::File => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Link => FileKind::Link,
        FileType::Other => FileKind::Fifo,
    };
    ids.tell(stat);
    let entry = LongEntry {
        kind,
        mode: stat.mode,
        links: stat.links,
        owner: &ids.owner.1,
        group: &ids.group.1,
        size: stat.size,
        modified: facts::stamp(stat.modified),
        name,
        target: stat.target.as_deref().filter(|target| listable(target).is_ok()),
    };
    unix_line(&entry, now, out)
}

/// The numbers of owner and group in digits; most entries of a directory share them.
#[derive(Debug, Default)]
struct Ids {
    owner: (u32, Vec<u8>),
    group: (u32, Vec<u8>),
}

impl Ids {
    fn tell(&mut self, stat: &Stat) {
        for (kept, id) in [(&mut self.owner, stat.uid), (&mut self.group, stat.gid)] {
            if kept.1.is_empty() || kept.0 != id {
                *kept = (id, id.to_string().into_bytes());
            }
        }
    }
}

fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Stamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0))
}
