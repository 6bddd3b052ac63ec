//! Who a process is: names looked up in the container's own files, as Docker does.

use std::io;
use std::path::Path;

use crate::sys::RootDir;

/// More of /etc/passwd or /etc/group than any system has; less than hurts (CVE-2026-47262).
const LIMIT: u64 = 4 * 1024 * 1024;

/// Why there is no such user.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// A name that no line of `/etc/passwd` has.
    #[error("cannot find user `{0}` in the container's /etc/passwd")]
    NoUser(String),
    /// A name that no line of `/etc/group` has.
    #[error("cannot find group `{0}` in the container's /etc/group")]
    NoGroup(String),
    /// Neither a name nor a number.
    #[error("`{0}` is no user: neither a name nor a number up to 2147483647, with or without a group after a colon")]
    Syntax(String),
    /// The files.
    #[error("cannot read `{path}` in the container: {reason}")]
    Read {
        /// Which of the two files.
        path: &'static str,
        /// Why.
        reason: String,
    },
}

/// A resolved user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// All groups, the first one among them: a file may shut out a group that its reader was to be a member of
    /// (CVE-2022-36109).
    pub groups: Vec<u32>,
    /// The home directory.
    pub home: String,
}

impl User {
    /// For an error's text.
    pub(super) fn further_groups(&self) -> String {
        let groups = self.groups.iter().filter(|&&group| group != self.gid);
        let groups: Vec<_> = groups.map(u32::to_string).collect();
        if groups.is_empty() { String::new() } else { format!(" and groups {}", groups.join(", ")) }
    }
}

/// The container's files that name users.
#[derive(Debug)]
pub struct Accounts {
    passwd: String,
    group: String,
}

impl Accounts {
    /// Reads `/etc/passwd` and `/etc/group` below `root`; one that is not there names nobody.
    ///
    /// # Errors
    /// [`UserError::Read`].
    pub fn read(root: &RootDir) -> Result<Self, UserError> {
        Ok(Self { passwd: read(root, "/etc/passwd")?, group: read(root, "/etc/group")? })
    }

    /// The home directory of `uid`; `/` when nothing says.
    #[must_use]
    pub fn home(&self, uid: u32) -> String {
        self.users().find(|user| user.uid == uid).map_or("/", |user| user.home).to_owned()
    }

    /// `name|uid[:name|gid]` and further groups.
    ///
    /// # Errors
    /// [`UserError`].
    pub fn resolve(&self, request: &str, group_add: &[String]) -> Result<User, UserError> {
        let (user, group) = match request.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (request, None),
        };
        if user.is_empty() || group.is_some_and(|group| group.is_empty() || group.contains(':')) {
            return Err(UserError::Syntax(request.to_owned()));
        }
        let id = number(user).map_err(|()| UserError::Syntax(request.to_owned()))?;
        // A name that is a number wins over the number, as in Docker.
        let entry = self.users().find(|entry| entry.name == user || Some(entry.uid) == id);
        let mut resolved = match (&entry, id) {
            (Some(entry), _) => {
                User { uid: entry.uid, gid: entry.gid, groups: Vec::new(), home: entry.home.to_owned() }
            }
            (None, Some(uid)) => User { uid, gid: 0, groups: Vec::new(), home: "/".to_owned() },
            (None, None) => return Err(UserError::NoUser(user.to_owned())),
        };
        match (group, entry) {
            (Some(group), _) => resolved.gid = self.group(group)?,
            // Memberships count unless a group is chosen.
            (None, Some(entry)) => resolved.groups.extend(
                self.groups()
                    .filter(|group| group.members.split(',').any(|member| member == entry.name))
                    .map(|group| group.gid),
            ),
            (None, None) => {}
        }
        for group in group_add {
            resolved.groups.push(self.group(group)?);
        }
        resolved.groups.push(resolved.gid);
        resolved.groups.sort_unstable();
        resolved.groups.dedup();
        Ok(resolved)
    }

    /// A group by name or number.
    ///
    /// # Errors
    /// [`UserError`].
    pub fn group(&self, text: &str) -> Result<u32, UserError> {
        let id = number(text).map_err(|()| UserError::Syntax(text.to_owned()))?;
        let entry = self.groups().find(|entry| entry.name == text);
        entry.map(|entry| entry.gid).or(id).ok_or_else(|| UserError::NoGroup(text.to_owned()))
    }

    /// See `passwd(5)`. Lines that do not parse name nobody.
    fn users(&self) -> impl Iterator<Item = UserEntry<'_>> {
        self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(UserEntry { name, uid, gid, home: fields.nth(1).filter(|home| !home.is_empty()).unwrap_or("/") })
        })
    }

    /// See `group(5)`.
    fn groups(&self) -> impl Iterator<Item = GroupEntry<'_>> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let gid = fields.nth(1)?.parse().ok()?;
            Some(GroupEntry { name, gid, members: fields.next().unwrap_or_default() })
        })
    }
}

