//! A byte stream between threads: chunks through a bounded channel, read as [`Read`].

use std::io::{self, Read};
use std::sync::mpsc;

/// Bytes read at once; large enough that handing over costs nothing, small enough to stay in the cache.
pub(super) const CHUNK: usize = 128 * 1024;

/// Chunks under way: the faster side is at most this far ahead (1 MiB).
const CHUNKS: usize = 8;

/// The writing end of a stream.
#[derive(Debug)]
pub(super) struct ChunkSender(mpsc::SyncSender<io::Result<Vec<u8>>>);

/// The reading end of a stream of chunks.
#[derive(Debug)]
pub(in crate::image) struct ChunkReader<S, B> {
    source: S,
    chunk: Option<B>,
    position: usize,
}

/// Makes a stream from one thread to another.
pub(super) fn chunk_channel() -> (ChunkSender, impl Read) {
    let (sender, receiver) = mpsc::sync_channel(CHUNKS);
    (ChunkSender(sender), ChunkReader::new(move || receiver.recv().ok()))
}

impl ChunkSender {
    /// Sends everything that `reader` gives, then its error if it ends with one. Answers whether somebody is still
    /// there to read.
    pub(super) fn send_all(&self, reader: &mut impl Read) -> io::Result<bool> {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            match reader.take(CHUNK as u64).read_to_end(&mut chunk) {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) => {
                    // The reader must not take this for the end of the stream.
                    let _ = self.0.send(Err(error.kind().into()));
                    return Err(error);
                }
            }
            if self.0.send(Ok(chunk)).is_err() {
                return Ok(false);
            }
        }
    }
}

impl<B: AsRef<[u8]>, S: FnMut() -> Option<io::Result<B>>> ChunkReader<S, B> {
    /// Reads the chunks that `source` gives, until it gives none.
    pub(in crate::image) fn new(source: S) -> Self {
        Self { source, chunk: None, position: 0 }
    }
}

impl<B: AsRef<[u8]>, S: FnMut() -> Option<io::Result<B>>> Read for ChunkReader<S, B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let rest = self.chunk.as_ref().map_or(&[][..], |chunk| &chunk.as_ref()[self.position..]);
            if !rest.is_empty() {
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                self.position += count;
                return Ok(count);
            }
            match (self.source)() {
                Some(chunk) => (self.chunk, self.position) = (Some(chunk?), 0),
                None => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_read_as_one_stream() {
        let mut chunks = [&b"ab"[..], b"", b"cde"].into_iter();
        let mut text = String::new();
        ChunkReader::new(|| chunks.next().map(Ok)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcde");
    }

    #[test]
    fn an_error_ends_the_stream_as_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::InvalidData.into())
            }
        }
        let (sender, mut reader) = chunk_channel();
        assert!(sender.send_all(&mut Broken).is_err());
        assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        drop(reader);
        assert!(!sender.send_all(&mut &b"text"[..]).unwrap());
    }
}
