//! One file against the [schema](super::schema): known keys, types and values.
//!
//! Each single value is brought into the form that everything after this phase relies on: `yes` where a boolean is
//! wanted is `true`, `64m` where a size is wanted is `67108864`, `1.10` where a text is wanted is the text `1.1`.
//! Whether something is missing is asked later, of all files together: see [`complete`](super::complete).

mod value;

use value::{Mistake, Typed, one_of, quoted, typed};

use super::diagnostic::DiagnosticKind;
use super::node::{Mapping, Node, Style, Tag, Value};
use super::place::Place;
use super::report::{Origin, Report};
use super::schema::{Field, Object, PROJECT, SERVICE, Shape, Type};
use crate::text;

/// Checks a tree.
pub(super) struct Check<'a> {
    pub(super) report: &'a Report,
}

impl Check<'_> {
    /// Checks `node` and everything in it; `at` is its key, for a value that has no place of its own.
    pub(super) fn node(&self, node: &mut Node, shape: &Shape, place: &Place<'_>, at: Origin) {
        // A key without a value is as good as no key until all files are merged.
        if node.is_null() || node.value == Value::Invalid || node.tag == Some(Tag::Reset) {
            return;
        }
        match shape {
            Shape::Nullable(inner) => self.node(node, inner, place, at),
            Shape::Either(shapes) => match shapes.iter().find(|shape| takes(shape, node)) {
                Some(shape) => self.node(node, shape, place, at),
                None => self.wrong_type(node, shape, place, at),
            },
            Shape::Scalar(of) => match &node.value {
                Value::Scalar(_) => self.scalar(node, *of, place),
                _ => self.wrong_type(node, shape, place, at),
            },
            Shape::List(items) | Shape::Set(items) => match &mut node.value {
                Value::Sequence(nodes) => {
                    for item in &mut *nodes {
                        let at = item.origin;
                        if item.is_null() {
                            self.wrong_type(item, items, place, at);
                        }
                        self.node(item, items, place, at);
                    }
                    if matches!(shape, Shape::Set(_)) {
                        self.no_duplicates(nodes, place);
                    }
                }
                _ => self.wrong_type(node, shape, place, at),
            },
            Shape::Map(values) | Shape::Named(values) => match &mut node.value {
                Value::Mapping(entries) => {
                    let named = matches!(shape, Shape::Named(_));
                    for (key, entry) in entries {
                        self.key(key, named, entry.key, place);
                        self.node(&mut entry.value, values, &place.below(key), entry.key);
                    }
                }
                _ => self.wrong_type(node, shape, place, at),
            },
            Shape::Object(object) => match &mut node.value {
                Value::Mapping(entries) => self.object(entries, object, place),
                _ => self.wrong_type(node, shape, place, at),
            },
        }
    }

    fn object(&self, entries: &mut Mapping, object: &Object, place: &Place<'_>) {
        let mut misspelt = false;
        for (key, entry) in entries.iter_mut() {
            match object.field(key) {
                Some(field) => self.field(&mut entry.value, field, &place.below(key), entry.key),
                None if object.extensible && key.starts_with("x-") => {}
                // Nothing is left of it, whatever it was.
                None if entry.value.tag == Some(Tag::Reset) => {}
                None => {
                    misspelt = true;
                    self.unknown_key(key, entry.key, object, place);
                }
            }
        }
        if misspelt {
            // What nobody knows is reported: nothing after this has to look at it.
            entries.retain(|key, _| object.field(key).is_some() || key.starts_with("x-"));
        }
    }

    /// A key that the user chooses.
    fn key(&self, key: &str, named: bool, at: Origin, place: &Place<'_>) {
        let is_name = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let reason = match named {
            _ if key.is_empty() => "a name is empty".to_owned(),
            true if !is_name(key) => format!("`{key}` is not a name: letters, digits, `.`, `_` and `-` only"),
            _ => return,
        };
        self.report.error(at, DiagnosticKind::InvalidValue { what: place.value(), reason });
    }

    fn field(&self, node: &mut Node, field: &Field, place: &Place<'_>, at: Origin) {
        self.node(node, &field.shape, place, at);
    }

    fn unknown_key(&self, key: &str, at: Origin, object: &Object, place: &Place<'_>) {
        if self.report.is_full() {
            return;
        }
        let known = object.fields.iter().map(|field| field.key).filter(|key| !key.starts_with("x-"));
        let help = text::did_you_mean(key, known.clone())
            .or_else(|| belongs_elsewhere(key, object))
            .or_else(|| (object.fields.len() <= FEW_KEYS).then(|| known_keys(known)));
        let kind = DiagnosticKind::UnknownKey { key: key.to_owned(), place: place.to_string() };
        self.report.error_with_help(at, kind, help);
    }

    fn no_duplicates(&self, items: &[Node], place: &Place<'_>) {
        for (index, item) in items.iter().enumerate() {
            let Some(text) = item.text() else { continue };
            if let Some(first) = items[..index].iter().find(|first| first.text() == Some(text)) {
                let kind = DiagnosticKind::DuplicateItem { item: text.to_owned(), place: place.value() };
                self.report.error_with_label(item.origin, kind, (first.origin, "first given here"));
            }
        }
    }

    fn wrong_type(&self, node: &mut Node, shape: &Shape, place: &Place<'_>, at: Origin) {
        let (found, value) = (node.found(), node.text().map(str::to_owned));
        let wants_text = matches!(node.value, Value::Scalar(_)) && accepts_text(shape);
        let help = value.filter(|text| wants_text && !text.is_empty()).map(|text| quoted(&text));
        self.mistake(node, place, at, expected(shape), found, help);
    }

    fn mistake(
        &self,
        node: &mut Node,
        place: &Place<'_>,
        at: Origin,
        expected: String,
        found: &'static str,
        help: Option<String>,
    ) {
        // Nothing has no place that could be underlined.
        let origin = if node.is_null() { at } else { node.origin };
        let kind = DiagnosticKind::WrongType { what: place.value(), expected, found };
        self.report.error_with_help(origin, kind, help);
        node.value = Value::Invalid;
    }

    fn scalar(&self, node: &mut Node, of: Type, place: &Place<'_>) {
        let origin = node.origin;
        let Value::Scalar(scalar) = &mut node.value else { return };
        // A variable that is left as it is may become anything.
        if self.report.templates() && scalar.text.contains('$') {
            scalar.style = Style::Quoted;
            return;
        }
        match typed(scalar, of) {
            Ok(Typed { text, style, warning }) => {
                if let Some(text) = text {
                    scalar.text = text;
                }
                scalar.style = style;
                if let Some(kind) = warning {
                    self.report.warning(origin, kind);
                }
            }
            Err(Mistake::Type(help)) => {
                let found = node.found();
                self.mistake(node, place, origin, of.expected(), found, help);
            }
            Err(Mistake::Value(reason)) => {
                let help = match of {
                    Type::Word(words) => text::did_you_mean(&scalar.text, words.iter().copied()),
                    _ => None,
                };
                let kind = DiagnosticKind::InvalidValue { what: place.value(), reason };
                self.report.error_with_help(origin, kind, help);
                node.value = Value::Invalid;
            }
        }
    }
}

