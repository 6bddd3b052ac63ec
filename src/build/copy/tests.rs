//! Copies on real directories: what comes where, with what, and when the key is another.

mod upper;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;
use crate::build::context::{Hides, Index};

/// A directory with `context/` to copy from and `root/` to copy to, and a secret beside them.
struct Lab {
    directory: tempfile::TempDir,
}

impl Lab {
    /// `path=content` is a file, `path/` a directory and `path->target` a symlink, below `context/` unless it begins with
    /// `root:`.
    fn new(files: &[&str]) -> Self {
        let lab = Self { directory: tempfile::tempdir().unwrap() };
        fs_err::create_dir(lab.context()).unwrap();
        fs_err::create_dir(lab.root()).unwrap();
        fs_err::write(lab.directory.path().join("secret"), "secret").unwrap();
        for file in files {
            lab.add(file);
        }
        lab
    }

    fn add(&self, file: &str) {
        let (base, file) = match file.strip_prefix("root:") {
            Some(file) => (self.root(), file),
            None => (self.context(), file),
        };
        let name = file.split_once("->").or(file.split_once('=')).map_or(file, |(name, _)| name);
        let path = base.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some((_, target)) = file.split_once("->") {
            symlink(target, path).unwrap();
        } else if let Some((_, content)) = file.split_once('=') {
            fs_err::write(path, content).unwrap();
        } else {
            fs_err::create_dir_all(path).unwrap();
        }
    }

    fn context(&self) -> PathBuf {
        self.directory.path().join("context")
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn tree(&self, ignore: &[&str]) -> Tree {
        let ignore: Option<Box<dyn Hides>> = match ignore {
            [] => None,
            ignore => Some(Box::new(Patterns::new(ignore.iter().copied()).unwrap())),
        };
        Tree::context(RootDir::open(&self.context()).unwrap(), ignore, None)
    }

    fn copy(&self, wanted: &Copy) -> Result<(), CopyError> {
        self.copy_from(wanted, &self.tree(&[]))
    }

    fn copy_from(&self, wanted: &Copy, tree: &Tree) -> Result<(), CopyError> {
        let root = RootDir::open(&self.root()).unwrap();
        let into = Destination { root: &root, upper: None, accounts: None, cancelled: &|| false };
        let copied = copy(wanted, tree, &into);
        assert_eq!(fs_err::read_to_string(self.directory.path().join("secret")).unwrap(), "secret");
        assert_eq!(fs_err::read_dir(self.directory.path()).unwrap().count(), 3, "nothing came beside the root");
        copied
    }

    /// What is in `root/`, as [`Self::new`] has it, without directories that hold something.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(&self.root(), "", &mut found);
        found
    }

    fn status(&self, path: &str) -> std::fs::Metadata {
        fs_err::symlink_metadata(self.root().join(path)).unwrap()
    }

    fn key(&self, wanted: &Copy) -> Digest {
        checksum(wanted, &self.tree(&[])).unwrap()
    }
}

fn list(directory: &Path, above: &str, found: &mut Vec<String>) {
    let mut names: Vec<_> = fs_err::read_dir(directory).unwrap().map(|entry| entry.unwrap()).collect();
    names.sort_by_key(|entry| entry.file_name());
    for entry in names {
        let name = format!("{above}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            found.push(format!("{name}->{}", fs_err::read_link(entry.path()).unwrap().display()));
        } else if kind.is_file() {
            found.push(format!("{name}={}", fs_err::read_to_string(entry.path()).unwrap()));
        } else if kind.is_dir() {
            let before = found.len();
            list(&entry.path(), &format!("{name}/"), found);
            if found.len() == before {
                found.push(format!("{name}/"));
            }
        } else {
            found.push(format!("{name}?"));
        }
    }
}

fn wanted(sources: &[&str], destination: &str) -> Copy {
    Copy {
        sources: sources.iter().map(|source| Source::Path((*source).to_owned())).collect(),
        destination: destination.to_owned(),
        chown: None,
        chmod: None,
        exclude: Excludes::default(),
        parents: false,
        link: false,
        unpack: false,
    }
}

fn excluding(exclude: &[&str], copy: Copy) -> Copy {
    Copy { exclude: Excludes::new(exclude.iter().map(|text| (*text).to_owned()).collect()).unwrap(), ..copy }
}

