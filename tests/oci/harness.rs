//! What the tests share: a bundle that shows the host's own files, and the commands on it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::patience::patient;

/// A bundle and a state directory of one test.
pub(crate) struct Lab {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) config: Value,
    id: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// What it printed, given that it succeeded.
    pub(crate) fn text(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout.trim_end()
    }

    /// The message of the error it failed with.
    pub(crate) fn error(&self) -> String {
        assert_ne!(self.code, 0, "{self:?}");
        let line = self.stderr.lines().last().unwrap_or_default();
        let message = line.split_once("level=error msg=").unwrap_or_else(|| panic!("{self:?}")).1;
        serde_json::from_str(message).unwrap()
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().or(output.status.signal().map(|signal| 128 + signal)).unwrap();
        Self { code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl Lab {
    /// A container that runs a shell script on the host's `/bin`, `/usr` and `/lib*`, with runc's defaults.
    pub(crate) fn new(script: &str) -> Self {
        rustix::process::set_child_subreaper(rustix::process::Pid::from_raw(1)).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let rootfs = directory.path().join("bundle/rootfs");
        fs_err::create_dir_all(rootfs.join("tmp")).unwrap();
        fs_err::create_dir_all(rootfs.join("usr")).unwrap();
        for name in ["bin", "lib", "lib64", "sbin"] {
            std::os::unix::fs::symlink(format!("usr/{name}"), rootfs.join(name)).unwrap();
        }
        let mut config: Value = serde_json::from_str(include_str!("config.json")).unwrap();
        config["process"]["args"] = json!(["sh", "-c", script]);
        let id = directory.path().file_name().unwrap().to_str().unwrap().replace(".tmp", "oci-test-");
        Self { directory, config, id }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bundle(&self) -> PathBuf {
        self.directory.path().join("bundle")
    }

    /// A path in the container's root, as it is on the host.
    pub(crate) fn inside(&self, path: &str) -> PathBuf {
        self.bundle().join("rootfs").join(path)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// `rcompose oci --root …`, with `arguments` split at spaces and `ID` standing for the container's id.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        fs_err::write(self.bundle().join("config.json"), self.config.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
        command.arg("oci").arg("--root").arg(self.root()).current_dir(self.bundle());
        command.args(arguments.split_whitespace().map(|word| if word == "ID" { &self.id } else { word }));
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. What a container inherits of it are files, so that it ends when the command does.
    pub(crate) fn oci(&self, arguments: &str) -> Outcome {
        self.run(&mut self.command(arguments))
    }

    pub(crate) fn run(&self, command: &mut Command) -> Outcome {
        let (stdout, stderr) = (self.directory.path().join("stdout"), self.directory.path().join("stderr"));
        let file = |path: &Path| fs_err::File::create(path).unwrap().into_parts().0;
        let status = command.stdout(file(&stdout)).stderr(file(&stderr)).status().unwrap();
        let read = |path: &Path| fs_err::read(path).unwrap();
        Output { status, stdout: read(&stdout), stderr: read(&stderr) }.into()
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::from_str(self.oci("state ID").text()).unwrap()
    }

    pub(crate) fn status(&self) -> String {
        self.state()["status"].as_str().unwrap().to_owned()
    }

    /// Waits until the container is in this status.
    pub(crate) fn await_status(&self, status: &str) {
        let deadline = Instant::now() + patient(Duration::from_secs(20));
        while self.status() != status {
            assert!(Instant::now() < deadline, "{} is {}, not {status}", self.id, self.status());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a file in the container's root is there, and returns what it holds.
    pub(crate) fn await_file(&self, path: &str) -> String {
        let deadline = Instant::now() + patient(Duration::from_secs(20));
        loop {
            match fs_err::read_to_string(self.inside(path)) {
                Ok(text) if text.ends_with('\n') => return text.trim_end().to_owned(),
                _ => assert!(Instant::now() < deadline, "no `{path}` in the container"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The cgroups that bear the container's id.
    pub(crate) fn cgroups(&self) -> Vec<PathBuf> {
        let roots = fs_err::read_dir("/sys/fs/cgroup").unwrap().map(|entry| entry.unwrap().path());
        let parents = roots.chain(["/sys/fs/cgroup".into()]).map(|root: PathBuf| root.join("rcompose").join(&self.id));
        parents.filter(|path| path.exists()).collect()
    }

    /// The processes that have the container's root as theirs, or run one of our roles for it.
    fn processes(&self) -> Vec<String> {
        let needle = self.directory.path().to_str().unwrap();
        fs_err::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|&pid| pid != std::process::id())
            .filter(|pid| {
                let read = |file| fs_err::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
                read("mountinfo").contains(needle) || read("cmdline").contains(&self.id)
            })
            .map(|pid| format!("{pid} {}", fs_err::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()))
            .collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let deleted = self.oci("delete --force ID");
        if std::thread::panicking() {
            return;
        }
        assert_eq!(deleted.code, 0, "{deleted:?}");
        assert_eq!(self.processes(), [""; 0]);
        assert_eq!(self.cgroups(), [""; 0].map(PathBuf::from));
        let left: Vec<_> = fs_err::read_dir(self.root()).map(Iterator::collect).unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
}
