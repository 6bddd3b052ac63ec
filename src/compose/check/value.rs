//! Single values: what each type takes, and the form that it is brought into.

use crate::compose::diagnostic::DiagnosticKind;
use crate::compose::node::{Kind, Scalar, Style};
use crate::compose::scalar;
use crate::compose::scalar::Resolved;
use crate::compose::schema::Type;
use crate::text::units;

/// A value in its final form; `None` leaves the text as it is.
pub(super) struct Typed {
    pub(super) text: Option<String>,
    pub(super) style: Style,
    pub(super) warning: Option<DiagnosticKind>,
}

/// Why a value cannot be.
pub(super) enum Mistake {
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

/// What to do about a value that must be a text.
pub(super) fn quoted(text: &str) -> String {
    format!("write it in quotes: \"{text}\"")
}

/// Brings a value into the form that its type has.
pub(super) fn typed(scalar: &Scalar, of: Type) -> Result<Typed, Mistake> {
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
            Type::Rate => Err(Mistake::Type(Some(format!("give it a unit: `{text}mbit`")))),
            Type::Percentage => Err(Mistake::Type(Some(format!("give it its sign: `{text}%`")))),
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
        Type::Rate => units::rate(text).map(|_| same()).map_err(|error| Mistake::Value(error.to_string())),
        Type::Percentage => units::percentage(text).map(|_| same()).map_err(|error| Mistake::Value(error.to_string())),
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
pub(super) fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [word] => format!("`{word}`"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|word| format!("`{word}`")).collect();
            format!("{} or `{last}`", rest.join(", "))
        }
    }
}
