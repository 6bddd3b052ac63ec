//! One file against the [schema](super::schema): known keys, types and values.
//!
//! Each single value is brought into the form that everything after this phase relies on: `yes` where a boolean is
//! wanted is `true`, `64m` where a size is wanted is `67108864`, `1.10` where a text is wanted is the text `1.1`.
//! Whether something is missing is asked later, of all files together: see [`complete`](super::complete).

use super::diagnostic::DiagnosticKind;
use super::node::{Kind, Mapping, Node, Scalar, Style, Tag, Value};
use super::place::Place;
use super::report::{Origin, Report};
use super::scalar::Resolved;
use super::schema::{Field, Object, PROJECT, SERVICE, Shape, Type};
use super::{scalar, suggest, units};

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
        let help = suggest::did_you_mean(key, known.clone())
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
                    Type::Word(words) => suggest::did_you_mean(&scalar.text, words.iter().copied()),
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

/// A value in its final form; `None` leaves the text as it is.
struct Typed {
    text: Option<String>,
    style: Style,
    warning: Option<DiagnosticKind>,
}

enum Mistake {
    /// The type is wrong; with what to do about it.
    Type(Option<String>),
    /// The type is right, the value is not; with why.
    Value(String),
}

fn same() -> Typed {
    Typed { text: None, style: Style::Quoted, warning: None }
}

fn as_text(text: impl Into<String>) -> Typed {
    Typed { text: Some(text.into()), style: Style::Quoted, warning: None }
}

fn as_is(text: impl ToString) -> Typed {
    Typed { text: Some(text.to_string()), style: Style::Plain, warning: None }
}

fn quoted(text: &str) -> String {
    format!("write it in quotes: \"{text}\"")
}

fn typed(scalar: &Scalar, of: Type) -> Result<Typed, Mistake> {
    let (kind, text) = (scalar.kind(), scalar.text.as_str());
    if scalar.style == Style::Plain && scalar::resolve(text) == Resolved::Timestamp {
        return Err(Mistake::Type(Some(quoted(text))));
    }
    let value = |reason: String| Err(Mistake::Value(reason));
    match of {
        Type::Anything => Ok(plain_text(kind, text)),
        Type::TextOrNumber | Type::TextOrInteger if kind == Kind::Boolean => Err(Mistake::Type(Some(quoted(text)))),
        Type::TextOrNumber => Ok(plain_text(kind, text)),
        Type::TextOrInteger => {
            match scalar.style == Style::Plain && matches!(scalar::resolve(text), Resolved::Float(_)) {
                true => Err(Mistake::Type(Some(quoted(text)))),
                false => Ok(plain_text(kind, text)),
            }
        }
        Type::Boolean => boolean(kind, text),
        Type::Integer { least, most } => match integer(scalar) {
            Some(number) if (least..=most).contains(&number) => Ok(as_is(number)),
            Some(number) if least == 0 && most == i64::MAX => value(format!("{number} is negative")),
            Some(number) => value(format!("{number} is not between {least} and {most}")),
            None if kind == Kind::Boolean => Err(Mistake::Type(None)),
            None => value(format!("`{text}` is not a whole number")),
        },
        Type::Number => match float(scalar) {
            #[expect(clippy::cast_possible_truncation, reason = "the precision that Compose gives such a number")]
            Some(number) => match scalar::json_float32(number as f32) {
                Some(text) => Ok(as_is(text)),
                None => value(format!("`{text}` is too large")),
            },
            None if kind == Kind::Boolean => Err(Mistake::Type(None)),
            None => value(format!("`{text}` is not a number")),
        },
        Type::Microseconds => match integer(scalar) {
            Some(number) => Ok(as_is(number)),
            None => match units::duration(text) {
                Ok(duration) => Ok(as_is(duration.as_micros())),
                Err(_) => value(format!("`{text}` is neither a number of microseconds nor a duration such as `50ms`")),
            },
        },
        Type::Bytes => match (kind, integer(scalar)) {
            (Kind::Number, Some(number)) => Ok(as_text(number.to_string())),
            (Kind::Boolean, _) => Err(Mistake::Type(None)),
            _ => match units::bytes(text) {
                Ok(bytes) => Ok(as_text(bytes.to_string())),
                Err(error) => value(error.to_string()),
            },
        },
        Type::Mode => match (kind, integer(scalar)) {
            (Kind::Number, Some(mode)) if mode >= 0 => Ok(as_text(format!("0{mode:o}"))),
            (Kind::String, _) => match i64::from_str_radix(text, 8) {
                Ok(mode) if mode >= 0 => Ok(as_text(format!("0{mode:o}"))),
                _ => value(format!("`{text}` is not a number in octal")),
            },
            _ => Err(Mistake::Type(None)),
        },
        Type::DeviceCount if kind == Kind::String && text.eq_ignore_ascii_case("all") => Ok(as_is(-1)),
        Type::DeviceCount => match integer(scalar) {
            Some(count) => Ok(as_is(count)),
            None => value(format!("`{text}` is neither `all` nor a number")),
        },
        // Everything that is left is a text.
        _ if kind != Kind::String => match of {
            Type::Duration => Err(Mistake::Type(Some(format!("give it a unit: `{text}s`")))),
            _ => Err(Mistake::Type(Some(quoted(text)))),
        },
        Type::Text => Ok(same()),
        Type::Word(words) if words.contains(&text) => Ok(same()),
        Type::Word(words) => value(format!("must be {}", one_of(words))),
        Type::SizeText => match units::bytes(text) {
            Ok(bytes) => Ok(as_text(bytes.to_string())),
            Err(error) => value(error.to_string()),
        },
        Type::Duration => match units::duration(text) {
            Ok(duration) => Ok(as_text(units::format_duration(duration))),
            Err(error) => value(error.to_string()),
        },
        Type::PullPolicy => pull_policy(text),
        Type::ContainerName => {
            let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
            let rest = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
            match first && rest && text.len() >= 2 {
                true => Ok(same()),
                false => value("must be two or more letters, digits, `_`, `.` or `-`, a letter or digit first".into()),
            }
        }
        Type::Path if text.is_empty() => value("may not be empty".into()),
        Type::Path => Ok(same()),
        Type::Address if text.parse::<std::net::IpAddr>().is_ok() => Ok(same()),
        Type::Address => value(format!("`{text}` is not an IP address")),
    }
}