/// How many keys an object may have to name all of them.
const FEW_KEYS: usize = 12;

/// All keys of an object, in words.
fn known_keys<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let keys: Vec<&str> = keys.collect();
    format!("it may be {}", one_of(&keys))
}

/// Where a key that an object does not have is at home.
fn belongs_elsewhere(key: &str, object: &Object) -> Option<String> {
    let text = match key {
        "net" => "it is called `network_mode` today",
        "log_driver" | "log_opt" => "it is part of `logging` today",
        "volume_driver" => "it is the `driver` of a volume under the top-level `volumes` today",
        "dockerfile" | "context" if object.name == "service" => {
            return Some(format!("it belongs under `build`: `build: {{{key}: …}}`"));
        }
        _ if object.name == PROJECT.name && SERVICE.field(key).is_some() => {
            return Some(format!("`{key}` belongs in a service: is it indented as far as the keys of one?"));
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Whether a node is of the kind that a shape begins with.
fn takes(shape: &Shape, node: &Node) -> bool {
    match shape {
        Shape::Scalar(_) => matches!(node.value, Value::Scalar(_)),
        Shape::List(_) | Shape::Set(_) => matches!(node.value, Value::Sequence(_)),
        Shape::Map(_) | Shape::Named(_) | Shape::Object(_) => matches!(node.value, Value::Mapping(_)),
        Shape::Nullable(inner) => takes(inner, node),
        Shape::Either(shapes) => shapes.iter().any(|shape| takes(shape, node)),
    }
}

fn accepts_text(shape: &Shape) -> bool {
    matches!(shape, Shape::Scalar(Type::Text))
}

/// What a shape allows, in words.
pub(super) fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(of) => of.expected(),
        Shape::List(_) | Shape::Set(_) => "a list".to_owned(),
        Shape::Map(_) | Shape::Named(_) | Shape::Object(_) => "a mapping".to_owned(),
        Shape::Nullable(inner) => expected(inner),
        Shape::Either(shapes) => {
            let mut words: Vec<String> = shapes.iter().map(expected).collect();
            let last = words.pop().unwrap_or_default();
            if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
        }
    }
}

impl Type {
    /// What it allows, in words.
    fn expected(self) -> String {
        match self {
            Self::Text | Self::PullPolicy | Self::ContainerName | Self::Path | Self::Address => "a string",
            Self::Word(words) => return one_of(words),
            Self::Anything => "a string, number or boolean",
            Self::TextOrNumber => "a string or number",
            Self::TextOrInteger => "a string or whole number",
            Self::Boolean => "`true` or `false`",
            Self::Integer { .. } => "a whole number",
            Self::Number => "a number",
            Self::Bytes | Self::SizeText => "a size such as `64m`",
            Self::Duration => "a string such as `10s`",
            Self::Rate => "a rate such as `10mbit`",
            Self::Percentage => "a percentage such as `0.5%`",
            Self::Microseconds => "a number of microseconds or a duration",
            Self::Mode => "permission bits such as `0440`",
            Self::DeviceCount => "`all` or a number",
        }
        .to_owned()
    }
}
