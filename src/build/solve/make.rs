//! Makes a step: a layer over others.

use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::snapshot::{self, Snapshot};
use super::{SolveError, Solver, StepError, hidden, remote};
use crate::build::context::{Hides, Tree};
use crate::build::copy::{self, Chmod, Copy, CopyError, Destination, Excludes, Selection, Source, Upper};
use crate::build::dockerfile::{Ignore, Mount, Sharing, TransferSource};
use crate::build::event::{EventKind, StepNumber};
use crate::build::graph::{Base, CopyStep, Input, Operation, RunStep};
use crate::build::layer::Workspace;
use crate::build::run;
use crate::build::target::{RunNetwork, SecretSource};
use crate::image::Digest;
use crate::runtime::Accounts;
use crate::runtime::log::Stream;
use crate::sys::{Owner, RootDir};

/// What something is copied from.
pub(super) enum From<'a> {
    /// A directory of this machine.
    Context(&'a Tree),
    /// Files of a step, open for as long as this is there; or none.
    Step { tree: Tree, _workspace: Option<Workspace> },
}

impl From<'_> {
    pub(super) fn tree(&self) -> &Tree {
        match self {
            Self::Context(tree) => tree,
            Self::Step { tree, .. } => tree,
        }
    }
}

impl Solver<'_> {
    /// Makes a step, and gives its layer; `selections` are what it copies.
    pub(super) fn make(
        &self,
        number: StepNumber,
        operation: &Operation,
        inputs: &[Snapshot],
        selections: &[Selection<'_>],
    ) -> Result<Digest, StepError> {
        let store = self.builder.store;
        let mut workspace = match operation {
            Operation::From(_) => Workspace::over(&[], store)?,
            Operation::Copy(copy) if copy.link => Workspace::over(&[], store)?,
            _ => Workspace::over(&self.directories(&inputs[0])?, store)?,
        };
        let upper = Upper::new(workspace.upper()?);
        let cancelled = || self.cancelled();
        let copy = |accounts: Option<&RootDir>| {
            let into = Destination { root: workspace.root(), upper: Some(&upper), accounts, cancelled: &cancelled };
            selections.iter().try_for_each(|selection| selection.copy(&into)).map_err(not_copied)
        };
        let epoch = match operation {
            Operation::From(_) => {
                copy(None)?;
                None
            }
            Operation::Workdir { path, user, epoch, .. } => {
                make_directory(workspace.root(), path, user)?;
                *epoch
            }
            Operation::Copy(step) => {
                let accounts = match step.link && step.chown.as_deref().is_some_and(copy::names_accounts) {
                    true => Some(snapshot::open(self.directories(&inputs[0])?).map_err(StepError::Open)?),
                    false => None,
                };
                copy(accounts.as_ref())?;
                step.epoch
            }
            Operation::Run(step) => {
                self.run(number, step, inputs, &mut workspace)?;
                step.epoch
            }
        };
        let mut contents = upper.contents(&cancelled);
        match workspace.seal(store, epoch.map(jiff::Timestamp::as_second), &mut contents) {
            Ok(sealed) => Ok(sealed.diff_id),
            Err(error) => Err(contents.failure().map_or(StepError::Layer(error), not_copied)),
        }
    }

    /// What a step copies from where: all that is at hand, and each thing of the network.
    pub(super) fn parts(&self, operation: &Operation, inputs: &[Snapshot]) -> Result<Vec<(Copy, From<'_>)>, StepError> {
        let step = match operation {
            Operation::From(Base::Tree(tree)) => return Ok(vec![(everything(), From::Context(&self.trees[*tree]))]),
            Operation::Copy(step) => step,
            _ => return Ok(Vec::new()),
        };
        let is_remote = |source: &TransferSource| match source {
            TransferSource::Path(word) => step.add && remote::is_remote(&word.text),
            TransferSource::Inline(_) => false,
        };
        let mut parts = Vec::new();
        if !step.sources.iter().all(is_remote) {
            let from = match step.from {
                Some(Input::Tree(tree)) => From::Context(&self.trees[tree]),
                Some(Input::Step(_)) => self.files_of(&inputs[1])?,
                None => self.files_of(&Snapshot::empty())?,
            };
            parts.push((copy(step, step.sources.iter().filter(|source| !is_remote(source)))?, from));
        }
        for source in step.sources.iter().filter(|source| is_remote(source)) {
            if let TransferSource::Path(word) = source {
                let (sources, tree) = self.fetch(step, &word.text)?;
                let unpack = step.unpack == Some(true);
                let copy = Copy { sources, unpack, ..copy(step, [].into_iter())? };
                parts.push((copy, From::Step { tree, _workspace: None }));
            }
        }
        Ok(parts)
    }

    fn files_of(&self, snapshot: &Snapshot) -> Result<From<'_>, StepError> {
        let directories = self.directories(snapshot)?;
        if directories.is_empty() {
            let workspace = Workspace::over(&[], self.builder.store)?;
            let root = workspace.root().as_fd().try_clone_to_owned().map_err(StepError::Open)?;
            return Ok(From::Step { tree: Tree::files(RootDir::from(root)), _workspace: Some(workspace) });
        }
        let root = snapshot::open(directories).map_err(StepError::Open)?;
        Ok(From::Step { tree: Tree::files(root), _workspace: None })
    }

    fn run(
        &self,
        number: StepNumber,
        step: &RunStep,
        inputs: &[Snapshot],
        workspace: &mut Workspace,
    ) -> Result<(), StepError> {
        let request = self.request(step, inputs, workspace.scratch())?;
        let caches = self.builder.cache.directory("mounts").map_err(StepError::Cache)?;
        let site = run::Site { store: self.builder.store, run: self.builder.run, caches: &caches };
        let mut sink = |_, line: &[u8]| {
            let bytes = line.iter().copied().chain([b'\n']).collect();
            self.tell(number, EventKind::Output { bytes });
        };
        match run::run(&request, &site, workspace, &mut sink, self.builder.cancel) {
            Err(run::RunError::Cancelled) => Err(StepError::Cancelled),
            result => {
                // What could not be done as asked, and did not matter to the program.
                result?.iter().for_each(|warning| sink(Stream::Stderr, format!("warning: {warning}").as_bytes()));
                Ok(())
            }
        }
    }

    fn request(&self, step: &RunStep, inputs: &[Snapshot], scratch: &Path) -> Result<run::Run<'_>, StepError> {
        let around = &step.surroundings;
        let network = match step.network {
            RunNetwork::Default => self.builder.network,
            RunNetwork::None => run::Network::None,
            RunNetwork::Host => run::Network::Host,
        };
        let mut secrets = std::collections::BTreeMap::new();
        for (id, source) in &around.secrets {
            let is_used =
                step.mounts.iter().any(|(mount, _)| matches!(mount, Mount::Secret { id: used, .. } if used == id));
            if is_used {
                secrets.insert(id.clone(), secret(id, source)?);
            }
        }
        let mut mounts = self.mounts(step, inputs, scratch)?;
        if let Some((target, text)) = &step.script {
            let (target, content) = (PathBuf::from(target), text.clone().into_bytes());
            mounts.push(run::Mount::File { target, content, mode: 0o755 });
        }
        let ulimit =
            |(name, (soft, hard)): (&String, &(i64, i64))| run::Ulimit { name: name.clone(), soft: *soft, hard: *hard };
        Ok(run::Run {
            args: step.args.clone(),
            env: with_proxies(&step.environment, &step.proxies),
            cwd: PathBuf::from(&step.directory),
            user: step.user.clone(),
            hostname: step.hostname.clone(),
            network,
            security: if step.insecure { run::Security::Insecure } else { run::Security::Sandbox },
            devices: if step.insecure { (self.builder.devices)().map_err(StepError::Devices)? } else { Vec::new() },
            mounts,
            secrets,
            agents: around.ssh.clone(),
            limits: run::Limits {
                ulimits: around.ulimits.iter().map(ulimit).collect(),
                shm_size: around.shm_size,
                memory: around.memory,
                ..run::Limits::default()
            },
            extra_hosts: hosts(&around.extra_hosts)?,
            hide: self.builder.hidden.to_vec(),
        })
    }

    /// What a program mounts. In `scratch` there is room for what hides some of it.
    fn mounts(&self, step: &RunStep, inputs: &[Snapshot], scratch: &Path) -> Result<Vec<run::Mount>, StepError> {
        let mut steps = inputs[1..].iter();
        let mut mounts = Vec::new();
        for (number, (mount, from)) in step.mounts.iter().enumerate() {
            let layers = match from {
                None => None,
                Some(Input::Step(_)) => match steps.next() {
                    Some(snapshot) => Some(self.directories(snapshot)?),
                    None => None,
                },
                Some(Input::Tree(tree)) => Some(self.shown(*tree, mount, &scratch.join(format!("hidden-{number}")))?),
            };
            let source = |path: &Option<String>| {
                let path = PathBuf::from(path.clone().unwrap_or_else(|| "/".to_owned()));
                layers.clone().map(|layers| run::BindSource { layers, path })
            };
            let target = |target: &String| Path::new(&step.directory).join(target);
            let ownership = |default, mode: &Option<u32>, uid: &Option<u32>, gid: &Option<u32>| run::Ownership {
                mode: mode.unwrap_or(default),
                uid: uid.unwrap_or(0),
                gid: gid.unwrap_or(0),
            };
            mounts.push(match mount {
                Mount::Bind { target: at, source: path, read_write, .. } => {
                    let source = source(path).unwrap_or(run::BindSource { layers: Vec::new(), path: "/".into() });
                    run::Mount::Bind { target: target(at), source, writable: *read_write }
                }
                Mount::Cache { id, target: at, read_only, sharing, source: path, mode, uid, gid, .. } => {
                    let target = target(at);
                    run::Mount::Cache(run::Cache {
                        id: id.clone().unwrap_or_else(|| target.display().to_string()),
                        target,
                        sharing: match sharing {
                            Sharing::Shared => run::Sharing::Shared,
                            Sharing::Private => run::Sharing::Private,
                            Sharing::Locked => run::Sharing::Locked,
                        },
                        read_only: *read_only,
                        from: source(path),
                        ownership: ownership(0o755, mode, uid, gid),
                    })
                }
                Mount::Tmpfs { target: at, size } => {
                    run::Mount::Tmpfs { target: target(at), size: size.filter(|size| *size > 0) }
                }
                Mount::Secret { id, target: at, env, required, mode, uid, gid } => {
                    let default = env.is_none().then(|| PathBuf::from(format!("/run/secrets/{id}")));
                    run::Mount::Secret {
                        id: id.clone(),
                        target: at.as_ref().map(target).or(default),
                        env: env.clone(),
                        required: *required,
                        ownership: ownership(0o400, mode, uid, gid),
                    }
                }
                Mount::Ssh { id, target: at, required, mode, uid, gid } => run::Mount::Ssh {
                    id: id.clone(),
                    target: at.as_ref().map(target),
                    required: *required,
                    ownership: ownership(0o600, mode, uid, gid),
                },
            });
        }
        Ok(mounts)
    }
}

