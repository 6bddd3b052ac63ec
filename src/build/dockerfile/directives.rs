//! The comments at the top of a file that say how to read the rest of it.
//!
//! ```text
//! # syntax=docker/dockerfile:1
//! # escape=`
//! # check=skip=JSONArgsRecommended,StageNameCasing;error=true
//! ```
//!
//! The first line that is something else ends them, be it another comment or a blank line.

use std::sync::Arc;

use super::instruction::{CheckOptions, Directives, Word};
use super::mistake::{Mistake, MistakeKind};
use crate::text::{Source, Span, did_you_mean};

/// The directives of a text, and the byte behind the last of them.
pub(super) fn read(source: &Arc<Source>, mistakes: &mut Vec<Mistake>) -> (Directives, usize) {
    let mut directives = Directives { syntax: None, escape: '\\', check: CheckOptions::default() };
    let mut seen: Vec<(&'static str, Span)> = Vec::new();
    let text = &source.text;
    let mut at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if text[at..].starts_with("#!") {
        at += text[at..].find('\n').map_or(text.len() - at, |end| end + 1);
    }
    while let Some((name, value, behind)) = directive(source, at) {
        at = behind;
        let Some(known) = ["syntax", "escape", "check"].into_iter().find(|known| name.text.eq_ignore_ascii_case(known))
        else {
            break;
        };
        if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == known) {
            let mistake = Mistake::new(name.span, MistakeKind::DuplicateDirective(known));
            mistakes.push(mistake.with_label(first.clone(), "first given here"));
            continue;
        }
        seen.push((known, name.span));
        let read = match known {
            "escape" => escape(&value).map(|escape| directives.escape = escape),
            "check" => check_options(&value).map(|check| directives.check = check),
            _ => {
                directives.syntax = Some(value);
                Ok(())
            }
        };
        mistakes.extend(read.err());
    }
    (directives, at)
}

/// `# name=value` on the line that begins at a byte, and where the next line begins.
fn directive(source: &Arc<Source>, at: usize) -> Option<(Word, Word, usize)> {
    let rest = &source.text[at..];
    let length = rest.find('\n').unwrap_or(rest.len());
    let line = &rest[..length];
    // The offset of a part of the line.
    let offset = |part: &str| at + (part.as_ptr() as usize - rest.as_ptr() as usize);
    let word = |part: &str| Word {
        text: part.to_owned(),
        span: Span { source: Arc::clone(source), range: offset(part)..offset(part) + part.len() },
    };
    let (name, value) = line.trim_start().strip_prefix('#')?.trim().split_once('=')?;
    let (name, value) = (name.trim_end(), value.trim_start());
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(|c| c.is_ascii_alphanumeric());
    (valid && !value.is_empty()).then(|| (word(name), word(value), (at + length + 1).min(source.text.len())))
}

fn escape(value: &Word) -> Result<char, Mistake> {
    match value.text.as_str() {
        "\\" => Ok('\\'),
        "`" => Ok('`'),
        _ => {
            let kind = MistakeKind::DirectiveValue { directive: "escape", value: value.text.clone() };
            Err(Mistake::new(value.span.clone(), kind).with_help("it is a backslash or a backtick".to_owned()))
        }
    }
}

/// Reads `skip=A,B;error=true`.
pub(super) fn check_options(value: &Word) -> Result<CheckOptions, Mistake> {
    let mut options = CheckOptions::default();
    let mut start = 0;
    // As docker does, what is behind a blank is left out.
    let whole = value.text.split(' ').next().unwrap_or_default();
    for option in whole.split(';') {
        let word = value.part(start..start + option.len());
        start += option.len() + 1;
        let Some((key, values)) = option.split_once('=') else { return Err(no_check_option(&word)) };
        let values = word.part(key.len() + 1..key.len() + 1 + values.len());
        match key.trim() {
            "skip" if values.text.trim() == "all" => options.skip_all = true,
            "skip" => options.skip = list(&values),
            "experimental" if values.text.trim() == "all" => options.experimental_all = true,
            "experimental" => options.experimental = list(&values),
            "error" => match values.text.trim() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => options.error = true,
                "0" | "f" | "F" | "false" | "FALSE" | "False" => options.error = false,
                _ => {
                    let kind = MistakeKind::DirectiveValue { directive: "check", value: word.text };
                    return Err(Mistake::new(word.span, kind).with_help("`error` is `true` or `false`".to_owned()));
                }
            },
            _ => return Err(no_check_option(&word)),
        }
    }
    Ok(options)
}

fn no_check_option(word: &Word) -> Mistake {
    let kind = MistakeKind::DirectiveValue { directive: "check", value: word.text.clone() };
    let key = word.text.split('=').next().unwrap_or_default().trim();
    let help = did_you_mean(key, ["skip", "error", "experimental"]).unwrap_or_else(|| {
        "it takes `skip=RULE,RULE`, `error=true` and `experimental=RULE`, with `;` between".to_owned()
    });
    Mistake::new(word.span.clone(), kind).with_help(help)
}

/// The words between commas.
fn list(values: &Word) -> Vec<Word> {
    let mut start = 0;
    let mut words = Vec::new();
    for item in values.text.split(',') {
        let word = values.part(start..start + item.len());
        start += item.len() + 1;
        let text = word.text.trim();
        let blank = word.text.len() - word.text.trim_start().len();
        words.push(word.part(blank..blank + text.len()));
    }
    words
}
