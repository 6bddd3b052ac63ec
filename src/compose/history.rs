//! Where values come from, as far as a load kept record of it: for `config --explain`.

use super::emit;
use super::explain::{Explanation, UsedVariable, ValueSource};
use super::node::{Node, Value};
use super::report::{Origin, Report, Trace, Use};
use super::template;
use super::variables::{VariableSource, Variables};

/// What a load with record leaves behind.
#[derive(Debug)]
pub(super) struct History {
    pub(super) trace: Trace,
    pub(super) report: Report,
}

/// Notes the variables of each template in a tree, before they are replaced.
pub(super) fn note_templates(node: &Node, variables: &Variables, report: &Report) {
    match &node.value {
        Value::Invalid => {}
        Value::Sequence(items) => items.iter().for_each(|item| note_templates(item, variables, report)),
        Value::Mapping(entries) => {
            entries.values().for_each(|entry| note_templates(&entry.value, variables, report));
        }
        Value::Scalar(scalar) => {
            for found in template::variables(&scalar.text) {
                report.uses(node.origin, found.name, found.default, variables);
            }
        }
    }
}

impl History {
    /// Where the value of a leaf comes from; `above` is the place of the mapping or list that it is in.
    pub(super) fn explain(&self, path: String, node: &Node, above: Option<Origin>) -> Explanation {
        let place = self.report.span(node.origin);
        let uses = self.trace.variables.get(&node.origin).map(Vec::as_slice).unwrap_or_default();
        let is_written = match above == Some(node.origin) {
            false => !uses.is_empty() || node.origin.start < node.origin.end,
            true => is_part(node.text().unwrap_or_default(), place.text(), uses),
        };
        let overridden = self.trace.overridden.get(&node.origin).into_iter().flatten();
        Explanation {
            path,
            value: emit::value(node),
            is_written,
            overridden: overridden.map(|origin| self.report.span(*origin)).collect(),
            variables: uses.iter().filter(|_| is_written).map(|found| self.variable(found)).collect(),
            place,
        }
    }

    fn variable(&self, found: &Use) -> UsedVariable {
        UsedVariable {
            name: found.name.clone(),
            value: found.value.clone(),
            source: match found.source {
                None => ValueSource::Unset { default: found.default.clone() },
                Some(VariableSource::Process) => ValueSource::Process,
                Some(VariableSource::Implied) => ValueSource::Project,
                Some(VariableSource::File(origin)) => ValueSource::File(self.report.span(origin)),
            },
        }
    }
}

/// Whether a value is written in the short form that it stands at the place of. What Compose adds to a mapping has the
/// place of the mapping.
fn is_part(value: &str, text: &str, uses: &[Use]) -> bool {
    if value.is_empty() || text.contains('\n') || text.starts_with(['{', '[']) {
        return false;
    }
    // A relative path is no part of the text once it is absolute.
    let mut parts = text.split([':', '=']).map(|part| part.trim_matches(['"', '\'', '.', '~']));
    let mut values = uses.iter().filter_map(|found| found.value.as_deref().or(found.default.as_deref()));
    text.contains(value)
        || parts.any(|part| !part.is_empty() && value.ends_with(part))
        || values.any(|part| !part.is_empty() && value.contains(part))
}
