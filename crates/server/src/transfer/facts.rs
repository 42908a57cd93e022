//! How is what a store knows told as facts? (RFC 3659 7.5)
use storage::{FileType, Stat, Time};
use wire::facts::{EntryType, Perm, Precision};
use wire::{Facts, Stamp};

/// A store's time as a time of the wire.
#[must_use]
pub fn stamp(time: Time) -> Stamp {
    Stamp { seconds: time.seconds, nanos: time.nanos }
}

/// The facts of an entry, for a user who may or may not write. Times are told in whole seconds: all clients read those.
#[must_use]
pub fn of(stat: &Stat, writes: bool) -> Facts {
    let (kind, readable, writable) = match stat.kind {
        FileType::File => {
            (EntryType::File, Perm::READ, Perm::APPEND | Perm::DELETE | Perm::RENAME | Perm::WRITE)
        }
        FileType::Directory => (
            EntryType::Directory,
            Perm::ENTER | Perm::LIST,
            Perm::CREATE | Perm::DELETE | Perm::RENAME | Perm::MAKE_DIRECTORY | Perm::PURGE,
        ),
        FileType::Link => (EntryType::Link(None), Perm::NONE, Perm::DELETE | Perm::RENAME),
        FileType::Other => (EntryType::DEVICE, Perm::NONE, Perm::DELETE | Perm::RENAME),
    };
    let mut facts = Facts {
        kind: Some(kind),
        size: (stat.kind == FileType::File).then_some(stat.size),
        modify: Some(Stamp::from_seconds(stat.modified.seconds)),
        precision: Precision::Second,
        create: stat.created.map(|c| Stamp::from_seconds(c.seconds)),
        perm: Some(if writes { readable | writable } else { readable }),
        unique: None,
        unix_mode: Some(stat.mode),
        unix_owner: Some(stat.uid.to_string().into_bytes()),
        unix_group: Some(stat.gid.to_string().into_bytes()),
        media_type: None,
    };
    facts.set_unique(stat.unique.0, stat.unique.1);
    facts
}
