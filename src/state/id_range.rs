//! Which container has which ids of the host: locks on the bytes of a file, one for each id.
//!
//! A lock belongs to the open file, which the container's shim holds for the container's life: a range is free again when
//! its container has ended, however it ended, and whoever looks.

use std::os::fd::OwnedFd;

use super::{Layout, StateError};
use crate::sys::{create_private_dir_all, open_lock_file, try_lock_bytes};

/// Where the bytes of the gids begin, after those of the uids.
const GIDS: u64 = 1 << 32;

/// Ids that nobody else takes until [`Self::held`] is closed, in whatever process.
#[derive(Debug)]
pub struct TakenIds {
    /// The first uid.
    pub uid: u32,
    /// The first gid.
    pub gid: u32,
    /// The lock.
    pub held: OwnedFd,
}

impl Layout {
    /// Takes the first of `ranges`, of `size` ids each, that no container on this machine has a part of: by its first uid
    /// and gid. `None` when each is taken.
    ///
    /// # Errors
    /// [`StateError::Io`].
    pub fn take_id_range(
        &self,
        ranges: impl Iterator<Item = (u32, u32)>,
        size: u32,
    ) -> Result<Option<TakenIds>, StateError> {
        create_private_dir_all(self.root())?;
        let path = self.root().join("ids.lock");
        for (uid, gid) in ranges {
            let file = open_lock_file(&path)?;
            let (uids, gids) = (u64::from(uid), GIDS + u64::from(gid));
            if try_lock_bytes(&file, uids, size.into())? && try_lock_bytes(&file, gids, size.into())? {
                return Ok(Some(TakenIds { uid, gid, held: file }));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_is_taken_twice() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path().join("root"), directory.path().join("run"));
        let take = |ranges: &[(u32, u32)]| layout.take_id_range(ranges.iter().copied(), 10).unwrap();
        let first = take(&[(100, 200), (110, 210)]).unwrap();
        assert_eq!((first.uid, first.gid), (100, 200));
        let second = take(&[(100, 200), (110, 210)]).unwrap();
        assert_eq!((second.uid, second.gid), (110, 210));
        assert!(take(&[(95, 300), (300, 219), (109, 300)]).is_none());
        drop(first);
        assert_eq!(take(&[(95, 300)]).unwrap().uid, 95);
    }
}
