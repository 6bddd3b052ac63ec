//! What the tests share: a fake host, and containers on it.

use std::cell::RefCell;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::MsFlags;
use nix::sched::CloneFlags;
use oci_spec::runtime::{Capability, LinuxNamespaceType, Spec};
use rcompose::name::ContainerId;
use rcompose::runtime::log::{Options, Reader, Record, Stream};
use rcompose::runtime::{Config, ExitStatus, Handle, Rootfs, RuntimeError, Seccomp, Shim, Stdin, delete};
use serde_json::json;

/// A directory for one test's containers.
pub(crate) struct Host {
    pub(crate) directory: tempfile::TempDir,
    configs: RefCell<Vec<Config>>,
}

impl Host {
    pub(crate) fn new() -> Self {
        rcompose::runtime::run_roles_with(Path::new(env!("CARGO_BIN_EXE_rcompose"))).unwrap();
        // Of this thread, that is of this test, and of what it starts.
        nix::sched::unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
        nix::mount::mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
            .unwrap();
        Self { directory: tempfile::tempdir().unwrap(), configs: RefCell::new(Vec::new()) }
    }

    /// A container that runs `arguments`, with Docker's defaults.
    pub(crate) fn config(&self, arguments: &[&str]) -> Config {
        static CONTAINERS: AtomicU32 = AtomicU32::new(0);
        let number = CONTAINERS.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.path().join(format!("run{number}"));
        for name in ["", "upper", "work"] {
            fs_err::create_dir(directory.join(name)).unwrap();
        }
        let id = format!("{:064x}", u128::from(std::process::id()) << 32 | u128::from(number));
        let config = Config {
            id: ContainerId::new(id).unwrap(),
            spec: spec(arguments),
            rootfs: Rootfs::Overlay {
                lower: vec!["/".into()],
                upper: directory.join("upper"),
                work: directory.join("work"),
                volatile: true,
                hide: vec![self.directory.path().to_owned()],
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
        };
        self.configs.borrow_mut().push(config.clone());
        config
    }

    /// Runs a shell script to its end with Docker's defaults, changed by `change`.
    pub(crate) fn sh_with(&self, script: &str, change: impl FnOnce(&mut Config)) -> Outcome {
        let mut config = self.config(&["sh", "-c", script]);
        change(&mut config);
        run(&config)
    }

    /// Runs a shell script to its end.
    pub(crate) fn sh(&self, script: &str) -> Outcome {
        self.sh_with(script, |_| {})
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let configs = std::mem::take(&mut *self.configs.borrow_mut());
        for config in &configs {
            // A test that fails leaves what it has started.
            let result = delete(&config.directory);
            assert!(result.is_ok() || std::thread::panicking(), "{result:?}");
        }
        for controller in ["memory", "cpu", "cpuacct", "pids", "devices", "cpuset", "blkio", "freezer", ""] {
            for config in &configs {
                let directory = Path::new("/sys/fs/cgroup").join(controller).join("rcompose").join(config.id.as_str());
                assert!(!directory.exists() || std::thread::panicking(), "{} is left", directory.display());
            }
        }
    }
}

/// How a container ended, and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) exit: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) warnings: Vec<String>,
}

impl Outcome {
    /// What it wrote to standard output, given that it succeeded.
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.exit.code, 0, "{self:?}");
        self.stdout.trim_end()
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) async fn start(config: &Config) -> Result<(Handle, Vec<String>), RuntimeError> {
    let mut shim = Shim::spawn(config, &[])?;
    let init = shim.created().await?;
    Ok((shim.start().await?, init.warnings))
}

/// The process that watches over a container.
pub(crate) fn shim_pid(config: &Config) -> i32 {
    let status = fs_err::read(config.directory.join("status.json")).unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status).unwrap();
    i32::try_from(status["shim"]["pid"].as_i64().unwrap()).unwrap()
}

pub(crate) fn try_run(config: &Config) -> Result<Outcome, RuntimeError> {
    block_on(async {
        let (handle, warnings) = start(config).await?;
        let exit = handle.exited().await?;
        let (stdout, stderr) = (said(&config.log, Stream::Stdout), said(&config.log, Stream::Stderr));
        Ok(Outcome { exit, stdout, stderr, warnings })
    })
}

pub(crate) fn run(config: &Config) -> Outcome {
    try_run(config).unwrap()
}

/// Code and text of the error that a container fails with.
pub(crate) fn failure(config: &Config) -> (u8, String) {
    match try_run(config) {
        Err(RuntimeError::Container { code, error }) => (code, error),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn records(log: &Path) -> Vec<Record> {
    Reader::open(log).unwrap().map(Result::unwrap).collect()
}

fn said(log: &Path, stream: Stream) -> String {
    records(log).into_iter().filter(|record| record.stream == stream).map(|record| record.line).collect()
}

/// Adds a mount to a configuration.
pub(crate) fn mount(config: &mut Config, mount: serde_json::Value) {
    config.spec.mounts_mut().as_mut().unwrap().push(serde_json::from_value(mount).unwrap());
}

pub(crate) fn share(config: &mut Config, kind: LinuxNamespaceType) {
    let linux = config.spec.linux_mut().as_mut().unwrap();
    linux.namespaces_mut().as_mut().unwrap().retain(|namespace| namespace.typ() != kind);
}

pub(crate) fn capabilities(config: &mut Config, wanted: &[Capability]) {
    let sets = json!({"bounding": wanted, "effective": wanted, "permitted": wanted});
    let process = config.spec.process_mut().as_mut().unwrap();
    process.set_capabilities(Some(serde_json::from_value(sets).unwrap()));
}

/// What the supervisor asks for when nothing is configured: Docker's defaults.
fn spec(arguments: &[&str]) -> Spec {
    static DEFAULT: OnceLock<serde_json::Value> = OnceLock::new();
    let mut spec = DEFAULT.get_or_init(|| serde_json::from_str(include_str!("default.json")).unwrap()).clone();
    spec["process"]["args"] = json!(arguments);
    serde_json::from_value(spec).unwrap()
}