#[track_caller]
fn check(files: &[&str], copy: &Copy, expected: &[&str]) {
    let lab = Lab::new(files);
    lab.copy(copy).unwrap();
    assert_eq!(lab.found(), expected, "{copy:?}");
}

#[test]
fn destinations() {
    for (written, directory, expected) in [
        ("/a", "/w", "/a"),
        ("a", "/w", "/w/a"),
        ("a/", "/w/", "/w/a/"),
        (".", "/w", "/w/"),
        ("./", "/w", "/w/"),
        ("/", "/w", "/"),
        (".", "/", "/"),
        ("../x/.", "/w/y", "/w/x/"),
        ("../../../x", "/w", "/x"),
        ("//a//b", "/w", "/a/b"),
    ] {
        assert_eq!(destination(written, Path::new(directory)), expected, "{written} {directory}");
    }
}

#[test]
fn where_copies_come() {
    // (the files, the sources, the destination, what is there then)
    for (files, sources, destination, expected) in [
        (&["f=1"][..], &["f"][..], "/x", &["x=1"][..]),
        (&["f=1"], &["f"], "/x/", &["x/f=1"]),
        (&["f=1"], &["f"], "/x/y/z", &["x/y/z=1"]),
        (&["f=1", "root:x/"], &["f"], "/x", &["x/f=1"]),
        (&["f=1", "root:x=old"], &["f"], "/x", &["x=1"]),
        (&["f=1", "g=2"], &["f", "g"], "/x/", &["x/f=1", "x/g=2"]),
        (&["d/f=1", "d/e/g=2"], &["d"], "/x", &["x/e/g=2", "x/f=1"]),
        (&["d/f=1", "root:x/old=0"], &["d/"], "/x", &["x/f=1", "x/old=0"]),
        (&["d/f=1"], &["d"], "/", &["f=1"]),
        (&["d/f=1", "e/f=2"], &["d", "e"], "/x/", &["x/f=2"]),
        (&["d/f=1"], &["."], "/x/", &["x/d/f=1"]),
        (&["d/"], &["."], "/", &["d/"]),
        (&["f=1"], &["/f"], "/x", &["x=1"]),
        (&["f=1"], &["../../f"], "/x", &["x=1"]),
        (&["d/l->../f", "f=1"], &["d"], "/x", &["x/l->../f"]),
        // A source that is a symlink is where it leads, with the name that it has.
        (&["l->f", "f=1"], &["l"], "/x/", &["x/l=1"]),
        (&["l->d", "d/f=1"], &["l"], "/x", &["x/f=1"]),
        (&["l->d", "d/f=1"], &["l/f"], "/x", &["x=1"]),
        // The destination's symlinks are followed inside the image, but not what is replaced.
        (&["f=1", "root:usr/bin/", "root:bin->usr/bin"], &["f"], "/bin/", &["bin->usr/bin", "usr/bin/f=1"]),
        (&["f=1", "root:x->/new/y"], &["f"], "/x", &["new/y=1", "x->/new/y"]),
        (&["f=1", "root:x/f->../old", "root:old=0"], &["f"], "/x/", &["old=0", "x/f=1"]),
        (&["d/f=1", "root:x/f->../old", "root:old=0"], &["d"], "/x/", &["old=0", "x/f=1"]),
    ] {
        check(files, &wanted(sources, destination), expected);
    }
}

#[test]
fn wildcards() {
    let files = ["a.txt=1", "b.txt=2", "c.md=3", "d1/x=4", "d2/y=5", "arr[0].txt=6", "d1/deep/z=7"];
    for (source, destination, expected) in [
        ("*.md", "/x", &["x=3"][..]),
        ("[ab].txt", "/x/", &["x/a.txt=1", "x/b.txt=2"]),
        ("?.txt", "/x/", &["x/a.txt=1", "x/b.txt=2"]),
        ("d*", "/x/", &["x/deep/z=7", "x/x=4", "x/y=5"]),
        ("d*/?", "/x/", &["x/x=4", "x/y=5"]),
        ("*/deep/z", "/x", &["x=7"]),
        ("arr[[]0].txt", "/x", &["x=6"]),
        ("*.none", "/x/", &[]),
    ] {
        check(&files, &wanted(&[source], destination), expected);
    }
    let lab = Lab::new(&files);
    let error = lab.copy(&wanted(&["?.txt"], "/x")).unwrap_err();
    assert_eq!(error.to_string(), "2 files cannot become the one file `/x`: a directory ends in `/`");
    lab.add("root:x/");
    lab.copy(&wanted(&["?.txt"], "/x")).unwrap();
    assert_eq!(lab.found(), ["x/a.txt=1", "x/b.txt=2"]);
    assert!(matches!(lab.copy(&wanted(&["[a"], "/x")), Err(CopyError::Pattern(_))));
}

