//! The tree of a Dockerfile: what each instruction says, not yet expanded.
//!
//! ```text
//! Dockerfile ─┬ directives      # syntax= escape= check=
//!             ├ arguments       ARG before the first FROM
//!             └ stages ─┬ from: image or stage, AS name, --platform
//!                       └ instructions: keyword, the line as a whole, kind
//! ```
//!
//! A [`Word`] is a piece of text with its place. It holds quotes, escapes and variables as they are written, until an
//! [`Expansion`](super::Expansion) has been over it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::heredoc::Heredoc;
use super::mount::MountFlag;
use crate::text::{Source, Span};

/// A piece of an instruction.
#[derive(Clone, PartialEq, Eq)]
pub struct Word {
    /// The text, without the ends of continued lines within it.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl fmt::Debug for Word {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} at {}:{}", self.text, self.span.line(), self.span.column())
    }
}

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The text that it was read from.
    pub source: Arc<Source>,
    /// The comments at the top that say how to read the rest.
    pub directives: Directives,
    /// The arguments before the first stage, which `FROM` may use.
    pub arguments: Vec<Instruction>,
    /// The stages, in the order of the file: at least one.
    pub stages: Vec<Stage>,
    /// Continued lines with nothing on them: for the lint.
    pub empty_continuations: Vec<Span>,
}

impl Dockerfile {
    /// The stage called `name`, or at the index that it is; of several with one name the last.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        let named = |stage: &&Stage| stage.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
        let at = || name.parse::<usize>().ok().and_then(|index| self.stages.get(index));
        self.stages.iter().rev().find(named).or_else(at)
    }
}

/// What the comments at the top of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// `# syntax=`: the frontend that is asked for.
    pub syntax: Option<Word>,
    /// `# escape=`: what escapes characters and continues lines: `\`, or a backtick.
    pub escape: char,
    /// `# check=`: what the lint is to do.
    pub check: CheckOptions,
}

/// What the lint is to leave out, and whether what it finds is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Leave out every rule.
    pub skip_all: bool,
    /// Names of rules to leave out.
    pub skip: Vec<Word>,
    /// Look at the experimental rules too: all of them.
    pub experimental_all: bool,
    /// Names of experimental rules to look at.
    pub experimental: Vec<Word>,
    /// What is found ends the build.
    pub error: bool,
}

/// A stage: `FROM` and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its place in the file, from 0.
    pub index: usize,
    /// `FROM`, as it is written.
    pub keyword: Word,
    /// The image or the earlier stage it begins with; or `scratch`.
    pub base: Word,
    /// `--platform`.
    pub platform: Option<Word>,
    /// `AS`, as it is written, and the name as it is written.
    pub alias: Option<(Word, Word)>,
    /// The whole line.
    pub span: Span,
    /// The line as one, as it is written.
    pub line: String,
    /// The comments right above.
    pub comments: Vec<Word>,
    /// What follows.
    pub instructions: Vec<Instruction>,
    /// The name in lower case, by which others refer to it.
    pub name: Option<String>,
}

impl Stage {}

/// An instruction other than `FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// The keyword as it is written: `RUN`, `run`.
    pub keyword: Word,
    /// The whole of it, with its heredocs.
    pub span: Span,
    /// The line as one, without the ends of continued lines and without heredocs.
    pub line: String,
    /// The comments right above.
    pub comments: Vec<Word>,
    /// What it says.
    pub kind: InstructionKind,
}

impl Instruction {
    /// The keyword in upper case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }
}

/// What an instruction says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstructionKind {
    /// `ADD`.
    Add(Transfer),
    /// `ARG`: one or more.
    Arg(Vec<Argument>),
    /// `CMD`.
    Cmd(Command),
    /// `COPY`.
    Copy(Transfer),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `ENV`.
    Env(Vec<Pair>),
    /// `EXPOSE`: words that may each expand to several; [`ports`](super::ports) reads the result.
    Expose(Vec<Word>),
    /// `HEALTHCHECK`.
    Healthcheck(Healthcheck),
    /// `LABEL`.
    Label(Vec<Pair>),
    /// `MAINTAINER`.
    Maintainer(Word),
    /// `ONBUILD`.
    Onbuild(Onbuild),
    /// `RUN`.
    Run(Run),
    /// `SHELL`: the program and its arguments.
    Shell(Vec<Word>),
    /// `STOPSIGNAL`.
    Stopsignal(Word),
    /// `USER`.
    User(Word),
    /// `VOLUME`.
    Volume(Vec<Word>),
    /// `WORKDIR`.
    Workdir(Word),
}

