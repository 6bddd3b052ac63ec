//! Errors as the user is told of them, and programs.

use std::error::Error;

use super::CliError;
use crate::cli::evidence;
use crate::cli::style::{ERROR, NOTE, Paint};
use crate::compose::{Diagnostic, LoadError, render_all};
use crate::supervisor::Failure;

impl CliError {
    /// The whole of it, as the user is told: each mistake of a file with its line, each failure with its causes.
    #[must_use]
    pub fn render(&self, paint: Paint) -> String {
        let hint = self.hint();
        let hint = hint.as_deref().map_or_else(String::new, |hint| format!("{} {hint}\n", paint.apply(NOTE, "hint:")));
        match self {
            Self::Load(LoadError::Diagnostics(diagnostics)) => render_all(diagnostics, paint == Paint::COLOURED),
            Self::Build(failure) => failure.render(paint),
            Self::Failed { failures } | Self::NotBegun { failures } => {
                let text = |failure: &Failure| {
                    let waits = failure.waits.iter().map(evidence::waiting);
                    let facts: String = waits.chain(failure.evidence.iter().map(evidence::told)).collect();
                    told(&failure.message, failure.causes.clone(), paint) + &facts
                };
                failures.iter().map(text).collect::<String>() + &hint
            }
            _ => as_text(self, self.hint().as_deref(), paint),
        }
    }
}

/// `error` with everything it was caused by and its `hint`, each on lines of their own.
#[must_use]
pub fn as_text(error: &dyn Error, hint: Option<&str>, paint: Paint) -> String {
    let mut text = told(&error.to_string(), causes(error), paint);
    if let Some(hint) = hint {
        text.push_str(&format!("{} {hint}\n", paint.apply(NOTE, "hint:")));
    }
    text
}

fn told(message: &str, causes: impl IntoIterator<Item = String>, paint: Paint) -> String {
    let mut text = format!("{} {message}\n", paint.apply(ERROR, "error:"));
    for cause in causes {
        text.push_str(&format!("  {} {cause}\n", paint.apply(ERROR, "caused by:")));
    }
    text
}

/// `error` on one line, as `--progress json` tells it: with each mistake of the file when that is what it is.
#[must_use]
pub fn as_json(error: &CliError) -> String {
    let chain: Vec<_> = std::iter::once(error.to_string()).chain(causes(error)).collect();
    let mut object = serde_json::json!({ "error": true, "message": chain.join(": ") });
    if let CliError::Failed { failures } | CliError::NotBegun { failures } = error {
        let evidence: Vec<_> = failures.iter().flat_map(|failure| &failure.evidence).collect();
        let waits: Vec<_> = failures.iter().flat_map(|failure| &failure.waits).collect();
        object["evidence"] = serde_json::json!(evidence);
        object["waits"] = serde_json::json!(waits);
    }
    if let CliError::Load(LoadError::Diagnostics(_)) = error {
        object["diagnostics"] = diagnostics(error);
    }
    format!("{object}\n")
}

/// `error` as editors read it: the mistakes of the file, or one without a place for what is wrong elsewhere.
#[must_use]
pub fn diagnostics(error: &CliError) -> serde_json::Value {
    if let CliError::Load(LoadError::Diagnostics(diagnostics)) = error {
        return diagnostics.iter().map(Diagnostic::to_json).collect();
    }
    let chain: Vec<_> = std::iter::once(error.to_string()).chain(causes(error)).collect();
    serde_json::json!([{
        "severity": "error",
        "name": "not-loaded",
        "message": chain.join(": "),
        "help": error.hint(),
        "labels": [],
    }])
}

fn causes(error: &dyn Error) -> impl Iterator<Item = String> {
    std::iter::successors(error.source(), |cause| (**cause).source()).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::process::ExitCode;

    use super::*;
    use crate::name::ServiceName;

    fn service(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    fn text(error: &CliError, paint: Paint) -> String {
        as_text(error, error.hint().as_deref(), paint)
    }

    #[test]
    fn an_error_its_causes_and_a_hint() {
        let full = CliError::OutputFile { source: io::Error::other("no space left on `out.yaml`") };
        insta::assert_snapshot!(text(&full, Paint::PLAIN), @"
        error: cannot write the output file
          caused by: no space left on `out.yaml`
        ");
        insta::assert_snapshot!(as_json(&full), @r#"{"error":true,"message":"cannot write the output file: no space left on `out.yaml`"}"#);
        let unknown = CliError::NoSuchService { service: service("wbe"), known: vec![service("db"), service("web")] };
        insta::assert_snapshot!(text(&unknown, Paint::PLAIN), @"
        error: no such service: wbe
        hint: did you mean `web`?
        ");
        let stopped = CliError::NotRunning { service: service("db") };
        insta::assert_snapshot!(text(&stopped, Paint::COLOURED).replace('\x1b', "^"), @"
        ^[1m^[31merror:^[0m service `db` is not running
        ^[36mhint:^[0m start it with `rcompose up -d db`
        ");
    }

    #[test]
    fn codes_and_silence() {
        let output = |kind: io::ErrorKind| CliError::Output { source: kind.into() };
        for (error, code, silent) in [
            (output(io::ErrorKind::BrokenPipe), 141, true),
            (output(io::ErrorKind::StorageFull), 1, false),
            (CliError::Interrupted, 130, true),
            (CliError::NotRunning { service: service("db") }, 1, false),
        ] {
            assert_eq!((error.exit_code(), error.is_silent()), (ExitCode::from(code), silent), "{error}");
        }
    }
}
