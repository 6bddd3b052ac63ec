//! From the text of a template to its tree.

use serde_json::Value;

use super::TemplateError;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Text as it is.
    Text(String),
    /// What a pipeline says.
    Action(Pipeline),
    /// `$name := pipeline`.
    Assign(String, Pipeline),
    /// `if`: the first of two bodies when the pipeline says something.
    If(Pipeline, Vec<Self>, Vec<Self>),
    /// `with`: the same, the dot being what it says.
    With(Pipeline, Vec<Self>, Vec<Self>),
    /// `range`: the names of key and element, the body for each element, and the body for none.
    Range(Option<String>, Option<String>, Pipeline, Vec<Self>, Vec<Self>),
}

/// Commands, each of which is given the result of the one before as its last argument.
pub(super) type Pipeline = Vec<Vec<Term>>;

/// A word of a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// A number, a text, `true`, `false` or `nil`.
    Literal(Value),
    /// A function.
    Function(String),
    /// Fields of the dot, of a variable or of a pipeline in parentheses.
    Field(Base, Vec<String>),
}

/// What fields are of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Base {
    /// The dot.
    Dot,
    /// A variable; without a name, all there is.
    Variable(String),
    /// Parentheses.
    Group(Pipeline),
}

fn error<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(message.into()))
}

/// Parses a template.
pub(super) fn parse(template: &str) -> Result<Vec<Node>, TemplateError> {
    let mut pieces = split(template)?.into_iter();
    let (nodes, end) = body(&mut pieces)?;
    match end {
        None => Ok(nodes),
        Some(word) => error(format!("`{}` without a beginning", word.split(' ').next().unwrap_or_default())),
    }
}

enum Piece {
    Text(String),
    Action(String),
}

