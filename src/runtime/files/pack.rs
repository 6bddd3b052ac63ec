//! Files to a tar archive.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags, makedev};
use tar::{Builder, EntryType, Header};

use super::{Files, FilesError};
use crate::sys::{Owner, RootDir, reopen};

/// Deeper than any tree that people make; less than what exhausts descriptors.
const MAX_DEPTH: usize = 500;

/// The kernel's limits of a list of names and of a value, both 64 KiB. See `xattr(7)`.
const MAX_XATTR: usize = 65536;

/// As much as is read at once, in bytes.
const CHUNK: usize = 256 * 1024;

/// An archive is made of so many bytes, and these.
const BLOCK: usize = 512;

/// File systems by which the kernel shows itself: nothing of them is a file to be kept. See `statfs(2)`.
const OF_THE_KERNEL: [u64; 9] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x27_e0eb,   // cgroup
    0x6367_7270, // cgroup2
    0x1cd1,      // devpts
    0x1980_0202, // mqueue
    0x6462_6720, // debugfs
    0x7363_6673, // securityfs
    0xcafe_4a11, // bpf
];

/// How far an archive reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// To all that is mounted below, but for what is the kernel's.
    Mounts,
    /// To what is on the mount of the first file: where something else is mounted, there is an empty place.
    OneMount,
}

impl Files {
    /// Writes what is at `path` as a tar archive, in which it is called `name`; without a name, of a directory, only what is
    /// in it. A symlink at `path` is followed if asked to; those below never are.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn pack(
        &self,
        path: &Path,
        follow: bool,
        name: &OsStr,
        extent: Extent,
        out: &mut dyn Write,
    ) -> Result<(), FilesError> {
        let read = |source| FilesError::Read { path: path.to_owned(), source };
        let entry = self.open(path, follow).map_err(read)?;
        let status = status(&entry).map_err(read)?;
        let mut contents = InPlace;
        let mut packer = Packer::new(self, extent, Form::Tree, &mut contents, out);
        packer.add(&entry, &status, Path::new(name), 0)?;
        packer.finish()
    }
}

/// Where the contents of files are that have all else.
pub trait Contents {
    /// The content of the file of this status, as many bytes as that says, if it is not in the file. Asked once for each file.
    fn of(&mut self, status: &Statx) -> Option<Box<dyn Read + '_>>;
}

/// They are in the files.
#[derive(Debug, Clone, Copy)]
pub struct InPlace;

impl Contents for InPlace {
    fn of(&mut self, _: &Statx) -> Option<Box<dyn Read + '_>> {
        None
    }
}

/// Writes a writable layer of an overlay as a layer of an image: what was removed is told by names that begin with `.wh.`. See
/// <https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>.
///
/// # Errors
/// [`FilesError`].
pub fn pack_layer(directory: &Path, contents: &mut dyn Contents, out: &mut dyn Write) -> Result<(), FilesError> {
    let read = |source| FilesError::Read { path: directory.to_owned(), source };
    let files = Files::below(RootDir::open(directory).map_err(read)?);
    let root = files.open(Path::new(""), true).map_err(read)?;
    let status = status(&root).map_err(read)?;
    let mut packer = Packer::new(&files, Extent::Mounts, Form::Layer, contents, out);
    packer.add(&root, &status, Path::new(""), 0)?;
    packer.finish()
}

/// What the archive is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Tree,
    Layer,
}

struct Packer<'a> {
    files: &'a Files,
    extent: Extent,
    form: Form,
    contents: &'a mut dyn Contents,
    tar: Builder<&'a mut dyn Write>,
    /// For what is read.
    buffer: Vec<u8>,
    /// The first names of files that have several, by device and inode.
    links: HashMap<(u64, u64), PathBuf>,
}

impl<'a> Packer<'a> {
    fn new(
        files: &'a Files,
        extent: Extent,
        form: Form,
        contents: &'a mut dyn Contents,
        out: &'a mut dyn Write,
    ) -> Self {
        Self { files, extent, form, contents, tar: Builder::new(out), buffer: vec![0; CHUNK], links: HashMap::new() }
    }

    fn finish(mut self) -> Result<(), FilesError> {
        self.tar.finish().map_err(FilesError::Output)?;
        self.tar.into_inner().and_then(|out| out.flush()).map_err(FilesError::Output)
    }

