//! What does an upload begin with: which part, and what is in front of its bytes?
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use super::facts::Facts;
use super::inner::Inner;
use super::part::{self, Absent, Held, Locked, PartName};
use crate::{Kind, Result};

/// May what has the name be replaced?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Publish {
    Over,
    Fresh,
}

/// Which name a part has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// The one where a broken upload is found again.
    Named,
    /// A random one.
    Spare,
}

/// What a part holds.
#[derive(Debug)]
pub(super) enum Content {
    /// The whole file, or its start.
    Whole(Publish),
    /// What is to be added to a file's end; only as long as the file is this one, where the client named its
    /// length.
    Tail(Option<Facts>),
    /// What comes behind the first bytes of a file.
    Rest(Base),
}

/// A file whose first bytes an upload continues, as it was when that began.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) stat: Facts,
}

/// A part to write to, and where in it.
pub(super) struct Beginning {
    /// Locked, where it has a name.
    pub(super) file: Arc<File>,
    /// None: a file without a name, as the directory takes none.
    pub(super) part: Option<PartName>,
    pub(super) kind: PartKind,
    pub(super) content: Content,
    /// It was made for this upload.
    pub(super) made: bool,
    /// Where the next byte goes in the part.
    pub(super) position: u64,
}

impl Beginning {
    pub(super) fn named(file: Locked, part: PartName, publish: Publish, made: bool, position: u64) -> Self {
        let (file, part, kind) = (file.into_file(), Some(part), PartKind::Named);
        Self { file, part, kind, content: Content::Whole(publish), made, position }
    }
}

pub(super) fn make_spare(inner: &Inner, dir: &OwnedFd) -> Result<(Locked, PartName)> {
    inner.faults.before()?;
    let part = PartName::spare()?;
    match part::hold(dir.as_fd(), &part, Absent::Make)? {
        Held::Made(file) => Ok((file, part)),
        // Nobody else can know that name.
        Held::Kept(..) | Held::InUse | Held::Absent => Err(Kind::Io.into()),
    }
}