impl Solver<'_> {
    /// The directories of a context as a program sees them: with what is left out of it hidden by the new directory `layer`.
    fn shown(&self, tree: usize, mount: &Mount, layer: &Path) -> Result<Vec<PathBuf>, StepError> {
        let directory = self.graph.trees[tree].directory.clone();
        if self.graph.trees[tree].ignore.is_none() {
            return Ok(vec![directory]);
        }
        let source = Path::new(source_of(mount));
        match hidden::hide(&self.trees[tree], source, layer).map_err(StepError::Hide)? {
            true => Ok(vec![directory, layer.to_owned()]),
            false => Ok(vec![directory]),
        }
    }
}

fn not_copied(error: CopyError) -> StepError {
    match error {
        CopyError::Cancelled => StepError::Cancelled,
        error => error.into(),
    }
}

/// What a `.dockerignore` leaves out.
pub(super) fn ignore(name: &str, text: &str) -> Result<Box<dyn Hides>, SolveError> {
    match Ignore::parse(text) {
        Ok(ignore) => Ok(Box::new(ignore)),
        Err(source) => Err(SolveError::Ignore { file: name.to_owned(), source }),
    }
}

/// What a copy depends on of what it goes over.
pub(super) fn over<'a>(copy: &CopyStep, over: &'a Snapshot) -> Option<&'a Snapshot> {
    let independent = copy.link && !copy.chown.as_deref().is_some_and(copy::names_accounts);
    (!independent).then_some(over)
}

