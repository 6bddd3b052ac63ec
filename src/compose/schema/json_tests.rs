//! The schema is held against the corpus by a validator of our own, which knows what the schema uses.

use std::collections::BTreeSet;
use std::path::PathBuf;

use regex::Regex;

use super::*;
use crate::compose::node::{Node, Style, Tag, Value as NodeValue};
use crate::compose::report::Report;
use crate::compose::scalar::{self, Resolved};
use crate::compose::yaml;

/// What an editor makes of a document.
fn as_json(node: &Node) -> Value {
    match &node.value {
        NodeValue::Invalid => Value::Null,
        NodeValue::Sequence(items) => items.iter().filter(|item| item.tag != Some(Tag::Reset)).map(as_json).collect(),
        NodeValue::Mapping(entries) => {
            let kept = entries.iter().filter(|(_, entry)| entry.value.tag != Some(Tag::Reset));
            Value::Object(kept.map(|(key, entry)| (key.clone(), as_json(&entry.value))).collect())
        }
        NodeValue::Scalar(found) if found.style != Style::Plain => json!(found.text),
        NodeValue::Scalar(found) => match scalar::resolve(&found.text) {
            Resolved::Null => Value::Null,
            Resolved::Bool(value) => json!(value),
            Resolved::Int(number) => i64::try_from(number).map_or(Value::Null, Value::from),
            Resolved::Float(number) => json!(number),
            Resolved::Timestamp | Resolved::String => json!(found.text),
        },
    }
}

fn documents(text: &str) -> Vec<Value> {
    let report = Report::new(false);
    let source = report.add_source("compose.yaml".to_owned(), text.to_owned());
    yaml::parse(&report, source).unwrap_or_default().iter().filter(|node| !node.is_null()).map(as_json).collect()
}

struct Validator {
    schema: Value,
}

impl Validator {
    fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(value, &self.schema, "", &mut errors);
        errors
    }

    fn check(&self, value: &Value, schema: &Value, at: &str, errors: &mut Vec<String>) {
        for (key, rule) in schema.as_object().unwrap() {
            let before = errors.len();
            match key.as_str() {
                "$schema" | "title" | "description" | "definitions" | "additionalProperties" => {}
                "$ref" => {
                    let name = rule.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
                    self.check(value, &self.schema["definitions"][name], at, errors);
                }
                "allOf" => rule.as_array().unwrap().iter().for_each(|rule| self.check(value, rule, at, errors)),
                "anyOf" => {
                    let mut forms = Vec::new();
                    let fits = rule.as_array().unwrap().iter().any(|form| {
                        let mut own = Vec::new();
                        self.check(value, form, at, &mut own);
                        let empty = own.is_empty();
                        forms.extend(own);
                        empty
                    });
                    if !fits {
                        errors.extend(forms);
                    }
                }
                "type" => {
                    let of = |name: &Value| match name.as_str().unwrap() {
                        "string" => value.is_string(),
                        "number" => value.is_number(),
                        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
                        "boolean" => value.is_boolean(),
                        "null" => value.is_null(),
                        "array" => value.is_array(),
                        "object" => value.is_object(),
                        other => panic!("{other}"),
                    };
                    let fits = rule.as_array().map_or_else(|| of(rule), |names| names.iter().any(of));
                    if !fits {
                        errors.push(format!("{at}: {value} is no {rule}"));
                    }
                }
                "enum" if !rule.as_array().unwrap().contains(value) => errors.push(format!("{at}: {value}: {rule}")),
                "enum" => {}
                "pattern" => {
                    let fits = |text: &str| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text);
                    if value.as_str().is_some_and(|text| !fits(text)) {
                        errors.push(format!("{at}: {value} does not match {rule}"));
                    }
                }
                "minimum" if value.as_f64() < rule.as_f64() => errors.push(format!("{at}: {value} < {rule}")),
                "maximum" if value.as_f64() > rule.as_f64() => errors.push(format!("{at}: {value} > {rule}")),
                "minimum" | "maximum" => {}
                "minLength" if value.as_str() == Some("") => errors.push(format!("{at}: empty")),
                "minLength" => {}
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(item, rule, &format!("{at}[{index}]"), errors);
                    }
                }
                "uniqueItems" => {
                    let items: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
                    if items.iter().collect::<BTreeSet<_>>().len() < items.len() {
                        errors.push(format!("{at}: items are equal"));
                    }
                }
                "required" => {
                    for key in rule.as_array().unwrap().iter().filter_map(Value::as_str) {
                        if value.as_object().is_some_and(|entries| !entries.contains_key(key)) {
                            errors.push(format!("{at}: {key} is missing"));
                        }
                    }
                }
                "properties" | "patternProperties" => {}
                other => panic!("the validator does not know `{other}`"),
            }
            assert!(errors.len() >= before);
        }
        for (key, entry) in value.as_object().into_iter().flatten() {
            self.entry(key, entry, schema, &format!("{at}.{key}"), errors);
        }
    }

    fn entry(&self, key: &str, value: &Value, schema: &Value, at: &str, errors: &mut Vec<String>) {
        let patterns = schema["patternProperties"].as_object().into_iter().flatten();
        let by_pattern =
            patterns.filter(|(pattern, _)| Regex::new(pattern).unwrap().is_match(key)).map(|(_, rule)| rule);
        let rules: Vec<&Value> = schema["properties"].get(key).into_iter().chain(by_pattern).collect();
        match (rules.is_empty(), schema.get("additionalProperties")) {
            (true, Some(Value::Bool(false))) => errors.push(format!("{at}: unknown")),
            (true, Some(rule)) => self.check(value, rule, at, errors),
            _ => rules.iter().for_each(|rule| self.check(value, rule, at, errors)),
        }
    }
}

