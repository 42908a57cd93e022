//! How is the digest of a file made? HASH and the X forms.
use std::sync::LazyLock;

use net::pump::Progress;
use sha2::Digest as _;
use storage::{Source, VPath};
use tokio::sync::Semaphore;
use wire::digest::Algorithm;

use super::outcome::Broken;
use crate::effect::Outcome;
use crate::reason::Reason;
use crate::session::Pass;

/// Bytes read and digested at a time: enough that the hop to another thread costs little beside it.
const PIECE: usize = 256 << 10;

/// Digests take turns, piece by piece, one for each core: more at once would finish none sooner, and each
/// takes memory, and a thread that other sessions need for their files.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// A digest whose file is open.
pub(super) struct Digest {
    source: Box<dyn Source>,
    state: State,
    start: u64,
    end: u64,
}

enum State {
    Sha256(sha2::Sha256),
    Sha512(Box<sha2::Sha512>),
    Sha1(sha1::Sha1),
    Md5(md5::Md5),
    Crc32(crc32fast::Hasher),
}

impl State {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Box::new(sha2::Sha512::new())),
            Algorithm::Sha1 => Self::Sha1(sha1::Sha1::new()),
            Algorithm::Md5 => Self::Md5(md5::Md5::new()),
            Algorithm::Crc32 => Self::Crc32(crc32fast::Hasher::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
            Self::Sha1(state) => state.update(bytes),
            Self::Md5(state) => state.update(bytes),
            Self::Crc32(state) => state.update(bytes),
        }
    }

    fn hex(self) -> String {
        let digits = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        match self {
            Self::Sha256(state) => digits(&state.finalize()),
            Self::Sha512(state) => digits(&state.finalize()),
            Self::Sha1(state) => digits(&state.finalize()),
            Self::Md5(state) => digits(&state.finalize()),
            Self::Crc32(state) => format!("{:08x}", state.finalize()),
        }
    }
}

impl Digest {
    pub(super) async fn open(
        pass: &Pass,
        path: &VPath,
        algorithm: Algorithm,
        start: u64,
        end: Option<u64>,
    ) -> Result<Self, Broken> {
        let source = pass.tree().open(path).await?;
        let size = source.stat().size;
        if start > size {
            return Err(Reason::BadOffset.into());
        }
        let end = end.unwrap_or(size).min(size);
        Ok(Self { source, state: State::new(algorithm), start, end })
    }

    pub(super) async fn run(self, progress: &Progress) -> Outcome {
        match self.digest(progress).await {
            Ok(digest) => Outcome { digest: Some(digest), ..Ok(()).into() },
            Err(broken) => broken.into(),
        }
    }

    async fn digest(mut self, progress: &Progress) -> Result<(String, u64), Broken> {
        let (mut at, mut state) = (self.start, self.state);
        while at < self.end {
            // It is never closed.
            let _turn = TURNS.acquire().await;
            let mut piece = Vec::new();
            let left = usize::try_from(self.end - at).unwrap_or(usize::MAX);
            piece.resize(left.min(PIECE), 0);
            self.source.read(at, &mut piece).await?;
            if piece.is_empty() {
                break;
            }
            at += piece.len() as u64;
            progress.add(piece.len() as u64);
            // Hashing it takes a fraction of a millisecond: too long for the event loop.
            let hashed = tokio::task::spawn_blocking(move || {
                state.update(&piece);
                state
            });
            state = hashed
                .await
                .map_err(|e| Broken { reason: Reason::DiskError, detail: Some(e.to_string()) })?;
        }
        Ok((state.hex(), at))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use storage::{FileType, Op, Stat, Time};

    use super::*;

    /// Counts who is in the middle of a read.
    struct Counted {
        stat: Stat,
        now: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Source for Counted {
        fn stat(&self) -> &Stat {
            &self.stat
        }

        fn file(&self) -> Option<Arc<File>> {
            None
        }

        fn read<'a>(&'a mut self, _offset: u64, _buffer: &'a mut Vec<u8>) -> Op<'a, ()> {
            Box::pin(async {
                self.most.fetch_max(self.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                self.now.fetch_sub(1, Ordering::Relaxed);
                Ok(())
            })
        }
    }

    /// A thousand connections that ask for a digest took a gibibyte, and each of them a thread that others
    /// need for files.
    #[tokio::test]
    async fn many_digests_at_once_take_turns() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let end = 3 * PIECE as u64;
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let stat = Stat {
                target: None,
                access: storage::Access::ALL,
                kind: FileType::File,
                size: end,
                modified: Time::default(),
                created: None,
                posix: None,
                unique: None,
            };
            let source = Box::new(Counted { stat, now: Arc::clone(&now), most: Arc::clone(&most) });
            let digest = Digest { source, state: State::new(Algorithm::Crc32), start: 0, end };
            all.spawn(async move { digest.run(&Progress::default()).await.digest });
        }
        let digests = all.join_all().await;
        assert!(digests.iter().all(|digest| *digest == digests[0] && digest.is_some()), "{digests:?}");
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(most.load(Ordering::Relaxed) <= cores, "{} at once", most.load(Ordering::Relaxed));
    }
}
