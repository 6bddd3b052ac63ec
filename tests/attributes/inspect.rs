//! A running container, looked at from both sides.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Background, Outcome, Sandbox, Stack, eventually};

/// The container of the service `web`, in a stack and a sandbox of its own, which end with it.
pub(crate) struct Running {
    sandbox: Sandbox,
    id: String,
    pid: i32,
}

pub(crate) const NAME: &str = "attributes";
const SERVICE: &str = "web";

impl Running {
    /// Starts a container that sleeps, in which `keys` hold: the lines of a service, in flow or block style, without
    /// indentation. `image`, `init` and `command` are given where `keys` do not say otherwise.
    #[track_caller]
    pub(crate) fn with(keys: &str) -> Self {
        Self::of(Sandbox::new(NAME), &compose(keys))
    }

    /// Starts the service `web` of a whole Compose file, in a sandbox that may hold files already.
    #[track_caller]
    pub(crate) fn of(sandbox: Sandbox, compose: &str) -> Self {
        let stack = sandbox.stack(NAME, compose);
        stack.rcompose(&["up", "-d"]).succeeds();
        let id = stack.container(SERVICE).id;
        drop(stack);
        let pid = pid(&sandbox, &id);
        Self { sandbox, id, pid }
    }

    /// The sandbox it runs in.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The process id of its init, on the host.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// What `script` prints in the container, where it must succeed.
    #[track_caller]
    pub(crate) fn inside(&self, script: &str) -> String {
        self.run(script).succeeds().stdout.trim_end().to_owned()
    }

    /// How `script` ends in the container.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Outcome {
        self.rcompose(&["exec", "-T", SERVICE, "sh", "-c", script])
    }

    /// Runs `rcompose -p … -f … ARGUMENTS` on its stack.
    #[track_caller]
    pub(crate) fn rcompose(&self, arguments: &[&str]) -> Outcome {
        self.sandbox.run(self.command(arguments))
    }

    /// `rcompose -p … -f … ARGUMENTS` on its stack.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.command();
        command.args(["-p", NAME, "-f"]).arg(self.file()).args(arguments);
        command
    }

    /// Replaces its Compose file.
    pub(crate) fn write(&self, compose: &str) {
        fs_err::write(self.file(), compose).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.sandbox.path().join(NAME).join("compose.yaml")
    }

    /// The id of the container of another service of its stack, as `ps` shows it.
    #[track_caller]
    pub(crate) fn id_of(&self, service: &str) -> String {
        self.rcompose(&["ps", "-a", "-q", service]).succeeds().stdout.trim().to_owned()
    }

    /// The process id of the init of another service of its stack.
    #[track_caller]
    pub(crate) fn pid_of(&self, service: &str) -> i32 {
        pid(&self.sandbox, &self.id_of(service))
    }

    /// The namespace of `kind` that a service of its stack is in, if it runs.
    pub(crate) fn current(&self, service: &str, kind: &str) -> Option<String> {
        let status = fs_err::read(run_directory(&self.sandbox, &self.id_of(service)).join("status.json")).ok()?;
        let status: Value = serde_json::from_slice(&status).ok()?;
        let path = format!("/proc/{}/ns/{kind}", status["init"]["pid"].as_i64()?);
        Some(fs_err::read_link(path).ok()?.to_str()?.to_owned())
    }

    /// The arguments of a process of the host, each with a zero after it; nothing for one that has ended.
    pub(crate) fn cmdline(&self, pid: i32) -> String {
        fs_err::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    }

    /// The file `/proc/PID/NAME` of its init, on the host.
    #[track_caller]
    pub(crate) fn proc(&self, name: &str) -> String {
        fs_err::read_to_string(format!("/proc/{}/{name}", self.pid)).unwrap()
    }

    /// The field of `/proc/PID/status`, without its name.
    #[track_caller]
    pub(crate) fn status(&self, field: &str) -> String {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
        line.trim().to_owned()
    }

    /// A file of its cgroup on the host: `one` of the version 1 hierarchy of `controller`, or `two` on version 2.
    #[track_caller]
    pub(crate) fn cgroup(&self, controller: &str, one: &str, two: &str) -> String {
        let (directory, file) = match self.cgroup_directory(controller) {
            (directory, false) => (directory, one),
            (directory, true) => (directory, two),
        };
        fs_err::read_to_string(directory.join(file)).unwrap().trim_end().to_owned()
    }

    /// The directory of its cgroup on the host, and whether that is of version 2.
    #[track_caller]
    pub(crate) fn cgroup_directory(&self, controller: &str) -> (PathBuf, bool) {
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let text = self.proc("cgroup");
        let path = text.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?);
            let is_it =
                if unified { controllers.is_empty() } else { controllers.split(',').any(|it| it == controller) };
            is_it.then(|| path.trim_start_matches('/').to_owned())
        });
        let path = path.unwrap_or_else(|| panic!("no cgroup of `{controller}` in {text}"));
        let root = Path::new("/sys/fs/cgroup");
        (if unified { root.join(path) } else { root.join(controller).join(path) }, unified)
    }

    /// What `script` prints on the host, in the namespaces of its init that the `flags` of nsenter(1) name.
    #[track_caller]
    pub(crate) fn enter(&self, flags: &str, script: &str) -> String {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid.to_string(), flags, "sh", "-c", script]);
        self.sandbox.run(command).succeeds().stdout.trim_end().to_owned()
    }

    /// Its namespace of `kind`, as `/proc/PID/ns` names it.
    #[track_caller]
    pub(crate) fn namespace(&self, kind: &str) -> String {
        namespace(self.pid, kind)
    }

    /// Whether it is in the host's namespace of `kind`: that of this test.
    #[track_caller]
    pub(crate) fn shares(&self, kind: &str) -> bool {
        let own = fs_err::read_link(format!("/proc/thread-self/ns/{kind}")).unwrap();
        own.to_str() == Some(&self.namespace(kind))
    }

    /// The line of `/proc/PID/mountinfo` for what is mounted at `target`.
    #[track_caller]
    pub(crate) fn mount(&self, target: &str) -> String {
        let mounts = self.proc("mountinfo");
        let line = mounts.lines().rfind(|line| line.split(' ').nth(4) == Some(target));
        line.unwrap_or_else(|| panic!("nothing at {target}: {mounts}")).to_owned()
    }

    /// What the runtime was given: `config.json`.
    #[track_caller]
    pub(crate) fn config(&self) -> Value {
        serde_json::from_slice(&fs_err::read(self.run_directory().join("config.json")).unwrap()).unwrap()
    }

    /// Where what it keeps is.
    pub(crate) fn directory(&self) -> PathBuf {
        let containers = self.sandbox.path().join("root/projects").join(NAME).join("containers");
        containers.join(self.run_directory().file_name().unwrap())
    }

    /// What the supervisor knows of it: `container.json`.
    #[track_caller]
    pub(crate) fn record(&self) -> Value {
        serde_json::from_slice(&fs_err::read(self.directory().join("container.json")).unwrap()).unwrap()
    }

    /// Its log.
    pub(crate) fn log_file(&self) -> PathBuf {
        self.directory().join("container.log")
    }

    /// What it wrote, as far as it has been logged.
    pub(crate) fn log(&self) -> String {
        self.rcompose(&["logs", "--no-log-prefix", SERVICE]).succeeds().stdout
    }

    /// Stops it as Ctrl-C does at an attached `up`, and returns its exit code.
    #[track_caller]
    pub(crate) fn stopped(&self) -> i64 {
        let up = Background::spawn(self.command(&["up"]));
        eventually("an attached `up`", Duration::from_secs(20), || up.stderr().contains("Running").then_some(()));
        up.signal(nix::sys::signal::Signal::SIGINT);
        up.wait(Duration::from_secs(30));
        let shown = self.rcompose(&["ps", "-a", "--format", "json"]).succeeds().stdout;
        serde_json::from_str::<Value>(shown.lines().next().unwrap()).unwrap()["ExitCode"].as_i64().unwrap()
    }

    /// Its directory below `RCOMPOSE_RUN`.
    pub(crate) fn run_directory(&self) -> PathBuf {
        run_directory(&self.sandbox, &self.id)
    }
}

