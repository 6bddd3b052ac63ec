//! Texts that stand below the line that uses them.
//!
//! ```text
//! RUN <<EOF            COPY <<one.txt <<-"two.txt" /etc/
//! echo one             no $variables in the second,
//! EOF                  one.txt
//!                      and no leading tabs
//!                      two.txt
//! ```

use std::ops::Range;

use super::line::{Line, Reader};
use super::mistake::{Mistake, MistakeKind};
use crate::text::Span;

/// A text that stands below the line that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it, which also is its file's name.
    pub name: String,
    /// `<<EOF` where the line uses it.
    pub span: Span,
    /// The lines as they stand, without the one that ends them.
    pub raw: String,
    /// Its variables are expanded, where the instruction expands any: the word is not quoted.
    pub expand: bool,
    /// `<<-`: tabs at the beginnings of lines are left out.
    pub chomp: bool,
    /// What stands before `<<`: the descriptor it is to have in a shell.
    pub descriptor: u32,
}

impl Heredoc {
    /// The lines, without leading tabs where `<<-` says so.
    #[must_use]
    pub fn content(&self) -> String {
        if !self.chomp {
            return self.raw.clone();
        }
        self.raw.split_inclusive('\n').map(|line| line.trim_start_matches('\t')).collect()
    }
}

/// What a word like `3<<-'EOF'` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marker {
    name: String,
    expand: bool,
    chomp: bool,
    descriptor: u32,
}

/// Reads a word as the beginning of a heredoc.
pub(super) fn marker(word: &str) -> Option<Marker> {
    let digits = word.find(|c: char| !c.is_ascii_digit())?;
    let (descriptor, rest) = word.split_at(digits);
    let rest = rest.strip_prefix("<<")?;
    let (chomp, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim();
    if rest.contains('<') {
        return None;
    }
    let (name, quoted) = name(rest)?;
    Some(Marker { name, expand: !quoted, chomp, descriptor: descriptor.parse().unwrap_or(0) })
}

/// One word without its quotes, and whether it had any; nothing if there are several.
fn name(text: &str) -> Option<(String, bool)> {
    let mut name = String::new();
    let mut quote = None;
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c.is_whitespace() => return None,
            None if c == '\'' || c == '"' => (quote, quoted) = (Some(c), true),
            Some(open) if c == open => quote = None,
            _ if c == '\\' && quote != Some('\'') => name.extend(chars.next()),
            _ => name.push(c),
        }
    }
    (!name.is_empty() && quote.is_none()).then_some((name, quoted))
}

/// The heredocs that a line names, with the places of their words.
fn markers(line: &Line) -> Vec<(Range<usize>, Marker)> {
    let Some(words) = shell_words(&line.text) else { return Vec::new() };
    let marker = |range: Range<usize>| marker(&line.text[range.clone()]).map(|marker| (range, marker));
    words.into_iter().filter_map(marker).collect()
}

/// Reads the heredocs that a line names from the lines below it.
pub(super) fn read(line: &Line, reader: &mut Reader<'_>) -> Result<Vec<Heredoc>, Mistake> {
    let mut heredocs = Vec::new();
    for (range, marker) in markers(line) {
        let span = line.span(range);
        let mut raw = String::new();
        loop {
            let Some(next) = reader.next_raw() else {
                let help = format!("a line that holds `{}` and nothing else ends it", marker.name);
                return Err(Mistake::new(span, MistakeKind::OpenHeredoc(marker.name)).with_help(help));
            };
            let text = &reader.text()[next];
            let ends = text.trim_end_matches(['\n', '\r']);
            if marker.name == if marker.chomp { ends.trim_start_matches('\t') } else { ends } {
                break;
            }
            raw.push_str(text);
        }
        let Marker { name, expand, chomp, descriptor } = marker;
        heredocs.push(Heredoc { name, span, raw, expand, chomp, descriptor });
    }
    Ok(heredocs)
}

/// The words of a line as a shell cuts them, quotes and all; nothing where a quote does not end.
fn shell_words(text: &str) -> Option<Vec<Range<usize>>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(start.take().map(|start| start..at));
            continue;
        }
        start.get_or_insert(at);
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            // Blanks may stand between `<<` and its word.
            None if c == '<' && chars.next_if(|(_, c)| *c == '<').is_some() => {
                while chars.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\r')).is_some() {}
            }
            _ if c == '\\' && quote != Some('\'') => drop(chars.next()),
            _ => {}
        }
    }
    words.extend(start.map(|start| start..text.len()));
    quote.is_none().then_some(words)
}
