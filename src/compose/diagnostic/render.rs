//! A mistake as people read it.
//!
//! ```text
//! error: service `web` refers to undefined network `frnt`
//!  --> compose.yaml:6:16
//!   |
//! 6 |     networks: [frnt]
//!   |                ^^^^
//!   |
//! help: did you mean `front`?
//! ```
//!
//! Only the lines that are shown are given to the renderer, and of a long line only the part around the caret: what a
//! mistake costs does not depend on the size of the file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, DiagnosticKind, Label, Severity, Source, Span};

/// How many are shown of one load.
const MOST: usize = 50;
/// How many other places are named of which the same is to be said.
const MOST_PLACES: usize = 3;
/// How much of a line is looked at behind a caret, in bytes.
const AROUND: usize = 1000;
/// How far into a line a place may be for the renderer to count its columns, in bytes.
const FAR: usize = 100_000;
/// How far apart two places of one file may be to be shown together, in bytes.
const TOGETHER: usize = 4000;

/// The diagnostics of one load as people read them: the first fifty, errors before warnings, in file order.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic], color: bool) -> String {
    let diagnostics = together(diagnostics);
    let errors = diagnostics.iter().filter(|(diagnostic, _)| !diagnostic.is_warning()).count();
    let shown_errors = errors.min(MOST);
    let shown_warnings = (diagnostics.len() - errors).min(MOST - shown_errors);
    let (mut error_room, mut warning_room) = (shown_errors, shown_warnings);
    let mut shown = Vec::new();
    for (diagnostic, elsewhere) in &diagnostics {
        let room = if diagnostic.is_warning() { &mut warning_room } else { &mut error_room };
        if *room > 0 {
            *room -= 1;
            shown.push(diagnostic.render_with(elsewhere, color) + "\n");
        }
    }
    let (errors, warnings) = (errors - shown_errors, diagnostics.len() - errors - shown_warnings);
    let counted = |count: usize, what: &str| {
        (count > 0).then(|| format!("{count} more {what}{}", if count == 1 { "" } else { "s" }))
    };
    let more: Vec<String> = [counted(errors, "error"), counted(warnings, "warning")].into_iter().flatten().collect();
    if !more.is_empty() {
        shown.push(format!("and {}\n", more.join(", ")));
    }
    shown.join("\n")
}

/// Diagnostics, each with the places of others that say the same: a variable that is not set is told of once.
fn together(diagnostics: &[Diagnostic]) -> Vec<(&Diagnostic, Vec<&Span>)> {
    let mut told: Vec<(&Diagnostic, Vec<&Span>)> = Vec::new();
    let mut variables = HashMap::new();
    for diagnostic in diagnostics {
        let next = told.len();
        let first = match &diagnostic.kind {
            DiagnosticKind::UnsetVariable(name) => *variables.entry(name).or_insert(next),
            _ => next,
        };
        match told.get_mut(first) {
            Some((_, elsewhere)) => elsewhere.push(&diagnostic.span),
            None => told.push((diagnostic, Vec::new())),
        }
    }
    told
}

/// Some of the places, in words.
fn also_at(spans: &[&Span]) -> String {
    let place = |span: &&Span| format!("{}:{}:{}", span.source.name, span.line(), span.column());
    let named: Vec<String> = spans.iter().take(MOST_PLACES).map(place).collect();
    match spans.len().saturating_sub(MOST_PLACES) {
        0 => format!("also at {}", named.join(", ")),
        more => format!("also at {} and {more} more places", named.join(", ")),
    }
}

impl Diagnostic {
    /// The diagnostic as people read it: message, place, line, caret, help.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.render_with(&[], color)
    }

    /// As [`Diagnostic::render`], with other places of which the same is to be said.
    fn render_with(&self, elsewhere: &[&Span], color: bool) -> String {
        let message = self.message();
        let title = match self.severity {
            Severity::Error => Level::ERROR.primary_title(message),
            Severity::Warning => Level::WARNING.primary_title(message).id(self.name()),
        };
        let mut own = vec![&self.span];
        let mut others: Vec<&Label> = Vec::new();
        for label in &self.labels {
            match label.span.source == self.span.source && distance(&label.span, &self.span) < TOGETHER {
                true if label.span == self.span => {}
                true => own.push(&label.span),
                false => others.push(label),
            }
        }
        let mut elements = Vec::new();
        let text = |span: &Span| self.labels.iter().find(|label| label.span == *span).map(|label| label.text.as_str());
        let annotate = |index: usize, span: &Span| {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            (kind, text(span))
        };
        show(&own, annotate, &mut elements);
        for label in &others {
            show(&[&label.span], |_, _| (AnnotationKind::Context, Some(label.text.as_str())), &mut elements);
        }
        if !elsewhere.is_empty() {
            elements.push(Level::NOTE.message(also_at(elsewhere)).into());
        }
        let mut report = vec![title.elements(elements)];
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&report)
    }
}

/// Adds the lines of places of one source, the first of them the one whose line and column are named.
pub(in crate::compose) fn show<'a>(
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

fn distance(one: &Span, other: &Span) -> usize {
    one.range.start.abs_diff(other.range.start)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn diagnostic(texts: [&str; 2], spans: [(usize, usize); 3]) -> Diagnostic {
        let sources = texts.map(|text| Arc::new(Source::new("f".to_owned(), text.to_owned())));
        let span = |source: &Arc<Source>, (start, length): (usize, usize)| {
            let start = floor(source, start);
            Span { source: Arc::clone(source), range: start..floor(source, start + length) }
        };
        let label = |span| Label { span, text: "here".to_owned() };
        Diagnostic {
            severity: Severity::Error,
            span: span(&sources[0], spans[0]),
            kind: DiagnosticKind::Empty,
            help: None,
            labels: vec![label(span(&sources[0], spans[1])), label(span(&sources[1], spans[2]))],
        }
    }

    #[test]
    fn far_into_a_line_the_column_is_still_right() {
        let text = "é".repeat(60_000) + "x";
        let shown = diagnostic([&text, ""], [(120_000, 1), (120_000, 1), (0, 0)]).render(false);
        assert!(shown.contains("f:1:60001"), "{shown}");
        assert!(shown.len() < 2000, "{shown}");
    }

    proptest! {
        #[test]
        fn any_place_of_any_text_can_be_shown(
            text in "([ -~]|\\PC|[\\n\\r\\t\\x00]){0,80}",
            other in "(\\PC|\\n){0,10}",
            spans in [(0..120_usize, 0..60_usize), (0..120, 0..60), (0..20, 0..20)],
        ) {
            let diagnostic = diagnostic([&text, &other], spans);
            let _ = diagnostic.render(false);
            let _ = diagnostic.render(true);
            let _ = diagnostic.to_json();
        }
    }
}