/// Says how `up` ends for a service with `keys`, in a sandbox of its own.
#[track_caller]
pub(crate) fn up(keys: &str) -> Outcome {
    let sandbox = Sandbox::new(NAME);
    let stack: Stack<'_> = sandbox.stack(NAME, &compose(keys));
    stack.rcompose(&["up", "-d"])
}

/// The namespace of `kind` that the process is in.
#[track_caller]
pub(crate) fn namespace(pid: i32, kind: &str) -> String {
    fs_err::read_link(format!("/proc/{pid}/ns/{kind}")).unwrap().to_str().unwrap().to_owned()
}

fn compose(keys: &str) -> String {
    let given = |key: &str| keys.lines().any(|line| line.trim_start().starts_with(&format!("{key}:")));
    let mut text = format!("services:\n  {SERVICE}:\n");
    let defaults = [("image", "'rootfs:/'"), ("init", "true"), ("command", "[sleep, '1000']")];
    for (key, value) in defaults.into_iter().filter(|(key, _)| !given(key)) {
        text.push_str(&format!("    {key}: {value}\n"));
    }
    keys.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
    text
}

fn run_directory(sandbox: &Sandbox, id: &str) -> PathBuf {
    let containers = sandbox.path().join("run").join(NAME).join("containers");
    let mut entries = fs_err::read_dir(&containers).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(id)).unwrap()
}

fn pid(sandbox: &Sandbox, id: &str) -> i32 {
    let status = fs_err::read(run_directory(sandbox, id).join("status.json")).unwrap();
    let status: Value = serde_json::from_slice(&status).unwrap();
    i32::try_from(status["init"]["pid"].as_i64().unwrap()).unwrap()
}
