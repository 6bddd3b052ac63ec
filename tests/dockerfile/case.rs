//! A case: a project in one file, with what its image is to be.
//!
//! ```text
//! # What it shows.
//! === Dockerfile
//! FROM scratch
//! COPY a /a
//! === a 0600
//! text
//! === expect
//! 0600 /a "text\n"
//! === config
//! Cmd ["a"]
//! ```
//!
//! A file may have a mode; `-> target` in place of one makes it a symlink, a name that ends in `/` a directory. Without a
//! `compose.yaml` there is one service `app` that builds the directory.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::image::Stored;
use crate::support::Sandbox;

const COMPOSE: &str = "services: {app: {build: {context: .}}}\n";

/// The sections of a case: headings and texts.
struct Case<'a> {
    preface: &'a str,
    sections: Vec<(&'a str, &'a str)>,
}

impl<'a> Case<'a> {
    fn parse(text: &'a str) -> Self {
        let (preface, mut rest) = text.split_once("=== ").unwrap();
        let mut sections = Vec::new();
        loop {
            let (heading, body) = rest.split_once('\n').unwrap_or((rest, ""));
            let (body, next) = match body.strip_prefix("=== ") {
                Some(next) => ("", Some(next)),
                None => match body.split_once("\n=== ") {
                    Some((text, next)) => (&body[..=text.len()], Some(next)),
                    None => (body, None),
                },
            };
            sections.push((heading, body));
            match next {
                Some(next) => rest = next,
                None => return Self { preface, sections },
            }
        }
    }

    /// Writes its files to `directory`.
    fn unpack(&self, directory: &Path) {
        for (heading, text) in &self.sections {
            if matches!(*heading, "expect" | "config") {
                continue;
            }
            let (name, rest) = heading.split_once(' ').unwrap_or((heading, ""));
            let path = directory.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            if let Some(target) = rest.strip_prefix("-> ") {
                symlink(target, path).unwrap();
            } else if name.ends_with('/') {
                fs_err::create_dir_all(path).unwrap();
            } else {
                fs_err::write(&path, text).unwrap();
                let mode = u32::from_str_radix(rest, 8).unwrap_or(0o644);
                fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            }
        }
    }
}

/// Builds the case at `path` and compares its image with what is expected; with `UPDATE=1` that is written instead. What is
/// wrong is returned.
pub(crate) fn check(sandbox: &Sandbox, path: &Path) -> Option<String> {
    let text = fs_err::read_to_string(path).unwrap();
    let case = Case::parse(&text);
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let directory = sandbox.path().join("cases").join(&name);
    fs_err::create_dir_all(&directory).unwrap();
    case.unpack(&directory);
    let compose = directory.join("compose.yaml");
    if !compose.exists() {
        fs_err::write(&compose, COMPOSE).unwrap();
    }
    let stack = sandbox.stack_of(&name, &[compose]);
    let outcome = stack.rcompose(&["--progress", "plain", "build"]);
    if !outcome.status.success() {
        return Some(format!("{name}: {outcome}"));
    }
    let image = Stored::of(sandbox, &name, "app");
    let (tree, configuration) = (image.tree(), image.configuration());
    if std::env::var_os("UPDATE").is_some() {
        let mut updated = case.preface.to_owned();
        for (heading, text) in case.sections.iter().filter(|(heading, _)| !matches!(*heading, "expect" | "config")) {
            write!(updated, "=== {heading}\n{text}").unwrap();
        }
        write!(updated, "=== expect\n{tree}=== config\n{configuration}").unwrap();
        fs_err::write(path, updated).unwrap();
        return None;
    }
    let expected = |wanted: &str| case.sections.iter().find(|(heading, _)| *heading == wanted).unwrap().1;
    let mut wrong = String::new();
    for (what, is, should) in
        [("files", &tree, expected("expect")), ("configuration", &configuration, expected("config"))]
    {
        if is != should {
            write!(wrong, "{name}: its {what} should be\n{should}and are\n{is}\n").unwrap();
        }
    }
    Some(wrong).filter(|wrong| !wrong.is_empty())
}
