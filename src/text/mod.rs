//! What people wrote: texts, places in them, those shown with a caret under them, and words that were likely meant.

mod nearest;
mod snippet;
pub mod units;

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

pub use nearest::{did_you_mean, nearest};
pub use snippet::show;

/// The text of a file that was read, kept to show lines of it.
#[derive(Debug)]
pub struct Source {
    /// The path as the user would write it, relative to where they are.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// Where lines begin; found when the first place is asked for.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// Keeps `text`, which was read under `name`.
    #[must_use]
    pub fn new(name: String, text: String) -> Self {
        Self { name, text, lines: OnceLock::new() }
    }

    /// The index of the line that holds a byte, and where each line begins.
    fn line_at(&self, at: usize) -> (usize, &[usize]) {
        let lines = self.lines.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        });
        (lines.partition_point(|start| *start <= at) - 1, lines)
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.text == other.text
    }
}

impl Eq for Source {}

/// A part of a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The source it is in.
    pub source: Arc<Source>,
    /// Byte offsets in its text, on character boundaries.
    pub range: Range<usize>,
}

impl fmt::Debug for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.source.name, self.line(), self.column())
    }
}

impl Span {
    /// The line it begins on, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.position(self.range.start).0
    }

    /// The column it begins at, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.position(self.range.start).1
    }

    /// The line and column behind its last character, as [`Span::line`] and [`Span::column`] count.
    #[must_use]
    pub fn end(&self) -> (usize, usize) {
        self.position(self.range.end)
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let (line, lines) = self.source.line_at(at);
        // A byte order mark is no column.
        (line + 1, self.source.text[lines[line]..at].trim_start_matches('\u{feff}').chars().count() + 1)
    }

    /// The text it holds.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }
}