/// What Compose takes by oversight, and an editor rightly marks.
const OVERSIGHTS: &[&str] = &[
    "extends/environment-as-text",
    "extends/null-values",
    "extends/unknown-key",
    "include/null",
    "include/null-item",
    "include/unknown-key",
    "names/bad-network",
    "numbers/cpu-shares-float",
    "numbers/gw-priority-negative",
    "services.gpus/capabilities-and-unknown",
    "services.healthcheck/retries-float",
];

#[test]
fn what_loads_is_valid() {
    let validator = Validator { schema: schema() };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/compose/corpus");
    let folders = |path: &PathBuf| {
        let entries = fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut failures = Vec::new();
    let mut valid = 0;
    for case in folders(&root).iter().flat_map(folders) {
        let Ok(text) = fs_err::read_to_string(case.join("compose.yaml")) else { continue };
        let differs = fs_err::read_to_string(case.join("differs.json")).ok();
        // A difference without an expectation is a refusal.
        let loads = match differs.map(|text| serde_json::from_str::<Value>(&text).unwrap()) {
            Some(differs) => !differs["expected"].is_null(),
            None => case.join("expected.json").exists(),
        };
        let name = case.strip_prefix(&root).unwrap().to_str().unwrap();
        if !loads || OVERSIGHTS.contains(&name) {
            continue;
        }
        let errors: Vec<String> = documents(&text).iter().flat_map(|document| validator.errors(document)).collect();
        match errors.is_empty() {
            true => valid += 1,
            false => failures.push(format!("{name}\n  {}", errors.join("\n  "))),
        }
    }
    assert!(failures.is_empty(), "{}\n{} of {}", failures.join("\n"), failures.len(), failures.len() + valid);
}

#[test]
fn mistakes_are_not() {
    let validator = Validator { schema: schema() };
    for text in [
        "servces: {}",
        "services: {web: {imag: nginx}}",
        "services: {web: {image: 1}}",
        "services: {web: {ports: 80}}",
        "services: {web: {cgroup: mine}}",
        "services: {web: {healthcheck: {interval: 5}}}",
        "services: {web: {healthcheck: {interval: 5 minutes}}}",
        "services: {web: {oom_score_adj: 2000}}",
        "services: {web: {privileged: maybe}}",
        "services: {web: {container_name: '-x'}}",
        "services: {web: {depends_on: {db: {restart: true}}}}",
        "services: {web: {security_opt: [a, a]}}",
        "services: {'a b': {image: x}}",
        "networks: {n: {subnet: x}}",
        "[]",
    ] {
        let [document] = documents(text).try_into().unwrap();
        assert!(!validator.errors(&document).is_empty(), "{text}");
    }
}

#[test]
fn variables_may_stand_anywhere() {
    let validator = Validator { schema: schema() };
    let text = "services: {web: {image: x, privileged: '${P}', cgroup: '$C', mem_limit: '${M}m', oom_score_adj: '$O'}}";
    let [document] = documents(text).try_into().unwrap();
    assert_eq!(validator.errors(&document), [""; 0]);
}

#[test]
fn every_key_is_described() {
    let mut definitions = Definitions::default();
    definitions.object(&PROJECT);
    let mut missing: Vec<String> = undescribed(&PROJECT);
    while let Some((name, object)) = definitions.open.pop_first() {
        let schema = definitions.object(object);
        definitions.done.insert(name, schema);
        missing.extend(undescribed(object));
    }
    assert_eq!(missing, [""; 0]);
}

fn undescribed(object: &Object) -> Vec<String> {
    let keys = object.fields.iter().filter(|field| docs::of(object.name, field.key).is_none());
    keys.map(|field| format!("{}.{}", object.name, field.key)).collect()
}
