//! What the phases of one load share: the sources read so far and the mistakes found in them.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, DiagnosticKind, Label, Severity, Source, Span};
use super::lint::LINTS;
use super::node::Node;
use super::notes::Notes;
use super::variables::{VariableSource, Variables};

/// A source of this load, by the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceId(u32);

/// Where a node of a tree came from; small and `Copy`, unlike [`Span`]: every node and key of a tree has one. Offsets in
/// the text of the source, which is much shorter than four gigabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Origin {
    pub(super) source: SourceId,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Collects diagnostics. Phases go on past a mistake so that all of them are reported at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    sources: RefCell<Sources>,
    findings: RefCell<Findings>,
    has_errors: Cell<bool>,
    /// Bytes of texts that variables were put into.
    grown: Cell<usize>,
    /// Files that were included.
    includes: Cell<usize>,
    /// Ports that ranges were expanded to.
    ports: Cell<usize>,
    notes: RefCell<Notes>,
    templates: bool,
    trace: RefCell<Option<Trace>>,
}

/// The sources, and those of each name: a file that is read again is the same source.
#[derive(Debug, Default)]
struct Sources {
    all: Vec<Arc<Source>>,
    by_name: HashMap<String, Vec<SourceId>>,
}

/// Ports that the ranges of a project may stand for.
const MOST_PORTS: usize = 200_000;
/// Bytes that texts with variables may take.
const MOST_GROWN: usize = 64 << 20;
/// Mistakes of each severity that are kept: more help nobody.
const MOST: usize = 1000;

/// What was found: in file order, each once.
#[derive(Debug, Default)]
struct Findings {
    all: BTreeSet<Finding>,
    errors: usize,
    warnings: usize,
}

/// A diagnostic whose places are not looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) origin: Origin,
    pub(super) severity: Severity,
    pub(super) kind: DiagnosticKind,
    pub(super) help: Option<String>,
    pub(super) labels: Vec<(Origin, String)>,
}

/// What `config --explain` asks for, by the places of values.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// The place of a value to the places of those that it replaced, last first.
    pub(super) overridden: BTreeMap<Origin, Vec<Origin>>,
    /// The place of a template to the variables in it.
    pub(super) variables: BTreeMap<Origin, Vec<Use>>,
}

/// A variable where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) source: Option<VariableSource>,
    /// What a template takes where it is unset.
    pub(super) default: Option<String>,
}

impl Report {
    /// A report on files whose variables are left as they are when `templates`.
    pub(super) fn new(templates: bool) -> Self {
        Self { templates, ..Self::default() }
    }

    /// Keeps record of what replaces what from now on.
    pub(super) fn start_trace(&self) {
        *self.trace.borrow_mut() = Some(Trace::default());
    }

    pub(super) fn take_trace(&self) -> Option<Trace> {
        self.trace.take()
    }

    /// Notes that `over` takes the place of `base`.
    pub(super) fn overrides(&self, over: &Node, base: &Node) {
        if let Some(trace) = self.trace.borrow_mut().as_mut()
            && over.origin != base.origin
        {
            let earlier = trace.overridden.get(&base.origin).cloned().unwrap_or_default();
            let known = trace.overridden.entry(over.origin).or_default();
            for origin in std::iter::once(base.origin).chain(earlier) {
                if !known.contains(&origin) {
                    known.push(origin);
                }
            }
        }
    }

    /// Whether record is kept of what replaces what.
    pub(super) fn traces(&self) -> bool {
        self.trace.borrow().is_some()
    }

    /// Notes that the value at `origin` takes a variable, or a default in its place.
    pub(super) fn uses(&self, origin: Origin, name: &str, default: Option<&str>, variables: &Variables) {
        if let Some(trace) = self.trace.borrow_mut().as_mut() {
            let found = Use {
                name: name.to_owned(),
                value: variables.get(name).map(str::to_owned),
                source: variables.source(name),
                default: default.map(str::to_owned),
            };
            let known = trace.variables.entry(origin).or_default();
            if !known.contains(&found) {
                known.push(found);
            }
        }
    }

    /// Whether texts may hold variables, which may stand for anything.
    pub(super) fn templates(&self) -> bool {
        self.templates
    }

    pub(super) fn add_source(&self, name: String, text: String) -> SourceId {
        let Sources { all, by_name } = &mut *self.sources.borrow_mut();
        let known = by_name.entry(name.clone()).or_default();
        if let Some(id) = known.iter().find(|id| all[id.0 as usize].text == text) {
            return *id;
        }
        all.push(Arc::new(Source::new(name, text)));
        let id = SourceId(offset(all.len() - 1));
        known.push(id);
        id
    }

    /// Whether `count` more ports may be written out; each range is short, and what it stands for is not.
    pub(super) fn may_expand(&self, count: usize) -> bool {
        self.ports.set(self.ports.get().saturating_add(count));
        self.ports.get() <= MOST_PORTS
    }

    /// Whether texts of variables may take `bytes` more.
    pub(super) fn may_grow(&self, bytes: usize) -> bool {
        self.grown.set(self.grown.get().saturating_add(bytes));
        self.grown.get() <= MOST_GROWN
    }

