//! Which files a load reads, where its relative paths begin, and which variables it has.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::diagnostic::DiagnosticKind;
use super::report::{Origin, Report};
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
    /// The project directory; absolute.
    pub(super) directory: PathBuf,
    /// The variables: those of the process over those of the env files.
    pub(super) environment: BTreeMap<String, String>,
}

/// Finds the files of a project and reads its env files.
///
/// # Errors
/// [`LoadError::NoFile`] and [`LoadError::Read`]; a mistake in an env file goes to `report`.
pub(super) fn locate(options: &LoadOptions, files: &dyn Files, report: &Report) -> Result<Located, LoadError> {
    let mut given = options.files.clone();
    if given.is_empty() {
        given = file_list(&options.environment);
    }
    let found = if given.is_empty() { search(&options.working_dir, files) } else { Found::default() };
    let directory = |first: Option<&PathBuf>| match (&options.project_directory, first) {
        (Some(directory), _) => absolute(&options.working_dir, directory),
        (None, Some(first)) if first != Path::new("-") => {
            absolute(&options.working_dir, first).parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf)
        }
        _ => absolute(&options.working_dir, Path::new(".")),
    };
    let mut project_directory = directory(given.first().or(found.files.first()));
    let environment = environment(options, &project_directory, files, report)?;
    if given.is_empty() {
        // The process had no COMPOSE_FILE, but `.env` may.
        given = file_list(&environment);
        if !given.is_empty() {
            project_directory = directory(given.first());
        }
    }
    let (chosen, ignored) = if given.is_empty() { (found.files, found.ignored) } else { (given, Vec::new()) };
    if chosen.is_empty() {
        return Err(LoadError::NoFile { searched: options.working_dir.clone() });
    }
    let keep_stdin = |path: PathBuf| if path == Path::new("-") { path } else { absolute(&options.working_dir, &path) };
    Ok(Located {
        files: chosen.into_iter().map(keep_stdin).collect(),
        ignored,
        directory: project_directory,
        environment,
    })
}

/// `COMPOSE_FILE`, split.
fn file_list(environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let separator =
        environment.get("COMPOSE_PATH_SEPARATOR").filter(|text| !text.is_empty()).map_or(":", String::as_str);
    let list = environment.get("COMPOSE_FILE").map(String::as_str).unwrap_or_default();
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

fn environment(
    options: &LoadOptions,
    directory: &Path,
    files: &dyn Files,
    report: &Report,
) -> Result<BTreeMap<String, String>, LoadError> {
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
    let mut variables = BTreeMap::new();
    for path in paths {
        let text = files.read(&path).map_err(|source| LoadError::Read { path: path.clone(), source })?;
        let lookup = |name: &str| process.get(name).cloned();
        match dotenv::parse(&text, &lookup, &|name| variables.get(name).cloned()) {
            Ok(assignments) => {
                variables.extend(assignments.into_iter().filter_map(|found| Some((found.name, found.value?))));
            }
            Err(error) => {
                let source = report.add_source(display_name(&path, &options.working_dir), text);
                report.error(Origin::new(source, error.range), DiagnosticKind::EnvFile(error.reason));
            }
        }
    }
    variables.extend(process.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(variables)
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