/// A whole number: in any form of YAML without quotes, in decimal digits with them.
fn integer(scalar: &Scalar) -> Option<i64> {
    if scalar.style != Style::Plain {
        return scalar.text.parse().ok();
    }
    match scalar::resolve(&scalar.text) {
        Resolved::Int(number) => i64::try_from(number).ok(),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number well inside the range")]
        Resolved::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
        Resolved::String => scalar.text.parse().ok(),
        _ => None,
    }
}

fn float(scalar: &Scalar) -> Option<f64> {
    let number = match scalar.style {
        Style::Plain => match scalar::resolve(&scalar.text) {
            #[expect(clippy::cast_precision_loss, reason = "a number of processors, or a share")]
            Resolved::Int(number) => Some(number as f64),
            Resolved::Float(number) => Some(number),
            Resolved::String => scalar.text.parse().ok(),
            _ => None,
        },
        _ => scalar.text.parse().ok(),
    };
    number.filter(|number| number.is_finite())
}

/// Any value as the text that Compose makes of it.
fn plain_text(kind: Kind, text: &str) -> Typed {
    match kind {
        Kind::String | Kind::Null => same(),
        Kind::Boolean | Kind::Number | Kind::Date => as_text(scalar::go_text(text)),
    }
}

fn boolean(kind: Kind, text: &str) -> Result<Typed, Mistake> {
    let lower = text.to_ascii_lowercase();
    let value = match lower.as_str() {
        "true" | "yes" | "y" | "on" => true,
        "false" | "no" | "n" | "off" => false,
        _ if kind == Kind::String => return Err(Mistake::Value(format!("`{text}` is neither `true` nor `false`"))),
        _ => return Err(Mistake::Type(None)),
    };
    let old = !matches!(lower.as_str(), "true" | "false");
    let warning = old.then(|| DiagnosticKind::OldBoolean { text: text.to_owned(), value });
    Ok(Typed { warning, ..as_is(value) })
}

fn pull_policy(text: &str) -> Result<Typed, Mistake> {
    const WORDS: &[&str] =
        &["always", "build", "daily", "if_not_present", "missing", "never", "refresh", "weekly", "every_<duration>"];
    let every = text.strip_prefix("every_").is_some_and(|period| units::duration(period).is_ok());
    match every || WORDS.contains(&text) && !text.ends_with('>') {
        true => Ok(same()),
        false => Err(Mistake::Value(format!("must be {}", one_of(WORDS)))),
    }
}

/// `a`, `b` or `c`.
fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{word}`"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", rest.join(", "))
        }
    }
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
            Self::Microseconds => "a number of microseconds or a duration",
            Self::Mode => "permission bits such as `0440`",
            Self::DeviceCount => "`all` or a number",
        }
        .to_owned()
    }
}