impl InstructionKind {
    /// The keyword in upper case.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add(_) => "ADD",
            Self::Arg(_) => "ARG",
            Self::Cmd(_) => "CMD",
            Self::Copy(_) => "COPY",
            Self::Entrypoint(_) => "ENTRYPOINT",
            Self::Env(_) => "ENV",
            Self::Expose(_) => "EXPOSE",
            Self::Healthcheck(_) => "HEALTHCHECK",
            Self::Label(_) => "LABEL",
            Self::Maintainer(_) => "MAINTAINER",
            Self::Onbuild(_) => "ONBUILD",
            Self::Run(_) => "RUN",
            Self::Shell(_) => "SHELL",
            Self::Stopsignal(_) => "STOPSIGNAL",
            Self::User(_) => "USER",
            Self::Volume(_) => "VOLUME",
            Self::Workdir(_) => "WORKDIR",
        }
    }
}

/// `NAME` or `NAME=default` of an `ARG`. Arguments of one line are expanded one after the other: the second may use the
/// first, which the words of other instructions cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The name, which is never expanded.
    pub name: Word,
    /// The value when none is given from outside.
    pub default: Option<Word>,
}

/// `key=value` of an `ENV` or a `LABEL`; both parts are expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub key: Word,
    /// The value.
    pub value: Word,
    /// It is written `ENV key value`: the rest of the line is the value.
    pub legacy: bool,
}

/// `ADD` or `COPY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// What is copied, in the order of the line: at least one.
    pub sources: Vec<TransferSource>,
    /// Where to.
    pub destination: Word,
    /// `--from`, never expanded: a stage, an image or a named context. `COPY` only.
    pub from: Option<Word>,
    /// `--chown`.
    pub chown: Option<Word>,
    /// `--chmod`.
    pub chmod: Option<Word>,
    /// `--link`.
    pub link: bool,
    /// `--parents`. `COPY` only.
    pub parents: bool,
    /// `--exclude`, never expanded.
    pub exclude: Vec<Word>,
    /// `--checksum`. `ADD` only.
    pub checksum: Option<Word>,
    /// `--keep-git-dir`. `ADD` only.
    pub keep_git_dir: Option<bool>,
    /// `--unpack`. `ADD` only.
    pub unpack: Option<bool>,
}

/// What `ADD` or `COPY` copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferSource {
    /// A path with wildcards; for `ADD` a URL too.
    Path(Word),
    /// A file that stands in the Dockerfile.
    Inline(Heredoc),
}

/// What `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK` run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// How it is written.
    pub form: CommandForm,
    /// The heredocs that the line names, in its order; of `RUN` in its shell form only.
    pub heredocs: Vec<Heredoc>,
}

/// The two ways to write a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandForm {
    /// For a shell, which does its own expansion; may be empty.
    Shell(Word),
    /// A JSON list, run as it is; may be empty.
    Exec(Vec<Word>),
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What is run.
    pub command: Command,
    /// `--mount`, each: [`MountFlag::resolve`] reads them once variables have values.
    pub mounts: Vec<MountFlag>,
    /// `--network`.
    pub network: RunNetwork,
    /// `--security`.
    pub security: RunSecurity,
    /// `--device`, each.
    pub devices: Vec<Device>,
}

/// `--network` of `RUN`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunNetwork {
    /// That of the build.
    #[default]
    Default,
    /// Only the loopback.
    None,
    /// That of the machine.
    Host,
}

/// `--security` of `RUN`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunSecurity {
    /// As containers are confined.
    #[default]
    Sandbox,
    /// Not confined: asks for the entitlement `security.insecure`.
    Insecure,
}

/// `--device` of `RUN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Where the flag stands.
    pub span: Span,
    /// Its name: `vendor/class=name`.
    pub name: String,
    /// Whether the step fails without it.
    pub required: bool,
}

/// `HEALTHCHECK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`: what the base image has is switched off.
    None,
    /// `CMD`.
    Check {
        /// What is run.
        command: Command,
        /// `--interval`.
        interval: Option<Duration>,
        /// `--timeout`.
        timeout: Option<Duration>,
        /// `--start-period`.
        start_period: Option<Duration>,
        /// `--start-interval`.
        start_interval: Option<Duration>,
        /// `--retries`.
        retries: Option<u32>,
    },
}

/// `ONBUILD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onbuild {
    /// The instruction as the image keeps it, with its heredocs: [`parse_trigger`](super::parse_trigger) reads it again.
    pub trigger: String,
    /// The instruction.
    pub instruction: Box<Instruction>,
}
