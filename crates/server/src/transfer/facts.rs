//! How is what a store knows told as facts? (RFC 3659 7.5)
use storage::{FileType, Stat, Time};
use wire::facts::{EntryType, Perm, Precision};
use wire::{Facts, Stamp};

/// A store's time as a time of the wire.
#[must_use]
pub fn stamp(time: Time) -> Stamp {
    Stamp { seconds: time.seconds, nanos: time.nanos }
}

/// The facts of an entry, for a user who may or may not write. Times are in whole seconds: all clients read
/// those. What the store does not know is left out.
#[must_use]
pub fn of(stat: &Stat, writes: bool) -> Facts {
    let kind = match stat.kind {
        FileType::File => EntryType::File,
        FileType::Directory => EntryType::Directory,
        FileType::Link => EntryType::Link(stat.target.clone()),
        FileType::Other => EntryType::DEVICE,
    };
    let mut facts = Facts {
        kind: Some(kind),
        size: (stat.kind == FileType::File).then_some(stat.size),
        modify: Some(Stamp::from_seconds(stat.modified.seconds)),
        precision: Precision::Second,
        create: stat.created.map(|c| Stamp::from_seconds(c.seconds)),
        perm: Some(perm(stat, writes)),
        unique: None,
        unix_mode: stat.posix.map(|posix| posix.mode),
        unix_owner: stat.posix.map(|posix| posix.uid.to_string().into_bytes()),
        unix_group: stat.posix.map(|posix| posix.gid.to_string().into_bytes()),
        media_type: None,
    };
    if let Some((device, inode)) = stat.unique {
        facts.set_unique(device, inode);
    }
    facts
}

/// What the user can do with it: as far as the user may write, and the process may do it in the user's place.
fn perm(stat: &Stat, writes: bool) -> Perm {
    let access = stat.access;
    let mut perm = Perm::NONE;
    let mut add = |allowed: bool, what: Perm| {
        if allowed {
            perm |= what;
        }
    };
    match stat.kind {
        FileType::File => {
            add(access.read, Perm::READ);
            add(writes && access.write, Perm::APPEND | Perm::WRITE);
        }
        FileType::Directory => {
            add(access.enter, Perm::ENTER);
            add(access.read, Perm::LIST);
            add(writes && access.write && access.enter, Perm::CREATE | Perm::MAKE_DIRECTORY | Perm::PURGE);
        }
        FileType::Link | FileType::Other => {}
    }
    add(writes && access.remove, Perm::DELETE | Perm::RENAME);
    perm
}
