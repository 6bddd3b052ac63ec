//! What makes a container reaches into its tree by descriptors alone (`sys::RootDir`, detached mounts): a path that is
//! resolved as text could be changed by the image or the container between a look and its use.
//!
//! So in `src/runtime/init` and `src/runtime/files` nothing that takes a path from the working directory or the root is called, but for the places
//! in [`HOST`], whose paths are the host's.
#![expect(clippy::unwrap_used, reason = "a step that fails ends its test, and says so")]

use std::path::Path;

/// What takes a path as text.
const BY_PATH: &[&str] = &[
    "CWD",
    "fs_err::",
    "std::fs::",
    "std::path::Path::exists",
    ".exists()",
    ".is_dir()",
    ".is_file()",
    ".canonicalize()",
    ".metadata()",
    ".read_link()",
    "env::set_current_dir",
    "mount_change(",
    "rustix::fs::chmod(",
    "rustix::fs::chown(",
    "rustix::fs::link(",
    "rustix::fs::lstat(",
    "rustix::fs::mkdir(",
    "rustix::fs::open(",
    "rustix::fs::rename(",
    "rustix::fs::rmdir(",
    "rustix::fs::stat(",
    "rustix::fs::statfs(",
    "rustix::fs::symlink(",
    "rustix::fs::unlink(",
    "rustix::mount::mount(",
    "rustix::mount::unmount(",
    "rustix::process::chdir(",
    "rustix::process::chroot(",
    "rustix::process::pivot_root(",
    "RootDir::open(",
];

/// File, what is in the line, and why the path is none of the container's.
const HOST: &[(&str, &str, &str)] = &[
    ("bind.rs", "open_tree(CWD, path, flags)", "the source of a bind is the host's, or all another container's"),
    ("bind.rs", "RootDir::open(path)", "the source of a bind is the host's"),
    ("bind.rs", "move_mount(&tree, \"\", CWD, lowest", "layers are the host's"),
    ("bind.rs", "openat(CWD, path, ", "a namespace that is named by a path of the host"),
    ("bind.rs", "open_tree(CWD, \"/sys\", flags)", "that of the host, before the root is changed"),
    ("copy_tree.rs", "openat(fs::CWD, ", "directories of volumes and caches, which are the host's"),
    ("copy_tree.rs", "fs_err::read_dir(from)", "directories of volumes and caches, which are the host's"),
    ("copy_tree.rs", "renameat_with(", "directories of volumes and caches, which are the host's"),
    ("copy_tree.rs", "fs_err::remove_dir_all(from)", "directories of volumes and caches, which are the host's"),
    ("copy_tree.rs", "std::fs::File::from(from.try_clone()?)", "of descriptors"),
    ("copy_up.rs", "fs_err::File::from_parts", "a descriptor with a name for errors"),
    ("devices.rs", "rustix::fs::mkdir(target", "in the run directory, which is the host's"),
    ("devices.rs", "move_mount(mount, \"\", CWD, target", "in the run directory"),
    ("devices.rs", "rustix::mount::unmount(target", "in the run directory"),
    ("masks.rs", "openat(CWD, \"/dev/null\"", "the host's, which is checked to be the null device"),
    ("mirror.rs", "statat(CWD, from, ", "what was saved on the host"),
    ("mirror.rs", "readlinkat(CWD, from, ", "what was saved on the host"),
    ("mirror.rs", "rustix::fs::open(from, flags, ", "what was saved on the host"),
    ("mod.rs", "RootDir::open(std::path::Path::new(\"/\"))", "the root itself, of a container that has been entered"),
    (
        "mod.rs",
        "openat(CWD, format!(\"/proc/{}/root\"",
        "of the host's proc; what it leads to is used by its descriptor",
    ),
    ("mod.rs", "RootDir::open(Path::new(\"/\"))", "of this machine, whose files are copied"),
    ("mounts.rs", "open_tree(CWD, path, flags)", "the cgroup on the host"),
    ("namespaces.rs", "openat(CWD, path, ", "a namespace that is named by a path of the host"),
    ("namespaces.rs", "fs_err::write(\"/proc/self/timens_offsets\"", "of the host's proc, by the parent of init"),
    ("old_root.rs", "\"/proc/self/mountinfo\"", "of the host's proc, before the root is changed"),
    ("old_root.rs", "move_mount(&root, \"\", CWD, \"/\"", "the root that was just entered by its descriptor"),
    ("old_root.rs", "rustix::process::chroot(\".\")", "the root that was just entered by its descriptor"),
    ("old_root.rs", "rustix::process::chdir(\"/\")", "the root itself"),
    ("old_root.rs", "RootDir::open(Path::new(\"/\"))", "the root itself"),
    ("outside.rs", "fs_err::write(path, score", "of the host's proc, by the parent of init"),
    ("pack.rs", "RootDir::open(directory)", "a writable layer is the host's"),
    ("proc.rs", "fs_err::File::from_parts", "a descriptor with a name for errors"),
    ("rootfs.rs", "mount_change(\"/\", flags)", "the root itself"),
    ("rootfs.rs", "open_tree(CWD, path, flags)", "where the root comes from is the host's"),
    ("rootfs.rs", "open_tree(CWD, path, OpenTreeFlags", "layers are the host's"),
    ("rootfs.rs", "rustix::fs::mkdir(&target", "in the run directory, which is the host's"),
    ("rootfs.rs", "move_mount(&mount, \"\", CWD, &target", "in the run directory"),
    ("rootfs.rs", "record::EXIT).exists()", "in the run directory"),
    ("rootfs.rs", "fs_err::remove_dir_all(work.join(", "the work directory of the overlay is the host's"),
    ("rootfs.rs", "fs_err::create_dir_all(directory)", "in the run directory"),
    ("rootfs.rs", "rustix::mount::mount(\"tmpfs\", directory", "in the run directory"),
    ("rootfs.rs", "rustix::fs::mkdir(path, Mode::from(0o755))", "in a file system that was made a line before"),
    ("rootfs.rs", "openat(CWD, path, flags", "layers are the host's"),
    ("rootfs.rs", "rustix::mount::mount(\"overlay\", upper", "the upper layer is the host's"),
    ("rootfs.rs", "open_tree(CWD, upper, flags)", "the upper layer is the host's"),
    ("rootfs.rs", "rustix::mount::unmount(upper", "the upper layer is the host's"),
    ("rootfs.rs", "rustix::process::pivot_root(\".\", \".\")", "the root that was just entered by its descriptor"),
    ("rootfs.rs", "rustix::mount::unmount(\".\"", "the old root, on top of the new one"),
    ("rootfs.rs", "rustix::process::chdir(\"/\")", "the root itself"),
    ("rootfs.rs", "RootDir::open(Path::new(\"/\"))", "the root itself"),
    ("stopped.rs", "mount_change(\"/\", private)", "the root itself, of a mount namespace of our own"),
    ("stopped.rs", "move_mount(&root, \"\", CWD, &stopped.place", "a directory of the host, in that mount namespace"),
    ("stopped.rs", "unmount(&stopped.place", "a directory of the host, in that mount namespace"),
    ("stopped.rs", "openat(CWD, path, flags", "layers are the host's"),
    ("stopped.rs", "openat(CWD, &bind.source", "the source of a bind is the host's"),
    ("stopped.rs", "RootDir::open(&bind.source)", "the source of a bind is the host's"),
    ("stopped.rs", "fs_err::remove_dir_all(mark)", "the work directory of the overlay is the host's"),
    ("user_namespace.rs", "fs_err::read_to_string(&path)", "of the host's proc, by the parent of init"),
    ("user_namespace.rs", "fs_err::write(&path", "of the host's proc, by the parent of init"),
    ("user_namespace.rs", "openat(CWD, &path", "of the host's proc, by the parent of init"),
];

