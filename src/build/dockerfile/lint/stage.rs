//! Rules that need values: each stage is walked with those that its variables have.

use std::collections::{BTreeMap, BTreeSet};

use super::{Facts, Findings, Rule};
use crate::build::dockerfile::expand::{Expansion, Use};
use crate::build::dockerfile::ignore::clean;
use crate::build::dockerfile::instruction::{
    Argument, CommandForm, Dockerfile, Instruction, InstructionKind, Stage, Transfer, TransferSource, Word,
};
use crate::name::ImageReference;
use crate::text::{Span, nearest};

/// Words of a name that make it that of a secret, and words that make it none.
const SECRET: &[&str] =
    &["apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token"];
const NO_SECRET: &[&str] = &["public", "file", "version"];

/// What variables have a value.
type Values = BTreeMap<String, String>;

pub(super) fn check(file: &Dockerfile, facts: &Facts<'_>, found: &mut Findings<'_>) {
    let escape = file.directives.escape;
    let defaults = global(file, facts, false);
    let globals = global(file, facts, true);
    let declared: BTreeSet<&str> = arguments(&file.arguments).map(|argument| argument.name.text.as_str()).collect();
    let mut scopes: BTreeMap<&str, Scope> = BTreeMap::new();
    for stage in &file.stages {
        default_base(stage, &defaults, escape, found);
        let base = from(stage, &globals, &declared, escape, found);
        let scope = match base.as_ref().and_then(|base| scopes.get(base.as_str())) {
            // What may stand in a stage once is counted anew.
            Some(scope) => Scope { last: BTreeMap::new(), ..scope.clone() },
            None => Scope::of_image(base.as_deref(), facts),
        };
        let mut walk = Walk { escape, facts, globals: &globals, scope, found };
        stage.instructions.iter().for_each(|instruction| walk.instruction(instruction));
        let scope = walk.scope;
        if let Some(name) = &stage.name {
            scopes.insert(name, scope);
        }
    }
}

fn arguments(instructions: &[Instruction]) -> impl Iterator<Item = &Argument> {
    instructions.iter().flat_map(|instruction| match &instruction.kind {
        InstructionKind::Arg(arguments) => arguments.as_slice(),
        _ => &[],
    })
}

/// The arguments that `FROM` sees, with or without what is given from outside.
fn global(file: &Dockerfile, facts: &Facts<'_>, given: bool) -> Values {
    let mut values = facts.platform.clone();
    for argument in arguments(&file.arguments) {
        let name = &argument.name.text;
        let outside = facts.arguments.get(name).filter(|_| given).cloned();
        let default = || {
            let lookup = |name: &str| values.get(name).cloned();
            Expansion::new(file.directives.escape, &lookup).word(argument.default.as_ref()?).ok()
        };
        if let Some(value) = outside.or_else(default) {
            values.insert(name.clone(), value);
        }
    }
    values
}

/// The base has to be an image without arguments from outside too.
fn default_base(stage: &Stage, defaults: &Values, escape: char, found: &mut Findings<'_>) {
    let lookup = |name: &str| defaults.get(name).cloned();
    let Ok(base) = Expansion::new(escape, &lookup).word(&stage.base) else { return };
    if base != "scratch" && ImageReference::parse(&base).is_err() {
        let message = format!("without arguments from outside, `{}` is no image", stage.base.text);
        let help = "give the argument a default: `ARG name=value`, or `${name:-value}`".to_owned();
        found.add(Rule::InvalidDefaultArgInFrom, &stage.comments, &stage.base.span, message, Some(help));
    }
}

/// What a stage is based on, once its arguments are expanded.
fn from(
    stage: &Stage,
    globals: &Values,
    declared: &BTreeSet<&str>,
    escape: char,
    found: &mut Findings<'_>,
) -> Option<String> {
    let lookup = |name: &str| globals.get(name).cloned();
    let expansion = Expansion::new(escape, &lookup);
    let base = expansion.word(&stage.base).ok();
    if let Some(word) = &stage.platform {
        platform(stage, word, globals, escape, found);
        let _ = expansion.word(word);
    }
    for used in expansion.unset().iter().filter(|used| !declared.contains(used.name.as_str())) {
        let near = nearest(&used.name, declared.iter().copied().chain(globals.keys().map(String::as_str)));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it above all stages: `ARG {}=…`", used.name),
        };
        let message = format!("the argument `{}` is not declared", used.name);
        found.add(Rule::UndefinedArgInFrom, &stage.comments, &used.span, message, Some(help));
    }
    base
}

