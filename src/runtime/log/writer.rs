//! The writing side, in the shim: what a container says goes to files, to a collector of logs, to both, or nowhere.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use jiff::Timestamp;

use super::encode::Encoder;
use super::file::LogFile;
use super::lines::Lines;
use super::remote::Remote;
use super::{Driver, Options, Stream};

/// An open log.
#[derive(Debug)]
pub(in crate::runtime) struct Writer {
    lines: [Lines; 2],
    encoder: Encoder,
    file: Option<LogFile>,
    remote: Option<Remote>,
}

impl Writer {
    /// Opens the log at `path` to append to it, and whatever else `options` names.
    pub(in crate::runtime) fn open(path: &Path, options: &Options) -> io::Result<Self> {
        Ok(Self {
            lines: Default::default(),
            encoder: Encoder::new(&options.attributes),
            file: if options.driver == Driver::None { None } else { Some(LogFile::open(path, options.limits)?) },
            remote: Remote::open(&options.driver)?,
        })
    }

    /// Adds what a stream has said, up to its last newline; the rest waits for the end of its line.
    pub(in crate::runtime) fn append(&mut self, stream: Stream, bytes: &[u8]) {
        let time = Timestamp::now();
        self.encoder.set_time(time);
        let Self { lines, encoder, file, remote } = self;
        lines[stream as usize].push(bytes, |line| say(encoder, file, remote, stream, line, time));
    }

    /// Writes what is complete.
    pub(in crate::runtime) fn flush(&mut self) {
        if let Some(file) = &mut self.file {
            if file.has_lost() {
                self.encoder.set_time(Timestamp::now());
                let text = file.take_loss();
                file.add(|buffer| self.encoder.record(buffer, Stream::Stderr, text.as_bytes()));
            }
            file.write();
        }
        if let Some(remote) = &mut self.remote {
            remote.flush();
        }
    }

    /// Writes everything, unfinished lines too.
    pub(in crate::runtime) fn finish(&mut self) {
        let time = Timestamp::now();
        self.encoder.set_time(time);
        let Self { lines, encoder, file, remote } = self;
        for (stream, lines) in [Stream::Stdout, Stream::Stderr].into_iter().zip(lines) {
            lines.finish(|line| say(encoder, file, remote, stream, line, time));
        }
        self.flush();
    }

    /// Gives back the memory that a burst took.
    pub(in crate::runtime) fn shrink(&mut self) {
        if let Some(file) = &mut self.file {
            file.shrink();
        }
    }

    /// What is to become writable before more can be sent to the collector.
    pub(in crate::runtime) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        self.remote.as_ref().and_then(Remote::waits_for)
    }
}

fn say(
    encoder: &Encoder,
    file: &mut Option<LogFile>,
    remote: &mut Option<Remote>,
    stream: Stream,
    line: &[u8],
    time: Timestamp,
) {
    if let Some(file) = file {
        file.add(|buffer| encoder.record(buffer, stream, line));
    }
    if let Some(remote) = remote {
        remote.send(stream, line, time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::log::{Limits, MAX_LINE, Reader, Record};

    fn writer(path: &Path, limits: Limits) -> Writer {
        Writer::open(path, &Options { limits, ..Options::default() }).unwrap()
    }

    fn write(chunks: &[(Stream, &[u8])]) -> Vec<Record> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = writer(&path, Limits::default());
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
        let mut writer = writer(&path, Limits { max_size: 200, max_files: 2 });
        for number in 0..10 {
            writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
            writer.flush();
        }
        let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
        assert_eq!(kept, ["6\n", "7\n", "8\n", "9\n"]);
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_comes_at_once_is_rotated_as_often() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = writer(&path, Limits { max_size: 1000, max_files: 3 });
        let text: String = (0..10_000).map(|number| format!("{number}\n")).collect();
        writer.append(Stream::Stdout, text.as_bytes());
        writer.flush();
        for entry in fs_err::read_dir(directory.path()).unwrap() {
            assert!(entry.unwrap().metadata().unwrap().len() <= 1100);
        }
        let last = Reader::open(&path).unwrap().last().unwrap().unwrap();
        assert_eq!(last.line, "9999\n");
    }

    #[test]
    fn half_a_record_does_not_spoil_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        fs_err::write(&path, b"{\"log\":\"hal").unwrap();
        let mut writer = writer(&path, Limits::default());
        writer.append(Stream::Stdout, b"whole\n");
        writer.flush();
        let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
        assert_eq!(kept, ["whole\n"]);
    }
}
