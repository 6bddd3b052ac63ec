//! What AppArmor or SELinux has the program confined by, from the moment it is executed.

use std::io;

use oci_spec::runtime::Process;

use super::InitError;
use super::proc::Proc;

/// What a profile is called that is none.
const UNCONFINED: &str = "unconfined";

/// Asks for the confinement of the next program that this process executes, through a proc file system that nobody else has:
/// what is mounted at `/proc` may be none (CVE-2019-16884).
pub(super) fn apply(process: &Process) -> Result<(), InitError> {
    let profile = process.apparmor_profile().as_deref().filter(|profile| !profile.is_empty());
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
        // Without the module there is nothing to be free of. It cannot be asked for here: the root is the container's.
        if profile != UNCONFINED {
            result.map_err(failed(profile))?;
        }
    }
    label.map_or(Ok(()), |label| proc.write("thread-self/attr/exec", label).map_err(failed(label)))
}
