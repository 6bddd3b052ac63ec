//! What each instruction does to the stage it is in.

use std::path::Path;

use super::lower::{Lowering, Stop};
use super::metadata;
use super::stage::State;
use super::step::{CopyStep, Input, Operation, RunStep, Tree};
use crate::build::copy::destination;
use crate::build::dockerfile::{
    Argument, Expansion, Instruction, InstructionKind, Mistake, MistakeKind, Mount, Pair, Program, Run, RunNetwork,
    RunSecurity, Transfer, TransferSource, Word, ports,
};
use crate::build::solve::is_remote;
use crate::build::target;
use crate::text::Span;

/// Where programs find scripts that begin with `#!`.
const PIPES: &str = "/dev/pipes";

impl Lowering<'_> {
    /// Takes an instruction in.
    pub(super) fn instruction(&mut self, state: &mut State, instruction: &Instruction) -> Result<(), Stop> {
        let kind = {
            let variables = &state.variables;
            let lookup = |name: &str| variables.get(name);
            instruction.expanded(&Expansion::new(state.escape, &lookup))?
        };
        match &kind {
            InstructionKind::Run(run) => self.run(state, instruction, run),
            InstructionKind::Copy(transfer) => self.copy(state, instruction, transfer, false),
            InstructionKind::Add(transfer) => self.copy(state, instruction, transfer, true),
            InstructionKind::Workdir(path) => self.workdir(state, instruction, path),
            InstructionKind::Arg(arguments) => self.declare(state, arguments),
            kind => Ok(metadata(state, kind)?),
        }
    }

    fn run(&mut self, state: &mut State, instruction: &Instruction, run: &Run) -> Result<(), Stop> {
        let surroundings = std::sync::Arc::clone(&state.surroundings);
        let network = match run.network {
            RunNetwork::Default => surroundings.network,
            RunNetwork::None => target::RunNetwork::None,
            RunNetwork::Host if surroundings.host_network => target::RunNetwork::Host,
            RunNetwork::Host => return Err(not_entitled(instruction, "--network", "host", "network.host").into()),
        };
        let insecure = match run.security {
            RunSecurity::Insecure if surroundings.insecure => true,
            RunSecurity::Insecure => {
                return Err(not_entitled(instruction, "--security", "insecure", "security.insecure").into());
            }
            RunSecurity::Sandbox => surroundings.privileged,
        };
        if let Some(device) = run.devices.iter().find(|device| device.required) {
            let (of, value) = ("--device", device.name.clone());
            let rule = "devices cannot be given to programs of a build here".to_owned();
            return Err(Mistake::new(device.span.clone(), MistakeKind::Value { of, value, rule }).into());
        }
        let architecture = &state.blueprint.architecture;
        if !architecture.is_empty() && !self.bases.runs(architecture) {
            let (of, value) = ("RUN", format!("{}/{architecture}", state.blueprint.os));
            let rule =
                format!("this machine is {}, and no emulator is registered for it", crate::image::host_platform());
            let help =
                "register one in binfmt_misc with the flag F: Debian has it in `qemu-user-static` and `binfmt-support`";
            let mistake = Mistake::new(instruction.span.clone(), MistakeKind::Value { of, value, rule });
            return Err(mistake.with_help(Some(help.to_owned())).into());
        }
        let mut mounts = Vec::new();
        for flag in &run.mounts {
            let mount = {
                let variables = &state.variables;
                let lookup = |name: &str| variables.get(name);
                flag.resolve(&Expansion::new(state.escape, &lookup))?
            };
            let from = self.mounted_from(state, &mount, &flag.span)?;
            mounts.push((mount, from));
        }
        let (args, script) = command(state, run);
        let said = said(state, &args);
        let proxies = self.arguments[state.target].proxies();
        let step = RunStep {
            over: state.step,
            args,
            script,
            environment: state.variables.assignments(),
            proxies: proxies.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
            directory: state.directory().to_owned(),
            user: state.blueprint.config.user.clone(),
            network,
            insecure,
            mounts,
            hostname: self.targets[state.target].arguments.get("BUILDKIT_SANDBOX_HOSTNAME").cloned(),
            surroundings,
            epoch: self.targets[state.target].epoch,
        };
        let name = state.next_name(&instruction.line);
        state.step = self.add(&name, &instruction.span, Operation::Run(Box::new(step)), state.fresh);
        state.tell(said, Some(state.step));
        Ok(())
    }

    /// What a mount shows files of.
    fn mounted_from(&mut self, state: &State, mount: &Mount, at: &Span) -> Result<Option<Input>, Stop> {
        let name = |text: &str| Word { text: text.to_owned(), span: at.clone() };
        match mount {
            Mount::Bind { from: Some(from), .. } | Mount::Cache { from: Some(from), .. } => {
                self.from(state.target, state.index, &name(from)).map(Some)
            }
            Mount::Bind { from: None, .. } => self.context_of(state.target, at).map(Some),
            _ => Ok(None),
        }
    }

    /// The context of a target.
    fn context_of(&mut self, target: usize, at: &Span) -> Result<Input, Stop> {
        let Some(directory) = self.targets[target].context.clone() else {
            let (what, value, rule) = ("source", String::new(), "there is no build context to copy from");
            return Err(Mistake::new(at.clone(), MistakeKind::Invalid { what, value, rule }).into());
        };
        let ignore = self.targets[target].ignore.clone();
        Ok(Input::Tree(self.tree(Tree { directory, ignore })))
    }

    fn copy(
        &mut self,
        state: &mut State,
        instruction: &Instruction,
        transfer: &Transfer,
        add: bool,
    ) -> Result<(), Stop> {
        let named = |source: &TransferSource| match source {
            TransferSource::Path(word) => word.text.clone(),
            TransferSource::Inline(heredoc) => format!("<<{}", heredoc.name),
        };
        // What is in the Dockerfile itself is copied last, as BuildKit does.
        let mut sources = transfer.sources.clone();
        sources.sort_by_key(|source| matches!(source, TransferSource::Inline(_)));
        let mut said = flags(transfer);
        said.extend(sources.iter().map(named));
        let is_of_context = |source: &TransferSource| match source {
            TransferSource::Path(word) => !(add && is_remote(&word.text)),
            TransferSource::Inline(_) => false,
        };
        let from = match &transfer.from {
            Some(name) => Some(self.from(state.target, state.index, name)?),
            None if transfer.sources.iter().any(is_of_context) => {
                Some(self.context_of(state.target, &instruction.span)?)
            }
            None => None,
        };
        let destination = destination(&transfer.destination.text, Path::new(state.directory()));
        let text = |word: &Option<Word>| word.as_ref().map(|word| word.text.clone());
        let keep_git_dir = self.targets[state.target].arguments.get("BUILDKIT_CONTEXT_KEEP_GIT_DIR");
        let step = CopyStep {
            over: state.step,
            from,
            sources,
            destination,
            add,
            chown: text(&transfer.chown),
            chmod: text(&transfer.chmod),
            link: transfer.link,
            parents: transfer.parents,
            exclude: transfer.exclude.iter().map(|word| word.text.clone()).collect(),
            checksum: text(&transfer.checksum),
            keep_git_dir: transfer.keep_git_dir.unwrap_or(keep_git_dir.is_some_and(|value| value == "1")),
            unpack: transfer.unpack,
            epoch: self.targets[state.target].epoch,
        };
        said.push(transfer.destination.text.clone());
        let said = format!("{} {} # buildkit", instruction.name(), said.join(" "));
        let name = state.next_name(&instruction.line);
        state.step = self.add(&name, &instruction.span, Operation::Copy(Box::new(step)), state.fresh);
        state.tell(said, Some(state.step));
        Ok(())
    }

    fn workdir(&mut self, state: &mut State, instruction: &Instruction, path: &Word) -> Result<(), Stop> {
        let path = metadata::absolute(state.directory(), &path.text);
        state.blueprint.config.working_dir.clone_from(&path);
        let name = state.next_name(&instruction.line);
        let said = format!("WORKDIR {path}");
        // There always is a root.
        if path == "/" {
            state.tell(said, None);
            return Ok(());
        }
        let (over, user) = (state.step, state.blueprint.config.user.clone());
        let epoch = self.targets[state.target].epoch;
        let operation = Operation::Workdir { over, path, user, epoch };
        state.step = self.add(&name, &instruction.span, operation, state.fresh);
        state.tell(said, Some(state.step));
        Ok(())
    }

    /// `ARG` in a stage.
    fn declare(&mut self, state: &mut State, arguments: &[Argument]) -> Result<(), Stop> {
        let mut said = Vec::new();
        for argument in arguments {
            let name = &argument.name.text;
            let value = match (self.arguments[state.target].take(name), &argument.default) {
                (Some(given), _) => Some(given),
                (None, Some(default)) => {
                    let variables = &state.variables;
                    let lookup = |name: &str| variables.get(name);
                    Some(Expansion::new(state.escape, &lookup).word(default)?)
                }
                (None, None) => self.globals[state.target].get(name).cloned(),
            };
            if !state.declared.contains(name) {
                state.declared.push(name.clone());
            }
            match value {
                None => said.push(name.clone()),
                Some(value) => {
                    said.push(format!("{name}={value}"));
                    state.variables.set(name, &value);
                }
            }
        }
        state.tell(format!("ARG {}", said.join(" ")), None);
        Ok(())
    }

    /// `ARG` before the first stage.
    pub(super) fn declare_globals(
        &mut self,
        target: usize,
        instruction: &Instruction,
        globals: &mut std::collections::BTreeMap<String, String>,
    ) -> Result<(), Stop> {
        let InstructionKind::Arg(arguments) = &instruction.kind else { return Ok(()) };
        let escape = self.files[target].directives.escape;
        for argument in arguments {
            let value = match (self.arguments[target].take(&argument.name.text), &argument.default) {
                (Some(given), _) => Some(given),
                (None, Some(default)) => {
                    let lookup = |name: &str| globals.get(name).cloned();
                    Some(Expansion::new(escape, &lookup).word(default)?)
                }
                (None, None) => None,
            };
            match value {
                Some(value) => drop(globals.insert(argument.name.text.clone(), value)),
                None => drop(globals.entry(argument.name.text.clone()).or_default()),
            }
        }
        Ok(())
    }

    /// A word of `FROM`.
    pub(super) fn expand_global(&self, target: usize, word: &Word) -> Result<String, Mistake> {
        let globals = &self.globals[target];
        let lookup = |name: &str| globals.get(name).cloned();
        Expansion::new(self.files[target].directives.escape, &lookup).word(word)
    }
}

