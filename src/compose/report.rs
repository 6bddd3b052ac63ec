//! What the phases of one load share: the sources read so far and the mistakes found in them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, DiagnosticKind, Severity, Source, Span};

/// A source of this load, by the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceId(usize);

/// Where a node of a tree came from; small and `Copy`, unlike [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Origin {
    pub(super) source: SourceId,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Collects diagnostics. Phases go on past a mistake so that all of them are reported at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    sources: RefCell<Vec<Arc<Source>>>,
    diagnostics: RefCell<Vec<((SourceId, usize), Diagnostic)>>,
    /// The diagnostics at each place, to tell a new one from a known one without looking at all.
    places: RefCell<HashMap<Origin, Vec<usize>>>,
}

impl Report {
    pub(super) fn add_source(&self, name: String, text: String) -> SourceId {
        let mut sources = self.sources.borrow_mut();
        sources.push(Arc::new(Source { name, text }));
        SourceId(sources.len() - 1)
    }

    pub(super) fn source(&self, id: SourceId) -> Arc<Source> {
        Arc::clone(&self.sources.borrow()[id.0])
    }

    /// Turns an origin into a span that holds its text, on character boundaries whatever the parser said.
    fn span(&self, origin: Origin) -> Span {
        let source = self.source(origin.source);
        let start = floor(&source.text, origin.start);
        let end = floor(&source.text, origin.end).max(start);
        Span { source, range: start..end }
    }

    pub(super) fn error(&self, origin: Origin, kind: DiagnosticKind) {
        self.add(Severity::Error, origin, kind, None, None);
    }

    pub(super) fn error_with_help(&self, origin: Origin, kind: DiagnosticKind, help: Option<String>) {
        self.add(Severity::Error, origin, kind, help, None);
    }

    pub(super) fn error_with_label(&self, origin: Origin, kind: DiagnosticKind, label: (Origin, &'static str)) {
        self.add(Severity::Error, origin, kind, None, Some(label));
    }

    pub(super) fn warning(&self, origin: Origin, kind: DiagnosticKind) {
        self.add(Severity::Warning, origin, kind, None, None);
    }

    fn add(
        &self,
        severity: Severity,
        origin: Origin,
        kind: DiagnosticKind,
        help: Option<String>,
        label: Option<(Origin, &'static str)>,
    ) {
        let label = label.map(|(origin, text)| (self.span(origin), text));
        let diagnostic = Diagnostic { severity, span: self.span(origin), kind, help, label };
        let mut diagnostics = self.diagnostics.borrow_mut();
        // A node that several aliases refer to has its mistakes once.
        let mut places = self.places.borrow_mut();
        let here = places.entry(origin).or_default();
        if !here.iter().any(|known| diagnostics[*known].1 == diagnostic) {
            here.push(diagnostics.len());
            diagnostics.push(((origin.source, origin.start), diagnostic));
        }
    }

    /// The part of `origin` that reads `text`, where it is written out; else `origin` as it is.
    pub(super) fn find(&self, origin: Origin, text: &str) -> Origin {
        let span = self.span(origin);
        match span.source.text[span.range.clone()].find(text) {
            Some(at) => {
                let start = span.range.start + at;
                Origin { start, end: start + text.len(), ..origin }
            }
            None => origin,
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.borrow().iter().any(|(_, diagnostic)| diagnostic.severity == Severity::Error)
    }

    /// Everything found, in file order.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics.into_inner();
        diagnostics.sort_by_key(|(position, _)| *position);
        diagnostics.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }
}

impl Origin {
    pub(super) fn new(source: SourceId, range: Range<usize>) -> Self {
        Self { source, start: range.start, end: range.end }
    }
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
