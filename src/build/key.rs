//! What a step is known by in the cache: a digest of everything that its result depends on, and of nothing else.
//!
//! | step | what counts |
//! |---|---|
//! | `RUN` | command, environment, declared arguments, user, directory, network, security, mounts, and the layers it runs over |
//! | `COPY`, `ADD` | what is copied by content, owner and mode, not by time; where to; the layers it goes over |
//! | `COPY --link` | as `COPY`, but for the layers |
//! | `WORKDIR` | the directory, and the layers |
//!
//! What changes the configuration of the image alone is no step of the cache. The contents of secrets, agents and cache
//! mounts do not count, nor limits of resources.

use sha2::{Digest as _, Sha256};

use crate::image::Digest;

/// Keys of another version name other results, since what goes into them has changed.
const VERSION: &str = "rcompose build key 1";

/// Collects what a key stands for. Every part is written with its name and length, so that no two lists of parts are the
/// same bytes.
#[derive(Debug)]
pub struct KeyMaker(Sha256);

impl KeyMaker {
    /// Begins the key of a step of a `kind`.
    #[must_use]
    pub fn new(kind: &str) -> Self {
        Self(Sha256::new()).with("version", VERSION).with("kind", kind)
    }

    /// Adds a part.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add(name, value.as_ref());
        self
    }

    /// Adds a part for each of `values`, and how many there are.
    #[must_use]
    pub fn with_all<T: AsRef<[u8]>>(mut self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let mut count = 0_u64;
        for value in values {
            self.add(name, value.as_ref());
            count += 1;
        }
        self.add(name, &count.to_le_bytes());
        self
    }

    /// Adds a part that may be missing, which is another thing than one that is empty.
    #[must_use]
    pub fn with_option(self, name: &str, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self.with_all(name, [""; 0]),
        }
    }

    /// Adds a digest.
    #[must_use]
    pub fn with_digest(self, name: &str, digest: Digest) -> Self {
        self.with(name, digest.to_string())
    }

    /// The key.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest::from(<[u8; 32]>::from(self.0.finalize()))
    }

    fn add(&mut self, name: &str, value: &[u8]) {
        for part in [name.as_bytes(), value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_and_where_makes_a_difference() {
        let keys = [
            KeyMaker::new("run").finish(),
            KeyMaker::new("copy").finish(),
            KeyMaker::new("run").with("a", "bc").finish(),
            KeyMaker::new("run").with("ab", "c").finish(),
            KeyMaker::new("run").with("a", "b").with("a", "c").finish(),
            KeyMaker::new("run").with_all("a", ["b", "c"]).finish(),
            KeyMaker::new("run").with_all("a", ["bc"]).finish(),
            KeyMaker::new("run").with_option("a", None::<&str>).finish(),
            KeyMaker::new("run").with_option("a", Some("")).finish(),
        ];
        let mut different = keys.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), keys.len());
        assert_eq!(KeyMaker::new("run").with("a", "b").finish(), KeyMaker::new("run").with("a", "b").finish());
    }
}
