//! A mistake in a file, with its place: rendered with the line it is on and a caret under it.

mod name;
mod record;
mod render;

pub use render::render_all;

pub use crate::text::{Source, Span};

/// Whether loading can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The project cannot be loaded.
    Error,
    /// Worth knowing.
    Warning,
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
    /// What else explains it: `first defined here`.
    pub labels: Vec<Label>,
}

/// A place that explains a mistake, and how; at the place of the mistake itself, what is to be said of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
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
    /// A key that is a number, a boolean or nothing.
    #[error("a key must be a string, `{0}` is none")]
    KeyNotString(String),
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
    /// Something that Compose knows and that does nothing here.
    #[error("{what} has no effect: {why}")]
    NoEffect {
        /// What, with its place in the file.
        what: String,
        /// Why.
        why: &'static str,
    },
    /// Something that this machine does in another way.
    #[error("{what}: {said}")]
    OnThisMachine {
        /// What, with its place in the file.
        what: String,
        /// What is done.
        said: String,
    },
    /// A value of the wrong type.
    #[error("{what} must be {expected}, found {found}")]
    WrongType {
        /// The value, in words.
        what: String,
        /// What is allowed.
        expected: String,
        /// What is there.
        found: &'static str,
    },
    /// An item of a list that holds each once.
    #[error("`{item}` stands twice in {place}")]
    DuplicateItem {
        /// The item.
        item: String,
        /// The list, in words.
        place: String,
    },
    /// A boolean as YAML 1.1 had them.
    #[error("`{text}` is read as `{value}`: only `true` and `false` are booleans in YAML 1.2")]
    OldBoolean {
        /// The text.
        text: String,
        /// What it means.
        value: bool,
    },
    /// An option without a meaning.
    #[error("unknown option `{option}` of {of} is ignored")]
    IgnoredOption {
        /// The option.
        option: String,
        /// What it is an option of.
        of: &'static str,
    },
    /// An operator of a shell in a command that no shell runs.
    #[error("`{0}` ends the command: what follows is dropped, for no shell runs it")]
    NoShell(String),
    /// A form that should not be used any more, and what takes its place.
    #[error("{0} is deprecated, use {1}")]
    Deprecated(&'static str, &'static str),
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
    /// `extends` goes in a circle.
    #[error("circular reference of `extends`: {}", .0.join(" -> "))]
    ExtendsCycle(Vec<String>),
    /// `include` goes in a circle.
    #[error("include cycle: {}", .0.join(" -> "))]
    IncludeCycle(Vec<String>),
    /// Files lead to files without end: a link that leads back has a new path each time.
    #[error("this leads to more files than a project has: {0}")]
    TooManyFiles(&'static str),
    /// A file that another one refers to cannot be had.
    #[error("{0}")]
    Unreadable(String),
    /// `depends_on` goes in a circle.
    #[error("dependency cycle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// Files with default names that lie beside the one that is read.
    #[error("several compose files found, ignoring {}", .0.join(", "))]
    IgnoredFiles(Vec<String>),
    /// `version` is there.
    #[error("`version` is obsolete and ignored")]
    ObsoleteVersion,
    /// A variable that vanishes from a text that the container could have expanded.
    #[error("`${0}` vanishes here: the variable is not set, and the container sees a blank in its place")]
    VanishingDollar(String),
    /// A word that other YAML readers take for a boolean.
    #[error("`{0}` is a text here and a boolean to other YAML readers")]
    YamlBoolean(String),
    /// A number or boolean whose text is another than what is written.
    #[error("`{text}` is read as {what} and becomes the text `{read}`")]
    NumberChanged {
        /// What is written.
        text: String,
        /// `a number`, `a boolean`.
        what: &'static str,
        /// What becomes of it.
        read: String,
    },
    /// A port that YAML 1.1 takes for a number of base 60.
    #[error("`{0}` is a port here and a number of base 60 to other YAML readers")]
    PortAsNumber(String),
    /// A list gives a variable or label twice.
    #[error("`{0}` is given twice: the last one holds")]
    DuplicateVariable(String),
    /// Of two mounts at one place, which the first never is.
    #[error("this mount takes the place of another one at `{0}`")]
    DuplicateMount(String),
    /// Of two services that publish one port, which cannot run at once.
    #[error("port {port} is published by service `{service}` too: only one of them can have it")]
    DuplicatePort {
        /// The port of the machine, with its protocol.
        port: String,
        /// The one that comes first.
        service: String,
    },
    /// A password or the like as plain text.
    #[error("`{0}` looks like a secret, and stands in the file as plain text")]
    SecretInEnvironment(String),
    /// An image without a tag, or with one that moves.
    #[error("image `{0}` is another one tomorrow: it has no tag but `latest`")]
    UnpinnedImage(String),
    /// A database or the like that the network can reach.
    #[error("port {port} ({of}) is open to the network: it is published on every address of this machine")]
    OpenPort {
        /// The port of the container.
        port: u16,
        /// What listens on it by custom.
        of: &'static str,
    },
    /// A warning is to be silenced that does not exist.
    #[error("there is no warning called `{0}`")]
    UnknownLint(String),
    /// A profile is asked for that no service has.
    #[error("no service has the profile `{0}`")]
    UnknownProfile(String),
}
