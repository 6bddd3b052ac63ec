//! What the tests share: a machine with a store, and commands that run on it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::mount::MsFlags;
use nix::sched::CloneFlags;
use rcompose::build::layer::{Sealed, Workspace};
use rcompose::build::run::{Cancel, Limits, Network, Run, RunError, Security, Site, run};
use rcompose::image::Store;
use rcompose::runtime::files::InPlace;
use rcompose::runtime::log::Stream;

use crate::patience::patient;

/// The directories of one test. Dropping it fails the test for everything that is left.
pub(crate) struct Machine {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) store: Store,
    /// The containers that were seen.
    containers: RefCell<BTreeSet<String>>,
}

/// What a command wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Vec<String>, RunError>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

impl Outcome {
    /// What it wrote to standard output, given that it succeeded.
    pub(crate) fn text(&self) -> String {
        assert!(self.result.is_ok(), "{self:?}");
        self.stdout.join("\n")
    }

    pub(crate) fn error(self) -> RunError {
        self.result.unwrap_err()
    }
}

/// Moves the test to namespaces of its own.
fn isolate() {
    rcompose::runtime::run_roles_with(Path::new(env!("CARGO_BIN_EXE_rcompose"))).unwrap();
    // Of this thread, that is of this test, and of what it starts.
    nix::sched::unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
    nix::mount::mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
}

impl Machine {
    /// One whose store is on a file system of its own: fast, and not below the layer `/`.
    pub(crate) fn new() -> Self {
        isolate();
        let mut machine = Self::on_disk_of_host();
        let images = machine.directory.path().join("images");
        nix::mount::mount(Some("tmpfs"), &images, Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
        machine.store = Store::open(&images).unwrap();
        machine
    }

    /// One whose store is below `/`, as that of most machines.
    pub(crate) fn below_root() -> Self {
        isolate();
        Self::on_disk_of_host()
    }

    /// One in the namespaces of this process.
    pub(crate) fn on_disk_of_host() -> Self {
        let directory = tempfile::Builder::new().prefix("rcompose-build-").tempdir_in("/var/tmp").unwrap();
        let store = Store::open(&directory.path().join("images")).unwrap();
        Self { directory, store, containers: RefCell::default() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A layer over `/`.
    pub(crate) fn workspace(&self) -> Workspace {
        self.workspace_over(&["/".into()])
    }

    pub(crate) fn workspace_over(&self, layers: &[PathBuf]) -> Workspace {
        Workspace::over(layers, &self.store).unwrap()
    }

    pub(crate) fn seal(&self, workspace: Workspace) -> Sealed {
        workspace.seal(&self.store, None, &mut InPlace).unwrap()
    }

    /// A shell script with the defaults.
    pub(crate) fn request(&self, script: &str) -> Run<'static> {
        Run {
            args: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()],
            cwd: "/".into(),
            user: String::new(),
            hostname: None,
            network: Network::None,
            security: Security::Sandbox,
            mounts: Vec::new(),
            secrets: BTreeMap::new(),
            devices: Vec::new(),
            agents: BTreeMap::new(),
            limits: Limits::default(),
            extra_hosts: Vec::new(),
            hide: vec![self.directory.path().to_owned()],
        }
    }

    pub(crate) fn run(&self, request: &Run<'_>, workspace: &mut Workspace) -> Outcome {
        self.run_until(request, workspace, &Cancel::new().unwrap(), |_| {})
    }

    /// As [`Self::run`], and calls `heard` with each line.
    pub(crate) fn run_until(
        &self,
        request: &Run<'_>,
        workspace: &mut Workspace,
        cancel: &Cancel,
        mut heard: impl FnMut(&str),
    ) -> Outcome {
        let (runs, caches) = (self.path("run"), self.path("caches"));
        let site = Site { store: &self.store, run: &runs, caches: &caches };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut sink = |stream, line: &[u8]| {
            let line = String::from_utf8_lossy(line).into_owned();
            self.containers.borrow_mut().extend(names(&runs));
            heard(&line);
            match stream {
                Stream::Stdout => stdout.push(line),
                Stream::Stderr => stderr.push(line),
            }
        };
        let result = run(request, &site, workspace, &mut sink, cancel);
        Outcome { result, stdout, stderr }
    }

    /// Runs a shell script over `/`, changed by `change`.
    pub(crate) fn sh_with(&self, script: &str, change: impl FnOnce(&mut Run<'static>)) -> Outcome {
        let mut request = self.request(script);
        change(&mut request);
        self.run(&request, &mut self.workspace())
    }

    pub(crate) fn sh(&self, script: &str) -> Outcome {
        self.sh_with(script, |_| {})
    }

    /// What is left of containers.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let mut left = names(&self.path("run"));
        left.extend(names(&self.path("images/staging")));
        left.extend(self.cgroups().iter().map(|cgroup| cgroup.display().to_string()));
        let here = self.directory.path().to_str().unwrap();
        let own = self.path("images");
        let mounts = fs_err::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let mounts = mounts.lines().filter(|line| line.contains(here) && !line.contains(own.to_str().unwrap()));
        left.extend(mounts.map(str::to_owned));
        left
    }

    /// Removes the cgroups of containers that nobody else can remove any more; false while processes are in them.
    pub(crate) fn remove_cgroups(&self) -> bool {
        for cgroup in self.cgroups() {
            let _ = std::fs::remove_dir(cgroup);
        }
        self.cgroups().is_empty()
    }

    fn cgroups(&self) -> Vec<PathBuf> {
        self.containers.borrow().iter().flat_map(|id| cgroups(id)).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.leaks(), [""; 0]);
        }
        let images = self.path("images");
        // Only where it is a file system of its own.
        let _ = nix::mount::umount2(&images, nix::mount::MntFlags::MNT_DETACH);
    }
}

/// The names in a directory, if it is there.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The paths in a tree, sorted.
pub(crate) fn tree(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(at) = left.pop() {
        for entry in fs_err::read_dir(&at).unwrap() {
            let entry = entry.unwrap();
            found.push(entry.path().strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// The cgroups of a container.
pub(crate) fn cgroups(id: &str) -> Vec<PathBuf> {
    let of = |controller: &str| Path::new("/sys/fs/cgroup").join(controller).join("rcompose").join(id);
    let hierarchies = ["memory", "cpu", "cpuacct", "pids", "devices", "cpuset", "blkio", "freezer", ""];
    hierarchies.map(of).into_iter().filter(|cgroup| cgroup.exists()).collect()
}

/// Waits until `condition` holds.
pub(crate) fn wait_for(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + patient(Duration::from_secs(20));
    while !condition() {
        assert!(Instant::now() < deadline, "it does not come to be");
        std::thread::sleep(Duration::from_millis(10));
    }
}
