//! The writing side of `json-file`: records are collected, and written a bufferful at a time.

use std::io::{self, IoSlice};
use std::path::Path;

use jiff::Timestamp;

use super::encode::Encoder;
use super::file::LogFile;
use super::lines::Lines;
use super::{Options, Stream};

/// From how many bytes on a buffer is written although there is more to come.
const FULL: usize = 128 * 1024;

/// A log of lines of JSON.
#[derive(Debug)]
pub(super) struct JsonLog {
    lines: [Lines; 2],
    encoder: Encoder,
    file: LogFile,
    /// Whole records.
    buffer: Vec<u8>,
}

impl JsonLog {
    /// Opens a log to append to it.
    pub(super) fn open(path: &Path, options: &Options) -> io::Result<Self> {
        let mut file = LogFile::open(path, options.limits)?;
        end_torn_record(path, &mut file);
        Ok(Self { lines: Default::default(), encoder: Encoder::new(&options.attributes), file, buffer: Vec::new() })
    }

    /// Adds what a stream has said, up to its last newline; the rest waits for the end of its line.
    pub(super) fn append(&mut self, stream: Stream, bytes: &[u8], time: Timestamp) {
        self.encoder.set_time(time);
        let Self { lines, encoder, file, buffer } = self;
        lines[stream as usize].push(bytes, |line| add(encoder, file, buffer, stream, line));
    }

    /// Adds unfinished lines as they are.
    pub(super) fn finish(&mut self, time: Timestamp) {
        self.encoder.set_time(time);
        let Self { lines, encoder, file, buffer } = self;
        for (stream, lines) in [Stream::Stdout, Stream::Stderr].into_iter().zip(lines) {
            lines.finish(|line| add(encoder, file, buffer, stream, line));
        }
    }

    /// Writes what has been added, and what was lost, if something was.
    pub(super) fn flush(&mut self) {
        if self.file.has_lost() {
            self.encoder.set_time(Timestamp::now());
            let text = self.file.take_loss();
            self.encoder.record(&mut self.buffer, Stream::Stderr, text.as_bytes());
        }
        write(&mut self.file, &mut self.buffer);
    }

    /// Gives back the memory that a burst took.
    pub(super) fn shrink(&mut self) {
        self.buffer.shrink_to_fit();
    }
}

fn add(encoder: &Encoder, file: &mut LogFile, buffer: &mut Vec<u8>, stream: Stream, line: &[u8]) {
    let before = buffer.len();
    encoder.record(buffer, stream, line);
    if buffer.len() as u64 > file.room() {
        // What fits fills the file; this one begins another.
        if before > 0 {
            file.write(&mut [IoSlice::new(&buffer[..before])], &buffer[..before]);
            buffer.drain(..before);
        }
        make_room(file);
    }
    if buffer.len() >= FULL {
        write(file, buffer);
    }
}

fn make_room(file: &mut LogFile) {
    if file.size() > 0 {
        // Without a new file, the old one grows: better than no log.
        let _ = file.rotate();
    }
}

fn write(file: &mut LogFile, buffer: &mut Vec<u8>) {
    if buffer.is_empty() {
        return;
    }
    if buffer.len() as u64 > file.room() {
        make_room(file);
    }
    file.write(&mut [IoSlice::new(buffer)], buffer);
    buffer.clear();
}

/// A killed shim may have left half a record, which is not to spoil the next.
fn end_torn_record(path: &Path, file: &mut LogFile) {
    use std::os::unix::fs::FileExt as _;
    let mut last = [b'\n'];
    if let Some(end) = file.size().checked_sub(1) {
        // Opened for appending, it cannot be read; it is only looked at here.
        let read = fs_err::File::open(path).and_then(|file| file.file().read_at(&mut last, end));
        if read.is_ok() && last != *b"\n" {
            file.write(&mut [IoSlice::new(b"\n")], &[]);
        }
    }
}
