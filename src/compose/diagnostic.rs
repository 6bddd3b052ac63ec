//! A mistake in a file, with its place: rendered with the line it is on and a caret under it.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// The text of a file that was read, kept to show lines of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the user would write it, relative to where they are.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Whether loading can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The project cannot be loaded.
    Error,
    /// Worth knowing.
    Warning,
}

/// A part of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The source it is in.
    pub source: Arc<Source>,
    /// Byte offsets in its text.
    pub range: Range<usize>,
}

impl Span {
    /// The line it begins on, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.before().bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// The column it begins at, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    fn before(&self) -> &str {
        &self.source.text[..self.range.start]
    }

    /// The span cut at the end of its first line: what a caret can underline.
    fn first_line(&self) -> Range<usize> {
        let text = &self.source.text[self.range.clone()];
        let length = text.find('\n').unwrap_or(text.len());
        self.range.start..self.range.start + text[..length].trim_end().len()
    }
}

/// One mistake, or one thing worth knowing, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether loading can go on.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What.
    pub kind: DiagnosticKind,
    /// What to do about it.
    pub help: Option<String>,
    /// A second place that explains the first: `first defined here`.
    pub label: Option<(Span, &'static str)>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiagnosticKind {
    /// The text is not YAML.
    #[error("broken YAML: {0}")]
    Syntax(String),
    /// The file holds nothing.
    #[error("empty compose file")]
    Empty,
    /// A mapping has a key twice.
    #[error("duplicate key `{0}`")]
    DuplicateKey(String),
    /// A key is a list or a mapping.
    #[error("a key must be a string")]
    KeyNotScalar,
    /// `<<` is given something else than mappings.
    #[error("`<<` takes a mapping or a list of mappings")]
    MergeKey,
    /// An alias stands inside the node it refers to.
    #[error("this alias refers to a node that contains it")]
    AliasCycle,
    /// Aliases make the file too large or too deep.
    #[error("the file is too large or too deeply nested once its aliases are expanded")]
    TooLarge,
    /// A tag without a meaning here.
    #[error("unknown tag `{0}`")]
    UnknownTag(String),
    /// A `$` expression that cannot be read.
    #[error("invalid interpolation format `{0}`")]
    Interpolation(String),
    /// `${NAME:?message}` without a value.
    #[error("required variable `{name}` is missing a value{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    RequiredVariable {
        /// The variable.
        name: String,
        /// The message in the file.
        message: String,
    },
    /// A variable that is used and not set.
    #[error("the variable `{0}` is not set, defaulting to a blank string")]
    UnsetVariable(String),
    /// A line of an env file that cannot be read.
    #[error("{0}")]
    EnvFile(String),
    /// A key that Compose does not know.
    #[error("unknown key `{key}` in {place}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where, in words.
        place: String,
    },
    /// Something that Compose knows and rcompose does not do yet.
    #[error("{0} is not supported yet")]
    NotSupported(String),
    /// A value of the wrong type.
    #[error("{what} must be {expected}, found {found}")]
    WrongType {
        /// The value, in words.
        what: String,
        /// What is allowed.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A value of the right type that cannot be.
    #[error("invalid {what}: {reason}")]
    InvalidValue {
        /// The value, in words.
        what: String,
        /// The rule it breaks.
        reason: String,
    },
    /// Two files give a key values that cannot be merged.
    #[error("cannot override {base} with {found}")]
    CannotOverride {
        /// What the earlier file has.
        base: &'static str,
        /// What the later file has.
        found: &'static str,
    },
    /// Keys that exclude one another.
    #[error("{0}")]
    Conflict(String),
    /// A required key is missing.
    #[error("{0}")]
    Missing(String),
    /// A reference to something that is not defined.
    #[error("service `{service}` refers to undefined {kind} `{name}`")]
    Undefined {
        /// Who refers.
        service: String,
        /// What kind of thing: `network`.
        kind: &'static str,
        /// The name that is not defined.
        name: String,
    },
    /// A dependency that profiles switch off.
    #[error("service `{service}` depends on `{dependency}`, which is switched off by its profiles")]
    DisabledDependency {
        /// Who depends.
        service: String,
        /// On whom.
        dependency: String,
    },
    /// `depends_on` goes in a circle.
    #[error("dependency cycle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// Files with default names that lie beside the one that is read.
    #[error("several compose files found, ignoring {}", .0.join(", "))]
    IgnoredFiles(Vec<String>),
    /// `version` is there.
    #[error("`version` is obsolete and ignored")]
    ObsoleteVersion,
}

impl Diagnostic {
    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The diagnostic as people read it: message, place, line, caret, help.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut snippets = vec![
            Snippet::source(self.span.source.text.as_str())
                .path(self.span.source.name.as_str())
                .annotation(AnnotationKind::Primary.span(self.span.first_line())),
        ];
        if let Some((span, text)) = &self.label {
            let annotation = AnnotationKind::Context.span(span.first_line()).label(*text);
            if span.source == self.span.source {
                snippets = snippets.into_iter().map(|snippet| snippet.annotation(annotation.clone())).collect();
            } else {
                let other = Snippet::source(span.source.text.as_str()).path(span.source.name.as_str());
                snippets.push(other.annotation(annotation));
            }
        }
        let mut report = vec![level.primary_title(self.kind.to_string()).elements(snippets)];
        if let Some(help) = &self.help {
            report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&report)
    }
}
