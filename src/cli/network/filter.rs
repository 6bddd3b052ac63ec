//! The filters of `network ls` and `network prune`: those of one kind are alternatives, those of two kinds both hold.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Shown;
use crate::cli::moment::moment;

/// What to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(BTreeMap<String, Vec<String>>);

/// Why something is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid filter `{text}`: {rule}")]
pub struct InvalidFilter {
    /// What was given.
    pub text: String,
    /// What is allowed.
    pub rule: String,
}

impl Filter {
    /// Parses `KIND=VALUE` texts, of the kinds in `known`.
    ///
    /// # Errors
    /// [`InvalidFilter`].
    pub fn parse(texts: &[String], known: &[&str]) -> Result<Self, InvalidFilter> {
        let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts {
            let invalid = |rule: String| InvalidFilter { text: text.clone(), rule };
            let (kind, value) = text.split_once('=').ok_or_else(|| invalid("it must be KIND=VALUE".to_owned()))?;
            if !known.contains(&kind) {
                return Err(invalid(format!("the kinds are {}", known.join(", "))));
            }
            let allowed: &[&str] = match kind {
                "type" => &["custom", "builtin"],
                "dangling" => &["true", "false", "1", "0"],
                _ => &[],
            };
            if !allowed.is_empty() && !allowed.contains(&value) {
                return Err(invalid(format!("{kind} is one of {}", allowed.join(", "))));
            }
            if kind == "until" && moment(value, Timestamp::UNIX_EPOCH).is_none() {
                return Err(invalid("until is a time, or how long ago: 24h".to_owned()));
            }
            kinds.entry(kind.to_owned()).or_default().push(value.to_owned());
        }
        Ok(Self(kinds))
    }

    /// Whether `network` is what is looked for, at `now`.
    #[must_use]
    pub fn admits(&self, network: &Shown, now: Timestamp) -> bool {
        self.0.iter().all(|(kind, values)| {
            let any = |holds: &dyn Fn(&str) -> bool| values.iter().any(|value| holds(value));
            let all = |holds: &dyn Fn(&str) -> bool| values.iter().all(|value| holds(value));
            match kind.as_str() {
                "driver" => any(&|value| network.record.driver() == value),
                "id" => any(&|value| network.record.id().starts_with(value)),
                "name" => any(&|value| network.record.name.contains(value)),
                "scope" => any(&|value| value == "local"),
                "type" => any(&|value| value == "custom"),
                "dangling" => any(&|value| matches!(value, "true" | "1") == network.members.is_empty()),
                "label" => all(&|value| has_label(network, value)),
                "label!" => all(&|value| !has_label(network, value)),
                "until" => all(&|value| match (network.record.created_at, moment(value, now)) {
                    (Some(created), Some(moment)) => created < moment,
                    _ => true,
                }),
                _ => false,
            }
        })
    }
}

fn has_label(network: &Shown, text: &str) -> bool {
    let labels = network.labels();
    match text.split_once('=') {
        Some((name, value)) => labels.get(name).is_some_and(|known| known == value),
        None => labels.contains_key(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::network::tests::shown;

    const KINDS: &[&str] = &["driver", "id", "label", "label!", "name", "scope", "type", "dangling", "until"];

    #[test]
    fn of_one_kind_either_and_of_two_both() {
        let network = shown();
        let now = "2026-01-03T00:00:00Z".parse().unwrap();
        let id = format!("id={}", &network.record.id()[..6]);
        for (filters, expected) in [
            (&[][..], true),
            (&["driver=bridge"], true),
            (&["driver=macvlan"], false),
            (&["driver=macvlan", "driver=bridge"], true),
            (&["name=op_b"], true),
            (&["name=other", "driver=bridge"], false),
            (&[id.as_str()], true),
            (&["label=tier"], true),
            (&["label=tier=back", "label=none"], false),
            (&["label=com.docker.compose.project=shop"], true),
            (&["label!=tier"], false),
            (&["type=builtin"], false),
            (&["scope=local", "type=custom", "dangling=false"], true),
            (&["dangling=true"], false),
            (&["until=2026-01-01T00:00:00Z"], false),
            (&["until=1h"], true),
            (&["until=48h"], false),
        ] {
            let texts: Vec<String> = filters.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(Filter::parse(&texts, KINDS).unwrap().admits(&network, now), expected, "{filters:?}");
        }
    }

    #[test]
    fn mistakes_say_what_is_allowed() {
        let message = |text: &str| Filter::parse(&[text.to_owned()], &["name", "type"]).unwrap_err().to_string();
        assert_eq!(message("name"), "invalid filter `name`: it must be KIND=VALUE");
        assert_eq!(message("size=3"), "invalid filter `size=3`: the kinds are name, type");
        assert_eq!(message("type=x"), "invalid filter `type=x`: type is one of custom, builtin");
    }
}
