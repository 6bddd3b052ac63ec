//! Variables, quotes and escapes in words: `${name:-"a default"}`.
//!
//! ```text
//! $v ${v}              the value
//! ${v:-w} ${v-w}       w where v is blank or unset; where it is unset
//! ${v:+w} ${v+w}       w where v is neither; where it is set
//! ${v:?e} ${v?e}       a mistake where v is blank or unset; where it is unset
//! ${v#p} ${v##p}       without the shortest, the longest beginning that p matches
//! ${v%p} ${v%%p}       without the shortest, the longest end that p matches
//! ${v/p/r} ${v//p/r}   with r for the first, for each match of p
//! ```
//!
//! Nothing is expanded between single quotes; between double quotes an escape escapes `"`, `$` and itself only, outside of
//! quotes anything.

use std::cell::RefCell;
use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use super::heredoc::Heredoc;
use super::instruction::Word;
use super::mistake::{Mistake, MistakeKind};
use super::pattern::Pattern;
use crate::text::Span;

/// How deeply expressions may stand in one another.
const MOST_NESTED: usize = 100;

/// A variable that a word uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Its name.
    pub name: String,
    /// Where it is used.
    pub span: Span,
    /// Whether it has a value.
    pub set: bool,
}

/// Expands words with the values that variables have; for one instruction, whose words do not see what it sets.
pub struct Expansion<'v> {
    escape: char,
    lookup: &'v dyn Fn(&str) -> Option<String>,
    uses: RefCell<Vec<Use>>,
}

impl std::fmt::Debug for Expansion<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Expansion").field("escape", &self.escape).finish_non_exhaustive()
    }
}

impl<'v> Expansion<'v> {
    /// Takes values from `lookup`; `escape` is that of the file's directives.
    #[must_use]
    pub fn new(escape: char, lookup: &'v dyn Fn(&str) -> Option<String>) -> Self {
        Self { escape, lookup, uses: RefCell::default() }
    }

    /// A word without variables, quotes and escapes.
    ///
    /// # Errors
    /// [`MistakeKind::Expansion`], [`MistakeKind::Required`].
    pub fn word(&self, word: &Word) -> Result<String, Mistake> {
        self.lex(word, self.escape, true).map(|(text, _)| text)
    }

    /// As [`Expansion::word`], cut at blanks that are not quoted: the value of a variable may be several words.
    ///
    /// # Errors
    /// As [`Expansion::word`].
    pub fn words(&self, word: &Word) -> Result<Vec<String>, Mistake> {
        let (_, mut words) = self.lex(word, self.escape, true)?;
        words.retain(|word| !word.is_empty());
        Ok(words)
    }

    /// The content of a heredoc: where its word is not quoted, without variables and escapes. The escape is a backslash
    /// always, and quotes have no meaning.
    ///
    /// # Errors
    /// As [`Expansion::word`].
    pub fn heredoc(&self, heredoc: &Heredoc) -> Result<String, Mistake> {
        let text = heredoc.content();
        if !heredoc.expand {
            return Ok(text);
        }
        self.lex(&Word { text, span: heredoc.span.clone() }, '\\', false).map(|(text, _)| text)
    }

    /// The variables that were used so far.
    #[must_use]
    pub fn uses(&self) -> Vec<Use> {
        self.uses.borrow().clone()
    }

    /// The variables that were used so far and have no value.
    #[must_use]
    pub fn unset(&self) -> Vec<Use> {
        self.uses.borrow().iter().filter(|used| !used.set).cloned().collect()
    }

    fn lex(&self, word: &Word, escape: char, quotes: bool) -> Result<(String, Vec<String>), Mistake> {
        let chars = word.text.char_indices().peekable();
        let mut lexer = Lexer { expansion: self, word, escape, quotes, chars, nested: 0 };
        lexer.until(None, false).map(|found| (found.text, found.words.list))
    }

    fn value(&self, name: &str, span: Span) -> Option<String> {
        let value = (self.lookup)(name);
        self.uses.borrow_mut().push(Use { name: name.to_owned(), span, set: value.is_some() });
        value
    }
}

