//! The tables of the documentation, from the tables of the code: a test that fails when they differ, and rewrites the
//! documentation with `UPDATE=1`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::schema::{Object, PROJECT, Shape};
use super::support::{Effect, RULES, When};

/// Compares what stands between two markers in a file of this repository with `wanted`, or puts it there.
fn check(file: &str, marker: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs_err::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {marker} -->\n"), format!("<!-- /{marker} -->\n"));
    let (before, rest) = text.split_once(&begin).expect("the first marker is there");
    let (found, after) = rest.split_once(&end).expect("the second marker is there");
    if found == wanted {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        fs_err::write(&path, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
        return;
    }
    panic!("{file} is not what the tables say: rewrite it with `UPDATE=1 cargo test --lib reference`\n{wanted}");
}

#[test]
fn readme_lists_the_keys() {
    let mut table = "| where | supported | not yet | without effect |\n|---|---|---|---|\n".to_owned();
    row(&mut table, "the file", &PROJECT, "");
    for section in ["services", "networks", "volumes", "configs", "secrets"] {
        let field = PROJECT.field(section).unwrap();
        row(&mut table, section, object(&field.shape).unwrap(), &format!("{section}.*."));
    }
    check("README.md", "keys", &table);
}

/// The first object in a shape.
fn object(shape: &Shape) -> Option<&'static Object> {
    match shape {
        Shape::Object(object) => Some(object),
        Shape::Named(inner) | Shape::Map(inner) | Shape::List(inner) | Shape::Set(inner) | Shape::Nullable(inner) => {
            object(inner)
        }
        Shape::Either(shapes) => shapes.iter().find_map(object),
        Shape::Scalar(_) => None,
    }
}

fn row(table: &mut String, name: &str, object: &Object, prefix: &str) {
    let mut rules: BTreeMap<bool, Vec<String>> = BTreeMap::new();
    let mut refused: Vec<&str> = Vec::new();
    for (pattern, when, effect) in RULES {
        let Some(path) = pattern.strip_prefix(prefix).filter(|_| !prefix.is_empty()) else { continue };
        // What a machine has is for it to say.
        if matches!(effect, Effect::OfMachine) {
            continue;
        }
        if matches!(when, When::Given) && !path.contains('.') {
            refused.push(path);
        }
        rules.entry(effect.refuses()).or_default().push(described(path, *when));
    }
    let supported = object.fields.iter().map(|field| field.key).filter(|key| !refused.contains(key));
    let mut supported: Vec<String> = supported.map(|key| format!("`{key}`")).collect();
    supported.sort();
    let list = |not_yet: bool| rules.get(&not_yet).map(|items| items.join("; ")).unwrap_or_default();
    let _ = writeln!(table, "| {name} | {} | {} | {} |", supported.join(" "), list(true), list(false));
}

/// What a rule is about, in words.
fn described(path: &str, when: When) -> String {
    let path = path.replace(".*", "");
    let words = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match when {
        When::Given => format!("`{path}`"),
        When::Unless(others) | When::OtherKeys(others) => format!("`{path}` other than {}", words(others)),
        When::Is(these) => format!("`{path}` {}", words(these)),
        When::Holds(_) | When::Whole(_) | When::Keys(_) => format!("some values of `{path}`"),
    }
}

#[test]
fn differences_are_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/corpus");
    let folders = |path: &Path| {
        let entries = fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut cases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in folders(&root).iter().flat_map(|group| folders(group)) {
        let Ok(text) = fs_err::read_to_string(case.join("differs.json")) else { continue };
        let differs: serde_json::Value = serde_json::from_str(&text).unwrap();
        let name = case.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        cases.entry(differs["reason"].as_str().unwrap().to_owned()).or_default().push(name);
    }
    let mut list = String::new();
    for (reason, mut names) in cases {
        names.sort();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(list, "- {reason}  \n  {}", names.join(" "));
    }
    check("docs/differences.md", "corpus", &list);
}
