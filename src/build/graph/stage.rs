//! A stage from its first instruction to its last.

use std::sync::Arc;

use super::lower::{Lowering, Stop};
use super::metadata;
use super::scope::Variables;
use crate::build::dockerfile::{Dockerfile, Instruction, InstructionKind, Word, parse_trigger};
use crate::build::event::StepNumber;
use crate::build::target::{Fresh, Surroundings};
use crate::image::{Blueprint, HistoryEntry};

/// What comments of history say who has made it, so that other tools know its form.
const COMMENT: &str = "buildkit.dockerfile.v0";

/// What a stage has come to.
#[derive(Debug, Clone)]
pub(super) struct Finished {
    pub(super) step: StepNumber,
    pub(super) blueprint: Blueprint,
    pub(super) history: Vec<(HistoryEntry, Option<StepNumber>)>,
    /// The variables of the stage, and the arguments among them: a stage over it has them too.
    pub(super) variables: Option<(Variables, Vec<String>)>,
}

/// What a stage begins with.
pub(super) struct Start {
    pub(super) finished: Finished,
    /// It has no step of its own: it is another stage, or empty.
    pub(super) is_stage: bool,
}

/// A stage that is being read.
pub(super) struct State {
    pub(super) target: usize,
    pub(super) index: usize,
    pub(super) step: StepNumber,
    pub(super) blueprint: Blueprint,
    pub(super) history: Vec<(HistoryEntry, Option<StepNumber>)>,
    /// `ENV` and `ARG`, the later one counts.
    pub(super) variables: Variables,
    /// The arguments that were declared, for the history of `RUN`.
    pub(super) declared: Vec<String>,
    /// What variables escape with.
    pub(super) escape: char,
    pub(super) surroundings: Arc<Surroundings>,
    /// `CMD` stands in this stage.
    pub(super) has_command: bool,
    /// Its steps are done whatever is in the cache.
    pub(super) fresh: bool,
    /// `web build` of `[web build 2/4]`.
    label: String,
    number: usize,
    count: usize,
}

impl State {
    /// `[web build 2/4] RUN make`, for the next step.
    pub(super) fn next_name(&mut self, line: &str) -> String {
        self.number += 1;
        let label = if self.label.is_empty() { String::new() } else { format!("{} ", self.label) };
        format!("[{label}{}/{}] {}", self.number, self.count, line.trim())
    }

    /// Tells how the image was made; `step` adds a layer.
    pub(super) fn tell(&mut self, created_by: String, step: Option<StepNumber>) {
        let entry = HistoryEntry {
            created_by: Some(created_by),
            comment: Some(COMMENT.to_owned()),
            empty_layer: step.is_none(),
            ..HistoryEntry::default()
        };
        self.history.push((entry, step));
    }

    /// The directory that paths are seen from.
    pub(super) fn directory(&self) -> &str {
        match self.blueprint.config.working_dir.as_str() {
            "" => "/",
            directory => directory,
        }
    }
}

impl Lowering<'_> {
    /// Reads a stage.
    pub(super) fn make_stage(&mut self, target: usize, index: usize) -> Result<Finished, Stop> {
        let files = self.files;
        let file = &files[target];
        let stage = &file.stages[index];
        let base = self.expand_global(target, &stage.base)?;
        let base = Word { text: base, span: stage.base.span.clone() };
        if base.text.is_empty() {
            return Err(super::instruction::empty_base(&stage.base).into());
        }
        let Start { finished, is_stage } = self.base(target, index, &base)?;
        let triggers = triggers(&finished.blueprint, &base.text)?;
        let instructions: Vec<&Instruction> = triggers.iter().chain(&stage.instructions).collect();
        let own = instructions.iter().filter(|instruction| is_step(&instruction.kind)).count();
        let mut state = self.begin_stage(target, index, finished);
        state.count = own + usize::from(!is_stage);
        if !is_stage {
            let name = state.next_name(&format!("FROM {}", base.text));
            self.name_base(state.step, name);
        }
        for instruction in instructions {
            self.instruction(&mut state, instruction)?;
        }
        let variables = Some((state.variables, state.declared));
        Ok(Finished { step: state.step, blueprint: state.blueprint, history: state.history, variables })
    }

    fn begin_stage(&mut self, target: usize, index: usize, finished: Finished) -> State {
        let Finished { step, mut blueprint, history, variables } = finished;
        metadata::begin(&mut blueprint.config);
        let own = || (Variables::of(&blueprint.config.env), Vec::new());
        let (variables, declared) = variables.unwrap_or_else(own);
        let file = &self.files[target];
        let fresh = match &self.targets[target].fresh {
            Fresh::Nothing => false,
            Fresh::Everything => true,
            Fresh::Stages(names) => names.iter().any(|name| file.stage(name).is_some_and(|stage| stage.index == index)),
        };
        State {
            target,
            index,
            step,
            variables,
            blueprint,
            history,
            declared,
            escape: file.directives.escape,
            surroundings: Arc::clone(&self.surroundings[target]),
            has_command: false,
            fresh,
            label: self.label(target, index, file),
            number: 0,
            count: 0,
        }
    }

    /// What its steps are called: the service if there are several, and the stage likewise.
    fn label(&self, target: usize, index: usize, file: &Dockerfile) -> String {
        let mut parts = Vec::new();
        if self.targets.len() > 1 {
            parts.push(self.targets[target].name.clone());
        }
        match &file.stages[index].name {
            Some(name) => parts.push(name.clone()),
            None if file.stages.len() > 1 => parts.push(format!("stage-{index}")),
            None => {}
        }
        parts.join(" ")
    }
}

/// What the base has its users do first.
fn triggers(base: &Blueprint, name: &str) -> Result<Vec<Instruction>, Stop> {
    let read = |text: &String| {
        parse_trigger(text, &format!("ONBUILD of {name}")).map_err(|mut mistakes| mistakes.swap_remove(0).into())
    };
    base.config.on_build.iter().map(read).collect()
}

/// Whether an instruction changes files.
fn is_step(kind: &InstructionKind) -> bool {
    use InstructionKind::{Add, Copy, Run, Workdir};
    matches!(kind, Add(_) | Copy(_) | Run(_) | Workdir(_))
}
