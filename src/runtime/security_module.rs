//! Which security modules this machine has, for those whose root is the host's.

use std::path::Path;

/// Whether this kernel runs AppArmor.
#[must_use]
pub fn has_apparmor() -> bool {
    let enabled = fs_err::read_to_string("/sys/module/apparmor/parameters/enabled");
    enabled.is_ok_and(|enabled| enabled.starts_with('Y'))
}

/// Whether this kernel runs SELinux.
pub(super) fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}
