//! Who builds: each by its own command, with its own store.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::project::Project;

/// One that builds.
pub(crate) struct Builder {
    pub(crate) name: &'static str,
    kind: Kind,
    /// Where it keeps what it makes.
    store: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rcompose,
    Docker,
    Buildah,
}

/// The others that are on this machine.
pub(crate) fn peers(directory: &Path) -> Vec<Builder> {
    let mut peers = Vec::new();
    if works(Command::new("docker").args(["buildx", "ls"])) {
        peers.push(Builder { name: "docker build", kind: Kind::Docker, store: directory.join("docker") });
    }
    if works(Command::new("buildah").arg("--version")) {
        peers.push(Builder { name: "buildah build", kind: Kind::Buildah, store: directory.join("buildah") });
    }
    peers
}

fn works(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

impl Builder {
    pub(crate) fn ours(directory: &Path) -> Self {
        Self { name: "rcompose", kind: Kind::Rcompose, store: directory.join("rcompose") }
    }

    /// Builds, or fails the bench; `fresh` is without the cache.
    pub(crate) fn build(&self, project: &Project, fresh: bool) -> Duration {
        let (context, tag) = (project.context(), format!("rcompose-bench-{}", project.name()));
        let mut command = match self.kind {
            Kind::Rcompose => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
                command.env("RCOMPOSE_ROOT", self.store.join("root")).env("RCOMPOSE_RUN", self.store.join("run"));
                command.arg("-f").arg(context.join("compose.yaml")).args(["build", "-q"]);
                command
            }
            Kind::Docker => {
                let mut command = Command::new("docker");
                command.args(["build", "-q", "-t", &tag]).env("DOCKER_BUILDKIT", "1");
                command
            }
            Kind::Buildah => {
                let mut command = self.buildah("build");
                command.args(["-q", "--layers", "--isolation", "chroot", "-t", &tag]);
                command
            }
        };
        if fresh {
            command.arg("--no-cache");
        }
        if self.kind != Kind::Rcompose {
            command.arg(context);
        }
        let start = Instant::now();
        let output = command.stdin(Stdio::null()).output().unwrap();
        let elapsed = start.elapsed();
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        elapsed
    }

    /// Removes what it has made; what is in the bench's directory goes with that.
    pub(crate) fn clean(&self) {
        match self.kind {
            Kind::Rcompose => {}
            Kind::Docker => {
                for project in ["files", "stages", "programs", "large"] {
                    works(Command::new("docker").args(["image", "rm", &format!("rcompose-bench-{project}")]));
                }
            }
            Kind::Buildah => {
                works(self.buildah("rmi").args(["--all", "--force"]));
            }
        }
    }

    fn buildah(&self, verb: &str) -> Command {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(self.store.join("root")).arg("--runroot").arg(self.store.join("run"));
        command.args(["--storage-driver", "overlay", verb]);
        command
    }
}
