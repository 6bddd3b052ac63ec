//! Layers as builders make them, and layers made to break out.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

use super::*;

/// A tar archive under construction, with names written as they are: [`tar::Builder`] refuses the hostile ones.
#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn entry(mut self, kind: u8, name: &[u8], link: &[u8], content: &[u8]) -> Self {
        let header = header(kind, name, link, content.len() as u64);
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.entry(b'0', name.as_bytes(), b"", content.as_bytes())
    }

    fn directory(self, name: &str) -> Self {
        self.entry(b'5', name.as_bytes(), b"", b"")
    }

    fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(b'2', name.as_bytes(), target.as_bytes(), b"")
    }

    fn hardlink(self, name: &str, original: &str) -> Self {
        self.entry(b'1', name.as_bytes(), original.as_bytes(), b"")
    }

    /// PAX records for the next entry.
    fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut text = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let length = (1..6).map(|digits| rest + digits).find(|length| length.to_string().len() + rest == *length);
            text.extend_from_slice(format!("{} {key}=", length.unwrap()).as_bytes());
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        self.entry(b'x', b"pax", b"", &text)
    }
}

fn header(kind: u8, name: &[u8], link: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.as_old_mut().linkflag = [kind];
    header.set_size(size);
    header.set_mode(if kind == b'5' { 0o755 } else { 0o644 });
    header.set_mtime(1_600_000_000);
    header.set_uid(0);
    header.set_gid(0);
    header.set_device_major(0).unwrap();
    header.set_device_minor(0).unwrap();
    header.set_cksum();
    header
}

/// A directory `root` to unpack into, beside a directory `outside` with a file that no layer may touch.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["root", "outside"] {
            fs_err::create_dir(directory.path().join(name)).unwrap();
        }
        fs_err::write(directory.path().join("outside/secret"), "secret").unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("root").join(name)
    }

    fn apply(&self, archive: &Archive) -> Result<Digest, LayerError> {
        let root = RootDir::open(&self.path("")).unwrap();
        let mut bytes = archive.0.clone();
        bytes.resize(bytes.len() + 1024, 0);
        apply(HashingReader::new(&bytes[..]), 1024, &root)
    }

    fn is_untouched_outside(&self) -> bool {
        let outside = self.directory.path().join("outside");
        let secret = fs_err::metadata(outside.join("secret")).unwrap();
        fs_err::read_to_string(outside.join("secret")).unwrap() == "secret"
            && fs_err::read_dir(&outside).unwrap().count() == 1
            && secret.nlink() == 1
            && secret.mode() & 0o7777 == 0o644
            && fs_err::read_dir(self.directory.path()).unwrap().count() == 2
    }
}

fn xattr(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 256];
    let length = rustix::fs::lgetxattr(path, name, &mut value[..]).ok()?;
    value.truncate(length);
    Some(value)
}

fn is_whiteout(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|status| status.file_type().is_char_device() && status.rdev() == 0)
}

/// Whiteouts, owners and `trusted.*` attributes need root; says so when the test cannot run.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        use std::io::Write;
        let _ = writeln!(io::stderr(), "skipped: unpacking a layer needs root");
    }
    root
}

