//! The same containers by the runtime, as the supervisor asks for them.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use oci_spec::runtime::Spec;
use rcompose::name::ContainerId;
use rcompose::network;
use rcompose::runtime::log::Options;
use rcompose::runtime::{Config, ExecOptions, Handle, Rootfs, Seccomp, Shim, Signal, Stdin, Stdio, exec};
use rustix::thread::CapabilitySet;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::cable::Cable;
use crate::root::{self, Directories};

/// The limit of memory, in bytes.
pub(crate) const MEMORY: u64 = 256 << 20;
/// The limit of processes.
pub(crate) const PROCESSES: u32 = 100;

pub(crate) const CAPABILITIES: [CapabilitySet; 14] = [
    CapabilitySet::AUDIT_WRITE,
    CapabilitySet::CHOWN,
    CapabilitySet::DAC_OVERRIDE,
    CapabilitySet::FOWNER,
    CapabilitySet::FSETID,
    CapabilitySet::KILL,
    CapabilitySet::MKNOD,
    CapabilitySet::NET_BIND_SERVICE,
    CapabilitySet::NET_RAW,
    CapabilitySet::SETFCAP,
    CapabilitySet::SETGID,
    CapabilitySet::SETPCAP,
    CapabilitySet::SETUID,
    CapabilitySet::SYS_CHROOT,
];

/// Docker's defaults: what the runtime's tests use.
const DEFAULT: &str = include_str!("../../tests/runtime/default.json");

/// The masked paths of the containers.
pub(crate) fn masked() -> Vec<String> {
    paths("maskedPaths")
}

/// Their read-only paths.
pub(crate) fn readonly() -> Vec<String> {
    paths("readonlyPaths")
}

fn paths(key: &str) -> Vec<String> {
    let spec: serde_json::Value = serde_json::from_str(DEFAULT).unwrap();
    serde_json::from_value(spec["linux"][key].clone()).unwrap()
}

/// The directories of the cgroups that a process is in, of the hierarchies in which it is not in the root.
pub(crate) fn cgroups_of(pid: i32) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let directory = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let hierarchy = controllers.split(',').next().unwrap_or_default();
        path.contains("/rcompose")
            .then(|| Path::new("/sys/fs/cgroup").join(hierarchy).join(path.trim_start_matches('/')))
    };
    text.lines().filter_map(directory).collect()
}

/// Where our containers are made.
pub(crate) struct Ours {
    root: PathBuf,
    directories: Directories,
    runtime: Runtime,
}

/// A container that sleeps, to execute commands in.
pub(crate) struct Sleeper<'a> {
    ours: &'a Ours,
    config: Config,
    handle: Handle,
}

impl Ours {
    pub(crate) fn new(directory: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let directories = Directories::new(&directory.join("ours"), crate::CONTAINERS);
        Self { root: root::of(directory), directories, runtime }
    }

    /// Makes a container, runs `true` in it, and waits for its end.
    pub(crate) fn run(&self, cable: Option<Cable>) {
        self.runtime.block_on(async {
            let exit = self.start(&self.config(&["/bin/true"]), cable).await.exited().await.unwrap();
            assert_eq!(exit.code, 0);
        });
    }

