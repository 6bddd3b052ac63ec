//! The reading side: all of a log, or its end, across rotations.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Record;

/// The most rotated files that are looked for.
const MAX_FILES: u32 = 100;
const BLOCK: u64 = 64 * 1024;

/// A position in a log. Iterating yields the records from there to the present end; later it yields what has been
/// written since.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    current: Option<BufReader<fs_err::File>>,
    /// Younger files, opened so that rotation does not take them away.
    next: VecDeque<fs_err::File>,
    /// The beginning of a record whose end has not been written.
    partial: Vec<u8>,
}

impl Reader {
    /// A reader at the beginning of what is kept of the log at `path`, which need not exist yet.
    ///
    /// # Errors
    /// What `open(2)` says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut next: VecDeque<_> = files(path, None)?.into_iter().rev().collect();
        let current = next.pop_front().map(BufReader::new);
        Ok(Self { path: path.to_owned(), current, next, partial: Vec::new() })
    }

    /// A reader at the `count`th record from the end.
    ///
    /// # Errors
    /// What `open(2)` and `read(2)` say.
    pub fn tail(path: &Path, count: usize) -> io::Result<Self> {
        let mut reader = Self::open(path)?;
        let files = reader.current.take().map(BufReader::into_inner).into_iter().chain(reader.next.drain(..));
        let mut files: Vec<_> = files.collect();
        let mut wanted = count;
        let mut kept = VecDeque::new();
        while let Some(mut file) = files.pop() {
            let (position, found) = back(&mut file, wanted)?;
            file.seek(SeekFrom::Start(position))?;
            kept.push_front(file);
            wanted -= found;
            if wanted == 0 {
                break;
            }
        }
        reader.current = kept.pop_front().map(BufReader::new);
        reader.next = kept;
        Ok(reader)
    }

    /// The next file, once the current one is at its end and no longer written to.
    fn advance(&mut self) -> io::Result<bool> {
        if self.next.is_empty() {
            let here = self.current.as_ref().map(|file| Identity::of(file.get_ref())).transpose()?;
            // Rotated since the last look, perhaps more than once: what comes after ours is what is left to read.
            self.next = files(&self.path, here)?.into_iter().rev().collect();
            if self.next.is_empty() {
                return Ok(false);
            }
            if here.is_none() {
                self.current = self.next.pop_front().map(BufReader::new);
                return Ok(true);
            }
            // What was written to ours between our last read and its rotation comes first.
            return Ok(true);
        }
        self.current = self.next.pop_front().map(BufReader::new);
        Ok(true)
    }

    fn read(&mut self) -> io::Result<Option<Record>> {
        loop {
            let rotated = !self.next.is_empty();
            if let Some(file) = &mut self.current {
                file.read_until(b'\n', &mut self.partial)?;
            }
            if self.partial.ends_with(b"\n") {
                let record = serde_json::from_slice(&self.partial);
                self.partial.clear();
                match record {
                    Ok(record) => return Ok(Some(record)),
                    // A line cut short by a full disk or a killed shim: skipped.
                    Err(_) => continue,
                }
            }
            if rotated {
                self.partial.clear();
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

/// The position in `file` of the `count`th line from its end, or of its first, and how many lines follow it.
fn back(file: &mut fs_err::File, count: usize) -> io::Result<(u64, usize)> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut found = 0;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.by_ref().take(end - start).read_to_end(&mut block)?;
        for (index, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            // Each newline ends a line; the one before the wanted line marks its beginning.
            if found == count {
                return Ok((start + index as u64 + 1, found));
            }
            found += 1;
        }
        end = start;
    }
    Ok((0, found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::log::{Limits, Options, Stream, Writer};

    fn log(lines: usize, max_size: u64) -> (tempfile::TempDir, PathBuf, Writer) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let options = Options { limits: Limits { max_size, max_files: 90 }, ..Options::default() };
        let mut writer = Writer::open(&path, &options).unwrap();
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
        let (_directory, path, _writer) = log(5, 200);
        for (count, expected) in [(0, 0), (1, 1), (3, 3), (5, 5), (9, 5)] {
            let found = rest(&mut Reader::tail(&path, count).unwrap());
            let all = ["0\n", "1\n", "2\n", "3\n", "4\n"];
            assert_eq!(found, all[5 - expected..], "{count}");
        }
    }

    #[test]
    fn what_is_written_later_is_found_later() {
        let (_directory, path, mut writer) = log(1, 200);
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(rest(&mut reader), ["0\n"]);
        assert!(reader.next().is_none());
        for number in 1..8 {
            writer.append(Stream::Stdout, format!("{number}\n").as_bytes());
            writer.flush();
        }
        assert_eq!(rest(&mut reader), ["1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "7\n"]);
    }

    #[test]
    fn rotation_under_the_readers_eyes_loses_and_repeats_nothing() {
        const LINES: usize = 20_000;
        let (_directory, path, mut writer) = log(1, 50_000);
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
        assert!(found == expected, "{} of {LINES}", found.len());
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
