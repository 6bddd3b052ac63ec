//! What is wrong with a Compose file, and how it is said.
#![expect(clippy::unwrap_used, reason = "test harness")]

mod carets;
mod command;
mod docs;
mod lint;
mod mistakes;
mod oracle;
mod render;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rcompose::compose::{Diagnostic, Files, LoadError, LoadOptions, render_all, resolve};

/// Files in memory, below `/shop`.
#[derive(Default)]
struct Memory(BTreeMap<PathBuf, String>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        self.exists(path).then(|| path.to_owned())
    }
}

/// A load in the making: files, variables and options.
struct Case {
    files: Memory,
    options: LoadOptions,
}

impl Case {
    fn new(compose: &str) -> Self {
        let options = LoadOptions { working_dir: "/shop".into(), ..LoadOptions::default() };
        Self { files: Memory::default(), options }.file("compose.yaml", compose)
    }

    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.0.insert(Path::new("/shop").join(path), text.to_owned());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.options.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn with(mut self, change: impl FnOnce(&mut LoadOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Whether it loads, and everything that is said about it.
    fn load(&self) -> (bool, Vec<Diagnostic>) {
        match resolve(&self.options, &self.files) {
            Ok((_, warnings)) => (true, warnings),
            Err(LoadError::Diagnostics(diagnostics)) => (false, diagnostics),
            Err(other) => panic!("{other}"),
        }
    }

    /// What is shown of a load.
    fn shown(&self) -> String {
        let (_, diagnostics) = self.load();
        render_all(&diagnostics, false)
    }
}

/// What is shown for one file.
fn shown(compose: &str) -> String {
    Case::new(compose).shown()
}

/// What is shown for a service `a` with an image and these keys.
fn service(keys: &str) -> String {
    let keys: String = keys.lines().map(|line| format!("    {line}\n")).collect();
    shown(&format!("services:\n  a:\n    image: x\n{keys}"))
}
