//! Docker's format of seccomp profiles, and what it says for one container on one machine.
//!
//! See <https://docs.docker.com/engine/security/seccomp/>. It is `linux.seccomp` of the runtime specification, whose
//! rules may hold only with some capabilities, kernels and architectures.

use oci_spec::runtime::{
    Arch, Capabilities, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSyscall,
};
use serde::Deserialize;

/// The version of a kernel: 6 and 12 of `6.12.48-1`.
pub type KernelVersion = (u32, u32);

/// This machine's architecture, as Docker names it and as the specification does.
const ARCHITECTURE: (&str, Arch) = ("amd64", Arch::ScmpArchX86_64);

/// Why a text is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is not JSON of that form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// It does not say what becomes of other calls.
    #[error("has no `defaultAction`")]
    NoDefault,
    /// It says twice what it is for.
    #[error("has both `architectures` and `archMap`: keep one of them")]
    Architectures,
    /// A rule says twice what it is about.
    #[error("the rule for `{0}` has both `name` and `names`: keep one of them")]
    Names(String),
    /// A version that is none.
    #[error("`minKernel: {0}` is not a kernel version such as `4.8`")]
    Kernel(String),
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeccompProfile {
    default_action: Option<LinuxSeccompAction>,
    default_errno_ret: Option<u32>,
    architectures: Option<Vec<Arch>>,
    arch_map: Option<Vec<ArchMap>>,
    flags: Option<Vec<LinuxSeccompFilterFlag>>,
    listener_path: Option<std::path::PathBuf>,
    listener_metadata: Option<String>,
    syscalls: Option<Vec<Rule>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchMap {
    architecture: Arch,
    sub_architectures: Option<Vec<Arch>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: Option<String>,
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    errno_ret: Option<u32>,
    args: Option<Vec<LinuxSeccompArg>>,
    includes: Option<Condition>,
    excludes: Option<Condition>,
}

/// When a rule holds, or does not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    caps: Option<Vec<String>>,
    arches: Option<Vec<String>>,
    min_kernel: Option<String>,
}

