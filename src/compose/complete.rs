//! The merged files against the [schema](super::schema): what must be there is there.
//!
//! One file may leave out what another one gives, or give nothing for what another one has; only all of them together
//! can lack something.

use super::check::expected;
use super::diagnostic::DiagnosticKind;
use super::node::{Node, Value};
use super::place::Place;
use super::report::{Origin, Report};
use super::schema::Shape;

/// Checks `node` and everything in it; `at` is its key.
pub(super) fn complete(node: &mut Node, shape: &Shape, place: &Place<'_>, at: Origin, report: &Report) {
    if node.is_null() {
        if !takes_nothing(shape) {
            let kind = DiagnosticKind::WrongType { what: place.value(), expected: expected(shape), found: "nothing" };
            report.error(at, kind);
            node.value = Value::Invalid;
        }
        return;
    }
    match (shape, &mut node.value) {
        (Shape::Nullable(inner), _) => complete(node, inner, place, at, report),
        (Shape::Either(shapes), value) => {
            let shape = shapes.iter().find(|shape| match shape {
                Shape::List(_) | Shape::Set(_) => matches!(value, Value::Sequence(_)),
                Shape::Map(_) | Shape::Named(_) | Shape::Object(_) => matches!(value, Value::Mapping(_)),
                _ => false,
            });
            if let Some(shape) = shape {
                complete(node, shape, place, at, report);
            }
        }
        (Shape::List(items) | Shape::Set(items), Value::Sequence(nodes)) => {
            for item in nodes {
                let at = item.origin;
                complete(item, items, place, at, report);
            }
        }
        (Shape::Map(values) | Shape::Named(values), Value::Mapping(entries)) => {
            for (key, entry) in entries {
                complete(&mut entry.value, values, &place.below(key), entry.key, report);
            }
        }
        (Shape::Object(object), Value::Mapping(entries)) => {
            for field in object.fields.iter().filter(|field| field.required && !entries.contains_key(field.key)) {
                let text = format!("{place} needs `{}`", field.key);
                report.error(at, DiagnosticKind::Missing(text));
            }
            for (key, entry) in entries {
                if let Some(field) = object.field(key) {
                    complete(&mut entry.value, &field.shape, &place.below(key), entry.key, report);
                }
            }
        }
        _ => {}
    }
}

fn takes_nothing(shape: &Shape) -> bool {
    match shape {
        Shape::Nullable(_) => true,
        Shape::Either(shapes) => shapes.iter().any(takes_nothing),
        _ => false,
    }
}
