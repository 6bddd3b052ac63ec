//! `config.toml`: where images come from.
//!
//! ```toml
//! idle-timeout = 30                        # seconds a registry may be silent
//!
//! [registry."docker.io"]                   # host[:port] as references name it
//! mirrors = ["http://127.0.0.1:5000"]      # tried in order, then the registry itself; plain HTTP by the scheme
//!
//! [registry."registry.lan:5000"]
//! plain-http = true                        # no TLS; registries on loopback need not say so
//! ```

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::credentials::Credentials;

/// How registries are reached.
#[derive(Debug, Clone, Default)]
pub struct RegistryConfig {
    registries: BTreeMap<String, Registry>,
    /// User names and passwords; none by default.
    pub credentials: Credentials,
    /// How long a registry may be silent.
    pub timeouts: Timeouts,
}

/// How long to wait for a registry before it counts as unreachable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the next byte of an answer.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(30) }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Registry {
    #[serde(default)]
    mirrors: Vec<String>,
    #[serde(default)]
    plain_http: bool,
}

/// Why `config.toml` is not understood.
#[derive(Debug, thiserror::Error)]
pub enum RegistryConfigError {
    /// Not TOML, or with keys that are not known.
    #[error(transparent)]
    Syntax(#[from] toml::de::Error),
    /// A mirror that is no address.
    #[error("mirror `{mirror}` of registry `{registry}` is not `http://host[:port]` or `https://host[:port]`")]
    Mirror {
        /// The registry it is for.
        registry: String,
        /// What was found.
        mirror: String,
    },
}

/// One place to ask for the repositories of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// `scheme://host[:port][/prefix]`, without a slash at the end.
    pub(super) base: String,
    /// `host[:port]`: what messages and credentials name it.
    pub(super) host: String,
}

impl RegistryConfig {
    /// Parses the text of `config.toml`.
    ///
    /// # Errors
    /// [`RegistryConfigError`], with the line where TOML itself is broken.
    pub fn parse(text: &str) -> Result<Self, RegistryConfigError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct Document {
            idle_timeout: Option<NonZeroU64>,
            #[serde(default)]
            registry: BTreeMap<String, Registry>,
            // Of the same file, and none of ours.
            #[serde(default, rename = "build")]
            _build: IgnoredAny,
            #[serde(default, rename = "models")]
            _models: IgnoredAny,
            #[serde(default, rename = "network")]
            _network: IgnoredAny,
            #[serde(default, rename = "runtime")]
            _runtime: IgnoredAny,
        }
        let Document { idle_timeout, registry: registries, .. } = toml::from_str(text)?;
        for (registry, Registry { mirrors, .. }) in &registries {
            if let Some(mirror) = mirrors.iter().find(|mirror| Endpoint::mirror(mirror).is_none()) {
                return Err(RegistryConfigError::Mirror { registry: registry.clone(), mirror: mirror.clone() });
            }
        }
        let mut timeouts = Timeouts::default();
        if let Some(seconds) = idle_timeout {
            timeouts.idle = Duration::from_secs(seconds.get());
        }
        Ok(Self { registries, timeouts, ..Self::default() })
    }

    /// Where to ask for the images of `registry`: its mirrors in order, then itself.
    pub(super) fn endpoints(&self, registry: &str) -> (Vec<Endpoint>, Endpoint) {
        let configured = self.registries.get(registry);
        let mirrors = configured.map_or(&[][..], |configured| &configured.mirrors);
        let plain = configured.is_some_and(|configured| configured.plain_http) || is_loopback(registry);
        (mirrors.iter().filter_map(|mirror| Endpoint::mirror(mirror)).collect(), Endpoint::of(registry, plain))
    }
}

impl Endpoint {
    fn of(registry: &str, plain: bool) -> Self {
        // The name people use for Docker Hub is not the host that serves its registry.
        let address = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
        let scheme = if plain { "http" } else { "https" };
        Self { base: format!("{scheme}://{address}"), host: registry.to_owned() }
    }

    fn mirror(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
        let url = reqwest::Url::parse(text).ok()?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return None;
        }
        let host = rest.split('/').next().filter(|host| !host.is_empty())?;
        Some(Self { base: text.trim_end_matches('/').to_owned(), host: host.to_owned() })
    }

    /// Whether it is this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether what is sent there can be read on the way.
    pub(super) fn is_plain(&self) -> bool {
        self.base.starts_with("http://")
    }
}

/// Whether `host[:port]` is this machine, by the names that need no lookup.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bases(config: &str, registry: &str) -> Vec<String> {
        let (mirrors, own) = RegistryConfig::parse(config).unwrap().endpoints(registry);
        mirrors.into_iter().chain([own]).map(|endpoint| endpoint.base).collect()
    }

    #[test]
    fn registries_are_reached_over_tls_but_for_loopback() {
        for (registry, base) in [
            ("docker.io", "https://registry-1.docker.io"),
            ("ghcr.io", "https://ghcr.io"),
            ("registry.lan:5000", "https://registry.lan:5000"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("127.1.2.3", "http://127.1.2.3"),
            ("localhost:5000", "http://localhost:5000"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("localhost.example.com", "https://localhost.example.com"),
        ] {
            assert_eq!(bases("", registry), [base]);
        }
    }

    #[test]
    fn mirrors_come_first() {
        let text = r#"
            [registry."docker.io"]
            mirrors = ["http://127.0.0.1:5000", "https://mirror.example/hub/"]
            [registry."registry.lan:5000"]
            plain-http = true
        "#;
        let hub = ["http://127.0.0.1:5000", "https://mirror.example/hub", "https://registry-1.docker.io"];
        assert_eq!(bases(text, "docker.io"), hub);
        assert_eq!(bases(text, "registry.lan:5000"), ["http://registry.lan:5000"]);
    }

    #[test]
    fn silence_has_a_limit() {
        let idle = |text: &str| RegistryConfig::parse(text).map(|config| config.timeouts.idle.as_secs()).ok();
        assert_eq!(idle(""), Some(30));
        assert_eq!(idle("idle-timeout = 5"), Some(5));
        assert_eq!(idle("idle-timeout = 0"), None);
    }

    #[test]
    fn other_tables_of_the_file_are_left_to_others() {
        for table in ["build", "models", "network", "runtime"] {
            assert!(RegistryConfig::parse(&format!("[{table}]\nkey = 1\n")).is_ok(), "{table}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let check = |text: &str| RegistryConfig::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(check("[registry.\"docker.io\"]\nmirrors = [\"127.0.0.1:5000\"]"), @"mirror `127.0.0.1:5000` of registry `docker.io` is not `http://host[:port]` or `https://host[:port]`");
        assert!(check("[registry.\"a.b\"]\nmirror = []").contains("unknown field `mirror`"));
        for mirror in ["http://", "ftp://a", "https://user:password@a", "https://a?b", "https://a b"] {
            assert!(check(&format!("[registry.\"a.b\"]\nmirrors = [\"{mirror}\"]")).contains(mirror), "{mirror}");
        }
    }
}
