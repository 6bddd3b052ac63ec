//! The page on diagnostics lists every warning.

use std::fmt::Write;

use rcompose::compose::lint::{Given, LINTS};

#[test]
fn the_page_lists_every_warning() {
    let mut table = "| name | given | warns of |\n| --- | --- | --- |\n".to_owned();
    for lint in LINTS {
        let given = match lint.given {
            Given::Always => "always",
            Given::ByConfig => "by `config`",
        };
        writeln!(table, "| `{}` | {given} | {} |", lint.name, lint.of.replace('|', "\\|")).unwrap();
    }
    let page = include_str!("../../docs/diagnostics.md");
    assert!(page.contains(&table), "docs/diagnostics.md needs this table:\n\n{table}");
}
