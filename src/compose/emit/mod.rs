//! A tree as Compose text again: what `config` prints.
//!
//! The long form of everything, every name and path resolved, `$` doubled so that the text loads to the same project.
//! What is printed, and when, says the [schema](super::schema).

mod oddities;
mod order;
mod printed;
mod yaml;

use serde_json::Number;

use self::printed::{Entries, Printed};
use super::node::{Entry, Mapping, Node, Style as ScalarStyle, Value};
use super::scalar::{Resolved, json_float, resolve};
use super::schema::{Object, PROJECT, Print, Shape, Type};

/// How a tree is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    /// JSON as the reference implementation prints it: extensions inside services and the models are not in it.
    pub(super) json: bool,
    /// Variables are left as they are: nothing is added that nobody gave, and no `$` is doubled.
    pub(super) templates: bool,
}

/// The tree as YAML.
pub(super) fn to_yaml(tree: &Node, templates: bool) -> String {
    let mut output = String::new();
    let entries = Style { json: false, templates }.project(tree);
    if entries.0.is_empty() {
        return "{}\n".to_owned();
    }
    yaml::entries(&mut output, &entries, 0);
    output
}

/// The tree as JSON.
pub(super) fn to_json(tree: &Node, templates: bool) -> String {
    let entries = Style { json: true, templates }.project(tree);
    // Nothing in it can fail to be JSON: the keys are strings, and there is no number that is none.
    serde_json::to_string_pretty(&Printed::Map(entries)).unwrap_or_default() + "\n"
}

/// A value of the tree as JSON, as it is.
pub(super) fn value(node: &Node) -> serde_json::Value {
    // As above.
    serde_json::to_value(Style { json: true, templates: true }.any(node)).unwrap_or_default()
}

impl Style {
    fn project(self, tree: &Node) -> Entries {
        let none = Mapping::new();
        let entries = tree.entries().unwrap_or(&none);
        if self.templates {
            return self.given(entries);
        }
        let mut project = self.object(entries, &PROJECT);
        if self.json {
            project.remove("models");
        }
        project
    }

    fn text(self, text: &str) -> String {
        if self.templates { text.to_owned() } else { text.replace('$', "$$") }
    }

    fn object(self, entries: &Mapping, object: &Object) -> Entries {
        let mut output = Entries::default();
        for field in object.fields.iter().filter(|field| !field.key.starts_with("x-")) {
            let given = entries.get(field.key).map(|entry| &entry.value);
            let value = given.map_or(Printed::Null, |node| self.node(node, &field.shape));
            let is_null = value == Printed::Null;
            let printed = match field.print {
                Print::Meaningful if value.is_empty() || is_no_size(&value, &field.shape) => None,
                Print::Meaningful => Some(value),
                Print::Given => Some(value).filter(|_| !is_null),
                // The YAML of the reference implementation has less of what says nothing.
                Print::Always if is_null && !self.json => None,
                Print::Mapping if value.is_empty() && !self.json && object.name != PROJECT.name => None,
                Print::Always => Some(value),
                Print::Mapping if is_null => Some(self.empty(&field.shape)),
                Print::Mapping => Some(value),
                Print::Switch if is_null => Some(Printed::Bool(false)),
                Print::Switch => Some(value),
                Print::Never => None,
            };
            if let Some(value) = printed {
                output.push(field.key, value);
            }
        }
        if object.extensible && (!self.json || object.name == PROJECT.name) {
            for (key, entry) in entries.iter().filter(|(key, _)| key.starts_with("x-")) {
                output.push(self.text(key), self.any(&entry.value));
            }
        }
        oddities::flatten(&mut output);
        if self.json {
            oddities::imitate(object.name, entries, &mut output);
        }
        output
    }

    /// What a mapping prints as when none is given.
    fn empty(self, shape: &Shape) -> Printed {
        Printed::Map(match shape {
            Shape::Object(object) => self.object(&Mapping::new(), object),
            _ => Entries::default(),
        })
    }

    fn node(self, node: &Node, shape: &Shape) -> Printed {
        match (shape, &node.value) {
            _ if node.is_null() => Printed::Null,
            (Shape::Nullable(inner), _) => self.node(node, inner),
            (Shape::Either(shapes), value) => {
                let form = shapes.iter().find(|shape| match shape {
                    Shape::List(_) | Shape::Set(_) => matches!(value, Value::Sequence(_)),
                    Shape::Map(_) | Shape::Named(_) | Shape::Object(_) => matches!(value, Value::Mapping(_)),
                    _ => false,
                });
                form.map_or_else(|| self.any(node), |shape| self.node(node, shape))
            }
            (Shape::Object(object), Value::Mapping(entries)) => Printed::Map(self.object(entries, object)),
            (Shape::Map(values) | Shape::Named(values), Value::Mapping(entries)) => {
                let entry = |(key, entry): (&String, &Entry)| (self.text(key), self.node(&entry.value, values));
                Printed::Map(self.sorted(entries.iter().map(entry).collect()))
            }
            (Shape::List(items) | Shape::Set(items), Value::Sequence(nodes)) => {
                Printed::List(nodes.iter().map(|node| self.node(node, items)).collect())
            }
            (_, Value::Sequence(items)) => Printed::List(items.iter().map(|item| self.any(item)).collect()),
            _ => self.any(node),
        }
    }

    /// The entries of a mapping as they are.
    fn given(self, entries: &Mapping) -> Entries {
        self.sorted(entries.iter().map(|(key, entry)| (self.text(key), self.any(&entry.value))).collect())
    }

    /// The entries in the order that each format has them.
    fn sorted(self, mut entries: Entries) -> Entries {
        if !self.json {
            entries.0.sort_by(|(one, _), (two, _)| order::of_keys(one, two));
        }
        entries
    }

    /// A value by what it is, whatever it should be.
    fn any(self, node: &Node) -> Printed {
        match &node.value {
            Value::Invalid => Printed::Null,
            // Lists of extensions without items are lost there.
            Value::Sequence(items) if items.is_empty() && self.json && !self.templates => Printed::Null,
            Value::Sequence(items) => Printed::List(items.iter().map(|item| self.any(item)).collect()),
            Value::Mapping(entries) => Printed::Map(self.given(entries)),
            Value::Scalar(scalar) => match scalar.style {
                ScalarStyle::Plain => match resolve(&scalar.text) {
                    Resolved::Null => Printed::Null,
                    Resolved::Bool(value) => Printed::Bool(value),
                    Resolved::Int(number) => number_of(&number.to_string()),
                    Resolved::Float(number) => json_float(number).map_or(Printed::Null, |text| number_of(&text)),
                    Resolved::Timestamp => Printed::Text(timestamp(&scalar.text)),
                    Resolved::String => Printed::Text(self.text(&scalar.text)),
                },
                _ => Printed::Text(self.text(&scalar.text)),
            },
        }
    }
}

/// A date as the moment it begins at.
fn timestamp(text: &str) -> String {
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
            format!("{year}-{month:0>2}-{day:0>2}T00:00:00Z")
        }
        _ => text.to_owned(),
    }
}

fn number_of(text: &str) -> Printed {
    text.parse::<Number>().map_or_else(|_| Printed::text(text), Printed::Number)
}

/// Sizes and durations are printed as texts, and 0 is none.
fn is_no_size(value: &Printed, shape: &Shape) -> bool {
    match shape {
        Shape::Scalar(Type::Bytes | Type::SizeText) => value.as_text() == Some("0"),
        Shape::Scalar(Type::Duration) => value.as_text() == Some("0s"),
        _ => false,
    }
}