/// An instruction that changes no files.
fn metadata(state: &mut State, kind: &InstructionKind) -> Result<(), Mistake> {
    let said = match kind {
        InstructionKind::Env(pairs) => {
            let pairs = texts(pairs);
            let mut said = "ENV".to_owned();
            for (name, value) in pairs {
                said.push_str(&format!(" {name}={value}"));
                state.variables.set(&name, &value);
                metadata::set_variable(&mut state.blueprint.config, &name, &value);
            }
            said
        }
        InstructionKind::Label(pairs) => {
            let pairs = texts(pairs);
            let said: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            state.blueprint.config.labels.extend(pairs);
            format!("LABEL {}", said.join(" "))
        }
        InstructionKind::Cmd(command) => {
            let words = metadata::command(&state.blueprint.config, &command.form);
            let said = format!("CMD {}", list(&words));
            state.blueprint.config.cmd = Some(words);
            state.has_command = true;
            said
        }
        InstructionKind::Entrypoint(command) => {
            let words = metadata::command(&state.blueprint.config, &command.form);
            let said = format!("ENTRYPOINT {}", list(&words));
            state.blueprint.config.entrypoint = Some(words);
            // The command of the base was for the program of the base.
            if !state.has_command {
                state.blueprint.config.cmd = None;
            }
            said
        }
        InstructionKind::Expose(words) => {
            let mut said = Vec::new();
            for word in words {
                for port in ports(word)? {
                    said.push(port.clone());
                    state.blueprint.config.exposed_ports.insert(port);
                }
            }
            format!("EXPOSE [{}]", said.join(" "))
        }
        InstructionKind::Healthcheck(check) => {
            let check = metadata::healthcheck(check);
            let said = metadata::said_of_healthcheck(&check);
            state.blueprint.config.healthcheck = Some(check);
            said
        }
        InstructionKind::Maintainer(word) => {
            state.blueprint.author = Some(word.text.clone());
            format!("MAINTAINER {}", word.text)
        }
        InstructionKind::Onbuild(onbuild) => {
            // It says so itself, and has changed nothing yet.
            state.blueprint.config.on_build.push(onbuild.trigger.clone());
            return Ok(());
        }
        InstructionKind::Shell(words) => {
            let words: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
            let said = format!("SHELL [{}]", words.join(" "));
            state.blueprint.config.shell = Some(words);
            said
        }
        InstructionKind::Stopsignal(word) => {
            state.blueprint.config.stop_signal = Some(word.text.clone());
            format!("STOPSIGNAL {}", word.text)
        }
        InstructionKind::User(word) => {
            state.blueprint.config.user.clone_from(&word.text);
            format!("USER {}", word.text)
        }
        InstructionKind::Volume(words) => {
            let paths: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
            let said = format!("VOLUME [{}]", paths.join(" "));
            state.blueprint.config.volumes.extend(paths);
            said
        }
        InstructionKind::Add(_)
        | InstructionKind::Arg(_)
        | InstructionKind::Copy(_)
        | InstructionKind::Run(_)
        | InstructionKind::Workdir(_) => return Ok(()),
    };
    state.tell(said, None);
    Ok(())
}

