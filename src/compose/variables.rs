//! The variables of a load, and where each came from.

use std::collections::BTreeMap;

use super::report::Origin;

/// Where the value of a variable came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VariableSource {
    /// The environment of the process.
    Process,
    /// This place of an env file.
    File(Origin),
    /// rcompose itself: `COMPOSE_PROJECT_NAME`.
    Implied,
}

#[derive(Debug, Clone, PartialEq)]
struct Variable {
    value: String,
    source: VariableSource,
}

/// The variables that templates see.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Variables(BTreeMap<String, Variable>);

impl Variables {
    pub(super) fn of_process(environment: &BTreeMap<String, String>) -> Self {
        let variable = |value: &String| Variable { value: value.clone(), source: VariableSource::Process };
        Self(environment.iter().map(|(name, value)| (name.clone(), variable(value))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|variable| variable.value.as_str())
    }

    pub(super) fn source(&self, name: &str) -> Option<VariableSource> {
        self.0.get(name).map(|variable| variable.source)
    }

    pub(super) fn set(&mut self, name: &str, value: String, source: VariableSource) {
        self.0.insert(name.to_owned(), Variable { value, source });
    }

    /// Adds the variables of `other` that this has not.
    pub(super) fn fill(&mut self, other: Self) {
        for (name, variable) in other.0 {
            self.0.entry(name).or_insert(variable);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, variable)| (name.as_str(), variable.value.as_str()))
    }
}
