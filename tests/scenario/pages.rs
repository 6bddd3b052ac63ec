//! The checklists of the docs: every test that they name is there.

use std::path::{Path, PathBuf};

const PAGES: &[&str] = &["docs/networks.md", "docs/requests.md", "docs/semantics.md"];

/// `SUITE::FILE::TEST`, or `src::MODULE::…::TEST`, as the file that holds it and its name. Other words in code are none.
fn test(word: &str) -> Option<(Vec<PathBuf>, &str)> {
    let mut parts: Vec<_> = word.split("::").collect();
    let name = parts.pop().filter(|_| parts.len() > 1)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directory = if parts[0] == "src" { root.to_owned() } else { root.join("tests") };
    let module: PathBuf = parts.iter().collect();
    Some((vec![directory.join(&module).with_extension("rs"), directory.join(&module).join("mod.rs")], name))
}

#[test]
fn what_the_pages_name_is_there() {
    let mut found = 0;
    for page in PAGES {
        let text = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        // Every second piece between backticks is code.
        for (files, name) in text.split('`').skip(1).step_by(2).filter_map(test) {
            let definition = format!("fn {name}(");
            let is_there =
                files.iter().any(|file| fs_err::read_to_string(file).is_ok_and(|text| text.contains(&definition)));
            assert!(is_there, "{page} names a test that is not there: {name} in {}", files[0].display());
            found += 1;
        }
    }
    assert!(found > 80, "{found}");
}
