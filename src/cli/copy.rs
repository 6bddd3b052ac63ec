//! The rules of `cp`, which are those of `docker cp`: what is copied, and what it is called there.
//!
//! | source | target is a directory | target is a file | nothing there |
//! |---|---|---|---|
//! | file | into it | in its place | under that name, unless that ends with `/` |
//! | directory | into it | refused | a directory of that name with what is in the source |
//! | directory with `/.` | what is in it, into the target | refused | the same |

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use crate::name::{InvalidName, ServiceName};

/// One side of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// `SERVICE:PATH`.
    Service(ServiceName, String),
    /// A path of this machine.
    Host(String),
    /// `-`: a tar archive on standard input or output.
    Archive,
}

/// What is at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// A directory.
    Directory,
    /// Something else.
    File,
}

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As it was given, absolute.
    pub path: Operated,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// A path with what its end says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operated {
    /// Absolute, without `.` and `..`.
    pub path: PathBuf,
    /// Whether it can only be a directory: it ends with `/` or `/.`.
    pub is_directory: bool,
    /// Whether what is in the directory is meant: it ends with `/.`.
    pub is_content: bool,
}

/// Where a copy is put: in which directory, under which name; without one, what is in the source is put there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The directory.
    pub directory: PathBuf,
    /// The name.
    pub name: OsString,
}

/// Why something cannot be copied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// Neither side is a service.
    #[error("one of the two must be SERVICE:PATH")]
    NoService,
    /// Both sides are services.
    #[error("copying between services is not supported")]
    TwoServices,
    /// There is no source.
    #[error("there is no `{}` in {side}", path.display())]
    NoSource {
        /// Where it should be.
        path: PathBuf,
        /// On which side.
        side: String,
    },
    /// A directory in place of a file.
    #[error("cannot copy a directory to the file `{}`", path.display())]
    DirectoryToFile {
        /// The file.
        path: PathBuf,
    },
    /// A path that ends as that of a directory, and is none.
    #[error("`{}` is not a directory", path.display())]
    NotDirectory {
        /// The path.
        path: PathBuf,
    },
    /// A directory that would have to be there.
    #[error("there is no directory `{}` in {side}", path.display())]
    NoDirectory {
        /// The path.
        path: PathBuf,
        /// On which side.
        side: String,
    },
}

impl FromStr for Operand {
    type Err = InvalidName;

    /// A path of this machine is absolute, begins with a dot, or has no colon.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once(':') {
            _ if text == "-" => Ok(Self::Archive),
            Some((service, path)) if !text.starts_with(['/', '.']) => {
                Ok(Self::Service(ServiceName::new(service)?, path.to_owned()))
            }
            _ => Ok(Self::Host(text.to_owned())),
        }
    }
}

impl Operated {
    /// `text`, which starts at `directory` if it is relative.
    #[must_use]
    pub fn new(directory: &Path, text: &str) -> Self {
        let mut path = PathBuf::from("/");
        for component in directory.join(text).components() {
            match component {
                Component::Normal(name) => path.push(name),
                Component::ParentDir => drop(path.pop()),
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        Self { path, is_directory: last.is_empty() || last == ".", is_content: last == "." }
    }

    /// What it is called; nothing if it is the root.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    fn parent(&self) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("/")).to_owned()
    }
}

impl Source {
    /// Where it is put when asked to be at `target`, where something is `there` on the other `side`.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn place(&self, target: &Operated, there: There, side: &str) -> Result<Place, CopyError> {
        let path = || target.path.clone();
        match (there, self.is_directory) {
            (There::Directory, true) if self.path.is_content => Ok(Place { directory: path(), name: OsString::new() }),
            (There::Directory, _) => Ok(Place { directory: path(), name: self.path.name().to_owned() }),
            (There::File, true) => Err(CopyError::DirectoryToFile { path: path() }),
            (There::File, false) if target.is_directory => Err(CopyError::NotDirectory { path: path() }),
            (There::Nothing, false) if target.is_directory => {
                Err(CopyError::NoDirectory { path: path(), side: side.to_owned() })
            }
            (There::File, false) | (There::Nothing, _) => {
                Ok(Place { directory: target.parent(), name: target.name().to_owned() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_side_is_a_service() {
        let web = |path: &str| Operand::Service(ServiceName::new("web").unwrap(), path.to_owned());
        for (text, operand) in [
            ("web:/etc", web("/etc")),
            ("web:", web("")),
            ("web:a:b", web("a:b")),
            ("/a:b", Operand::Host("/a:b".to_owned())),
            ("./a:b", Operand::Host("./a:b".to_owned())),
            ("a", Operand::Host("a".to_owned())),
            ("-", Operand::Archive),
        ] {
            assert_eq!(text.parse(), Ok(operand), "{text}");
        }
        assert!("a b:/".parse::<Operand>().is_err());
    }

    #[test]
    fn what_the_end_of_a_path_says() {
        for (text, path, is_directory, is_content) in [
            ("a", "/d/a", false, false),
            ("a/", "/d/a", true, false),
            ("a/.", "/d/a", true, true),
            (".", "/d", true, true),
            ("./", "/d", true, false),
            ("/x/../y//z", "/y/z", false, false),
            ("../../..", "/", false, false),
            ("", "/d", true, false),
            ("/", "/", true, false),
            ("a/b.", "/d/a/b.", false, false),
        ] {
            let expected = Operated { path: PathBuf::from(path), is_directory, is_content };
            assert_eq!(Operated::new(Path::new("/d"), text), expected, "{text}");
        }
    }

    #[test]
    fn the_rules_of_docker() {
        use There::{Directory, File, Nothing};
        let place = |source: &str, is_directory, target: &str, there| {
            let root = Path::new("/");
            let source = Source { path: Operated::new(root, source), is_directory };
            let placed = source.place(&Operated::new(root, target), there, "there");
            placed
                .map(|place| format!("{} {}", place.directory.display(), place.name.display()))
                .map_err(|e| e.to_string())
        };
        for (source, is_directory, target, there, expected) in [
            ("/s/f", false, "/t", Directory, Ok("/t f")),
            ("/s/f", false, "/t/", Directory, Ok("/t f")),
            ("/s/f", false, "/t", File, Ok("/ t")),
            ("/s/f", false, "/t/", File, Err("`/t` is not a directory")),
            ("/s/f", false, "/t/g", Nothing, Ok("/t g")),
            ("/s/f", false, "/t/g/", Nothing, Err("there is no directory `/t/g` in there")),
            ("/s/d", true, "/t", Directory, Ok("/t d")),
            ("/s/d/", true, "/t/", Directory, Ok("/t d")),
            ("/s/d/.", true, "/t", Directory, Ok("/t ")),
            ("/s/d", true, "/t", File, Err("cannot copy a directory to the file `/t`")),
            ("/s/d/.", true, "/t", File, Err("cannot copy a directory to the file `/t`")),
            ("/s/d", true, "/t/e", Nothing, Ok("/t e")),
            ("/s/d/.", true, "/t/e/", Nothing, Ok("/t e")),
            ("/", true, "/t", Directory, Ok("/t ")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(place(source, is_directory, target, there), expected, "{source} {target} {there:?}");
        }
    }
}
