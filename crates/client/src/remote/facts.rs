//! What do the facts of a listing say of a file in a tree?
use sha2::{Digest, Sha256};
use storage::{Access, FileType, Posix, Stat, Time};
use wire::facts::{EntryType, Perm};
use wire::{Facts, Stamp};

/// What is not told is what it mostly is: a file that may be read and written.
pub(super) fn stat_of(facts: &Facts) -> Stat {
    let (kind, target) = match &facts.kind {
        Some(EntryType::Link(target)) => (FileType::Link, target.clone()),
        Some(EntryType::Other(_)) => (FileType::Other, None),
        Some(kind) if kind.is_directory() => (FileType::Directory, None),
        _ => (FileType::File, None),
    };
    Stat {
        kind,
        // Where it leads is a path of the other server.
        target: target.filter(|path| !path.starts_with(b"/")),
        access: facts.perm.map_or(Access::ALL, |perm| access(perm, kind)),
        size: facts.size.unwrap_or(0),
        modified: facts.modify.map_or_else(Time::default, time),
        created: facts.create.map(time),
        posix: facts.unix_mode.map(|mode| Posix {
            mode,
            uid: number(facts.unix_owner.as_deref()),
            gid: number(facts.unix_group.as_deref()),
            links: 1,
        }),
        unique: facts.unique.as_deref().map(unique),
    }
}

fn access(perm: Perm, kind: FileType) -> Access {
    let has = |letter| perm.contains(letter);
    match kind {
        FileType::Directory => Access {
            read: has(Perm::LIST),
            write: has(Perm::CREATE) || has(Perm::PURGE) || has(Perm::MAKE_DIRECTORY),
            enter: has(Perm::ENTER),
            remove: has(Perm::DELETE) || has(Perm::RENAME),
        },
        _ => Access {
            read: has(Perm::READ),
            write: has(Perm::WRITE) || has(Perm::APPEND),
            enter: false,
            remove: has(Perm::DELETE) || has(Perm::RENAME),
        },
    }
}

fn time(stamp: Stamp) -> Time {
    Time { seconds: stamp.seconds, nanos: stamp.nanos }
}

/// Names of users are the other server's.
fn number(owner: Option<&[u8]>) -> u32 {
    owner.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).unwrap_or(0)
}

/// The same text is the same value.
fn unique(text: &[u8]) -> (u64, u64) {
    let digest = Sha256::digest(text);
    let half =
        |from: usize| digest[from..from + 8].iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    (half(0), half(8))
}