#[test]
fn parents_are_kept_from_the_pivot_on() {
    let files = ["x/a.txt=1", "y/a.txt=2", "x/y/b.txt=3", "x/y/c.md=4"];
    let check = |sources: &[&str], expected: &[&str]| {
        super::tests::check(&files, &Copy { parents: true, ..wanted(sources, "/p/") }, expected);
    };
    check(&["./x/a.txt", "./y/a.txt"], &["p/x/a.txt=1", "p/y/a.txt=2"]);
    check(&["./x/./y/*.txt"], &["p/y/b.txt=3"]);
    check(&["x/./y"], &["p/y/b.txt=3", "p/y/c.md=4"]);
    check(&["**/*.txt"], &["p/x/a.txt=1", "p/x/y/b.txt=3", "p/y/a.txt=2"]);
    check(&["/x/y/b.txt"], &["p/x/y/b.txt=3"]);
    check(&["none*"], &["p/"]);
    let lab = Lab::new(&files);
    let error = lab.copy(&Copy { parents: true, ..wanted(&["x/none.txt"], "/p/") }).unwrap_err();
    assert!(matches!(error, CopyError::NotFound { .. }), "{error}");
}

#[test]
fn parents_are_dressed_as_their_sources() {
    let lab = Lab::new(&["x/y/f=1"]);
    fs_err::set_permissions(lab.context().join("x"), PermissionsExt::from_mode(0o750)).unwrap();
    lab.copy(&Copy { parents: true, chown: Some("5:6".into()), ..wanted(&["x/y/f"], "/p/") }).unwrap();
    let status = lab.status("p/x");
    assert_eq!((status.mode() & 0o7777, status.uid(), status.gid()), (0o750, 5, 6));
}

#[test]
fn what_is_excluded_is_not_copied() {
    let files = ["d/a.txt=1", "d/b.md=2", "d/e/c.txt=3", "d/e/keep.txt=4", "hom.txt=5", "home.md=6"];
    for (exclude, source, expected) in [
        (&["*.txt"][..], "d", &["x/b.md=2", "x/e/c.txt=3", "x/e/keep.txt=4"][..]),
        (&["**/*.txt"], "d", &["x/b.md=2", "x/e/"]),
        (&["**/*.txt", "!**/keep.txt"], "d", &["x/b.md=2", "x/e/keep.txt=4"]),
        (&["e"], "d", &["x/a.txt=1", "x/b.md=2"]),
        (&["*"], "d", &["x/"]),
        (&["*.txt"], "hom*", &["x/home.md=6"]),
    ] {
        check(&files, &excluding(exclude, wanted(&[source], "/x/")), expected);
    }
}

