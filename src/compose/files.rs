//! The only IO of this module: reading files, behind a trait that tests fill with a map.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::remote::{Fetched, RemoteError, RemoteReference};

/// The size beyond which a file is refused: nobody writes such a one, and its tree takes many times as much.
const MAX_BYTES: usize = 64 << 20;
/// `/dev/null`, the one device that is a file worth reading.
const NULL_DEVICE: u64 = libc::makedev(1, 3);

/// Reads the files that a load asks for.
pub trait Files {
    /// The text of a file; `-` is standard input.
    ///
    /// # Errors
    /// Whatever reading it or decoding it as UTF-8 says.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// Whether there is a file at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// `path` without symbolic links; `None` when there is nothing.
    fn canonicalize(&self, path: &Path) -> Option<PathBuf>;

    /// Brings what `reference` names to this machine; [`super::localize`] asks.
    ///
    /// # Errors
    /// [`RemoteError::LocalOnly`] from a reader that does not fetch, as this one.
    fn fetch(&self, reference: &RemoteReference) -> Result<Fetched, RemoteError> {
        Err(RemoteError::LocalOnly { reference: reference.name() })
    }
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostFiles;

impl Files for HostFiles {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == Path::new("-") {
            return text(io::stdin().lock());
        }
        // Not `fs_err`: `LoadError::Read` names the path, and a path should be named once.
        // A FIFO that nobody writes to would keep the open waiting.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
        let metadata = file.metadata()?;
        check_kind(path, &file, &metadata)?;
        // What comes through a pipe has to be waited for.
        rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty())?;
        text(file)
    }

    fn exists(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_dir())
    }

    fn canonicalize(&self, path: &Path) -> Option<PathBuf> {
        std::fs::canonicalize(path).ok()
    }
}

/// Lets files pass, and what a shell puts in the place of one: a pipe or terminal that is open already.
fn check_kind(path: &Path, file: &File, metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // A FIFO in a directory has a path; a pipe is a link below `/proc` to what is none.
    let is_pipe = || kind.is_fifo() && path.canonicalize().is_err();
    let is_terminal = || io::IsTerminal::is_terminal(file);
    if kind.is_file() || is_pipe() || is_terminal() || (kind.is_char_device() && metadata.rdev() == NULL_DEVICE) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
}

fn text(reader: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        let message = format!("it is larger than {} MiB", MAX_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    decode(bytes)
}

/// UTF-8, or UTF-16 with a byte order mark, as some shells of Windows write files.
fn decode(bytes: Vec<u8>) -> io::Result<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => {
            return String::from_utf8(bytes)
                .map_err(|error| not_utf8(error.as_bytes(), error.utf8_error().valid_up_to()));
        }
    };
    let (pairs, rest) = bytes[2..].as_chunks();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    match String::from_utf16(&units) {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-16, as its first two bytes say")),
    }
}

fn not_utf8(bytes: &[u8], at: usize) -> io::Error {
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let column = String::from_utf8_lossy(&bytes[start..at]).chars().count() + 1;
    let message = format!("it is not UTF-8: byte 0x{:02x} at line {line}, column {column}", bytes[at]);
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    fn read(bytes: &[u8]) -> Result<String, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        HostFiles.read(file.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn encodings() {
        let utf16 = |text: &str, bytes: fn(u16) -> [u8; 2]| {
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>()
        };
        for (bytes, expected) in [
            ("é: 1".as_bytes().to_vec(), Ok("é: 1")),
            (utf16("é: 1", u16::to_le_bytes), Ok("é: 1")),
            (utf16("é: 1", u16::to_be_bytes), Ok("é: 1")),
            (vec![], Ok("")),
            (b"a: 1\n# caf\xe9\n".to_vec(), Err("it is not UTF-8: byte 0xe9 at line 2, column 6")),
            (b"\xc3".to_vec(), Err("it is not UTF-8: byte 0xc3 at line 1, column 1")),
            (b"\xff\xfea".to_vec(), Err("it is not UTF-16, as its first two bytes say")),
            (b"\xff\xfe\x00\xd8".to_vec(), Err("it is not UTF-16, as its first two bytes say")),
        ] {
            assert_eq!(read(&bytes).as_deref().map_err(String::as_str), expected);
        }
    }

    #[test]
    fn size() {
        assert_eq!(read(&vec![b'#'; MAX_BYTES]).unwrap().len(), MAX_BYTES);
        assert_eq!(read(&vec![b'#'; MAX_BYTES + 1]).unwrap_err(), "it is larger than 64 MiB");
    }

    #[test]
    fn what_is_not_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        nix::unistd::mkfifo(&path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        std::os::unix::fs::symlink(path("b"), path("a")).unwrap();
        std::os::unix::fs::symlink(path("a"), path("b")).unwrap();
        let error = |path: &Path| HostFiles.read(path).unwrap_err().to_string();
        assert_eq!(error(directory.path()), "is a directory");
        assert_eq!(error(&path("fifo")), "it is not a regular file");
        assert_eq!(error(Path::new("/dev/zero")), "it is not a regular file");
        assert!(error(&path("socket")).starts_with("No such device or address"));
        assert!(error(&path("a")).starts_with("Too many levels of symbolic links"));
        assert_eq!(HostFiles.read(Path::new("/dev/null")).unwrap(), "");
        assert!(!HostFiles.exists(directory.path()) && !HostFiles.exists(&path("a")));
    }

    #[test]
    fn pipes_that_are_open_already() {
        let (reader, mut writer) = io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        assert!(HostFiles.exists(Path::new(&path)));
        let thread = std::thread::spawn(move || HostFiles.read(Path::new(&path)).unwrap());
        writer.write_all(b"a: ").unwrap();
        std::thread::yield_now();
        writer.write_all(b"1").unwrap();
        drop(writer);
        assert_eq!(thread.join().unwrap(), "a: 1");
        drop(reader);
    }
}
