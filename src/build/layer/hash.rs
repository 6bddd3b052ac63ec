//! A stream that is hashed and kept nowhere, by another thread as soon as there is enough of it to be worth one.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use sha2::{Digest as _, Sha256};

use crate::image::Digest;

/// How much is handed over at once, in bytes.
const CHUNK: usize = 256 * 1024;
/// How many chunks the hashing may be behind.
const CHUNKS: usize = 16;

/// The hash of what is written to it.
#[derive(Debug, Default)]
pub(super) struct HashWriter {
    chunk: Vec<u8>,
    worker: Option<(mpsc::SyncSender<Vec<u8>>, JoinHandle<Sha256>)>,
}

impl HashWriter {
    /// The digest of all that was written.
    pub(super) fn finish(self) -> Digest {
        let mut hasher = match self.worker {
            Some((sender, worker)) => {
                drop(sender);
                worker.join().expect("hashing does not panic")
            }
            None => Sha256::new(),
        };
        hasher.update(&self.chunk);
        Digest::from(<[u8; 32]>::from(hasher.finalize()))
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let (sender, _) = match &self.worker {
            Some(worker) => worker,
            None => {
                let (sender, receiver) = mpsc::sync_channel::<Vec<u8>>(CHUNKS);
                let hash = move || receiver.iter().fold(Sha256::new(), |hasher, chunk| hasher.chain_update(chunk));
                self.worker.insert((sender, thread::Builder::new().name("hash".to_owned()).spawn(hash)?))
            }
        };
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        sender.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..count]);
        if self.chunk.len() == CHUNK {
            self.hand_over()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_whatever_the_size() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect();
            let mut writer = HashWriter::default();
            bytes.chunks(100_003).for_each(|chunk| writer.write_all(chunk).unwrap());
            assert_eq!(writer.finish(), Digest::of(&bytes), "{size}");
        }
    }
}
