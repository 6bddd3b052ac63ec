//! `config --explain`: where a value comes from.
//!
//! A path names a value of the project as `config` prints it: `services.web.environment.DB_HOST`,
//! `services.web.ports[0]`. Keys may hold dots themselves; the longest one that fits is meant.

mod render;

use serde_json::Value as Json;

use super::diagnostic::Span;
use super::history::History;
use super::node::{Mapping, Node, Value};
use super::report::Origin;
use super::resolved::Resolved;
use crate::text;

/// What is known of the values at a path.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The leaves: one when the path leads to one.
    pub values: Vec<Explanation>,
    /// Whether the path leads to a single value.
    pub is_leaf: bool,
}

/// Where a single value comes from.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Its path.
    pub path: String,
    /// What it is in the end.
    pub value: Json,
    /// Where it is written, or what it follows from.
    pub place: Span,
    /// Whether it is written there. Else it follows from what is: a default, or what else Compose adds.
    pub is_written: bool,
    /// The places of the values that it replaced, last first.
    pub overridden: Vec<Span>,
    /// The variables that it was made with.
    pub variables: Vec<UsedVariable>,
}

/// A variable that a value was made with.
#[derive(Debug, Clone)]
pub struct UsedVariable {
    /// Its name.
    pub name: String,
    /// Its value there.
    pub value: Option<String>,
    /// Where it has it from.
    pub source: ValueSource,
}

/// Where a variable has its value from.
#[derive(Debug, Clone)]
pub enum ValueSource {
    /// The environment of the process.
    Process,
    /// An env file.
    File(Span),
    /// It is the name of the project.
    Project,
    /// It has none.
    Unset {
        /// What the template takes instead.
        default: Option<String>,
    },
}

/// There is nothing at a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing at `{path}`")]
pub struct UnknownPath {
    /// The path.
    pub path: String,
    /// One that may be meant.
    pub nearest: Option<String>,
}

impl Resolved {
    /// Where the values at `path` come from. Without [`trace`](super::LoadOptions::trace) nothing is known.
    ///
    /// # Errors
    /// [`UnknownPath`].
    pub fn explain(&self, path: &str) -> Result<Explained, UnknownPath> {
        let unknown = |nearest| UnknownPath { path: path.to_owned(), nearest };
        let history = self.history.as_ref().ok_or_else(|| unknown(None))?;
        let found = find(&self.root, path.trim_end_matches('.')).map_err(unknown)?;
        let is_leaf = !matches!(found.node.value, Value::Mapping(_) | Value::Sequence(_));
        let mut values = Vec::new();
        leaves(found, history, &mut values);
        Ok(Explained { values, is_leaf })
    }
}

/// A node, the path to it and the place of what it is in.
struct Found<'a> {
    path: String,
    node: &'a Node,
    above: Option<Origin>,
}

/// Walks down `path`; where it ends early, the path that may be meant.
fn find<'a>(root: &'a Node, path: &str) -> Result<Found<'a>, Option<String>> {
    let mut found = Found { path: String::new(), node: root, above: None };
    let mut rest = path;
    while !rest.is_empty() {
        let (step, node, behind) = match &found.node.value {
            Value::Mapping(entries) => {
                let (key, behind) = key(entries, rest).ok_or_else(|| nearest(entries, &found.path, rest))?;
                (joined(&found.path, key), &entries[key].value, behind)
            }
            Value::Sequence(items) => {
                let (index, behind) = index(rest).ok_or(None)?;
                (format!("{}[{index}]", found.path), items.get(index).ok_or(None)?, behind)
            }
            Value::Scalar(_) | Value::Invalid => return Err(Some(found.path)),
        };
        found = Found { path: step, above: Some(found.node.origin), node };
        rest = behind;
    }
    Ok(found)
}

/// The longest key that a path begins with, and the rest of the path.
fn key<'a, 'p>(entries: &'a Mapping, path: &'p str) -> Option<(&'a str, &'p str)> {
    let fits = |key: &'a str| {
        let rest = path.strip_prefix(key)?;
        match rest.strip_prefix('.') {
            Some(rest) => Some((key, rest)),
            None => (rest.is_empty() || rest.starts_with('[')).then_some((key, rest)),
        }
    };
    entries.keys().filter_map(|key| fits(key)).max_by_key(|(key, _)| key.len())
}

/// `[0].target` or `0.target` as 0 and `target`.
fn index(path: &str) -> Option<(usize, &str)> {
    let (digits, rest) = match path.strip_prefix('[') {
        Some(inside) => inside.split_once(']')?,
        None => path.split_at(path.find(['.', '[']).unwrap_or(path.len())),
    };
    Some((digits.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// The path with its next key replaced by the one that is most like it.
fn nearest(entries: &Mapping, above: &str, rest: &str) -> Option<String> {
    let (wrong, behind) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    let keys = || entries.keys().map(String::as_str);
    match text::nearest(wrong, keys()) {
        Some(key) => Some(joined(above, key) + behind),
        // A key with dots is one word.
        None => text::nearest(rest, keys()).map(|key| joined(above, key)),
    }
}

fn joined(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// Explains everything below a node that is no mapping or list with something in it.
fn leaves(found: Found<'_>, history: &History, values: &mut Vec<Explanation>) {
    let Found { path, node, above } = found;
    let inside = Some(node.origin);
    match &node.value {
        Value::Mapping(entries) if !entries.is_empty() => {
            for (key, entry) in entries {
                let below = Found { path: joined(&path, key), node: &entry.value, above: inside };
                leaves(below, history, values);
            }
        }
        Value::Sequence(items) if !items.is_empty() => {
            for (index, node) in items.iter().enumerate() {
                leaves(Found { path: format!("{path}[{index}]"), node, above: inside }, history, values);
            }
        }
        _ => values.push(history.explain(path, node, above)),
    }
}