struct UserEntry<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
    home: &'a str,
}

struct GroupEntry<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

/// `None` for a name; an error for a number out of range (CVE-2026-30892: it must not come out as root).
fn number(text: &str) -> Result<Option<u32>, ()> {
    if !text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    text.parse::<u32>().ok().filter(|&id| i32::try_from(id).is_ok()).map(Some).ok_or(())
}

fn read(root: &RootDir, path: &'static str) -> Result<String, UserError> {
    match root.read(Path::new(path), LIMIT) {
        Ok(contents) => Ok(String::from_utf8_lossy(&contents).into_owned()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(String::new())
        }
        Err(error) => Err(UserError::Read { path, reason: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:0:0::/:\nweb:x:33:33::/var/www:\n77:x:1077:5::/h:"
                .into(),
            group: "root:x:0:\ndisk:x:6:web,other\nweb:x:33:\nlog:x:44:web".into(),
        }
    }

    fn check(request: &str, expected: Result<(u32, u32, &[u32], &str), ()>) {
        let found = accounts().resolve(request, &[]).map_err(drop);
        let expected =
            expected.map(|(uid, gid, groups, home)| User { uid, gid, groups: groups.to_vec(), home: home.to_owned() });
        assert_eq!(found, expected, "{request}");
    }

    #[test]
    fn requests() {
        check("root", Ok((0, 0, &[0], "/root")));
        check("web", Ok((33, 33, &[6, 33, 44], "/var/www")));
        check("33", Ok((33, 33, &[6, 33, 44], "/var/www")));
        check("web:disk", Ok((33, 6, &[6], "/var/www")));
        check("web:1234", Ok((33, 1234, &[1234], "/var/www")));
        check("1000", Ok((1000, 0, &[0], "/")));
        check("1000:1000", Ok((1000, 1000, &[1000], "/")));
        check("77", Ok((1077, 5, &[5], "/h")));
    }

    #[test]
    fn nothing_odd_is_root() {
        for request in [
            "",
            ":",
            "1000:",
            "web:",
            ":0",
            "-1",
            "4294967295",
            "4294967296",
            "2147483648",
            "nobody",
            "1:2:3",
            "web:nogroup",
            "1:-1",
        ] {
            check(request, Err(()));
        }
    }

    #[test]
    fn further_groups() {
        let user = accounts().resolve("web", &["disk".into(), "9".into()]).unwrap();
        assert_eq!(user.groups, [6, 9, 33, 44]);
    }

    proptest::proptest! {
        #[test]
        fn only_root_is_root(request in "[0-9a-z:+-]{1,12}") {
            if let Ok(user) = accounts().resolve(&request, &[]) {
                let named = request.split(':').next().unwrap();
                let is_zero = named == "root" || named.parse() == Ok(0u32);
                proptest::prop_assert!((user.uid != 0) || is_zero);
            }
        }
    }
}
