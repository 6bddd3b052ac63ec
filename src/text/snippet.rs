//! Lines of a text with carets under places in them.
//!
//! Only the lines that are shown are given to the renderer, and of a long line only the part around the caret: what a
//! mistake costs does not depend on the size of the file.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Origin, Snippet};

use super::{Source, Span};

/// How much of a line is looked at behind a caret, in bytes.
const AROUND: usize = 1000;
/// How far into a line a place may be for the renderer to count its columns, in bytes.
const FAR: usize = 100_000;

/// Adds the lines of places of one source, the first of them the one whose line and column are named.
pub fn show<'a>(
    spans: &[&'a Span],
    annotate: impl Fn(usize, &'a Span) -> (AnnotationKind, Option<&'a str>),
    elements: &mut Vec<Element<'a>>,
) {
    let source = &spans[0].source;
    let (window, cut) = window(spans);
    let name = if source.name == "-" { "standard input" } else { source.name.as_str() };
    let mut snippet =
        Snippet::source(text(&source.text[window.clone()])).line_start(source.line_at(window.start).0 + 1);
    if cut {
        // The renderer would count columns from where the line is cut.
        elements.push(Origin::path(name).line(spans[0].line()).char_column(spans[0].column()).into());
    } else {
        snippet = snippet.path(name);
    }
    for (index, span) in spans.iter().enumerate() {
        let (kind, text) = annotate(index, span);
        snippet = snippet.annotation(kind.span(within(span, &window)).label(text));
    }
    elements.push(snippet.into());
}

/// The text of lines, with blanks for the ends of lines that Windows gives them.
fn text(lines: &str) -> Cow<'_, str> {
    if !lines.contains('\r') {
        return Cow::Borrowed(lines);
    }
    let lines = lines.replace("\r\n", " \n");
    Cow::Owned(match lines.strip_suffix('\r') {
        Some(rest) => format!("{rest} "),
        None => lines,
    })
}

/// The lines that hold the beginnings of spans of one source, and whether the first is cut at its left.
fn window(spans: &[&Span]) -> (Range<usize>, bool) {
    let source = &spans[0].source;
    let first = spans.iter().map(|span| span.range.start).min().unwrap_or(0);
    let last = spans.iter().map(|span| first_line(span).end).max().unwrap_or(first);
    let (line, lines) = source.line_at(first);
    let cut = first - lines[line] > FAR;
    let mark = if line == 0 && source.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let start = if cut { floor(source, first - AROUND) } else { lines[line] + mark };
    let last = last.max(start);
    let length = source.text[last..].find('\n').unwrap_or(source.text.len() - last);
    (start..floor(source, last + length.min(AROUND)), cut)
}

fn floor(source: &Source, at: usize) -> usize {
    (0..=at.min(source.text.len())).rev().find(|at| source.text.is_char_boundary(*at)).unwrap_or(0)
}

/// The part of a span that a caret can underline, as offsets in a window.
fn within(span: &Span, window: &Range<usize>) -> Range<usize> {
    let range = first_line(span);
    let inside = |at: usize| at.clamp(window.start, window.end) - window.start;
    inside(range.start)..inside(range.end)
}

/// The span cut at the end of its first line.
fn first_line(span: &Span) -> Range<usize> {
    let length = span.text().find('\n').unwrap_or(span.range.len());
    let text = span.text()[..length].trim_end();
    let end = floor(&span.source, span.range.start + text.len().min(AROUND));
    span.range.start..end
}
