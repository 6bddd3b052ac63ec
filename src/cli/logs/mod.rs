//! The output of containers: which lines, in which order, and how each is written.
//!
//! ```text
//! one log a container ─▶ Window ─▶ Tail ─▶ merged ─▶ LogWriter ─▶ web-1  | 127.0.0.1 "GET /"
//!                       --since   --tail   in time   prefix, colour, timestamp
//! ```

mod merge;
mod moment;
mod tail;
mod writer;

pub use merge::{Merged, merged};
pub use moment::{InvalidMoment, Moment, Window};
pub use tail::{InvalidTail, Tail, Tailed};
pub use writer::{LogFormat, LogWriter, SourceId};

use jiff::Timestamp;

/// Where a container wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// A line that a container wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was received.
    pub time: Timestamp,
    /// Who wrote it: the id that [`LogWriter::add`] gave the container.
    pub source: SourceId,
    /// Where.
    pub stream: Stream,
    /// What, without the line end. Need not be UTF-8.
    pub text: Vec<u8>,
}
