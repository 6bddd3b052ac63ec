//! From the tree of a template and a value to text.

use serde_json::Value;

use super::TemplateError;
use super::parse::{Base, Node, Pipeline, Term};

fn error<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(message.into()))
}

/// What `nodes` say of `value`.
pub(super) fn evaluate(nodes: &[Node], value: &Value) -> Result<String, TemplateError> {
    let mut text = String::new();
    Scope { variables: vec![(String::new(), value.clone())] }.write(nodes, value, &mut text)?;
    Ok(text)
}

struct Scope {
    /// The innermost last; that without a name is everything.
    variables: Vec<(String, Value)>,
}

impl Scope {
    fn write(&mut self, nodes: &[Node], dot: &Value, text: &mut String) -> Result<(), TemplateError> {
        let depth = self.variables.len();
        for node in nodes {
            match node {
                Node::Text(plain) => text.push_str(plain),
                Node::Action(pipeline) => {
                    text.push_str(&self.run(pipeline, dot)?.map_or_else(no_value, |of| shown(&of)))
                }
                Node::Assign(name, pipeline) => {
                    let value = self.run(pipeline, dot)?.unwrap_or_default();
                    self.variables.push((name.clone(), value));
                }
                Node::If(pipeline, then, otherwise) => {
                    let holds = self.run(pipeline, dot)?.is_some_and(|value| says_something(&value));
                    self.write(if holds { then } else { otherwise }, dot, text)?;
                }
                Node::With(pipeline, then, otherwise) => match self.run(pipeline, dot)? {
                    Some(value) if says_something(&value) => self.write(then, &value, text)?,
                    _ => self.write(otherwise, dot, text)?,
                },
                Node::Range(key, element, of, then, otherwise) => {
                    let elements = elements(self.run(of, dot)?.unwrap_or_default())?;
                    if elements.is_empty() {
                        self.write(otherwise, dot, text)?;
                    }
                    for (index, value) in elements {
                        let inner = self.variables.len();
                        self.variables.extend(key.clone().map(|name| (name, index)));
                        self.variables.extend(element.clone().map(|name| (name, value.clone())));
                        self.write(then, &value, text)?;
                        self.variables.truncate(inner);
                    }
                }
            }
        }
        self.variables.truncate(depth);
        Ok(())
    }

    /// What a pipeline gives; `None` for an entry that a map does not have.
    fn run(&self, pipeline: &Pipeline, dot: &Value) -> Result<Option<Value>, TemplateError> {
        let mut result: Option<Option<Value>> = None;
        for command in pipeline {
            let (first, rest) = command.split_first().expect("no command is empty");
            let mut arguments = rest.iter().map(|term| self.term(term, dot)).collect::<Result<Vec<_>, _>>()?;
            let piped = result.take();
            arguments.extend(piped.clone());
            result = Some(match first {
                Term::Function(name) => {
                    let arguments: Vec<Value> = arguments.into_iter().map(Option::unwrap_or_default).collect();
                    call(name, &arguments)?
                }
                term => match (self.term(term, dot)?, &arguments[..]) {
                    (value, []) => value,
                    // As a method of docker's that looks up an entry: `.Label "name"`.
                    (Some(Value::Object(entries)), [Some(key)]) => {
                        Some(entries.get(&shown(key)).cloned().unwrap_or_else(|| String::new().into()))
                    }
                    _ => return error("only functions take arguments"),
                },
            });
        }
        Ok(result.flatten())
    }

    fn term(&self, term: &Term, dot: &Value) -> Result<Option<Value>, TemplateError> {
        let (base, fields) = match term {
            Term::Literal(value) => return Ok(Some(value.clone())),
            Term::Function(name) => return call(name, &[]),
            Term::Field(base, fields) => (base, fields),
        };
        let mut value = match base {
            Base::Dot => Some(dot.clone()),
            Base::Variable(name) => match self.variables.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => Some(value.clone()),
                None => return error(format!("there is no variable ${name}")),
            },
            Base::Group(pipeline) => self.run(pipeline, dot)?,
        };
        for field in fields {
            value = self::field(value.as_ref(), field)?;
        }
        Ok(value)
    }
}

/// A field of an object. Ours have names that begin with a capital: what else there is are entries of maps, which may be
/// missing.
fn field(value: Option<&Value>, name: &str) -> Result<Option<Value>, TemplateError> {
    match value {
        Some(Value::Object(object)) => match object.get(name) {
            Some(value) => Ok(Some(value.clone())),
            None if object.keys().all(|key| key.starts_with(|first: char| first.is_ascii_uppercase()))
                && !object.is_empty() =>
            {
                let known: Vec<&str> = object.keys().map(String::as_str).collect();
                error(format!("there is no field {name}; there are {}", known.join(", ")))
            }
            None => Ok(None),
        },
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(_)) => error(format!("there is no field {name} in text")),
        Some(_) => error(format!("there is no field {name} in that")),
    }
}

