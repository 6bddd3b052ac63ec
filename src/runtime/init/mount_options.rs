//! The options of a mount, as `mount(8)` and the runtime specification spell them.

use std::path::PathBuf;

use crate::sys::mount::{MountAttrFlags, Propagation};

/// Changes of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) set: MountAttrFlags,
    pub(super) clear: MountAttrFlags,
}

/// What a list of options means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// `bind` (false) or `rbind` (true).
    pub(super) bind: Option<bool>,
    /// Change what is mounted there already.
    pub(super) remount: bool,
    /// Of the one mount.
    pub(super) attributes: Attributes,
    /// Of it and all mounts below it, by the options that begin with `r`.
    pub(super) recursive: Attributes,
    /// Each with whether it is for all mounts below it too, in their order.
    pub(super) propagation: Vec<(Propagation, bool)>,
    /// `idmap` (false) or `ridmap` (true).
    pub(super) map_ids: Option<bool>,
    /// Begin with a copy of what is there in the root.
    pub(super) copy_up: bool,
    /// The part of the source that is shown, as `X-mount.subdir` of `mount(8)`.
    pub(super) subdirectory: Option<PathBuf>,
    /// What is mounted over the source, read-only, the topmost last: the layers of an image.
    pub(super) layers: Vec<PathBuf>,
    /// The mount namespace in which the source is; the host's when `None`.
    pub(super) mount_namespace: Option<PathBuf>,
    /// For the file system itself.
    pub(super) data: Vec<(String, Option<String>)>,
}

/// Flags that have a file system of their own write or read otherwise; by the same names to the kernel. See `fsconfig(2)`.
const OF_FILE_SYSTEMS: [&str; 8] = ["sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand", "posixacl"];
/// What `mount(2)` knows and the newer calls have no word for: whether to count versions of inodes is up to each file
/// system, and nobody reads what the kernel would say.
const WITHOUT_EFFECT: [&str; 5] = ["defaults", "iversion", "noiversion", "silent", "loud"];

/// Shows a part of the source, wherever links in it point.
const SUBDIRECTORY: &str = "X-mount.subdir=";
/// Shows this directory over the source.
const LAYER: &str = "x-rcompose.layer=";
/// Takes the source from the mount namespace at this path.
const MOUNT_NAMESPACE: &str = "x-rcompose.mount-namespace=";

/// The name of an attribute, what it sets, and (the times of access, a field of several bits) what it clears.
fn attribute(name: &str) -> Option<Attributes> {
    let set = |set| Some(Attributes { set, clear: MountAttrFlags::empty() });
    let clear = |clear| Some(Attributes { set: MountAttrFlags::empty(), clear });
    let times = |set| Some(Attributes { set, clear: MountAttrFlags::MOUNT_ATTR__ATIME });
    match name {
        "ro" => set(MountAttrFlags::MOUNT_ATTR_RDONLY),
        "rw" => clear(MountAttrFlags::MOUNT_ATTR_RDONLY),
        "nosuid" => set(MountAttrFlags::MOUNT_ATTR_NOSUID),
        "suid" => clear(MountAttrFlags::MOUNT_ATTR_NOSUID),
        "nodev" => set(MountAttrFlags::MOUNT_ATTR_NODEV),
        "dev" => clear(MountAttrFlags::MOUNT_ATTR_NODEV),
        "noexec" => set(MountAttrFlags::MOUNT_ATTR_NOEXEC),
        "exec" => clear(MountAttrFlags::MOUNT_ATTR_NOEXEC),
        "nodiratime" => set(MountAttrFlags::MOUNT_ATTR_NODIRATIME),
        "diratime" => clear(MountAttrFlags::MOUNT_ATTR_NODIRATIME),
        "nosymfollow" => set(MountAttrFlags::MOUNT_ATTR_NOSYMFOLLOW),
        "symfollow" => clear(MountAttrFlags::MOUNT_ATTR_NOSYMFOLLOW),
        // The opposite of each of these is the kernel's default.
        "relatime" | "atime" | "norelatime" | "nostrictatime" => times(MountAttrFlags::MOUNT_ATTR_RELATIME),
        "noatime" => times(MountAttrFlags::MOUNT_ATTR_NOATIME),
        "strictatime" => times(MountAttrFlags::MOUNT_ATTR_STRICTATIME),
        _ => None,
    }
}

/// One of the eight words for a propagation, and whether it is for all mounts below too.
pub(in crate::runtime) fn propagation(word: &str) -> Option<(Propagation, bool)> {
    let of = |word| match word {
        "private" => Some(Propagation::Private),
        "slave" => Some(Propagation::Slave),
        "shared" => Some(Propagation::Shared),
        "unbindable" => Some(Propagation::Unbindable),
        _ => None,
    };
    match of(word) {
        Some(propagation) => Some((propagation, false)),
        None => Some((of(word.strip_prefix('r')?)?, true)),
    }
}

/// Whether an option is one that no other runtime knows.
pub(super) fn is_private(option: &str) -> bool {
    [SUBDIRECTORY, LAYER, MOUNT_NAMESPACE].iter().any(|private| option.starts_with(private))
}

impl Default for Attributes {
    fn default() -> Self {
        Self { set: MountAttrFlags::empty(), clear: MountAttrFlags::empty() }
    }
}

