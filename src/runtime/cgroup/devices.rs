//! Which device nodes a container may make, read and write: the rules of a specification as a policy, and that as what
//! the version 1 controller is told. For version 2, [`super::device_program`] makes a program of it.

use oci_spec::runtime::{LinuxDeviceCgroup, LinuxDeviceType};

use super::CgroupError;
use super::setting::Setting;

pub(super) const DEVICES: &str = "devices";

/// `BPF_DEVCG_ACC_*`: to make a node, to read, to write.
const MAKE: u8 = 1;
const READ: u8 = 2;
const WRITE: u8 = 4;
pub(super) const ANY_ACCESS: u8 = MAKE | READ | WRITE;

/// `BPF_DEVCG_DEV_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Block = 1,
    Character = 2,
}

/// What holds for some nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) allow: bool,
    pub(super) kind: Kind,
    /// Any when `None`; so is the minor number.
    pub(super) major: Option<u32>,
    pub(super) minor: Option<u32>,
    /// Of [`ANY_ACCESS`].
    pub(super) access: u8,
}

/// What holds for all nodes: for each access the last rule that says something about it, else `allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) allow: bool,
    pub(super) rules: Vec<Rule>,
}

/// The devices any container may use: making any node, and null, zero, full, random, urandom, tty, console, ptmx and the
/// pseudo terminals. See the runtime specification, "Default Devices".
fn defaults() -> Vec<Rule> {
    let rule = |kind, major, minor, access| Rule { allow: true, kind, major, minor, access };
    let mut rules = vec![rule(Kind::Character, None, None, MAKE), rule(Kind::Block, None, None, MAKE)];
    let nodes = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)];
    rules.extend(nodes.map(|(major, minor)| rule(Kind::Character, Some(major), Some(minor), ANY_ACCESS)));
    rules.push(rule(Kind::Character, Some(136), None, ANY_ACCESS));
    rules
}

impl Policy {
    /// The rules in their order over the defaults. A rule about all devices forgets what was said before it.
    pub(super) fn new(given: &[LinuxDeviceCgroup]) -> Result<Self, CgroupError> {
        let mut policy = Self { allow: false, rules: defaults() };
        for rule in given {
            let access = access(rule)?;
            let kinds = match rule.typ().unwrap_or(LinuxDeviceType::A) {
                LinuxDeviceType::A => vec![Kind::Block, Kind::Character],
                LinuxDeviceType::B => vec![Kind::Block],
                LinuxDeviceType::C | LinuxDeviceType::U => vec![Kind::Character],
                LinuxDeviceType::P => return Err(invalid(rule, "is about pipes, which are no devices")),
            };
            let (major, minor) = (number(rule, rule.major())?, number(rule, rule.minor())?);
            if kinds.len() == 2 && major.is_none() && minor.is_none() && access == ANY_ACCESS {
                let rules = if rule.allow() { Vec::new() } else { defaults() };
                policy = Self { allow: rule.allow(), rules };
            } else {
                let rule = |kind| Rule { allow: rule.allow(), kind, major, minor, access };
                policy.rules.extend(kinds.into_iter().map(rule));
            }
        }
        Ok(policy)
    }

    /// What the version 1 controller is told: what holds for all nodes, then every exception.
    pub(super) fn settings(&self) -> Result<Vec<Setting>, CgroupError> {
        let file = |allow| if allow { "devices.allow" } else { "devices.deny" };
        let all = Setting::new(DEVICES, file(self.allow), "a");
        let exceptions = self.exceptions()?;
        let exception = |rule: &Rule| Setting::new(DEVICES, file(rule.allow), text(rule));
        Ok([all].into_iter().chain(exceptions.iter().map(exception)).collect())
    }

    /// The same as rules none of which takes back a part of another one: all that version 1 can say. But for the making
    /// of nodes, which the defaults allow for all devices, and which is harmless where they cannot be opened.
    fn exceptions(&self) -> Result<Vec<Rule>, CgroupError> {
        let mut exceptions: Vec<Rule> = Vec::new();
        for rule in &self.rules {
            if rule.allow != self.allow {
                match exceptions.iter_mut().find(|other| nodes(other) == nodes(rule)) {
                    Some(same) => same.access |= rule.access,
                    None => exceptions.push(*rule),
                }
                continue;
            }
            for exception in exceptions.iter_mut().filter(|exception| exception.access & rule.access != 0) {
                if covers(rule, exception) {
                    exception.access &= !rule.access;
                } else if overlap(exception, rule) && exception.access & rule.access != MAKE {
                    let field = format!("devices: {} {}", if rule.allow { "allow" } else { "deny" }, text(rule));
                    let reason = "it cannot take a part out of a rule for more devices: list those that are meant";
                    return Err(CgroupError::Unsupported { field, version: 1, reason });
                }
            }
            exceptions.retain(|exception| exception.access != 0);
        }
        Ok(exceptions)
    }
}

fn nodes(rule: &Rule) -> (u8, Option<u32>, Option<u32>) {
    (rule.kind as u8, rule.major, rule.minor)
}

