//! The variables that the instructions of a stage see.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::dockerfile::Predefined;

/// Build arguments as the user gives them, and which of them somebody has asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    given: BTreeMap<String, String>,
    used: BTreeSet<String>,
}

impl Arguments {
    /// Those that are given.
    pub(super) fn new(given: BTreeMap<String, String>) -> Self {
        Self { given, used: BTreeSet::new() }
    }

    /// The value of one that is declared.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let value = self.given.get(name)?;
        self.used.insert(name.to_owned());
        Some(value.clone())
    }

    /// Those that reach every program: `NAME=VALUE`.
    pub(super) fn proxies(&self) -> Vec<(String, String)> {
        let is_proxy = |(name, _): &(&String, &String)| Predefined::of(name) == Some(Predefined::Proxy);
        self.given.iter().filter(is_proxy).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Those that nothing has asked for.
    pub(super) fn unused(&self) -> Vec<String> {
        let is_unused = |name: &&String| !self.used.contains(*name) && Predefined::of(name).is_none();
        self.given.keys().filter(is_unused).cloned().collect()
    }
}

/// The platforms of a build, as arguments that every Dockerfile has.
pub(in crate::build) fn platform_arguments(build: &str, target: &str, stage: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::from([("TARGETSTAGE".to_owned(), stage.to_owned())]);
    for (prefix, platform) in [("BUILD", build), ("TARGET", target)] {
        let mut parts = platform.split('/');
        for (suffix, value) in [
            ("PLATFORM", platform),
            ("OS", parts.next().unwrap_or_default()),
            ("ARCH", parts.next().unwrap_or_default()),
            ("VARIANT", parts.next().unwrap_or_default()),
        ] {
            values.insert(format!("{prefix}{suffix}"), value.to_owned());
        }
    }
    values
}

/// Variables by name, in the order in which they were first set: of `ENV` and `ARG` alike, the later one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables(Vec<(String, String)>);

impl Variables {
    /// Those of an image: `NAME=VALUE`.
    pub(super) fn of(environment: &[String]) -> Self {
        let mut variables = Self::default();
        for assigned in environment {
            let (name, value) = assigned.split_once('=').unwrap_or((assigned, ""));
            variables.set(name, value);
        }
        variables
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// `NAME=VALUE`.
    pub(super) fn assignments(&self) -> Vec<String> {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_by_their_parts() {
        let values = platform_arguments("linux/amd64", "linux/arm/v7", "build");
        let shown: Vec<_> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        BUILDARCH=amd64
        BUILDOS=linux
        BUILDPLATFORM=linux/amd64
        BUILDVARIANT=
        TARGETARCH=arm
        TARGETOS=linux
        TARGETPLATFORM=linux/arm/v7
        TARGETSTAGE=build
        TARGETVARIANT=v7
        ");
    }

    #[test]
    fn the_later_one_counts_at_its_first_place() {
        let mut variables = Variables::of(&["PATH=/bin".to_owned(), "A=1".to_owned(), "A=2".to_owned()]);
        variables.set("B", "x=y");
        variables.set("PATH", "/usr/bin");
        assert_eq!(variables.assignments(), ["PATH=/usr/bin", "A=2", "B=x=y"]);
        assert_eq!((variables.get("A"), variables.get("C")), (Some("2".to_owned()), None));
    }

    #[test]
    fn arguments_that_nobody_asks_for_are_told() {
        let given = [("A", "1"), ("B", "2"), ("http_proxy", "p"), ("BUILDKIT_INLINE_CACHE", "1")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut arguments = Arguments::new(given.into_iter().collect());
        assert_eq!(arguments.take("A"), Some("1".to_owned()));
        assert_eq!(arguments.take("C"), None);
        assert_eq!(arguments.unused(), ["B"]);
        assert_eq!(arguments.proxies(), [("http_proxy".to_owned(), "p".to_owned())]);
    }
}
