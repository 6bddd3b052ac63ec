//! The steps that a build consists of: what each does, and what it needs.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::build::dockerfile::{Mount, TransferSource};
use crate::build::event::StepNumber;
use crate::build::target::{RunNetwork, Surroundings};
use crate::image::Digest;
use crate::text::Span;

/// One thing to do.
#[derive(Debug, Clone)]
pub struct Step {
    /// What people call it: `[web build 2/4] RUN make`.
    pub name: String,
    /// The instruction it is of, and what expansion or trigger has made of it.
    pub place: Span,
    /// What is done.
    pub operation: Operation,
    /// It is done whatever is in the cache.
    pub fresh: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Begins with the files of an image, or of none.
    From(Base),
    /// Runs a program.
    Run(Box<RunStep>),
    /// Copies files.
    Copy(Box<CopyStep>),
    /// Makes a directory, and those above it.
    Workdir {
        /// Over what.
        over: StepNumber,
        /// Where: absolute.
        path: String,
        /// Whose it is; root's if empty.
        user: String,
        /// The time of what is made.
        epoch: Option<Timestamp>,
    },
}

/// The files that a stage begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// None.
    Scratch,
    /// Those of layers of the store, over those of a directory of this machine if there is one.
    Layers {
        /// The directory.
        rootfs: Option<PathBuf>,
        /// Lowest first.
        diff_ids: Vec<Digest>,
    },
    /// Those of a directory of files that are copied, as they are.
    Tree(usize),
}

/// Files that something is copied from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// What a step has come to.
    Step(StepNumber),
    /// The directory with this number.
    Tree(usize),
}

/// A directory of this machine that files are copied from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Where it is.
    pub directory: PathBuf,
    /// What is left out, and the file that says so.
    pub ignore: Option<(String, String)>,
}

/// `RUN`.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStep {
    /// Over what.
    pub over: StepNumber,
    /// The program and its arguments.
    pub args: Vec<String>,
    /// A file that it finds in `/dev/pipes`: its name and text.
    pub script: Option<(String, String)>,
    /// `NAME=VALUE`, in order.
    pub environment: Vec<String>,
    /// More of it, which is no part of the key.
    pub proxies: Vec<String>,
    /// Where it begins: absolute.
    pub directory: String,
    /// As whom; root if empty.
    pub user: String,
    /// Its network.
    pub network: RunNetwork,
    /// It is not confined.
    pub insecure: bool,
    /// What is mounted for it, with what is copied from.
    pub mounts: Vec<(Mount, Option<Input>)>,
    /// Its host name.
    pub hostname: Option<String>,
    /// What else it finds.
    pub surroundings: Arc<Surroundings>,
    /// The time of what is made.
    pub epoch: Option<Timestamp>,
}

/// `COPY` and `ADD`, with all variables expanded.
#[derive(Debug, Clone, PartialEq)]
pub struct CopyStep {
    /// Over what.
    pub over: StepNumber,
    /// From where; `None` when everything is a text of the Dockerfile or lies on the network.
    pub from: Option<Input>,
    /// What: paths, or texts.
    pub sources: Vec<TransferSource>,
    /// Where to: absolute, with a slash at the end if that was so.
    pub destination: String,
    /// `ADD`: archives are unpacked, and URLs fetched.
    pub add: bool,
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// `--checksum`.
    pub checksum: Option<String>,
    /// `--keep-git-dir`.
    pub keep_git_dir: bool,
    /// `--unpack`.
    pub unpack: Option<bool>,
    /// The time of what is made.
    pub epoch: Option<Timestamp>,
}

impl Operation {
    /// The steps that it needs.
    #[must_use]
    pub fn inputs(&self) -> Vec<StepNumber> {
        let step = |input: &Input| match input {
            Input::Step(step) => Some(*step),
            Input::Tree(_) => None,
        };
        match self {
            Self::From(_) => Vec::new(),
            Self::Workdir { over, .. } => vec![*over],
            Self::Copy(copy) => std::iter::once(copy.over).chain(copy.from.iter().filter_map(step)).collect(),
            Self::Run(run) => {
                let mounted = run.mounts.iter().filter_map(|(_, from)| from.as_ref().and_then(step));
                std::iter::once(run.over).chain(mounted).collect()
            }
        }
    }

    /// The step whose files it changes.
    #[must_use]
    pub fn over(&self) -> Option<StepNumber> {
        match self {
            Self::From(_) => None,
            Self::Workdir { over, .. } => Some(*over),
            Self::Copy(copy) => Some(copy.over),
            Self::Run(run) => Some(run.over),
        }
    }
}
