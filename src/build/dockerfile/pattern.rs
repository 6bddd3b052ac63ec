//! The patterns of `${name#pattern}`: `*` is any text, `?` any character.

use regex::Regex;

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Any,
    One,
    Char(char),
}

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// Reads a pattern, in which `\` escapes `*`, `?`, itself, and what would end the expression.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => match chars.next() {
                    Some(c @ ('*' | '?' | '\\' | '}' | '/')) => Token::Char(c),
                    Some(c) => return Err(format!("`\\{c}` has no meaning in a pattern")),
                    None => return Err("a pattern cannot end with a `\\`".to_owned()),
                },
                c => Token::Char(c),
            });
        }
        Ok(Self(tokens))
    }

    /// The value without the shortest or longest beginning that matches.
    pub(super) fn without_prefix(&self, value: &str, longest: bool) -> String {
        match regex(self.0.iter(), true, longest).and_then(|regex| regex.find(value).map(|found| found.end())) {
            Some(end) => value[end..].to_owned(),
            None => value.to_owned(),
        }
    }

    /// The value without the shortest or longest end that matches: the beginning of both read backwards.
    pub(super) fn without_suffix(&self, value: &str, longest: bool) -> String {
        let backwards: String = value.chars().rev().collect();
        match regex(self.0.iter().rev(), true, longest)
            .and_then(|regex| regex.find(&backwards).map(|found| found.end()))
        {
            Some(end) => value[..value.len() - end].to_owned(),
            None => value.to_owned(),
        }
    }

    /// The value with a text in place of the first match, or of each.
    pub(super) fn replace(&self, value: &str, replacement: &str, all: bool) -> String {
        let Some(regex) = regex(self.0.iter(), false, true) else { return value.to_owned() };
        regex.replacen(value, usize::from(!all), regex::NoExpand(replacement)).into_owned()
    }
}

/// A regular expression, which takes time in proportion to the value; nothing for a pattern that is too large for one.
fn regex<'t>(tokens: impl Iterator<Item = &'t Token>, from_start: bool, longest: bool) -> Option<Regex> {
    let mut text = String::from(if from_start { "^" } else { "" });
    for token in tokens {
        match token {
            Token::Any => text.push_str(if longest { ".*" } else { ".*?" }),
            Token::One => text.push('.'),
            Token::Char(c) => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_and_ends() {
        for (pattern, value, wanted) in [
            ("a*", "aXaY", ["XaY", "", "aX", ""]),
            ("*a", "XaYa", ["Ya", "", "XaY", ""]),
            ("*.", "a.b.c", ["b.c", "c", "a.b.c", "a.b.c"]),
            (".*", "a.b.c", ["a.b.c", "a.b.c", "a.b", "a"]),
            ("?", "äb", ["b", "b", "ä", "ä"]),
            ("\\*", "*a*", ["a*", "a*", "*a", "*a"]),
            ("\\}\\/", "}/x}/", ["x}/", "x}/", "}/x", "}/x"]),
            ("[a]", "[a]b[a]", ["b[a]", "b[a]", "[a]b", "[a]b"]),
            ("", "x", ["x", "x", "x", "x"]),
            ("xyz", "x", ["x", "x", "x", "x"]),
        ] {
            let read = Pattern::new(pattern).unwrap();
            let found = [
                read.without_prefix(value, false),
                read.without_prefix(value, true),
                read.without_suffix(value, false),
                read.without_suffix(value, true),
            ];
            assert_eq!(found, wanted, "{pattern} in {value}");
        }
    }

    #[test]
    fn replacements() {
        for (pattern, value, replacement, first, all) in [
            ("o", "foo", "0", "f0o", "f00"),
            ("o*", "foo", "$1", "f$1", "f$1"),
            ("x", "foo", "y", "foo", "foo"),
            (".", "1.2.3", "_", "1_2.3", "1_2_3"),
        ] {
            let read = Pattern::new(pattern).unwrap();
            assert_eq!([read.replace(value, replacement, false), read.replace(value, replacement, true)], [first, all]);
        }
    }

    #[test]
    fn an_escape_of_nothing_is_a_mistake() {
        assert_eq!(Pattern::new("\\a").unwrap_err(), "`\\a` has no meaning in a pattern");
        assert_eq!(Pattern::new("a\\").unwrap_err(), "a pattern cannot end with a `\\`");
    }
}