fn texts(pairs: &[Pair]) -> Vec<(String, String)> {
    pairs.iter().map(|pair| (pair.key.text.clone(), pair.value.text.clone())).collect()
}

/// What `RUN` runs, and the file that it may need.
fn command(state: &State, run: &Run) -> (Vec<String>, Option<(String, String)>) {
    let shell = metadata::shell(&state.blueprint.config);
    let in_shell = |text: String| shell.into_iter().chain([text]).collect();
    match run.command.program() {
        Program::Exec(words) => (words, None),
        Program::Shell(text) => (in_shell(text), None),
        Program::Script { name, content } => {
            let path = format!("{PIPES}/{name}");
            (in_shell(path.clone()), Some((path, content)))
        }
    }
}

/// What the history says of how files are copied.
fn flags(transfer: &Transfer) -> Vec<String> {
    let mut said = Vec::new();
    if transfer.parents {
        said.push("--parents".to_owned());
    }
    for (flag, value) in [("chown", &transfer.chown), ("chmod", &transfer.chmod)] {
        said.extend(value.iter().map(|value| format!("--{flag}={}", value.text)));
    }
    said
}

/// What the history says of a program: the arguments that were declared too, with what they come to.
fn said(state: &State, args: &[String]) -> String {
    let value = |name: &String| state.variables.get(name).unwrap_or_default();
    let declared: Vec<String> = state.declared.iter().map(|name| format!("{name}={}", value(name))).collect();
    match declared.len() {
        0 => format!("RUN {} # buildkit", args.join(" ")),
        count => format!("RUN |{count} {} {} # buildkit", declared.join(" "), args.join(" ")),
    }
}

/// `["a" "b"]`.
fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" "))
}

/// `FROM` of nothing, as a variable that is not set comes to.
pub(super) fn empty_base(base: &Word) -> Mistake {
    let (what, value, rule) = ("name of an image", base.text.clone(), "it comes to nothing");
    let help = "declare the variable above the first FROM: `ARG NAME=value`".to_owned();
    Mistake::new(base.span.clone(), MistakeKind::Invalid { what, value, rule }).with_help(help)
}

fn not_entitled(instruction: &Instruction, of: &'static str, value: &str, entitlement: &str) -> Mistake {
    let (value, rule) = (value.to_owned(), "the Compose file does not allow it".to_owned());
    let help = format!("allow it with `build.entitlements: [{entitlement}]`");
    Mistake::new(instruction.span.clone(), MistakeKind::Value { of, value, rule }).with_help(help)
}
