//! How is a file resumed, so that both pieces are of one file?
//!
//! The transfer starts before the end of what is there. What comes first is compared with that, and only what
//! comes after it is written; the first byte that differs ends the transfer.
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::client::Client;
use crate::download::Receiving;
use crate::error::Error;

/// How much of what is there is fetched once more to be compared. A change in the middle of a file whose size
/// and time are the same is not found by it; a part that another program wrote, or that lost its end in a
/// power failure, is.
pub(super) const SEAM: u64 = 64 * 1024;

/// What came is not what is there.
#[derive(Debug)]
struct Differs;

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it differs from what is there")
    }
}

impl std::error::Error for Differs {}

/// Did a transfer end since what came is not what is there?
pub(super) fn is_difference(error: &Error) -> bool {
    let Error::Local { source, .. } = error else { return false };
    source.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Differs>)
}

/// Receives from offset `from` on into a file that has `have` bytes: those before `have` are compared, the
/// others written.
pub(super) async fn compare_and_receive(
    receiving: &mut Receiving<&mut Client>,
    file: &Arc<File>,
    (from, have): (u64, u64),
) -> Result<(), Error> {
    let mut at = from;
    while at < have {
        let mut piece = Vec::new();
        if receiving.read(&mut piece).await? == 0 {
            return Ok(());
        }
        let (count, file) = (piece.len() as u64, Arc::clone(file));
        let taken = tokio::task::spawn_blocking(move || take(&file, at, have, &piece)).await;
        if let Err(error) = taken.map_err(io::Error::other).flatten() {
            return Err(receiving.fail(error).await);
        }
        at += count;
    }
    receiving.receive_into(file, at).await
}

/// Compares what lies before `have`, and writes the rest.
fn take(file: &File, at: u64, have: u64, bytes: &[u8]) -> io::Result<()> {
    let known = usize::try_from(have - at).map_or(bytes.len(), |left| left.min(bytes.len()));
    let (same, new) = bytes.split_at(known);
    let mut ours = vec![0; same.len()];
    match file.read_exact_at(&mut ours, at) {
        Ok(()) if ours == same => {}
        // Somebody has cut it.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        _ => return Err(io::Error::other(Differs)),
    }
    file.write_all_at(new, have)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_compared_and_what_follows_is_written() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"abcdef", 0).unwrap();
        take(&file, 0, 6, b"abc").unwrap();
        take(&file, 3, 6, b"defghi").unwrap();
        let mut all = [0; 9];
        file.read_exact_at(&mut all, 0).unwrap();
        assert_eq!(&all, b"abcdefghi");
        for (at, have, bytes) in [(0, 9, &b"abX"[..]), (8, 9, b"Xnew"), (8, 12, b"i12")] {
            let source = take(&file, at, have, bytes).unwrap_err();
            assert!(is_difference(&Error::local("", source)));
        }
        assert_eq!(file.metadata().unwrap().len(), 9);
    }
}
