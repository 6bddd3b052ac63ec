//! The grammar of `$NAME`, `${NAME}` and `${NAME<op>WORD}`.
//!
//! The brace that ends an expression with a word is found as Compose finds it, oddities included:
//!
//! 1. It is on the same line; a word of several lines has none.
//! 2. It is the one that closes the first, every `{` counted, but for a `{` or `}` directly behind a `{`.
//! 3. Where none does, it is the last one of the line: `${A:-{}` is `{`.

use std::ops::Range;

/// A piece of a template. Ranges are in the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Text that stands for itself. Of `$$` it is the second dollar.
    Literal(Range<usize>),
    /// `$NAME` or `${NAME}`.
    Variable { range: Range<usize>, name: Range<usize> },
    /// `${NAME<op>WORD}`; `word` is a template of its own.
    Expression(Expression),
    /// A `${` that begins neither, and what may be meant to belong to it.
    Invalid(Range<usize>),
}

/// A variable with an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) range: Range<usize>,
    pub(super) name: Range<usize>,
    pub(super) operator: Operator,
    /// With a colon: a variable that is empty counts as unset.
    pub(super) colon: bool,
    pub(super) word: Range<usize>,
}

/// What stands between a name and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `-`: the word where the variable is unset.
    Default,
    /// `+`: the word where it is set.
    Alternative,
    /// `?`: an error where it is unset.
    Required,
}

/// A variable as a template mentions it, for `config --variables`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable<'t> {
    pub(super) name: &'t str,
    pub(super) required: bool,
    pub(super) default: Option<&'t str>,
    pub(super) alternative: Option<&'t str>,
}

/// The tokens of a part of a template.
#[derive(Debug)]
pub(super) struct Tokens<'t> {
    template: &'t str,
    rest: Range<usize>,
    line: Line,
}

/// The line that was last searched for a brace: many expressions may share a long one.
#[derive(Debug, Default)]
struct Line {
    end: usize,
    last_brace: Option<usize>,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(template: &'t str, part: Range<usize>) -> Self {
        Self { template, rest: part, line: Line::default() }
    }

    fn braced(&mut self, dollar: usize) -> Token {
        let template = self.template;
        let name = dollar + 2..dollar + 2 + name_length(&template[dollar + 2..self.rest.end]);
        let behind = &template[name.end..self.rest.end];
        if name.is_empty() {
            return self.invalid(dollar);
        }
        if behind.starts_with('}') {
            return Token::Variable { range: dollar..name.end + 1, name };
        }
        let colon = behind.starts_with(':');
        let operator = match behind.as_bytes().get(usize::from(colon)) {
            Some(b'-') => Operator::Default,
            Some(b'+') => Operator::Alternative,
            Some(b'?') => Operator::Required,
            _ => return self.invalid(dollar),
        };
        let start = name.end + usize::from(colon) + 1;
        let Some(last) = self.last_brace(dollar).filter(|last| *last >= start) else { return self.invalid(dollar) };
        let end = closing_brace(&template[dollar..=last]).map_or(last, |at| dollar + at);
        Token::Expression(Expression { range: dollar..end + 1, name, operator, colon, word: start..end })
    }

    /// The last `}` of the line that `at` is on, which may stand before `at`.
    fn last_brace(&mut self, at: usize) -> Option<usize> {
        if at >= self.line.end {
            let end = self.template[at..self.rest.end].find('\n').map_or(self.rest.end, |found| at + found);
            self.line = Line { end, last_brace: self.template[at..end].rfind('}').map(|found| at + found) };
        }
        self.line.last_brace
    }