    /// Counts an `include`; how many there were.
    pub(super) fn count_include(&self) -> usize {
        self.includes.set(self.includes.get() + 1);
        self.includes.get()
    }

    pub(super) fn source(&self, id: SourceId) -> Arc<Source> {
        Arc::clone(&self.sources.borrow().all[id.0 as usize])
    }

    /// What is known beside the mistakes, to explain them with.
    pub(super) fn notes(&self) -> RefMut<'_, Notes> {
        self.notes.borrow_mut()
    }

    /// Turns an origin into a span that holds its text, on character boundaries whatever the parser said.
    pub(super) fn span(&self, origin: Origin) -> Span {
        let source = self.source(origin.source);
        let start = floor(&source.text, origin.start as usize);
        let end = floor(&source.text, origin.end as usize).max(start);
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

    pub(super) fn warning_with_help(&self, origin: Origin, kind: DiagnosticKind, help: impl Into<String>) {
        self.add(Severity::Warning, origin, kind, Some(help.into()), None);
    }

    fn add(
        &self,
        severity: Severity,
        origin: Origin,
        kind: DiagnosticKind,
        help: Option<String>,
        label: Option<(Origin, &'static str)>,
    ) {
        let labels = label.into_iter().map(|(origin, text)| (origin, text.to_owned())).collect();
        self.add_finding(Finding { origin, severity, kind, help, labels });
    }

    pub(super) fn add_finding(&self, finding: Finding) {
        debug_assert!(
            finding.severity == Severity::Error || LINTS.iter().any(|lint| lint.name == finding.kind.name()),
            "{} has no row in the table of warnings",
            finding.kind.name()
        );
        let mut findings = self.findings.borrow_mut();
        let Findings { all, errors, warnings } = &mut *findings;
        let count = match finding.severity {
            Severity::Error => {
                self.has_errors.set(true);
                errors
            }
            Severity::Warning => warnings,
        };
        // A node that several aliases refer to has its mistakes once.
        if *count < MOST && all.insert(finding) {
            *count += 1;
        }
    }

    /// A diagnostic that is not part of the report.
    pub(super) fn diagnostic(&self, severity: Severity, origin: Origin, kind: DiagnosticKind) -> Diagnostic {
        self.rendered(Finding { origin, severity, kind, help: None, labels: Vec::new() })
    }

    /// The same for an error that clashes with something.
    pub(super) fn diagnostic_with_label(
        &self,
        origin: Origin,
        kind: DiagnosticKind,
        label: Option<(Origin, &'static str)>,
    ) -> Diagnostic {
        let labels = label.into_iter().map(|(origin, text)| (origin, text.to_owned())).collect();
        self.rendered(Finding { origin, severity: Severity::Error, kind, help: None, labels })
    }

    /// The part of `origin` that reads `text`, where it is written out; else `origin` as it is.
    pub(super) fn find(&self, origin: Origin, text: &str) -> Origin {
        let span = self.span(origin);
        match span.source.text[span.range.clone()].find(text) {
            Some(at) => {
                let start = span.range.start + at;
                Origin::new(origin.source, start..start + text.len())
            }
            None => origin,
        }
    }

    /// Whether no more errors are kept: none has to be explained any more.
    pub(super) fn is_full(&self) -> bool {
        self.findings.borrow().errors >= MOST
    }

    pub(super) fn has_errors(&self) -> bool {
        self.has_errors.get()
    }

    /// Everything found, in file order.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.take_diagnostics()
    }

    /// As [`Self::into_diagnostics`]; the report goes on empty.
    pub(super) fn take_diagnostics(&self) -> Vec<Diagnostic> {
        let findings = self.findings.take();
        let notes = self.notes.borrow();
        let mut found: Vec<Finding> =
            findings.all.into_iter().filter_map(|finding| notes.explain(finding, self)).collect();
        found.sort();
        // What services share by an alias, or as their base, has its mistakes once, in the words of the first.
        found.dedup_by(|later, first| {
            *later == *first
                || later.origin == first.origin
                    && !first.labels.is_empty()
                    && is_of_a_value(&later.kind)
                    && later.kind.name() == first.kind.name()
        });
        found.into_iter().map(|finding| self.rendered(finding)).collect()
    }

    fn rendered(&self, finding: Finding) -> Diagnostic {
        let Finding { origin, severity, kind, help, labels } = finding;
        let label = |(origin, text)| Label { span: self.span(origin), text };
        let labels = labels.into_iter().map(label).collect();
        Diagnostic { severity, span: self.span(origin), kind, help, labels }
    }
}

/// Whether a mistake is one of a value itself, whoever has it.
fn is_of_a_value(kind: &DiagnosticKind) -> bool {
    use DiagnosticKind::{InvalidValue, Undefined, UnknownKey, WrongType};
    matches!(kind, UnknownKey { .. } | WrongType { .. } | InvalidValue { .. } | Undefined { .. })
}

impl Origin {
    /// Whether `other` stands inside this, or is it.
    pub(super) fn holds(&self, other: Self) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }

    pub(super) fn new(source: SourceId, range: Range<usize>) -> Self {
        Self { source, start: offset(range.start), end: offset(range.end) }
    }
}

/// Files are shorter than this can say; what is longer has no place beyond its end.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
