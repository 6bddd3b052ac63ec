//! Every key of the format has a file here.

use std::path::Path;

use rcompose::compose::json_schema;
use serde_json::Value;

/// The folder of the keys of each part of the format, and the place of that part in the schema.
const PARTS: &[(&str, &str)] = &[
    ("top", ""),
    ("service", "/definitions/service"),
    ("build", "/definitions/build"),
    ("deploy", "/definitions/deploy"),
    ("network", "/definitions/network"),
    ("volume", "/definitions/volume"),
    ("config", "/definitions/config"),
    ("secret", "/definitions/secret"),
    ("ai_model", "/definitions/model"),
];

#[test]
fn every_key_has_a_file() {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    for (folder, part) in PARTS {
        let keys = schema.pointer(&format!("{part}/properties")).unwrap().as_object().unwrap();
        let mut keys: Vec<&str> = keys.keys().map(String::as_str).filter(|key| !key.starts_with("x-")).collect();
        if *folder == "top" {
            keys.push("extensions");
        }
        keys.sort_unstable();
        assert_eq!(modules(folder), keys, "{folder}");
    }
}

/// The modules that a folder declares, in their order there.
fn modules(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compose/keys").join(folder).join("mod.rs");
    let text = fs_err::read_to_string(path).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';')).map(str::to_owned).collect()
}
