//! The Dockerfile language: text to a tree of instructions, each with its place.

mod heredoc;
mod instruction;
mod mistake;
mod mount;

pub use heredoc::Heredoc;
pub use instruction::{
    Argument, CheckOptions, Command, CommandForm, Device, Directives, Dockerfile, Healthcheck, Instruction,
    InstructionKind, Onbuild, Pair, Run, RunNetwork, RunSecurity, Stage, Transfer, TransferSource, Word,
};
pub use mistake::{Mistake, MistakeKind};
pub use mount::{Mount, MountFlag, Sharing};
