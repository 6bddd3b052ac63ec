//! Lines as they are meant: continued ones joined, comments set aside, each character with its place in the file.

use std::ops::Range;
use std::sync::Arc;

use super::instruction::Word;
use crate::text::{Source, Span};

/// One instruction's line.
#[derive(Debug)]
pub(super) struct Line {
    /// What it says, without the ends of lines within.
    pub(super) text: String,
    /// The comments right above.
    pub(super) comments: Vec<Word>,
    source: Arc<Source>,
    /// Where each piece begins, in the text and in the file.
    pieces: Vec<(usize, usize)>,
}

impl Line {
    /// Where a part of the text stands in the file.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let start = self.place(range.start);
        let end = if range.is_empty() { start } else { self.place(range.end - 1) + 1 };
        Span { source: Arc::clone(&self.source), range: start..end }
    }

    /// A part of the text.
    pub(super) fn word(&self, range: Range<usize>) -> Word {
        Word { text: self.text[range.clone()].to_owned(), span: self.span(range) }
    }

    /// The span from the beginning of a part to where the reader has come since.
    pub(super) fn span_until(&self, range: Range<usize>, reader: &Reader<'_>) -> Span {
        let span = self.span(range);
        let read = self.source.text[..reader.at].trim_end_matches(['\n', '\r']).len();
        Span { range: span.range.start..read.max(span.range.end), ..span }
    }

    fn place(&self, at: usize) -> usize {
        let piece = self.pieces.partition_point(|(start, _)| *start <= at).saturating_sub(1);
        let (start, place) = self.pieces[piece];
        place + (at - start)
    }
}

/// Goes through the lines of a file.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    source: &'s Arc<Source>,
    at: usize,
    escape: char,
    /// Continued lines with nothing on them.
    pub(super) empty_continuations: Vec<Span>,
}

impl<'s> Reader<'s> {
    /// Begins at a byte of the text.
    pub(super) fn new(source: &'s Arc<Source>, at: usize, escape: char) -> Self {
        Self { source, at, escape, empty_continuations: Vec::new() }
    }

    /// The next line of the file, with its end.
    pub(super) fn next_raw(&mut self) -> Option<Range<usize>> {
        let rest = &self.source.text[self.at..];
        if rest.is_empty() {
            return None;
        }
        let start = self.at;
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
        Some(start..self.at)
    }

    /// The text of the file.
    pub(super) fn text(&self) -> &'s str {
        &self.source.text
    }

    /// A place in the file.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span { source: Arc::clone(self.source), range }
    }

    /// The next instruction's line.
    pub(super) fn next(&mut self) -> Option<Line> {
        let mut comments = Vec::new();
        let (mut text, mut start) = loop {
            let (text, start) = self.next_without_end()?;
            let trimmed = text.trim_start();
            let start = start + (text.len() - trimmed.len());
            match trimmed.strip_prefix('#') {
                Some(comment) if !comment.trim().is_empty() => comments.push(self.comment(comment, start + 1)),
                None if !trimmed.is_empty() => break (trimmed, start),
                // What stands above a blank line, or an empty comment, does not describe what is below.
                _ => comments.clear(),
            }
        };
        let begin = start;
        let mut line =
            Line { text: String::new(), comments, source: Arc::clone(self.source), pieces: Vec::with_capacity(1) };
        loop {
            let (content, goes_on) = uncontinued(text, self.escape);
            line.pieces.push((line.text.len(), start));
            line.text.push_str(content);
            if !goes_on {
                return Some(line);
            }
            (text, start) = loop {
                let Some((text, start)) = self.next_without_end() else { return Some(line) };
                let trimmed = text.trim_start();
                if trimmed.is_empty() {
                    // One of an instruction is enough.
                    let told = self.empty_continuations.last().is_some_and(|span| span.range.start >= begin);
                    if !told {
                        self.empty_continuations.push(self.span(start..start));
                    }
                } else if !trimmed.starts_with('#') {
                    break (text, start);
                }
            };
        }
    }

    fn next_without_end(&mut self) -> Option<(&'s str, usize)> {
        let mut range = self.next_raw()?;
        if range.start == 0 && self.source.text.starts_with('\u{feff}') {
            range.start = '\u{feff}'.len_utf8();
        }
        let start = range.start;
        Some((self.text()[range].trim_end_matches(['\n', '\r']), start))
    }

    fn comment(&self, text: &str, start: usize) -> Word {
        let trimmed = text.trim_start();
        let start = start + (text.len() - trimmed.len());
        let text = trimmed.trim_end();
        Word { text: text.to_owned(), span: self.span(start..start + text.len()) }
    }
}

/// A line without the escape at its end, and whether it had one. An escape that is escaped continues nothing.
fn uncontinued(text: &str, escape: char) -> (&str, bool) {
    match text.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(content) if !content.ends_with(escape) => (content, true),
        _ => (text, false),
    }
}
