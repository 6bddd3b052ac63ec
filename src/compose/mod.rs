//! Files and variables to a resolved model.
//!
//! ```text
//!           ┌─ each file, in its scope ────────────────────────────────────────────┐
//! locate ─▶ │ parse ─▶ interpolate ─▶ check ─▶ canonical ─▶ paths ─▶ extends ─▶ include │ ─▶ merge
//! paths     │ Nodes    ${VAR:-x}      keys,    short→long                          │     later over
//! .env      │                         types                                        │     earlier
//!           └──────────────────────────────────────────────────────────────────────┘
//! ─▶ complete ─▶ defaults ─▶ normalise ─▶ profiles ─▶ validate ─▶ env files ─▶ unused ─▶ decode
//!    required                names,       services    references              dropped    Project
//!    keys                    networks     that are on and cycles
//! ```
//!
//! Every phase works on the same tree, whose nodes know the file, line and column they came from, and goes on past a
//! mistake: a load ends with all of them. What a phase does to which key is a table keyed by path, at its top.
//! [`Files`] is the only IO.
//!
//! `canonical` stands before `merge` so that merging meets one form of each value only: two files that publish the same
//! port, one in short and one in long form, need no rule of their own.

mod canonical;
mod check;
mod complete;
mod decode;
mod defaults;
pub mod diagnostic;
mod dotenv;
mod emit;
mod env_files;
mod explain;
mod extends;
mod files;
mod history;
mod include;
mod interpolate;
pub mod lint;
mod load_file;
mod locate;
mod merge;
pub mod model;
mod node;
mod normalise;
mod notes;
mod paths;
mod place;
mod profiles;
mod project_name;
#[cfg(test)]
mod reference;
mod remote;
mod report;
mod resolved;
mod scalar;
mod schema;
mod support;
mod table;
mod template;
mod unused;
mod validate;
mod variables;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

pub use crate::text::units::{UnitError, bytes, duration};
pub use diagnostic::{Diagnostic, DiagnosticKind, Severity, render_all};
pub use explain::{Explained, Explanation, UnknownPath, UsedVariable, ValueSource};
pub use files::{Files, HostFiles};
use load_file::{Loader, Scope};
use model::Project;
use node::{Mapping, Node};
pub use remote::{Fetched, RemoteError, RemoteReference, localize, main_files};
use report::{Origin, Report};
pub use resolved::{Resolved, TemplateVariable};
use schema::{PROJECT, Shape};
pub use support::machine::{Judgement, Question};
pub use support::{Effect, Finding, Findings};
use variables::{VariableSource, Variables};

use crate::name::InvalidName;
use crate::text;

/// The first document of a YAML text that is no Compose file, as JSON.
///
/// # Errors
/// What is wrong with it.
pub fn yaml_value(text: &str) -> Result<serde_json::Value, String> {
    let report = Report::default();
    let source = report.add_source(String::new(), text.to_owned());
    match yaml::parse(&report, source) {
        Some(documents) if !report.has_errors() => Ok(documents.first().map_or(serde_json::Value::Null, emit::value)),
        _ => {
            let first = report.into_diagnostics().into_iter().next();
            Err(first.map_or_else(|| "not YAML".to_owned(), |diagnostic| diagnostic.kind.to_string()))
        }
    }
}

/// What a load starts from. Environment and directory are arguments: nothing here asks the process.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// `-f`, in order; `-` is standard input. When empty, `COMPOSE_FILE` or a search for the default names.
    pub files: Vec<PathBuf>,
    /// `--project-directory`; by default the directory of the first file.
    pub project_directory: Option<PathBuf>,
    /// `-p`.
    pub project_name: Option<String>,
    /// `--env-file`, in order, instead of `.env`.
    pub env_files: Vec<PathBuf>,
    /// `--profile`; when empty, `COMPOSE_PROFILES`.
    pub profiles: Vec<String>,
    /// Services named on the command line: their profiles are switched on.
    pub services: Vec<String>,
    /// The environment of the process.
    pub environment: BTreeMap<String, String>,
    /// The current directory; absolute.
    pub working_dir: PathBuf,
    /// Phases that `config` may leave out, and what it may want to know.
    pub leave_out: LeaveOut,
    /// `--compatibility`: names as Compose 1 had them; `COMPOSE_COMPATIBILITY` says so too.
    pub compatibility: bool,
    /// Keep networks, volumes, configs and secrets that no service uses.
    pub all_resources: bool,
    /// Keep record of what overrides what, for [`Resolved::explain`].
    pub trace: bool,
    /// Warnings that nobody wants, by their names in [`lint::LINTS`]; `all` for all.
    pub allow: Vec<String>,
    /// Give the warnings that only `config` gives.
    pub lint: bool,
}