/// A copy of all that there is.
pub(super) fn everything() -> Copy {
    whole("/", "/")
}

fn whole(source: &str, destination: &str) -> Copy {
    Copy {
        sources: vec![Source::Exact(source.to_owned())],
        destination: destination.to_owned(),
        chown: None,
        chmod: None,
        exclude: Excludes::default(),
        parents: false,
        link: false,
        unpack: false,
    }
}

/// The part that a mount shows, as if it were copied: for its key.
pub(super) fn part(mount: &Mount) -> Copy {
    whole(source_of(mount), "/")
}

/// The part of a tree that a mount shows.
fn source_of(mount: &Mount) -> &str {
    let source = match mount {
        Mount::Bind { source, .. } | Mount::Cache { source, .. } => source.as_deref(),
        _ => None,
    };
    source.unwrap_or("/")
}

/// `COPY` and `ADD` of some of their sources, as they are carried out.
fn copy<'a>(step: &CopyStep, sources: impl Iterator<Item = &'a TransferSource>) -> Result<Copy, StepError> {
    let source = |source: &TransferSource| match source {
        TransferSource::Path(word) => Source::Path(word.text.clone()),
        TransferSource::Inline(heredoc) => {
            Source::Inline { name: heredoc.name.clone(), content: heredoc.content().into_bytes() }
        }
    };
    Ok(Copy {
        sources: sources.map(source).collect(),
        destination: step.destination.clone(),
        chown: step.chown.clone(),
        chmod: step.chmod.as_deref().map(Chmod::parse).transpose()?,
        exclude: Excludes::new(step.exclude.clone())?,
        parents: step.parents,
        link: step.link,
        unpack: step.unpack.unwrap_or(step.add),
    })
}

