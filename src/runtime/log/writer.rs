//! The writing side, in the shim: what a container says goes to files, to a collector of logs, to both, or nowhere.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use jiff::Timestamp;

use super::chunks::ChunkLog;
use super::json::JsonLog;
use super::lines::Lines;
use super::remote::Remote;
use super::{Driver, Format, Options, Stream};

/// An open log.
#[derive(Debug)]
pub(in crate::runtime) struct Writer {
    kept: Option<Kept>,
    /// A collector, and the lines that it has not been told the end of.
    remote: Option<(Remote, [Lines; 2])>,
}

#[derive(Debug)]
enum Kept {
    Json(JsonLog),
    Chunks(ChunkLog),
}

impl Writer {
    /// Opens the log at `path` to append to it, and whatever else `options` names.
    pub(in crate::runtime) fn open(path: &Path, options: &Options) -> io::Result<Self> {
        let kept = match (&options.driver, options.format) {
            (Driver::None, _) => None,
            (_, Format::Json) => Some(Kept::Json(JsonLog::open(path, options)?)),
            (_, Format::Chunks) => Some(Kept::Chunks(ChunkLog::open(path, options.limits)?)),
        };
        let remote = Remote::open(&options.driver)?.map(|remote| (remote, Default::default()));
        Ok(Self { kept, remote })
    }

    /// Adds what a stream has said.
    pub(in crate::runtime) fn append(&mut self, stream: Stream, bytes: &[u8]) {
        let time = Timestamp::now();
        match &mut self.kept {
            Some(Kept::Json(log)) => log.append(stream, bytes, time),
            Some(Kept::Chunks(log)) => log.append(stream, bytes, time),
            None => {}
        }
        if let Some((remote, lines)) = &mut self.remote {
            lines[stream as usize].push(bytes, |line| remote.send(stream, line, time));
        }
    }

    /// Writes what is complete.
    pub(in crate::runtime) fn flush(&mut self) {
        match &mut self.kept {
            Some(Kept::Json(log)) => log.flush(),
            Some(Kept::Chunks(log)) => log.flush(),
            None => {}
        }
        if let Some((remote, _)) = &mut self.remote {
            remote.flush();
        }
    }

    /// Writes everything, unfinished lines too.
    pub(in crate::runtime) fn finish(&mut self) {
        let time = Timestamp::now();
        match &mut self.kept {
            Some(Kept::Json(log)) => log.finish(time),
            Some(Kept::Chunks(log)) => log.finish(time),
            None => {}
        }
        if let Some((remote, lines)) = &mut self.remote {
            for (stream, lines) in [Stream::Stdout, Stream::Stderr].into_iter().zip(lines) {
                lines.finish(|line| remote.send(stream, line, time));
            }
        }
        self.flush();
    }

    /// Gives back the memory that a burst took.
    pub(in crate::runtime) fn shrink(&mut self) {
        if let Some(Kept::Json(log)) = &mut self.kept {
            log.shrink();
        }
    }

    /// What is to become writable before more can be sent to the collector.
    pub(in crate::runtime) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        self.remote.as_ref().and_then(|(remote, _)| remote.waits_for())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::log::{Limits, MAX_LINE, Reader, Record};

    const FORMATS: [Format; 2] = [Format::Json, Format::Chunks];

    fn writer(path: &Path, format: Format, limits: Limits) -> Writer {
        Writer::open(path, &Options { limits, format, ..Options::default() }).unwrap()
    }

    fn write(format: Format, chunks: &[(Stream, &[u8])]) -> Vec<Record> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = writer(&path, format, Limits::default());
        for (stream, bytes) in chunks {
            writer.append(*stream, bytes);
            writer.flush();
        }
        writer.finish();
        Reader::open(&path).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn lines_of_both_streams() {
        let (out, err) = (Stream::Stdout, Stream::Stderr);
        let said: [(Stream, &[u8]); 4] = [(out, b"a\nb"), (err, b"x\"\n"), (out, b"c\nrest"), (err, b"y")];
        for format in FORMATS {
            let records = write(format, &said);
            let lines: Vec<_> = records.iter().map(|record| (record.stream, record.line.as_str())).collect();
            assert_eq!(lines, [(out, "a\n"), (err, "x\"\n"), (out, "bc\n"), (out, "rest"), (err, "y")], "{format:?}");
            assert!(records.iter().all(|record| !record.goes_on));
        }
    }

