//! The writing side of `local`: what has been read goes into the file as it is, by one system call.

use std::io::{self, IoSlice};
use std::path::Path;

use jiff::Timestamp;
use memchr::{memchr, memrchr};

use super::backward::Chunks;
use super::chunk::{HEAD, Head, TAIL};
use super::file::LogFile;
use super::{Limits, Stream};

/// A log of chunks.
#[derive(Debug)]
pub(super) struct ChunkLog {
    file: LogFile,
    /// Whether the file has the beginning of a line of each stream, and not its end.
    unfinished: [bool; 2],
}

impl ChunkLog {
    /// Opens a log to append to it. What a killed shim has left begun ends here.
    pub(super) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let mut this = Self { file: LogFile::open(path, limits)?, unfinished: [false; 2] };
        if this.file.size() > 0 {
            let chunks = Chunks::open(fs_err::File::open(path)?)?;
            match chunks.last()? {
                Some(last) => {
                    this.file.cut(chunks.end())?;
                    this.unfinished = last.unfinished;
                    this.finish(Timestamp::now());
                }
                // Of another form.
                None => this.file.rotate()?,
            }
        }
        Ok(this)
    }

    /// Adds what a stream has said.
    pub(super) fn append(&mut self, stream: Stream, mut bytes: &[u8], time: Timestamp) {
        while !bytes.is_empty() {
            let mut count = self.fitting(stream, bytes);
            if count == 0 {
                if self.file.rotate().is_ok() {
                    continue;
                }
                // Without a new file, the old one grows: better than no log.
                count = bytes.len();
            }
            let (piece, rest) = bytes.split_at(count);
            self.add(stream, piece, false, time);
            bytes = rest;
        }
    }

    /// How many of `bytes` go into the present file: whole lines if possible. None when it is full.
    fn fitting(&self, stream: Stream, bytes: &[u8]) -> usize {
        let room = usize::try_from(self.file.room()).unwrap_or(usize::MAX).saturating_sub(HEAD + TAIL);
        if bytes.len() <= room {
            return bytes.len();
        }
        if let Some(end) = memrchr(b'\n', &bytes[..room]) {
            return end + 1;
        }
        match memchr(b'\n', bytes) {
            // A file may well grow by the end of a line.
            Some(end) if self.unfinished[stream as usize] => end + 1,
            // Half a line where a whole one does not fit into any.
            _ if self.file.size() == 0 => room.clamp(1, bytes.len()),
            _ => 0,
        }
    }

    /// Ends what is unfinished.
    pub(super) fn finish(&mut self, time: Timestamp) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if self.unfinished[stream as usize] {
                self.add(stream, &[], true, time);
            }
        }
    }

    /// Says what was lost, if something was.
    pub(super) fn flush(&mut self) {
        if self.file.has_lost() {
            let text = self.file.take_loss();
            self.append(Stream::Stderr, text.as_bytes(), Timestamp::now());
        }
    }

    fn add(&mut self, stream: Stream, bytes: &[u8], ends: bool, time: Timestamp) {
        let mut unfinished = self.unfinished;
        unfinished[stream as usize] = !ends && bytes.last() != Some(&b'\n');
        let head = Head { stream, ends, unfinished, length: bytes.len(), time };
        let (before, after) = (head.encode(), head.tail());
        let mut parts = [&before[..], bytes, &after].map(IoSlice::new);
        if self.file.write(&mut parts, bytes) {
            self.unfinished = unfinished;
        }
    }
}
