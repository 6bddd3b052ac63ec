//! Commands: for a shell, or as a JSON list.

use std::ops::Range;

use super::heredoc::{Heredoc, marker};
use super::instruction::{Command, CommandForm, Word};
use super::line::Line;
use super::mistake::{Mistake, MistakeKind};

/// A list in the JSON form; nothing if the part is none. What looks like a list and is no JSON is a line for the shell,
/// as `[ -f /etc/passwd ]` is.
///
/// # Errors
/// [`MistakeKind::NotStrings`].
pub(super) fn json(line: &Line, range: Range<usize>) -> Result<Option<Vec<Word>>, Mistake> {
    let text = &line.text[range.clone()];
    if !text.starts_with('[') {
        return Ok(None);
    }
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return Ok(None) };
    let mut places = strings(text).into_iter();
    let mut words = Vec::with_capacity(values.len());
    for value in values {
        let serde_json::Value::String(text) = value else {
            let help = "put the item into double quotes".to_owned();
            return Err(Mistake::new(line.span(range), MistakeKind::NotStrings).with_help(help));
        };
        let place = places.next().unwrap_or(0..0);
        words.push(Word { text, span: line.span(range.start + place.start..range.start + place.end) });
    }
    Ok(Some(words))
}

/// Where the strings of a JSON list stand, quotes and all.
fn strings(text: &str) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut start = None;
    let mut chars = text.bytes().enumerate();
    while let Some((at, c)) = chars.next() {
        match (c, start) {
            (b'"', None) => start = Some(at),
            (b'"', Some(from)) => {
                places.push(from..at + 1);
                start = None;
            }
            (b'\\', Some(_)) => drop(chars.next()),
            _ => {}
        }
    }
    places
}

/// A command in either form.
///
/// # Errors
/// [`MistakeKind::NotStrings`].
pub(super) fn command(line: &Line, range: Range<usize>, heredocs: Vec<Heredoc>) -> Result<Command, Mistake> {
    let form = match json(line, range.clone())? {
        Some(words) => CommandForm::Exec(words),
        None => CommandForm::Shell(line.word(range)),
    };
    Ok(Command { form, heredocs })
}

/// What a command comes to, before a shell is put in front of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// A program and its arguments.
    Exec(Vec<String>),
    /// A line, or a heredoc, for the shell.
    Shell(String),
    /// A heredoc that begins with `#!`: a file to run, with its name.
    Script {
        /// The word that ends the heredoc.
        name: String,
        /// The file.
        content: String,
    },
}

impl Command {
    /// What is run: a heredoc that stands alone is itself the script; beside other words the shell reads it.
    #[must_use]
    pub fn program(&self) -> Program {
        let line = match &self.form {
            CommandForm::Exec(words) => return Program::Exec(words.iter().map(|word| word.text.clone()).collect()),
            CommandForm::Shell(line) => &line.text,
        };
        let Some(first) = self.heredocs.first() else { return Program::Shell(line.clone()) };
        if marker(line).is_some() {
            let content = first.content();
            return match content.starts_with("#!") {
                true => Program::Script { name: first.name.clone(), content },
                false => Program::Shell(content),
            };
        }
        let below = self.heredocs.iter().map(|heredoc| format!("\n{}{}", heredoc.raw, heredoc.name));
        Program::Shell(line.clone() + &below.collect::<String>())
    }
}
