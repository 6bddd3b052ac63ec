//! The files of a log: appended to, and rotated.

use std::fmt::Write as _;
use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};

use super::Limits;

/// The file that is written to.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    limits: Limits,
    file: fs_err::File,
    /// Of the file, in bytes.
    size: u64,
    /// Lines that could not be written, of which nobody has been told.
    lost: usize,
    /// Why the last of them could not.
    why: Option<io::Error>,
    /// Lines that were lost, of which the next that is written tells.
    told: usize,
}

impl LogFile {
    /// Opens a log to append to it.
    pub(super) fn open(path: &Path, limits: Limits) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), limits, file, size, lost: 0, why: None, told: 0 })
    }

    /// Its size, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How much may be added before it is to be rotated, in bytes.
    pub(super) fn room(&self) -> u64 {
        self.limits.max_size.saturating_sub(self.size)
    }

    /// Cuts off what is after `size`: half of what a killed shim was writing.
    pub(super) fn cut(&mut self, size: u64) -> io::Result<()> {
        if size < self.size {
            self.file.set_len(size)?;
            self.size = size;
        }
        Ok(())
    }

    /// Writes `parts`, all or nothing, by which `lines` would be kept. A log that cannot be written to loses lines; the
    /// container goes on.
    pub(super) fn write(&mut self, mut parts: &mut [IoSlice<'_>], lines: &[u8]) -> bool {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut left = length;
        let result = loop {
            // Not by the wrapper, whose error has the path: the log is read by those whom that does not concern.
            match self.file.file().write_vectored(parts) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) if count == left => break Ok(()),
                Ok(count) => {
                    left -= count;
                    IoSlice::advance_slices(&mut parts, count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        let told = std::mem::take(&mut self.told);
        match result {
            Ok(()) => {
                self.size += length as u64;
                true
            }
            Err(why) => {
                // Half a record would spoil the next.
                let _ = self.file.set_len(self.size);
                self.lose(told + memchr::memchr_iter(b'\n', lines).count().saturating_sub(usize::from(told > 0)));
                self.why = Some(why);
                false
            }
        }
    }

    /// Counts lines that are lost as what came before them was.
    pub(super) fn lose(&mut self, lines: usize) {
        self.lost += lines;
    }

    /// Whether lines were lost and nobody has been told.
    pub(super) fn has_lost(&self) -> bool {
        self.lost > 0
    }

    /// What to tell of lines that were lost, in what is written next: if that cannot be either, they are counted on.
    pub(super) fn take_loss(&mut self) -> String {
        let mut text = String::new();
        if let (lines @ 1.., Some(why)) = (self.lost, &self.why) {
            (self.told, self.lost) = (lines, 0);
            writeln!(text, "rcompose: {lines} lines of this log were lost: {why}").expect("a string grows as needed");
        }
        text
    }

    /// Makes the file the youngest of the rotated ones and begins another. That is opened first: on a full disk
    /// nothing is moved, or the log would be pushed out by nothing.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
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