    #[test]
    fn a_long_line_is_split() {
        let line = [vec![b'x'; MAX_LINE + 1], b"\n".to_vec()].concat();
        let records = write(Format::Json, &[(Stream::Stdout, &line)]);
        let lengths: Vec<_> = records.iter().map(|record| (record.line.len(), record.goes_on)).collect();
        assert_eq!(lengths, [(MAX_LINE, true), (2, false)]);
        // One that is longer than what is read at once, of characters that are cut through.
        let line = "x".to_owned() + &"\u{20ac}".repeat(100_000) + "\n";
        let pieces: Vec<_> = line.as_bytes().chunks(1000).map(|piece| (Stream::Stdout, piece)).collect();
        let records = write(Format::Chunks, &pieces);
        assert!(records.len() > 2 && records.iter().rev().skip(1).all(|record| record.goes_on));
        assert_eq!(records.iter().map(|record| record.line.as_str()).collect::<String>(), line);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        for format in FORMATS {
            assert_eq!(write(format, &[(Stream::Stdout, b"\xff\n")])[0].line, "\u{fffd}\n");
        }
    }

    #[test]
    fn a_full_file_is_rotated() {
        for (format, max_size, expected) in
            [(Format::Json, 200, ["6\n", "7\n", "8\n", "9\n"]), (Format::Chunks, 50, ["6\n", "7\n", "8\n", "9\n"])]
        {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log");
            let mut writer = writer(&path, format, Limits { max_size, max_files: 2 });
            for number in 0..10 {
                writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
                writer.flush();
            }
            let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
            assert_eq!(kept, expected, "{format:?}");
            assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 2);
        }
    }

    #[test]
    fn what_comes_at_once_is_rotated_as_often() {
        for format in FORMATS {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log");
            let mut writer = writer(&path, format, Limits { max_size: 1000, max_files: 3 });
            let text: String = (0..10_000).map(|number| format!("{number}\n")).collect();
            writer.append(Stream::Stdout, text.as_bytes());
            writer.flush();
            for entry in fs_err::read_dir(directory.path()).unwrap() {
                assert!(entry.unwrap().metadata().unwrap().len() <= 1100);
            }
            let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
            let first = 10_000 - kept.len();
            let expected: Vec<_> = (first..10_000).map(|number| format!("{number}\n")).collect();
            assert!(kept.len() > 25 && kept == expected, "{format:?}: {kept:?}");
        }
    }

    #[test]
    fn half_a_record_does_not_spoil_the_next() {
        for format in FORMATS {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log");
            let mut first = writer(&path, format, Limits::default());
            first.append(Stream::Stdout, b"first\n");
            first.append(Stream::Stdout, b"second\n");
            first.flush();
            // Of a shim that was killed.
            let length = fs_err::metadata(&path).unwrap().len();
            fs_err::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 3).unwrap();
            let mut second = writer(&path, format, Limits::default());
            second.append(Stream::Stdout, b"whole\n");
            second.flush();
            let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
            assert_eq!(kept, ["first\n", "whole\n"], "{format:?}");
        }
    }

    #[test]
    fn a_line_that_a_killed_shim_has_begun_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        writer(&path, Format::Chunks, Limits::default()).append(Stream::Stderr, b"begun");
        let mut next = writer(&path, Format::Chunks, Limits::default());
        next.append(Stream::Stderr, b"whole\n");
        let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
        assert_eq!(kept, ["begun", "whole\n"]);
    }

    #[test]
    fn a_log_of_another_form_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        for (format, line) in [(Format::Json, "one\n"), (Format::Chunks, "two\n")] {
            let mut writer = writer(&path, format, Limits::default());
            writer.append(Stream::Stdout, line.as_bytes());
            writer.flush();
        }
        let kept: Vec<_> = Reader::open(&path).unwrap().map(|record| record.unwrap().line).collect();
        assert_eq!(kept, ["one\n", "two\n"]);
    }
}
