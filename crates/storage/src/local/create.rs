//! Where does an upload start, and in which part?
//!
//! What is there now is looked at, and a part is locked; nothing is changed before the first byte comes.
//!
//! # Where a resumed upload starts
//!
//! `Resume { at }` looks, in this order, for
//! 1. a file of exactly `at` bytes, the length that its client was told: what comes is added to it;
//! 2. a kept part of exactly `at` bytes: it is what the client was told of, or counted itself; continued in
//!    place;
//! 3. a longer file: its first `at` bytes are the start;
//! 4. a longer part: cut to `at` with the first byte that comes, continued in place.
//!
//! Where none has the bytes but the part is being written by another upload, the answer is [`Kind::Busy`]:
//! what it will hold is not known yet.
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{Access, OFlags};

use super::beginning::{Base, Beginning, Content, PartKind, Publish, make_spare};
use super::inner::{Inner, hop};
use super::open::open_name;
use super::part::{self, Absent, Held, PartName};
use super::target::{self, Target};
use super::upload::Upload;
use super::{facts, in_place, rights, unique};
use crate::{Create, Kind, Result, Sink, VPath};

/// Begins an upload.
pub(super) async fn begin(inner: Arc<Inner>, path: VPath, how: Create) -> Result<Box<dyn Sink>> {
    hop(move || prepare(&inner, path, how)).await
}

fn prepare(inner: &Arc<Inner>, path: VPath, how: Create) -> Result<Box<dyn Sink>> {
    if how == Create::Unique {
        return Ok(Box::new(unique::reserve(inner, &path)?));
    }
    let target = target::find(inner, &path)?;
    if how == Create::New && target.standing.is_some() {
        return Err(Kind::Exists.into());
    }
    if let (Some(stat), Create::Replace | Create::Resume { .. }) = (&target.standing, how)
        && !inner.process.keeps_owner_of(stat.posix.uid)
    {
        // A file in its place would be ours.
        return in_place::begin(inner, path, &target, how);
    }
    let beginning = match how {
        Create::Replace | Create::Unique | Create::Resume { at: 0 } => fresh(inner, &target),
        // The named part may be somebody else's, who wants to resume it.
        Create::New => spare(inner, &target, Content::Whole(Publish::Fresh)),
        Create::Resume { at } => resume(inner, &target, at),
        Create::Append { at } => append(inner, &target, at),
    };
    match beginning {
        Ok(beginning) => Ok(Box::new(Upload::new(inner, path, target, beginning))),
        // A file that may be written, in a directory that may not.
        Err(error) if error.kind == Kind::Denied && target.standing.is_some() => {
            if rights::may(&target.dir, b".", Access::WRITE_OK) {
                return Err(error);
            }
            if let Create::Append { at } = how {
                let content = tail(&target, at)?;
                let file = Arc::new(in_place::unnamed()?);
                let beginning =
                    Beginning { file, part: None, kind: PartKind::Spare, content, made: true, position: 0 };
                return Ok(Box::new(Upload::new(inner, path, target, beginning)));
            }
            in_place::begin(inner, path, &target, how)
        }
        Err(error) => Err(error),
    }
}

/// The four places of the rule at the top, in its order.
fn resume(inner: &Inner, target: &Target, at: u64) -> Result<Beginning> {
    let size = target.standing.as_ref().map(|stat| stat.size);
    if size == Some(at) {
        return spare(inner, target, Content::Tail(target.standing.clone()));
    }
    let named = PartName::named(&target.name);
    match hold(inner, target, &named, Absent::Leave)? {
        Held::Kept(file, kept) if kept == at || kept > at && size.is_none_or(|size| size < at) => {
            Ok(Beginning::named(file, named, Publish::Over, false, at))
        }
        _ if size.is_some_and(|size| size > at) => {
            let base = base(target, at)?;
            spare(inner, target, Content::Rest(base))
        }
        Held::InUse => Err(Kind::Busy.into()),
        Held::Kept(..) | Held::Absent | Held::Made(_) => Err(Kind::BadOffset.into()),
    }
}

/// What is added to the file that is there, whose length must be `at` where that was given.
fn tail(target: &Target, at: Option<u64>) -> Result<Content> {
    match (&target.standing, at) {
        (Some(stat), Some(at)) if stat.size != at => Err(Kind::BadOffset.into()),
        (standing, at) => Ok(Content::Tail(at.and_then(|_| standing.clone()))),
    }
}

fn append(inner: &Inner, target: &Target, at: Option<u64>) -> Result<Beginning> {
    let fits = |length| if at.is_none_or(|at| at == length) { Ok(()) } else { Err(Kind::BadOffset) };
    if target.standing.is_some() {
        return spare(inner, target, tail(target, at)?);
    }
    let named = PartName::named(&target.name);
    match hold(inner, target, &named, Absent::Leave)? {
        Held::Kept(file, kept) => {
            fits(kept)?;
            // What another append has made a file of meanwhile is not replaced.
            Ok(Beginning::named(file, named, Publish::Fresh, false, kept))
        }
        Held::InUse => Err(Kind::Busy.into()),
        Held::Absent | Held::Made(_) => {
            fits(0)?;
            spare(inner, target, Content::Tail(None))
        }
    }
}

/// Locks a part, once an upload that has broken off has let go of it.
fn hold(inner: &Inner, target: &Target, named: &PartName, absent: Absent) -> Result<Held> {
    inner.settling.ask(|held| !matches!(held, Held::InUse), || part::hold(target.dir.as_fd(), named, absent))
}

/// The file that an upload continues, which is longer than `at`.
fn base(target: &Target, at: u64) -> Result<Base> {
    let file = open_name(&target.dir, &target.name, OFlags::RDONLY)?;
    Ok(Base { stat: facts::of(&file)?, file, length: at })
}

/// The named part, to be emptied when the first byte comes; or an empty spare where another upload is in it.
fn fresh(inner: &Inner, target: &Target) -> Result<Beginning> {
    let publish = Publish::Over;
    inner.faults.before()?;
    let named = PartName::named(&target.name);
    match part::hold(target.dir.as_fd(), &named, Absent::Make)? {
        Held::Made(file) => Ok(Beginning::named(file, named, publish, true, 0)),
        Held::Kept(file, _) => Ok(Beginning::named(file, named, publish, false, 0)),
        Held::InUse | Held::Absent => spare(inner, target, Content::Whole(publish)),
    }
}

fn spare(inner: &Inner, target: &Target, content: Content) -> Result<Beginning> {
    let (file, part) = make_spare(inner, &target.dir)?;
    let (file, part) = (file.into_file(), Some(part));
    Ok(Beginning { file, part, kind: PartKind::Spare, content, made: true, position: 0 })
}
