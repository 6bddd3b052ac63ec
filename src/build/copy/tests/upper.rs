//! Large files, whose content comes while the layer that they are in is read.

use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::time::Duration;

use super::*;
use crate::runtime::files::{InPlace, pack_layer};

/// A file that is large, with an old time.
fn add_large(lab: &Lab, path: &str, byte: u8) {
    let path = lab.context().join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(&path, vec![byte; 3 << 20]).unwrap();
    std::fs::File::open(path).unwrap().set_modified(std::time::UNIX_EPOCH + Duration::from_secs(7)).unwrap();
}

/// Copies with an upper directory, does something, and reads what is in it as a layer.
fn deferred(lab: &Lab, wanted: &Copy, meanwhile: impl FnOnce()) -> Result<Vec<u8>, Option<CopyError>> {
    let root = RootDir::open(&lab.root()).unwrap();
    let upper = Upper::new(RootDir::open(&lab.root()).unwrap());
    let into = Destination { root: &root, upper: Some(&upper), accounts: None, cancelled: &|| false };
    copy(wanted, &lab.tree(&[]), &into).unwrap();
    meanwhile();
    let mut contents = upper.contents(&|| false);
    let mut archive = Vec::new();
    pack_layer(&lab.root(), &mut contents, &mut archive).map(|()| archive).map_err(|_| contents.failure())
}

#[test]
fn a_large_content_comes_while_the_layer_is_read() {
    let lab = Lab::new(&["d/small=1"]);
    add_large(&lab, "d/large", b'x');
    fs_err::hard_link(lab.context().join("d/large"), lab.context().join("d/link")).unwrap();
    let archive = deferred(&lab, &wanted(&["d"], "/x"), || {
        let status = lab.status("x/large");
        assert_eq!((status.size(), status.blocks()), (3 << 20, 0), "it has none before");
    });
    assert_eq!(fs_err::read(lab.root().join("x/large")).unwrap(), vec![b'x'; 3 << 20]);
    assert_eq!(lab.status("x/large").mtime(), 7);
    assert_eq!(lab.status("x/link").ino(), lab.status("x/large").ino());
    // As when all is in the files.
    let mut whole = Vec::new();
    pack_layer(&lab.root(), &mut InPlace, &mut whole).unwrap();
    assert!(archive.unwrap() == whole);
}

#[test]
fn what_takes_the_place_of_a_large_file_stays() {
    let lab = Lab::new(&["e/f=small"]);
    add_large(&lab, "d/f", b'x');
    deferred(&lab, &wanted(&["d", "e"], "/x"), || {}).unwrap();
    assert_eq!(lab.found(), ["x/f=small"]);
}

#[test]
fn what_writing_would_take_from_a_large_file_is_kept() {
    let lab = Lab::new(&[]);
    add_large(&lab, "f", b'x');
    std::fs::set_permissions(lab.context().join("f"), std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    deferred(&lab, &wanted(&["f"], "/f"), || {}).unwrap();
    assert_eq!(lab.status("f").mode() & 0o7777, 0o4755);
}

#[test]
fn a_large_file_that_changes_before_its_content_comes_is_told() {
    let change: [fn(&std::fs::File); 3] = [
        |file| file.set_len(1 << 20).unwrap(),
        |file| file.write_all_at(b"y", 5).unwrap(),
        |file| file.set_len(4 << 20).unwrap(),
    ];
    for change in change {
        let lab = Lab::new(&[]);
        add_large(&lab, "f", b'x');
        let file = std::fs::File::options().write(true).open(lab.context().join("f")).unwrap();
        let failure = deferred(&lab, &wanted(&["f"], "/f"), || change(&file)).unwrap_err();
        assert_eq!(failure.unwrap().to_string(), "`f` was changed during the build");
    }
}
