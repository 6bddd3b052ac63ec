//! What is wrong with a Dockerfile, shown as mistakes of Compose files are.
//!
//! ```text
//! error: unknown instruction `RNU`
//!  --> Dockerfile:2:1
//!   |
//! 2 | RNU make
//!   | ^^^
//!   |
//! help: did you mean `RUN`?
//! ```

use annotate_snippets::{AnnotationKind, Group, Level, Renderer};

use crate::text::{Span, show};

/// One mistake, at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}:{}: {kind}", span.source.name, span.line(), span.column())]
pub struct Mistake {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: MistakeKind,
    /// What to do about it.
    pub help: Option<String>,
    /// Another place that explains it, and how: `first given here`.
    pub label: Option<Box<(Span, &'static str)>>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MistakeKind {
    /// No instruction at all.
    #[error("the Dockerfile has no instructions")]
    Empty,
    /// No `FROM`.
    #[error("the Dockerfile has no stage to build")]
    NoStage,
    /// A keyword that is none.
    #[error("unknown instruction `{0}`")]
    UnknownInstruction(String),
    /// A continued line with nothing behind it.
    #[error("nothing is continued here")]
    NothingContinued,
    /// A trigger of an image that is not one instruction.
    #[error("a trigger of `ONBUILD` is one instruction")]
    NotOneTrigger,
    /// Something else than `ARG` before the first `FROM`.
    #[error("`{0}` stands before the first `FROM`")]
    BeforeFrom(&'static str),
    /// A directive that stands twice.
    #[error("the directive `{0}` stands twice")]
    DuplicateDirective(&'static str),
    /// A directive with a value that it cannot have.
    #[error("invalid value `{value}` of the directive `{directive}`")]
    DirectiveValue {
        /// The directive.
        directive: &'static str,
        /// The value.
        value: String,
    },
    /// A flag that the instruction does not have.
    #[error("unknown flag `--{flag}` of `{instruction}`")]
    UnknownFlag {
        /// The flag.
        flag: String,
        /// The instruction.
        instruction: &'static str,
    },
    /// A flag that is given twice.
    #[error("the flag `--{0}` is given twice")]
    DuplicateFlag(String),
    /// A flag without a value.
    #[error("the flag `--{0}` needs a value")]
    MissingValue(String),
    /// A flag, or an option of a mount, with a value that it cannot have.
    #[error("invalid value `{value}` of `{of}`: {rule}")]
    Value {
        /// What the value is of.
        of: &'static str,
        /// The value.
        value: String,
        /// What it has to be.
        rule: String,
    },
    /// A flag that is `true` or `false`, with another value.
    #[error("invalid value `{value}` of `--{flag}`: it is `true` or `false`")]
    FlagTruth {
        /// The flag.
        flag: &'static str,
        /// The value.
        value: String,
    },
    /// Too few or too many words.
    #[error("`{instruction}` takes {takes}")]
    Arguments {
        /// The instruction.
        instruction: &'static str,
        /// What it takes.
        takes: &'static str,
    },
    /// A word that should be `name=value`.
    #[error("`{0}` is not of the form `name=value`")]
    NotAPair(String),
    /// `=value`.
    #[error("a name of `{0}` is blank")]
    BlankName(&'static str),
    /// A JSON list with something else than strings in it.
    #[error("a list in the JSON form holds strings only")]
    NotStrings,
    /// An instruction that has the JSON form only.
    #[error("`{0}` takes a list in the JSON form only")]
    NotJson(&'static str),
    /// The name of a stage that cannot be one.
    #[error("invalid name of a stage `{0}`: it begins with a letter, then come letters, digits, `-`, `_` and `.`")]
    StageName(String),
    /// A heredoc whose end does not come.
    #[error("the heredoc `{0}` does not end")]
    OpenHeredoc(String),
    /// A heredoc where none can be.
    #[error("`{0}` cannot have a heredoc as its destination")]
    HeredocDestination(&'static str),
    /// A trigger that cannot be one.
    #[error("`{0}` cannot be a trigger of `ONBUILD`")]
    Trigger(&'static str),
    /// An option that mounts do not have.
    #[error("unknown option `{0}` of a mount")]
    UnknownMountOption(String),
    /// An option that mounts of this type do not have, or have to have.
    #[error("{0}")]
    Mount(String),
    /// A `$` expression that cannot be read.
    #[error("{0}")]
    Expansion(String),
    /// `${NAME:?message}` without a value.
    #[error("the variable `{name}` {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message of the file, or why.
        message: String,
    },
    /// A variable where none can be.
    #[error("`{0}` cannot hold a variable")]
    NotExpanded(&'static str),
    /// A value that can be wrong only once variables have values.
    #[error("invalid {what} `{value}`: {rule}")]
    Invalid {
        /// What it is: `port`.
        what: &'static str,
        /// The value.
        value: String,
        /// The rule it breaks.
        rule: &'static str,
    },
}

impl Mistake {
    /// A mistake without more to say.
    #[must_use]
    pub fn new(span: Span, kind: MistakeKind) -> Self {
        Self { span, kind, help: None, label: None }
    }

    /// With what to do about it, where that is known.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// With another place that explains it.
    #[must_use]
    pub fn with_label(mut self, span: Span, text: &'static str) -> Self {
        self.label = Some(Box::new((span, text)));
        self
    }

    /// As people read it: message, place, line, caret, help.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let title = Level::ERROR.primary_title(self.kind.to_string());
        render(title, &self.span, self.label.as_deref(), self.help.as_deref(), color)
    }
}

/// A message at a place, as people read it.
pub(super) fn render(
    title: annotate_snippets::Title<'_>,
    span: &Span,
    label: Option<&(Span, &'static str)>,
    help: Option<&str>,
    color: bool,
) -> String {
    let mut elements = Vec::new();
    let spans: Vec<&Span> = std::iter::once(span).chain(label.map(|(span, _)| span)).collect();
    let annotate = |index: usize, _| match index {
        0 => (AnnotationKind::Primary, None),
        _ => (AnnotationKind::Context, label.map(|(_, text)| *text)),
    };
    show(&spans, annotate, &mut elements);
    let mut report = vec![title.elements(elements)];
    if let Some(help) = help {
        report.push(Group::with_title(Level::HELP.secondary_title(help)));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&report)
}
