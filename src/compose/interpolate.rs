//! `$NAME`, `${NAME}` and `${NAME<op>WORD}` in values.
//!
//! | form | set | set, empty | unset |
//! |---|---|---|---|
//! | `${V:-W}` / `${V-W}` | value | W / empty | W |
//! | `${V:+W}` / `${V+W}` | W | empty / W | empty |
//! | `${V:?W}` / `${V?W}` | value | error / empty | error |
//!
//! `WORD` is itself a template. `$$` is a `$`; a `$` that begins none of these stays as it is. `template.rs` has the grammar.
//! See <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use super::diagnostic::DiagnosticKind;
use super::node::{Node, Style, Value};
use super::report::{Origin, Report};
use super::template::{Expression, Operator, Token, Tokens};

/// Depth of `${A:-${B:-…}}` beyond which a template is refused: expansion recurses.
pub(super) const MAX_DEPTH: usize = 64;

/// Bytes by which variables may make a text longer: twenty lines of `A=${A}${A}` are a million times the first.
const MAX_GROWTH: usize = 1 << 20;

/// Why a template has no value. Ranges are in the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// It cannot be read from here.
    Invalid(Range<usize>),
    /// `:?` or `?` without a value.
    Required { range: Range<usize>, name: String, message: String },
    /// With this variable it grows too long.
    TooLong(Range<usize>),
}

/// What is wrong with a value that grows too long.
pub(super) const TOO_LONG: &str = "its variables make it longer than a megabyte";

/// Expands a template. `unset` is told of each variable without a value and without an operator.
///
/// # Errors
/// [`TemplateError`] for the first expression that has no value.
pub(super) fn expand<'t, 'v>(
    template: &'t str,
    lookup: &dyn Fn(&str) -> Option<Cow<'v, str>>,
    unset: &mut dyn FnMut(&str, Range<usize>),
) -> Result<Cow<'t, str>, TemplateError> {
    if !template.contains('$') {
        return Ok(Cow::Borrowed(template));
    }
    Expander { template, lookup, unset }.expand(0..template.len(), true, 0).map(Cow::Owned)
}

/// Expands every value of a tree, keys excepted.
pub(super) fn interpolate(node: &mut Node, lookup: &dyn Fn(&str) -> Option<String>, report: &Report) {
    match &mut node.value {
        Value::Invalid => {}
        Value::Sequence(items) => items.iter_mut().for_each(|item| interpolate(item, lookup, report)),
        Value::Mapping(entries) => {
            entries.values_mut().for_each(|entry| interpolate(&mut entry.value, lookup, report));
        }
        Value::Scalar(scalar) if scalar.text.contains('$') => {
            let template = scalar.text.as_str();
            let place = Place { report, origin: node.origin, template, verbatim: OnceCell::new() };
            let mut unset = |name: &str, range: Range<usize>| {
                report.warning(place.of(range), DiagnosticKind::UnsetVariable(name.to_owned()));
            };
            let lookup = |name: &str| lookup(name).map(Cow::Owned);
            match expand(template, &lookup, &mut unset) {
                Ok(text) if !report.may_grow(text.len()) => {
                    let reason = "the variables of these files stand for more than 64 megabytes".to_owned();
                    report.error(node.origin, DiagnosticKind::InvalidValue { what: "template".to_owned(), reason });
                    node.value = Value::Invalid;
                }
                Ok(text) => {
                    scalar.text = text.into_owned();
                    scalar.style = Style::Interpolated;
                }
                Err(error) => {
                    let (range, kind, help) = match error {
                        TemplateError::Invalid(range) => {
                            let kind = DiagnosticKind::Interpolation(template[range.clone()].to_owned());
                            (range, kind, Some("write `$$` for a `$` that begins no variable".to_owned()))
                        }
                        TemplateError::Required { range, name, message } => {
                            (range, DiagnosticKind::RequiredVariable { name, message }, None)
                        }
                        TemplateError::TooLong(range) => {
                            let (what, reason) = ("template".to_owned(), TOO_LONG.to_owned());
                            (range, DiagnosticKind::InvalidValue { what, reason }, None)
                        }
                    };
                    report.error_with_help(place.of(range), kind, help);
                    node.value = Value::Invalid;
                }
            }
        }
        Value::Scalar(_) => {}
    }
}

/// Where the parts of a template are written.
struct Place<'a> {
    report: &'a Report,
    origin: Origin,
    template: &'a str,
    /// Where all of it stands as it is, if it does: looked for once, since a long template may have many mistakes.
    verbatim: OnceCell<Option<usize>>,
}

impl Place<'_> {
    fn of(&self, range: Range<usize>) -> Origin {
        let verbatim = self.verbatim.get_or_init(|| {
            let found = self.report.find(self.origin, self.template);
            let length = (found.end - found.start) as usize;
            (length == self.template.len()).then_some(found.start as usize)
        });
        match verbatim {
            Some(start) => Origin::new(self.origin.source, start + range.start..start + range.end),
            None => self.report.find(self.origin, &self.template[range]),
        }
    }
}

struct Expander<'a, 'v> {
    template: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<Cow<'v, str>>,
    unset: &'a mut dyn FnMut(&str, Range<usize>),
}

impl Expander<'_, '_> {
    /// Expands a part of the template; a part that is not `used` is only checked.
    fn expand(&mut self, part: Range<usize>, used: bool, depth: usize) -> Result<String, TemplateError> {
        if depth > MAX_DEPTH {
            return Err(TemplateError::Invalid(part));
        }
        let mut output = String::new();
        for token in Tokens::new(self.template, part) {
            match token {
                Token::Literal(range) => output.push_str(&self.template[range]),
                Token::Invalid(range) => return Err(TemplateError::Invalid(range)),
                Token::Variable { range, name } => {
                    let name = &self.template[name];
                    match (self.lookup)(name) {
                        Some(value) if output.len() + value.len() > self.template.len() + MAX_GROWTH => {
                            return Err(TemplateError::TooLong(range));
                        }
                        Some(value) => output.push_str(&value),
                        None if used => (self.unset)(name, range),
                        None => {}
                    }
                }
                Token::Expression(expression) => {
                    let range = expression.range.clone();
                    let value = self.expression(expression, used, depth)?;
                    if output.len() + value.len() > self.template.len() + MAX_GROWTH {
                        return Err(TemplateError::TooLong(range));
                    }
                    output.push_str(&value);
                }
            }
        }
        Ok(output)
    }

    fn expression(&mut self, found: Expression, used: bool, depth: usize) -> Result<String, TemplateError> {
        let name = &self.template[found.name];
        let set = (self.lookup)(name).filter(|value| !found.colon || !value.is_empty());
        let takes_word = set.is_some() == (found.operator == Operator::Alternative);
        // Compose expands a word before it asks whether it is needed: a mistake in it counts either way.
        let word = self.expand(found.word, used && takes_word, depth + 1)?;
        match (found.operator, set) {
            (Operator::Default | Operator::Required, Some(value)) => Ok(value.into_owned()),
            (Operator::Default, None) | (Operator::Alternative, Some(_)) => Ok(word),
            (Operator::Alternative, None) => Ok(String::new()),
            (Operator::Required, None) => {
                Err(TemplateError::Required { range: found.range, name: name.to_owned(), message: word })
            }
        }
    }
}

#[cfg(test)]
#[path = "interpolate_tests.rs"]
mod tests;