/// Phases that are left out: `config --no-…`. A tree that lacks one is for printing, not for running.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeaveOut {
    /// `--no-interpolate`.
    pub interpolation: bool,
    /// `--no-normalize`.
    pub normalisation: bool,
    /// `--no-path-resolution`.
    pub paths: bool,
    /// `--no-env-resolution`.
    pub env_files: bool,
    /// `--no-consistency`.
    pub consistency: bool,
}

impl LoadOptions {
    fn resolve_paths(&self) -> bool {
        !self.leave_out.paths
    }
}

/// A project and what is worth knowing about its files.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// The tree it was decoded from.
    pub resolved: Resolved,
    /// Warnings, in file order.
    pub warnings: Vec<Diagnostic>,
    /// What the project asks for and does not get.
    pub unsupported: Findings,
}

/// Why there is no project.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The files have mistakes; warnings are among them, all in file order.
    #[error("the compose file has mistakes")]
    Diagnostics(Vec<Diagnostic>),
    /// No file was given and none was found.
    #[error("no compose file in `{}` or any directory above it", searched.display())]
    NoFile {
        /// Where the search began.
        searched: PathBuf,
    },
    /// A file that was asked for cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that was asked for lies elsewhere and cannot be had.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The project cannot be called so.
    #[error(transparent)]
    ProjectName(#[from] InvalidName),
    /// A service named on the command line is not in the file.
    #[error("no such service: {name}")]
    NoSuchService {
        /// The name.
        name: String,
        /// A service that may be meant.
        nearest: Option<String>,
    },
}

/// Loads a project.
///
/// # Errors
/// [`LoadError::Diagnostics`] for every mistake in a file, the other variants for what is not in one.
pub fn load(options: &LoadOptions, files: &dyn Files) -> Result<Loaded, LoadError> {
    let report = Report::new(false);
    let tree = tree(options, files, &report)?;
    let context = decode::Context {
        project: &tree.name,
        directory: &tree.directory,
        variables: &tree.variables,
        compatibility: tree.compatibility,
        active: &tree.active,
        report: &report,
    };
    if report.has_errors() {
        return Err(LoadError::Diagnostics(report.into_diagnostics()));
    }
    let project = decode::project(&tree.root, tree.files.clone(), &context);
    let unsupported = support::unsupported(&tree.root, &report);
    if report.has_errors() {
        return Err(LoadError::Diagnostics(report.into_diagnostics()));
    }
    let (resolved, warnings) = tree.finish(report);
    Ok(Loaded { project, resolved, warnings, unsupported })
}

/// Loads the tree of a project for printing: phases may be left out.
///
/// # Errors
/// As [`load`].
pub fn resolve(options: &LoadOptions, files: &dyn Files) -> Result<(Resolved, Vec<Diagnostic>), LoadError> {
    let report = Report::new(options.leave_out.interpolation);
    let tree = tree(options, files, &report)?;
    if report.has_errors() {
        return Err(LoadError::Diagnostics(report.into_diagnostics()));
    }
    Ok(tree.finish(report))
}

/// The JSON Schema of a Compose file, for editors.
#[must_use]
pub fn json_schema() -> String {
    format!("{:#}\n", schema::json::schema())
}

/// The tree after all phases, and what belongs to it.
struct Tree {
    root: Node,
    name: crate::name::ProjectName,
    directory: PathBuf,
    files: Vec<PathBuf>,
    variables: Variables,
    /// The services that profiles leave on.
    active: BTreeSet<String>,
    /// Whether variables are left as they are.
    templates: bool,
    /// Whether names are as Compose 1 had them.
    compatibility: bool,
    all_resources: bool,
}

/// Whether the value of a variable that switches something on does, as docker compose reads it.
#[must_use]
pub fn is_yes(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "t" | "true" | "y" | "yes")
}