    /// Adds an entry, and everything below it. The one without a name is what all of them are in.
    fn add(&mut self, entry: &OwnedFd, status: &Statx, name: &Path, depth: usize) -> Result<(), FilesError> {
        let kind = FileType::from_raw_mode(status.stx_mode.into());
        if depth > MAX_DEPTH {
            return Err(FilesError::TooDeep { path: name.to_owned() });
        }
        if kind == FileType::Directory {
            if !name.as_os_str().is_empty() {
                self.directory(entry, status, name)?;
            }
            return self.below(entry, status, name, depth);
        }
        let device = (u64::from(status.stx_rdev_major), u64::from(status.stx_rdev_minor));
        if self.form == Form::Layer && kind == FileType::CharacterDevice && device == (0, 0) {
            return self.whiteout(name);
        }
        // Only a process can make a socket.
        if kind == FileType::Socket {
            return Ok(());
        }
        if status.stx_nlink > 1 {
            let inode = (makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino);
            if let Some(first) = self.links.get(&inode).cloned() {
                return self.link(EntryType::Link, status, name, &first);
            }
            self.links.insert(inode, name.to_owned());
        }
        match kind {
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(entry, "", Vec::new());
                let target =
                    target.map_err(|errno| FilesError::Read { path: name.to_owned(), source: errno.into() })?;
                self.link(EntryType::Symlink, status, name, Path::new(&OsString::from_vec(target.into_bytes())))
            }
            FileType::RegularFile => self.file(entry, status, name),
            _ => self.node(kind, status, name),
        }
    }

    fn directory(&mut self, entry: &OwnedFd, status: &Statx, name: &Path) -> Result<(), FilesError> {
        let opened = reopen(entry, OFlags::RDONLY | OFlags::DIRECTORY);
        self.xattrs(&opened.map_err(|source| FilesError::Read { path: name.to_owned(), source })?, name)?;
        let mut header = self.header(EntryType::Directory, status);
        self.tar.append_data(&mut header, name, io::empty()).map_err(FilesError::Output)
    }

    /// What is in a directory, by name.
    fn below(&mut self, entry: &OwnedFd, status: &Statx, name: &Path, depth: usize) -> Result<(), FilesError> {
        let read = |path: &Path, source: io::Error| FilesError::Read { path: path.to_owned(), source };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory =
            rustix::fs::openat(entry, ".", flags, Mode::empty()).map_err(|errno| read(name, errno.into()))?;
        let mut names = Vec::new();
        for child in Dir::read_from(&directory).map_err(|errno| read(name, errno.into()))? {
            let child = child.map_err(|errno| read(name, errno.into()))?;
            if ![c".", c".."].contains(&child.file_name()) {
                names.push(child.file_name().to_owned());
            }
        }
        names.sort_unstable();
        if self.form == Form::Layer && is_opaque(entry) {
            self.marker(&name.join(".wh..wh..opq"))?;
        }
        for child in names {
            let path = name.join(OsStr::from_bytes(child.as_bytes()));
            let Some(entry) = open_child(&directory, &child).map_err(|error| read(&path, error))? else { continue };
            let mut of_child = self::status(&entry).map_err(|error| read(&path, error))?;
            if of_child.stx_mnt_id == status.stx_mnt_id {
                self.add(&entry, &of_child, &path, depth + 1)?;
            } else if self.extent == Extent::OneMount || is_of_kernel(&entry) {
                self.place(&entry, &mut of_child, &path)?;
            } else {
                self.add(&entry, &of_child, &path, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Where something is mounted: an empty directory or file.
    fn place(&mut self, entry: &OwnedFd, status: &mut Statx, name: &Path) -> Result<(), FilesError> {
        match FileType::from_raw_mode(status.stx_mode.into()) {
            FileType::Directory => self.directory(entry, status, name),
            _ => {
                let mut header = self.header(EntryType::Regular, status);
                self.tar.append_data(&mut header, name, io::empty()).map_err(FilesError::Output)
            }
        }
    }

    fn file(&mut self, entry: &OwnedFd, status: &Statx, name: &Path) -> Result<(), FilesError> {
        let read = |source| FilesError::Read { path: name.to_owned(), source };
        let file = reopen(entry, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY).map_err(read)?;
        self.xattrs(&file, name)?;
        let mut header = self.header(EntryType::Regular, status);
        header.set_size(status.stx_size);
        // What is in it follows by itself: the builder would take it in small pieces.
        self.tar.append_data(&mut header, name, io::empty()).map_err(FilesError::Output)?;
        let mut file = File::from(file);
        let mut deferred = self.contents.of(status);
        let content: &mut dyn Read = match &mut deferred {
            Some(content) => &mut **content,
            None => &mut file,
        };
        copy_exactly(content, status.stx_size, &mut self.buffer, self.tar.get_mut(), name)
    }

    fn link(&mut self, kind: EntryType, status: &Statx, name: &Path, target: &Path) -> Result<(), FilesError> {
        let mut header = self.header(kind, status);
        self.tar.append_link(&mut header, name, target).map_err(FilesError::Output)
    }

    fn node(&mut self, kind: FileType, status: &Statx, name: &Path) -> Result<(), FilesError> {
        let mut header = self.header(
            match kind {
                FileType::CharacterDevice => EntryType::Char,
                FileType::BlockDevice => EntryType::Block,
                _ => EntryType::Fifo,
            },
            status,
        );
        let set = header.set_device_major(status.stx_rdev_major);
        set.and_then(|()| header.set_device_minor(status.stx_rdev_minor)).map_err(FilesError::Output)?;
        self.tar.append_data(&mut header, name, io::empty()).map_err(FilesError::Output)
    }

    fn whiteout(&mut self, name: &Path) -> Result<(), FilesError> {
        let mut marker = OsString::from(".wh.");
        marker.push(name.file_name().unwrap_or_default());
        self.marker(&name.with_file_name(marker))
    }

    /// An empty file that says something of lower layers.
    fn marker(&mut self, name: &Path) -> Result<(), FilesError> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_size(0);
        self.tar.append_data(&mut header, name, io::empty()).map_err(FilesError::Output)
    }

    fn header(&self, kind: EntryType, status: &Statx) -> Header {
        let owner = self.files.inside(Owner { uid: status.stx_uid, gid: status.stx_gid });
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(u32::from(status.stx_mode) & 0o7777);
        header.set_uid(owner.uid.into());
        header.set_gid(owner.gid.into());
        header.set_mtime(u64::try_from(status.stx_mtime.tv_sec).unwrap_or_default());
        header.set_size(0);
        header
    }

    /// The extended attributes of an entry, which is open, ahead of it.
    fn xattrs(&mut self, entry: &OwnedFd, name: &Path) -> Result<(), FilesError> {
        let read = |source| FilesError::Read { path: name.to_owned(), source };
        let found = xattrs(entry, &mut self.buffer[..MAX_XATTR]).map_err(read)?;
        if found.is_empty() {
            return Ok(());
        }
        let records: Vec<(String, Vec<u8>)> =
            found.into_iter().map(|(key, value)| (format!("SCHILY.xattr.{key}"), value)).collect();
        let records = records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        self.tar.append_pax_extensions(records).map_err(FilesError::Output)
    }
}

fn status(entry: &OwnedFd) -> io::Result<Statx> {
    Ok(rustix::fs::statx(entry, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?)
}

/// A descriptor of an entry of a directory; `None` when it is gone since its name was read.
fn open_child(directory: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Ok(entry) => Ok(Some(entry)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[expect(clippy::cast_sign_loss, reason = "a number that names a kind of file system")]
fn is_of_kernel(entry: &OwnedFd) -> bool {
    rustix::fs::fstatfs(entry).is_ok_and(|status| OF_THE_KERNEL.contains(&(status.f_type as u64)))
}

/// Whether nothing of lower layers shows in this directory of a layer.
fn is_opaque(entry: &OwnedFd) -> bool {
    let mut value = [0; 8];
    let directory = reopen(entry, OFlags::RDONLY | OFlags::DIRECTORY);
    let length = directory
        .map_err(|_| rustix::io::Errno::NODATA)
        .and_then(|directory| rustix::fs::fgetxattr(directory, "trusted.overlay.opaque", &mut value[..]));
    length.is_ok_and(|length| &value[..length] == b"y")
}

/// The extended attributes of an open file that mean something elsewhere: not the notes of an overlay, nor the labels of security
/// modules. `names` has room for their names.
fn xattrs(file: &OwnedFd, names: &mut [u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let length = match rustix::fs::flistxattr(file, &mut *names) {
        Ok(length) => length,
        Err(rustix::io::Errno::NOTSUP) => return Ok(Vec::new()),
        Err(errno) => return Err(errno.into()),
    };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok()) {
        let is_wanted = name == "security.capability"
            || name.starts_with("system.posix_acl_")
            || (name.starts_with("user.") && !name.starts_with("user.overlay."));
        if is_wanted {
            let mut value = vec![0; MAX_XATTR];
            let length = rustix::fs::fgetxattr(file, name, &mut value[..])?;
            value.truncate(length);
            found.push((name.to_owned(), value));
        }
    }
    found.sort();
    Ok(found)
}

/// Writes `size` bytes of a file, and zeros up to the next header. Of one that somebody writes to, it is as much as was told, with
/// zeros for what it does not have any more: the archive would be none otherwise.
fn copy_exactly(
    file: &mut dyn Read,
    size: u64,
    buffer: &mut [u8],
    out: &mut dyn Write,
    name: &Path,
) -> Result<(), FilesError> {
    let mut left = size;
    while left > 0 {
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = match file.read(&mut buffer[..wanted]) {
            Ok(0) => {
                buffer[..wanted].fill(0);
                wanted
            }
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(FilesError::Read { path: name.to_owned(), source }),
        };
        out.write_all(&buffer[..count]).map_err(FilesError::Output)?;
        left -= count as u64;
    }
    let beyond = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    let padding = if beyond == 0 { 0 } else { BLOCK - beyond };
    out.write_all(&[0; BLOCK][..padding]).map_err(FilesError::Output)
}
