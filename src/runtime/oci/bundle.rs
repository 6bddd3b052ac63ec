//! A bundle: a directory with a `config.json` and, usually, the root file system it speaks of.

use std::io;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{Linux, Process, Spec};

use super::{Id, json};
use crate::runtime::cgroup;

const CONFIG: &str = "config.json";
/// More than any configuration has.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The directory or its file cannot be read.
    #[error("cannot read bundle `{}`", path.display())]
    Read {
        /// The directory or the file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no JSON, or a field has a value of the wrong kind.
    #[error("`{}`: {field}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where in it, as `linux.resources.memory`; `.` is the whole of it.
        field: String,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// A field has a value that is not allowed.
    #[error("`{}`: `{field}` {rule}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Its name, as `process.cwd`.
        field: &'static str,
        /// What is wrong with it.
        rule: String,
    },
}

impl BundleError {
    /// Where in the file it is.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Self::Read { .. } => None,
            Self::Syntax { field, .. } => Some(field),
            Self::Field { field, .. } => Some(field),
        }
    }
}

/// A part of the specification that the types do not have, and would not notice.
#[derive(serde::Deserialize)]
struct Unnoticed {
    freebsd: Option<serde::de::IgnoredAny>,
}

/// A configuration, checked, with absolute paths.
#[derive(Debug, Clone)]
pub(super) struct Bundle {
    /// Absolute, without symlinks.
    pub(super) directory: PathBuf,
    /// Absolute.
    pub(super) rootfs: PathBuf,
    pub(super) spec: Spec,
    /// Whether the configuration has a `process`; [`Self::spec`] has one in any case.
    pub(super) has_process: bool,
    /// What of the configuration is ignored.
    pub(super) warnings: Vec<String>,
}