fn tree(options: &LoadOptions, files: &dyn Files, report: &Report) -> Result<Tree, LoadError> {
    if options.trace {
        report.start_trace();
    }
    options.allow.iter().for_each(|name| report.notes().allow(name));
    let located = locate::locate(options, files, report)?;
    report.notes().know(&located.variables);
    let loader = Loader { options, files, report };
    let parsed = read(&located, loader)?;
    let stop = || LoadError::Diagnostics(report.take_diagnostics());
    let Some(parsed) = parsed else { return Err(stop()) };
    let name = project_name::project_name(options, &located, &parsed)?;
    let mut variables = located.variables;
    variables.set("COMPOSE_PROJECT_NAME", name.to_string(), VariableSource::Implied);
    let scope = Scope { directory: located.base, variables };
    let Some(mut root) = loader.merged(parsed, &scope, &[])? else { return Err(stop()) };
    let at = Origin { end: root.origin.start, ..root.origin };
    // The file may say it otherwise, or not at all.
    let said = root.get("name").filter(|node| node.text() == Some(name.as_str())).map(|node| node.origin);
    root.set("name", Node::string(said.unwrap_or(at), name.as_str()));
    complete::complete(&mut root, &Shape::Object(&PROJECT), &place::Place::ROOT, at, report);
    validate::resources(&root, report);
    if !options.leave_out.normalisation {
        normalise::normalise(&mut root, name.as_str(), &scope.variables, report);
    }
    let none = Mapping::new();
    let services = root.get("services").and_then(Node::entries).unwrap_or(&none);
    check_named(&options.services, services)?;
    let active = profiles::active(services, &switched_on(options, &scope.variables), &options.services);
    lint::project(&root, &active, options, report);
    if !options.leave_out.consistency {
        validate::services(&root, &active, report);
    }
    if !options.leave_out.env_files {
        for (_, service) in services_mut(&mut root).filter(|(name, _)| active.contains(*name)) {
            env_files::resolve(service, &scope.variables, &loader);
        }
    }
    if !options.all_resources {
        unused::drop_unused(&mut root, &active);
    }
    let compatibility = scope.variables.get("COMPOSE_COMPATIBILITY").is_some_and(is_yes);
    Ok(Tree {
        root,
        name,
        compatibility: compatibility || options.compatibility,
        directory: scope.directory,
        files: located.files,
        variables: scope.variables,
        active,
        templates: options.leave_out.interpolation,
        all_resources: options.all_resources,
    })
}

/// The services of a tree, for changing them.
fn services_mut(root: &mut Node) -> impl Iterator<Item = (&str, &mut Node)> {
    let entries = root.get_mut("services").and_then(Node::entries_mut).into_iter().flatten();
    entries.map(|(name, entry)| (name.as_str(), &mut entry.value))
}

/// Reads and parses the files; `None` when one of them is not YAML, since half a project has other mistakes.
fn read(located: &locate::Located, loader: Loader<'_>) -> Result<Option<Vec<load_file::Parsed>>, LoadError> {
    let mut files = Vec::new();
    for path in &located.files {
        let parsed = loader.parse(path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
        if !located.ignored.is_empty() && located.files.first() == Some(path) {
            let name = |path: &PathBuf| locate::display_name(path, &loader.options.working_dir);
            let names = located.ignored.iter().map(name).collect();
            loader.report.warning(Origin::new(parsed.source, 0..0), DiagnosticKind::IgnoredFiles(names));
        }
        files.push(parsed);
    }
    let broken = files.iter().any(|file| file.documents.is_none());
    let empty = files.iter().all(|file| file.documents.as_ref().is_none_or(Vec::is_empty));
    if let Some(first) = files.first().filter(|_| empty && !broken) {
        loader.report.error(Origin::new(first.source, 0..0), DiagnosticKind::Empty);
    }
    Ok(if broken || empty { None } else { Some(files) })
}

fn switched_on(options: &LoadOptions, variables: &Variables) -> Vec<String> {
    if !options.profiles.is_empty() {
        return options.profiles.clone();
    }
    let list = variables.get("COMPOSE_PROFILES").unwrap_or_default();
    list.split(',').map(str::trim).filter(|profile| !profile.is_empty()).map(str::to_owned).collect()
}

fn check_named(named: &[String], services: &Mapping) -> Result<(), LoadError> {
    match named.iter().find(|name| !services.contains_key(*name)) {
        None => Ok(()),
        Some(name) => {
            let nearest = text::nearest(name, services.keys().map(String::as_str)).map(str::to_owned);
            Err(LoadError::NoSuchService { name: name.clone(), nearest })
        }
    }
}