fn elements(value: Value) -> Result<Vec<(Value, Value)>, TemplateError> {
    match value {
        Value::Array(values) => {
            Ok(values.into_iter().enumerate().map(|(index, value)| (index.into(), value)).collect())
        }
        Value::Object(object) => {
            let mut entries: Vec<_> = object.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Ok(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
        }
        Value::Null => Ok(Vec::new()),
        _ => error("`range` is of lists and maps"),
    }
}

fn call(name: &str, arguments: &[Value]) -> Result<Option<Value>, TemplateError> {
    let argument = |index: usize| match arguments.get(index) {
        Some(value) => Ok(value),
        None => error(format!("`{name}` takes more arguments")),
    };
    let text = |index| argument(index).map(shown);
    let value: Value = match name {
        "json" => argument(0)?.to_string().into(),
        "len" => match argument(0)? {
            Value::Array(values) => values.len().into(),
            Value::Object(object) => object.len().into(),
            Value::String(text) => text.len().into(),
            _ => 0.into(),
        },
        "index" => {
            let mut value = argument(0)?.clone();
            for key in &arguments[1..] {
                let found = match key {
                    Value::Number(number) => {
                        number.as_u64().and_then(|index| value.get(usize::try_from(index).ok()?)).cloned()
                    }
                    key => value.get(shown(key)).cloned(),
                };
                value = match (found, &value) {
                    (Some(found), _) => found,
                    // As with a map of Go, what is not there is empty.
                    (None, Value::Object(_)) => String::new().into(),
                    (None, _) => return error(format!("there is no element {}", shown(key))),
                };
            }
            value
        }
        "join" => {
            let Value::Array(values) = argument(0)? else { return error("`join` is of lists") };
            values.iter().map(shown).collect::<Vec<_>>().join(&text(1)?).into()
        }
        "split" => text(0)?.split(text(1)?.as_str()).map(Value::from).collect(),
        "upper" => text(0)?.to_uppercase().into(),
        "lower" => text(0)?.to_lowercase().into(),
        "title" => {
            let text = text(0)?;
            let mut characters = text.chars();
            characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect()).into()
        }
        "truncate" => {
            let length = usize::try_from(argument(1)?.as_u64().unwrap_or_default()).unwrap_or(usize::MAX);
            text(0)?.chars().take(length).collect::<String>().into()
        }
        "pad" => {
            let text = text(0)?;
            let blanks =
                |index| Ok(" ".repeat(usize::try_from(argument(index)?.as_u64().unwrap_or_default()).unwrap_or(0)));
            if text.is_empty() { text.into() } else { format!("{}{text}{}", blanks(1)?, blanks(2)?).into() }
        }
        "print" => arguments.iter().map(shown).collect::<String>().into(),
        "println" => format!("{}\n", arguments.iter().map(shown).collect::<Vec<_>>().join(" ")).into(),
        "printf" => formatted(&text(0)?, &arguments[1..])?.into(),
        "eq" => arguments[1..].iter().any(|other| Some(other) == arguments.first()).into(),
        "ne" => (argument(0)? != argument(1)?).into(),
        "not" => (!says_something(argument(0)?)).into(),
        "and" => {
            arguments.iter().find(|value| !says_something(value)).or(arguments.last()).cloned().unwrap_or_default()
        }
        "or" => arguments.iter().find(|value| says_something(value)).or(arguments.last()).cloned().unwrap_or_default(),
        _ => return error(format!("there is no function `{name}`")),
    };
    Ok(Some(value))
}

/// `printf` with the verbs that are of use for what there is: `%s`, `%v`, `%d`, `%t`, `%q`.
fn formatted(format: &str, arguments: &[Value]) -> Result<String, TemplateError> {
    let mut text = String::new();
    let mut arguments = arguments.iter();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let verb = characters.next();
        if verb == Some('%') {
            text.push('%');
            continue;
        }
        let Some(value) = arguments.next() else { return error("`printf` takes more arguments") };
        match verb {
            Some('s' | 'v' | 'd' | 't') => text.push_str(&shown(value)),
            Some('q') => text.push_str(&Value::from(shown(value)).to_string()),
            _ => return error("`printf` knows %s, %v, %d, %t and %q"),
        }
    }
    Ok(text)
}

fn no_value() -> String {
    "<no value>".to_owned()
}

/// A value as Go prints it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => no_value(),
        Value::String(text) => text.clone(),
        Value::Array(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(object) => {
            let mut entries: Vec<_> = object.iter().map(|(key, value)| format!("{key}:{}", shown(value))).collect();
            entries.sort();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}

/// What is true for `if`: everything but nothing, zero and emptiness.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}
