//! The ways in which a line is cut into words, and its flags taken from it.

use std::ops::Range;

use super::instruction::Word;
use super::line::Line;

/// A part of a line, without the blanks around it.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let length = part.trim().len();
    start..start + length
}

/// The first word of a part that has no blanks around it, and what is behind it.
pub(super) fn split_first(text: &str, range: Range<usize>) -> (Range<usize>, Range<usize>) {
    let part = &text[range.clone()];
    let end = range.start + part.find(is_blank).unwrap_or(part.len());
    (range.start..end, trimmed(text, end..range.end))
}

/// The words of a part, cut at blanks: quotes have no meaning.
pub(super) fn plain(line: &Line, range: Range<usize>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = trimmed(&line.text, range);
    while !rest.is_empty() {
        let (word, behind) = split_first(&line.text, rest);
        words.push(line.word(word));
        rest = behind;
    }
    words
}

/// The words of a part, cut at blanks outside of quotes; quotes and escapes stay.
pub(super) fn quoted(line: &Line, range: Range<usize>, escape: char) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = line.text[range.clone()].char_indices().map(|(at, c)| (range.start + at, c)).peekable();
    let end = range.end;
    let mut push = |range: Range<usize>| {
        if !range.is_empty() {
            words.push(line.word(range));
        }
    };
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if let Some(start) = start.take() {
                push(start..at);
            }
            continue;
        }
        start.get_or_insert(at);
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        // Nothing can be escaped between single quotes; an escape at the very end stands for nothing.
        if c == escape && quote != Some('\'') && chars.next().is_none() {
            push(start.take().unwrap_or(at)..at);
        }
    }
    if let Some(start) = start {
        push(start..end);
    }
    words
}

/// A flag as it is written.
#[derive(Debug)]
pub(super) struct RawFlag {
    /// All of it.
    pub(super) range: Range<usize>,
    /// Its name, without `--`.
    pub(super) name: String,
    /// What is behind `=`, without quotes.
    pub(super) value: Option<Word>,
}

/// Takes the words that begin with `--` from the beginning of a part; returns them and the rest. `--` alone ends them.
pub(super) fn flags(line: &Line, range: Range<usize>, escape: char) -> (Vec<RawFlag>, Range<usize>) {
    let mut flags = Vec::new();
    let mut rest = trimmed(&line.text, range);
    while line.text[rest.clone()].starts_with("--") {
        let (word, text) = unquoted(&line.text, rest.clone(), escape);
        rest = trimmed(&line.text, word.end..rest.end);
        if text == "--" {
            break;
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text.as_str(), None),
        };
        let value = value.map(|value| {
            let behind = word.start + name.len() + 1;
            match line.text.get(behind..word.end) {
                Some(written) if written == value => line.word(behind..word.end),
                _ => Word { text: value.to_owned(), span: line.span(word.clone()) },
            }
        });
        flags.push(RawFlag { range: word, name: name[2..].to_owned(), value });
    }
    (flags, rest)
}

/// The word at the beginning of a part, and what is left of it without quotes and escapes.
fn unquoted(text: &str, range: Range<usize>, escape: char) -> (Range<usize>, String) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text[range.clone()].char_indices();
    while let Some((at, c)) = chars.next() {
        match quote {
            None if c.is_whitespace() => return (range.start..range.start + at, word),
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(open) if c == open => quote = None,
            _ if c == escape => word.extend(chars.next().map(|(_, c)| c)),
            _ => word.push(c),
        }
    }
    (range, word)
}

impl Word {
    /// A part of the word, with its own place where that can be told: what is quoted is another text than what is
    /// written.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let text = self.text[range.clone()].to_owned();
        let mut span = self.span.clone();
        if let Some(part) = self.place(range) {
            span.range = span.range.start + part.start..span.range.start + part.end;
        }
        Self { text, span }
    }

    /// Where a part stands in what is written, which has the ends of continued lines in it.
    fn place(&self, range: Range<usize>) -> Option<Range<usize>> {
        let written = self.span.text();
        if written == self.text {
            return Some(range);
        }
        let (mut start, mut end, mut at) = (None, None, 0);
        for (index, c) in self.text.char_indices() {
            at += continuation(&written[at..]);
            if index == range.start {
                start = Some(at);
            }
            if index == range.end {
                break;
            }
            if !written[at..].starts_with(c) {
                return None;
            }
            at += c.len_utf8();
            end = Some(at);
        }
        let start = start.unwrap_or(at);
        Some(start..end.unwrap_or(at).max(start))
    }
}

/// How much of what is written is the end of a continued line, with the comments and blank lines below it.
fn continuation(written: &str) -> usize {
    let mut at = 0;
    // The end of a line is followed by lines that are left out, or by the end of another.
    while let Some(rest) = written[at..].strip_prefix(['\\', '`']) {
        let rest = rest.trim_start_matches([' ', '\t', '\r']);
        let Some(below) = rest.strip_prefix('\n') else { break };
        at = written.len() - below.len();
        for line in below.split_inclusive('\n') {
            let text = line.trim_start();
            if !line.ends_with('\n') || !(text.is_empty() || text.starts_with('#')) {
                break;
            }
            at += line.len();
        }
    }
    at
}

/// The blanks that end a word where quotes have no meaning.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}
