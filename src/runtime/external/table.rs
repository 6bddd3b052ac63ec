//! `config.toml`: which programs the names of runtimes stand for, as in Docker's `daemon.json`.
//!
//! ```toml
//! [runtime.gvisor]                         # runtime: gvisor
//! path = "/opt/gvisor/runsc"               # or a name, to be found on PATH
//! args = ["--platform=systrap"]            # before its verb
//! ```

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ExternalRuntime;

/// Where programs are, whatever PATH says: that of a user may lack the directories of the superuser.
const SYSTEM: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// What Docker calls its default, and what rcompose's own runtime stands in for.
const DEFAULT: &str = "runc";

/// The runtimes of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtimes {
    named: BTreeMap<String, ExternalRuntime>,
    path: Vec<PathBuf>,
}

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A program.
    Program(ExternalRuntime),
    /// Docker's default, which is not installed: our own runtime does the same.
    Own,
    /// Nothing, and why.
    Nothing(String),
}

impl Runtimes {
    /// Reads the text of `config.toml`; programs without a directory are looked up in `path`.
    ///
    /// # Errors
    /// What is wrong with it, with its line.
    pub fn parse(text: &str, path: Option<&OsStr>) -> Result<Self, toml::de::Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            runtime: BTreeMap<String, Entry>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct Entry {
            path: PathBuf,
            #[serde(default)]
            args: Vec<String>,
        }
        let Document { runtime } = toml::from_str(text)?;
        let entry = |(name, Entry { path, args })| (name, ExternalRuntime { path, args });
        let path = path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
        Ok(Self { named: runtime.into_iter().map(entry).collect(), path })
    }

    /// What `runtime: NAME` means.
    #[must_use]
    pub fn find(&self, name: &str) -> Found {
        if let Some(named) = self.named.get(name) {
            let nothing = || Found::Nothing(format!("`{}` is no program", named.path.display()));
            return self.program(&named.path, &named.args).map_or_else(nothing, Found::Program);
        }
        // As containerd names its shims: io.containerd.runc.v2.
        let short = name.strip_prefix("io.containerd.").and_then(|name| name.rsplit_once(".v"));
        let short = short.map_or(name, |(short, _)| short);
        match self.program(Path::new(short), &[]) {
            Some(program) => Found::Program(program),
            None if short == DEFAULT => Found::Own,
            None => Found::Nothing(self.nothing(short)),
        }
    }

    fn nothing(&self, name: &str) -> String {
        if name.contains('/') {
            return "there is no such program".to_owned();
        }
        let known: Vec<&str> = self.named.keys().map(String::as_str).collect();
        let known = if known.is_empty() { String::new() } else { format!(" (there is {})", known.join(", ")) };
        format!(
            "there is no program `{name}` on PATH, and no `[runtime.{name}]` in config.toml{known}: install it, or say \
             there where it is"
        )
    }

    fn program(&self, program: &Path, args: &[String]) -> Option<ExternalRuntime> {
        let found = |path: PathBuf| ExternalRuntime { path, args: args.to_vec() };
        if program.is_absolute() {
            return is_program(program).then(|| found(program.to_owned()));
        }
        // A name, not a path that begins wherever somebody happens to be.
        if program.components().count() != 1 {
            return None;
        }
        let system = SYSTEM.iter().map(Path::new);
        let directories = self.path.iter().map(PathBuf::as_path).filter(|path| path.is_absolute()).chain(system);
        directories.map(|directory| directory.join(program)).find(|path| is_program(path)).map(found)
    }
}

fn is_program(path: &Path) -> bool {
    fs_err::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["runsc-of-test", "other-of-test", "plain"] {
            let mode = if name == "plain" { 0o644 } else { 0o755 };
            let path = directory.path().join(name);
            fs_err::write(&path, "").unwrap();
            fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let here = |name: &str| directory.path().join(name);
        let text = "idle-timeout = 5\n[runtime.safe]\npath = \"runsc-of-test\"\nargs = [\"--debug\"]\n\
                    [runtime.gone]\npath = \"/nowhere/runsc\"\n";
        let runtimes = Runtimes::parse(text, Some(directory.path().as_os_str())).unwrap();
        let program = |name: &str, args: &[&str]| {
            let args = args.iter().map(|text| (*text).to_owned()).collect();
            Found::Program(ExternalRuntime { path: here(name), args })
        };
        assert_eq!(runtimes.find("other-of-test"), program("other-of-test", &[]));
        assert_eq!(runtimes.find("io.containerd.other-of-test.v1"), program("other-of-test", &[]));
        assert_eq!(runtimes.find(here("other-of-test").to_str().unwrap()), program("other-of-test", &[]));
        assert_eq!(runtimes.find("safe"), program("runsc-of-test", &["--debug"]));
        assert_eq!(runtimes.find("gone"), Found::Nothing("`/nowhere/runsc` is no program".to_owned()));
        for name in ["plain", "./other-of-test", "../x", "none-of-test", "", "/nowhere/x"] {
            assert!(matches!(runtimes.find(name), Found::Nothing(_)), "{name}");
        }
        let Found::Nothing(reason) = runtimes.find("none-of-test") else { unreachable!() };
        insta::assert_snapshot!(reason, @"there is no program `none-of-test` on PATH, and no `[runtime.none-of-test]` in config.toml (there is gone, safe): install it, or say there where it is");
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = |text: &str| Runtimes::parse(text, None).unwrap_err().to_string();
        assert!(mistake("[runtime.a]\nargs = []").contains("missing field `path`"));
        assert!(mistake("[runtime.a]\npath = \"x\"\narg = []").contains("unknown field `arg`"));
    }
}
