//! `RUN --mount=type=cache,target=/root/.cache,…`.
//!
//! Values may hold variables, so a mount is read twice: its options with the file, their values once variables have
//! theirs.

use super::instruction::Word;
use crate::text::Span;

/// A `--mount` as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFlag {
    /// Where it stands.
    pub span: Span,
    /// Its options, in the order of the line: `key=value`, or a key alone.
    pub options: Vec<(Word, Option<Word>)>,
}

/// A mount of a `RUN`, which is there for that step only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// A directory or file of the context, of another stage or of an image.
    Bind {
        /// Where to, from the working directory.
        target: String,
        /// Which part; all without.
        source: Option<String>,
        /// A stage, an image or a named context; the build's context without.
        from: Option<String>,
        /// May be written to: what is written is dropped.
        read_write: bool,
    },
    /// A directory that stays from one build to the next.
    Cache {
        /// Which one; the target without.
        id: Option<String>,
        /// Where to, from the working directory.
        target: String,
        /// May only be read.
        read_only: bool,
        /// Who may use it at once.
        sharing: Sharing,
        /// What is in it at first: a stage, an image or a named context.
        from: Option<String>,
        /// Which part of `from`.
        source: Option<String>,
        /// The mode of a new one; 0755 without.
        mode: Option<u32>,
        /// The owner of a new one; 0 without.
        uid: Option<u32>,
        /// The group of a new one; 0 without.
        gid: Option<u32>,
    },
    /// A new file system in memory.
    Tmpfs {
        /// Where to, from the working directory.
        target: String,
        /// How much it holds at most, in bytes; 0 is no limit.
        size: Option<u64>,
    },
    /// A secret, as a file or as a variable.
    Secret {
        /// Which one; the last part of the target without.
        id: String,
        /// The file; `/run/secrets/ID` when neither it nor a variable is asked for.
        target: Option<String>,
        /// The variable.
        env: Option<String>,
        /// The step fails without it.
        required: bool,
        /// The mode of the file; 0400 without.
        mode: Option<u32>,
        /// The owner of the file; 0 without.
        uid: Option<u32>,
        /// The group of the file; 0 without.
        gid: Option<u32>,
    },
    /// A socket of an SSH agent.
    Ssh {
        /// Which one: `default` without.
        id: String,
        /// The socket; `/run/buildkit/ssh_agent.N` without.
        target: Option<String>,
        /// The step fails without it.
        required: bool,
        /// The mode of the socket; 0600 without.
        mode: Option<u32>,
        /// The owner of the socket; 0 without.
        uid: Option<u32>,
        /// The group of the socket; 0 without.
        gid: Option<u32>,
    },
}

/// Who may use a cache at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Anyone.
    #[default]
    Shared,
    /// One each: whoever comes second gets a new one.
    Private,
    /// One at a time: whoever comes second waits.
    Locked,
}
