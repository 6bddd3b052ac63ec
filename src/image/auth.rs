//! What a registry wants to see: the challenges of RFC 7235 and the tokens of Docker's registries.
//!
//! See <https://distribution.github.io/distribution/spec/auth/token/>.

use serde::Deserialize;

/// What a `401 Unauthorized` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User name and password with every request.
    Basic,
    /// A token that `realm` gives out.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

/// What a request shows.
#[derive(Clone)]
pub(super) enum Authorization {
    Basic,
    Bearer(String),
}

impl Challenge {
    /// Parses a `WWW-Authenticate` header; `None` for schemes that registries do not use.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, parameters) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut realm, mut service, mut scope) = (None, None, None);
        for (key, value) in parameters_of(parameters) {
            match key.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(value),
                "service" => service = Some(value),
                "scope" => scope = Some(value),
                _ => {}
            }
        }
        Some(Self::Bearer { realm: realm?, service, scope })
    }
}

/// `key="value", key=value`; quoted values may hold commas (`scope="repository:a:pull,push"`).
fn parameters_of(mut text: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    while let Some((key, rest)) = text.split_once('=') {
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(',').unwrap_or((rest, "")),
        };
        parameters.push((key.trim_matches([' ', ',']).to_owned(), value.trim().to_owned()));
        text = rest;
    }
    parameters
}

/// The answer of a `realm`.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

impl TokenAnswer {
    /// The token, by whichever name it comes.
    pub(super) fn into_token(self) -> Option<String> {
        self.token.or(self.access_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Option<Challenge> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Some(Challenge::Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) })
    }

    #[test]
    fn challenges() {
        let check = Challenge::parse;
        assert_eq!(
            check(
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull,push""#
            ),
            bearer("https://auth.docker.io/token", Some("registry.docker.io"), Some("repository:library/x:pull,push"))
        );
        assert_eq!(check(r#"bearer service=a, Realm="https://b""#), bearer("https://b", Some("a"), None));
        assert_eq!(check(r#"Basic realm="Registry""#), Some(Challenge::Basic));
        for header in ["", "Negotiate", "Bearer", "Bearer realm", r#"Bearer service="a""#] {
            assert_eq!(check(header), None, "{header}");
        }
    }
}
