//! Rules keyed by the path they apply to: `services.*.ports` is any service's ports, `services.*.ports.*` each of them.
//!
//! A phase is a table of these and a walk: the table says what the phase does, and where.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::node::{Node, Value};

/// The rules of one phase, as a tree of keys: a walk looks each key up once, however many rules there are.
#[derive(Debug)]
pub(super) struct Table<R> {
    rule: Option<R>,
    keys: HashMap<&'static str, Self, FixedState>,
    any: Option<Box<Self>>,
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self { rule: None, keys: HashMap::default(), any: None }
    }
}

impl<R: Copy> Table<R> {
    /// Builds the tree of a list of patterns; `*` is any key of a mapping and any item of a list.
    pub(super) fn new(rules: &[(&'static str, R)]) -> Self {
        let mut table = Self::default();
        for (pattern, rule) in rules {
            let mut at = &mut table;
            for key in pattern.split('.') {
                at = if key == "*" { at.any.get_or_insert_default() } else { at.keys.entry(key).or_default() };
            }
            at.rule = Some(*rule);
        }
        table
    }

    /// The rule for exactly this place.
    pub(super) fn rule(&self) -> Option<R> {
        self.rule
    }

    /// The rules below a key.
    pub(super) fn below(&self, key: &str) -> Option<&Self> {
        self.keys.get(key).or(self.any.as_deref())
    }

    /// The rules for the items of a list.
    pub(super) fn items(&self) -> Option<&Self> {
        self.any.as_deref()
    }

    /// Calls `look` for each node that has a rule, a node before those inside it.
    pub(super) fn visit(&self, node: &Node, look: &mut impl FnMut(R, &Node)) {
        if let Some(rule) = self.rule {
            look(rule, node);
        }
        match &node.value {
            Value::Mapping(entries) if self.any.is_some() => {
                for (key, entry) in entries {
                    if let Some(below) = self.below(key) {
                        below.visit(&entry.value, look);
                    }
                }
            }
            Value::Mapping(entries) => {
                for (key, below) in &self.keys {
                    if let Some(entry) = entries.get(*key) {
                        below.visit(&entry.value, look);
                    }
                }
            }
            Value::Sequence(items) => {
                if let Some(below) = self.items() {
                    items.iter().for_each(|item| below.visit(item, look));
                }
            }
            Value::Scalar(_) | Value::Invalid => {}
        }
    }

    /// Calls `apply` for each node that has a rule, those inside a node before the node itself.
    pub(super) fn walk(&self, node: &mut Node, apply: &mut impl FnMut(R, &mut Node)) {
        match &mut node.value {
            Value::Mapping(entries) => {
                for (key, entry) in entries {
                    if let Some(below) = self.below(key) {
                        below.walk(&mut entry.value, apply);
                    }
                }
            }
            Value::Sequence(items) => {
                if let Some(below) = self.items() {
                    items.iter_mut().for_each(|item| below.walk(item, apply));
                }
            }
            Value::Scalar(_) | Value::Invalid => {}
        }
        if let Some(rule) = self.rule {
            apply(rule, node);
        }
    }
}
