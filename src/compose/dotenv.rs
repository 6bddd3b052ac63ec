//! The env-file format of Compose: `.env`, `--env-file` and `env_file`.
//!
//! ```text
//! KEY=VALUE          export KEY=VALUE          KEY: VALUE          KEY            # a comment
//! ```
//! `KEY` alone is inherited. A value without quotes ends at the end of the line or at ` #`; in single quotes it is
//! literal but for `\'`; in double quotes it has escapes. Both quoted forms may span lines, and all but the
//! single-quoted one are templates. What follows a closing quote is the next assignment, on the same line or not.
//!
//! Three slips of Compose are not repeated here: a name that the file ends behind is inherited as anywhere else, a value
//! without a name is a mistake, and so is a tab in a name.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::interpolate::{TOO_LONG, TemplateError, expand};

/// Bytes by which the values of a file may be longer than the file.
const MAX_TOTAL: usize = 16 << 20;

/// Why an env file cannot be read, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnvFileError {
    pub(super) range: Range<usize>,
    pub(super) reason: String,
}

/// The assignments of a file in order.
pub(super) type Assignments = Vec<Assignment>;

/// A variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: String,
    /// `None` for a key alone.
    pub(super) value: Option<String>,
    /// From the key to the end of the value, in the text.
    pub(super) range: Range<usize>,
}

/// Parses `text`. Templates see `lookup` first, then the variables assigned above them, then `earlier`: those of the files
/// before this one.
///
/// # Errors
/// [`EnvFileError`] for the first line that cannot be read.
pub(super) fn parse(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    earlier: &dyn Fn(&str) -> Option<String>,
) -> Result<Assignments, EnvFileError> {
    let mut cursor = Cursor { text, at: byte_order_mark(text) };
    let mut assignments = Assignments::new();
    let mut last: HashMap<&str, usize> = HashMap::new();
    let mut total = 0;
    while let Some((key, alone)) = cursor.key()? {
        let name = &text[key.clone()];
        if alone {
            assignments.push(Assignment { name: name.to_owned(), value: None, range: key });
            continue;
        }
        let start = cursor.at;
        let value = match cursor.value()? {
            Raw::Literal(value) => value,
            Raw::Template(template) => {
                let above = |name: &str| assignments[*last.get(name)?].value.clone();
                let read = |name: &str| lookup(name).or_else(|| above(name)).or_else(|| earlier(name)).map(Cow::Owned);
                let expanded = expand(&template, &read, &mut |_, _| {}).map(Cow::into_owned);
                expanded.map_err(|error| describe(&error, &template, text, start..cursor.at))?
            }
        };
        total += value.len();
        if total > text.len() + MAX_TOTAL {
            let reason = "the values of this file take more than 16 megabytes".to_owned();
            return Err(EnvFileError { range: key, reason });
        }
        last.insert(name, assignments.len());
        let end = start + text[start..cursor.at].trim_end().len();
        assignments.push(Assignment { name: name.to_owned(), value: Some(value), range: key.start..end });
        cursor.skip_comment(start);
    }
    Ok(assignments)
}

/// Parses the `raw` format: everything after the first `=` of a line is the value, as it stands.
///
/// # Errors
/// [`EnvFileError`] for the first line whose name is empty or has blanks in it.
pub(super) fn parse_raw(text: &str) -> Result<Assignments, EnvFileError> {
    let mut assignments = Assignments::new();
    let mut next = byte_order_mark(text);
    for line in text[next..].split('\n') {
        let end = next + line.strip_suffix('\r').unwrap_or(line).len();
        let start = next + line.len() - line.trim_start().len();
        next += line.len() + 1;
        if start >= end || text[start..].starts_with('#') {
            continue;
        }
        let range = start..end;
        let (name, value) = match text[range.clone()].split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (&text[range.clone()], None),
        };
        if name.is_empty() || name.contains([' ', '\t']) {
            let reason = if name.is_empty() { "expected a variable name" } else { BLANK_IN_NAME };
            let end = start + name.len().max(1);
            return Err(EnvFileError { range: start..end, reason: reason.to_owned() });
        }
        assignments.push(Assignment { name: name.to_owned(), value, range });
    }
    Ok(assignments)
}

const BLANK_IN_NAME: &str = "a variable name cannot contain blanks";

fn byte_order_mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

/// Says what is wrong with the template that `within` holds, in quotes and with escapes or as it is.
fn describe(error: &TemplateError, template: &str, text: &str, within: Range<usize>) -> EnvFileError {
    let (part, reason) = match error {
        TemplateError::Invalid(part) => (part, format!("invalid interpolation format `{}`", &template[part.clone()])),
        TemplateError::TooLong(part) => (part, TOO_LONG.to_owned()),
        TemplateError::Required { range, name, message } => {
            let colon = if message.is_empty() { "" } else { ": " };
            (range, format!("required variable `{name}` is missing a value{colon}{message}"))
        }
    };
    let found = text[within.clone()].find(&template[part.clone()]).map(|at| within.start + at);
    EnvFileError { range: found.map_or(within, |start| start..start + part.len()), reason }
}