/// Whether every node of `other` is one of `rule`.
fn covers(rule: &Rule, other: &Rule) -> bool {
    let number = |rule: Option<u32>, other| rule.is_none() || rule == other;
    rule.kind == other.kind && number(rule.major, other.major) && number(rule.minor, other.minor)
}

fn overlap(one: &Rule, other: &Rule) -> bool {
    let number = |one: Option<u32>, other: Option<u32>| one.is_none() || other.is_none() || one == other;
    one.kind == other.kind && number(one.major, other.major) && number(one.minor, other.minor)
}

/// As the version 1 controller reads it: `c 1:3 rwm`.
fn text(rule: &Rule) -> String {
    let kind = match rule.kind {
        Kind::Block => 'b',
        Kind::Character => 'c',
    };
    let number = |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
    let access: String = [(READ, 'r'), (WRITE, 'w'), (MAKE, 'm')]
        .iter()
        .filter(|(bit, _)| rule.access & bit != 0)
        .map(|(_, c)| c)
        .collect();
    format!("{kind} {}:{} {access}", number(rule.major), number(rule.minor))
}

/// Nothing said is everything.
fn access(rule: &LinuxDeviceCgroup) -> Result<u8, CgroupError> {
    let text = rule.access().as_deref().filter(|text| !text.is_empty()).unwrap_or("rwm");
    text.chars().try_fold(0, |access, letter| {
        let bit = [('r', READ), ('w', WRITE), ('m', MAKE)].into_iter().find(|(known, _)| *known == letter);
        bit.map(|(_, bit)| access | bit).ok_or_else(|| invalid(rule, "must have an access of `r`, `w` and `m`"))
    })
}

/// Nothing said, and -1, is any.
fn number(rule: &LinuxDeviceCgroup, number: Option<i64>) -> Result<Option<u32>, CgroupError> {
    let number = number.filter(|number| *number != -1).map(u32::try_from).transpose();
    number.map_err(|_| invalid(rule, "has a number that no device has"))
}

fn invalid(rule: &LinuxDeviceCgroup, expected: &'static str) -> CgroupError {
    let value = serde_json::to_string(rule).unwrap_or_default();
    CgroupError::Invalid { field: "devices".to_owned(), value, expected }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn policy(rules: &Value) -> Result<Policy, CgroupError> {
        Policy::new(&serde_json::from_value::<Vec<LinuxDeviceCgroup>>(rules.clone()).unwrap())
    }

    /// What version 1 is told, but for the defaults.
    fn check(rules: &Value) -> String {
        let usual: Vec<String> = defaults().iter().map(text).collect();
        let settings = policy(rules).and_then(|policy| policy.settings());
        match settings {
            Ok(settings) => {
                let line = |setting: &Setting| format!("{}={}", setting.file, setting.value);
                let told = settings.iter().filter(|setting| !usual.contains(&setting.value));
                told.map(line).collect::<Vec<_>>().join("\n")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn rules_in_their_order() {
        let deny = json!({"allow": false, "access": "rwm"});
        let tun = json!({"allow": true, "type": "c", "major": 10, "minor": 200, "access": "rwm"});
        assert_eq!(check(&json!([])), "devices.deny=a");
        assert_eq!(check(&json!([deny, tun])), "devices.deny=a\ndevices.allow=c 10:200 rwm");
        assert_eq!(check(&json!([tun, deny])), "devices.deny=a");
        assert_eq!(check(&json!([{"allow": true, "type": "a"}])), "devices.allow=a");
        assert_eq!(check(&json!([{"allow": true}, tun, deny])), "devices.deny=a");
        let no_writes = json!({"allow": false, "type": "c", "major": 10, "access": "w"});
        assert_eq!(check(&json!([tun, no_writes])), "devices.deny=a\ndevices.allow=c 10:200 rm");
        assert_eq!(
            check(&json!([{"allow": true}, {"allow": false, "type": "b", "major": 8, "minor": 0}])),
            "devices.allow=a\ndevices.deny=b 8:0 rwm"
        );
        // What the defaults allow can be taken away.
        assert!(
            !policy(&json!([{"allow": false, "type": "c", "major": 5, "minor": 1}]))
                .unwrap()
                .exceptions()
                .unwrap()
                .iter()
                .any(|rule| rule.major == Some(5) && rule.minor == Some(1))
        );
    }

    #[test]
    fn what_version_1_cannot_say_is_refused() {
        for (rules, expected) in [
            (
                json!([{"allow": false, "type": "c", "major": 136, "minor": 5}]),
                "`devices: deny c 136:5 rwm` is not possible with cgroup version 1",
            ),
            (
                json!([{"allow": true}, {"allow": false, "type": "c"}, {"allow": true, "type": "c", "major": 1}]),
                "`devices: allow c 1:* rwm` is not possible with cgroup version 1",
            ),
            (json!([{"allow": true, "type": "p"}]), "`devices: "),
            (json!([{"allow": true, "access": "x"}]), "`devices: "),
            (json!([{"allow": true, "type": "c", "major": -7}]), "`devices: "),
        ] {
            let got = check(&rules);
            assert!(got.starts_with(expected), "{rules}: {got}");
        }
    }
}
