//! The files of a log: appended to a bufferful at a time, and rotated.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Limits;

/// From how many bytes on a buffer is written although there is more to come.
const FULL: usize = 64 * 1024;

/// The file that is written to, and what is to be written to it.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    limits: Limits,
    file: fs_err::File,
    /// Of the file, in bytes.
    size: u64,
    /// Whole records.
    buffer: Vec<u8>,
    lost: Option<Lost>,
    /// Records that were lost, of which the buffer tells.
    told: usize,
}

/// Records that could not be written.
#[derive(Debug)]
struct Lost {
    records: usize,
    why: io::Error,
}

impl LogFile {
    /// Opens a log to append to it.
    pub(super) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        let mut this = Self { path: path.to_owned(), limits, file, size, buffer: Vec::new(), lost: None, told: 0 };
        this.end_torn_record();
        Ok(this)
    }

    /// A killed shim may have left half a record, which is not to spoil the next.
    fn end_torn_record(&mut self) {
        use std::os::unix::fs::FileExt as _;
        let mut last = [b'\n'];
        if self.size > 0 {
            // Opened for appending, it cannot be read; it is only looked at here.
            let read = fs_err::File::open(&self.path).and_then(|file| file.file().read_at(&mut last, self.size - 1));
            if read.is_ok() && last != *b"\n" && self.file.write_all(b"\n").is_ok() {
                self.size += 1;
            }
        }
    }

    /// Adds a record, which `encode` appends to what it is given.
    pub(super) fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.buffer);
        if self.buffer.len() >= FULL || self.size + self.buffer.len() as u64 >= self.limits.max_size {
            self.write();
        }
    }

    /// Writes what has been added. A log that cannot be written to loses records; the container goes on.
    pub(super) fn write(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        if self.size > 0 && self.size + self.buffer.len() as u64 > self.limits.max_size {
            // Without a new file, the old one grows: better than no log.
            let _ = self.rotate();
        }
        // Not by the wrapper, whose error has the path: the log is read by those whom that does not concern.
        let mut file = self.file.file();
        match file.write_all(&self.buffer) {
            Ok(()) => self.size += self.buffer.len() as u64,
            Err(why) => {
                // Half a record would spoil the next.
                let _ = file.set_len(self.size);
                let records = memchr::memchr_iter(b'\n', &self.buffer).count() - usize::from(self.told > 0);
                let before = self.lost.take().map_or(0, |lost| lost.records) + self.told;
                self.lost = Some(Lost { records: before + records, why });
            }
        }
        self.told = 0;
        self.buffer.clear();
    }

    /// Whether records were lost and nobody has been told.
    pub(super) fn has_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// What to tell of records that were lost, in the next record: if that cannot be written either, they are counted on.
    pub(super) fn take_loss(&mut self) -> String {
        let mut text = String::new();
        if let Some(Lost { records, why }) = self.lost.take() {
            self.told = records;
            writeln!(text, "rcompose: {records} lines of this log were lost: {why}").expect("a string grows as needed");
        }
        text
    }

    /// Gives back the memory that a burst took.
    pub(super) fn shrink(&mut self) {
        self.buffer.shrink_to_fit();
    }

    /// Makes the file the youngest of the rotated ones and begins another. That is opened first: on a full disk
    /// nothing is moved, or the log would be pushed out by nothing.
    fn rotate(&mut self) -> io::Result<()> {
        let mut new = self.path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let file = open(&new)?;
        for index in (1..self.limits.max_files).rev() {
            match fs_err::rename(super::file(&self.path, index - 1), super::file(&self.path, index)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs_err::rename(&new, &self.path)?;
        self.file = file;
        self.size = 0;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<fs_err::File> {
    let mut options = fs_err::OpenOptions::new();
    options.create(true).append(true);
    fs_err::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640).open(path)
}
