//! Where a cache is read from and written to, as Compose files say it.

use std::path::{Path, PathBuf};

use crate::name::{ImageReference, RegistryReference};

/// Where a cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CachePlace {
    /// `type=local`: a directory, and a tag in it.
    Directory(PathBuf, Option<String>),
    /// `type=registry`.
    Registry(RegistryReference),
}

/// An entry of `cache_from`.
pub type CacheFrom = CachePlace;

/// An entry of `cache_to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheTo {
    /// Where to; `None` for `type=inline`, in the image itself.
    pub place: Option<CachePlace>,
    /// `mode=max`: with the layers of steps that the image does not have.
    pub is_max: bool,
    /// `ignore-error=true`: it is no failure of the build if that does not work.
    pub ignore_error: bool,
}

/// Why an entry says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// A place that other builders have.
    #[error("there is no cache of type `{0}`, but of `local`, `registry` and `inline`")]
    Unknown(String),
    /// It is not understood.
    #[error("`{text}` is no cache: {rule}")]
    Invalid {
        /// The entry.
        text: String,
        /// What is wrong with it.
        rule: String,
    },
}

impl CachePlace {
    /// Parses an entry of `cache_from`; paths begin at `directory`.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn parse(text: &str, directory: &Path) -> Result<Self, PlaceError> {
        let fields = Fields::parse(text)?;
        match fields.kind {
            "local" => fields.directory("src", directory),
            "registry" => fields.registry(),
            other => Err(PlaceError::Unknown(other.to_owned())),
        }
    }
}

impl CacheTo {
    /// Parses an entry of `cache_to`; paths begin at `directory`.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn parse(text: &str, directory: &Path) -> Result<Self, PlaceError> {
        let fields = Fields::parse(text)?;
        let place = match fields.kind {
            "local" => Some(fields.directory("dest", directory)?),
            "registry" => Some(fields.registry()?),
            "inline" => None,
            other => return Err(PlaceError::Unknown(other.to_owned())),
        };
        let is_max = match fields.get("mode") {
            None | Some("min") => false,
            Some("max") => true,
            Some(_) => return Err(fields.invalid("mode is min or max")),
        };
        Ok(Self { place, is_max, ignore_error: fields.get("ignore-error") == Some("true") })
    }
}

/// `type=local,src=path`.
struct Fields<'a> {
    text: &'a str,
    kind: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Result<Self, PlaceError> {
        // The name of an image alone.
        if !text.contains('=') {
            return Ok(Self { text, kind: "registry", fields: vec![("ref", text)] });
        }
        let field = |field: &'a str| field.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let fields: Option<Vec<_>> = text.split(',').map(field).collect();
        let invalid = |rule: &str| PlaceError::Invalid { text: text.to_owned(), rule: rule.to_owned() };
        let fields = fields.ok_or_else(|| invalid("each part of it is NAME=VALUE"))?;
        let kind = fields.iter().find(|(name, _)| *name == "type").map(|(_, value)| *value);
        Ok(Self { text, kind: kind.ok_or_else(|| invalid("it has no `type`"))?, fields })
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn invalid(&self, rule: impl Into<String>) -> PlaceError {
        PlaceError::Invalid { text: self.text.to_owned(), rule: rule.into() }
    }

    fn directory(&self, name: &str, directory: &Path) -> Result<CachePlace, PlaceError> {
        let path = self.get(name).filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| self.invalid(format!("it has no `{name}`")))?;
        let tag = self.get("digest").or_else(|| self.get("tag")).map(str::to_owned);
        Ok(CachePlace::Directory(directory.join(path), tag))
    }

    fn registry(&self) -> Result<CachePlace, PlaceError> {
        let reference = self.get("ref").ok_or_else(|| self.invalid("it has no `ref`"))?;
        match ImageReference::parse(reference) {
            Ok(ImageReference::Registry(reference)) => Ok(CachePlace::Registry(reference)),
            Ok(ImageReference::Rootfs(_)) => Err(self.invalid("a directory is in no registry")),
            Err(error) => Err(self.invalid(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(text: &str) -> CachePlace {
        let ImageReference::Registry(reference) = ImageReference::parse(text).unwrap() else { panic!("{text}") };
        CachePlace::Registry(reference)
    }

    #[test]
    fn places() {
        let from = |text: &str| CachePlace::parse(text, Path::new("/project"));
        let directory = |path: &str, tag: Option<&str>| CachePlace::Directory(path.into(), tag.map(str::to_owned));
        for (text, expected) in [
            ("user/app:cache", registry("user/app:cache")),
            ("type=registry,ref=127.0.0.1:5000/app", registry("127.0.0.1:5000/app")),
            ("type=local,src=cache", directory("/project/cache", None)),
            ("type=local, src=/cache, tag=one", directory("/cache", Some("one"))),
        ] {
            assert_eq!(from(text), Ok(expected), "{text}");
        }
        let to = |text: &str| CacheTo::parse(text, Path::new("/project"));
        let max = |place| CacheTo { place, is_max: true, ignore_error: false };
        for (text, expected) in [
            ("type=inline", CacheTo { is_max: false, ..max(None) }),
            ("type=inline,mode=max", max(None)),
            (
                "type=local,dest=c,mode=max,ignore-error=true",
                CacheTo { ignore_error: true, ..max(Some(directory("/project/c", None))) },
            ),
            ("type=registry,mode=min,ref=a", CacheTo { is_max: false, ..max(Some(registry("a"))) }),
            ("a:b", CacheTo { is_max: false, ..max(Some(registry("a:b"))) }),
        ] {
            assert_eq!(to(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none() {
        for (text, reason) in [
            ("type=gha", "there is no cache of type `gha`"),
            ("type=s3,bucket=x", "there is no cache of type `s3`"),
            ("type=local", "it has no `dest`"),
            ("type=registry", "it has no `ref`"),
            ("type=registry,ref=A B", "`type=registry,ref=A B` is no cache"),
            ("src=x", "it has no `type`"),
            ("type=local,dest", "NAME=VALUE"),
            ("type=inline,mode=most", "mode is min or max"),
        ] {
            let error = CacheTo::parse(text, Path::new("/")).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert_eq!(CachePlace::parse("type=inline", Path::new("/")), Err(PlaceError::Unknown("inline".to_owned())));
    }
}
