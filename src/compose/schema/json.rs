//! `config --json-schema`: the table as JSON Schema, which editors complete and check files by.
//!
//! Draft 7: the newest that editors read YAML with. It takes what may stand in one file, with templates wherever a value
//! may be one; what holds between values, and between files, a schema cannot say.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Object, PROJECT, Shape, Type, docs};

/// The schema of a Compose file.
pub(in crate::compose) fn schema() -> Value {
    let mut definitions = Definitions::default();
    let mut root = definitions.object(&PROJECT);
    // What an object refers to becomes a definition once.
    while let Some((name, object)) = definitions.open.pop_first() {
        let schema = definitions.object(object);
        definitions.done.insert(name, schema);
    }
    definitions.done.insert(
        "template".to_owned(),
        json!({
            "description": "A text with variables: ${NAME:-default}.", "type": "string", "pattern": "\\$",
        }),
    );
    let about = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Compose file",
        "description": "The containers, networks and volumes of an application, for rcompose and docker compose.",
        "definitions": definitions.done,
    });
    if let (Value::Object(root), Value::Object(about)) = (&mut root, about) {
        root.extend(about);
    }
    root
}

#[derive(Default)]
struct Definitions {
    open: BTreeMap<String, &'static Object>,
    done: Map<String, Value>,
}

impl Definitions {
    fn object(&mut self, object: &Object) -> Value {
        let mut properties = Map::new();
        for field in object.fields {
            let mut schema = self.shape(&field.shape);
            if let (Value::Object(schema), Some(text)) = (&mut schema, docs::of(object.name, field.key)) {
                schema.insert("description".to_owned(), text.into());
            }
            properties.insert(field.key.to_owned(), schema);
        }
        let required: Vec<&str> = object.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
        let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if object.extensible {
            schema["patternProperties"] = json!({"^x-": {}});
        }
        schema
    }

    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Scalar(of) => scalar(*of),
            Shape::List(items) => json!({"type": "array", "items": self.shape(items)}),
            Shape::Set(items) => json!({"type": "array", "items": self.shape(items), "uniqueItems": true}),
            Shape::Map(values) => json!({"type": "object", "additionalProperties": self.shape(values)}),
            Shape::Named(values) => {
                let names = json!({"^[a-zA-Z0-9._-]+$": self.shape(values)});
                json!({"type": "object", "patternProperties": names, "additionalProperties": false})
            }
            Shape::Object(object) => {
                let name = object.name.replace([' ', '-'], "_");
                if !self.done.contains_key(&name) {
                    self.open.insert(name.clone(), object);
                }
                // In draft 7 nothing may stand beside `$ref`.
                json!({"allOf": [{"$ref": format!("#/definitions/{name}")}]})
            }
            Shape::Either(shapes) => {
                let forms: Vec<Value> = shapes.iter().map(|shape| self.shape(shape)).collect();
                json!({"anyOf": forms})
            }
            Shape::Nullable(inner) => json!({"anyOf": [self.shape(inner), {"type": "null"}]}),
        }
    }
}

fn scalar(of: Type) -> Value {
    let text_like = |pattern: &str| json!({"type": "string", "pattern": format!("{pattern}|\\$")});
    let or_template = |schema: Value| json!({"anyOf": [schema, {"$ref": "#/definitions/template"}]});
    match of {
        Type::Text => json!({"type": "string"}),
        Type::SizeText => text_like(r"^ *[0-9.]+ *([kKmMgGtTpPeE]?[iI]?[bB]?)?$"),
        Type::Word(words) => or_template(json!({"enum": words})),
        Type::PullPolicy => or_template(json!({"anyOf": [
            {"enum": ["always", "build", "daily", "if_not_present", "missing", "never", "refresh", "weekly"]},
            {"type": "string", "pattern": "^every_([0-9]+(w|d|h|m|s))+$"},
        ]})),
        Type::ContainerName => text_like("^[a-zA-Z0-9][a-zA-Z0-9_.-]+$"),
        Type::Anything => json!({"type": ["string", "number", "boolean"]}),
        Type::TextOrNumber => json!({"type": ["string", "number"]}),
        Type::TextOrInteger => json!({"type": ["string", "integer"]}),
        Type::Boolean => json!({"anyOf": [
            {"type": "boolean"},
            text_like("^([tT]rue|TRUE|[fF]alse|FALSE|[yY]es|YES|[nN]o|NO|[yY]|[nN]|[oO]n|ON|[oO]ff|OFF)$"),
        ]}),
        Type::Integer { least, most } => {
            let mut number = json!({"type": "integer"});
            if least > i64::MIN {
                number["minimum"] = json!(least);
            }
            if most < i64::MAX {
                number["maximum"] = json!(most);
            }
            json!({"anyOf": [number, text_like("^[-+]?[0-9]+$")]})
        }
        Type::Number => json!({"anyOf": [{"type": "number"}, text_like(r"^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$")]}),
        Type::Bytes => {
            json!({"anyOf": [{"type": "number"}, text_like(r"^ *[-+]?[0-9.]+([eE][0-9]+)? *([kKmMgGtTpPeE]?[iI]?[bB]?)?$")]})
        }
        Type::Duration => text_like("^[-+]?(0|([0-9.]+(ns|us|µs|μs|ms|s|m|h|d|w))+)$"),
        Type::Rate => text_like("^[0-9.]+([kKmMgGtT][iI]?)?([bB][iI][tT]|[bB][pP][sS])$"),
        Type::Percentage => text_like("^[0-9.]+%$"),
        Type::Microseconds => json!({"type": ["string", "number"]}),
        Type::Mode => json!({"anyOf": [{"type": "integer", "minimum": 0}, text_like("^(0o?)?[0-7]+$")]}),
        Type::DeviceCount => json!({"anyOf": [{"type": "integer"}, text_like("^([aA][lL][lL]|-?[0-9]+)$")]}),
        Type::Path => json!({"type": "string", "minLength": 1}),
        Type::Address => text_like(r"^[0-9a-fA-F.:]+$"),
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