impl Attributes {
    /// The later one wins.
    fn add(&mut self, later: Self) {
        self.set = (self.set - later.clear) | later.set;
        self.clear = (self.clear - later.set) | later.clear;
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Sorts options into what the mount, and what the file system has to do with them.
pub(super) fn parse<T: AsRef<str>>(options: &[T]) -> Options {
    let mut result = Options::default();
    for option in options {
        let option = option.as_ref();
        if let Some(attributes) = attribute(option) {
            result.attributes.add(attributes);
        } else if let Some(attributes) = option.strip_prefix('r').and_then(attribute) {
            result.recursive.add(attributes);
        } else if let Some(propagation) = propagation(option) {
            result.propagation.push(propagation);
        } else if let Some(path) = option.strip_prefix(SUBDIRECTORY) {
            result.subdirectory = Some(PathBuf::from(path));
        } else if let Some(path) = option.strip_prefix(LAYER) {
            result.layers.push(PathBuf::from(path));
        } else if let Some(path) = option.strip_prefix(MOUNT_NAMESPACE) {
            result.mount_namespace = Some(PathBuf::from(path));
        } else {
            match option {
                "bind" => result.bind = Some(result.bind.unwrap_or(false)),
                "rbind" => result.bind = Some(true),
                "remount" => result.remount = true,
                "idmap" => result.map_ids = Some(result.map_ids.unwrap_or(false)),
                "ridmap" => result.map_ids = Some(true),
                "tmpcopyup" => result.copy_up = true,
                option if WITHOUT_EFFECT.contains(&option) => {}
                option => result.data.push(match option.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (option.to_owned(), None),
                }),
            }
        }
    }
    result
}

impl Options {
    /// The first option that only a file system of its own could obey.
    pub(super) fn for_file_system(&self) -> Option<&str> {
        self.data.iter().map(|(key, _)| key.as_str()).find(|key| !OF_FILE_SYSTEMS.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn later_options_win() {
        let options = parse(&["ro", "nosuid", "rw", "rbind", "bind", "rslave", "size=64m", "newinstance"]);
        assert_eq!(options.bind, Some(true));
        assert_eq!(options.attributes.set, MountAttrFlags::MOUNT_ATTR_NOSUID);
        assert_eq!(options.attributes.clear, MountAttrFlags::MOUNT_ATTR_RDONLY);
        assert_eq!(options.propagation, [(Propagation::Slave, true)]);
        let data = [("size".to_owned(), Some("64m".to_owned())), ("newinstance".to_owned(), None)];
        assert_eq!(options.data, data);
    }

    #[test]
    fn times_of_access_are_one_field() {
        let times = MountAttrFlags::MOUNT_ATTR__ATIME;
        for (words, set) in [
            (["noatime", "relatime"], MountAttrFlags::MOUNT_ATTR_RELATIME),
            (["relatime", "noatime"], MountAttrFlags::MOUNT_ATTR_NOATIME),
            (["noatime", "strictatime"], MountAttrFlags::MOUNT_ATTR_STRICTATIME),
            (["strictatime", "nostrictatime"], MountAttrFlags::MOUNT_ATTR_RELATIME),
        ] {
            let attributes = parse(&words).attributes;
            assert_eq!(attributes.set & times, set, "{words:?}");
            // The kernel takes a value of the field only together with all of its bits to clear.
            assert_eq!(attributes.clear & times, times, "{words:?}");
        }
    }

    /// Each attribute alone and for a tree, as the specification lists them.
    #[test]
    fn recursive_forms() {
        for word in [
            "ro",
            "rw",
            "nosuid",
            "suid",
            "nodev",
            "dev",
            "noexec",
            "exec",
            "nodiratime",
            "diratime",
            "relatime",
            "norelatime",
            "noatime",
            "atime",
            "strictatime",
            "nostrictatime",
            "nosymfollow",
            "symfollow",
        ] {
            let plain = parse(&[word]);
            assert!(!plain.attributes.is_empty() && plain.recursive.is_empty(), "{word}");
            let recursive = parse(&[format!("r{word}")]);
            assert_eq!((recursive.recursive, recursive.attributes), (plain.attributes, plain.recursive), "r{word}");
        }
        for word in ["private", "shared", "slave", "unbindable"] {
            let (propagation, recursive) = propagation(word).unwrap();
            assert!(!recursive);
            assert_eq!(parse(&[format!("r{word}")]).propagation, [(propagation, true)]);
        }
    }

    proptest! {
        /// What is set is not cleared too, and every option that is no word of ours reaches the file system.
        #[test]
        fn any_options(options: Vec<String>, words in prop::collection::vec("r?(no)?(ro|rw|suid|dev|exec|atime|relatime|private)", 0..8)) {
            let parsed = parse(&words);
            for attributes in [parsed.attributes, parsed.recursive] {
                prop_assert!((attributes.set & (attributes.clear - MountAttrFlags::MOUNT_ATTR__ATIME)).is_empty());
            }
            let strange: Vec<String> = options.iter().map(|option| format!("x-{option}")).collect();
            prop_assert_eq!(parse(&strange).data.len(), strange.len());
        }
    }
}