#[test]
fn a_layer_is_unpacked_with_its_metadata() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let mut tool = header(b'0', b"usr/bin/tool", b"", 0);
    tool.set_mode(0o4755);
    tool.set_uid(7);
    tool.set_gid(8);
    tool.set_cksum();
    let mut archive = Archive::default()
        .directory("./")
        .directory("usr/")
        .pax(&[("mtime", b"1500000000.25"), ("SCHILY.xattr.user.note", b"a\0b"), ("uid", b"70000")])
        .file("usr/note", "text")
        .symlink("usr/link", "/etc/../note")
        .hardlink("usr/same", "/usr/note")
        .entry(b'6', b"pipe", b"", b"");
    archive.0.extend_from_slice(tool.as_bytes());
    let digest = place.apply(&archive).unwrap();

    let mut tar = archive.0.clone();
    tar.resize(tar.len() + 1024, 0);
    assert_eq!(digest, Digest::of(&tar));
    let note = fs_err::metadata(place.path("usr/note")).unwrap();
    assert_eq!(fs_err::read_to_string(place.path("usr/same")).unwrap(), "text");
    assert_eq!((note.mtime(), note.mtime_nsec(), note.uid(), note.nlink()), (1_500_000_000, 250_000_000, 70_000, 2));
    assert_eq!(xattr(&place.path("usr/note"), "user.note").as_deref(), Some(&b"a\0b"[..]));
    assert_eq!(fs_err::read_link(place.path("usr/link")).unwrap(), Path::new("/etc/../note"));
    assert!(fs_err::metadata(place.path("pipe")).unwrap().file_type().is_fifo());
    let tool = fs_err::metadata(place.path("usr/bin/tool")).unwrap();
    assert_eq!((tool.mode() & 0o7777, tool.uid(), tool.gid()), (0o4755, 7, 8));
    let mtime = |name: &str| fs_err::metadata(place.path(name)).unwrap().mtime();
    assert_eq!((mtime("usr"), mtime("")), (1_600_000_000, 1_600_000_000));
    assert_eq!(fs_err::metadata(place.path("usr/bin")).unwrap().permissions().mode() & 0o7777, 0o755);
}

#[test]
fn whiteouts_become_what_overlayfs_reads() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let archive = Archive::default()
        .file("etc/.wh.gone", "")
        .file("var/cache/.wh..wh..opq", "")
        .file("var/cache/kept", "1")
        .file(".wh..wh.plnk/1", "")
        // Removed below and made anew here, in either order: a file hides what is below it, a directory must say so.
        .file(".wh.file", "")
        .file("file", "new")
        .file("again", "new")
        .file(".wh.again", "")
        .file(".wh.tree", "")
        .directory("tree/")
        .directory("forest/")
        .file("forest/oak", "")
        .file(".wh.forest", "");
    place.apply(&archive).unwrap();
    assert!(is_whiteout(&place.path("etc/gone")));
    let opaque = |name: &str| xattr(&place.path(name), "trusted.overlay.opaque").as_deref() == Some(b"y");
    assert!(opaque("var/cache") && opaque("tree") && opaque("forest") && !opaque("var"));
    assert!(place.path("var/cache/kept").is_file() && place.path("forest/oak").is_file());
    for name in ["file", "again"] {
        assert_eq!(fs_err::read_to_string(place.path(name)).unwrap(), "new");
    }
}

#[test]
fn a_later_entry_replaces_an_earlier_one() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let archive = Archive::default()
        .directory("tree/")
        .file("tree/deep/file", "1")
        .file("tree", "a file now")
        .file("file", "1")
        .file("file", "2")
        .symlink("link", "file")
        .file("link", "no link now")
        .file("becomes", "")
        .directory("becomes/");
    place.apply(&archive).unwrap();
    let text = |name: &str| fs_err::read_to_string(place.path(name)).unwrap();
    assert_eq!((text("tree"), text("file"), text("link")), ("a file now".into(), "2".into(), "no link now".into()));
    assert!(place.path("becomes").is_dir());
}

#[test]
fn names_need_not_be_utf_8() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    place.apply(&Archive::default().entry(b'0', b"caf\xe9", b"", b"text")).unwrap();
    let name = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9");
    assert!(self::Place::path(&place, "").join(name).is_file());
}

