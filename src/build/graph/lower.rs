//! Which stages are needed, and what they begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::platform_arguments;
use super::scope::Arguments;
use super::stage::{Finished, Start};
use super::step::{Base, Input, Operation, Step, Tree};
use super::{Graph, Planned};
use crate::build::dockerfile::{Dockerfile, Mistake, MistakeKind, Word};
use crate::build::emulation::is_known_architecture;
use crate::build::event::StepNumber;
use crate::build::target::{NamedContext, Surroundings, Target};
use crate::image::{Blueprint, host_platform, is_host_platform};
use crate::name::ImageReference;
use crate::text::{Span, did_you_mean};

/// An image, and the platform that it is wanted for if that is not this machine's.
pub type BaseName = (ImageReference, Option<String>);

/// The base images that are known so far, and whose programs can be run.
#[derive(Debug, Clone, Default)]
pub struct Bases {
    known: BTreeMap<BaseName, Blueprint>,
    emulated: BTreeSet<String>,
}

impl Bases {
    /// None, on a machine that runs programs of these architectures beside its own.
    #[must_use]
    pub fn new(emulated: BTreeSet<String>) -> Self {
        Self { known: BTreeMap::new(), emulated }
    }

    /// Makes one known.
    pub fn add(&mut self, name: BaseName, blueprint: Blueprint) {
        self.known.insert(name, blueprint);
    }

    /// Whether programs of an architecture can be run, as far as anything is known of it.
    pub(super) fn runs(&self, architecture: &str) -> bool {
        let is_own = match std::env::consts::ARCH {
            "x86_64" => ["amd64", "386"].contains(&architecture),
            "aarch64" => ["arm64", "arm"].contains(&architecture),
            _ => is_host_platform(&format!("linux/{architecture}")),
        };
        is_own || self.emulated.contains(architecture) || !is_known_architecture(architecture)
    }

    /// Those that are known.
    pub fn names(&self) -> impl Iterator<Item = &BaseName> {
        self.known.keys()
    }
}

/// An image that is needed, and where it is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Where.
    pub span: Span,
    /// What was likely meant: a stage of nearly that name.
    pub help: Option<String>,
}

/// Why there is no graph.
#[derive(Debug)]
pub enum Unplanned {
    /// These images have to be known first.
    Missing(BTreeMap<BaseName, Wanted>),
    /// The Dockerfile of this target asks for what cannot be.
    Mistake {
        /// Which target.
        target: usize,
        /// What.
        mistake: Box<Mistake>,
    },
    /// A context is to be what comes of a target which is none.
    NoTarget {
        /// Which target asks.
        target: usize,
        /// For which.
        wanted: String,
    },
    /// Targets need one another in a circle.
    Circle {
        /// One of them.
        target: usize,
    },
}

/// Makes a graph of `targets`, whose Dockerfiles are `files`, in the same order.
///
/// # Errors
/// [`Unplanned`].
pub fn lower(targets: &[Target], files: &[Dockerfile], bases: &Bases) -> Result<Graph, Unplanned> {
    let mut lowering = Lowering {
        targets,
        files,
        bases,
        surroundings: targets.iter().map(|target| Arc::new(target.surroundings.clone())).collect(),
        arguments: targets.iter().map(|target| Arguments::new(target.arguments.clone())).collect(),
        globals: Vec::new(),
        graph: Graph::default(),
        finished: BTreeMap::new(),
        begun: BTreeSet::new(),
        missing: BTreeMap::new(),
        at: 0,
        platform: None,
    };
    match lowering.all() {
        // What is wrong may be so because an image is not known.
        _ if !lowering.missing.is_empty() => Err(Unplanned::Missing(lowering.missing)),
        Ok(()) => Ok(lowering.graph),
        Err(Stop::Mistake(mistake)) => Err(Unplanned::Mistake { target: lowering.at, mistake }),
        Err(Stop::NoTarget(wanted)) => Err(Unplanned::NoTarget { target: lowering.at, wanted }),
        Err(Stop::Circle) => Err(Unplanned::Circle { target: lowering.at }),
    }
}