impl Bundle {
    /// Reads the bundle in `directory` for the container `id`.
    pub(super) fn read(directory: &Path, id: &Id, systemd_cgroup: bool) -> Result<Self, BundleError> {
        let directory = std::path::absolute(directory)
            .and_then(fs_err::canonicalize)
            .map_err(|source| BundleError::Read { path: directory.to_owned(), source })?;
        let path = directory.join(CONFIG);
        let text = read(&path).map_err(|source| BundleError::Read { path: path.clone(), source })?;
        let (mut spec, warnings): (Spec, _) = json::parse_with_process(&path, &text, "/process")?;
        let unnoticed: Unnoticed = json::parse(&path, &text)?;
        if unnoticed.freebsd.is_some() {
            let rule = "is not supported: this is Linux".to_owned();
            return Err(BundleError::Field { path, field: "freebsd", rule });
        }
        let rootfs =
            check(&spec, &directory).map_err(|(field, rule)| BundleError::Field { path: path.clone(), field, rule })?;
        anchor_mounts(&mut spec, &directory);
        place_cgroup(&mut spec, id, systemd_cgroup).map_err(|(field, rule)| BundleError::Field {
            path,
            field,
            rule,
        })?;
        let has_process = spec.process().is_some();
        if !has_process {
            // Init prepares itself for a program that `start` will refuse to execute.
            spec.set_process(Some(Process::default()));
        }
        Ok(Self { directory, rootfs, spec, has_process, warnings })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut text = Vec::new();
    fs_err::File::open(path)?.take(LIMIT).read_to_end(&mut text)?;
    Ok(text)
}

type Broken = (&'static str, String);

/// The rules that types do not express. Returns the root file system.
fn check(spec: &Spec, directory: &Path) -> Result<PathBuf, Broken> {
    check_version(spec.version()).map_err(|rule| ("ociVersion", rule))?;
    if let Some(process) = spec.process() {
        check_process(process)?;
    }
    for mount in spec.mounts().iter().flatten() {
        if mount.destination().as_os_str().is_empty() {
            return Err(("mounts.destination", "is missing".to_owned()));
        }
    }
    let root = spec.root().as_ref().ok_or(("root", "is missing".to_owned()))?;
    if root.path().as_os_str().is_empty() {
        return Err(("root.path", "is missing".to_owned()));
    }
    let rootfs = directory.join(root.path());
    match fs_err::metadata(&rootfs) {
        Ok(metadata) if metadata.is_dir() => Ok(fs_err::canonicalize(&rootfs).unwrap_or(rootfs)),
        Ok(_) => Err(("root.path", format!("is no directory: {}", rootfs.display()))),
        Err(error) => Err(("root.path", format!("cannot be used: {error}"))),
    }
}

/// Any version 1, also one that is not final, as runc has it.
fn check_version(version: &str) -> Result<(), String> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<Option<u32>> = core.split('.').map(|number| number.parse().ok()).collect();
    match numbers.as_slice() {
        [Some(1), Some(_), Some(_)] => Ok(()),
        [Some(_), Some(_), Some(_)] => Err(format!("is {version}, but only versions 1.x are supported")),
        _ if version.is_empty() => Err("is missing".to_owned()),
        _ => Err(format!("is `{version}`, which is no version")),
    }
}

/// What holds for the process of a container and for that of an exec.
pub(super) fn check_process(process: &Process) -> Result<(), Broken> {
    if !process.cwd().is_absolute() {
        return Err(("process.cwd", "is not an absolute path".to_owned()));
    }
    if process.args().as_ref().is_none_or(|args| args.first().is_none_or(String::is_empty)) {
        return Err(("process.args", "has no program".to_owned()));
    }
    if let Some(variable) = process.env().iter().flatten().find(|variable| !variable.contains('=')) {
        return Err(("process.env", format!("has `{variable}`, which is not NAME=VALUE")));
    }
    let mut seen = Vec::new();
    for limit in process.rlimits().iter().flatten() {
        if seen.contains(&limit.typ()) {
            return Err(("process.rlimits", format!("has {} twice", limit.typ())));
        }
        seen.push(limit.typ());
    }
    Ok(())
}

/// Relative sources of bind mounts are relative to the bundle.
fn anchor_mounts(spec: &mut Spec, directory: &Path) {
    for mount in spec.mounts_mut().iter_mut().flatten() {
        let options = mount.options().iter().flatten();
        let is_bind = mount.typ().as_deref() == Some("bind")
            || options.into_iter().any(|option| option == "bind" || option == "rbind");
        if let Some(source) = mount.source().clone().filter(|source| is_bind && source.is_relative()) {
            mount.set_source(Some(directory.join(source)));
        }
    }
}

/// Says where the container's cgroup is, so that nothing later has to guess.
fn place_cgroup(spec: &mut Spec, id: &Id, systemd: bool) -> Result<(), Broken> {
    let mut linux = spec.linux().clone().unwrap_or_else(empty_linux);
    let path = match linux.cgroups_path().clone().filter(|path| !path.as_os_str().is_empty()) {
        Some(path) if systemd => scope(&path.to_string_lossy()).map_err(|rule| ("linux.cgroupsPath", rule))?,
        path => cgroup::place(path.as_deref(), id.as_str()),
    };
    linux.set_cgroups_path(Some(Path::new("/").join(path)));
    spec.set_linux(Some(linux));
    Ok(())
}

/// `Linux::default()` is a whole default configuration.
fn empty_linux() -> Linux {
    serde_json::from_str("{}").expect("every field is optional")
}

/// Where systemd has the cgroup of `SLICE:PREFIX:NAME`: `a-b.slice` is inside `a.slice`, the scope is `PREFIX-NAME`.
fn scope(path: &str) -> Result<PathBuf, String> {
    let parts: Vec<&str> = path.split(':').collect();
    let [slice, prefix, name] = parts[..] else {
        return Err(format!("is `{path}`, but with systemd cgroups it is SLICE:PREFIX:NAME"));
    };
    let slice = if slice.is_empty() { "system.slice" } else { slice };
    let stem = slice.strip_suffix(".slice").filter(|stem| !stem.contains('/') && !stem.starts_with('-'));
    let stem = stem.ok_or_else(|| format!("has the slice `{slice}`, which is no name of a slice"))?;
    let mut result = PathBuf::new();
    if !stem.is_empty() {
        let dashes = stem.match_indices('-').map(|(index, _)| index).chain([stem.len()]);
        for end in dashes {
            result.push(format!("{}.slice", &stem[..end]));
        }
    }
    let unit = if name.ends_with(".slice") { name.to_owned() } else { format!("{prefix}-{name}.scope") };
    if unit.contains('/') {
        return Err(format!("has the unit `{unit}`, which is no name of a unit"));
    }
    Ok(result.join(unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a `config.json`; empty if nothing is.
    fn check(config: &str) -> String {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("rootfs")).unwrap();
        fs_err::write(directory.path().join(CONFIG), config).unwrap();
        match Bundle::read(directory.path(), &Id::new("x").unwrap(), false) {
            Ok(_) => String::new(),
            Err(error) => {
                let text = crate::runtime::init::text(&error);
                text.replace(directory.path().to_str().unwrap(), "BUNDLE")
            }
        }
    }

    #[test]
    fn mistakes_are_named_by_field() {
        let table = [
            (r#"{"ociVersion": "1.0.2", "root": {"path": "rootfs"}}"#, ""),
            (r#"{"ociVersion": "1.2.1-dev", "root": {"path": "rootfs"}, "whatever": {"x": 1}}"#, ""),
            ("{", "`BUNDLE/config.json`: .: EOF while parsing an object at line 1 column 1"),
            (r#"{"ociVersion": "1.0.2"} x"#, "`BUNDLE/config.json`: .: trailing characters at line 1 column 25"),
            (
                "{\"ociVersion\": \"1.0.2\",\n \"linux\": {\"resources\": {\"memory\": {\"limit\": \"1g\"}}}}",
                "`BUNDLE/config.json`: linux.resources.memory.limit: invalid type: string \"1g\", expected i64 at line 2 column 49",
            ),
            (r#"{"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "freebsd": null}"#, ""),
            (
                r#"{"ociVersion": "1.3.0", "root": {"path": "rootfs"}, "freebsd": {"jail": {}}}"#,
                "`BUNDLE/config.json`: `freebsd` is not supported: this is Linux",
            ),
            (r#"{"root": {"path": "rootfs"}}"#, "`BUNDLE/config.json`: `ociVersion` is missing"),
            (
                r#"{"ociVersion": "2.0.0", "root": {"path": "rootfs"}}"#,
                "`BUNDLE/config.json`: `ociVersion` is 2.0.0, but only versions 1.x are supported",
            ),
            (
                r#"{"ociVersion": "one", "root": {"path": "rootfs"}}"#,
                "`BUNDLE/config.json`: `ociVersion` is `one`, which is no version",
            ),
            (r#"{"ociVersion": "1.0.0"}"#, "`BUNDLE/config.json`: `root` is missing"),
            (
                r#"{"ociVersion": "1.0.0", "root": {"path": "rootfs"}, "process": {"cwd": "x", "args": ["a"], "user": {"uid": 0, "gid": 0}}}"#,
                "`BUNDLE/config.json`: `process.cwd` is not an absolute path",
            ),
            (
                r#"{"ociVersion": "1.0.0", "root": {"path": "rootfs"}, "process": {"cwd": "/", "args": [], "user": {"uid": 0, "gid": 0}}}"#,
                "`BUNDLE/config.json`: `process.args` has no program",
            ),
        ];
        for (config, expected) in table {
            assert_eq!(check(config), expected, "{config}");
        }
    }

    #[test]
    fn systemd_scopes() {
        for (path, expected) in [
            ("system.slice:runc:434234", "system.slice/runc-434234.scope"),
            (":docker:abc", "system.slice/docker-abc.scope"),
            ("user-1000.slice:libpod:x", "user.slice/user-1000.slice/libpod-x.scope"),
            ("a-b-c.slice::d-e.slice", "a.slice/a-b.slice/a-b-c.slice/d-e.slice"),
        ] {
            assert_eq!(scope(path).unwrap(), Path::new(expected), "{path}");
        }
        for path in ["/a/b", "a:b", "x:y:z", "../x.slice:a:b", "a.slice:..:/b"] {
            assert!(scope(path).is_err(), "{path}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_bundle() {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir(directory.path().join("rootfs")).unwrap();
        let config = r#"{"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "mounts": [
            {"destination": "/a", "source": "x/y", "options": ["rbind", "ro"]},
            {"destination": "/b", "source": "z", "type": "bind"},
            {"destination": "/c", "source": "tmpfs", "type": "tmpfs"}]}"#;
        fs_err::write(directory.path().join(CONFIG), config).unwrap();
        let bundle = Bundle::read(directory.path(), &Id::new("x").unwrap(), false).unwrap();
        let base = fs_err::canonicalize(directory.path()).unwrap();
        assert_eq!(bundle.rootfs, base.join("rootfs"));
        let sources: Vec<_> =
            bundle.spec.mounts().iter().flatten().map(|mount| mount.source().clone().unwrap()).collect();
        assert_eq!(sources, [base.join("x/y"), base.join("z"), "tmpfs".into()]);
        assert_eq!(
            bundle.spec.linux().as_ref().unwrap().cgroups_path(),
            &Some(Path::new("/").join(cgroup::place(None, "x")))
        );
    }
}
