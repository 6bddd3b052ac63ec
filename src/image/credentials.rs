//! User names and passwords from the `auths` of Docker's `config.json`.
//!
//! Credential helpers (`credsStore`, `credHelpers`) are not asked.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// Credentials by registry.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    by_host: BTreeMap<String, Credential>,
}

/// What a registry is shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub(super) username: String,
    pub(super) password: String,
}

/// Why Docker's `config.json` is not understood.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Not JSON, or with fields of a wrong kind.
    #[error("not a Docker config file")]
    Syntax(#[from] serde_json::Error),
    /// An `auth` that is not base64 of `user:password`.
    #[error("`auth` of `{host}` is not the base64 of `user:password`")]
    Auth {
        /// The key under `auths`.
        host: String,
    },
}

impl Credentials {
    /// Parses the text of Docker's `config.json`.
    ///
    /// # Errors
    /// [`CredentialsError`]; secrets are never part of it.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            auths: BTreeMap<String, Entry>,
        }
        #[derive(Deserialize)]
        #[serde(default)]
        #[derive(Default)]
        struct Entry {
            auth: String,
            username: String,
            password: String,
        }
        let Document { auths } = serde_json::from_str(text)?;
        let mut by_host = BTreeMap::new();
        for (key, entry) in auths {
            let credential = if entry.auth.is_empty() {
                Credential { username: entry.username, password: entry.password }
            } else {
                decode(&entry.auth).ok_or_else(|| CredentialsError::Auth { host: key.clone() })?
            };
            // With a credential store the file keeps an empty entry to say that there is a login.
            if !credential.username.is_empty() {
                by_host.insert(host_of(&key).to_owned(), credential);
            }
        }
        Ok(Self { by_host })
    }

    /// What to show `host`, named as references and mirrors name it.
    pub(super) fn get(&self, host: &str) -> Option<&Credential> {
        self.by_host.get(host)
    }
}

/// `docker login` writes Docker Hub as a URL of its first version, others as `host[:port]`.
fn host_of(key: &str) -> &str {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    match rest.split('/').next().unwrap_or(rest) {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

fn decode(auth: &str) -> Option<Credential> {
    let text = String::from_utf8(decode_base64(auth)?).ok()?;
    let (username, password) = text.split_once(':')?;
    // Old versions of Docker padded with NUL.
    Some(Credential { username: username.to_owned(), password: password.trim_end_matches('\0').to_owned() })
}

/// RFC 4648 §4, padding optional.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xfff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff).try_into().expect("masked to eight bits"));
        }
    }
    Some(bytes)
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credential").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_docker() {
        let text = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "bWU6czNjcmV0OjE="},
            "ghcr.io": {"username": "you", "password": "token"},
            "stored.example": {}
        }, "credsStore": "desktop"}"#;
        let credentials = Credentials::parse(text).unwrap();
        let shown = |host| credentials.get(host).map(|credential| (&*credential.username, &*credential.password));
        assert_eq!(shown("docker.io"), Some(("me", "s3cret:1")));
        assert_eq!(shown("ghcr.io"), Some(("you", "token")));
        assert_eq!(shown("stored.example"), None);
        assert!(!format!("{credentials:?}").contains("s3cret"));
    }

    #[test]
    fn mistakes_do_not_show_secrets() {
        let error = Credentials::parse(r#"{"auths": {"a.b": {"auth": "%%%"}}}"#).unwrap_err();
        assert_eq!(error.to_string(), "`auth` of `a.b` is not the base64 of `user:password`");
    }

    #[test]
    fn base64() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(decode_base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(decode_base64("+/8=").unwrap(), [0xfb, 0xff]);
    }
}
