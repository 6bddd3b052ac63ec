//! Layers: what they have of what was changed, and that the same changes are the same layer.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rcompose::build::layer::Sealed;
use rcompose::image::{Blueprint, Digest, HistoryEntry, Store};
use rcompose::name::{ImageReference, RegistryReference};
use rcompose::runtime::files::InPlace;

use crate::harness::{Machine, tree};

/// Every kind of thing that a layer has.
const CHANGES: &str = "mkdir -p /new/deep; echo file > /new/deep/file; ln /new/deep/file /new/link; ln -s deep /new/symlink; \
    mkfifo /new/fifo; truncate -s 10M /new/sparse; printf end >> /new/sparse; chmod 4755 /new/deep/file; \
    rm -r /etc/apt; mkdir /etc/apt; echo x > /etc/apt/x; rm /etc/hostname; chown 12:34 /new/deep; \
    python3 -c 'import os, socket; os.setxattr(\"/new/deep/file\", \"user.note\", b\"value\"); \
    socket.socket(socket.AF_UNIX).bind(\"/new/socket\")'; find /new -newermt @1000000000 | wc -l";

fn sealed(machine: &Machine, script: &str, epoch: Option<i64>) -> Sealed {
    let mut workspace = machine.workspace();
    machine.run(&machine.request(script), &mut workspace).text();
    workspace.seal(&machine.store, epoch, &mut InPlace).unwrap()
}

#[test]
fn everything_that_was_changed() {
    let machine = Machine::new();
    let layer = sealed(&machine, CHANGES, None);
    let expected = [
        "etc",
        "etc/apt",
        "etc/apt/x",
        "etc/hostname",
        "new",
        "new/deep",
        "new/deep/file",
        "new/fifo",
        "new/link",
        "new/sparse",
        "new/symlink",
    ];
    assert_eq!(tree(&layer.directory), expected);
    let status = |path: &str| layer.directory.join(path).symlink_metadata().unwrap();
    assert!(status("etc/hostname").file_type().is_char_device() && status("etc/hostname").rdev() == 0);
    assert_eq!(status("new/link").ino(), status("new/deep/file").ino());
    assert_eq!(status("new/deep/file").mode() & 0o7777, 0o4755);
    assert_eq!((status("new/deep").uid(), status("new/deep").gid()), (12, 34));
    assert!(status("new/sparse").blocks() * 512 < 1 << 20, "it has holes still");
    assert_eq!(layer.size, 5 + (10 << 20) + 3 + 2);
    assert_eq!(machine.store.layer(layer.diff_id), Some(layer.directory.clone()));

    // Over another one it is seen as it was.
    let mut next = machine.workspace_over(&["/".into(), layer.directory]);
    let look = "cat /new/link; ls /etc/apt; ls /etc/hostname 2>&1 | grep -c 'No such'; stat -c %s /new/sparse";
    assert_eq!(machine.run(&machine.request(look), &mut next).text(), "file\nx\n1\n10485763");
}

#[test]
fn the_same_changes_are_the_same_layer() {
    let machine = Machine::new();
    let other = Store::open(&machine.path("images/other")).unwrap();
    let epoch = Some(1_000_000_000);
    let one = sealed(&machine, CHANGES, epoch);
    // A second later on the clock of the files: nothing but the epoch makes them the same.
    let mut workspace = rcompose::build::layer::Workspace::over(&["/".into()], &other).unwrap();
    machine.run(&machine.request(&format!("sleep 1.1; {CHANGES}")), &mut workspace).text();
    let two = workspace.seal(&other, epoch, &mut InPlace).unwrap();
    assert_eq!(one.diff_id, two.diff_id);
    assert_ne!(one.directory, two.directory);
    // In the tree too: what is pushed later is made of that.
    for path in ["new", "new/deep/file", "new/symlink", "etc/apt"] {
        assert_eq!(one.directory.join(path).symlink_metadata().unwrap().mtime(), 1_000_000_000, "{path}");
    }
    let mut archive = Vec::new();
    rcompose::runtime::files::pack_layer(&one.directory, &mut InPlace, &mut archive).unwrap();
    assert_eq!(Digest::of(&archive), one.diff_id);
    assert_ne!(sealed(&machine, &format!("{CHANGES}; echo more > /more"), epoch).diff_id, one.diff_id);
}

#[test]
fn wherever_the_store_is_it_is_the_same_layer() {
    let machine = Machine::new();
    let epoch = Some(1_000_000_000);
    let one = sealed(&machine, CHANGES, epoch);
    // This one's store is below the layer.
    let disk = Store::open(&machine.path("disk")).unwrap();
    let mut workspace = rcompose::build::layer::Workspace::over(&["/".into()], &disk).unwrap();
    machine.run(&machine.request(CHANGES), &mut workspace).text();
    let two = workspace.seal(&disk, epoch, &mut InPlace).unwrap();
    assert_eq!((one.diff_id, one.size), (two.diff_id, two.size));
    assert_eq!(tree(&one.directory), tree(&two.directory));
    assert_eq!(crate::harness::names(&machine.path("disk/staging")), [""; 0]);
}

#[test]
fn times_without_an_epoch_are_kept() {
    let machine = Machine::new();
    let script = "mkdir /new; echo x > /new/file; touch -d @12345 /new/file /new";
    let (one, two) = (sealed(&machine, script, None), sealed(&machine, script, None));
    assert_eq!(one, two);
    assert_eq!(one.directory.join("new").metadata().unwrap().mtime(), 12345);
}

#[test]
fn nothing_is_a_layer_too() {
    let machine = Machine::new();
    let empty = machine.seal(machine.workspace());
    assert_eq!(empty, sealed(&machine, "true", Some(1)));
    assert_eq!(empty, machine.seal(machine.workspace_over(&[])));
    // Two blocks of zeros, the end of every archive.
    assert_eq!(empty.diff_id, Digest::of(&[0; 1024]));
    assert_eq!((empty.size, tree(&empty.directory).len()), (0, 0));
}

#[test]
fn an_image_of_layers() {
    let machine = Machine::new();
    let ImageReference::Registry(name) = ImageReference::parse("example/app:1").unwrap() else { unreachable!() };
    let names: &[RegistryReference] = std::slice::from_ref(&name);
    let mut workspace = machine.workspace_over(&[]);
    workspace.root().mkdir(Path::new("bin"), 0o755).unwrap();
    workspace.make_mount_points(&[]).unwrap();
    let first = machine.seal(workspace);
    let workspace = machine.workspace_over(std::slice::from_ref(&first.directory));
    workspace.root().mkdir(Path::new("bin/sub"), 0o700).unwrap();
    let second = machine.seal(workspace);
    let entry = |text: &str| HistoryEntry { created_by: Some(text.to_owned()), ..HistoryEntry::default() };
    let blueprint = Blueprint {
        diff_ids: vec![first.diff_id, second.diff_id],
        history: vec![entry("COPY"), entry("RUN")],
        ..Blueprint::scratch()
    };
    let id = machine.store.add_blueprint(&blueprint, names).unwrap();
    let image = machine.store.lookup(&ImageReference::Registry(name)).unwrap().unwrap();
    assert_eq!((image.id.clone(), image.layers.clone()), (id.to_string(), vec![first.directory, second.directory]));
    assert_eq!(machine.store.blueprint(&image).unwrap(), Some(blueprint));
    let found = image.open_root().unwrap().stat(Path::new("bin/sub")).unwrap().unwrap();
    assert_eq!(found.st_mode & 0o777, 0o700);
}
