//! The reading side: all of a log, or its end, across rotations.

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Record;
use super::source::{Begun, Source};

/// The most rotated files that are looked for.
const MAX_FILES: u32 = 100;

/// A position in a log. Iterating yields the records from there to the present end; later it yields what has been
/// written since.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    current: Option<Source>,
    /// Younger files, opened so that rotation does not take them away.
    next: VecDeque<fs_err::File>,
    begun: Begun,
}

impl Reader {
    /// A reader at the beginning of what is kept of the log at `path`, which need not exist yet.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut next: VecDeque<_> = files(path, None)?.into_iter().rev().collect();
        let current = next.pop_front().map(Source::new);
        Ok(Self { path: path.to_owned(), current, next, begun: Begun::default() })
    }

    /// A reader at the `count`th record from the end.
    ///
    /// # Errors
    /// What `open(2)` and `read(2)` say.
    pub fn tail(path: &Path, count: usize) -> io::Result<Self> {
        let mut wanted = count;
        let mut reader = Self { path: path.to_owned(), current: None, next: VecDeque::new(), begun: Begun::default() };
        for file in files(path, None)? {
            if let Some(younger) = reader.current.take() {
                reader.next.push_front(younger.into_file());
            }
            let (source, begun, found) = Source::tail(file, wanted)?;
            reader.current = Some(source);
            reader.begun = begun;
            wanted -= found;
            if wanted == 0 {
                break;
            }
        }
        Ok(reader)
    }

    /// The next file, once the current one is at its end and no longer written to.
    fn advance(&mut self) -> io::Result<bool> {
        if self.next.is_empty() {
            let here = self.current.as_ref().map(|source| Identity::of(source.file())).transpose()?;
            // Rotated since the last look, perhaps more than once: what comes after ours is what is left to read.
            self.next = files(&self.path, here)?.into_iter().rev().collect();
            if self.next.is_empty() {
                return Ok(false);
            }
            if here.is_some() {
                // What was written to ours between our last read and its rotation comes first.
                return Ok(true);
            }
        }
        self.current = self.next.pop_front().map(Source::new);
        Ok(true)
    }

    fn read(&mut self) -> io::Result<Option<Record>> {
        loop {
            if let Some(source) = &mut self.current
                && let Some(record) = source.record(&mut self.begun)?
            {
                return Ok(Some(record));
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}

impl Iterator for Reader {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(file: &fs_err::File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// Opens the files of the log at `path` that are younger than the one `known`, the youngest first.
///
/// They may be rotated meanwhile. That moves one at a time, the oldest first, so that there is at most one gap, and that
/// a file may be met again under its next name, but none is passed by.
fn files(path: &Path, known: Option<Identity>) -> io::Result<Vec<fs_err::File>> {
    let mut found = Vec::new();
    let mut identities = Vec::new();
    let mut missing = 0;
    for index in 0..MAX_FILES {
        let file = match fs_err::File::open(super::file(path, index)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing += 1;
                // The third: the gap, and the end.
                if missing > 2 {
                    break;
                }
                continue;
            }
            result => result?,
        };
        let identity = Identity::of(&file)?;
        if Some(identity) == known {
            break;
        }
        if !identities.contains(&identity) {
            identities.push(identity);
            found.push(file);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::runtime::log::{Format, Limits, Options, Stream, Writer};

    const FORMATS: [Format; 2] = [Format::Json, Format::Chunks];

    fn open(path: &Path, format: Format, max_size: u64) -> Writer {
        let options = Options { limits: Limits { max_size, max_files: 90 }, format, ..Options::default() };
        Writer::open(path, &options).unwrap()
    }

    fn log(lines: usize, format: Format, max_size: u64) -> (tempfile::TempDir, PathBuf, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut writer = open(&path, format, max_size);
        for number in 0..lines {
            writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
            writer.flush();
        }
        (directory, path, writer)
    }

    fn rest(reader: &mut Reader) -> Vec<String> {
        reader.map(|record| record.unwrap().line).collect()
    }

    #[test]
    fn the_end_of_a_log() {
        for (format, max_size) in [(Format::Json, 200), (Format::Chunks, 50), (Format::Chunks, 1000)] {
            let (_directory, path, _writer) = log(5, format, max_size);
            for (count, expected) in [(0, 0), (1, 1), (3, 3), (5, 5), (9, 5)] {
                let found = rest(&mut Reader::tail(&path, count).unwrap());
                let all = ["0\n", "1\n", "2\n", "3\n", "4\n"];
                assert_eq!(found, all[5 - expected..], "{format:?}, {max_size}: {count}");
            }
        }
    }

    proptest! {
        /// However lines are cut into reads of two streams, and into files: the last ones are the last of all.
        #[test]
        fn the_end_is_that_of_the_whole(
            said in proptest::collection::vec((any::<bool>(), "[ab\n]{0,9}"), 0..40),
            max_size in prop_oneof![Just(1_000_000_u64), 40..400_u64],
            finished: bool,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("log");
            let mut writer = open(&path, Format::Chunks, max_size);
            let mut expected = [String::new(), String::new()];
            for (is_error, text) in &said {
                let stream = if *is_error { Stream::Stderr } else { Stream::Stdout };
                writer.append(stream, text.as_bytes());
                expected[stream as usize].push_str(text);
            }
            if finished {
                writer.finish();
            }
            let all: Vec<_> = Reader::open(&path).unwrap().map(Result::unwrap).collect();
            for stream in [Stream::Stdout, Stream::Stderr] {
                let text: String =
                    all.iter().filter(|record| record.stream == stream).map(|record| record.line.as_str()).collect();
                let expected = &expected[stream as usize];
                let whole = if finished { expected.len() } else { expected.rfind('\n').map_or(0, |end| end + 1) };
                prop_assert_eq!(&text, &expected[..whole]);
            }
            // A line that goes on in another file is not looked for there.
            if max_size == 1_000_000 {
                for count in 0..=all.len() {
                    let tail: Vec<_> = Reader::tail(&path, count).unwrap().map(Result::unwrap).collect();
                    prop_assert_eq!(&tail, &all[all.len() - count..]);
                }
            }
        }
    }

    #[test]
    fn what_is_written_later_is_found_later() {
        for (format, max_size) in [(Format::Json, 200), (Format::Chunks, 50)] {
            let (_directory, path, mut writer) = log(1, format, max_size);
            let mut reader = Reader::open(&path).unwrap();
            assert_eq!(rest(&mut reader), ["0\n"]);
            assert!(reader.next().is_none());
            for number in 1..8 {
                writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
                writer.flush();
            }
            assert_eq!(rest(&mut reader), ["1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n"]);
        }
    }

    #[test]
    fn what_has_begun_before_the_end_is_whole_later() {
        let (_directory, path, mut writer) = log(1, Format::Chunks, 1000);
        writer.append(Stream::Stdout, b"be");
        let mut reader = Reader::tail(&path, 0).unwrap();
        assert!(reader.next().is_none());
        writer.append(Stream::Stderr, b"other\n");
        writer.append(Stream::Stdout, b"gun\n");
        assert_eq!(rest(&mut reader), ["other\n", "begun\n"]);
    }

    #[test]
    fn what_is_taken_back_was_not_there() {
        use std::io::Write as _;
        let (_directory, path, mut writer) = log(1, Format::Chunks, 1000);
        let whole = fs_err::metadata(&path).unwrap().len();
        fs_err::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"\xc1\0\0\0\x99").unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(rest(&mut reader), ["0\n"]);
        fs_err::OpenOptions::new().write(true).open(&path).unwrap().set_len(whole).unwrap();
        writer.append(Stream::Stdout, b"1\n");
        assert_eq!(rest(&mut reader), ["1\n"]);
    }

    #[test]
    fn rotation_under_the_readers_eyes_loses_and_repeats_nothing() {
        const LINES: usize = 20_000;
        for format in FORMATS {
            let (_directory, path, mut writer) = log(1, format, 50_000);
            let mut reader = Reader::open(&path).unwrap();
            let writing = std::thread::spawn(move || {
                for number in 1..LINES {
                    writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
                    if number % 7 == 0 {
                        writer.flush();
                    }
                }
                writer.finish();
            });
            let mut found = Vec::new();
            loop {
                let is_over = writing.is_finished();
                found.extend(rest(&mut reader));
                if is_over {
                    break;
                }
            }
            writing.join().unwrap();
            let expected: Vec<_> = (0..LINES).map(|number| format!("{number}\n")).collect();
            assert!(found == expected, "{format:?}: {} of {LINES}", found.len());
        }
    }

    #[test]
    fn a_log_that_does_not_exist_yet() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut reader = Reader::open(&path).unwrap();
        assert!(reader.next().is_none());
        let mut writer = Writer::open(&path, &Options::default()).unwrap();
        writer.append(Stream::Stderr, b"here\n");
        writer.flush();
        assert_eq!(rest(&mut reader), ["here\n"]);
    }
}
