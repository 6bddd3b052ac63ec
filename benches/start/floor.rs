//! The least that makes the same container: one clone, bare system calls by path, no checks, no records, no shim.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MsFlags, mount};
use rcompose::sys::clone::{Cloned, SingleThreaded, clone, unshare};
use rcompose::sys::pidfd::PidFd;
use rcompose::sys::seccomp::{FilterFlags, Instruction, install};
use rustix::fs::{FileType, Mode, makedev, mknodat};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use crate::cable::Cable;
use crate::ours;
use crate::root::{self, Directories};

const CGROUPS: &str = "/sys/fs/cgroup";
const NODES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// Where the containers of the floor are made.
pub(crate) struct Floor {
    root: PathBuf,
    directories: Directories,
    filter: Vec<Instruction>,
    single: SingleThreaded,
    unified: bool,
}

/// A container that waits for the word.
struct Waiting {
    init: PidFd,
    pid: i32,
    word: OwnedFd,
    log: OwnedFd,
    cgroups: Vec<PathBuf>,
}

impl Floor {
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            root: root::of(directory),
            directories: Directories::new(&directory.join("floor"), crate::CONTAINERS),
            filter: filter(),
            single: SingleThreaded::check().unwrap(),
            unified: Path::new(CGROUPS).join("cgroup.controllers").exists(),
        }
    }

    /// Makes a container, runs `true` in it, and waits for its end.
    pub(crate) fn run(&self, cable: Option<Cable>) {
        self.finish(self.begin(cable));
    }

    /// As many at once.
    pub(crate) fn burst(&self, count: usize) {
        let waiting: Vec<_> = (0..count).map(|_| self.begin(None)).collect();
        waiting.into_iter().for_each(|waiting| self.finish(waiting));
    }

    /// Runs `true` in the namespaces and the cgroup of a running container.
    pub(crate) fn exec(&self, pid: i32) {
        let target = rustix::process::Pid::from_raw(pid).unwrap();
        let (log, log_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let Cloned::Parent { pidfd, .. } = clone(self.single, UnshareFlags::empty(), None).unwrap() else {
            use rustix::thread::ThreadNameSpaceType as Kind;
            ours::cgroups_of(pid).iter().for_each(|directory| write(&directory.join("cgroup.procs"), "0"));
            let target = rustix::process::pidfd_open(target, rustix::process::PidfdFlags::empty()).unwrap();
            let all = Kind::MOUNT
                | Kind::CONTROL_GROUP
                | Kind::HOST_NAME_AND_NIS_DOMAIN_NAME
                | Kind::INTER_PROCESS_COMMUNICATION
                | Kind::PROCESS_ID
                | Kind::NETWORK;
            rustix::thread::move_into_thread_name_spaces(target.as_fd(), all).unwrap();
            let code = match clone(self.single, UnshareFlags::empty(), None).unwrap() {
                Cloned::Child => self.become_true(&log_write),
                Cloned::Parent { pidfd, .. } => PidFd::from(pidfd).wait(true).unwrap().exit_status(),
            };
            rcompose::sys::process::end(code.unwrap_or(1));
        };
        drop(log_write);
        std::fs::File::from(log).read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(PidFd::from(pidfd).wait(true).unwrap().exit_status(), Some(0));
    }

    fn begin(&self, cable: Option<Cable>) -> Waiting {
        static CONTAINERS: AtomicU32 = AtomicU32::new(0);
        let number = CONTAINERS.fetch_add(1, Ordering::Relaxed);
        let directory = self.directories.next();
        let cgroups = self.cgroups(number);
        let (log, log_write) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (word_read, word) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let namespaces = UnshareFlags::NEWNS
            | UnshareFlags::NEWPID
            | UnshareFlags::NEWIPC
            | UnshareFlags::NEWUTS
            | UnshareFlags::NEWNET;
        match clone(self.single, namespaces, None).unwrap() {
            Cloned::Child => {
                drop(word);
                self.inside(&directory, &cgroups);
                std::fs::File::from(word_read).read_exact(&mut [0]).unwrap();
                self.become_true(&log_write);
                rcompose::sys::process::end(1)
            }
            Cloned::Parent { pid, pidfd } => {
                let pid = pid.as_raw_pid();
                if let Some(cable) = cable {
                    cable.attach(&std::fs::File::open(format!("/proc/{pid}/ns/net")).unwrap().into());
                }
                Waiting { init: pidfd.into(), pid, word, log, cgroups }
            }
        }
    }

    fn finish(&self, waiting: Waiting) {
        let Waiting { init, pid, word, log, cgroups } = waiting;
        std::fs::File::from(word).write_all(&[1]).unwrap();
        std::fs::File::from(log).read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(init.wait(true).unwrap().exit_status(), Some(0), "container {pid}");
        cgroups.iter().for_each(|directory| std::fs::remove_dir(directory).unwrap());
    }

    /// The same directories and limits as [`ours`].
    fn cgroups(&self, number: u32) -> Vec<PathBuf> {
        let name = format!("rcompose-floor-{}-{number}", std::process::id());
        if self.unified {
            let directory = Path::new(CGROUPS).join(name);
            std::fs::create_dir(&directory).unwrap();
            write(&directory.join("memory.max"), &ours::MEMORY.to_string());
            write(&directory.join("pids.max"), &ours::PROCESSES.to_string());
            write(&directory.join("cpu.max"), "100000 100000");
            return vec![directory];
        }
        let directories =
            ["devices", "memory", "pids", "cpu"].map(|controller| Path::new(CGROUPS).join(controller).join(&name));
        directories.iter().for_each(|directory| std::fs::create_dir(directory).unwrap());
        let [devices, memory, pids, cpu] = &directories;
        write(&devices.join("devices.deny"), "a");
        for rule in ["c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm"] {
            write(&devices.join("devices.allow"), rule);
        }
        for rule in ["c 5:0 rwm", "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm"] {
            write(&devices.join("devices.allow"), rule);
        }
        write(&memory.join("memory.limit_in_bytes"), &ours::MEMORY.to_string());
        write(&pids.join("pids.max"), &ours::PROCESSES.to_string());
        write(&cpu.join("cpu.cfs_period_us"), "100000");
        write(&cpu.join("cpu.cfs_quota_us"), "100000");
        directories.into()
    }

    fn inside(&self, directory: &Path, cgroups: &[PathBuf]) {
        cgroups.iter().for_each(|directory| write(&directory.join("cgroup.procs"), "0"));
        unshare(self.single, UnshareFlags::NEWCGROUP).unwrap();
        rustix::process::umask(Mode::empty());
        rustix::system::sethostname(b"inside").unwrap();
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_SLAVE, none).unwrap();
        let root = directory.join("root");
        let options = format!(
            "lowerdir={1},upperdir={0}/upper,workdir={0}/work,volatile",
            directory.display(),
            self.root.display()
        );
        mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(options.as_str())).unwrap();
        std::env::set_current_dir(&root).unwrap();
        let hardened = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        let fs = |at: &str, kind: &str, flags: MsFlags, data: &str| {
            mount(Some(kind), at, Some(kind), flags, Some(data)).unwrap();
        };
        fs("proc", "proc", hardened, "");
        for (file, value) in [("ip_unprivileged_port_start", "0"), ("ping_group_range", "0 2147483647")] {
            write(&Path::new("proc/sys/net/ipv4").join(file), value);
        }
        fs("dev", "tmpfs", MsFlags::MS_NOSUID | MsFlags::MS_STRICTATIME, "mode=755,size=65536k");
        ["dev/pts", "dev/shm", "dev/mqueue"].iter().for_each(|path| std::fs::create_dir(path).unwrap());
        let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
        fs("dev/pts", "devpts", quiet, "newinstance,ptmxmode=0666,mode=0620,gid=5");
        fs("dev/shm", "tmpfs", hardened, "mode=1777,size=65536k");
        fs("dev/mqueue", "mqueue", hardened, "");
        fs("sys", "sysfs", hardened | MsFlags::MS_RDONLY, "");
        self.show_cgroups(cgroups);
        for (name, major, minor) in NODES {
            let dev = std::fs::File::open("dev").unwrap();
            mknodat(&dev, name, FileType::CharacterDevice, Mode::from(0o666), makedev(major, minor)).unwrap();
        }
        LINKS
            .iter()
            .for_each(|(target, name)| std::os::unix::fs::symlink(target, Path::new("dev").join(name)).unwrap());
        for path in ours::masked().iter().map(|path| &path[1..]).filter(|path| Path::new(path).exists()) {
            if Path::new(path).is_dir() {
                fs(path, "tmpfs", hardened | MsFlags::MS_RDONLY, "size=0");
            } else {
                mount(Some("/dev/null"), path, none, MsFlags::MS_BIND, none).unwrap();
            }
        }
        for path in ours::readonly().iter().map(|path| &path[1..]).filter(|path| Path::new(path).exists()) {
            mount(Some(path), path, none, MsFlags::MS_BIND, none).unwrap();
            mount(none, path, none, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | hardened, none)
                .unwrap();
        }
        rustix::process::pivot_root(".", ".").unwrap();
        rustix::mount::unmount(".", rustix::mount::UnmountFlags::DETACH).unwrap();
        std::env::set_current_dir("/").unwrap();
    }

    fn show_cgroups(&self, cgroups: &[PathBuf]) {
        let none = None::<&str>;
        let target = Path::new("sys/fs/cgroup");
        if self.unified {
            mount(Some(&cgroups[0]), target, none, MsFlags::MS_BIND, none).unwrap();
            return;
        }
        mount(Some("tmpfs"), target, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=755")).unwrap();
        for directory in cgroups {
            let controller = directory.parent().unwrap().file_name().unwrap();
            std::fs::create_dir(target.join(controller)).unwrap();
            mount(Some(directory), &target.join(controller), none, MsFlags::MS_BIND, none).unwrap();
        }
    }

    /// Drops what a container may not have, and executes. Returns only on failure.
    fn become_true(&self, log: &OwnedFd) -> Option<i32> {
        rustix::process::setsid().unwrap();
        rustix::stdio::dup2_stdout(log).unwrap();
        rustix::stdio::dup2_stderr(log).unwrap();
        rcompose::sys::process::close_on_exec_from(3).unwrap();
        let kept: CapabilitySet = ours::CAPABILITIES.into_iter().collect();
        for bit in 0..41 {
            let capability = CapabilitySet::from_bits_retain(1 << bit);
            if !kept.contains(capability) {
                rustix::thread::remove_capability_from_bounding_set(capability).unwrap();
            }
        }
        install(&self.filter, FilterFlags::SPEC_ALLOW).unwrap();
        rustix::thread::set_thread_groups(&[]).unwrap();
        let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
        rustix::thread::set_capabilities(None, sets).unwrap();
        rcompose::sys::process::execve(c"/bin/true", &[CString::from(c"true")], &[]);
        None
    }
}

fn write(path: &Path, value: &str) {
    std::fs::write(path, value).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A search tree over 64 ranges of call numbers, about as long as the filter of ours; it allows everything.
fn filter() -> Vec<Instruction> {
    let step = |code, operand, jump_true| Instruction { code, jump_true, jump_false: 0, operand };
    fn tree(low: u32, high: u32, step: &impl Fn(u16, u32, u8) -> Instruction) -> Vec<Instruction> {
        if high - low == 1 {
            return vec![step(0x06, 0x7fff_0000, 0)];
        }
        let middle = u32::midpoint(low, high);
        let (left, right) = (tree(low, middle, step), tree(middle, high, step));
        let skip = u8::try_from(left.len()).unwrap();
        [vec![step(0x35, middle * 8, skip)], left, right].concat()
    }
    [vec![step(0x20, 0, 0)], tree(0, 64, &step)].concat()
}
