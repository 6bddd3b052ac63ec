//! The writing side, in the shim: one write a turn, however many lines.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Limits, MAX_LINE, Stream};

/// An open log.
#[derive(Debug)]
pub(in crate::runtime) struct Writer {
    path: PathBuf,
    limits: Limits,
    file: fs_err::File,
    /// Of the file, in bytes.
    size: u64,
    /// What the next flush writes.
    buffer: Vec<u8>,
    /// The unfinished line of each stream.
    partial: [Vec<u8>; 2],
}

impl Writer {
    /// Opens a log to append to it.
    pub(in crate::runtime) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), limits, file, size, buffer: Vec::new(), partial: Default::default() })
    }

    /// Adds what a stream has said, up to its last newline; the rest waits for the end of its line.
    pub(in crate::runtime) fn append(&mut self, stream: Stream, bytes: &[u8]) {
        let time = Timestamp::now();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let mut piece = piece;
            loop {
                let partial = &mut self.partial[stream as usize];
                let (now, later) = piece.split_at(piece.len().min(MAX_LINE - partial.len()));
                if now.is_empty() {
                    break;
                }
                if partial.is_empty() && (now.ends_with(b"\n") || now.len() == MAX_LINE) {
                    encode(&mut self.buffer, now, stream, time);
                } else {
                    partial.extend_from_slice(now);
                    if partial.ends_with(b"\n") || partial.len() == MAX_LINE {
                        encode(&mut self.buffer, partial, stream, time);
                        partial.clear();
                    }
                }
                piece = later;
            }
        }
    }

    /// Writes what is complete. A log that cannot be written to loses lines; the container goes on.
    pub(in crate::runtime) fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if self.size > 0 && self.size + self.buffer.len() as u64 > self.limits.max_size {
            // Without a new file, the old one grows: better than no log.
            let _ = self.rotate();
        }
        if self.file.write_all(&self.buffer).is_ok() {
            self.size += self.buffer.len() as u64;
        }
        self.buffer.clear();
        // After a burst the shim is small again.
        self.buffer.shrink_to(4 * MAX_LINE);
    }

    /// Writes everything, unfinished lines too.
    pub(in crate::runtime) fn finish(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let rest = std::mem::take(&mut self.partial[stream as usize]);
            if !rest.is_empty() {
                encode(&mut self.buffer, &rest, stream, Timestamp::now());
            }
        }
        self.flush();
    }

    fn rotate(&mut self) -> io::Result<()> {
        for index in (1..self.limits.max_files).rev() {
            match fs_err::rename(super::file(&self.path, index - 1), super::file(&self.path, index)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.limits.max_files <= 1 {
            fs_err::remove_file(&self.path)?;
        }
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<fs_err::File> {
    let mut options = fs_err::OpenOptions::new();
    options.create(true).append(true);
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640).open(path)
}

fn encode(buffer: &mut Vec<u8>, line: &[u8], stream: Stream, time: Timestamp) {
    buffer.extend_from_slice(b"{\"log\":");
    serde_json::to_writer(&mut *buffer, &String::from_utf8_lossy(line)).expect("a string can be written to memory");
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    let mut rest = String::with_capacity(64);
    writeln!(rest, ",\"stream\":\"{stream}\",\"time\":\"{time:.9}\"}}").expect("a string grows as needed");
    buffer.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::log::{Reader, Record};

    fn write(chunks: &[(Stream, &[u8])]) -> Vec<Record> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = Writer::open(&path, Limits::default()).unwrap();
        for (stream, bytes) in chunks {
            writer.append(*stream, bytes);
            writer.flush();
        }
        writer.finish();
        Reader::open(&path).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn lines_of_both_streams() {
        let records = write(&[(Stream::Stdout, b"a\nb"), (Stream::Stderr, b"x\"\n"), (Stream::Stdout, b"c\nrest")]);
        let lines: Vec<_> = records.iter().map(|record| (record.stream, record.line.as_str())).collect();
        let (out, err) = (Stream::Stdout, Stream::Stderr);
        assert_eq!(lines, [(out, "a\n"), (err, "x\"\n"), (out, "bc\n"), (out, "rest")]);
        assert!(records[3].is_partial());
    }

    #[test]
    fn a_long_line_is_split() {
        let line = [vec![b'x'; MAX_LINE + 1], b"\n".to_vec()].concat();
        let lengths: Vec<_> = write(&[(Stream::Stdout, &line)]).iter().map(|record| record.line.len()).collect();
        assert_eq!(lengths, [MAX_LINE, 2]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(write(&[(Stream::Stdout, b"\xff\n")])[0].line, "\u{fffd}\n");
    }

    #[test]
    fn a_full_file_is_rotated() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = Writer::open(&path, Limits { max_size: 200, max_files: 2 }).unwrap();
        for number in 0..10 {
            writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
            writer.flush();
        }
        let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
        assert_eq!(kept, ["6\n", "7\n", "8\n", "9\n"]);
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 2);
    }
}
