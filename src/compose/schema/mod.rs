//! The shape of a Compose file: every key, what it may hold, and how `config` prints it.
//!
//! One table for four readers: [`check`](super::check) compares a file with it, `config --json-schema` prints it,
//! [`print`](super::emit) follows it, and the README lists it. A key that is not here does not exist.

mod build;
mod deploy;
mod docs;
pub(super) mod json;
mod project;
mod service;

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

pub(super) use project::PROJECT;
pub(super) use service::SERVICE;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A single value.
    Scalar(Type),
    /// A list.
    List(&'static Self),
    /// A list in which no item may stand twice.
    Set(&'static Self),
    /// A mapping whose keys the user chooses.
    Map(&'static Self),
    /// A mapping whose keys are names of the project: letters, digits, `.`, `_` and `-`.
    Named(&'static Self),
    /// A mapping whose keys are those of Compose.
    Object(&'static Object),
    /// One of several forms, told apart by whether they are scalars, lists or mappings.
    Either(&'static [Self]),
    /// What is inside, or nothing.
    Nullable(&'static Self),
}

/// What a single value may be, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// A string; numbers and booleans need quotes.
    Text,
    /// Nothing else than one of these.
    Word(&'static [&'static str]),
    /// `always`, `missing`, `every_12h`, …
    PullPolicy,
    /// At least two letters, digits, `_`, `.` or `-`.
    ContainerName,
    /// Any single value, taken as text: `1.10` in a label.
    Anything,
    /// A string or a number, taken as text.
    TextOrNumber,
    /// A string or a whole number, taken as text.
    TextOrInteger,
    /// `true` or `false`, also as text; and the other words of YAML 1.1, with a warning.
    Boolean,
    /// A whole number, also as text.
    Integer { least: i64, most: i64 },
    /// A number, also as text; printed with the precision of 32 bits, as there.
    Number,
    /// A size: a number of bytes or a text such as `64m`; printed as a text of digits.
    Bytes,
    /// As `Bytes`, but never a number.
    SizeText,
    /// A duration such as `1m30s`, which must be a string.
    Duration,
    /// A number of microseconds or a duration.
    Microseconds,
    /// Bits or bytes a second, such as `10mbit`.
    Rate,
    /// `0.5%`.
    Percentage,
    /// Permission bits: a number, or a text in octal; printed as a text in octal.
    Mode,
    /// A number of devices or `all`, printed as a number of which -1 is all.
    DeviceCount,
    /// A path or pattern that may not be empty.
    Path,
    /// An IPv4 or IPv6 address.
    Address,
}

/// Any whole number.
pub(super) const INTEGER: Type = Type::Integer { least: i64::MIN, most: i64::MAX };
/// Any whole number that is not negative.
pub(super) const COUNT: Type = Type::Integer { least: 0, most: i64::MAX };

/// A mapping with keys of its own.
#[derive(Debug)]
pub(super) struct Object {
    /// What it is called in the schema that `config --json-schema` prints.
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// Whether `x-…` keys may stand in it.
    pub(super) extensible: bool,
    /// The fields by key, made when the first is looked up.
    index: OnceLock<HashMap<&'static str, &'static Field, FixedState>>,
}

/// A key of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
    pub(super) print: Print,
}

/// When `config` prints a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Print {
    /// When it says something: not for nothing, `false`, `0`, an empty text, list or mapping.
    Meaningful,
    /// When it is given, even if it is `0` or empty.
    Given,
    /// Always, as null when it is not given.
    Always,
    /// Always, as an empty mapping when it is not given.
    Mapping,
    /// Always, as `false` when it is not given.
    Switch,
    /// Never: it has done its work when the project is loaded.
    Never,
}

impl Object {
    /// An object that may be extended by `x-…` keys.
    const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, extensible: true, index: OnceLock::new() }
    }

    /// An object that has these keys and no other.
    const fn closed(name: &'static str, fields: &'static [Field]) -> Self {
        Self { name, fields, extensible: false, index: OnceLock::new() }
    }

    pub(super) fn field(&self, key: &str) -> Option<&'static Field> {
        let index = || self.fields.iter().map(|field| (field.key, field)).collect();
        self.index.get_or_init(index).get(key).copied()
    }
}

impl Field {
    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn print(self, print: Print) -> Self {
        Self { print, ..self }
    }

    /// A key that is printed whenever it is given.
    const fn given(self) -> Self {
        self.print(Print::Given)
    }
}

const fn field(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, required: false, print: Print::Meaningful }
}

const fn text(key: &'static str) -> Field {
    field(key, TEXT)
}

const fn flag(key: &'static str) -> Field {
    field(key, Shape::Scalar(Type::Boolean))
}

const fn scalar(key: &'static str, of: Type) -> Field {
    field(key, Shape::Scalar(of))
}

const TEXT: Shape = Shape::Scalar(Type::Text);
const DURATION: Shape = Shape::Scalar(Type::Duration);
/// A list of strings; what stands twice is dropped when files are merged.
const TEXTS: Shape = Shape::List(&TEXT);
/// A list of strings, none of which may stand twice in a file.
const UNIQUE_TEXTS: Shape = Shape::Set(&TEXT);
/// `a` for `[a]`.
const TEXT_OR_LIST: Shape = Shape::Either(&[TEXT, TEXTS]);
/// `[K=V]` for `{K: V}`.
const LIST_OR_MAPPING: Shape = Shape::Either(&[Shape::Map(&Shape::Nullable(&Shape::Scalar(Type::Anything))), TEXTS]);
/// `{K: V}` with texts or numbers.
const OPTIONS: Shape = Shape::Map(&Shape::Nullable(&Shape::Scalar(Type::TextOrNumber)));
/// Words, or a text that is split into words.
const COMMAND: Shape = Shape::Nullable(&Shape::Either(&[TEXT, Shape::List(&TEXT)]));
const EXTRA_HOSTS: Shape = Shape::Either(&[Shape::Map(&Shape::Either(&[TEXT, Shape::List(&TEXT)])), TEXTS]);
const ULIMITS: Shape = Shape::Map(&Shape::Either(&[Shape::Scalar(INTEGER), Shape::Object(&ULIMIT)]));
const GRANTS: Shape = Shape::List(&Shape::Either(&[TEXT, Shape::Object(&GRANT)]));

static ULIMIT: Object =
    Object::new("ulimit", &[scalar("soft", INTEGER).required().given(), scalar("hard", INTEGER).required().given()]);

static GRANT: Object = Object::new(
    "file_grant",
    &[text("source"), text("target"), text("uid"), text("gid"), scalar("mode", Type::Mode).given()],
);
