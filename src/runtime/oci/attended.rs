//! The hooks of a container that a shim stays with, which has them from its devices: at the same points of its life, and with
//! a bundle to look into, as if it had been made on the command line.

use std::path::PathBuf;

use oci_spec::runtime::{Hooks, Spec};

use super::hook::{self, HookError, Point};
use super::state::{HookState, Status};
use crate::runtime::channel::{Channel, Message};
use crate::runtime::record;
use crate::runtime::{Config, RuntimeError};
use crate::sys::process;

/// A container with hooks.
#[derive(Debug, Clone, Copy)]
pub(in crate::runtime) struct Attended<'a> {
    config: &'a Config,
    hooks: &'a Hooks,
}

impl<'a> Attended<'a> {
    /// `None` for a container without hooks, and for one whose own runtime runs them.
    pub(in crate::runtime) fn of(config: &'a Config) -> Option<Self> {
        let hooks = config.spec.hooks().as_ref().filter(|_| config.external.is_none())?;
        Some(Self { config, hooks })
    }

    /// By the shim, when init asks for it: makes the bundle, and runs the hooks of the runtime's namespaces.
    pub(in crate::runtime) fn of_runtime(self, init: i32) -> Result<(), RuntimeError> {
        let bundle = self.bundle();
        fs_err::create_dir_all(&bundle).map_err(|source| RuntimeError::Record {
            action: "make",
            path: bundle.clone(),
            source,
        })?;
        record::write(&bundle, record::CONFIG, &self.spec())?;
        for point in [Point::Prestart, Point::CreateRuntime] {
            self.run(point, Status::Created, Some(init)).map_err(Box::new)?;
        }
        Ok(())
    }

    /// By init, when all is mounted and the host's file tree is still there: first those of the runtime's namespaces, by the
    /// shim, then those of the container's.
    pub(in crate::runtime) fn before_pivot(self, shim: &Channel) -> Result<(), HookError> {
        let asked = shim.send(&Message::Hooks, &[]).and_then(|()| shim.receive());
        if !matches!(asked, Ok(Some((Message::Start, _)))) {
            // The shim knows why, or is gone.
            process::end(1);
        }
        let state = self.state(Status::Created, Some(std::process::id().cast_signed()));
        hook::run(Point::CreateContainer, Some(self.hooks), &state, None)
    }

    /// By the process that is about to execute the program, with its rights and its `environment`.
    pub(in crate::runtime) fn before_exec(self, environment: &[String]) -> Result<(), HookError> {
        let state = self.state(Status::Created, Some(std::process::id().cast_signed()));
        hook::run_as_program(Some(self.hooks), &state, environment)
    }

    /// By the shim, when the program has been executed.
    pub(in crate::runtime) fn after_start(self, init: i32) -> Result<(), HookError> {
        self.run(Point::Poststart, Status::Running, Some(init))
    }

    /// By the shim, when nothing is left of the container but its files. Nobody waits for it who could be told of a failure.
    pub(in crate::runtime) fn after_end(self) {
        let state = self.state(Status::Stopped, None);
        hook::run_each(Point::Poststop, Some(self.hooks), &state, Some(&self.bundle())).into_iter().for_each(drop);
    }

    fn run(self, point: Point, status: Status, init: Option<i32>) -> Result<(), HookError> {
        hook::run(point, Some(self.hooks), &self.state(status, init), Some(&self.bundle()))
    }

    fn state(self, status: Status, pid: Option<i32>) -> String {
        HookState::of(&self.config.spec, self.config.id.as_str(), self.bundle(), status, pid).json()
    }

    /// Where its configuration is for those who know it by its bundle.
    fn bundle(self) -> PathBuf {
        self.config.directory.join("bundle")
    }

    /// The configuration, with the place of the root in the container's mount namespace.
    fn spec(self) -> Spec {
        let mut spec = self.config.spec.clone();
        let mut root = spec.root().clone().unwrap_or_default();
        root.set_path(self.config.mountpoint());
        spec.set_root(Some(root));
        spec
    }
}