#[test]
fn dockerignore_hides_files_and_says_so() {
    let lab = Lab::new(&["a.txt=1", "b.md=2", "deps/x=3", "deps/keep=4", "l->a.txt"]);
    let tree = lab.tree(&["*.txt", "deps", "!deps/keep"]);
    lab.copy_from(&wanted(&["."], "/x/"), &tree).unwrap();
    assert_eq!(lab.found(), ["x/b.md=2", "x/deps/keep=4", "x/l->a.txt"]);
    lab.copy_from(&wanted(&["*"], "/y/"), &tree).unwrap_err();
    for (source, text) in [
        ("a.txt", "`a.txt` is left out of the context by `*.txt` in .dockerignore"),
        ("deps/x", "`deps/x` is left out of the context by `deps` in .dockerignore"),
        // Where a symlink leads is left out, too.
        ("l", "`l` is left out of the context by `*.txt` in .dockerignore"),
        ("none.txt", "`none.txt` is left out of the context by `*.txt` in .dockerignore"),
        ("none", "`none` is not there"),
    ] {
        let error = lab.copy_from(&wanted(&[source], "/z"), &tree).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn what_is_not_there_is_told_with_what_is() {
    let lab = Lab::new(&["src/main.rs=1", "dangling->none"]);
    let check = |source: &str| match lab.copy(&wanted(&[source], "/x")).unwrap_err() {
        CopyError::NotFound { path, near, is_outside } => (path, near, is_outside),
        other => panic!("{other}"),
    };
    assert_eq!(check("src/mian.rs"), ("src/mian.rs".into(), Some("src/main.rs".into()), false));
    assert_eq!(check("scr"), ("scr".into(), Some("src".into()), false));
    assert_eq!(check("../secret"), ("../secret".into(), None, true));
    assert_eq!(check("src/main.rs/x"), ("src/main.rs/x".into(), None, false));
    assert!(matches!(lab.copy(&wanted(&["dangling"], "/x")), Err(CopyError::Dangling { .. })));
}

#[test]
fn nothing_is_replaced_by_something_of_another_kind() {
    for (files, source, destination, expected) in [
        (&["d/x/f=1", "root:x=0"][..], "d", "/", "cannot replace the file `/x` with a directory"),
        (&["d/x/f=1", "root:y/", "root:x->y"], "d", "/", "cannot replace the symlink `/x` with a directory"),
        (&["d/x=1", "root:x/f=0"], "d", "/", "cannot replace the directory `/x` with a file"),
        (&["f=1", "root:x=0"], "f", "/x/y", "cannot replace the file `/x` with a directory"),
        (&["d/f=1", "root:x=0"], "d", "/x", "cannot replace the file `/x` with a directory"),
    ] {
        let lab = Lab::new(files);
        assert_eq!(lab.copy(&wanted(&[source], destination)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn no_symlink_leads_out() {
    let outside = ["../secret", "/../../secret", "../../../../../../etc/passwd"];
    for target in outside {
        let lab = Lab::new(&["f=mine", &format!("l->{target}"), "up->..", "d/f=mine", &format!("root:l->{target}")]);
        for (sources, destination) in [
            (&["l"][..], "/x"),
            (&["up/secret"], "/x"),
            (&["up/*"], "/x/"),
            (&["f"], "/l"),
            (&["f"], "/l/"),
            (&["d"], "/l"),
        ] {
            let copied = lab.copy(&wanted(sources, destination));
            let text = lab.found().join(" ");
            assert!(!text.contains("=secret") && !text.contains("root:x"), "{target} {sources:?} {copied:?} {text}");
        }
    }
    let lab = Lab::new(&["f=mine", "root:up->../..", "root:abs->/", "root:loop->loop"]);
    for destination in ["/up/secret", "/abs/secret", "/up/up/up/secret"] {
        lab.copy(&wanted(&["f"], destination)).unwrap();
    }
    assert!(lab.copy(&wanted(&["f"], "/loop/x")).is_err());
    assert_eq!(fs_err::read_to_string(lab.root().join("secret")).unwrap(), "mine");
}

#[test]
fn copies_are_roots_with_the_mode_and_time_of_their_source() {
    let lab = Lab::new(&["d/f=1", "d/l->f", "d/e/"]);
    let path = lab.context().join("d/f");
    std::os::unix::fs::chown(&path, Some(77), Some(78)).unwrap();
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o4751)).unwrap();
    fs_err::set_permissions(lab.context().join("d/e"), PermissionsExt::from_mode(0o1700)).unwrap();
    fs_err::set_permissions(lab.context().join("d"), PermissionsExt::from_mode(0o700)).unwrap();
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000_000, 5);
    fs_err::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    lab.copy(&wanted(&["d"], "/x")).unwrap();
    let status = lab.status("x/f");
    assert_eq!((status.mode() & 0o7777, status.uid(), status.gid()), (0o4751, 0, 0));
    assert_eq!((status.mtime(), status.mtime_nsec()), (1_000_000_000, 5));
    assert_eq!(lab.status("x/e").mode() & 0o7777, 0o1700);
    assert_eq!(lab.status("x").mode() & 0o7777, 0o755, "that is not a copy");
    assert_eq!(lab.status("x/l").uid(), 0);

    // From a stage, files keep their owners.
    lab.copy_from(&wanted(&["d"], "/y"), &Tree::files(RootDir::open(&lab.context()).unwrap())).unwrap();
    let status = lab.status("y/f");
    assert_eq!((status.mode() & 0o7777, status.uid(), status.gid()), (0o4751, 77, 78));
}

#[test]
fn owners() {
    let passwd = "root:=root:x:0:0::/:\nweb:x:33:44::/:\n";
    for (chown, expected) in [
        ("5", Some((5, 5))),
        ("5:6", Some((5, 6))),
        ("web", Some((33, 44))),
        ("web:6", Some((33, 6))),
        ("web:disk", Some((33, 9))),
        ("5:disk", Some((5, 9))),
        (":disk", Some((0, 9))),
        ("none", None),
        ("5:none", None),
        ("4294967295", None),
        ("", None),
        ("5:", None),
    ] {
        let lab = Lab::new(&["d/e/f=1", "root:etc/group=disk:x:9:\n"]);
        fs_err::write(lab.root().join("etc/passwd"), passwd.replace("root:=", "")).unwrap();
        let copied = lab.copy(&Copy { chown: Some(chown.into()), ..wanted(&["d"], "/new/x/") });
        assert_eq!(copied.is_ok(), expected.is_some(), "{chown}: {copied:?}");
        for path in ["new", "new/x", "new/x/e", "new/x/e/f"] {
            if let Some(expected) = expected {
                let status = lab.status(path);
                assert_eq!((status.uid(), status.gid()), expected, "{chown} {path}");
            }
        }
    }
    assert!(names_accounts("web") && names_accounts("5:disk") && !names_accounts("5:6") && !names_accounts("5"));
}

#[test]
fn modes_of_copies() {
    for (chmod, file, directory, made) in [("640", 0o640, 0o640, 0o640), ("u=rwX,go=", 0o600, 0o700, 0o755)] {
        let lab = Lab::new(&["d/e/f=1"]);
        let chmod = Some(Chmod::parse(chmod).unwrap());
        lab.copy(&Copy { chmod, ..wanted(&["d"], "/new/x/") }).unwrap();
        for (path, mode) in [("new/x/e/f", file), ("new/x/e", directory), ("new", made)] {
            assert_eq!(lab.status(path).mode() & 0o7777, mode, "{path}");
        }
    }
}

#[test]
fn files_of_the_dockerfile() {
    let lab = Lab::new(&[]);
    let inline = |name: &str, text: &str| Source::Inline { name: name.into(), content: text.into() };
    let sources = vec![inline("a", "1\n"), inline("b", "")];
    lab.copy(&Copy { sources, chmod: Some(Chmod::parse("+x").unwrap()), ..wanted(&[], "/x/") }).unwrap();
    lab.copy(&Copy { sources: vec![inline("EOF", "text")], ..wanted(&[], "/y/file") }).unwrap();
    assert_eq!(lab.found(), ["x/a=1\n", "x/b=", "y/file=text"]);
    assert_eq!((lab.status("x/a").mode() & 0o7777, lab.status("y/file").mode() & 0o7777), (0o755, 0o644));
}

#[test]
fn what_is_no_file_is_copied_as_it_is() {
    use std::os::unix::fs::FileTypeExt as _;
    let lab = Lab::new(&["d/f=1"]);
    let d = lab.context().join("d");
    rustix::fs::mknodat(rustix::fs::CWD, d.join("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(d.join("socket")).unwrap();
    fs_err::hard_link(d.join("f"), d.join("same")).unwrap();
    rustix::fs::setxattr(d.join("f"), "user.note", b"kept", rustix::fs::XattrFlags::empty()).unwrap();
    assert_eq!(lab.key(&wanted(&["d"], "/x")), lab.key(&wanted(&["d"], "/x")));
    lab.copy(&wanted(&["d"], "/x")).unwrap();
    assert!(lab.status("x/fifo").file_type().is_fifo());
    assert!(!lab.root().join("x/socket").exists(), "a socket holds nothing");
    assert_eq!(lab.status("x/f").ino(), lab.status("x/same").ino());
    let mut value = [0; 16];
    let length = rustix::fs::getxattr(lab.root().join("x/f"), "user.note", &mut value).unwrap();
    assert_eq!(&value[..length], b"kept");
    assert!(matches!(lab.copy(&wanted(&["d/socket"], "/y")), Err(CopyError::NotFound { .. })));
}

#[test]
fn a_file_that_changes_after_its_key_was_made_is_told() {
    let lab = Lab::new(&["d/f=1", "d/g=2"]);
    let (copy, tree) = (wanted(&["d"], "/x"), lab.tree(&[]));
    let root = RootDir::open(&lab.root()).unwrap();
    let into = Destination { root: &root, upper: None, accounts: None, cancelled: &|| false };
    for change in ["d/g=longer", ""] {
        let mut selection = select(&copy, &tree).unwrap();
        selection.digest().unwrap();
        match change {
            "" => fs_err::remove_file(lab.context().join("d/g")).unwrap(),
            change => lab.add(change),
        }
        assert_eq!(selection.copy(&into).unwrap_err().to_string(), "`d/g` was changed during the build");
    }
}

#[test]
fn it_stops_when_it_is_asked_to() {
    let lab = Lab::new(&["f=1"]);
    let root = RootDir::open(&lab.root()).unwrap();
    let into = Destination { root: &root, upper: None, accounts: None, cancelled: &|| true };
    assert!(matches!(copy(&wanted(&["f"], "/x"), &lab.tree(&[]), &into), Err(CopyError::Cancelled)));
}

#[test]
fn a_file_may_be_written_where_it_is_kept() {
    // Stands for an overlay: what is made in `root` appears there, and is written to in `upper`.
    let lab = Lab::new(&["d/f=content", "d/g="]);
    let root = RootDir::open(&lab.root()).unwrap();
    let upper = Upper::new(RootDir::open(&lab.root()).unwrap());
    let into = Destination { root: &root, upper: Some(&upper), accounts: None, cancelled: &|| false };
    copy(&wanted(&["d"], "/x/y"), &lab.tree(&[]), &into).unwrap();
    assert_eq!(lab.found(), ["x/y/f=content", "x/y/g="]);
}

/// Whether a change leads to another key.
#[track_caller]
fn check_key(files: &[&str], copy: &Copy, change: impl Fn(&Lab), is_hit: bool) {
    let lab = Lab::new(files);
    let before = lab.key(copy);
    assert_eq!(lab.key(copy), before, "a key is always the same");
    change(&lab);
    assert_eq!(lab.key(copy) == before, is_hit, "{copy:?}");
}

#[test]
fn times_and_owners_of_a_context_do_not_count() {
    let copy = wanted(&["d"], "/x");
    check_key(&["d/f=1"], &copy, |lab| lab.add("d/f=1"), true);
    let chown = |lab: &Lab| std::os::unix::fs::chown(lab.context().join("d/f"), Some(5), Some(5)).unwrap();
    check_key(&["d/f=1"], &copy, chown, true);
    let stage = |lab: &Lab| checksum(&copy, &Tree::files(RootDir::open(&lab.context()).unwrap())).unwrap();
    let lab = Lab::new(&["d/f=1"]);
    let before = stage(&lab);
    chown(&lab);
    assert_ne!(stage(&lab), before, "those of a stage do");
}

#[test]
fn contents_modes_names_and_kinds_count() {
    let copy = wanted(&["d"], "/x");
    let files = ["d/f=1", "d/e/g=2", "d/l->f"];
    check_key(&files, &copy, |lab| lab.add("d/f=2"), false);
    check_key(&files, &copy, |lab| lab.add("d/new="), false);
    check_key(&files, &copy, |lab| lab.add("d/new/"), false);
    check_key(&files, &copy, |lab| fs_err::remove_file(lab.context().join("d/f")).unwrap(), false);
    let rename = |lab: &Lab| fs_err::rename(lab.context().join("d/f"), lab.context().join("d/h")).unwrap();
    check_key(&files, &copy, rename, false);
    let chmod = |path: &'static str| {
        move |lab: &Lab| fs_err::set_permissions(lab.context().join(path), PermissionsExt::from_mode(0o711)).unwrap()
    };
    check_key(&files, &copy, chmod("d/f"), false);
    check_key(&files, &copy, chmod("d/e"), false);
    check_key(&files, &copy, chmod("d"), true);
    let relink = |lab: &Lab| {
        fs_err::remove_file(lab.context().join("d/l")).unwrap();
        lab.add("d/l->e");
    };
    check_key(&files, &copy, relink, false);
    let note = |lab: &Lab| {
        let (path, none) = (lab.context().join("d/f"), rustix::fs::XattrFlags::empty());
        rustix::fs::setxattr(path, "user.note", b"1", none).unwrap();
    };
    check_key(&files, &copy, note, false);
}

#[test]
fn only_what_is_selected_counts() {
    let files = ["d/f=1", "d/f.log=1", "other=1", "a.txt=1", "b.md=1"];
    check_key(&files, &wanted(&["d"], "/x"), |lab| lab.add("other=2"), true);
    check_key(&files, &wanted(&["*.txt"], "/x/"), |lab| lab.add("b.md=2"), true);
    check_key(&files, &wanted(&["*.txt"], "/x/"), |lab| lab.add("c.txt=2"), false);
    let copy = excluding(&["*.log"], wanted(&["d"], "/x"));
    check_key(&files, &copy, |lab| lab.add("d/f.log=2"), true);
    check_key(&files, &copy, |lab| lab.add("d/f=2"), false);
    let lab = Lab::new(&files);
    let key = |lab: &Lab| checksum(&wanted(&["."], "/x/"), &lab.tree(&["*.log", "**/*.log"])).unwrap();
    let before = key(&lab);
    lab.add("d/f.log=2");
    assert_eq!(key(&lab), before, "what .dockerignore hides does not count");
    lab.add("d/f=2");
    assert_ne!(key(&lab), before);
}

#[test]
fn a_directory_that_sources_are_in_may_be_renamed() {
    let lab = Lab::new(&["one/f=1", "two/f=1", "two/g=1", "one/d/f=1", "two/d/f=1"]);
    let key = |source: &str, destination: &str| lab.key(&wanted(&[source], destination));
    assert_eq!(key("one/f", "/x/"), key("two/f", "/x/"));
    assert_eq!(key("one/d", "/x/"), key("two/d", "/x/"));
    assert_ne!(key("one/f", "/x/"), key("two/g", "/x/"));
    let parents = |source: &str| lab.key(&Copy { parents: true, ..wanted(&[source], "/x/") });
    assert_ne!(parents("one/f"), parents("two/f"));
    assert_eq!(parents("one/./f"), parents("two/./f"));
}

#[test]
fn what_the_instruction_says_counts() {
    let lab = Lab::new(&["d/f=1"]);
    let plain = wanted(&["d"], "/x");
    let keys = [
        lab.key(&plain),
        lab.key(&wanted(&["d"], "/y")),
        lab.key(&wanted(&["d"], "/x/")),
        lab.key(&Copy { chown: Some("5".into()), ..plain.clone() }),
        lab.key(&Copy { chmod: Some(Chmod::parse("755").unwrap()), ..plain.clone() }),
        lab.key(&Copy { link: true, ..plain.clone() }),
        lab.key(&Copy { unpack: true, ..plain.clone() }),
        lab.key(&excluding(&["none"], plain.clone())),
        lab.key(&Copy { sources: vec![Source::Inline { name: "a".into(), content: "1".into() }], ..plain.clone() }),
        lab.key(&Copy { sources: vec![Source::Inline { name: "a".into(), content: "2".into() }], ..plain }),
    ];
    let different: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
}

#[test]
fn an_index_saves_reading_and_never_lies() {
    let lab = Lab::new(&["d/f=1", "d/e/g=2"]);
    let place = tempfile::tempdir().unwrap();
    let copy = wanted(&["."], "/x");
    let key = || {
        let index = Index::load(place.path(), &lab.context());
        let known = index.len();
        let tree = Tree::context(RootDir::open(&lab.context()).unwrap(), None, Some(index));
        let key = checksum(&copy, &tree).unwrap();
        tree.save_index().unwrap();
        (key, known)
    };
    let (first, _) = key();
    // Files as new as these are not kept, until the clock has moved on: then all four are.
    while key().1 < 4 {}
    assert_eq!(key(), (first, 4));
    // The same size and the same mtime: only the kernel's own time tells.
    let path = lab.context().join("d/f");
    let modified = fs_err::metadata(&path).unwrap().modified().unwrap();
    fs_err::write(&path, "9").unwrap();
    fs_err::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let (second, _) = key();
    assert_ne!(second, first);
    assert_eq!(second, checksum(&copy, &lab.tree(&[])).unwrap());
}

/// A tar with a directory, a file in it, owned by 7:8, and a symlink.
fn archive() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let header = |kind, size| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o750);
        header.set_mtime(1_000_000_000);
        header.set_uid(7);
        header.set_gid(8);
        header.set_size(size);
        header
    };
    tar.append_data(&mut header(tar::EntryType::Directory, 0), "d/", &b""[..]).unwrap();
    tar.append_data(&mut header(tar::EntryType::Regular, 1), "d/f", &b"1"[..]).unwrap();
    tar.append_link(&mut header(tar::EntryType::Symlink, 0), "l", "d/f").unwrap();
    tar.into_inner().unwrap()
}

/// The same archive as `xz` compresses it.
const XZ: &str = concat!(
    "fd377a585a000004e6d6b4460200210116000000742fe5a3e027ff007d5d00320bbc1ba78c3444e1b796473862e2fcf9e4743f7fd10ed7",
    "61c50b46406c6998d336f535c865a06280288d3b0cf9ef1d0a914b13f306f7dbf2134a32fca013ea289fabe2d628e6105d1677e72f3357",
    "4e48344fac69be3c63527c770cb9f26f328b639e8504abd97aab956014ddd10af3131bb6f932df99416ab80b1ade000000004af2b1531c",
    "5ce47900019901805000006d22b945b1c467fb020000000004595a",
);

/// The archive as each compressor makes it.
fn compressed() -> Vec<(&'static str, Vec<u8>)> {
    use std::io::Write as _;
    let tar = archive();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&tar).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(&tar).unwrap();
    let zstd = zstd::encode_all(&tar[..], 0).unwrap();
    vec![
        ("tar", tar),
        ("gzip", gzip.finish().unwrap()),
        ("bzip2", bzip2.finish().unwrap()),
        ("xz", hex::decode(XZ).unwrap()),
        ("zstd", zstd),
    ]
}

