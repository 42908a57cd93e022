//! How are bytes copied from one file to another?
use std::fs::File;
use std::os::unix::fs::FileExt;

use rustix::fs::copy_file_range;
use rustix::io::Errno;

use crate::{Kind, Result};

/// Bytes copied at a time where the kernel cannot do it by itself.
const CHUNK: usize = 256 << 10;

/// Copies so many bytes between files; [`Kind::Changed`] where there are not as many.
pub(super) fn copy(from: &File, mut read: u64, to: &File, mut written: u64, count: u64) -> Result<()> {
    let end = read + count;
    while read < end {
        let length = usize::try_from(end - read).unwrap_or(usize::MAX);
        match copy_file_range(from, Some(&mut read), to, Some(&mut written), length) {
            Ok(0) => return Err(Kind::Changed.into()),
            Ok(_) => {}
            Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {
                return copy_by_hand(from, read, to, written, end - read);
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

fn copy_by_hand(from: &File, mut read: u64, to: &File, mut written: u64, count: u64) -> Result<()> {
    let mut buffer = vec![0; CHUNK];
    let end = read + count;
    while read < end {
        let wanted = usize::try_from(end - read).unwrap_or(CHUNK).min(CHUNK);
        let piece = buffer.get_mut(..wanted).unwrap_or_default();
        let got = from.read_at(piece, read)?;
        if got == 0 {
            return Err(Kind::Changed.into());
        }
        to.write_all_at(piece.get(..got).unwrap_or_default(), written)?;
        read += got as u64;
        written += got as u64;
    }
    Ok(())
}
