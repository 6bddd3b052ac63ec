//! Which files a load reads, where its relative paths begin, and which variables it has.

use std::path::{Component, Path, PathBuf};

use super::diagnostic::DiagnosticKind;
use super::load_file::Loader;
use super::remote::{RemoteReference, localize};
use super::report::{Origin, Report};
use super::variables::{VariableSource, Variables};
use super::{Files, LoadError, LoadOptions, dotenv};

/// Default names, best first.
pub(super) const NAMES: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// Names of the file that is merged over a default one when it is there.
const OVERRIDES: &[&str] =
    &["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// Where a project is.
#[derive(Debug)]
pub(super) struct Located {
    /// The compose files in order: absolute, or `-`.
    pub(super) files: Vec<PathBuf>,
    /// Other files that have default names and are not read.
    pub(super) ignored: Vec<PathBuf>,
    /// The project directory, which names the project and holds its `.env`; absolute.
    pub(super) directory: PathBuf,
    /// Where relative paths begin: the project directory, or that of the first file which was fetched.
    pub(super) base: PathBuf,
    /// The variables: those of the process over those of the env files.
    pub(super) variables: Variables,
}

/// Finds the files of a project and reads its env files.
///
/// # Errors
/// [`LoadError::NoFile`], [`LoadError::Read`] and [`LoadError::Remote`]; a mistake in an env file goes to `report`.
pub(super) fn locate(options: &LoadOptions, files: &dyn Files, report: &Report) -> Result<Located, LoadError> {
    let mut given = options.files.clone();
    if given.is_empty() {
        given = file_list(&Variables::of_process(&options.environment));
    }
    let from = options.project_directory.as_ref().map(|directory| absolute(&options.working_dir, directory));
    let from = from.as_deref().unwrap_or(&options.working_dir);
    let found = if given.is_empty() { search(from, files) } else { Found::default() };
    let directory = |first: Option<&PathBuf>| match (&options.project_directory, first) {
        (Some(directory), _) => absolute(&options.working_dir, directory),
        (None, Some(first)) if first != Path::new("-") => {
            // What is fetched has a directory of its own; the project is still the one at hand.
            let remote = first.to_str().is_some_and(|text| !matches!(RemoteReference::parse(text), Ok(None)));
            let first = if remote { Path::new("-") } else { first.as_path() };
            absolute(&options.working_dir, first).parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
        }
        _ => absolute(&options.working_dir, Path::new(".")),
    };
    let mut project_directory = directory(given.first().or(found.files.first()));
    let variables = variables(options, &project_directory, files, report)?;
    if given.is_empty() {
        // The process had no COMPOSE_FILE, but `.env` may.
        given = file_list(&variables);
        if !given.is_empty() {
            project_directory = directory(given.first());
        }
    }
    let (chosen, ignored) = if given.is_empty() { (found.files, found.ignored) } else { (given, Vec::new()) };
    if chosen.is_empty() {
        return Err(LoadError::NoFile { searched: from.to_owned() });
    }
    let mut base = None;
    let mut local = Vec::with_capacity(chosen.len());
    for path in chosen {
        if path == Path::new("-") {
            local.push(path);
        } else if let Some(fetched) = path.to_str().map(|text| localize(text, files)).transpose()?.flatten() {
            base = base.or_else(|| fetched.file.parent().map(Path::to_path_buf));
            local.push(fetched.file);
        } else {
            local.push(absolute(&options.working_dir, &path));
        }
    }
    let base = base.unwrap_or_else(|| project_directory.clone());
    Ok(Located { files: local, ignored, directory: project_directory, base, variables })
}

/// `COMPOSE_FILE`, split.
fn file_list(variables: &Variables) -> Vec<PathBuf> {
    let separator = variables.get("COMPOSE_PATH_SEPARATOR").filter(|text| !text.is_empty()).unwrap_or(":");
    let list = variables.get("COMPOSE_FILE").unwrap_or_default();
    list.split(separator).filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[derive(Default)]
struct Found {
    files: Vec<PathBuf>,
    ignored: Vec<PathBuf>,
}

/// Looks for default names in `from` and, when there are none, in its parents.
fn search(from: &Path, files: &dyn Files) -> Found {
    for directory in from.ancestors() {
        let existing =
            |names: &[&str]| names.iter().map(|name| directory.join(name)).filter(|path| files.exists(path)).collect();
        let mut candidates: Vec<PathBuf> = existing(NAMES);
        if candidates.is_empty() {
            continue;
        }
        let ignored = candidates.split_off(1);
        let overrides: Vec<PathBuf> = existing(OVERRIDES);
        candidates.extend(overrides.into_iter().take(1));
        return Found { files: candidates, ignored };
    }
    Found::default()
}

fn variables(
    options: &LoadOptions,
    directory: &Path,
    files: &dyn Files,
    report: &Report,
) -> Result<Variables, LoadError> {
    let process = &options.environment;
    let mut paths: Vec<PathBuf> = options.env_files.clone();
    if paths.is_empty() {
        let list = process.get("COMPOSE_ENV_FILES").map(String::as_str).unwrap_or_default();
        paths.extend(list.split(',').filter(|path| !path.is_empty()).map(PathBuf::from));
    }
    let mut paths: Vec<PathBuf> = paths.iter().map(|path| absolute(&options.working_dir, path)).collect();
    let disabled = process.get("COMPOSE_DISABLE_ENV_FILE").is_some_and(|text| matches!(text.as_str(), "1" | "true"));
    let default = directory.join(".env");
    if paths.is_empty() && !disabled && files.exists(&default) {
        paths.push(default);
    }
    let mut variables = Variables::of_process(process);
    if variables.get("PWD").is_none() {
        variables.set("PWD", options.working_dir.display().to_string(), VariableSource::Implied);
    }
    read_env_files(paths.iter().map(PathBuf::as_path), &Loader { options, files, report }, &mut variables)?;
    Ok(variables)
}

/// Adds the variables of env files, later files over earlier ones, to those that are known, which stay as they are.
pub(super) fn read_env_files<'p>(
    paths: impl IntoIterator<Item = &'p Path>,
    loader: &Loader<'_>,
    variables: &mut Variables,
) -> Result<(), LoadError> {
    let mut own = Variables::default();
    for path in paths {
        for (name, value, origin) in env_file(path, loader, variables, &own)? {
            own.set(&name, value, VariableSource::File(origin));
        }
    }
    variables.fill(own);
    Ok(())
}

/// The assignments of an env file; a mistake in it is reported.
fn env_file(
    path: &Path,
    loader: &Loader<'_>,
    known: &Variables,
    earlier: &Variables,
) -> Result<Vec<(String, String, Origin)>, LoadError> {
    let text = loader.files.read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })?;
    let source = loader.report.add_source(display_name(path, &loader.options.working_dir), text);
    let text = &loader.report.source(source).text;
    let of = |variables: &Variables, name: &str| variables.get(name).map(str::to_owned);
    match dotenv::parse(text, &|name| of(known, name), &|name| of(earlier, name)) {
        Ok(assignments) => {
            let with_value = |assignment: dotenv::Assignment| {
                Some((assignment.name, assignment.value?, Origin::new(source, assignment.range)))
            };
            Ok(assignments.into_iter().filter_map(with_value).collect())
        }
        Err(error) => {
            loader.report.error(Origin::new(source, error.range), DiagnosticKind::EnvFile(error.reason));
            Ok(Vec::new())
        }
    }
}

/// `path` as the user would write it.
pub(super) fn display_name(path: &Path, working_dir: &Path) -> String {
    path.strip_prefix(working_dir).unwrap_or(path).display().to_string()
}

/// `path` seen from `base`, without `.` and `..`. Symbolic links are not looked at: that would be IO.
pub(super) fn absolute(base: &Path, path: &Path) -> PathBuf {
    let mut output = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(output.pop()),
            other => output.push(other),
        }
    }
    output
}
