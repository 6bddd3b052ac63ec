//! What a load knows beside its mistakes, to explain them with: why a file was read, which alias a value came through,
//! which value a variable had, which warnings nobody wants.
//!
//! Phases note what passes by; when the load ends, each mistake is looked at once more, in the light of all of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::diagnostic::{DiagnosticKind, Severity};
use super::report::{Finding, Origin, Report, SourceId};
use super::template::{Expression, Token, Tokens};
use super::variables::{VariableSource, Variables};

/// How many files are named that led to the one with the mistake.
const MOST_CAUSES: usize = 4;
/// How many variables of one template are explained.
const MOST_VARIABLES: usize = 3;
/// How many characters of the value of a variable are shown.
const MOST_CHARACTERS: usize = 40;

/// See the file's own words.
#[derive(Debug, Default)]
pub(super) struct Notes {
    causes: BTreeMap<SourceId, (Origin, &'static str)>,
    /// Anchored nodes, and the first alias of each.
    aliases: BTreeMap<Origin, Origin>,
    variables: Variables,
    /// Texts whose `$` may be meant for a shell in the container.
    for_the_container: Vec<Origin>,
    /// Services by where they are written.
    services: BTreeMap<Origin, String>,
    allowed: Allowed,
}

/// The names of warnings that are silenced.
#[derive(Debug, Default)]
struct Allowed {
    everywhere: BTreeSet<String>,
    in_file: BTreeMap<SourceId, BTreeSet<String>>,
    in_service: HashMap<String, BTreeSet<String>>,
}

impl Notes {
    /// The file `source` is read for what stands at `origin`.
    pub(super) fn read_for(&mut self, source: SourceId, origin: Origin, why: &'static str) {
        if source != origin.source {
            self.causes.entry(source).or_insert((origin, why));
        }
    }

    /// An alias stands for an anchored node.
    pub(super) fn alias(&mut self, anchored: Origin, alias: Origin) {
        self.aliases.entry(anchored).or_insert(alias);
    }

    /// Variables that templates see; those that are known stay.
    pub(super) fn know(&mut self, variables: &Variables) {
        self.variables.fill(variables.clone());
    }

    /// A `$` in the text at `origin` may be meant for a shell in the container.
    pub(super) fn for_the_container(&mut self, origin: Origin) {
        self.for_the_container.push(origin);
    }

    /// A service is written at `origin`.
    pub(super) fn service(&mut self, origin: Origin, name: &str) {
        self.services.insert(origin, name.to_owned());
    }

    /// Silences a warning in the whole project.
    pub(super) fn allow(&mut self, name: &str) {
        self.allowed.everywhere.insert(name.to_owned());
    }

    /// Silences a warning in a file.
    pub(super) fn allow_in_file(&mut self, source: SourceId, name: &str) {
        self.allowed.in_file.entry(source).or_default().insert(name.to_owned());
    }

    /// Silences a warning in a service, in all files.
    pub(super) fn allow_in_service(&mut self, service: &str, name: &str) {
        self.allowed.in_service.entry(service.to_owned()).or_default().insert(name.to_owned());
    }

    /// A finding with what is known about it; `None` when nobody wants to hear it.
    pub(super) fn explain(&self, mut finding: Finding, report: &Report) -> Option<Finding> {
        self.dollar(&mut finding);
        if self.is_allowed(&finding) {
            return None;
        }
        if narrow(&mut finding, report).is_none() {
            self.template(&mut finding, report);
        }
        self.through_alias(&mut finding);
        let mut source = finding.origin.source;
        for _ in 0..MOST_CAUSES {
            let Some((origin, why)) = self.causes.get(&source) else { break };
            finding.labels.push((*origin, (*why).to_owned()));
            source = origin.source;
        }
        Some(finding)
    }

    /// An unset variable where the container has a shell.
    fn dollar(&self, finding: &mut Finding) {
        if let DiagnosticKind::UnsetVariable(name) = &finding.kind
            && self.for_the_container.iter().any(|origin| origin.holds(finding.origin))
        {
            finding.help = Some(format!("write `$${name}` for the variable of the container"));
            finding.kind = DiagnosticKind::VanishingDollar(name.clone());
        }
    }

    fn is_allowed(&self, finding: &Finding) -> bool {
        if finding.severity == Severity::Error {
            return false;
        }
        let name = finding.kind.name();
        let holds = |names: &BTreeSet<String>| names.contains(name) || names.contains("all");
        holds(&self.allowed.everywhere)
            || self.allowed.in_file.get(&finding.origin.source).is_some_and(holds)
            || self.services_at(finding.origin).any(|service| self.allowed.in_service.get(service).is_some_and(holds))
    }

