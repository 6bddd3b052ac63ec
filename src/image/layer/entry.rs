//! One tar entry as a layer means it: names checked, whiteouts recognised, PAX records read.
//!
//! See <https://github.com/opencontainers/image-spec/blob/main/layer.md>.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Timespec};
use tar::EntryType;

use super::LayerError;
use crate::sys::Owner;

/// Directories below one another. Deeper trees than this exist to break what walks them.
const MAX_DEPTH: usize = 256;

/// A tar entry. Paths are relative to the root of the layer and hold names only; an empty one is the root itself.
#[derive(Debug, PartialEq)]
pub(super) struct Member {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) metadata: Metadata,
}

/// What a member asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    /// A regular file with the content that follows.
    File,
    Directory,
    /// A symlink to this, stored as it is.
    Symlink(PathBuf),
    /// Another name of this member.
    Hardlink(PathBuf),
    /// A device or fifo.
    Node {
        file_type: FileType,
        major: u32,
        minor: u32,
    },
    /// The member's path does not exist although a lower layer has it.
    Whiteout,
    /// The member's path, a directory, shows nothing of lower layers.
    Opaque,
    /// Nothing to unpack.
    Ignored,
}

#[derive(Debug, PartialEq)]
pub(super) struct Metadata {
    pub(super) owner: Owner,
    /// Permission bits with setuid, setgid and sticky.
    pub(super) mode: u32,
    pub(super) modified: Timespec,
    pub(super) xattrs: Vec<(OsString, Vec<u8>)>,
}

impl Member {
    pub(super) fn read<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Self, LayerError> {
        let name = PathBuf::from(OsString::from_vec(entry.path_bytes().into_owned()));
        let refused = |reason| LayerError::Refused { path: name.clone(), reason };
        let mut path = normalised(&name).map_err(refused)?;
        let metadata = Metadata::read(entry).map_err(refused)?;
        let kind = match whiteout(&path).map_err(refused)? {
            Some((whited, kind)) => {
                path = whited;
                kind
            }
            None => kind(entry, &name).map_err(refused)?,
        };
        if path.as_os_str().is_empty() && !matches!(kind, Kind::Directory | Kind::Opaque | Kind::Ignored) {
            return Err(refused("the root of a layer is a directory"));
        }
        Ok(Self { path, kind, metadata })
    }
}

/// `path` as names below the root. An absolute path starts at the root of the layer.
fn normalised(path: &Path) -> Result<PathBuf, &'static str> {
    let mut names = PathBuf::new();
    for (depth, component) in path.components().enumerate() {
        match component {
            Component::Normal(_) if depth > MAX_DEPTH => return Err("the path is too deep"),
            Component::Normal(name) => names.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return Err("the path has a `..`"),
        }
    }
    Ok(names)
}

/// The path that a whiteout file stands for, and how.
fn whiteout(path: &Path) -> Result<Option<(PathBuf, Kind)>, &'static str> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let Some(hidden) = name.strip_prefix(b".wh.") else { return Ok(None) };
    let parent = path.parent().unwrap_or(Path::new(""));
    match hidden {
        b".wh..opq" => Ok(Some((parent.to_owned(), Kind::Opaque))),
        // What aufs kept for itself.
        _ if hidden.starts_with(b".wh.") => Ok(Some((path.to_owned(), Kind::Ignored))),
        b"" | b"." | b".." => Err("a whiteout of nothing"),
        _ => Ok(Some((parent.join(OsStr::from_bytes(hidden)), Kind::Whiteout))),
    }
}