/// Why it does not go on.
pub(super) enum Stop {
    Mistake(Box<Mistake>),
    NoTarget(String),
    Circle,
}

impl From<Mistake> for Stop {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(Box::new(mistake))
    }
}

/// The graph as it grows.
pub(super) struct Lowering<'a> {
    pub(super) targets: &'a [Target],
    pub(super) files: &'a [Dockerfile],
    pub(super) bases: &'a Bases,
    pub(super) surroundings: Vec<Arc<Surroundings>>,
    pub(super) arguments: Vec<Arguments>,
    /// The arguments before the first `FROM` of each target, with those that every Dockerfile has.
    pub(super) globals: Vec<BTreeMap<String, String>>,
    pub(super) graph: Graph,
    /// By target and stage.
    finished: BTreeMap<(usize, usize), Finished>,
    begun: BTreeSet<(usize, usize)>,
    missing: BTreeMap<BaseName, Wanted>,
    /// The target that is looked at.
    at: usize,
    /// What images are wanted for, unless it is this machine.
    platform: Option<String>,
}

impl Lowering<'_> {
    fn all(&mut self) -> Result<(), Stop> {
        for target in 0..self.targets.len() {
            self.at = target;
            let globals = self.global_arguments(target)?;
            self.globals.push(globals);
        }
        for target in 0..self.targets.len() {
            let finished = self.target(target)?;
            let mut planned = Planned {
                name: self.targets[target].name.clone(),
                step: finished.step,
                blueprint: finished.blueprint,
                history: finished.history,
            };
            planned.blueprint.config.labels.extend(self.targets[target].labels.clone());
            self.graph.images.push(planned);
        }
        for (target, arguments) in self.targets.iter().zip(&self.arguments) {
            let unused = arguments.unused();
            if !unused.is_empty() {
                let name = &target.name;
                let arguments = unused.join("`, `");
                self.graph.warnings.push(format!("no ARG of `{name}` asks for the build argument `{arguments}`"));
            }
        }
        Ok(())
    }

    /// What a target comes to: the stage that is asked for, or the last one.
    fn target(&mut self, target: usize) -> Result<Finished, Stop> {
        let before = std::mem::replace(&mut self.at, target);
        let file = &self.files[target];
        let index = match &self.targets[target].stage {
            None => file.stages.len() - 1,
            Some(name) => match file.stage(name) {
                Some(stage) => stage.index,
                None => return Err(self.no_stage(target, name).into()),
            },
        };
        let wanted = self.platform_of(target);
        let of_before = std::mem::replace(&mut self.platform, wanted);
        let finished = self.stage(target, index)?;
        (self.at, self.platform) = (before, of_before);
        Ok(finished)
    }

    /// What a target is for, unless it is this machine.
    fn platform_of(&self, target: usize) -> Option<String> {
        self.targets[target].platform.clone().filter(|platform| !is_host_platform(platform))
    }

    /// What the stage `index` begins with is for, unless it is this machine: `FROM --platform`.
    fn platform_of_stage(&self, target: usize, index: usize) -> Result<Option<String>, Stop> {
        match &self.files[target].stages[index].platform {
            None => Ok(self.platform_of(target)),
            Some(word) => Ok(Some(self.expand_global(target, word)?).filter(|platform| !is_host_platform(platform))),
        }
    }

    fn no_stage(&self, target: usize, name: &str) -> Mistake {
        let file = &self.files[target];
        let names: Vec<&str> = file.stages.iter().filter_map(|stage| stage.name.as_deref()).collect();
        let help = did_you_mean(name, names.iter().copied())
            .or_else(|| (!names.is_empty()).then(|| format!("there are the stages `{}`", names.join("`, `"))));
        let span = file.stages[file.stages.len() - 1].span.clone();
        let (what, value) = ("target", name.to_owned());
        let rule = "the Dockerfile has no such stage";
        Mistake::new(span, MistakeKind::Invalid { what, value, rule }).with_help(help)
    }

    /// The arguments before the first `FROM`.
    fn global_arguments(&mut self, target: usize) -> Result<BTreeMap<String, String>, Stop> {
        let host = host_platform();
        let wanted = self.targets[target].platform.as_deref().unwrap_or(&host);
        let stage = self.targets[target].stage.as_deref().unwrap_or("default");
        let mut globals = platform_arguments(&host, wanted, stage);
        for instruction in &self.files[target].arguments {
            self.declare_globals(target, instruction, &mut globals)?;
        }
        Ok(globals)
    }

    /// What a stage comes to.
    pub(super) fn stage(&mut self, target: usize, index: usize) -> Result<Finished, Stop> {
        if let Some(finished) = self.finished.get(&(target, index)) {
            return Ok(finished.clone());
        }
        if !self.begun.insert((target, index)) {
            return Err(Stop::Circle);
        }
        let finished = self.make_stage(target, index)?;
        self.finished.insert((target, index), finished.clone());
        Ok(finished)
    }

    /// What `FROM name` of the stage `index` begins with.
    pub(super) fn base(&mut self, target: usize, index: usize, name: &Word) -> Result<Start, Stop> {
        let wanted = self.platform_of_stage(target, index)?;
        let before = std::mem::replace(&mut self.platform, wanted);
        let start = self.base_for(target, index, name);
        self.platform = before;
        start
    }

    fn base_for(&mut self, target: usize, index: usize, name: &Word) -> Result<Start, Stop> {
        if let Some(found) = self.named(target, name)? {
            return Ok(found);
        }
        let stages = &self.files[target].stages[..index];
        let earlier = stages.iter().rev().find(|stage| stage.name.as_deref() == Some(&name.text.to_lowercase()));
        if let Some(stage) = earlier.map(|stage| stage.index) {
            return Ok(Start { finished: self.stage(target, stage)?, is_stage: true });
        }
        if name.text == "scratch" {
            let finished = self.begin(Base::Scratch, self.scratch(), &name.span, "FROM scratch");
            return Ok(Start { finished, is_stage: true });
        }
        Ok(Start { finished: self.image(target, name)?, is_stage: false })
    }

    /// What `--from=name` of the stage `index` copies from.
    pub(super) fn from(&mut self, target: usize, index: usize, name: &Word) -> Result<Input, Stop> {
        if let Some(NamedContext::Directory { directory, ignore }) = self.context(target, &name.text) {
            let tree = Tree { directory, ignore };
            return Ok(Input::Tree(self.tree(tree)));
        }
        if let Some(found) = self.named(target, name)? {
            return Ok(Input::Step(found.finished.step));
        }
        let stages = &self.files[target].stages;
        let named = stages.iter().rev().find(|stage| stage.name.as_deref() == Some(&name.text.to_lowercase()));
        let at = named.map(|stage| stage.index).or_else(|| name.text.parse().ok());
        if let Some(stage) = at {
            if stage >= index {
                let (what, value) = ("stage", name.text.clone());
                let rule = "only stages above this one can be copied from";
                return Err(Mistake::new(name.span.clone(), MistakeKind::Invalid { what, value, rule }).into());
            }
            return Ok(Input::Step(self.stage(target, stage)?.step));
        }
        if name.text == "scratch" {
            return Ok(Input::Step(self.begin(Base::Scratch, Blueprint::scratch(), &name.span, "FROM scratch").step));
        }
        Ok(Input::Step(self.image(target, name)?.step))
    }

    /// The context that stands in for what is called `name`.
    fn context(&self, target: usize, name: &str) -> Option<NamedContext> {
        let contexts = &self.targets[target].contexts;
        let same = |other: &str| match (ImageReference::parse(name), ImageReference::parse(other)) {
            (Ok(ImageReference::Registry(a)), Ok(ImageReference::Registry(b))) => a.canonical() == b.canonical(),
            _ => false,
        };
        let found = contexts.iter().find(|(other, _)| other.eq_ignore_ascii_case(name) || same(other));
        found.map(|(_, context)| context.clone())
    }

    /// What stands in for what is called `name`.
    fn named(&mut self, target: usize, name: &Word) -> Result<Option<Start>, Stop> {
        let Some(context) = self.context(target, &name.text) else { return Ok(None) };
        let span = name.span.clone();
        let finished = match context {
            NamedContext::Directory { directory, ignore } => {
                let tree = self.tree(Tree { directory, ignore });
                self.begin(Base::Tree(tree), self.scratch(), &span, &format!("FROM {}", name.text))
            }
            NamedContext::Loaded(blueprint) => {
                let base = Base::Layers { rootfs: None, diff_ids: blueprint.diff_ids.clone() };
                self.begin(base, *blueprint, &span, &format!("FROM {}", name.text))
            }
            NamedContext::Image(reference) => self.known_image(&reference, &span, None),
            NamedContext::Target(other) => {
                let index = self.targets.iter().position(|target| target.name == other);
                let index = index.ok_or(Stop::NoTarget(other))?;
                // Arguments are the other's own.
                let finished = Finished { variables: None, ..self.target(index)? };
                return Ok(Some(Start { finished, is_stage: true }));
            }
        };
        Ok(Some(Start { finished, is_stage: false }))
    }

    fn image(&mut self, target: usize, name: &Word) -> Result<Finished, Stop> {
        let reference = ImageReference::parse(&name.text).map_err(|error| {
            let (what, value) = ("name of an image", name.text.clone());
            Mistake::new(name.span.clone(), MistakeKind::Invalid { what, value, rule: error.rule })
        })?;
        let names = self.files[target].stages.iter().filter_map(|stage| stage.name.as_deref());
        let contexts = self.targets[target].contexts.keys().map(String::as_str);
        let near = did_you_mean(&name.text, names.chain(contexts));
        Ok(self.known_image(&reference, &name.span, near))
    }

    /// An image whose blueprint is known; one that is not is remembered, and nothing stands in for it.
    fn known_image(&mut self, reference: &ImageReference, span: &Span, help: Option<String>) -> Finished {
        let known = match reference {
            ImageReference::Rootfs(directory) => Some(Blueprint::over_directory(directory.clone())),
            ImageReference::Registry(_) => self.bases.known.get(&(reference.clone(), self.platform.clone())).cloned(),
        };
        let blueprint = known.unwrap_or_else(|| {
            let name = (reference.clone(), self.platform.clone());
            self.missing.insert(name, Wanted { span: span.clone(), help });
            self.scratch()
        });
        let base = Base::Layers { rootfs: blueprint.rootfs.clone(), diff_ids: blueprint.diff_ids.clone() };
        self.begin(base, blueprint, span, &format!("FROM {reference}"))
    }

    /// An image without any layer, for whom images are wanted.
    fn scratch(&self) -> Blueprint {
        Blueprint::scratch_for(self.platform.as_deref())
    }

    fn begin(&mut self, base: Base, blueprint: Blueprint, span: &Span, name: &str) -> Finished {
        let step = self.add(name, span, Operation::From(base), false);
        let history = blueprint.history.iter().map(|entry| (entry.clone(), None)).collect();
        Finished { step, blueprint, history, variables: None }
    }

    /// Adds a step, unless there is the same one.
    pub(super) fn add(&mut self, name: &str, place: &Span, operation: Operation, fresh: bool) -> StepNumber {
        let same = |step: &Step| step.operation == operation && step.fresh == fresh;
        if let Some(number) = self.graph.steps.iter().position(same) {
            return number;
        }
        self.graph.steps.push(Step { name: name.to_owned(), place: place.clone(), operation, fresh });
        self.graph.steps.len() - 1
    }

    /// Gives a step that begins a stage the name that it is to have, unless it has one.
    pub(super) fn name_base(&mut self, step: StepNumber, name: String) {
        let step = &mut self.graph.steps[step];
        if !step.name.starts_with('[') {
            step.name = name;
        }
    }

    /// The number of a directory that files are copied from.
    pub(super) fn tree(&mut self, tree: Tree) -> usize {
        if let Some(number) = self.graph.trees.iter().position(|known| *known == tree) {
            return number;
        }
        self.graph.trees.push(tree);
        self.graph.trees.len() - 1
    }
}
