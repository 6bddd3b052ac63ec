//! What a container is called on the OCI command line.

use std::fmt;

use crate::name::ContainerId;

/// The longest name of a directory.
const LONGEST: usize = 255;

/// The id of a container: unique below one state directory, in which it names a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(String);

/// Why a text is no id; worded as runc words it, since callers look for that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidId {
    /// There is none.
    #[error("container id cannot be empty")]
    Empty,
    /// It could lead elsewhere, or be misread.
    #[error(
        "invalid container ID format: `{0}` must consist only of letters, digits, `_`, `+`, `-` and `.`, 255 at most"
    )]
    Format(String),
}

impl Id {
    /// Validates `text`.
    ///
    /// # Errors
    /// [`InvalidId`].
    pub fn new(text: &str) -> Result<Self, InvalidId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
        match text {
            "" => Err(InvalidId::Empty),
            "." | ".." => Err(InvalidId::Format(text.to_owned())),
            _ if text.len() > LONGEST || !text.bytes().all(allowed) => Err(InvalidId::Format(text.to_owned())),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id that the parts below know it by, which takes only digits.
    pub(super) fn internal(&self) -> ContainerId {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(self.0.as_bytes());
        ContainerId::new(hex::encode(digest)).expect("a digest has 64 hexadecimal digits")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_a_directory() {
        for id in ["a", "web-1", "a.b", "A_b+c", "..a"] {
            assert_eq!(Id::new(id).unwrap().as_str(), id);
        }
        assert_eq!(Id::new(""), Err(InvalidId::Empty));
        for id in [".", "..", "a/b", "../x", "a b", "ä", "a\n", "a:b", &"x".repeat(256)] {
            assert_eq!(Id::new(id), Err(InvalidId::Format(id.to_owned())));
        }
    }
}
