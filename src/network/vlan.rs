//! Links that carry one VLAN of another link: `eth0.10` is number 10 of `eth0`. Made for the networks that share one, as Docker
//! does, and marked, so that none is removed that somebody else has made.

use rustix::io::Errno;

use super::link::{self, IFALIAS, INFO_DATA, INFO_KIND, LINK, LINKINFO};
use super::netlink::{Connection, NetlinkError};

/// `IFLA_VLAN_ID`.
const VLAN_ID: u16 = 1;
/// The highest number that a VLAN may have.
const LAST: u16 = 4094;
/// What is written on our own.
const MARK: &str = "rcompose";

/// Why there is no link for a VLAN.
#[derive(Debug, thiserror::Error)]
pub enum VlanError {
    /// The kernel knows no such links.
    #[error(
        "cannot make `{name}`: this kernel has no VLANs (CONFIG_VLAN_8021Q); make the link by other means, or name another `parent`"
    )]
    Unsupported {
        /// The name of the link.
        name: String,
        /// The error number.
        source: NetlinkError,
    },
    /// The link could not be made.
    #[error("cannot make `{name}` for its VLAN")]
    Create {
        /// The name of the link.
        name: String,
        /// What went wrong.
        source: NetlinkError,
    },
    /// The link could not be removed.
    #[error("cannot remove `{name}`")]
    Remove {
        /// The name of the link.
        name: String,
        /// What went wrong.
        source: NetlinkError,
    },
}

/// The link and the number that a name like `eth0.10` stands for.
fn parse(name: &str) -> Option<(&str, u16)> {
    let (parent, number) = name.rsplit_once('.')?;
    let number = number.parse().ok().filter(|number| (1..=LAST).contains(number))?;
    (!parent.is_empty()).then_some((parent, number))
}

/// Makes the link called `name`, if that stands for a VLAN of a link that there is, and there is none of that name.
///
/// # Errors
/// [`VlanError::Unsupported`], [`VlanError::Create`].
pub fn create_vlan(name: &str) -> Result<(), VlanError> {
    let Some((parent, number)) = parse(name) else { return Ok(()) };
    let create = |source| VlanError::Create { name: name.to_owned(), source };
    let mut connection = Connection::route().map_err(create)?;
    if link::index(&mut connection, name).map_err(create)?.is_some() {
        return Ok(());
    }
    let Some(parent) = link::index(&mut connection, parent).map_err(create)? else { return Ok(()) };
    let vlan = link::new_link(name).u32(LINK, parent).string(IFALIAS, MARK).nest(LINKINFO, |info| {
        info.string(INFO_KIND, "vlan").nest(INFO_DATA, |data| data.bytes(VLAN_ID, &number.to_ne_bytes()))
    });
    connection.request(vec![vlan]).map_err(|(_, source)| match source.errno() {
        Some(Errno::OPNOTSUPP) => VlanError::Unsupported { name: name.to_owned(), source },
        _ => create(source),
    })
}

/// Removes the link called `name`, if it is one that [`create_vlan`] has made.
///
/// # Errors
/// [`VlanError::Remove`].
pub fn remove_vlan(name: &str) -> Result<(), VlanError> {
    let remove = |source| VlanError::Remove { name: name.to_owned(), source };
    let mut connection = Connection::route().map_err(remove)?;
    if link::alias(&mut connection, name).map_err(remove)?.as_deref() != Some(MARK) {
        return Ok(());
    }
    match connection.request(vec![link::delete_link(name)]) {
        Err((_, error)) if error.errno() == Some(Errno::NODEV) => Ok(()),
        result => result.map_err(|(_, source)| remove(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_a_vlan() {
        for (name, expected) in [
            ("eth0.10", Some(("eth0", 10))),
            ("br.lan.4094", Some(("br.lan", 4094))),
            ("eth0", None),
            ("eth0.0", None),
            ("eth0.4095", None),
            ("eth0.x", None),
            (".10", None),
        ] {
            assert_eq!(parse(name), expected, "{name}");
        }
    }
}