fn platform(stage: &Stage, word: &Word, globals: &Values, escape: char, found: &mut Findings<'_>) {
    let lookup = |name: &str| globals.get(name).cloned();
    let expansion = Expansion::new(escape, &lookup);
    let Ok(value) = expansion.word(word) else { return };
    let uses = expansion.uses();
    if uses.is_empty() {
        let name = stage.name.as_deref().unwrap_or_default();
        if platform_parts(&value).is_some_and(|parts| !parts.iter().any(|part| name.contains(part.as_str()))) {
            let message = format!("the platform is always `{value}`");
            let help = "leave `--platform` out, take `$BUILDPLATFORM`, or name the stage after its platform".to_owned();
            found.add(Rule::FromPlatformFlagConstDisallowed, &stage.comments, &word.span, message, Some(help));
        }
    } else if uses.iter().all(|used| used.name == "TARGETPLATFORM" && used.set)
        && lookup("TARGETPLATFORM") == Some(value)
    {
        let message = format!("`--platform={}` is what is built for anyway", word.text);
        found.add(Rule::RedundantTargetPlatform, &stage.comments, &word.span, message, Some("leave it out".to_owned()));
    }
}

/// The system and the architecture of a platform, if it is one.
fn platform_parts(text: &str) -> Option<[String; 2]> {
    let valid = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let parts: Vec<&str> = text.split('/').collect();
    if parts.len() > 3 || !parts.iter().all(|part| valid(part)) {
        return None;
    }
    let architecture = |text: &str| match text.to_ascii_lowercase().as_str() {
        "x86_64" | "x86-64" => "amd64".to_owned(),
        "aarch64" => "arm64".to_owned(),
        "i386" | "i686" => "386".to_owned(),
        other => other.to_owned(),
    };
    match parts[..] {
        [system @ ("linux" | "windows" | "darwin" | "freebsd")] => Some([system.to_owned(), system.to_owned()]),
        [alone] => Some(["linux".to_owned(), architecture(alone)]),
        _ => Some([parts[0].to_ascii_lowercase(), architecture(parts[1])]),
    }
}

/// What holds at a place in a stage.
#[derive(Debug, Clone, Default)]
struct Scope {
    values: Values,
    /// The arguments that are declared, with a value or without.
    declared: BTreeSet<String>,
    /// The image it began with, whose variables are not known.
    unknown: Option<String>,
    shell: bool,
    workdir: bool,
    /// Where what may stand once stood last.
    last: BTreeMap<&'static str, Span>,
}

impl Scope {
    fn of_image(base: Option<&str>, facts: &Facts<'_>) -> Self {
        let image = base.filter(|base| *base != "scratch").and_then(|base| (facts.image)(base));
        let unknown = base.filter(|base| *base != "scratch" && image.is_none()).map(str::to_owned);
        let image = image.unwrap_or_default();
        let mut values = image.environment;
        // Without one in the image, a path of docker's own is set.
        values.entry("PATH".to_owned()).or_default();
        Self { values, unknown, shell: image.shell, ..Self::default() }
    }
}

/// Goes through a stage.
struct Walk<'w, 'o> {
    escape: char,
    facts: &'w Facts<'w>,
    globals: &'w Values,
    scope: Scope,
    found: &'w mut Findings<'o>,
}

