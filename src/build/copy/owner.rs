//! `--chown`: whose the copies become.

use super::{CopyError, Destination};
use crate::runtime::{Accounts, UserError};
use crate::sys::Owner;

/// The owner that `chown` names. A number alone is that of the group, too; a name alone has the group that its line in
/// `/etc/passwd` has. Files are looked into for names only.
pub(super) fn resolve(chown: &str, into: &Destination<'_>) -> Result<Owner, CopyError> {
    let failed = |source: UserError| CopyError::Owner { chown: chown.to_owned(), source };
    let accounts = || Accounts::read(into.accounts.unwrap_or(into.root)).map_err(failed);
    let (user, group) = match chown.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (chown, None),
    };
    let mut owner = match number(user) {
        Some(id) => Owner { uid: id, gid: id },
        // `:GROUP` leaves them root's.
        None if user.is_empty() && group.is_some() => Owner { uid: 0, gid: 0 },
        None => {
            let found = accounts()?.resolve(user, &[]).map_err(failed)?;
            Owner { uid: found.uid, gid: found.gid }
        }
    };
    if let Some(group) = group {
        owner.gid = match number(group) {
            Some(id) => id,
            None => accounts()?.group(group).map_err(failed)?,
        };
    }
    Ok(owner)
}

/// Whether `chown` says something that depends on `/etc/passwd` or `/etc/group` of what is copied to: then even a copy
/// with `--link` has these in its key.
#[must_use]
pub fn names_accounts(chown: &str) -> bool {
    chown.split(':').any(|part| !part.is_empty() && number(part).is_none())
}

/// A number that is an id; all others are names, which are not found.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|id: &u32| digits && i32::try_from(*id).is_ok())
}
