//! What things are called: each name is validated once, here, and names of different things do not mix.

mod git_reference;
mod image_reference;

pub use git_reference::GitReference;
pub use image_reference::{ImageReference, InvalidReference, RegistryReference};

use std::fmt;

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {kind} `{text}`: {rule}")]
pub struct InvalidName {
    /// What was wanted, in words: `project name`.
    pub kind: &'static str,
    /// What was found.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Validates `text`.
            ///
            /// # Errors
            /// [`InvalidName`] with the rule that `text` breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(InvalidName { kind: $kind, text, rule: $rule }) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }
    };
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

name!(
    /// The name of a project: the prefix of everything it owns.
    ProjectName, "project name",
    "must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number",
    |text| text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
);
name!(
    /// The key of a service under `services`.
    ServiceName, "service name", "must consist only of letters, digits, `.`, `_` and `-`", is_key
);
name!(
    /// The key of a network under `networks` (not the name it has on the host).
    NetworkName, "network name", "must consist only of letters, digits, `.`, `_` and `-`", is_key
);
name!(
    /// The key of a volume under `volumes` (not the name it has on the host).
    VolumeName, "volume name", "must consist only of letters, digits, `.`, `_` and `-`", is_key
);
name!(
    /// The name that a user gives to a snapshot of volumes.
    SnapshotName, "snapshot name", "must begin with a letter or digit and consist of at most 128 letters, digits, `.`, `_` and `-`",
    |text| text.len() <= 128 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_key(text)
);
name!(
    /// The name of a container on this machine: `shop-db-1`.
    ContainerName, "container name", "must begin with a letter or digit and consist of two or more letters, digits, `.`, `_` and `-`",
    |text| text.len() >= 2 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && is_key(text)
);
name!(
    /// The id of a container: 64 lower-case hexadecimal digits, random.
    ContainerId, "container id", "must be 64 lower-case hexadecimal digits",
    |text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);

impl ProjectName {
    /// Derives a project name from a directory or file value as docker compose does: lower-cased, with every
    /// other character dropped and leading `_` and `-` trimmed.
    ///
    /// # Errors
    /// [`InvalidName`] when nothing is left.
    pub fn normalised(text: &str) -> Result<Self, InvalidName> {
        let kept: String = text
            .chars()
            .flat_map(char::to_lowercase)
            .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_' || *c == '-')
            .collect();
        Self::new(kept.trim_start_matches(['_', '-']))
    }
}

impl ContainerId {
    /// The first 12 digits: what people are shown.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_names() {
        for (text, valid) in
            [("shop", true), ("0a_-", true), ("Shop", false), ("", false), ("_a", false), ("a.b", false)]
        {
            assert_eq!(ProjectName::new(text).is_ok(), valid, "{text}");
        }
        assert_eq!(ProjectName::normalised("_My Shop.2").unwrap().as_str(), "myshop2");
        assert!(ProjectName::normalised("...").is_err());
    }

    #[test]
    fn a_container_name_cannot_leave_its_directory() {
        for text in ["..", ".", "a/b", "", "a"] {
            assert!(ContainerName::new(text).is_err(), "{text}");
        }
    }
}
