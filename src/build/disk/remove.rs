//! Removes what was chosen.

use std::io;
use std::path::Path;

use super::{Item, Place};
use crate::build::cache::Cache;
use crate::build::output::OutputError;
use crate::image::{Alone, Digest};
use crate::sys::random;

/// Removes `items` and `images`, which were listed while the store was had `alone`. What is removed can no longer be found before
/// it begins to go: a command that is killed leaves nothing that is half there.
///
/// # Errors
/// [`OutputError`]; the rest stays.
pub fn remove(alone: &Alone<'_>, cache: &Cache, items: &[&Item], images: &[Digest]) -> Result<(), OutputError> {
    let away = cache.directory("removed").map_err(OutputError::Cache)?;
    for image in images {
        alone.remove_image(*image)?;
        cache.unmake(*image).map_err(OutputError::Cache)?;
    }
    for item in items {
        match &item.place {
            Place::Layer(layer, entries) => {
                for entry in entries {
                    cache.forget(entry).map_err(OutputError::Cache)?;
                }
                if !item.is_shared {
                    alone.remove_layer(*layer)?;
                }
            }
            Place::Directory(path) => move_away(path, &away).map_err(OutputError::Cache)?,
        }
    }
    // With what was left there before.
    fs_err::remove_dir_all(&away).map_err(OutputError::Cache)
}

fn move_away(path: &Path, away: &Path) -> io::Result<()> {
    match fs_err::rename(path, away.join(random::hex(8))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
