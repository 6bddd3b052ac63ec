//! Places that change between a look and the use of them.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rcompose::runtime::Config;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::json;

use crate::harness::{Host, mount, try_run};

const ROUNDS: usize = 40;

/// Runs containers while `directory` and a symlink that leads out of the container change places in the volume they
/// all mount at `/volume`; says how many of them came to be, and asserts that nothing was made where the link leads.
fn swapping(host: &Host, change: impl Fn(&mut Config, &Path)) -> usize {
    let (volume, outside) = (host.directory.path().join("volume"), host.directory.path().join("outside"));
    for directory in [&volume, &volume.join("directory"), &outside] {
        fs_err::create_dir(directory).unwrap();
    }
    symlink(&outside, volume.join("link")).unwrap();
    let done = AtomicBool::new(false);
    let started = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let (one, other) = (volume.join("directory"), volume.join("link"));
                renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
            }
        });
        let started = (0..ROUNDS)
            .filter(|_| {
                let mut config = host.config(&["true"]);
                let bind = json!({"destination": "/volume", "source": volume, "type": "bind", "options": ["bind"]});
                mount(&mut config, bind);
                change(&mut config, &volume);
                try_run(&config).is_ok()
            })
            .count();
        done.store(true, Ordering::Relaxed);
        started
    });
    assert_eq!(fs_err::read_dir(&outside).unwrap().count(), 0, "something was made outside of a container");
    started
}

/// CVE-2024-45310: the directories above a mount point are made while their parent is replaced by a link to the host.
#[test]
fn directories_are_made_inside() {
    let host = Host::new();
    let started = swapping(&host, |config, volume| {
        // New ones each time, so that there is something to make.
        let name = config.directory.file_name().unwrap().to_str().unwrap();
        let destination = format!("/volume/directory/{name}/deep");
        mount(config, json!({"destination": destination, "source": volume, "type": "bind", "options": ["bind"]}));
    });
    assert!(started > 0, "each container failed: the race was not run");
}

/// CVE-2021-30465: a mount point is replaced by a link to the host between its making and the mount.
#[test]
fn mounts_end_up_inside() {
    let host = Host::new();
    let before = fs_err::read_to_string("/proc/self/mountinfo").unwrap();
    let started = swapping(&host, |config, _| {
        let options = ["size=64k"];
        mount(
            config,
            json!({"destination": "/volume/directory", "type": "tmpfs", "source": "tmpfs", "options": options}),
        );
    });
    assert!(started > 0, "each container failed: the race was not run");
    assert_eq!(fs_err::read_to_string("/proc/self/mountinfo").unwrap(), before);
}

/// CVE-2018-15664: a working directory is replaced by a link to the host while it is made and entered.
#[test]
fn working_directories_are_inside() {
    let host = Host::new();
    swapping(&host, |config, _| {
        config.spec.process_mut().as_mut().unwrap().set_cwd("/volume/directory/below".into());
        let touch = vec!["sh".to_owned(), "-c".to_owned(), "touch here".to_owned()];
        config.spec.process_mut().as_mut().unwrap().set_args(Some(touch));
    });
}
