//! Values of which only the machine that runs a project can say whether it has what they name.

use std::collections::BTreeSet;

use super::Findings;
use crate::compose::diagnostic::{Diagnostic, DiagnosticKind, Severity};
use crate::name::ServiceName;

/// What a machine makes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is obeyed.
    Obeyed,
    /// It cannot be, and why.
    Refused(String),
    /// Something near to it is done, and what.
    Instead(String),
}

/// A value to be judged.
#[derive(Debug, Clone)]
pub struct Question {
    /// Of which service it is an attribute.
    pub(super) service: String,
    /// Which attribute: `runtime`, `x-rcompose.network.delay`.
    pub attribute: String,
    /// The value, where it is one: an item of a list, a text.
    pub value: Option<String>,
    /// The place in words.
    pub(super) what: String,
    pub(super) diagnostic: Diagnostic,
}

impl Findings {
    /// What `judge` says of the values of `services` that it has to be asked about: errors and warnings.
    pub fn judged(
        &self,
        services: &BTreeSet<&ServiceName>,
        judge: impl Fn(&ServiceName, &Question) -> Judgement,
    ) -> Vec<Diagnostic> {
        let asked = self.questions.iter().filter_map(|question| {
            let service = services.iter().find(|name| name.as_str() == question.service)?;
            let diagnostic = question.diagnostic.clone();
            match judge(service, question) {
                Judgement::Obeyed => None,
                Judgement::Refused(reason) => {
                    let kind = DiagnosticKind::InvalidValue { what: question.what.clone(), reason };
                    Some(Diagnostic { severity: Severity::Error, kind, ..diagnostic })
                }
                Judgement::Instead(said) => {
                    let kind = DiagnosticKind::OnThisMachine { what: question.what.clone(), said };
                    Some(Diagnostic { severity: Severity::Warning, kind, ..diagnostic })
                }
            }
        });
        asked.collect()
    }
}
