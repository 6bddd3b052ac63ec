//! A stack of a sandbox, driven through the command line.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{Background, Outcome, Sandbox, eventually};

/// A project of a [`Sandbox`] with its Compose files.
#[derive(Debug)]
pub(crate) struct Stack<'a> {
    sandbox: &'a Sandbox,
    name: String,
    file: PathBuf,
    selection: Vec<String>,
}

/// A container as `ps --format json` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Container {
    /// Its id, at least its first 12 digits.
    pub(crate) id: String,
    /// Its service.
    pub(crate) service: String,
    /// `running`, `exited`, ….
    pub(crate) state: String,
    /// `healthy`, `starting`, …, or nothing.
    pub(crate) health: String,
    /// Its exit code; 0 while it runs.
    pub(crate) exit_code: i64,
}

impl<'a> Stack<'a> {
    /// `file` is its first Compose file, `selection` the arguments that choose the stack.
    pub(crate) fn new(sandbox: &'a Sandbox, name: &str, file: PathBuf, selection: Vec<String>) -> Self {
        Self { sandbox, name: name.to_owned(), file, selection }
    }

    /// Its first Compose file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Replaces the text of its first Compose file.
    pub(crate) fn rewrite(&self, compose: &str) {
        fs_err::write(&self.file, compose).unwrap();
    }

    /// Runs `rcompose -p … -f … ARGUMENTS` to its end.
    #[track_caller]
    pub(crate) fn rcompose(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        let mut command = self.sandbox.command();
        command.args(&self.selection).args(arguments);
        self.sandbox.run(command)
    }

    /// Runs `ARGUMENTS` as [`Self::rcompose`] does, and goes on meanwhile.
    pub(crate) fn spawn(&self, arguments: &[impl AsRef<OsStr>]) -> Background {
        let mut command = self.sandbox.command();
        command.args(&self.selection).args(arguments);
        Background::spawn(command)
    }

    /// Its containers, the ended ones too, by service.
    #[track_caller]
    pub(crate) fn containers(&self) -> Vec<Container> {
        let output = self.rcompose(&["ps", "-a", "--format", "json"]).succeeds().stdout;
        let mut containers: Vec<_> = output
            .lines()
            .map(|line| {
                let value: Value = serde_json::from_str(line).unwrap();
                let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
                Container {
                    id: text("ID"),
                    service: text("Service"),
                    state: text("State"),
                    health: text("Health"),
                    exit_code: value["ExitCode"].as_i64().unwrap_or_default(),
                }
            })
            .collect();
        containers.sort_by(|a, b| a.service.cmp(&b.service));
        containers
    }

    /// The one container of `service`.
    #[track_caller]
    pub(crate) fn container(&self, service: &str) -> Container {
        let mut containers = self.containers();
        containers.retain(|container| container.service == service);
        assert_eq!(containers.len(), 1, "containers of `{service}`: {containers:?}");
        containers.remove(0)
    }

    /// Waits until the log of `service` holds `text`, and returns the log.
    #[track_caller]
    pub(crate) fn logs_show(&self, service: &str, text: &str) -> String {
        eventually(&format!("`{text}` in the log of `{service}`"), Duration::from_secs(20), || {
            Some(self.rcompose(&["logs", "--no-log-prefix", service]).stdout).filter(|log| log.contains(text))
        })
    }

    /// The process id of its supervisor.
    pub(crate) fn supervisor(&self) -> Option<i32> {
        let file = self.sandbox.path().join("run").join(&self.name).join("supervisor.pid");
        fs_err::read_to_string(file).ok()?.trim().parse().ok()
    }
}