    /// The services whose text holds a place. Services do not stand in one another, so the nearest before it will do.
    fn services_at(&self, origin: Origin) -> impl Iterator<Item = &str> {
        let before = self.services.range(..=Origin { end: u32::MAX, ..origin });
        before.rev().take(1).filter(move |(service, _)| service.holds(origin)).map(|(_, name)| name.as_str())
    }

    fn through_alias(&self, finding: &mut Finding) {
        let inside =
            |(anchored, alias): &(&Origin, &Origin)| anchored.holds(finding.origin) && !anchored.holds(**alias);
        let upto = ..=Origin { end: u32::MAX, ..finding.origin };
        // The innermost one begins last.
        if let Some((_, alias)) = self.aliases.range(upto).rev().find(inside) {
            finding.labels.push((*alias, "used here through its alias".to_owned()));
        }
    }

    /// A wrong value that a template made: which variable had which value.
    fn template(&self, finding: &mut Finding, report: &Report) {
        let of_value = matches!(
            finding.kind,
            DiagnosticKind::WrongType { .. }
                | DiagnosticKind::InvalidValue { .. }
                | DiagnosticKind::Undefined { .. }
                | DiagnosticKind::Conflict(_)
                | DiagnosticKind::Unreadable(_)
                | DiagnosticKind::UnpinnedImage(_)
        );
        if !of_value || report.templates() {
            return;
        }
        let span = report.span(finding.origin);
        if !span.text().contains('$') {
            return;
        }
        let mut variables = Vec::new();
        for token in Tokens::new(span.text(), 0..span.text().len()) {
            let (range, name) = match token {
                Token::Variable { range, name } | Token::Expression(Expression { range, name, .. }) => (range, name),
                _ => continue,
            };
            variables.push((range, &span.text()[name]));
        }
        let (source, start) = (finding.origin.source, span.range.start);
        let at = |range: &Range<usize>| Origin::new(source, start + range.start..start + range.end);
        if let [(range, _)] = variables.as_slice() {
            finding.origin = at(range);
        }
        variables.truncate(MOST_VARIABLES);
        let values: Vec<String> = variables.iter().map(|(_, name)| self.value(name, report)).collect();
        if !values.is_empty() {
            finding.labels.push((finding.origin, values.join("; ")));
        }
        for (_, name) in variables {
            if let Some(VariableSource::File(origin)) = self.variables.source(name) {
                finding.labels.push((origin, "set here".to_owned()));
            }
        }
    }

    fn value(&self, name: &str, report: &Report) -> String {
        let Some(value) = self.variables.get(name) else { return format!("`{name}` is not set") };
        let shown: String = match value.char_indices().nth(MOST_CHARACTERS) {
            Some((end, _)) => format!("{}…", &value[..end]),
            None => value.to_owned(),
        };
        match self.variables.source(name) {
            Some(VariableSource::Process) => format!("`{name}` is `{shown}`, from the environment"),
            Some(VariableSource::File(origin)) => {
                let span = report.span(origin);
                format!("`{name}` is `{shown}`, from {}:{}", span.source.name, span.line())
            }
            _ => format!("`{name}` is `{shown}`"),
        }
    }
}

/// Points at the part of a value that is wrong, when the reason begins with it: `99999` of `99999:80`.
fn narrow(finding: &mut Finding, report: &Report) -> Option<()> {
    let DiagnosticKind::InvalidValue { reason, .. } = &finding.kind else { return None };
    let (_, rest) = reason.split_once('`')?;
    let (part, _) = rest.split_once('`')?;
    let span = report.span(finding.origin);
    let start = span.range.start + word(span.text(), part)?;
    finding.origin = Origin::new(finding.origin.source, start..start + part.len());
    Some(())
}

/// Where `word` stands in a text, not inside a longer word.
fn word(text: &str, word: &str) -> Option<usize> {
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let free = |at: &usize| {
        let joined_before = joins(word.chars().next()) && joins(text[..*at].chars().next_back());
        let joined_behind = joins(word.chars().next_back()) && joins(text[at + word.len()..].chars().next());
        !joined_before && !joined_behind
    };
    if word.is_empty() {
        return None;
    }
    text.match_indices(word).map(|(at, _)| at).find(free)
}
