//! Files and variables to a resolved model.
//!
//! ```text
//! locate ─▶ parse ─▶ name ─▶ interpolate ─▶ canonical ─▶ merge ─▶ profiles ─▶ validate ─▶ decode
//! paths     Nodes    of the  ${VAR:-x}      short→long   later    services    references  types, keys,
//! .env               project                             over     that are    and cycles  defaults
//!                                                        earlier  on
//! ```
//!
//! Every phase works on the same tree, whose nodes know the file, line and column they came from, and goes on past a
//! mistake: a load ends with all of them. [`Files`] is the only IO.
//!
//! `canonical` stands before `merge` so that merging meets one form of each value only: two files that publish the same
//! port, one in short and one in long form, need no rule of their own.

mod canonical;
mod decode;
pub mod diagnostic;
mod dotenv;
mod emit;
mod files;
mod interpolate;
mod locate;
mod merge;
pub mod model;
mod node;
mod profiles;
mod project_name;
mod remote;
mod report;
#[cfg_attr(not(test), expect(dead_code, reason = "for the schema"))]
mod scalar;
mod suggest;
mod template;
mod units;
mod validate;
mod yaml;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

pub use diagnostic::{Diagnostic, DiagnosticKind, Severity};
pub use emit::{to_json, to_yaml};
pub use files::{Files, HostFiles};
use model::Project;
use node::{Mapping, Node, Value};
pub use remote::{Fetched, GitReference, RemoteError, RemoteReference, localize, main_files};
use report::{Origin, Report};

use crate::name::InvalidName;

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
}

/// A project and what is worth knowing about its files.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// Warnings, in file order.
    pub warnings: Vec<Diagnostic>,
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
    let report = Report::default();
    let located = locate::locate(options, files, &report)?;
    let mut documents = read(&located, options, files, &report)?;
    if report.has_errors() && documents.is_empty() {
        return Err(LoadError::Diagnostics(report.into_diagnostics()));
    }
    let name = project_name::project_name(options, &located, &documents)?;
    let mut environment = located.environment;
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.to_string());
    for document in &mut documents {
        // There is nothing below a file that its root could reset or override.
        document.tag = None;
        interpolate_sections(document, &environment, &report);
        canonical::canonical(document, &report);
    }
    let Some(tree) = merge::merge(documents, &report) else {
        return Err(LoadError::Diagnostics(report.into_diagnostics()));
    };
    let none = Mapping::new();
    let services = tree.get("services").and_then(Node::entries).unwrap_or(&none);
    check_named(&options.services, services)?;
    let active = profiles::active(services, &switched_on(options, &environment), &options.services);
    validate::references(&tree, &active, &report);
    let context = decode::Context {
        project: &name,
        directory: &located.directory,
        environment: &environment,
        files,
        active: &active,
        report: &report,
    };
    let project = decode::project(&tree, located.files, &context);
    match project {
        Some(project) if !report.has_errors() => Ok(Loaded { project, warnings: report.into_diagnostics() }),
        _ => Err(LoadError::Diagnostics(report.into_diagnostics())),
    }
}

/// Reads and parses the files; no documents when one of them is not YAML, since half a project has other mistakes.
fn read(
    located: &locate::Located,
    options: &LoadOptions,
    files: &dyn Files,
    report: &Report,
) -> Result<Vec<Node>, LoadError> {
    let mut documents = Vec::new();
    let mut broken = false;
    for path in &located.files {
        let text = files.read(path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
        let source = report.add_source(locate::display_name(path, &options.working_dir), text);
        let parsed = yaml::parse(report, source);
        broken |= parsed.is_empty();
        documents.extend(parsed);
        if !located.ignored.is_empty() && located.files.first() == Some(path) {
            let name = |path: &PathBuf| locate::display_name(path, &options.working_dir);
            let names = located.ignored.iter().map(name).collect();
            report.warning(Origin::new(source, 0..0), DiagnosticKind::IgnoredFiles(names));
        }
    }
    Ok(if broken { Vec::new() } else { documents })
}

/// Interpolates a document, but for its extensions: nobody reads them but through aliases, which are already resolved.
fn interpolate_sections(document: &mut Node, environment: &BTreeMap<String, String>, report: &Report) {
    let lookup = |name: &str| environment.get(name).cloned();
    if let Value::Mapping(entries) = &mut document.value {
        for (_, entry) in entries.iter_mut().filter(|(key, _)| !key.starts_with("x-")) {
            interpolate::interpolate(&mut entry.value, &lookup, report);
        }
    }
}

fn switched_on(options: &LoadOptions, environment: &BTreeMap<String, String>) -> Vec<String> {
    if !options.profiles.is_empty() {
        return options.profiles.clone();
    }
    let list = environment.get("COMPOSE_PROFILES").map(String::as_str).unwrap_or_default();
    list.split(',').map(str::trim).filter(|profile| !profile.is_empty()).map(str::to_owned).collect()
}

fn check_named(named: &[String], services: &Mapping) -> Result<(), LoadError> {
    match named.iter().find(|name| !services.contains_key(*name)) {
        None => Ok(()),
        Some(name) => {
            let nearest = suggest::nearest(name, services.keys().map(String::as_str)).map(str::to_owned);
            Err(LoadError::NoSuchService { name: name.clone(), nearest })
        }
    }
}
