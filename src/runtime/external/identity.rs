//! Who a process is, as numbers: an external runtime takes no names.

use oci_spec::runtime::Process;

use super::ExternalError;
use crate::runtime::init::{Accounts, InitError};
use crate::sys::RootDir;

/// Looks the user, its groups and its home up in the files of `root`, and writes them into `process`.
pub(super) fn resolve(
    process: &mut Process,
    user: Option<&str>,
    group_add: &[String],
    root: &RootDir,
) -> Result<(), ExternalError> {
    let accounts = Accounts::read(root).map_err(InitError::from)?;
    let mut resolved = process.user().clone();
    let home = match user {
        Some(request) => {
            let user = accounts.resolve(request, group_add).map_err(InitError::from)?;
            resolved.set_uid(user.uid).set_gid(user.gid).set_additional_gids(Some(user.groups));
            user.home
        }
        None => {
            let mut groups = resolved.additional_gids().clone().unwrap_or_default();
            for group in group_add {
                groups.push(accounts.group(group).map_err(InitError::from)?);
            }
            resolved.set_additional_gids(Some(groups));
            accounts.home(resolved.uid())
        }
    };
    process.set_user(resolved);
    let environment = process.env_mut().get_or_insert_default();
    if !environment.iter().any(|entry| entry.starts_with("HOME=")) {
        environment.push(format!("HOME={home}"));
    }
    Ok(())
}
