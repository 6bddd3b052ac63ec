//! One file for each key of the format: its forms and what they print as, what is refused and where, what two files
//! give, and what a command that runs containers says to it.
//!
//! A value is written behind its key, each key of the path on a line of its own, so that a service's key is at 3:5:
//!
//! ```text
//! services:
//!   web:
//!     KEY: VALUE
//!     image: nginx
//! ```

mod ai_model;
mod build;
mod config;
mod coverage;
mod deploy;
mod network;
mod secret;
mod service;
mod top;
mod volume;

use rcompose::compose::{Diagnostic, LoadError, Severity, resolve};
use serde_json::Value;

use crate::Case;

/// What a key that is not printed prints as.
pub(crate) const ABSENT: &str = "";

/// A key of the format in a file that is otherwise right.
pub(crate) struct Key {
    /// Where it is: `services.web.tty`.
    path: &'static str,
    /// The lines behind the value.
    rest: &'static str,
    files: &'static [(&'static str, &'static str)],
}

impl Key {
    pub(crate) const fn new(path: &'static str) -> Self {
        Self { path, rest: "", files: &[] }
    }

    /// With these lines behind the value, at the top level unless they are indented.
    pub(crate) const fn and(self, rest: &'static str) -> Self {
        Self { rest, ..self }
    }

    /// With these files beside the Compose file.
    pub(crate) const fn files(self, files: &'static [(&'static str, &'static str)]) -> Self {
        Self { files, ..self }
    }

    /// Each value prints as this JSON; a text that is no JSON stands for itself.
    pub(crate) fn prints(&self, table: &[(&str, &str)]) {
        for (value, expected) in table {
            self.check(&self.case(value), expected, value);
        }
    }

    /// The values of a file and a later one together print as this.
    pub(crate) fn merges(&self, table: &[(&str, &str, &str)]) {
        for (base, over, expected) in table {
            self.check(&self.merged(base, over), expected, &format!("{base} + {over}"));
        }
    }

    /// Each value is refused with these words, at this line and column.
    pub(crate) fn refuses(&self, table: &[(&str, &str)]) {
        for (value, expected) in table {
            assert_eq!(mistakes(&self.case(value)).join(" | "), *expected, "{}: {value}", self.path);
        }
    }

    /// Two values that do not go together, and what is said about it.
    pub(crate) fn refuses_to_merge(&self, table: &[(&str, &str, &str)]) {
        for (base, over, expected) in table {
            assert_eq!(mistakes(&self.merged(base, over)).join(" | "), *expected, "{}: {base} + {over}", self.path);
        }
    }

    /// What a command that runs containers says to each value; nothing when it obeys.
    pub(crate) fn runs(&self, table: &[(&str, &str)]) {
        for (value, expected) in table {
            assert_eq!(when_run(&self.case(value)).join(" | "), *expected, "{}: {value}", self.path);
        }
    }

    fn case(&self, value: &str) -> Case {
        let image = match self.path.starts_with("services.web.") && !self.rest.starts_with("    ") {
            true => "    image: nginx\n",
            false => "",
        };
        let case = Case::new(&format!("{}{image}{}", self.document(value), self.rest));
        let case = case.variable("HOME", "/root").variable("SET", "set").with(|options| options.all_resources = true);
        self.files.iter().fold(case, |case, (path, text)| case.file(path, text))
    }

    fn merged(&self, base: &str, over: &str) -> Case {
        self.case(base).file("compose.override.yaml", &self.document(over))
    }

    /// The value below the keys of the path.
    fn document(&self, value: &str) -> String {
        let keys = self.path.split('.').enumerate();
        let lines = keys.map(|(depth, key)| format!("{:indent$}{key}:", "", indent = 2 * depth));
        format!("{} {value}\n", lines.collect::<Vec<_>>().join("\n"))
    }

    fn check(&self, case: &Case, expected: &str, what: &str) {
        let project = printed(case).unwrap_or_else(|mistakes| panic!("{}: {what}: {mistakes:?}", self.path));
        let found = project.pointer(&format!("/{}", self.path.replace('.', "/")));
        let json = || serde_json::from_str(expected).unwrap_or_else(|_| Value::from(expected));
        let expected = (expected != ABSENT).then(json);
        assert_eq!(found, expected.as_ref(), "{}: {what}", self.path);
    }
}

/// The project as `config --format json` prints it, or what is wrong with it. The models, which are not in that JSON, as
/// they are decoded.
pub(crate) fn printed(case: &Case) -> Result<Value, Vec<String>> {
    match resolve(&case.options, &case.files) {
        Ok((resolved, _)) => {
            let mut project: Value = serde_json::from_str(&resolved.to_json()).unwrap();
            if !resolved.keys("models").is_empty() {
                project["models"] = serde_json::to_value(case.load().unwrap().project.models).unwrap();
            }
            Ok(project)
        }
        Err(LoadError::Diagnostics(diagnostics)) => {
            let errors = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
            Err(errors.map(line).collect())
        }
        Err(other) => Err(vec![other.to_string()]),
    }
}

/// What is wrong with a project that cannot be printed.
pub(crate) fn mistakes(case: &Case) -> Vec<String> {
    printed(case).map_or_else(|mistakes| mistakes, |project| vec![format!("nothing is refused: {project}")])
}

/// What a command that runs containers says to a project that can be printed.
fn when_run(case: &Case) -> Vec<String> {
    match case.load() {
        Ok(loaded) => loaded.unsupported.all().iter().map(|finding| line(&finding.diagnostic)).collect(),
        Err(LoadError::Diagnostics(diagnostics)) => diagnostics.iter().map(line).collect(),
        Err(other) => vec![other.to_string()],
    }
}

/// `3:10 message`, with the name of the file when it is not the first one.
fn line(diagnostic: &Diagnostic) -> String {
    let span = &diagnostic.span;
    let file = match span.source.name.as_str() {
        "compose.yaml" => String::new(),
        other => format!("{other}:"),
    };
    format!("{file}{}:{} {}", span.line(), span.column(), diagnostic.kind)
}
