//! Which name does an upload get that asks for one that nobody has?
use std::os::fd::AsFd;
use std::sync::Arc;

use super::beginning::{Beginning, Publish};
use super::facts;
use super::inner::Inner;
use super::part::{self, Absent, Held, PartName};
use super::resolve::Reach;
use super::target::Target;
use super::upload::Upload;
use crate::{Kind, Result, VPath};

/// Names tried in order for [`Create::Unique`]; after that, random ones: a directory where thousands upload
/// under one name must not cost each of them thousands of look-ups.
const COUNTED: u32 = 1000;

/// Random names tried after that. Each is one of 2^32, so that the second is already a rarity.
const RANDOM: u32 = 16;

/// Finds a name that nobody has, and keeps other uploads of this kind from it by holding its named part.
pub(super) fn reserve(inner: &Arc<Inner>, path: &VPath) -> Result<Upload> {
    let Some((dir, name)) = inner.root.parent(path, Reach::Disk)? else {
        return Err(Kind::IsADirectory.into());
    };
    let Some((parent, _)) = path.split() else { return Err(Kind::IsADirectory.into()) };
    for attempt in 0..COUNTED + RANDOM {
        let suffix = match attempt {
            0 => String::new(),
            n if n < COUNTED => format!(".{n}"),
            _ => {
                let mut random = [0; 4];
                getrandom::fill(&mut random).map_err(|_| Kind::Io)?;
                format!(".{:08x}", u32::from_ne_bytes(random))
            }
        };
        let stem = shortened(name, VPath::COMPONENT - suffix.len());
        let candidate = [stem, suffix.as_bytes()].concat();
        match facts::of_name(&dir, &candidate) {
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) => return Err(error),
            Ok(_) => continue,
        }
        let part = PartName::named(&candidate);
        // A part that is kept already belongs to a broken upload of that name, which may yet be resumed.
        inner.faults.before()?;
        let Held::Made(file) = part::hold(dir.as_fd(), &part, Absent::Make)? else { continue };
        let path = parent.join(&candidate)?;
        let target = Target { dir, name: candidate, standing: None };
        let beginning = Beginning::named(file, part, Publish::Fresh, true, 0);
        return Ok(Upload::new(inner, path, target, beginning));
    }
    Err(Kind::Exists.into())
}

/// At most `room` bytes of a name, not ending within a character of UTF-8.
fn shortened(name: &[u8], room: usize) -> &[u8] {
    let mut end = name.len().min(room);
    while end > 0 && name.get(end).is_some_and(|next| next & 0b1100_0000 == 0b1000_0000) {
        end -= 1;
    }
    &name[..end]
}
