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
    /// What a disk that was full has done to the lines of each stream.
    torn: [Torn; 2],
}

/// Lines of which a part was lost.
#[derive(Debug, Clone, Copy, Default)]
struct Torn {
    /// The unfinished line will have no end: another is not to be taken for it.
    endless: bool,
    /// What comes up to the next newline belongs to a line whose beginning was lost.
    headless: bool,
}

impl ChunkLog {
    /// Opens a log to append to it. What a killed shim has left begun ends here.
    pub(super) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let file = LogFile::open(path, limits)?;
        let mut this = Self { file, unfinished: [false; 2], torn: Default::default() };
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
    pub(super) fn append(&mut self, stream: Stream, bytes: &[u8], time: Timestamp) {
        let mut bytes = self.without_tail(stream, bytes);
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
            if !self.add(stream, piece, false, time) {
                self.torn[stream as usize].headless = piece.last() != Some(&b'\n');
            }
            bytes = rest;
        }
    }

    /// `bytes` without the end of a line whose beginning was lost, which is lost with it.
    fn without_tail<'a>(&mut self, stream: Stream, bytes: &'a [u8]) -> &'a [u8] {
        let torn = &mut self.torn[stream as usize];
        if !torn.headless {
            return bytes;
        }
        let Some(end) = memchr(b'\n', bytes) else { return &[] };
        torn.headless = false;
        self.file.lose(1);
        &bytes[end + 1..]
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
            if std::mem::take(&mut self.torn[stream as usize].headless) {
                self.file.lose(1);
            }
            if self.unfinished[stream as usize] {
                self.add(stream, &[], true, time);
            }
        }
    }

    /// Says what was lost, if something was.
    pub(super) fn flush(&mut self) {
        if self.file.has_lost() {
            let text = self.file.take_loss();
            // A line of its own.
            self.torn[Stream::Stderr as usize].endless = true;
            self.add(Stream::Stderr, text.as_bytes(), false, Timestamp::now());
        }
    }

    /// Whether it could be written.
    fn add(&mut self, stream: Stream, bytes: &[u8], ends: bool, time: Timestamp) -> bool {
        let index = stream as usize;
        let mut unfinished = self.unfinished;
        let ends_first = self.torn[index].endless && unfinished[index] && !ends;
        if ends_first {
            unfinished[index] = false;
        }
        let end = Head { stream, ends: true, unfinished, length: 0, time };
        unfinished[index] = !ends && bytes.last() != Some(&b'\n');
        let head = Head { stream, ends, unfinished, length: bytes.len(), time };
        let frames = [(end.encode(), end.tail()), (head.encode(), head.tail())];
        let mut parts = [&frames[0].0[..], &frames[0].1, &frames[1].0, bytes, &frames[1].1].map(IoSlice::new);
        let parts = if ends_first { &mut parts[..] } else { &mut parts[2..] };
        let is_written = self.file.write(parts, bytes);
        let torn = &mut self.torn[index];
        if is_written {
            (self.unfinished, torn.endless) = (unfinished, false);
        } else {
            torn.endless |= self.unfinished[index];
        }
        is_written
    }
}
