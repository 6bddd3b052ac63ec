//! Extended attributes that are copied and count as content.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{fgetxattr, flistxattr};
use rustix::io::Errno;

/// The kernel's limits of a list of names and of a value, both 64 KiB. See `xattr(7)`.
const MAX: usize = 65536;

/// Most files have none, and most others a few.
const USUAL: usize = 512;

/// Name and value of an attribute.
pub(in crate::build) type Attribute = (Vec<u8>, Vec<u8>);

/// Those of an open file, by name: capabilities, ACLs and what users set. The labels of security modules mean nothing in an
/// image, and those of overlays would steer one.
pub(in crate::build) fn attributes(file: BorrowedFd<'_>) -> io::Result<Vec<Attribute>> {
    let mut few = [0; USUAL];
    let mut many = Vec::new();
    let names: &[u8] = match flistxattr(file, &mut few) {
        Ok(length) => &few[..length],
        Err(Errno::NOTSUP) => return Ok(Vec::new()),
        Err(Errno::RANGE) => {
            many.resize(MAX, 0);
            let length = flistxattr(file, &mut many)?;
            &many[..length]
        }
        Err(errno) => return Err(errno.into()),
    };
    let mut attributes = Vec::new();
    for name in names.split(|byte| *byte == 0).filter(|name| is_wanted(name)) {
        let mut value = vec![0; MAX];
        match fgetxattr(file, name, &mut value) {
            Ok(length) => value.truncate(length),
            // Removed since.
            Err(Errno::NODATA) => continue,
            Err(errno) => return Err(errno.into()),
        }
        attributes.push((name.to_vec(), value));
    }
    attributes.sort();
    Ok(attributes)
}

fn is_wanted(name: &[u8]) -> bool {
    name == b"security.capability"
        || name.starts_with(b"system.posix_acl_")
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}
