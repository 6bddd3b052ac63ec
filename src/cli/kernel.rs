//! Whether the kernel has what containers are made with: told before anything is begun, instead of by the first call that fails.

use super::error::CliError;

/// The first version with `mount_setattr(2)`; `close_range(2)` with `CLOEXEC` is of 5.11, all others are older.
const OLDEST: (u32, u32) = (5, 12);

/// Refuses to go on with a kernel that is too old.
///
/// # Errors
/// [`CliError::KernelTooOld`].
pub(super) fn require() -> Result<(), CliError> {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    if is_too_old(&release) { Err(CliError::KernelTooOld { release: release.into_owned() }) } else { Ok(()) }
}

/// Whether a kernel of this `release` is; one that cannot be understood gets the benefit of the doubt.
fn is_too_old(release: &str) -> bool {
    version(release).is_some_and(|version| version < OLDEST)
}

/// The major and minor number of a `release`: `5.4.0-150-generic` is 5.4.
fn version(release: &str) -> Option<(u32, u32)> {
    let (major, rest) = release.split_once('.')?;
    let minor = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        for (release, expected, too_old) in [
            ("5.4.0", Some((5, 4)), true),
            ("5.4.0-150-generic", Some((5, 4)), true),
            ("4.18.0-553.el8_10.x86_64", Some((4, 18)), true),
            ("5.11.22", Some((5, 11)), true),
            ("5.12-rc3", Some((5, 12)), false),
            ("6.1.0", Some((6, 1)), false),
            ("6.18.0+", Some((6, 18)), false),
            ("10.0", Some((10, 0)), false),
            ("5", None, false),
            ("5.", None, false),
            ("next.1", None, false),
            ("", None, false),
        ] {
            assert_eq!((version(release), is_too_old(release)), (expected, too_old), "{release}");
        }
    }
}
