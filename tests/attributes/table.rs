//! `docs/attributes.md`, from the first lines of the tests: which test shows what each attribute does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

/// Attributes that do nothing to a running container, and why, or where else they are tested.
const ELSEWHERE: &[(&str, &str)] = &[
    ("attach", "it is about whose output `up` shows: `scenario::attached`"),
    ("build", "it makes the image"),
    ("container_name", "it is about names: `compose`, `plan`"),
    ("cpu_count", "it is for Windows"),
    ("cpu_percent", "it is for Windows"),
    ("credential_spec", "it is for Windows"),
    ("depends_on", "it orders containers: `scenario::depends_on`"),
    ("develop", "it is about the files of a project: `scenario::watch`"),
    ("expose", "it is for people to read"),
    ("extends", "it is resolved when the file is read: `compose`"),
    ("external_links", "they are names of containers of other projects: `scenario::networks`"),
    ("healthcheck", "it is run from outside: `scenario::health`"),
    ("image", "it is what every test begins with: `scenario::images`"),
    ("isolation", "it is for Windows"),
    ("label_file", "it is read into `labels`: `compose`"),
    ("models", "they are a server's that the service is told of: `scenario::provider`"),
    ("networks", "they are tested with all they can be: `network`, `scenario::networks`"),
    ("platform", "it chooses the image"),
    ("ports", "they are tested with all they can be: `network`"),
    ("post_start", "they run beside the container: `scenario::hooks`"),
    ("pre_start", "they run beside the container: `scenario::hooks`"),
    ("pre_stop", "they run beside the container: `scenario::hooks`"),
    ("profiles", "they choose services: `compose`"),
    ("provider", "it has a program have the service: `scenario::provider`"),
    ("pull_policy", "it is about the image: `scenario::images`"),
    ("pull_refresh_after", "it is about the image"),
    ("restart", "it is about what comes after the container: `scenario::restart`"),
    ("scale", "it is about how many: `scenario::scale`"),
    ("use_api_socket", "it is refused: there is no daemon whose API a container could use"),
];

/// Attributes whose test is still to be written, or that are refused still.
const MISSING: &[&str] = &[];

const PAGE: &str = "docs/attributes.md";
const HEAD: &str = "# What each attribute of a service does\n\n\
    Every line is a test of `tests/attributes`, which starts a container through the command line and looks at it from \
    both sides. This page is made from those tests: `UPDATE=1 cargo nextest run --test attributes table`.\n\n";

/// What one test says of one attribute.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// As the test names it: `volumes.tmpfs.size`.
    key: String,
    test: String,
    inside: String,
    outside: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let directory = root().join("tests/attributes");
    let mut rows = Vec::new();
    for path in fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs_err::read_to_string(&path).unwrap();
        let module = path.file_stem().unwrap().to_str().unwrap();
        rows.extend(rows_of(module, &text));
    }
    rows.sort();
    rows
}

/// The rows of one file: of each test, the comment right above it.
fn rows_of(module: &str, text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut comment = String::new();
    let mut is_test = false;
    for line in text.lines() {
        if let Some(more) = line.strip_prefix("/// ") {
            comment = format!("{comment} {}", more.trim()).trim().to_owned();
        } else if line == "#[test]" {
            is_test = true;
        } else if let (true, Some(name)) = (is_test, line.strip_prefix("fn ")) {
            let name = name.split('(').next().unwrap();
            rows.extend(rows_of_comment(&std::mem::take(&mut comment), &format!("{module}::{name}")));
            is_test = false;
        } else if !line.starts_with("#[") {
            comment.clear();
        }
    }
    rows
}

/// Reads `` `key`, `key`: what is seen inside; what is seen outside. ``; any other comment is one for its readers.
fn rows_of_comment(comment: &str, test: &str) -> Vec<Row> {
    if !comment.starts_with('`') {
        return Vec::new();
    }
    let (keys, seen) =
        comment.split_once("`: ").unwrap_or_else(|| panic!("{test}: no colon after the keys: {comment}"));
    let (inside, outside) =
        seen.split_once("; ").unwrap_or_else(|| panic!("{test}: inside and outside are parted by `;`: {comment}"));
    let row = |key: &str| Row {
        key: key.trim_matches('`').to_owned(),
        test: test.to_owned(),
        inside: inside.to_owned(),
        outside: outside.trim_end_matches('.').to_owned(),
    };
    keys.split(", ").map(row).collect()
}

#[test]
fn the_page_shows_every_test() {
    let mut page = HEAD.to_owned();
    page.push_str("| attribute | seen inside | seen from outside | test |\n|---|---|---|---|\n");
    for Row { key, test, inside, outside } in rows() {
        let cell = |text: &str| text.replace('|', "\\|");
        writeln!(page, "| `{key}` | {} | {} | `{test}` |", cell(&inside), cell(&outside)).unwrap();
    }
    page.push_str("\n## Not in this table\n\n");
    for (key, why) in ELSEWHERE {
        writeln!(page, "- `{key}`: {why}").unwrap();
    }
    let path = root().join(PAGE);
    if fs_err::read_to_string(&path).unwrap_or_default() == page {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        return fs_err::write(&path, page).unwrap();
    }
    panic!("{PAGE} is not what the tests say: rewrite it with `UPDATE=1 cargo nextest run --test attributes table`");
}

#[test]
fn every_attribute_has_a_test_or_a_reason() {
    let tested: BTreeSet<String> =
        rows().into_iter().map(|row| row.key.split(['.', ':']).next().unwrap().to_owned()).collect();
    let reasons: BTreeMap<&str, &str> = ELSEWHERE.iter().copied().collect();
    let attributes = attributes();
    for attribute in &attributes {
        let known = reasons.contains_key(attribute.as_str()) || MISSING.contains(&attribute.as_str());
        assert!(tested.contains(attribute) || known, "no test of `{attribute}`");
    }
    for key in tested.iter().map(String::as_str).chain(reasons.into_keys()) {
        assert!(attributes.contains(key), "`{key}` is no attribute of a service");
    }
}

/// The attributes of a service, from the schema that is printed for editors.
fn attributes() -> BTreeSet<String> {
    let schema: Value = serde_json::from_str(&rcompose::compose::json_schema()).unwrap();
    let service = &schema["definitions"]["service"]["properties"];
    service.as_object().unwrap().keys().filter(|key| !key.starts_with("x-")).cloned().collect()
}

#[test]
fn what_a_comment_says() {
    let text = "/// `a`, `b.c`: one\n/// two; three.\n#[test]\nfn name() {\n}\n/// Words.\n#[test]\nfn other() {}\n";
    let rows = rows_of("file", text);
    let shown: Vec<String> =
        rows.iter().map(|row| format!("{} {} {} {}", row.key, row.test, row.inside, row.outside)).collect();
    assert_eq!(shown, ["a file::name one two three", "b.c file::name one two three"]);
}
