//! Network namespaces for tests: the test's own, which stands for a machine, and those of its containers.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A namespace that somebody's threads can visit.
pub(crate) struct Netns(File);

impl AsFd for Netns {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Netns {
    /// A new namespace, as a container's is before it is connected.
    pub(crate) fn new() -> Self {
        thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            Self::current()
        })
        .join()
        .unwrap()
    }

    fn current() -> Self {
        Self(File::open("/proc/thread-self/ns/net").unwrap())
    }

    /// What `work` returns, done in this namespace by a thread of its own.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            scope
                .spawn(|| {
                    setns(&self.0, CloneFlags::CLONE_NEWNET).unwrap();
                    work()
                })
                .join()
                .unwrap()
        })
    }
}

/// Runs `test` on a machine of its own: a thread in a new network namespace, its loopback up, from which every thread
/// it starts inherits it. Nothing of the real machine's network can be seen or changed from there, tests may run in parallel
/// in one process as under `cargo test`, and the kernel removes what is left of it when the thread ends.
pub(crate) fn on_own_machine(test: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let machine = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            rcompose::network::loopback_up(Netns::current().as_fd()).unwrap();
            test();
        });
        if let Err(panic) = machine.join() {
            std::panic::resume_unwind(panic);
        }
    });
}
