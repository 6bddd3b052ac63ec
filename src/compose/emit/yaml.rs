//! YAML in the layout of docker compose: two spaces, lists indented, quotes only where they are needed.

use std::fmt::Write;

use serde_json::Value;

use crate::compose::node::{Kind, Scalar, Style};

/// Writes what stands behind `key:` or `-`, line end included.
pub(super) fn write(output: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            output.push('\n');
            for (key, value) in entries {
                let _ = write!(output, "{:indent$}{}:", "", scalar(key));
                write(output, value, indent + 2);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            output.push('\n');
            for item in items {
                let _ = write!(output, "{:indent$}-", "");
                let start = output.len();
                write(output, item, indent + 2);
                // A mapping begins on the line of its dash.
                if output[start..].starts_with('\n') {
                    output.replace_range(start..start + 1 + indent + 2, " ");
                }
            }
        }
        Value::Object(_) => output.push_str(" {}\n"),
        Value::Array(_) => output.push_str(" []\n"),
        Value::String(text) => {
            let _ = writeln!(output, " {}", scalar(text));
        }
        other => {
            let _ = writeln!(output, " {other}");
        }
    }
}

/// A string, in quotes when it would not be read as itself without them. JSON strings are YAML.
fn scalar(text: &str) -> String {
    let plain = Scalar { text: text.to_owned(), style: Style::Plain }.kind() == Kind::String
        && !matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "<<" | "=")
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/._$".contains(c))
        && text.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() && text.contains(':'));
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}
