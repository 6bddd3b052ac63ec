//! The loader, from text to model: one file for each area of the Compose format.
#![expect(clippy::unwrap_used, reason = "test harness")]

#[path = "../support/registry.rs"]
mod registry;

mod command_line;
mod config;
mod corpus;
mod environment;
mod explain;
mod files;
mod keys;
mod limits;
mod merge;
mod mounts;
mod networks;
mod ports;
mod properties;
mod remote;
mod services;
mod support;
mod yaml;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use rcompose::compose::{Diagnostic, Files, LoadError, LoadOptions, Loaded, load, resolve};

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
        Some(path.to_owned())
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

    fn load(&self) -> Result<Loaded, LoadError> {
        load(&self.options, &self.files)
    }

    /// The project as `config` prints it, or what is shown instead.
    fn shown(&self) -> String {
        match resolve(&self.options, &self.files) {
            Ok((resolved, _)) => resolved.to_yaml(),
            Err(error) => describe(&error),
        }
    }

    /// The warnings of a load that passes.
    fn warnings(&self) -> String {
        render(&self.load().unwrap().warnings)
    }
}

fn describe(error: &LoadError) -> String {
    match error {
        LoadError::Diagnostics(diagnostics) => render(diagnostics),
        other => other.to_string(),
    }
}

fn render(diagnostics: &[Diagnostic]) -> String {
    let rendered: Vec<String> = diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect();
    rendered.join("\n\n")
}

/// What is shown for one file.
fn shown(compose: &str) -> String {
    Case::new(compose).shown()
}

fn indented(keys: &str) -> String {
    keys.lines().map(|line| format!("    {line}\n")).collect()
}

/// The messages of all diagnostics, without their places.
fn messages(compose: &str) -> Vec<String> {
    match Case::new(compose).load() {
        Ok(_) => Vec::new(),
        Err(LoadError::Diagnostics(diagnostics)) => {
            diagnostics.iter().map(|diagnostic| diagnostic.kind.to_string()).collect()
        }
        Err(other) => vec![other.to_string()],
    }
}