/// Each layer tries to leave the directory, and must end in the given error.
#[test]
fn hostile_entries_are_refused() {
    let place = Place::new();
    let outside = place.directory.path().join("outside");
    let outside = outside.to_str().unwrap();
    let new = Archive::default;
    let huge = {
        let mut header = header(b'0', b"huge", b"", 0);
        // A number in binary, beyond 2^63.
        header.as_old_mut().size = [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        header.set_cksum();
        Archive(header.as_bytes().to_vec())
    };
    for (archive, message) in [
        (new().file("../outside/made", "x"), "the path has a `..`"),
        (new().file("a/../../outside/made", "x"), "the path has a `..`"),
        (new().file(".wh...", "x"), "a whiteout of nothing"),
        (new().file(".wh.", "x"), "a whiteout of nothing"),
        (new().hardlink("linked", "../outside/secret"), "the path has a `..`"),
        (new().hardlink("linked", &format!("{outside}/secret")), "cannot unpack layer entry `linked`"),
        (new().hardlink("linked", "missing"), "cannot unpack layer entry `linked`"),
        (new().symlink("up", "../outside").hardlink("linked", "up/secret"), "cannot unpack layer entry `linked`"),
        (new().symlink("up", "../outside").file("up/made", "x"), "cannot unpack layer entry `up/made`"),
        (new().symlink("out", outside).file("out/made", "x"), "cannot unpack layer entry `out/made`"),
        (new().symlink("out", outside).directory("out/made/"), "cannot unpack layer entry `out/made`"),
        (new().symlink("out", outside).file("out/.wh.secret", ""), "cannot unpack layer entry `out/secret`"),
        (new().symlink("out", outside).file("out/.wh..wh..opq", ""), "cannot unpack layer entry `out`"),
        (new().symlink("proc", "/proc/self/root").file("proc/made", "x"), "cannot unpack layer entry `proc/made`"),
        (new().file("", "x"), "the root of a layer is a directory"),
        (new().symlink("/", "/etc"), "the root of a layer is a directory"),
        (new().entry(b'2', b"link", b"", b""), "a link to nothing"),
        (new().entry(b'V', b"volume", b"", b""), "an unknown type of entry"),
        (new().directory(&"d/".repeat(45)).pax(&[("path", "d/".repeat(600).as_bytes())]).file("x", ""), "too deep"),
        (new().pax(&[("uid", b"4294967295")]).file("x", ""), "an owner beyond 32 bits"),
        (new().pax(&[("GNU.sparse.major", b"1")]).file("x", ""), "a sparse file in PAX format"),
        (new().pax(&[("mtime", b"soon")]).file("x", ""), "a broken PAX time"),
        (new().pax(&[("size", b"18446744073709551615")]).file("x", "y"), "cannot read the layer"),
        (huge, "cannot read the layer"),
        (Archive(vec![b'x'; 600]), "cannot read the layer"),
    ] {
        let error = place.apply(&archive).expect_err(message).to_string();
        assert!(error.contains(message), "{error}, expected {message}");
        assert!(place.is_untouched_outside(), "{message}");
    }
}

#[test]
fn a_layer_that_breaks_off_is_an_error() {
    let place = Place::new();
    let root = RootDir::open(&place.path("")).unwrap();
    let archive = Archive::default().directory("tree/").file("file", "content").0;
    for length in [100, 512 + 100, 1024 + 3] {
        assert!(apply(HashingReader::new(&archive[..length]), 1024, &root).is_err(), "{length}");
    }
}

/// Each layer tries to leave the directory, and what it asks for happens inside.
#[test]
fn hostile_entries_are_contained() {
    if !is_root() {
        return;
    }
    let outside = |place: &Place| place.directory.path().join("outside").to_str().unwrap().to_owned();
    let world_writable = |name: &str| {
        let mut header = header(b'5', name.as_bytes(), b"", 0);
        header.set_mode(0o777);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    // RUSTSEC-2026-0067: a symlink, then a directory of the same name, whose mode must not reach the target.
    let place = Place::new();
    let mut archive = Archive::default().symlink("link", &outside(&place));
    archive.0.extend(world_writable("link"));
    place.apply(&archive).unwrap();
    assert!(place.is_untouched_outside() && place.path("link").is_dir() && !place.path("link").is_symlink());

    // A symlink in the place of a file that is then written.
    let place = Place::new();
    let secret = format!("{}/secret", outside(&place));
    place.apply(&Archive::default().symlink("file", &secret).file("file", "overwritten")).unwrap();
    assert!(place.is_untouched_outside());

    // Absolute names start at the root of the layer, and so do absolute symlinks on the way.
    let place = Place::new();
    let archive = Archive::default().directory("real/").symlink("way", "/real").file("/way/made", "x");
    place.apply(&archive).unwrap();
    assert!(place.path("real/made").is_file());

    // The device that the layer names, and no other privilege of the overlay mount.
    let place = Place::new();
    let archive = Archive::default()
        .pax(&[("SCHILY.xattr.trusted.overlay.redirect", b"/etc"), ("SCHILY.xattr.user.overlay.opaque", b"y")])
        .directory("tree/")
        .pax(&[("SCHILY.xattr.security.selinux", b"system_u"), ("SCHILY.xattr.trusted.other", b"1")])
        .file("file", "");
    place.apply(&archive).unwrap();
    for (name, attribute) in [
        ("tree", "trusted.overlay.redirect"),
        ("tree", "user.overlay.opaque"),
        ("file", "security.selinux"),
        ("file", "trusted.other"),
    ] {
        assert_eq!(xattr(&place.path(name), attribute), None, "{attribute}");
    }
}

/// CVE-2025-62518: a header that is hidden in a file, whose size is one in its PAX record and another in its own header,
/// stays content of the file.
#[test]
fn a_file_is_as_long_as_its_record_says() {
    let place = Place::new();
    let hidden = Archive::default().file("hidden", "x").0;
    let size = hidden.len().to_string();
    let mut archive = Archive::default().pax(&[("size", size.as_bytes())]);
    archive.0.extend_from_slice(header(b'0', b"outer", b"", 0).as_bytes());
    archive.0.extend_from_slice(&hidden);
    place.apply(&archive.file("after", "y")).unwrap();
    assert_eq!(fs_err::read(place.path("outer")).unwrap(), hidden);
    assert!(!place.path("hidden").exists());
    assert_eq!(fs_err::read(place.path("after")).unwrap(), b"y");
}

#[test]
fn bombs_are_refused() {
    let place = Place::new();
    let root = RootDir::open(&place.path("")).unwrap();

    // Headers are held in memory: a PAX record of 100 MiB is refused long before it is.
    let pax = header(b'x', b"pax", b"", 100 << 20);
    let endless = pax.as_bytes().chain(io::repeat(b'1'));
    let error = apply(HashingReader::new(endless), 1024, &root).unwrap_err();
    assert_eq!(error.to_string(), "the layer unpacks to more than 1048576 bytes of headers");

    // Sparse: nothing in the archive, 7 TiB on the disk.
    let mut sparse = tar::Header::new_gnu();
    sparse.as_old_mut().name[..4].copy_from_slice(b"hole");
    sparse.as_old_mut().linkflag = *b"S";
    sparse.set_mode(0o644);
    sparse.set_uid(0);
    sparse.set_gid(0);
    sparse.set_mtime(0);
    sparse.set_size(0);
    let gnu = sparse.as_gnu_mut().unwrap();
    gnu.realsize = *b"77777777777\0";
    gnu.sparse[0].offset = *b"77777777777\0";
    gnu.sparse[0].numbytes = *b"00000000000\0";
    sparse.set_cksum();
    // 8 GiB of zeros against a limit of 1 GiB would take a while: the limit is what is tested, so most is spent.
    let mut layer =
        Layer { root: &root, written: Allowance::new(1 << 20), directories: Vec::new(), buffer: vec![0; 4096] };
    let bytes = sparse.as_bytes().to_vec();
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert!(layer_is_full(&layer.add(&mut entry).unwrap_err()));
}
