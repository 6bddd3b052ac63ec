//! One file of a cgroup to write.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::CgroupError;

/// A value for a file of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) controller: &'static str,
    pub(super) file: Cow<'static, str>,
    pub(super) value: String,
    /// The file and the value for kernels without `file`.
    pub(super) otherwise: Option<(&'static str, String)>,
}

impl Setting {
    pub(super) fn new(
        controller: &'static str,
        file: impl Into<Cow<'static, str>>,
        value: impl std::fmt::Display,
    ) -> Self {
        Self { controller, file: file.into(), value: value.to_string(), otherwise: None }
    }

    /// For kernels that lack the file.
    pub(super) fn or(mut self, file: &'static str, value: impl std::fmt::Display) -> Self {
        self.otherwise = Some((file, value.to_string()));
        self
    }

    pub(super) fn write(&self, directory: &Path) -> Result<(), CgroupError> {
        let path = directory.join(&*self.file);
        match (write(&path, &self.value), &self.otherwise) {
            (Err(error), Some((file, value))) if error.kind() == std::io::ErrorKind::NotFound => {
                let path = directory.join(file);
                write(&path, value).map_err(|error| CgroupError::limit(&path, value, error))
            }
            (result, _) => result.map_err(|error| CgroupError::limit(&path, &self.value, error)),
        }
    }
}

/// Not made where it is missing, as `fs::write` would try.
pub(super) fn write(path: &Path, value: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

/// Writes all of them, each in the directory of its controller.
///
/// Some are refused only because of the order: memory must not exceed memory with swap at any moment, whether both are
/// raised or both lowered. So what is refused is tried again as long as anything else succeeds.
pub(super) fn write_all(
    settings: &[Setting],
    directory: impl Fn(&Setting) -> Result<PathBuf, CgroupError>,
) -> Result<(), CgroupError> {
    let mut open: Vec<&Setting> = settings.iter().collect();
    loop {
        let before = open.len();
        let mut refused = None;
        let mut again = Vec::new();
        for setting in open {
            if let Err(error) = setting.write(&directory(setting)?) {
                refused.get_or_insert(error);
                again.push(setting);
            }
        }
        match refused {
            None => return Ok(()),
            Some(error) if again.len() == before => return Err(error),
            Some(_) => open = again,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_file_where_the_first_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let setting = Setting::new("io", "io.bfq.weight", 100).or("io.weight", "default 910");
        let error = setting.write(directory.path()).unwrap_err();
        assert!(error.to_string().ends_with("io.weight`: this kernel has no such limit"), "{error}");
        fs_err::write(directory.path().join("io.weight"), "").unwrap();
        setting.write(directory.path()).unwrap();
        assert_eq!(fs_err::read_to_string(directory.path().join("io.weight")).unwrap(), "default 910");
    }
}