/// Makes a directory and those above it; one that is there stays as it is.
fn make_directory(root: &RootDir, path: &str, user: &str) -> Result<(), StepError> {
    let failed = |source: io::Error| StepError::Workdir { path: path.to_owned(), source };
    let unknown = |source| StepError::WorkdirOwner { path: path.to_owned(), user: user.to_owned(), source };
    let owner = match user {
        "" => None,
        user => Some(Accounts::read(root).and_then(|accounts| accounts.resolve(user, &[])).map_err(unknown)?),
    };
    let owner = owner.map(|owner| Owner { uid: owner.uid, gid: owner.gid });
    for path in Path::new(path).ancestors().collect::<Vec<_>>().into_iter().rev().skip(1) {
        match root.stat(path).map_err(failed)? {
            Some(_) => {}
            None => {
                root.mkdir(path, 0o755).and_then(|()| root.chmod(path, 0o755)).map_err(failed)?;
                owner.map_or(Ok(()), |owner| root.chown(path, owner)).map_err(failed)?;
            }
        }
    }
    // What is there may be a file.
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY;
    root.open_at(Path::new(path), flags).map(drop).map_err(failed)
}

fn secret(id: &str, source: &SecretSource) -> Result<Vec<u8>, StepError> {
    match source {
        SecretSource::File(path) => {
            fs_err::read(path).map_err(|source| StepError::Secret { id: id.to_owned(), source })
        }
        SecretSource::Content(bytes) => Ok(bytes.clone()),
    }
}

/// What is set already is not set again.
fn with_proxies(environment: &[String], proxies: &[String]) -> Vec<String> {
    let is_set = |proxy: &&String| {
        let name = proxy.split('=').next().unwrap_or_default();
        environment.iter().any(|known| known.split('=').next() == Some(name))
    };
    environment.iter().chain(proxies.iter().filter(|proxy| !is_set(proxy))).cloned().collect()
}

fn hosts(hosts: &[(String, String)]) -> Result<Vec<(String, std::net::IpAddr)>, StepError> {
    let parse = |(name, address): &(String, String)| match address.parse() {
        Ok(parsed) => Ok((name.clone(), parsed)),
        Err(_) => Err(StepError::Host { name: name.clone(), address: address.clone() }),
    };
    hosts.iter().map(parse).collect()
}