impl Walk<'_, '_> {
    fn instruction(&mut self, instruction: &Instruction) {
        let comments = &instruction.comments;
        let expanded = self.expanded(instruction);
        match expanded.as_ref().unwrap_or(&instruction.kind) {
            InstructionKind::Arg(arguments) => arguments.iter().for_each(|argument| self.argument(argument, comments)),
            InstructionKind::Env(pairs) => {
                for pair in pairs {
                    self.secret("ENV", &pair.key, comments);
                    self.scope.values.insert(pair.key.text.clone(), pair.value.text.clone());
                }
            }
            InstructionKind::Add(transfer) | InstructionKind::Copy(transfer) => self.transfer(transfer, comments),
            InstructionKind::Expose(ports) => ports.iter().for_each(|port| self.port(port, comments)),
            InstructionKind::Workdir(path) => {
                if !self.scope.workdir && !path.text.starts_with('/') {
                    let message = format!("where `{}` is depends on the base image", path.span.text());
                    let help = Some("give an absolute path first".to_owned());
                    self.found.add(Rule::WorkdirRelativePath, comments, &path.span, message, help);
                }
                self.scope.workdir = true;
            }
            InstructionKind::Shell(_) => self.scope.shell = true,
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
                self.once(instruction);
                if let (CommandForm::Shell(line), false) = (&command.form, self.scope.shell) {
                    let name = instruction.name();
                    let message = format!("this `{name}` runs in a shell, which does not hand signals on");
                    let help = Some(format!("write `{name} [\"program\", \"argument\"]`"));
                    self.found.add(Rule::JSONArgsRecommended, comments, &line.span, message, help);
                }
            }
            InstructionKind::Healthcheck(_) => self.once(instruction),
            _ => {}
        }
    }

    /// The instruction with values; what it uses without one is told.
    fn expanded(&mut self, instruction: &Instruction) -> Option<InstructionKind> {
        let lookup = |name: &str| self.scope.values.get(name).cloned();
        let expansion = Expansion::new(self.escape, &lookup);
        let expanded = instruction.expanded(&expansion).ok();
        if let InstructionKind::Run(run) = &instruction.kind {
            for mount in &run.mounts {
                let _ = mount.resolve(&expansion);
            }
        }
        // A port that is not set is none, and docker says nothing.
        if !matches!(instruction.kind, InstructionKind::Expose(_)) {
            let unset = expansion.unset();
            self.undefined(unset, &instruction.comments);
        }
        expanded
    }

    fn undefined(&mut self, unset: Vec<Use>, comments: &[Word]) {
        let mut told = BTreeSet::new();
        for used in unset {
            let internal = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"].contains(&used.name.as_str());
            if internal || self.scope.declared.contains(&used.name) || !told.insert(used.name.clone()) {
                continue;
            }
            let message = format!("the variable `{}` is not defined", used.name);
            let help = match (nearest(&used.name, self.scope.values.keys().map(String::as_str)), &self.scope.unknown) {
                (Some(near), _) => Some(format!("did you mean `{near}`?")),
                (None, Some(image)) => Some(format!("`{image}` may define it, which is not here")),
                (None, None) => None,
            };
            self.found.add(Rule::UndefinedVar, comments, &used.span, message, help);
        }
    }

    fn argument(&mut self, argument: &Argument, comments: &[Word]) {
        let name = &argument.name.text;
        self.secret("ARG", &argument.name, comments);
        let value = match (self.facts.arguments.get(name), &argument.default) {
            (Some(given), _) => Some(given.clone()),
            (None, None) => self.globals.get(name).cloned(),
            (None, Some(default)) => {
                let lookup = |name: &str| self.scope.values.get(name).cloned();
                let expansion = Expansion::new(self.escape, &lookup);
                let value = expansion.word(default).ok();
                let unset = expansion.unset();
                self.undefined(unset, comments);
                value
            }
        };
        if let Some(value) = value {
            self.scope.values.insert(name.clone(), value);
        }
        self.scope.declared.insert(name.clone());
    }

    fn secret(&mut self, instruction: &str, key: &Word, comments: &[Word]) {
        let has =
            |words: &[&str]| key.text.split('_').any(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part)));
        if has(SECRET) && !has(NO_SECRET) {
            let message = format!("`{instruction} {}` looks like a secret, and stays in the image", key.text);
            let help = Some("mount it where it is used: `RUN --mount=type=secret,id=…`".to_owned());
            self.found.add(Rule::SecretsUsedInArgOrEnv, comments, &key.span, message, help);
        }
    }

    fn transfer(&mut self, transfer: &Transfer, comments: &[Word]) {
        let Some(ignore) = self.facts.ignore.filter(|ignore| !ignore.keeps_some()) else { return };
        if transfer.from.is_some() {
            return;
        }
        for source in &transfer.sources {
            let TransferSource::Path(path) = source else { continue };
            let remote =
                ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|scheme| path.text.starts_with(scheme));
            let clean = clean(&path.text);
            let relative = clean.trim_start_matches('/');
            let ignored = match relative {
                "" | "." => ignore.excludes_root(),
                relative => ignore.excludes(relative),
            };
            if ignored && !remote {
                let message = format!("`{}` is left out of the context", path.text);
                let help =
                    ignore.excluded_by(relative).map(|line| format!("line {line} of `.dockerignore` leaves it out"));
                self.found.add(Rule::CopyIgnoredFile, comments, &path.span, message, help);
            }
        }
    }

    fn port(&mut self, port: &Word, comments: &[Word]) {
        let (before, own) = port.text.rsplit_once(':').unwrap_or(("", &port.text));
        let protocol = own.split_once('/').map_or("", |(_, protocol)| protocol);
        if protocol != protocol.to_lowercase() {
            let message = format!("the protocol of `{}` is not lower case", port.text);
            let help = Some(format!("write `{}`", port.text.to_lowercase()));
            self.found.add(Rule::ExposeProtoCasing, comments, &port.span, message, help);
        }
        if !before.is_empty() {
            let message = format!("`{}` has an address or a port of the machine", port.text);
            let help = Some(format!("write `{own}`: ports are published when a container is made"));
            self.found.add(Rule::ExposeInvalidFormat, comments, &port.span, message, help);
        }
    }

    /// Of what may stand once, the one before is told of: it is the one that has no effect.
    fn once(&mut self, instruction: &Instruction) {
        let name = instruction.name();
        if let Some(before) = self.scope.last.insert(name, instruction.keyword.span.clone()) {
            let message = format!("only the last `{name}` of a stage has an effect");
            self.found.add(Rule::MultipleInstructionsDisallowed, &instruction.comments, &before, message, None);
        }
    }
}