    /// As many at once.
    pub(crate) fn burst(&self, count: usize) {
        let configs: Vec<_> = (0..count).map(|_| self.config(&["/bin/true"])).collect();
        let run = async |config| assert_eq!(self.start(config, None).await.exited().await.unwrap().code, 0);
        let local = tokio::task::LocalSet::new();
        let all = async {
            let mut shims: Vec<_> = configs.iter().map(|config| Box::pin(run(config))).collect();
            std::future::poll_fn(|context| {
                shims.retain_mut(|shim| shim.as_mut().poll(context).is_pending());
                if shims.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        };
        local.block_on(&self.runtime, all);
    }

    /// A container that runs until it is told to stop.
    pub(crate) fn sleeper(&self) -> Sleeper<'_> {
        let config = self.config(&["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait; done"]);
        let handle = self.runtime.block_on(self.start(&config, None));
        Sleeper { ours: self, config, handle }
    }

    /// Stops a container that obeys SIGTERM; returns the time from the signal to the exit record.
    pub(crate) fn stop(&self) -> Duration {
        let sleeper = self.sleeper();
        // PID 1 gets no signal that it has no handler for yet.
        while sleeper.handle.ignores(Signal::TERM).unwrap() {
            std::thread::yield_now();
        }
        let start = Instant::now();
        sleeper.handle.signal(Signal::TERM).unwrap();
        let exit = self.runtime.block_on(sleeper.handle.exited()).unwrap();
        assert_eq!(exit.code, 0);
        start.elapsed()
    }

    /// The proportional set size of a shim, in kB.
    pub(crate) fn shim_memory(&self) -> u64 {
        // The pages of the program are shared by all shims: one alone would bear them all.
        let sleepers: Vec<_> = (0..10).map(|_| self.sleeper()).collect();
        let sizes = sleepers.iter().map(|sleeper| {
            let status = std::fs::read(sleeper.config.directory.join("status.json")).unwrap();
            let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
            let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", status["shim"]["pid"])).unwrap();
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        });
        sizes.sum::<u64>() / 10
    }

    async fn start(&self, config: &Config, cable: Option<Cable>) -> Handle {
        let mut shim = Shim::spawn(config, &[]).unwrap();
        let init = shim.created().await.unwrap();
        if let Some(cable) = cable {
            let netns: OwnedFd = std::fs::File::open(format!("/proc/{}/ns/net", init.pid)).unwrap().into();
            network::attach(netns.as_fd(), &[cable.endpoint()]).unwrap();
        }
        shim.start().await.unwrap()
    }

    fn config(&self, arguments: &[&str]) -> Config {
        static CONTAINERS: AtomicU32 = AtomicU32::new(0);
        let number = CONTAINERS.fetch_add(1, Ordering::Relaxed);
        let directory = self.directories.next();
        let id = format!("{:064x}", u128::from(std::process::id()) << 32 | u128::from(number));
        Config {
            id: ContainerId::new(id).unwrap(),
            spec: spec(arguments),
            rootfs: Rootfs::Overlay {
                lower: vec![self.root.clone()],
                upper: directory.join("upper"),
                work: directory.join("work"),
                volatile: true,
                hide: Vec::new(),
            },
            log: directory.join("log"),
            directory,
            log_options: Options::default(),
            stdin: Stdin::Null,
            init: false,
            user: None,
            group_add: Vec::new(),
            seccomp: Seccomp::Default,
            external: None,
            guardian: None,
        }
    }
}

impl Sleeper<'_> {
    /// The process id of its init.
    pub(crate) fn pid(&self) -> i32 {
        self.handle.pid()
    }

    /// Runs `true` in it.
    pub(crate) fn exec(&self) {
        let mut process = serde_json::to_value(self.config.spec.process()).unwrap();
        process["args"] = json!(["/bin/true"]);
        let options = ExecOptions { process: serde_json::from_value(process).unwrap(), ..ExecOptions::default() };
        let null: OwnedFd = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap().into();
        let stdio = Stdio { stdin: null.as_fd(), stdout: null.as_fd(), stderr: null.as_fd() };
        let code = self
            .ours
            .runtime
            .block_on(async { exec(&self.config.directory, &options, stdio).await.unwrap().wait().await.unwrap() });
        assert_eq!(code, 0);
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        // Stopped already, perhaps.
        let _ = rcompose::runtime::delete(&self.config.directory);
    }
}

fn spec(arguments: &[&str]) -> Spec {
    let mut spec: serde_json::Value = serde_json::from_str(DEFAULT).unwrap();
    spec["process"]["args"] = json!(arguments);
    spec["linux"]["resources"] = json!({
        "memory": {"limit": MEMORY}, "cpu": {"quota": 100_000, "period": 100_000}, "pids": {"limit": PROCESSES},
    });
    serde_json::from_value(spec).unwrap()
}
