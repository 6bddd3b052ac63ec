//! `$NAME`, `${NAME}` and `${NAME<op>WORD}` in values.
//!
//! | form | set | set, empty | unset |
//! |---|---|---|---|
//! | `${V:-W}` / `${V-W}` | value | W / empty | W |
//! | `${V:+W}` / `${V+W}` | W | empty / W | empty |
//! | `${V:?W}` / `${V?W}` | value | error / empty | error |
//!
//! `WORD` is itself a template. `$$` is a `$`; a `$` that begins none of these stays as it is.
//! See <https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md>.

use std::borrow::Cow;
use std::ops::Range;

use super::diagnostic::DiagnosticKind;
use super::node::{Node, Style, Value};
use super::report::Report;

/// Depth of `${A:-${B:-…}}` beyond which a template is refused: expansion recurses.
const MAX_DEPTH: usize = 64;

/// Why a template has no value. Ranges are in the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// It cannot be read from here.
    Invalid(Range<usize>),
    /// `:?` or `?` without a value.
    Required { range: Range<usize>, name: String, message: String },
}

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
    Expander { template, lookup, unset }.expand(0..template.len(), 0).map(Cow::Owned)
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
            let origin = node.origin;
            let mut unset = |name: &str, range: Range<usize>| {
                let kind = DiagnosticKind::UnsetVariable(name.to_owned());
                report.warning(report.find(origin, &template[range]), kind);
            };
            let lookup = |name: &str| lookup(name).map(Cow::Owned);
            match expand(template, &lookup, &mut unset) {
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
                    };
                    report.error_with_help(report.find(origin, &template[range]), kind, help);
                    node.value = Value::Invalid;
                }
            }
        }
        Value::Scalar(_) => {}
    }
}

struct Expander<'a, 'v> {
    template: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<Cow<'v, str>>,
    unset: &'a mut dyn FnMut(&str, Range<usize>),
}

impl Expander<'_, '_> {
    fn expand(&mut self, range: Range<usize>, depth: usize) -> Result<String, TemplateError> {
        if depth > MAX_DEPTH {
            return Err(TemplateError::Invalid(range));
        }
        let mut output = String::new();
        let mut at = range.start;
        while let Some(found) = self.template[at..range.end].find('$') {
            let dollar = at + found;
            output.push_str(&self.template[at..dollar]);
            let rest = &self.template[dollar + 1..range.end];
            let name = name_length(rest);
            if rest.starts_with('$') {
                output.push('$');
                at = dollar + 2;
            } else if name > 0 {
                at = dollar + 1 + name;
                output.push_str(&self.value(&rest[..name], dollar..at));
            } else if rest.starts_with('{') {
                let Some(length) = closing_brace(rest) else {
                    return Err(TemplateError::Invalid(dollar..range.end));
                };
                at = dollar + 1 + length;
                output.push_str(&self.braced(dollar..at, depth)?);
            } else {
                output.push('$');
                at = dollar + 1;
            }
        }
        output.push_str(&self.template[at..range.end]);
        Ok(output)
    }

    fn value(&mut self, name: &str, range: Range<usize>) -> String {
        if let Some(value) = (self.lookup)(name) {
            return value.into_owned();
        }
        (self.unset)(name, range);
        String::new()
    }

    /// Expands `${…}`, which is what `range` holds.
    fn braced(&mut self, range: Range<usize>, depth: usize) -> Result<String, TemplateError> {
        let inner = &self.template[range.start + 2..range.end - 1];
        let (name, rest) = inner.split_at(name_length(inner));
        if name.is_empty() {
            return Err(TemplateError::Invalid(range));
        }
        if rest.is_empty() {
            return Ok(self.value(name, range));
        }
        let (empty_counts, operator) = match rest.strip_prefix(':') {
            Some(rest) => (false, rest),
            None => (true, rest),
        };
        let word = range.end - operator.len()..range.end - 1;
        let set = (self.lookup)(name).filter(|value| empty_counts || !value.is_empty());
        match (operator.chars().next(), set) {
            (Some('-' | '?'), Some(value)) => Ok(value.into_owned()),
            (Some('-'), None) | (Some('+'), Some(_)) => self.expand(word, depth + 1),
            (Some('+'), None) => Ok(String::new()),
            (Some('?'), None) => {
                let message = self.expand(word, depth + 1)?;
                Err(TemplateError::Required { range, name: name.to_owned(), message })
            }
            _ => Err(TemplateError::Invalid(range)),
        }
    }
}

/// The length of the variable name that `text` begins with.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

/// The length of the braced text that `text` begins with, both braces included.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lookup(name: &str) -> Option<Cow<'static, str>> {
        match name {
            "V" => Some("value".into()),
            "E" => Some("".into()),
            _ => None,
        }
    }

    fn check(template: &str) -> Result<String, TemplateError> {
        expand(template, &lookup, &mut |_, _| {}).map(Cow::into_owned)
    }

    #[test]
    fn the_whole_grammar() {
        for (template, expected) in [
            ("$V ${V} x$V.y", "value value xvalue.y"),
            ("${E} $E", " "),
            ("$U${U}", ""),
            ("${V:-W} ${E:-W} ${U:-W}", "value W W"),
            ("${V-W} ${E-W} ${U-W}", "value  W"),
            ("${V:+W} ${E:+W} ${U:+W}", "W  "),
            ("${V+W} ${E+W} ${U+W}", "W W "),
            ("${V:?W} ${V?W} ${E?W}", "value value "),
            ("${U:-${E:-deep}}", "deep"),
            ("${U:-a ${V} b}", "a value b"),
            (r#"${U:-{"a": 1}}"#, r#"{"a": 1}"#),
            ("${U:-a:-b}", "a:-b"),
            ("$$V $${V} $$$$", "$V ${V} $$"),
            ("$1 $ a$", "$1 $ a$"),
            ("${V:+}", ""),
            ("é${V}é", "évalueé"),
        ] {
            assert_eq!(check(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn mistakes() {
        for (template, at) in
            [("a ${V", 2..5), ("${}", 0..3), ("${1}", 0..4), ("${V!x}", 0..6), ("${V:x}", 0..6), ("${", 0..2)]
        {
            assert_eq!(check(template), Err(TemplateError::Invalid(at)), "{template}");
        }
        let required =
            |message: &str| TemplateError::Required { range: 0..0, name: "U".to_owned(), message: message.to_owned() };
        for (template, message) in [("${U:?need $V}", "need value"), ("${U?}", "")] {
            let TemplateError::Required { name, message: found, .. } = check(template).unwrap_err() else { panic!() };
            assert_eq!(TemplateError::Required { range: 0..0, name, message: found }, required(message));
        }
        assert!(check(&"${U:-".repeat(10_000)).is_err());
        assert!(check(&format!("{}{}", "${U:-".repeat(10_000), "}".repeat(10_000))).is_err());
    }

    proptest! {
        #[test]
        fn never_panics(template in r"[$\{\}:?+\-VEUé ]{0,30}") {
            let _ = check(&template);
        }

        #[test]
        fn text_without_dollars_is_itself(text in "[^$]{0,40}") {
            prop_assert_eq!(check(&text).unwrap(), text);
        }

        #[test]
        fn doubling_dollars_protects_any_text(text in ".{0,40}") {
            prop_assert_eq!(check(&text.replace('$', "$$")).unwrap(), text);
        }
    }
}
