//! The env-file format of Compose: `.env`, `--env-file` and `env_file`.
//!
//! `KEY=VALUE`, `export KEY=VALUE`, `KEY: VALUE`, or `KEY` alone (inherited). A value without quotes ends at the end of the line or
//! at ` #`; in single quotes it is literal; in double quotes it has escapes. Both quoted forms may span lines, and
//! all but the single-quoted one are templates.

use std::borrow::Cow;
use std::ops::Range;

use super::interpolate::{TemplateError, expand};

/// Why an env file cannot be read, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnvFileError {
    pub(super) range: Range<usize>,
    pub(super) reason: String,
}

/// The assignments of a file in order; `None` for a key alone.
pub(super) type Assignments = Vec<(String, Option<String>)>;

/// Parses `text`. Templates see `lookup` first and then the variables assigned above them.
///
/// # Errors
/// [`EnvFileError`] for the first line that cannot be read.
pub(super) fn parse(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Assignments, EnvFileError> {
    let mut cursor = Cursor { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    let mut assignments = Assignments::new();
    while let Some(key) = cursor.key()? {
        let start = cursor.at;
        let raw = match cursor.value()? {
            None => {
                assignments.push((key.to_owned(), None));
                continue;
            }
            Some(raw) => raw,
        };
        let value = match raw {
            Raw::Literal(value) => value,
            Raw::Template(template) => {
                let read = |name: &str| {
                    let above = || {
                        let found = assignments.iter().rev().find(|(key, value)| key == name && value.is_some());
                        found.and_then(|(_, value)| value.clone())
                    };
                    lookup(name).or_else(above).map(Cow::Owned)
                };
                let expanded = expand(&template, &read, &mut |_, _| {}).map(Cow::into_owned);
                expanded
                    .map_err(|error| EnvFileError { range: start..cursor.at, reason: describe(&error, &template) })?
            }
        };
        assignments.push((key.to_owned(), Some(value)));
    }
    Ok(assignments)
}

/// Parses the `raw` format: everything after the first `=` of a line is the value, as it stands.
pub(super) fn parse_raw(text: &str) -> Assignments {
    let lines = text.lines().filter(|line| !line.trim_start().is_empty() && !line.trim_start().starts_with('#'));
    lines
        .map(|line| match line.split_once('=') {
            Some((key, value)) => (key.trim_start().to_owned(), Some(value.to_owned())),
            None => (line.trim().to_owned(), None),
        })
        .collect()
}

fn describe(error: &TemplateError, template: &str) -> String {
    match error {
        TemplateError::Invalid(range) => format!("invalid interpolation format `{}`", &template[range.clone()]),
        TemplateError::Required { name, message, .. } => {
            format!("required variable `{name}` is missing a value: {message}")
        }
    }
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

    /// The next key; stops behind it. Skips blank lines and comments.
    fn key(&mut self) -> Result<Option<&'t str>, EnvFileError> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if !self.rest().starts_with('#') {
                break;
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
        if self.rest().is_empty() {
            return Ok(None);
        }
        if let Some(rest) = self.rest().strip_prefix("export") {
            let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            if blank > 0 {
                self.at += "export".len() + blank;
            }
        }
        let start = self.at;
        let allowed = |c: char| c.is_alphanumeric() || "_.-[]".contains(c);
        let length = self.rest().find(|c: char| !allowed(c)).unwrap_or(self.rest().len());
        if length == 0 {
            return Err(self.error(start, "expected a variable name"));
        }
        self.at += length;
        Ok(Some(&self.text[start..self.at]))
    }

    /// The value behind a key, or `None` when the line ends there.
    fn value(&mut self) -> Result<Option<Raw>, EnvFileError> {
        let start = self.at;
        self.skip_blanks();
        match self.rest().chars().next() {
            None | Some('\n' | '\r') => return Ok(None),
            Some('#') if self.at > start => return Ok(None),
            Some('=' | ':') => self.at += 1,
            Some(_) => return Err(self.error(start, "a variable name cannot contain spaces or this character")),
        }
        self.skip_blanks();
        let quote = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            let line = self.rest().lines().next().unwrap_or_default();
            self.at += line.len();
            let value = if line.starts_with('#') { "" } else { line.split(" #").next().unwrap_or_default() };
            return Ok(Some(Raw::Template(value.trim_end().to_owned())));
        };
        let open = self.at;
        self.at += 1;
        let length = closing_quote(self.rest(), quote).ok_or_else(|| self.error(open, "unterminated quoted value"))?;
        let inner = &self.rest()[..length];
        self.at += length + 1;
        self.skip_blanks();
        match self.rest().chars().next() {
            None | Some('\n' | '\r') => {}
            Some('#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            Some(_) => return Err(self.error(self.at, "unexpected text after the closing quote")),
        }
        Ok(Some(match quote {
            '\'' => Raw::Literal(inner.replace("\\'", "'")),
            _ => Raw::Template(unescape(inner)),
        }))
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }
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
                let mut code = 0;
                for _ in 0..3 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    chars.next();
                }
                output.extend(char::from_u32(code));
            }
            Some(c @ ('"' | '\\')) => output.push(c),
            Some(c) => output.extend(['\\', c]),
            None => output.push('\\'),
        }
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str) -> Result<Assignments, EnvFileError> {
        parse(text, &|name| (name == "SHELL_X").then(|| "shell".to_owned()))
    }

    #[test]
    fn values() {
        for (text, value) in [
            ("K=v", "v"),
            ("export K=v", "v"),
            ("K: v", "v"),
            ("\u{feff}K=v", "v"),
            ("K = v # comment", "v"),
            ("K=a#b", "a#b"),
            ("K=#c", ""),
            ("K=", ""),
            ("K='a $X \\' b'", "a $X ' b"),
            ("K='a\nb'", "a\nb"),
            (r#"K="a\n\t\"\\ \$X \0101""#, "a\n\t\"\\ $X A"),
            ("K=\"a\nb\" # c", "a\nb"),
            ("K=${SHELL_X}-${NO:-d}", "shell-d"),
            ("# c\n\n  K=v\r\n", "v"),
            ("K=a b  c", "a b  c"),
            ("K='#'", "#"),
        ] {
            assert_eq!(check(text), Ok(vec![("K".to_owned(), Some(value.to_owned()))]), "{text}");
        }
    }

    #[test]
    fn later_lines_see_earlier_ones_but_the_shell_wins() {
        let found = check("A=1\nB=${A}2\nSHELL_X=file\nC=$SHELL_X\nD\nE=${D-unset}").unwrap();
        let shown: Vec<_> = found.iter().map(|(key, value)| format!("{key}={value:?}")).collect();
        insta::assert_snapshot!(shown.join(" "), @r#"A=Some("1") B=Some("12") SHELL_X=Some("file") C=Some("shell") D=None E=Some("unset")"#);
    }

    #[test]
    fn mistakes() {
        for (text, range, reason) in [
            ("A=1\nK='x", 6..8, "unterminated quoted value"),
            ("A B=1", 1..5, "a variable name cannot contain spaces or this character"),
            ("=1", 0..2, "expected a variable name"),
            ("K=\"a\"b", 5..6, "unexpected text after the closing quote"),
            ("K=${", 1..4, "invalid interpolation format `${`"),
        ] {
            assert_eq!(check(text), Err(EnvFileError { range, reason: reason.to_owned() }), "{text}");
        }
    }

    #[test]
    fn the_raw_format_keeps_everything() {
        let found = parse_raw("# c\nA=\"x\" # y\nB\n\nC=$D");
        insta::assert_debug_snapshot!(found, @r##"
        [
            (
                "A",
                Some(
                    "\"x\" # y",
                ),
            ),
            (
                "B",
                None,
            ),
            (
                "C",
                Some(
                    "$D",
                ),
            ),
        ]
        "##);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[A-C=:'\"\\\\$\\{\\}# \n\té0-9]{0,60}") {
            let _ = check(&text);
            parse_raw(&text);
        }
    }
}
