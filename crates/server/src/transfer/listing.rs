//! How is an entry written on a line? LIST, NLST, MLSD, and STAT with a pathname.
use storage::{Access, FileType, PathRights, Posix, Stat, VPath};
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
    /// The directory, and what the user may do in it.
    directory: VPath,
    rights: PathRights,
    now: Stamp,
    name: Vec<u8>,
    ids: Ids,
    /// Names that could not be put on a line.
    pub(super) unlisted: u64,
}

impl Lines {
    pub(super) fn new(form: Form, prefix: Vec<u8>, directory: VPath, rights: PathRights) -> Self {
        Self {
            form,
            prefix,
            directory,
            rights,
            now: now(),
            name: Vec::new(),
            ids: Ids::default(),
            unlisted: 0,
        }
    }

    /// Appends an entry's line; one whose name holds a line end is counted instead.
    pub(super) fn push(&mut self, name: &[u8], stat: &Stat, out: &mut Vec<u8>) {
        if listable(name).is_err() {
            self.unlisted += 1;
            return;
        }
        let mut rights = self.rights.everywhere();
        if !self.rights.is_uniform()
            && let Ok(path) = self.directory.join(name)
        {
            rights = self.rights.at(&path);
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
            Form::Facts(wanted) => written = facts::of(stat, rights.writes()).encode_line(wanted, name, out),
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
    let posix = stat.posix.unwrap_or_else(|| assumed(stat.access));
    let (owner, group) = ids.of(stat.posix);
    let entry = LongEntry {
        kind,
        mode: posix.mode,
        links: posix.links,
        owner,
        group,
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
    fn of(&mut self, posix: Option<Posix>) -> (&[u8], &[u8]) {
        let Some(posix) = posix else { return (b"ftp", b"ftp") };
        for (kept, id) in [(&mut self.owner, posix.uid), (&mut self.group, posix.gid)] {
            if kept.1.is_empty() || kept.0 != id {
                *kept = (id, id.to_string().into_bytes());
            }
        }
        (&self.owner.1, &self.group.1)
    }
}

/// What `ls -l` would show of a file of a store that is no Unix file system: everybody may read what the
/// server may read, and the owner, called `ftp`, may write.
fn assumed(access: Access) -> Posix {
    let bits = |allowed: bool, bits: u32| if allowed { bits } else { 0 };
    let mode = bits(access.read, 0o444) | bits(access.write, 0o200) | bits(access.enter, 0o111);
    Posix { mode, uid: 0, gid: 0, links: 1 }
}

fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Stamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_unix_permissions_the_line_shows_what_the_server_may_do_and_no_facts_are_made_up() {
        let access = Access { read: true, write: true, enter: false, remove: true };
        let stat = Stat {
            kind: FileType::File,
            target: None,
            access,
            size: 5,
            modified: storage::Time::default(),
            created: None,
            posix: None,
            unique: None,
        };
        let line = status_line(b"a", &stat).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "-rw-r--r--    1 ftp      ftp                 5 Jan  1  1970 a"
        );
        let enter = Access { read: true, write: false, enter: true, remove: false };
        let dir =
            status_line(b"d", &Stat { kind: FileType::Directory, access: enter, ..stat.clone() }).unwrap();
        assert!(dir.starts_with(b"dr-xr-xr-x    1 ftp"), "{}", dir.escape_ascii());
        let mut facts = Vec::new();
        facts::of(&stat, true).encode(&wire::facts::Wanted::ALL, &mut facts);
        assert_eq!(String::from_utf8(facts).unwrap(), "type=file;size=5;modify=19700101000000;perm=adfrw;");
    }
}