fn kind<R: Read>(entry: &tar::Entry<'_, R>, name: &Path) -> Result<Kind, &'static str> {
    let link = || entry.link_name_bytes().filter(|link| !link.is_empty()).ok_or("a link to nothing");
    let node = |file_type| {
        let device = |number: std::io::Result<Option<u32>>| number.ok().flatten().ok_or("a device without number");
        let (major, minor) = (device(entry.header().device_major())?, device(entry.header().device_minor())?);
        Ok(Kind::Node { file_type, major, minor })
    };
    match entry.header().entry_type() {
        // Archives of before POSIX mark a directory by nothing but the slash.
        EntryType::Regular if name.as_os_str().as_bytes().ends_with(b"/") => Ok(Kind::Directory),
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Ok(Kind::File),
        EntryType::Directory => Ok(Kind::Directory),
        EntryType::Symlink => Ok(Kind::Symlink(PathBuf::from(OsString::from_vec(link()?.into_owned())))),
        EntryType::Link => {
            let original = normalised(Path::new(OsStr::from_bytes(&link()?)))?;
            if original.as_os_str().is_empty() { Err("a hard link to the root") } else { Ok(Kind::Hardlink(original)) }
        }
        EntryType::Char => node(FileType::CharacterDevice),
        EntryType::Block => node(FileType::BlockDevice),
        EntryType::Fifo => Ok(Kind::Node { file_type: FileType::Fifo, major: 0, minor: 0 }),
        EntryType::XGlobalHeader => Ok(Kind::Ignored),
        _ => Err("an unknown type of entry"),
    }
}

impl Metadata {
    fn read<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Self, &'static str> {
        let broken = "a header field is no number";
        // PAX records of the owner have replaced these fields already.
        let id = |field: &[u8], number: std::io::Result<u64>| match number.map(u32::try_from) {
            // All ones means "leave as it is" to chown(2).
            Ok(Ok(id)) if id != u32::MAX => Ok(id),
            Ok(_) => Err("an owner beyond 32 bits"),
            Err(_) if is_blank(field) => Ok(0),
            Err(_) => Err(broken),
        };
        let header = entry.header();
        let fields = header.as_old();
        let mut metadata = Self {
            owner: Owner { uid: id(&fields.uid, header.uid())?, gid: id(&fields.gid, header.gid())? },
            mode: header.mode().or(if is_blank(&fields.mode) { Ok(0) } else { Err(broken) })? & 0o7777,
            // Times before 1970 come out as huge numbers; they are set to 1970, as Docker does.
            modified: Timespec { tv_sec: header.mtime().ok().and_then(|n| n.try_into().ok()).unwrap_or(0), tv_nsec: 0 },
            xattrs: Vec::new(),
        };
        for record in entry.pax_extensions().ok().flatten().into_iter().flatten() {
            let record = record.map_err(|_| "a broken PAX record")?;
            let (key, value) = (record.key_bytes(), record.value_bytes());
            if key == b"mtime" {
                metadata.modified = pax_time(value).ok_or("a broken PAX time")?;
            } else if key.starts_with(b"GNU.sparse.") {
                return Err("a sparse file in PAX format");
            } else if let Some(name) = key.strip_prefix(b"SCHILY.xattr.").filter(|name| is_wanted_xattr(name)) {
                metadata.xattrs.push((OsString::from_vec(name.to_vec()), value.to_vec()));
            }
        }
        Ok(metadata)
    }
}

/// Whether a numeric field was left out, which some builders do for zero.
fn is_blank(field: &[u8]) -> bool {
    field.iter().all(|byte| matches!(byte, 0 | b' '))
}

/// Whether an image may set the attribute. `*.overlay.*` would steer the overlay mount (redirects into other
/// directories), and labels of the security modules of the machine that built the image mean nothing on this one.
fn is_wanted_xattr(name: &[u8]) -> bool {
    name == b"security.capability"
        || name.starts_with(b"system.posix_acl_")
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

/// Seconds since 1970 with an optional sign and fraction: `1700000000.123456789`.
fn pax_time(text: &[u8]) -> Option<Timespec> {
    let text = std::str::from_utf8(text).ok()?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    // A negative time is set to 1970: the fraction counts the other way there, and nobody needs it.
    match (seconds.parse().ok()?, digits.parse().ok()?) {
        (0.., _) if seconds.starts_with('-') => Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
        (tv_sec @ 0.., tv_nsec) => Some(Timespec { tv_sec, tv_nsec }),
        _ => Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whiteouts_are_recognised() {
        let check = |text: &str| whiteout(Path::new(text));
        assert_eq!(check("a/file"), Ok(None));
        assert_eq!(check("a/.wh.file"), Ok(Some(("a/file".into(), Kind::Whiteout))));
        assert_eq!(check(".wh.file"), Ok(Some(("file".into(), Kind::Whiteout))));
        assert_eq!(check("a/.wh..wh..opq"), Ok(Some(("a".into(), Kind::Opaque))));
        assert_eq!(check(".wh..wh..opq"), Ok(Some(("".into(), Kind::Opaque))));
        assert_eq!(check(".wh..wh.plnk"), Ok(Some((".wh..wh.plnk".into(), Kind::Ignored))));
        for text in [".wh.", "a/.wh..", "a/.wh..."] {
            assert_eq!(check(text), Err("a whiteout of nothing"), "{text}");
        }
    }

    #[test]
    fn times() {
        let check = |text: &str| pax_time(text.as_bytes()).map(|time| (time.tv_sec, time.tv_nsec));
        assert_eq!(check("1700000000"), Some((1_700_000_000, 0)));
        assert_eq!(check("1.5"), Some((1, 500_000_000)));
        assert_eq!(check("1.1234567899"), Some((1, 123_456_789)));
        assert_eq!(check("-1.5"), Some((0, 0)));
        assert_eq!(check("-0.5"), Some((0, 0)));
        for text in ["", "x", "1.x", "99999999999999999999"] {
            assert_eq!(check(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_normalised_path_stays_below_the_root(path in r"(\.{0,3}/{0,2}[a-b.]{0,3}/?){0,6}") {
            match normalised(Path::new(&path)) {
                Ok(names) => {
                    prop_assert!(names.components().all(|component| matches!(component, Component::Normal(_))));
                    prop_assert_eq!(normalised(&names), Ok(names));
                }
                Err(_) => prop_assert!(path.split('/').any(|name| name == "..")),
            }
        }

        #[test]
        fn no_whiteout_names_a_way_up(name in r"(\.wh)?\.{0,4}(wh\.)?[a-b.]{0,3}") {
            if let Ok(Some((path, _))) = whiteout(&Path::new("a").join(&name)) {
                prop_assert!(path.starts_with("a") && !path.ends_with(".."));
            }
        }
    }
}
