//! A machine of its own for one test, as far as rcompose can tell.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::registry::{Behaviour, Content, Registry};
use super::{Background, Outcome, Stack, leaks, namespaces, patient, processes};

/// How long a command may take before the test gives it up.
const DEADLINE: Duration = Duration::from_secs(60);

/// Namespaces and directories of one test. Dropping it takes its stacks down and fails the test, by name, for
/// everything that is left.
#[derive(Debug)]
pub(crate) struct Sandbox {
    directory: TempDir,
    /// The links that a new network namespace begins with.
    links: BTreeSet<String>,
    /// The cgroups in which processes of the sandbox were seen.
    cgroups: RefCell<BTreeSet<PathBuf>>,
    /// The arguments that choose each stack: `-p NAME -f FILE…`.
    stacks: RefCell<Vec<Vec<String>>>,
}

impl Sandbox {
    /// Moves the test to namespaces of its own; `name` goes into the path of its directories, for whoever debugs it.
    ///
    /// They are below `/var/tmp`: on a disk, as real state is, and short enough for the path of a socket.
    pub(crate) fn new(name: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "this test makes namespaces, mounts and cgroups: run it as root");
        let directory = tempfile::Builder::new().prefix(&format!("rcompose-{name}-")).tempdir_in("/var/tmp").unwrap();
        namespaces::enter(directory.path());
        Self { directory, links: leaks::links(), cgroups: RefCell::default(), stacks: RefCell::default() }
    }

    /// The directory of its own: whatever a test writes goes there.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes `text` to the file `name`, and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        path
    }

    /// Serves `content` in place of Docker Hub from now on, until the registry is dropped.
    ///
    /// It is started by the test's thread, hence in its network namespace.
    pub(crate) fn hub(&self, content: Content, behaviour: Behaviour) -> Registry {
        let registry = Registry::start(content, behaviour);
        self.file("config.toml", &format!("[registry.\"docker.io\"]\nmirrors = [\"http://{}\"]\n", registry.host()));
        registry
    }

    /// Asserts that the store holds no image, and no part of one.
    #[track_caller]
    pub(crate) fn has_no_image(&self) {
        for directory in ["layers", "images", "tags", "staging"] {
            let Ok(entries) = fs_err::read_dir(self.path().join("root/images").join(directory)) else { continue };
            let left: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    /// Makes the stack `name` from the text of its Compose file.
    pub(crate) fn stack(&self, name: &str, compose: &str) -> Stack<'_> {
        let file = self.file(&format!("{name}/compose.yaml"), compose);
        self.stack_of(name, &[file])
    }

    /// Makes the stack `name` from Compose files that exist.
    pub(crate) fn stack_of(&self, name: &str, files: &[PathBuf]) -> Stack<'_> {
        let mut selection = vec!["-p".to_owned(), name.to_owned()];
        for file in files {
            selection.extend(["-f".to_owned(), file.to_str().unwrap().to_owned()]);
        }
        self.stacks.borrow_mut().push(selection.clone());
        Stack::new(self, name, files[0].clone(), selection)
    }

    /// The binary under test with this sandbox's directories and nothing else of the environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rcompose"));
        self.equip(&mut command);
        command
    }

    /// Gives `command` the environment and the working directory of this sandbox.
    pub(crate) fn equip(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", self.path())
            .env("RCOMPOSE_ROOT", self.path().join("root"))
            .env("RCOMPOSE_RUN", self.path().join("run"))
            .env("RCOMPOSE_CONFIG", self.path().join("config.toml"))
            .current_dir(self.path());
    }

    /// Runs the binary to its end.
    #[track_caller]
    pub(crate) fn rcompose(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        let mut command = self.command();
        command.args(arguments);
        self.run(command)
    }

    /// Runs `command` to its end.
    #[track_caller]
    pub(crate) fn run(&self, command: Command) -> Outcome {
        let outcome = Background::spawn(command).wait(DEADLINE);
        self.cgroups.borrow_mut().extend(processes::of(self.path()).into_iter().flat_map(|process| process.cgroups));
        outcome
    }

    /// The processes that belong to it.
    pub(crate) fn processes(&self) -> Vec<processes::Process> {
        processes::of(self.path())
    }

    /// Describes what is left when everything has had the time to end: the kernel takes links down in the background, and all
    /// of the machine one after the other.
    pub(crate) fn left(&self) -> Vec<String> {
        let deadline = Instant::now() + patient(Duration::from_secs(20));
        loop {
            let left = leaks::of(self.path(), &self.cgroups.borrow(), &self.links);
            if left.is_empty() || Instant::now() > deadline {
                return left;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Runs the binary on `stack` without judging the end: for the way out of a test that may have failed.
    fn attempt(&self, stack: &[String], arguments: &[&str]) -> Outcome {
        let mut command = self.command();
        command.args(stack).args(arguments);
        self.run(command)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let stacks = self.stacks.take();
        if thread::panicking() {
            for stack in &stacks {
                eprintln!("{}\n{}", self.attempt(stack, &["ps", "-a"]), self.attempt(stack, &["logs"]));
            }
        }
        let downs: Vec<_> =
            stacks.iter().map(|stack| self.attempt(stack, &["down", "-v", "--remove-orphans", "-t", "1"])).collect();
        let left = self.left();
        // A test that fails must not leave behind what it complains about.
        processes::of(self.path()).iter().for_each(processes::end);
        if !left.is_empty() {
            let report = left.join("\n");
            let downs = downs.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            if thread::panicking() {
                eprintln!("left behind:\n{report}\n{downs}");
            } else {
                panic!("left behind:\n{report}\n{downs}");
            }
        }
    }
}