/// Cuts a template into text and actions, and white space beside `-`.
fn split(mut rest: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((action, behind)) = after.split_once("}}") else { return error("`{{` without `}}`") };
        let (mut before, mut action, mut behind) = (before, action, behind);
        if let Some(trimmed) = action.strip_prefix("- ") {
            (before, action) = (before.trim_end(), trimmed);
        }
        if let Some(trimmed) = action.strip_suffix(" -") {
            (action, behind) = (trimmed, behind.trim_start());
        }
        pieces.push(Piece::Text(before.to_owned()));
        let action = action.trim();
        if !(action.starts_with("/*") && action.ends_with("*/")) {
            pieces.push(Piece::Action(action.to_owned()));
        }
        rest = behind;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

/// Everything up to an `end` or an `else`, which is returned.
fn body(pieces: &mut std::vec::IntoIter<Piece>) -> Result<(Vec<Node>, Option<String>), TemplateError> {
    let mut nodes = Vec::new();
    while let Some(piece) = pieces.next() {
        let action = match piece {
            Piece::Text(text) => {
                nodes.push(Node::Text(text));
                continue;
            }
            Piece::Action(action) => action,
        };
        let (word, rest) = action.split_once(' ').unwrap_or((&action, ""));
        match word {
            "end" | "else" => return Ok((nodes, Some(action))),
            "if" | "with" | "range" => nodes.push(block(word, rest, pieces)?),
            _ => nodes.push(match action.split_once(":=") {
                Some((name, value)) if action.starts_with('$') => {
                    Node::Assign(name.trim().trim_start_matches('$').to_owned(), pipeline(value)?)
                }
                _ => Node::Action(pipeline(&action)?),
            }),
        }
    }
    Ok((nodes, None))
}

fn block(word: &str, head: &str, pieces: &mut std::vec::IntoIter<Piece>) -> Result<Node, TemplateError> {
    let (then, mut end) = body(pieces)?;
    let mut otherwise = Vec::new();
    if let Some(rest) = end.as_deref().and_then(|end| end.strip_prefix("else")) {
        match rest.trim().split_once(' ') {
            // `else if` ends with the `end` of the whole.
            Some((chained @ ("if" | "with"), head)) => {
                otherwise.push(block(chained, head, pieces)?);
                end = Some("end".to_owned());
            }
            _ => (otherwise, end) = body(pieces)?,
        }
    }
    if end.as_deref() != Some("end") {
        return error(format!("`{word}` without `end`"));
    }
    let variable = |name: &str| name.trim().trim_start_matches('$').to_owned();
    Ok(match (word, head.split_once(":=")) {
        ("range", Some((names, of))) => {
            let (key, element) = match names.split_once(',') {
                Some((key, element)) => (Some(variable(key)), variable(element)),
                None => (None, variable(names)),
            };
            Node::Range(key, Some(element), pipeline(of)?, then, otherwise)
        }
        ("range", None) => Node::Range(None, None, pipeline(head)?, then, otherwise),
        ("with", _) => Node::With(pipeline(head)?, then, otherwise),
        _ => Node::If(pipeline(head)?, then, otherwise),
    })
}

fn pipeline(text: &str) -> Result<Pipeline, TemplateError> {
    let mut characters = text.chars().peekable();
    let pipeline = commands(&mut characters)?;
    if characters.next().is_some() { error("`)` without `(`") } else { Ok(pipeline) }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Commands up to the end or a closing parenthesis.
fn commands(characters: &mut Characters<'_>) -> Result<Pipeline, TemplateError> {
    let mut pipeline = vec![Vec::new()];
    while let Some(character) = characters.peek().copied() {
        match character {
            ')' => break,
            '|' => {
                characters.next();
                pipeline.push(Vec::new());
            }
            _ if character.is_whitespace() => drop(characters.next()),
            _ => {
                let term = term(characters)?;
                pipeline.last_mut().expect("there is always one").push(term);
            }
        }
    }
    if pipeline.iter().any(Vec::is_empty) { error("a command is missing") } else { Ok(pipeline) }
}

fn term(characters: &mut Characters<'_>) -> Result<Term, TemplateError> {
    match characters.peek() {
        Some('"' | '`') => text(characters).map(|text| Term::Literal(text.into())),
        Some('(') => {
            characters.next();
            let group = commands(characters)?;
            if characters.next() != Some(')') {
                return error("`(` without `)`");
            }
            Ok(Term::Field(Base::Group(group), fields(&word(characters))))
        }
        _ => {
            let word = word(characters);
            Ok(match (word.strip_prefix('$'), word.as_str()) {
                (Some(rest), _) => {
                    let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
                    Term::Field(Base::Variable(name.to_owned()), fields(rest))
                }
                (None, "true") => Term::Literal(true.into()),
                (None, "false") => Term::Literal(false.into()),
                (None, "nil") => Term::Literal(Value::Null),
                (None, text) if text.starts_with('.') => Term::Field(Base::Dot, fields(text)),
                (None, text) => text
                    .parse::<i64>()
                    .map_or_else(|_| Term::Function(text.to_owned()), |number| Term::Literal(number.into())),
            })
        }
    }
}

fn fields(text: &str) -> Vec<String> {
    text.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn word(characters: &mut Characters<'_>) -> String {
    let mut word = String::new();
    while let Some(next) = characters.next_if(|next| !next.is_whitespace() && !"|()\"`".contains(*next)) {
        word.push(next);
    }
    word
}

/// A text in quotes, with the escapes that JSON has too.
fn text(characters: &mut Characters<'_>) -> Result<String, TemplateError> {
    let quote = characters.next();
    let mut raw = String::new();
    while let Some(next) = characters.next() {
        match next {
            _ if Some(next) == quote => {
                return match quote {
                    Some('"') => {
                        let json = format!("\"{raw}\"");
                        serde_json::from_str(&json)
                            .or_else(|_| error(format!("{json} has an escape that nobody knows")))
                    }
                    _ => Ok(raw),
                };
            }
            '\\' if quote == Some('"') => {
                raw.push(next);
                raw.extend(characters.next());
            }
            _ => raw.push(next),
        }
    }
    error("a text without its end")
}
