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
//! The lines themselves are `text`'s to show.

use std::collections::HashMap;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer};

use super::{Diagnostic, DiagnosticKind, Label, Severity, Span};
use crate::text::show;

/// How many are shown of one load.
const MOST: usize = 50;
/// How many other places are named of which the same is to be said.
const MOST_PLACES: usize = 3;
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

fn distance(one: &Span, other: &Span) -> usize {
    one.range.start.abs_diff(other.range.start)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::compose::diagnostic::Source;

    fn floor(source: &Source, at: usize) -> usize {
        source.text.floor_char_boundary(at)
    }

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
