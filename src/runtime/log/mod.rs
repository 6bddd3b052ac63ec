//! A container's log, in one of two forms: chunks as `chunk` describes them, or lines of JSON as Docker's `json-file`
//! driver writes them.
//!
//! ```text
//! {"log":"hello\n","stream":"stdout","time":"2024-05-01T10:00:00.000000000Z"}
//! ```
//! A `log` without a newline at its end is part of a line longer than [`MAX_LINE`], or the last one of a program that
//! did not end it. Whatever the driver, but for `none`, files are written, so that logs can be shown. Rotated files
//! have `.1`, `.2`, … appended, the youngest first.

mod backward;
mod chunk;
mod chunks;
mod driver;
mod encode;
mod file;
mod follow;
mod journald;
mod json;
mod lines;
mod reader;
mod remote;
mod source;
mod syslog;
mod writer;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use driver::{Driver, Format, Options, Syslog, SyslogAddress, SyslogFormat};
pub use follow::{Follower, Watch};
pub use reader::Reader;
pub(super) use writer::Writer;

/// Where a longer line is split in JSON and for collectors of logs, in bytes.
pub const MAX_LINE: usize = 16 * 1024;

/// Where a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output, or the terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line, or part of a long one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The text; ends in a newline unless the line goes on in the next record of the same stream.
    #[serde(rename = "log")]
    pub line: String,
    /// Where it came from.
    pub stream: Stream,
    /// When it was read from the container.
    pub time: Timestamp,
    /// Whether the line goes on in the next record of its stream.
    #[serde(skip)]
    pub goes_on: bool,
}

impl Record {
    /// Sets what JSON does not say: the last words of a program that ended need not end in a newline, as the parts of a
    /// long line do not, but they are shorter.
    fn of_json(mut self) -> Self {
        // A long line is cut between characters, of which the longest has four bytes.
        self.goes_on = !self.line.ends_with('\n') && self.line.len() > MAX_LINE - 4;
        self
    }
}

/// How much of a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The size, in bytes, from which a file is rotated.
    pub max_size: u64,
    /// How many files there are at most.
    pub max_files: u32,
}

impl Default for Limits {
    /// 30 MB in all: a full disk is the most common accident.
    fn default() -> Self {
        Self { max_size: 10_000_000, max_files: 3 }
    }
}

/// The `index`th file of a log; 0 is the one being written.
fn file(log: &Path, index: u32) -> PathBuf {
    if index == 0 {
        return log.to_owned();
    }
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{index}"));
    name.into()
}
