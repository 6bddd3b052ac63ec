//! The options of a mount, as `mount(8)` and the runtime specification spell them.

use crate::sys::mount::{MountAttrFlags, Propagation};

/// What a list of options means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// `bind` (false) or `rbind` (true).
    pub(super) bind: Option<bool>,
    pub(super) set: MountAttrFlags,
    pub(super) clear: MountAttrFlags,
    pub(super) propagation: Propagation,
    /// For the file system itself.
    pub(super) data: Vec<(String, Option<String>)>,
}

/// Sorts options into what the mount, and what the file system has to do with them.
pub(super) fn parse<T: AsRef<str>>(options: &[T]) -> Options {
    let none = MountAttrFlags::empty();
    let mut result =
        Options { bind: None, set: none, clear: none, propagation: Propagation::Private, data: Vec::new() };
    for option in options {
        let option = option.as_ref();
        match option {
            "bind" => result.bind = Some(result.bind.unwrap_or(false)),
            "rbind" => result.bind = Some(true),
            "private" | "rprivate" => result.propagation = Propagation::Private,
            "slave" | "rslave" => result.propagation = Propagation::Slave,
            "shared" | "rshared" => result.propagation = Propagation::Shared,
            "defaults" | "async" | "rw" | "rrw" | "dev" | "exec" | "suid" | "atime" | "diratime" => {
                let flag = match option {
                    "rw" | "rrw" => MountAttrFlags::MOUNT_ATTR_RDONLY,
                    "dev" => MountAttrFlags::MOUNT_ATTR_NODEV,
                    "exec" => MountAttrFlags::MOUNT_ATTR_NOEXEC,
                    "suid" => MountAttrFlags::MOUNT_ATTR_NOSUID,
                    "diratime" => MountAttrFlags::MOUNT_ATTR_NODIRATIME,
                    _ => none,
                };
                result.clear |= flag;
                result.set -= flag;
            }
            "ro" | "rro" | "nodev" | "noexec" | "nosuid" | "nodiratime" | "nosymfollow" => {
                let flag = match option {
                    "nodev" => MountAttrFlags::MOUNT_ATTR_NODEV,
                    "noexec" => MountAttrFlags::MOUNT_ATTR_NOEXEC,
                    "nosuid" => MountAttrFlags::MOUNT_ATTR_NOSUID,
                    "nodiratime" => MountAttrFlags::MOUNT_ATTR_NODIRATIME,
                    "nosymfollow" => MountAttrFlags::MOUNT_ATTR_NOSYMFOLLOW,
                    _ => MountAttrFlags::MOUNT_ATTR_RDONLY,
                };
                result.set |= flag;
                result.clear -= flag;
            }
            "relatime" | "noatime" | "strictatime" => {
                // A field of several bits: set one value, clear the whole.
                result.set -= MountAttrFlags::MOUNT_ATTR__ATIME;
                result.clear |= MountAttrFlags::MOUNT_ATTR__ATIME;
                result.set |= match option {
                    "noatime" => MountAttrFlags::MOUNT_ATTR_NOATIME,
                    "strictatime" => MountAttrFlags::MOUNT_ATTR_STRICTATIME,
                    _ => MountAttrFlags::MOUNT_ATTR_RELATIME,
                };
            }
            _ => result.data.push(match option.split_once('=') {
                Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                None => (option.to_owned(), None),
            }),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_options_win() {
        let options = parse(&["ro", "nosuid", "rw", "rbind", "bind", "rslave", "size=64m", "newinstance"]);
        assert_eq!(options.bind, Some(true));
        assert_eq!(options.set, MountAttrFlags::MOUNT_ATTR_NOSUID);
        assert_eq!(options.clear, MountAttrFlags::MOUNT_ATTR_RDONLY);
        assert_eq!(options.propagation, Propagation::Slave);
        let data = [("size".to_owned(), Some("64m".to_owned())), ("newinstance".to_owned(), None)];
        assert_eq!(options.data, data);
    }
}
