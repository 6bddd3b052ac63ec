//! The namespaces of a test.

use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, recv, send, socket};

const NONE: Option<&str> = None;

/// Moves the calling thread, and every process that it will start, to a mount and a network namespace of their own,
/// with a loopback that is up and a `/sys` that shows the new network.
///
/// The other threads of the test binary stay where they are; `/proc/self` speaks of them, `/proc/thread-self` of us.
pub(crate) fn enter(scratch: &Path) {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).unwrap();
    remount_sys(scratch);
    loopback_up();
}

/// Mounts a `/sys` of the new network namespace, and puts the cgroups of the old one back into it.
fn remount_sys(scratch: &Path) {
    let cgroups = scratch.join("cgroups");
    fs_err::create_dir(&cgroups).unwrap();
    mount(Some("/sys/fs/cgroup"), &cgroups, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE).unwrap();
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), NONE).unwrap();
    mount(Some(&cgroups), "/sys/fs/cgroup", NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE).unwrap();
    umount2(&cgroups, MntFlags::MNT_DETACH).unwrap();
    fs_err::remove_dir(&cgroups).unwrap();
}

/// Asks rtnetlink(7) to set `IFF_UP` on link 1, which in every network namespace is the loopback.
fn loopback_up() {
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    let mut message = Vec::new();
    // struct nlmsghdr: length, type, flags, sequence, port.
    message.extend(32_u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST_ACK.to_ne_bytes());
    message.extend([0; 8]);
    // struct ifinfomsg: family and type (unspecified), index, flags, and the mask of flags to change.
    message.extend([0; 4]);
    message.extend(1_i32.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());

    // The default protocol, 0, is NETLINK_ROUTE.
    let route = socket(AddressFamily::NETLINK, SocketType::RAW, None).unwrap();
    send(&route, &message, SendFlags::empty()).unwrap();
    let mut answer = [0; 64];
    recv(&route, &mut answer, RecvFlags::empty()).unwrap();
    // struct nlmsgerr follows the header: 0 is the acknowledgement.
    assert_eq!(answer[16..20], [0; 4], "the kernel refused to set the loopback up");
}
