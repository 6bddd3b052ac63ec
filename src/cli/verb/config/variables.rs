//! `config --variables`: what the files want to know from outside.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::cli::args::ConfigFormat;
use crate::cli::table::table_with;
use crate::compose::TemplateVariable;

/// As wide as docker compose has the columns of this table.
const COLUMN: usize = 20;

pub(super) fn text(variables: &BTreeMap<String, TemplateVariable>, format: Option<ConfigFormat>) -> String {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    match format {
        None => {
            let row = |(name, found): (&String, &TemplateVariable)| {
                [name.clone(), found.required.to_string(), word(&found.default), word(&found.alternative)]
            };
            let rows: Vec<_> = variables.iter().map(row).collect();
            table_with(COLUMN, ["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"], &rows)
        }
        Some(ConfigFormat::Json) => {
            let entry = |(name, found): (&String, &TemplateVariable)| {
                let (default, alternative) = (word(&found.default), word(&found.alternative));
                let value = json!({
                    "Name": name, "DefaultValue": default, "PresenceValue": alternative, "Required": found.required,
                });
                (name.clone(), value)
            };
            format!("{:#}\n", Value::Object(variables.iter().map(entry).collect()))
        }
        Some(ConfigFormat::Yaml) if variables.is_empty() => "{}\n".to_owned(),
        Some(ConfigFormat::Yaml) => variables.iter().fold(String::new(), |mut text, (name, found)| {
            // A JSON string is a YAML string.
            let quoted = |text: &Option<String>| Value::from(word(text));
            let _ = write!(
                text,
                "{name}:\n    name: {name}\n    defaultvalue: {}\n    presencevalue: {}\n    required: {}\n",
                quoted(&found.default),
                quoted(&found.alternative),
                found.required,
            );
            text
        }),
    }
}
