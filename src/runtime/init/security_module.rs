//! What AppArmor or SELinux has the program confined by, from the moment it is executed.

use std::io;
use std::path::Path;

use oci_spec::runtime::Process;

use super::InitError;
use super::proc::Proc;

/// Whether this kernel runs AppArmor.
pub(in crate::runtime) fn has_apparmor() -> bool {
    let enabled = fs_err::read_to_string("/sys/module/apparmor/parameters/enabled");
    enabled.is_ok_and(|enabled| enabled.starts_with('Y'))
}

/// Whether this kernel runs SELinux.
pub(in crate::runtime) fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}

/// Asks for the confinement of the next program that this process executes, through a proc file system that nobody else has:
/// what is mounted at `/proc` may be none (CVE-2019-16884).
pub(super) fn apply(process: &Process) -> Result<(), InitError> {
    let profile = process.apparmor_profile().as_deref().filter(|profile| is_asked(profile) && has_apparmor());
    let label = process.selinux_label().as_deref().filter(|label| !label.is_empty());
    if profile.is_none() && label.is_none() {
        return Ok(());
    }
    let proc = Proc::mount()?;
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source| InitError::SecurityModule { what, source }
    };
    if let Some(profile) = profile {
        let request = format!("exec {profile}");
        let result = match proc.write("thread-self/attr/apparmor/exec", &request) {
            // Before Linux 5.8 all modules shared one file.
            Err(error) if error.kind() == io::ErrorKind::NotFound => proc.write("thread-self/attr/exec", &request),
            result => result,
        };
        result.map_err(failed(profile))?;
    }
    label.map_or(Ok(()), |label| proc.write("thread-self/attr/exec", label).map_err(failed(label)))
}

/// Whether a profile is more than the word for none, which needs no module.
pub(in crate::runtime) fn is_asked(profile: &str) -> bool {
    !profile.is_empty() && (profile != "unconfined" || has_apparmor())
}
