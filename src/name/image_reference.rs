//! Image references as `image:` takes them: registry references in Docker's short and long form, and transports.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use super::InvalidName;

/// An error in an image reference.
pub type InvalidReference = InvalidName;

/// What `image:` names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ImageReference {
    /// An image in a registry: `postgres:15`, `ghcr.io/a/b@sha256:…`.
    Registry(RegistryReference),
    /// `rootfs:DIR`: a directory of this machine as a copy-on-write root.
    Rootfs(PathBuf),
}

/// A reference to an image in a registry, with Docker's defaults applied.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryReference {
    /// `host[:port]`; `docker.io` when the text names none.
    pub registry: String,
    /// The path below the registry: `library/postgres`.
    pub repository: String,
    /// `latest` when the text has neither tag nor digest.
    pub tag: Option<String>,
    /// `sha256:…`, when given.
    pub digest: Option<String>,
    /// As the user wrote it.
    text: String,
}

impl ImageReference {
    /// Parses `text` with Docker's rules for defaults.
    ///
    /// # Errors
    /// [`InvalidReference`] with the rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        if let Some(directory) = text.strip_prefix("rootfs:") {
            if !Path::new(directory).is_absolute() {
                return Err(invalid(text, "`rootfs:` takes the absolute path of a directory"));
            }
            return Ok(Self::Rootfs(PathBuf::from(directory)));
        }
        RegistryReference::parse(text).map(Self::Registry)
    }
}

fn invalid(text: &str, rule: &'static str) -> InvalidReference {
    InvalidName { kind: "image reference", text: text.to_owned(), rule }
}

/// Whether this is a host, with or without a port.
fn is_host(text: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.split('.').all(is_label) && port.is_none_or(is_port)
}

impl RegistryReference {
    fn parse(text: &str) -> Result<Self, InvalidReference> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        if let Some(digest) = &digest {
            let hex = digest
                .strip_prefix("sha256:")
                .ok_or_else(|| invalid(text, "a digest is `sha256:` and 64 hexadecimal digits"))?;
            if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
                return Err(invalid(text, "a digest is `sha256:` and 64 hexadecimal digits"));
            }
        }
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, Some(tag.to_owned())),
            _ => (rest, None),
        };
        if let Some(tag) = &tag {
            let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if tag.is_empty()
                || tag.len() > 128
                || !word(tag.as_bytes()[0])
                || !tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
            {
                return Err(invalid(text, "a tag is up to 128 letters, digits, `_`, `.` and `-`"));
            }
        }
        let (registry, repository) = match path.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
            Some(_) => ("docker.io", path.to_owned()),
            None => ("docker.io", format!("library/{path}")),
        };
        if !is_host(registry) {
            return Err(invalid(text, "a registry is a host's name or address, with its port behind a `:`"));
        }
        let component = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if path.is_empty() || !repository.split('/').all(component) {
            return Err(invalid(text, "a repository is lower-case letters and digits, joined by `/`, `.`, `_` or `-`"));
        }
        let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        Ok(Self { registry: registry.to_owned(), repository, tag, digest, text: text.to_owned() })
    }

    /// What a registry is asked for: the digest when there is one, else the tag.
    #[must_use]
    pub fn manifest(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// The reference in full with the digest that it stands for; one that has a digest loses its tag.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> String {
        let path = format!("{}/{}", self.registry, self.repository);
        match (&self.digest, &self.tag) {
            (Some(own), _) => format!("{path}@{own}"),
            (None, Some(tag)) => format!("{path}:{tag}@{digest}"),
            (None, None) => format!("{path}@{digest}"),
        }
    }

    /// The repository as people write it: `postgres`, `ghcr.io/a/b`.
    #[must_use]
    pub fn familiar(&self) -> String {
        match self.registry.as_str() {
            "docker.io" => self.repository.strip_prefix("library/").unwrap_or(&self.repository).to_owned(),
            registry => format!("{registry}/{}", self.repository),
        }
    }

    /// The reference in full: `docker.io/library/postgres:15`.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = format!("{}/{}", self.registry, self.repository);
        if let Some(tag) = &self.tag {
            text = format!("{text}:{tag}");
        }
        if let Some(digest) = &self.digest {
            text = format!("{text}@{digest}");
        }
        text
    }
}

impl fmt::Display for RegistryReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(formatter),
            Self::Rootfs(directory) => write!(formatter, "rootfs:{}", directory.display()),
        }
    }
}

impl TryFrom<String> for ImageReference {
    type Error = InvalidReference;
    fn try_from(text: String) -> Result<Self, InvalidReference> {
        Self::parse(&text)
    }
}

impl From<ImageReference> for String {
    fn from(reference: ImageReference) -> Self {
        reference.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docker_defaults() {
        for (text, canonical) in [
            ("postgres:15", "docker.io/library/postgres:15"),
            ("postgres", "docker.io/library/postgres:latest"),
            ("me/app", "docker.io/me/app:latest"),
            ("127.0.0.1:5000/library/redis:7", "127.0.0.1:5000/library/redis:7"),
            ("localhost/x", "localhost/x:latest"),
            ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("My-Host.lan:5000/a:1", "My-Host.lan:5000/a:1"),
        ] {
            let ImageReference::Registry(reference) = ImageReference::parse(text).unwrap() else { panic!("{text}") };
            assert_eq!(reference.canonical(), canonical);
            assert_eq!(ImageReference::Registry(reference).to_string(), text);
        }
        assert_eq!(ImageReference::parse("rootfs:/").unwrap(), ImageReference::Rootfs("/".into()));
    }

    #[test]
    fn repositories_as_people_write_them() {
        for (text, familiar) in
            [("docker.io/library/postgres:15", "postgres"), ("me/app", "me/app"), ("ghcr.io/a/b:1", "ghcr.io/a/b")]
        {
            let ImageReference::Registry(reference) = ImageReference::parse(text).unwrap() else { panic!("{text}") };
            assert_eq!(reference.familiar(), familiar);
        }
    }

    #[test]
    fn mistakes() {
        for text in [
            "",
            "Postgres",
            "a:b:c/..",
            "a@sha256:12",
            "rootfs:x",
            "a/../b",
            "a:",
            "-a",
            "./x",
            "../x",
            ".a/x",
            "a.:5/x",
            "a.b:p/x",
            "[1]/x",
        ] {
            assert!(ImageReference::parse(text).is_err(), "{text}");
        }
    }
}