/// The lines of a source file that are no tests and no imports, and use a path as text where none of the [`HOST`]'s is.
fn violations(file: &str, text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    // The type of what a descriptor is open for has methods of the same names as a path has.
    let uses = |line: &str| !line.contains("FileType::") && BY_PATH.iter().any(|call| line.contains(call));
    let is_host = |line: &str| HOST.iter().any(|(name, part, _)| *name == file && line.contains(part));
    let is_code = |line: &str| !["//", "use ", "pub use "].iter().any(|start| line.trim_start().starts_with(start));
    let lines = (1..).zip(code.lines()).filter(|(_, line)| is_code(line) && uses(line) && !is_host(line));
    lines.map(|(number, line)| format!("{file}:{number}: {}", line.trim())).collect()
}

#[test]
fn nothing_in_a_container_is_reached_by_its_path() {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime");
    let mut all = Vec::new();
    let mut used = String::new();
    let files = ["init", "files"].map(|name| fs_err::read_dir(runtime.join(name)).unwrap());
    for path in files.into_iter().flatten().map(|entry| entry.unwrap().path()) {
        assert!(path.is_file(), "{}: this test looks at one level of files", path.display());
        let text = fs_err::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_str().unwrap();
        all.extend(violations(file, &text));
        used.extend(text.lines().map(|line| format!("{file}: {line}\n")));
    }
    assert!(
        all.is_empty(),
        "reach it through `RootDir`, or say in HOST why the path is the host's:\n{}",
        all.join("\n")
    );
    for (file, part, _) in HOST {
        let is_there = used.lines().any(|line| line.starts_with(&format!("{file}: ")) && line.contains(part));
        assert!(is_there, "{file} has no `{part}` any more: take it out of HOST");
    }
}

#[test]
fn a_path_is_noticed() {
    let text = "use std::fs::File;\n// CWD\nlet a = fs_err::read(path);\nrustix::process::chdir(\"/\")?;\n#[cfg(test)]\nfs_err::x()\n";
    assert_eq!(violations("rootfs.rs", text), ["rootfs.rs:3: let a = fs_err::read(path);"]);
    assert_eq!(violations("other.rs", text).len(), 2);
}
