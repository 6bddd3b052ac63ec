//! One pattern of a `.dockerignore`: those of Go's `filepath.Match`, and `**`.
//!
//! ```text
//! *        anything within a part of the path       [a-z] [^a-z]  a character of a class, or none of it
//! ?        a character within a part                \c            the character c
//! **       anything, over several parts too
//! ```
//!
//! They are matched as docker's matcher does it, which has corners of its own: `**o` is whatever ends with an `o`, `o**`
//! whatever begins with one.

use std::fmt::Write as _;

use regex::Regex;

/// A pattern.
#[derive(Debug, Clone)]
pub(in crate::build) struct Pattern {
    text: String,
    matcher: Matcher,
    /// What each part of a path has to match, up to the first part that may stand for several.
    parts: Vec<Matcher>,
    /// Behind these parts anything may come.
    open: bool,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Prefix(String),
    /// What it ends with; and what it is as a whole, for `**/name`.
    Suffix(String),
    Regex(Regex),
}

impl Pattern {
    /// Reads a pattern.
    pub(in crate::build) fn new(text: &str) -> Result<Self, &'static str> {
        let matcher = Matcher::new(text)?;
        let mut parts = Vec::new();
        // A class may match a `/`, and one may be escaped.
        let open = text.contains(['[', '\\']) || text.contains("**");
        for part in text.split('/') {
            if part.contains("**") || part.contains(['[', '\\']) {
                break;
            }
            parts.push(Matcher::new(part)?);
        }
        Ok(Self { text: text.to_owned(), matcher, parts, open })
    }

    /// The pattern as it is written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is about this very path.
    pub(in crate::build) fn matches(&self, path: &str) -> bool {
        self.matcher.matches(path)
    }

    /// Whether it may be about something below a directory.
    pub(super) fn reaches_into(&self, directory: &str) -> bool {
        let mut parts = self.parts.iter();
        for name in directory.split('/') {
            match parts.next() {
                None => return self.open,
                Some(part) if !part.matches(name) => return false,
                Some(_) => {}
            }
        }
        self.open || parts.next().is_some()
    }
}

impl Matcher {
    fn new(text: &str) -> Result<Self, &'static str> {
        let mut expression = String::from("^");
        let mut kind: fn(&str) -> Option<Self> = |text| Some(Self::Exact(text.to_owned()));
        let regex: fn(&str) -> Option<Self> = |_| None;
        let mut exact = true;
        let mut first = true;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    chars.next_if_eq(&'/');
                    if chars.peek().is_some() {
                        expression.push_str("(.*/)?");
                        kind = regex;
                    } else if exact {
                        kind = |text| Some(Self::Prefix(text[..text.len() - 2].to_owned()));
                    } else {
                        expression.push_str(".*");
                        kind = regex;
                    }
                    if first {
                        kind = |text| Some(Self::Suffix(text[2..].to_owned()));
                    }
                    exact = false;
                }
                '*' | '?' | '[' => {
                    match c {
                        '*' => expression.push_str("[^/]*"),
                        '?' => expression.push_str("[^/]"),
                        _ => class(&mut chars, &mut expression)?,
                    }
                    (kind, exact) = (regex, false);
                }
                '\\' => {
                    let escaped = chars.next().ok_or("it ends with a `\\`")?;
                    expression.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
                    (kind, exact) = (regex, false);
                }
                _ => expression.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
            first = false;
        }
        match kind(text) {
            Some(matcher) => Ok(matcher),
            None => Regex::new(&(expression + "$")).map(Self::Regex).map_err(|_| "it is too large"),
        }
    }

    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}

/// Reads what stands behind `[`, up to `]`.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, expression: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a class is not closed with `]`";
    let bound = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| match chars.next() {
        None => Err(OPEN),
        Some('\\') => chars.next().ok_or(OPEN),
        Some('-' | ']') => Err("a class has a `-` or a `]` where a character has to be"),
        Some(c) => Ok(c),
    };
    expression.push('[');
    if chars.next_if_eq(&'^').is_some() {
        expression.push('^');
    }
    let mut any = false;
    loop {
        if any && chars.next_if_eq(&']').is_some() {
            expression.push(']');
            return Ok(());
        }
        let low = bound(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { bound(chars)? } else { low };
        any = true;
        if low <= high {
            let written = write!(expression, "\\x{{{:x}}}-\\x{{{:x}}}", u32::from(low), u32::from(high));
            written.expect("a text takes what is written to it");
        } else {
            return Err("a range in a class ends before it begins");
        }
    }
}