    fn invalid(&self, dollar: usize) -> Token {
        let rest = &self.template[dollar..self.rest.end];
        let length = rest.find(['}', '\n']).map_or(rest.len(), |at| at + usize::from(rest.as_bytes()[at] == b'}'));
        Token::Invalid(dollar..dollar + length)
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let Range { start, end } = self.rest;
        let part = &self.template[start..end];
        let token = match part.find('$') {
            _ if part.is_empty() => return None,
            None => Token::Literal(start..end),
            Some(0) => match part.as_bytes().get(1) {
                Some(b'$') => Token::Literal(start + 1..start + 2),
                Some(b'{') => self.braced(start),
                _ => match name_length(&part[1..]) {
                    0 => Token::Literal(start..start + 1),
                    length => {
                        let name = start + 1..start + 1 + length;
                        Token::Variable { range: start..name.end, name }
                    }
                },
            },
            Some(at) => Token::Literal(start..start + at),
        };
        self.rest.start = token.range().end;
        Some(token)
    }
}

impl Token {
    fn range(&self) -> Range<usize> {
        match self {
            Self::Literal(range) | Self::Variable { range, .. } | Self::Invalid(range) => range.clone(),
            Self::Expression(expression) => expression.range.clone(),
        }
    }
}

/// The variables that a template mentions, those in words included; of several with one name the last counts.
pub(super) fn variables(template: &str) -> Vec<Variable<'_>> {
    let mut found = Vec::new();
    collect(template, 0..template.len(), 0, &mut found);
    found
}

fn collect<'t>(template: &'t str, part: Range<usize>, depth: usize, found: &mut Vec<Variable<'t>>) {
    let mut tokens = Tokens::new(template, part);
    // Compose comes to an expression only after those behind it on its line.
    let mut held: Vec<Expression> = Vec::new();
    let mut until = 0;
    loop {
        let token = tokens.next();
        if token.as_ref().is_none_or(|token| token.range().start > until) {
            while let Some(expression) = held.pop() {
                let word = Some(&template[expression.word.clone()]).filter(|word| !word.is_empty());
                found.push(Variable {
                    name: &template[expression.name],
                    required: expression.operator == Operator::Required,
                    default: word.filter(|_| expression.operator == Operator::Default),
                    alternative: word.filter(|_| expression.operator == Operator::Alternative),
                });
                if expression.operator != Operator::Required && depth < super::interpolate::MAX_DEPTH {
                    collect(template, expression.word, depth + 1, found);
                }
            }
        }
        match token {
            None => return,
            Some(Token::Literal(_) | Token::Invalid(_)) => {}
            Some(Token::Variable { name, .. }) => {
                let name = &template[name];
                found.push(Variable { name, required: false, default: None, alternative: None });
            }
            Some(Token::Expression(expression)) => {
                until = tokens.line.last_brace.unwrap_or(until);
                held.push(expression);
            }
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

/// The offset of the brace that closes the first one of `text`. What stands directly behind a `{` is not looked at.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'{' => {
                open += 1;
                bytes.next();
            }
            b'}' if open == 1 => return Some(at),
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(template: &str) -> String {
        let show = |variable: Variable<'_>| {
            let (name, required) = (variable.name, if variable.required { "!" } else { "" });
            let default = variable.default.map(|word| format!(" -{word}")).unwrap_or_default();
            let alternative = variable.alternative.map(|word| format!(" +{word}")).unwrap_or_default();
            format!("{name}{required}{default}{alternative}")
        };
        variables(template).into_iter().map(show).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn variables_of_a_template() {
        for (template, expected) in [
            ("$A ${A}", "A, A"),
            ("${A:-d} ${B-e}", "B -e, A -d"),
            ("${A:?m} $C", "A!, C"),
            ("${A?}", "A!"),
            ("${A:+p}${B+q}", "B +q, A +p"),
            ("${A:-${B:-c}}", "A -${B:-c}, B -c"),
            ("${A:-x$B}", "A -x$B, B"),
            ("${A:+${B}}", "A +${B}, B"),
            ("${A:?${B}}", "A!"),
            ("$$A $1 ${ ${1}", ""),
            ("$C${A:-1}$D${B:-2}\n${E:-3}", "C, D, B -2, A -1, E -3"),
            ("${A:-1} $A\n$B", "A -1, A, B"),
            ("${A:-}", "A"),
            ("${A:-{}}", "A -{}"),
        ] {
            assert_eq!(shown(template), expected, "{template}");
        }
    }
}