#[test]
fn archives_are_unpacked_whatever_they_are_called() {
    let add = Copy { unpack: true, ..wanted(&["file.txt"], "/x") };
    for (how, bytes) in compressed() {
        let lab = Lab::new(&["root:x/d/old=0", "root:x/l/in-the-way=0"]);
        fs_err::write(lab.context().join("file.txt"), &bytes).unwrap();
        lab.copy(&add).unwrap();
        assert_eq!(lab.found(), ["x/d/f=1", "x/d/old=0", "x/l->d/f"], "{how}");
        let status = lab.status("x/d");
        assert_eq!((status.mode() & 0o7777, status.uid(), status.mtime()), (0o750, 7, 1_000_000_000), "{how}");
        let owned = Copy { chown: Some("5".into()), ..add.clone() };
        lab.copy(&owned).unwrap();
        assert_eq!((lab.status("x/d/f").uid(), lab.status("x/d/f").gid()), (5, 5), "{how}");

        let lab = Lab::new(&[]);
        fs_err::write(lab.context().join("file.txt"), &bytes).unwrap();
        lab.copy(&Copy { unpack: false, ..add.clone() }).unwrap();
        assert_eq!(fs_err::read(lab.root().join("x")).unwrap(), bytes, "{how}");
    }
}

#[test]
fn what_is_no_archive_is_copied() {
    let zeros = [0; 1024];
    for bytes in [&b""[..], b"text", &zeros, b"\x1f\x8b nothing", b"BZh9 nothing", b"\x28\xb5\x2f\xfd"] {
        let lab = Lab::new(&["d.tar/f=1"]);
        fs_err::write(lab.context().join("file.tar"), bytes).unwrap();
        let add = Copy { unpack: true, ..wanted(&["file.tar"], "/x") };
        lab.copy(&add).unwrap();
        assert_eq!(fs_err::read(lab.root().join("x")).unwrap(), bytes);
        lab.copy(&Copy { sources: vec![Source::Path("d.tar".into())], destination: "/y".into(), ..add }).unwrap();
        assert_eq!(fs_err::read_to_string(lab.root().join("y/f")).unwrap(), "1");
    }
}

#[test]
fn a_hostile_archive_stays_inside() {
    for (name, link) in [("../secret", None), ("l/secret", Some("../..")), ("l/secret", Some("/"))] {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(0);
        if let Some(target) = link {
            header.set_entry_type(tar::EntryType::Symlink);
            tar.append_link(&mut header.clone(), "l", target).unwrap();
        }
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(4);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, &b"mine"[..]).unwrap();
        let lab = Lab::new(&[]);
        fs_err::write(lab.context().join("a"), tar.into_inner().unwrap()).unwrap();
        let _ = lab.copy(&Copy { unpack: true, ..wanted(&["a"], "/x") });
        assert!(!lab.root().join("secret").exists());
    }
}
