//! How are a file's bytes read?
use std::fs::File;
use std::io::IoSliceMut;
use std::mem;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use rustix::io::{ReadWriteFlags, preadv2};

use super::inner::hop;
use crate::{Op, Source, Stat};

/// A file open for reading.
pub(super) struct Reading {
    file: Arc<File>,
    stat: Stat,
}

impl Reading {
    pub(super) fn new(file: File, stat: Stat) -> Self {
        Self { file: Arc::new(file), stat }
    }
}

impl Source for Reading {
    fn stat(&self) -> &Stat {
        &self.stat
    }

    fn file(&self) -> Option<Arc<File>> {
        Some(Arc::clone(&self.file))
    }

    fn read<'a>(&'a mut self, offset: u64, buffer: &'a mut Vec<u8>) -> Op<'a, ()> {
        // No file reaches further, and the kernel takes the last offset of all for "where the descriptor
        // stands".
        let offset = offset.min(i64::MAX as u64);
        // What is in memory needs no other thread. Whatever this cannot do, the disk's way can, or says why
        // not.
        let quick = preadv2(&self.file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT);
        if let Ok(count) = quick {
            buffer.truncate(count);
            return Box::pin(std::future::ready(Ok(())));
        }
        let (file, mut bytes) = (Arc::clone(&self.file), mem::take(buffer));
        Box::pin(async move {
            *buffer = hop(move || {
                let count = file.read_at(&mut bytes, offset)?;
                bytes.truncate(count);
                Ok(bytes)
            })
            .await?;
            Ok(())
        })
    }
}
