//! What is looked at as it is written: quotes that are missing, names that stand twice, `$` meant for someone else.

use std::collections::HashMap;

use crate::compose::diagnostic::{DiagnosticKind, Severity};
use crate::compose::node::{Kind, Node, Scalar, Style, Value};
use crate::compose::report::{Finding, Origin, Report};
use crate::compose::scalar;

/// How the names of secrets end.
const SECRETS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "PRIVATE_KEY",
    "SECRET_KEY",
    "CREDENTIALS",
];

/// `environment` and `args`.
pub(super) fn variables(node: &Node, all: bool, report: &Report) {
    assignments(node, report);
    texts(node, true, report);
    if all {
        secrets(node, report);
    }
}

/// `labels`.
pub(super) fn labels(node: &Node, _: bool, report: &Report) {
    assignments(node, report);
    texts(node, true, report);
}

/// Options that are given on as text.
pub(super) fn options(node: &Node, _: bool, report: &Report) {
    texts(node, false, report);
}

/// A text or words that a shell in the container may read.
pub(super) fn command(node: &Node, _: bool, report: &Report) {
    match &node.value {
        Value::Scalar(scalar) if scalar.text.contains('$') => report.notes().for_the_container(node.origin),
        Value::Sequence(items) => items.iter().for_each(|item| command(item, false, report)),
        _ => {}
    }
}

/// An item of `ports`.
pub(super) fn port(node: &Node, _: bool, report: &Report) {
    let Value::Scalar(Scalar { text, style: Style::Plain }) = &node.value else { return };
    if is_base_60(text) {
        let help = format!("write it in quotes: \"{text}\"");
        report.warning_with_help(node.origin, DiagnosticKind::PortAsNumber(text.clone()), help);
    }
}

/// `[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+`, as YAML 1.1 has it.
fn is_base_60(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let mut rest = parts.peekable();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let below_60 = |part: &str| digits(part) && (part.len() == 1 || part.len() == 2 && part < "60");
    digits(first) && !first.starts_with('0') && rest.peek().is_some() && rest.all(below_60)
}

/// Texts without quotes of which YAML makes something else.
fn texts(node: &Node, words: bool, report: &Report) {
    for (_, entry) in node.entries().into_iter().flatten() {
        let origin = entry.value.origin;
        let Value::Scalar(scalar) = &entry.value.value else { continue };
        let Scalar { text, style: Style::Plain } = scalar else { continue };
        let kind = match scalar.kind() {
            Kind::Number | Kind::Boolean if scalar::go_text(text) != text.as_str() => DiagnosticKind::NumberChanged {
                text: text.clone(),
                what: if scalar.kind() == Kind::Number { "a number" } else { "a boolean" },
                read: scalar::go_text(text).into_owned(),
            },
            Kind::String if words && is_boolean_word(text) => DiagnosticKind::YamlBoolean(text.clone()),
            _ => continue,
        };
        report.warning_with_help(origin, kind, format!("write it in quotes: \"{text}\""));
    }
}

fn is_boolean_word(text: &str) -> bool {
    ["yes", "no", "on", "off"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Names that stand twice in a list of `NAME=VALUE`.
fn assignments(node: &Node, report: &Report) {
    let mut first: HashMap<&str, Origin> = HashMap::new();
    for item in node.items() {
        let Some(text) = item.text() else { continue };
        let name = text.split('=').next().unwrap_or_default();
        // A name that is made of a variable may be any.
        if name.contains('$') {
            continue;
        }
        if let Some(earlier) = first.insert(name, item.origin) {
            report.add_finding(Finding {
                origin: report.find(item.origin, name),
                severity: Severity::Warning,
                kind: DiagnosticKind::DuplicateVariable(name.to_owned()),
                help: None,
                labels: vec![(report.find(earlier, name), "first given here".to_owned())],
            });
        }
    }
}

/// Volumes at one place of the container, in long form.
pub(super) fn mounts(service: &Node, report: &Report) {
    let mut first: HashMap<&str, Origin> = HashMap::new();
    for mount in service.get("volumes").map(Node::items).unwrap_or_default() {
        let Some(target) = mount.text_of("target") else { continue };
        if let Some(earlier) = first.insert(target, mount.origin) {
            report.add_finding(Finding {
                origin: mount.origin,
                severity: Severity::Warning,
                kind: DiagnosticKind::DuplicateMount(target.to_owned()),
                help: None,
                labels: vec![(earlier, "this one is dropped".to_owned())],
            });
        }
    }
}

/// Secrets as plain text.
fn secrets(node: &Node, report: &Report) {
    let look = |name: &str, value: &str, at: Origin| {
        if is_secret(name) && is_literal(value) {
            let help =
                format!("take it from an env file that is not shared, `${{{name}:?}}`, or from a file under `secrets`");
            report.warning_with_help(at, DiagnosticKind::SecretInEnvironment(name.to_owned()), help);
        }
    };
    for item in node.items() {
        if let Some((name, value)) = item.text().and_then(|text| text.split_once('=')) {
            look(name, value, report.find(item.origin, value));
        }
    }
    for (name, entry) in node.entries().into_iter().flatten() {
        if let Some(value) = entry.value.text().filter(|_| !entry.value.is_null()) {
            look(name, value, entry.value.origin);
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRETS.iter().any(|end| name.ends_with(end))
}

/// A value of its own: not from a variable, and not the switch in `ALLOW_EMPTY_PASSWORD=yes`.
fn is_literal(value: &str) -> bool {
    let switches = ["true", "false", "yes", "no", "on", "off", "1", "0"];
    !value.is_empty() && !value.contains('$') && !switches.iter().any(|word| word.eq_ignore_ascii_case(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_base_60() {
        for text in ["22:22", "1:2", "8080:59", "1:2:3"] {
            assert!(is_base_60(text), "{text}");
        }
        for text in ["22", "22:60", "8080:80", "022:22", "22:", ":22", "22:222", "127.0.0.1:22:22", "22:22/tcp"] {
            assert!(!is_base_60(text), "{text}");
        }
    }

    #[test]
    fn secrets() {
        for (name, value, wanted) in [
            ("POSTGRES_PASSWORD", "x", true),
            ("github_token", "x", true),
            ("POSTGRES_PASSWORD_FILE", "/run/secrets/p", false),
            ("DB_PASSWORD", "${DB_PASSWORD}", false),
            ("ALLOW_EMPTY_PASSWORD", "yes", false),
            ("TOKENS", "x", false),
            ("DB_PASSWORD", "", false),
        ] {
            assert_eq!(is_secret(name) && is_literal(value), wanted, "{name}={value}");
        }
    }
}
