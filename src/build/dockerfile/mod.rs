//! The Dockerfile language: text to a tree of instructions, each with its place; no IO.
//!
//! ```text
//! text ─▶ directives ─▶ lines ─▶ flags, words, heredocs ─▶ kinds ─▶ Dockerfile ─┬▶ expanded, with values of variables
//!         escape=       joined                             checked              └▶ lint
//! ```
//!
//! It is what docker's own frontend reads, with its odd corners: a blank line does not end a continued one, what looks
//! like a JSON list and is none is a line for the shell, and `ENV a b=c` is one variable. Where that frontend waits until
//! an instruction is used, mistakes are told at once: in what `ONBUILD` keeps, and of flags that it would drop.

mod argument;
mod command;
mod directives;
mod expand;
mod expanded;
mod flags;
mod heredoc;
pub(in crate::build) mod ignore;
mod instruction;
mod kinds;
mod line;
mod lint;
mod mistake;
mod mount;
mod parse;
mod pattern;
mod port;
#[cfg(test)]
mod tests;
mod words;

pub use argument::{BUILD_ARGUMENTS, PLATFORM_ARGUMENTS, PROXY_ARGUMENTS, Predefined};
pub use command::Program;
pub use expand::{Expansion, Use};
pub use heredoc::Heredoc;
pub use ignore::{Ignore, IgnoreError};
pub use instruction::{
    Argument, CheckOptions, Command, CommandForm, Device, Directives, Dockerfile, Healthcheck, Instruction,
    InstructionKind, Onbuild, Pair, Run, RunNetwork, RunSecurity, Stage, Transfer, TransferSource, Word,
};
pub use lint::{BaseImage, Checked, Facts, Rule, Warning, check, foreign_syntax};
pub use mistake::{Mistake, MistakeKind};
pub use mount::{Mount, MountFlag, Sharing};
pub use parse::{parse, parse_trigger};
pub use port::ports;