impl SeccompProfile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`] with all that is wrong whatever the container.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(text)?;
        let rules = profile.syscalls.as_deref().unwrap_or_default();
        if profile.default_action.is_none() && !rules.is_empty() {
            return Err(ProfileError::NoDefault);
        }
        let lists_any = profile.architectures.iter().any(|list| !list.is_empty());
        if lists_any && profile.arch_map.iter().any(|map| !map.is_empty()) {
            return Err(ProfileError::Architectures);
        }
        for rule in rules {
            let named = rule.name.as_deref().filter(|name| !name.is_empty());
            if let Some(name) = named.filter(|_| rule.names.iter().any(|names| !names.is_empty())) {
                return Err(ProfileError::Names(name.to_owned()));
            }
            for version in rule.conditions().filter_map(|condition| condition.min_kernel.as_deref()) {
                kernel_version(version).ok_or_else(|| ProfileError::Kernel(version.to_owned()))?;
            }
        }
        Ok(profile)
    }

    /// What it says for a container with these capabilities; nothing, if it is empty.
    pub(super) fn resolve(&self, capabilities: &Capabilities, kernel: KernelVersion) -> Option<LinuxSeccomp> {
        let names: Vec<String> = capabilities.iter().map(|capability| format!("CAP_{capability}")).collect();
        let mut seccomp = LinuxSeccomp::default();
        let rules = self.syscalls.iter().flatten().filter(|rule| rule.holds(&names, kernel)).map(Rule::syscall);
        seccomp
            .set_default_action(self.default_action?)
            .set_default_errno_ret(self.default_errno_ret)
            .set_architectures(Some(self.architectures()))
            .set_flags(self.flags.clone())
            .set_listener_path(self.listener_path.clone())
            .set_listener_metadata(self.listener_metadata.clone())
            .set_syscalls(Some(rules.collect()));
        Some(seccomp)
    }

    fn architectures(&self) -> Vec<Arch> {
        let own = self.arch_map.iter().flatten().find(|entry| entry.architecture == ARCHITECTURE.1);
        let mapped = own.into_iter().flat_map(|entry| {
            [entry.architecture].into_iter().chain(entry.sub_architectures.iter().flatten().copied())
        });
        self.architectures.iter().flatten().copied().chain(mapped).collect()
    }
}

impl Rule {
    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.includes.iter().chain(&self.excludes)
    }

    fn holds(&self, capabilities: &[String], kernel: KernelVersion) -> bool {
        let included = self.includes.as_ref().is_none_or(|condition| {
            condition.caps.iter().flatten().all(|capability| capabilities.contains(capability))
                && condition.arches.as_deref().is_none_or(|arches| arches.is_empty() || is_ours(arches))
                && condition.version().is_none_or(|version| kernel >= version)
        });
        let excluded = self.excludes.as_ref().is_some_and(|condition| {
            condition.caps.iter().flatten().any(|capability| capabilities.contains(capability))
                || condition.arches.as_deref().is_some_and(is_ours)
                || condition.version().is_some_and(|version| kernel >= version)
        });
        included && !excluded
    }

    fn syscall(&self) -> LinuxSyscall {
        let mut syscall = LinuxSyscall::default();
        let name = self.name.iter().filter(|name| !name.is_empty());
        syscall
            .set_names(name.chain(self.names.iter().flatten()).cloned().collect())
            .set_action(self.action)
            .set_errno_ret(self.errno_ret)
            .set_args(self.args.clone());
        syscall
    }
}

impl Condition {
    fn version(&self) -> Option<KernelVersion> {
        kernel_version(self.min_kernel.as_deref()?)
    }
}

fn is_ours(arches: &[String]) -> bool {
    arches.iter().any(|arch| arch == ARCHITECTURE.0)
}

/// `4.8`, but not `4.8.1`.
fn kernel_version(text: &str) -> Option<KernelVersion> {
    let (kernel, major) = text.split_once('.')?;
    Some((kernel.parse().ok()?, major.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use oci_spec::runtime::Capability;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn resolved(profile: &serde_json::Value, capabilities: &[Capability], kernel: KernelVersion) -> serde_json::Value {
        let profile = SeccompProfile::parse(&profile.to_string()).unwrap();
        let seccomp = profile.resolve(&capabilities.iter().copied().collect(), kernel);
        serde_json::to_value(seccomp).unwrap()
    }

    /// The names of the rules that hold with CAP_CHOWN on Linux 5.10.
    fn names(rules: &serde_json::Value) -> Vec<String> {
        let profile = json!({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules});
        let seccomp = resolved(&profile, &[Capability::Chown], (5, 10));
        let names = |rule: &serde_json::Value| serde_json::from_value::<Vec<String>>(rule["names"].clone()).unwrap();
        seccomp["syscalls"].as_array().unwrap().iter().flat_map(names).collect()
    }

    #[test]
    fn rules_that_hold() {
        let rule = |name: &str, key: &str, condition: serde_json::Value| json!({"names": [name], "action": "SCMP_ACT_ALLOW", key: condition});
        assert_eq!(
            names(&json!([
                {"name": "old", "action": "SCMP_ACT_ALLOW", "comment": "as in old profiles", "includes": {}, "excludes": {}},
                rule("with", "includes", json!({"caps": ["CAP_CHOWN"], "arches": ["amd64", "x86"]})),
                rule("without", "includes", json!({"caps": ["CAP_CHOWN", "CAP_SYS_ADMIN"]})),
                rule("foreign", "includes", json!({"arches": ["arm64"]})),
                rule("new enough", "includes", json!({"minKernel": "4.8"})),
                rule("too new", "includes", json!({"minKernel": "5.11"})),
                rule("but with", "excludes", json!({"caps": ["CAP_SYS_ADMIN", "CAP_CHOWN"]})),
                rule("but without", "excludes", json!({"caps": ["CAP_SYS_ADMIN"]})),
                rule("not here", "excludes", json!({"arches": ["amd64"]})),
                rule("not now", "excludes", json!({"minKernel": "5.10"})),
            ])),
            ["old", "with", "new enough", "but without"]
        );
    }

    #[test]
    fn architectures_of_this_machine() {
        let profile = json!({
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
            "archMap": [
                {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
                {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]},
            ],
            "syscalls": null,
        });
        let expected = json!({
            "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": [],
        });
        assert_eq!(resolved(&profile, &[], (6, 1)), expected);
        assert_eq!(resolved(&json!({}), &[], (6, 1)), json!(null));
    }

    #[test]
    fn mistakes() {
        let rule = |rule: &str| {
            format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{{"action": "SCMP_ACT_ALLOW", {rule}}}]}}"#)
        };
        for (text, expected) in [
            ("{", "EOF while parsing an object at line 1 column 1"),
            (r#"{"syscalls": [{"names": ["a"], "action": "SCMP_ACT_LOG"}]}"#, "has no `defaultAction`"),
            (
                r#"{"architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86"}]}"#,
                "has both `architectures` and `archMap`: keep one of them",
            ),
            (&rule(r#""name": "a", "names": ["b"]"#), "the rule for `a` has both `name` and `names`: keep one of them"),
            (
                &rule(r#""name": "a", "includes": {"minKernel": "4.8.1"}"#),
                "`minKernel: 4.8.1` is not a kernel version such as `4.8`",
            ),
        ] {
            assert_eq!(SeccompProfile::parse(text).unwrap_err().to_string(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in r#"[{}\[\]":,a-zA-Z0-9_ ]{0,60}"#) {
            let _ = SeccompProfile::parse(&text);
        }
    }
}
