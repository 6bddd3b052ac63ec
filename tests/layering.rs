//! Enforces the architecture that `src/lib.rs` describes: the one-way layering of the modules, and the things that
//! only one module may do.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test, and says so")]

use std::collections::BTreeSet;
use std::path::Path;

/// (module, what it may name), lowest first. A module may name only earlier rows.
const LAYERS: &[(&str, &[&str])] = &[
    ("name", &[]),
    ("text", &[]),
    ("sys", &[]),
    ("compose", &["name", "text"]),
    ("plan", &["name", "compose"]),
    ("state", &["name", "sys"]),
    ("image", &["name", "sys"]),
    ("network", &["name", "sys"]),
    ("runtime", &["name", "sys"]),
    ("build", &["name", "text", "sys", "image", "runtime"]),
    ("supervisor", &["name", "text", "sys", "compose", "plan", "state", "image", "network", "runtime", "build"]),
    ("cli", &["name", "text", "compose", "plan", "state", "image", "network", "runtime", "build", "supervisor"]),
];

/// (text, modules that may hold it, why the others may not).
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("super::super", &[], "write `crate::…`, which the layering can see"),
    ("unsafe {", &["sys"], "only `sys` holds `unsafe`"),
    ("unsafe fn", &["sys"], "only `sys` holds `unsafe`"),
    ("unsafe impl", &["sys"], "only `sys` holds `unsafe`"),
    ("unsafe extern", &["sys"], "only `sys` holds `unsafe`"),
    ("print!(", &["cli"], "only `cli` prints"),
    ("println!(", &["cli"], "only `cli` prints"),
    ("dbg!(", &[], "a debugging aid does not stay"),
    ("process::exit", &[], "`main` returns an exit code; destructors run"),
];

/// Returns one line for each place under `source` that breaks a rule.
fn violations(source: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["lib", "main"].contains(&&*module) {
            continue;
        }
        match LAYERS.iter().find(|(name, _)| *name == module) {
            Some((_, allowed)) => check(&module, allowed, &path, &mut found),
            None => found.push(format!("{}: no row in LAYERS", path.display())),
        }
    }
    found.sort();
    found
}

/// Appends to `found` each line under `path` that names a module outside `allowed`, or holds what is reserved.
fn check(module: &str, allowed: &[&str], path: &Path, found: &mut Vec<String>) {
    if path.is_dir() {
        for entry in fs_err::read_dir(path).unwrap() {
            check(module, allowed, &entry.unwrap().path(), found);
        }
        return;
    }
    for (number, line) in fs_err::read_to_string(path).unwrap().lines().enumerate() {
        // A comment may speak of any module.
        let code = line.split("//").next().unwrap_or_default();
        let mut report = |why: &str| found.push(format!("{}:{}: {why}: {}", path.display(), number + 1, line.trim()));
        for rest in code.split("crate::").skip(1) {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if name != module && !allowed.contains(&name) {
                report(&format!("`{module}` may not name `{name}`"));
            }
        }
        for (text, holders, why) in RESERVED {
            if code.contains(text) && !holders.contains(&module) {
                report(why);
            }
        }
    }
}

#[test]
fn the_source_keeps_to_its_layers() {
    let found = violations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_row_names_only_earlier_rows() {
    let mut earlier = BTreeSet::new();
    for (module, allowed) in LAYERS {
        for name in *allowed {
            assert!(earlier.contains(name), "`{module}` names `{name}`, which is not below it");
        }
        assert!(earlier.insert(module), "`{module}` has two rows");
    }
}

#[test]
fn each_kind_of_violation_is_found() {
    for (file, text, why) in [
        ("plan/mod.rs", "use crate::runtime::Status;", "`plan` may not name `runtime`"),
        ("plan/deep/er.rs", "fn f() -> crate::cli::Args {}", "`plan` may not name `cli`"),
        ("image/mod.rs", "use crate::{name, network};", "`image` may not name ``"),
        ("state.rs", "use crate::image::Store;", "`state` may not name `image`"),
        ("extra/mod.rs", "", "no row in LAYERS"),
        ("plan/mod.rs", "use super::super::name;", "write `crate::…`"),
        ("image/mod.rs", "    unsafe { f() }", "only `sys` holds `unsafe`"),
        ("runtime/mod.rs", "    eprintln!(\"x\");", "only `cli` prints"),
        ("cli/mod.rs", "    std::process::exit(1);", "`main` returns an exit code"),
    ] {
        let source = tempfile::tempdir().unwrap();
        let path = source.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, format!("//! Says crate::cli and println!() in words.\n{text}\n")).unwrap();
        let found = violations(source.path());
        assert!(matches!(&*found, [one] if one.contains(why)), "{file}: {text}: {found:?}");
    }
}

#[test]
fn what_is_allowed_is_not_a_violation() {
    let source = tempfile::tempdir().unwrap();
    for (file, text) in [
        ("lib.rs", "pub mod plan;"),
        ("sys/mod.rs", "unsafe { f() }"),
        ("cli/mod.rs", "println!(\"{}\", crate::plan::render());"),
        ("plan/mod.rs", "use crate::name::ServiceName; // as crate::cli does"),
    ] {
        let path = source.path().join(file);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
    }
    assert_eq!(violations(source.path()), [""; 0]);
}
