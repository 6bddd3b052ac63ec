//! What variables say in place of flags. Those of `.env` count as those of the process do, which win.

use std::collections::BTreeMap;

use super::args::{Globals, PARALLEL_LIMIT};
use super::error::CliError;

/// The variables that a project was loaded with.
#[derive(Debug, Clone, Default)]
pub(super) struct Switches(BTreeMap<String, String>);

impl Switches {
    pub(super) fn new(variables: &BTreeMap<String, String>) -> Self {
        Self(variables.clone())
    }

    /// Whether a variable is set to a yes.
    pub(super) fn is_on(&self, variable: &str) -> bool {
        self.0.get(variable).is_some_and(|value| crate::compose::is_yes(value))
    }

    /// How many things may be done at once, where that is limited: by the flag, else by the variable.
    ///
    /// # Errors
    /// [`CliError::ParallelLimit`] when the variable is no number.
    pub(super) fn at_once(&self, globals: &Globals) -> Result<Option<usize>, CliError> {
        match self.0.get(PARALLEL_LIMIT).filter(|value| globals.parallel.is_none() && !value.is_empty()) {
            None => Ok(globals.at_once()),
            Some(value) => {
                let number = value.parse().map_err(|_| CliError::ParallelLimit { found: value.clone() })?;
                Ok(Globals { parallel: Some(number), ..globals.clone() }.at_once())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_variable() {
        for (flag, variable, limit) in [
            (None, None, Some(None)),
            (None, Some("3"), Some(Some(3))),
            (None, Some("-1"), Some(None)),
            (None, Some(""), Some(None)),
            (Some(2), Some("3"), Some(Some(2))),
            (Some(-1), Some("3"), Some(None)),
            (Some(0), None, Some(None)),
            (None, Some("many"), None),
        ] {
            let variables = variable.map(|value: &str| (PARALLEL_LIMIT.to_owned(), value.to_owned()));
            let switches = Switches(variables.into_iter().collect());
            let globals = Globals { parallel: flag, ..Globals::default() };
            assert_eq!(switches.at_once(&globals).ok(), limit, "{flag:?} {variable:?}");
        }
    }
}