enum Raw {
    Literal(String),
    Template(String),
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn error(&self, start: usize, reason: impl Into<String>) -> EnvFileError {
        let line = self.text[start..].find('\n').map_or(self.text.len(), |end| start + end);
        EnvFileError { range: start..line, reason: reason.into() }
    }

    /// The next key, and whether its line ends there; stops behind it and what separates it from its value.
    fn key(&mut self) -> Result<Option<(Range<usize>, bool)>, EnvFileError> {
        loop {
            self.skip_space();
            if self.rest().is_empty() {
                return Ok(None);
            }
            if let Some(rest) = self.rest().strip_prefix("export")
                && (rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r', '\x0c']))
            {
                self.at += "export".len();
                self.skip_blanks();
            }
            let start = self.at;
            let stop = self.rest().char_indices().find(|(_, c)| !is_blank(*c) && !is_name(*c));
            let (length, separator) = stop.map_or((self.rest().len(), '\n'), |(at, c)| (at, c));
            let name = self.rest()[..length].trim_end();
            self.at += length;
            if !matches!(separator, '=' | ':' | '\n') {
                let at = self.at..self.at + separator.len_utf8();
                return Err(EnvFileError { range: at, reason: format!("unexpected {separator:?} in a variable name") });
            }
            let key = start..start + name.len();
            if name.contains(is_blank) {
                return Err(EnvFileError { range: key, reason: BLANK_IN_NAME.to_owned() });
            }
            if separator != '\n' {
                self.at += 1;
                if name.is_empty() {
                    return Err(self.error(start, "expected a variable name"));
                }
            }
            if !name.is_empty() {
                return Ok(Some((key, separator == '\n')));
            }
        }
    }

    fn value(&mut self) -> Result<Raw, EnvFileError> {
        self.skip_blanks();
        let quote = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            let line = self.rest().split('\n').next().unwrap_or_default();
            let value = line.split(" #").next().unwrap_or_default().trim_end();
            self.at += value.len();
            return Ok(Raw::Template(value.to_owned()));
        };
        let open = self.at;
        self.at += 1;
        let length = closing_quote(self.rest(), quote).ok_or_else(|| self.error(open, "unterminated quoted value"))?;
        let inner = &self.rest()[..length];
        self.at += length + 1;
        Ok(match quote {
            '\'' => Raw::Literal(unescape_quote(inner)),
            _ => Raw::Template(unescape(inner)),
        })
    }

    /// Skips the rest of the line behind a value without quotes.
    fn skip_comment(&mut self, start: usize) {
        if !self.text[start..].trim_start_matches(is_blank).starts_with(['\'', '"']) {
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    /// Skips blank lines and comments.
    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if !self.rest().starts_with('#') {
                return;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
    }
}

/// Whether a character separates within a line.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']')
}

/// The offset of the next `quote` that no backslash precedes.
fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// Resolves `\'`, the one escape of single quotes; a backslash before another one is no escape of what follows them.
fn unescape_quote(text: &str) -> String {
    let mut output = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('\'')) => output.push('\''),
            (c, next) => output.extend([Some(c), next].into_iter().flatten()),
        }
    }
    output
}

/// Resolves the escapes of double quotes; `\$` becomes `$$`, which the template makes a `$`.
fn unescape(text: &str) -> String {
    let mut output = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            output.push(c);
            continue;
        }
        match chars.next() {
            Some('a') => output.push('\u{7}'),
            Some('b') => output.push('\u{8}'),
            Some('f') => output.push('\u{c}'),
            Some('n') => output.push('\n'),
            Some('r') => output.push('\r'),
            Some('t') => output.push('\t'),
            Some('v') => output.push('\u{b}'),
            Some('$') => output.push_str("$$"),
            Some('0') => {
                let digits: String = std::iter::from_fn(|| chars.next_if(char::is_ascii_digit)).take(3).collect();
                let code = u8::from_str_radix(&digits, 8).ok().filter(|_| digits.len() == 3);
                match code {
                    Some(code) => output.push(char::from(code)),
                    // Compose drops the zero of what is not three octal digits below 0400.
                    None => output.extend(["\\", &digits]),
                }
            }
            Some(c @ ('"' | '\\')) => output.push(c),
            Some(c) => output.extend(['\\', c]),
            None => output.push('\\'),
        }
    }
    output
}

#[cfg(test)]
#[path = "dotenv_tests.rs"]
mod tests;