/// What a piece of a word comes to.
#[derive(Default)]
struct Found {
    text: String,
    words: Words,
}

/// Words as they grow.
#[derive(Default)]
struct Words {
    list: Vec<String>,
    open: bool,
}

impl Words {
    /// Adds to the last word, blanks too.
    fn push_quoted(&mut self, text: &str) {
        if !self.open {
            self.list.push(String::new());
            self.open = true;
        }
        if let Some(last) = self.list.last_mut() {
            last.push_str(text);
        }
    }

    /// Adds, and begins new words at blanks.
    fn push(&mut self, text: &str) {
        for (index, word) in text.split(char::is_whitespace).enumerate() {
            if index > 0 {
                self.open = false;
            }
            if !word.is_empty() {
                self.push_quoted(word);
            }
        }
    }
}

/// Goes through one word.
struct Lexer<'e, 'v> {
    expansion: &'e Expansion<'v>,
    word: &'e Word,
    escape: char,
    quotes: bool,
    chars: Peekable<CharIndices<'e>>,
    nested: usize,
}

impl Lexer<'_, '_> {
    fn at(&mut self) -> usize {
        self.chars.peek().map_or(self.word.text.len(), |(at, _)| *at)
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn next(&mut self) -> Option<char> {
        self.chars.next().map(|(_, c)| c)
    }

    fn mistake(&self, range: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake::new(self.word.part(range).span, MistakeKind::Expansion(message.into()))
    }

    /// Everything up to a character, which is left out, or to the end. In patterns escapes stay.
    fn until(&mut self, stop: Option<char>, keep_escapes: bool) -> Result<Found, Mistake> {
        let start = self.at();
        let mut found = Found::default();
        while let Some(c) = self.peek() {
            if stop == Some(c) {
                self.next();
                return Ok(found);
            }
            match c {
                '$' => {
                    let value = self.dollar()?;
                    found.words.push(&value);
                    found.text.push_str(&value);
                }
                '\'' | '"' if self.quotes => {
                    let text = if c == '"' { self.double_quoted(keep_escapes)? } else { self.single_quoted()? };
                    found.words.push_quoted(&text);
                    found.text.push_str(&text);
                }
                _ => self.other(&mut found, keep_escapes),
            }
        }
        match stop {
            Some(stop) => Err(self.mistake(start.saturating_sub(1)..self.word.text.len(), format!("missing `{stop}`"))),
            None => Ok(found),
        }
    }

    /// A character without a meaning, or one that is escaped.
    fn other(&mut self, found: &mut Found, keep_escapes: bool) {
        let Some(mut c) = self.next() else { return };
        let mut buffer = [0; 4];
        if c != self.escape {
            found.text.push(c);
            found.words.push(c.encode_utf8(&mut buffer));
            return;
        }
        if keep_escapes {
            found.text.push(c);
            found.words.push_quoted(c.encode_utf8(&mut buffer));
        }
        match self.next() {
            Some(escaped) => c = escaped,
            None => return,
        }
        found.text.push(c);
        found.words.push_quoted(c.encode_utf8(&mut buffer));
    }

    fn single_quoted(&mut self) -> Result<String, Mistake> {
        let start = self.at();
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.mistake(start..self.word.text.len(), "a single quote is not closed")),
                Some('\'') => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    fn double_quoted(&mut self, keep_escapes: bool) -> Result<String, Mistake> {
        let start = self.at();
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.mistake(start..self.word.text.len(), "a double quote is not closed")),
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('$') => text.push_str(&self.dollar()?),
                Some(c) if c == self.escape => {
                    self.next();
                    match self.peek() {
                        None => {}
                        Some(escaped) if escaped == '"' || escaped == '$' || escaped == self.escape => {
                            if keep_escapes {
                                text.push(c);
                            }
                            text.push(escaped);
                            self.next();
                        }
                        Some(_) => text.push(c),
                    }
                }
                Some(c) => {
                    text.push(c);
                    self.next();
                }
            }
        }
    }

    /// What begins with `$`.
    fn dollar(&mut self) -> Result<String, Mistake> {
        let start = self.at();
        self.next();
        if self.peek() == Some('{') {
            self.nested += 1;
            if self.nested > MOST_NESTED {
                return Err(self.mistake(start..start + 1, "expressions are nested too deeply"));
            }
            self.next();
            let value = self.braced(start);
            self.nested -= 1;
            return value;
        }
        let name = self.name();
        if name.is_empty() {
            return Ok("$".to_owned());
        }
        let span = self.word.part(start..start + 1 + name.len()).span;
        Ok(self.expansion.value(&name, span).unwrap_or_default())
    }

    /// A name: letters, digits and `_`; or a number; or one character that shells give a meaning.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let first = self.peek();
        let part: fn(char) -> bool = match first {
            Some(c) if c.is_numeric() => char::is_numeric,
            Some(c) if "@*#?-$!".contains(c) => {
                self.next();
                return c.to_string();
            }
            _ => |c| c.is_alphanumeric() || c == '_',
        };
        while let Some((_, c)) = self.chars.next_if(|(_, c)| part(*c)) {
            name.push(c);
        }
        name
    }

    /// What stands behind `${`.
    fn braced(&mut self, start: usize) -> Result<String, Mistake> {
        let missing = |lexer: &Self| lexer.mistake(start..lexer.word.text.len(), "missing `}`");
        match self.peek() {
            None => return Err(missing(self)),
            Some('{' | '}' | ':') => {
                let end = self.at() + 1;
                return Err(self.mistake(start..end, "a name has to stand behind `${`"));
            }
            _ => {}
        }
        let name = self.name();
        let end = self.at();
        let span = self.word.part(start..end).span;
        let Some(operator) = self.next() else { return Err(missing(self)) };
        let (blank_is_unset, operator) = match operator {
            '}' => {
                let whole = self.word.part(start..end + 1).span;
                return Ok(self.expansion.value(&name, whole).unwrap_or_default());
            }
            '/' => return self.replaced(&name, start, span),
            ':' => (true, self.next().ok_or_else(|| missing(self))?),
            operator => (false, operator),
        };
        let pattern = !blank_is_unset && matches!(operator, '#' | '%');
        if !pattern && !matches!(operator, '-' | '+' | '?') {
            let written = if blank_is_unset { format!(":{operator}") } else { operator.to_string() };
            let end = self.at();
            return Err(self
                .mistake(start..end, format!("`{written}` has no meaning behind a name"))
                .with_help("it may be `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` or `//`".to_owned()));
        }
        let word = self.until(Some('}'), pattern)?.text;
        let value = self.expansion.value(&name, span.clone());
        let present = value.clone().filter(|value| !(blank_is_unset && value.is_empty()));
        match operator {
            '-' => Ok(present.unwrap_or(word)),
            '+' => Ok(present.map_or_else(String::new, |_| word)),
            '?' => present.ok_or_else(|| {
                let why = if value.is_none() { "is not set" } else { "is blank" };
                let message = if word.is_empty() { why.to_owned() } else { format!("{why}: {word}") };
                Mistake::new(span, MistakeKind::Required { name, message })
            }),
            _ => {
                let (longest, word) = match word.strip_prefix(operator) {
                    Some(word) => (true, word),
                    None => (false, word.as_str()),
                };
                let pattern = self.pattern(word, start)?;
                let value = value.unwrap_or_default();
                Ok(if operator == '#' {
                    pattern.without_prefix(&value, longest)
                } else {
                    pattern.without_suffix(&value, longest)
                })
            }
        }
    }

    /// What stands behind `${name/`.
    fn replaced(&mut self, name: &str, start: usize, span: Span) -> Result<String, Mistake> {
        let all = self.chars.next_if(|(_, c)| *c == '/').is_some();
        let pattern = self.until(Some('/'), true)?.text;
        let replacement = self.until(Some('}'), true)?.text;
        let value = self.expansion.value(name, span).unwrap_or_default();
        Ok(self.pattern(&pattern, start)?.replace(&value, &replacement, all))
    }

    fn pattern(&mut self, text: &str, start: usize) -> Result<Pattern, Mistake> {
        let end = self.at();
        Pattern::new(text).map_err(|message| self.mistake(start..end, message))
    }
}
