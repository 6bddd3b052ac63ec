//! References to git repositories, in the forms that builds take them, too.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// A commit of a git repository, and a place in it.
#[derive(Clone, PartialEq, Eq)]
pub struct GitReference {
    /// `https`, `ssh`, `git`, `http` or `file`.
    pub protocol: String,
    /// What git is given. It may hold a password.
    pub url: String,
    /// The branch, tag, full ref or full commit id that is wanted; the default branch when there is none.
    pub reference: Option<String>,
    /// What the id of the commit must begin with.
    pub commit: Option<String>,
    /// The directory or Compose file that is wanted: relative, inside the repository, empty for its root.
    pub subdirectory: PathBuf,
    /// Whether the files come with the repository itself; as whoever fetches has it when it does not say.
    pub keep_git_dir: Option<bool>,
    /// Whether submodules come, too; as whoever fetches has it when it does not say.
    pub submodules: Option<bool>,
    /// As it was written, without a password.
    text: String,
}

/// Protocols that git speaks and a reference may name. `file` is for tests: nothing allows it by default.
const PROTOCOLS: &[&str] = &["https", "http", "ssh", "git", "file"];

impl GitReference {
    /// `None` for a path.
    ///
    /// # Errors
    /// The rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (address, query) = address.split_once('?').unwrap_or((address, ""));
        let Some((protocol, url)) = address_of(address)? else { return Ok(None) };
        if url.chars().any(|character| character.is_control() || character.is_whitespace()) {
            return Err("an address has no spaces".to_owned());
        }
        let mut wanted = Wanted::of_fragment(&decoded(fragment)?)?;
        wanted.add_query(query)?;
        let Wanted { mut reference, commit, subdirectory, keep_git_dir, submodules } = wanted;
        if let Some(commit) = &commit
            && !(commit.len() >= 7 && commit.len() <= 64 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(format!("`{commit}` is not the id of a commit"));
        }
        // The beginning of an id can be compared, but not asked for.
        reference = reference.or_else(|| commit.clone().filter(|commit| matches!(commit.len(), 40 | 64)));
        if let Some(reference) = &reference {
            check_reference(reference)?;
        }
        let subdirectory = inside(subdirectory.as_deref().unwrap_or_default())?;
        let text = Self::without_password(text);
        Ok(Some(Self { protocol, url, reference, commit, subdirectory, keep_git_dir, submodules, text }))
    }

    /// `text` with the secrets of its address, if there may be any, made unreadable: what stands before the host is a
    /// password or a token over HTTP, and the name of a user elsewhere.
    #[must_use]
    pub fn without_password(text: &str) -> String {
        let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let Some((user, host)) = authority.rsplit_once('@') else { return text.to_owned() };
        let shown = match user.split_once(':') {
            _ if scheme.to_ascii_lowercase().starts_with("http") => "***".to_owned(),
            Some((name, _)) => format!("{name}:***"),
            None => user.to_owned(),
        };
        format!("{scheme}://{shown}@{host}{}", &rest[authority.len()..])
    }
}

/// The protocol and what git is given.
fn address_of(address: &str) -> Result<Option<(String, String)>, String> {
    if let Some(rest) = address.strip_prefix("github.com/") {
        check_address("https", "github.com", rest)?;
        return Ok(Some(("https".to_owned(), format!("https://{address}"))));
    }
    if let Some((scheme, rest)) = address.split_once("://")
        && !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        let protocol = scheme.to_ascii_lowercase();
        if !PROTOCOLS.contains(&protocol.as_str()) {
            return Err(format!("repositories come over https, ssh and git, not `{scheme}`"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        check_address(&protocol, host, path)?;
        if authority.starts_with('-') {
            return Err("a user name does not begin with `-`".to_owned());
        }
        if !matches!(protocol.as_str(), "ssh" | "git") && !path.ends_with(".git") {
            return Err(format!("over {protocol} comes only a git repository, whose path ends in `.git`"));
        }
        return Ok(Some((protocol.clone(), format!("{protocol}://{rest}"))));
    }
    // user@host:path, as scp(1) has it; with a path in front it is a file.
    let scp = address.split_once('@').and_then(|(user, rest)| Some((user, rest.split_once(':')?)));
    let Some((user, (host, path))) = scp else { return Ok(None) };
    let all = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    if !all(user, b"_-") || !all(host, b".-") {
        return Ok(None);
    }
    if user.starts_with('-') {
        return Err("a user name does not begin with `-`".to_owned());
    }
    check_address("ssh", host, path)?;
    Ok(Some(("ssh".to_owned(), address.to_owned())))
}

/// Refuses what git or ssh would take for an option, and addresses of nothing.
fn check_address(protocol: &str, host: &str, path: &str) -> Result<(), String> {
    if host.is_empty() && protocol != "file" {
        return Err("the host is missing".to_owned());
    }
    if path.trim_matches('/').is_empty() {
        return Err("the path of the repository is missing".to_owned());
    }
    if host.starts_with('-') || path.starts_with('-') {
        return Err("neither host nor path begin with `-`".to_owned());
    }
    Ok(())
}

/// What of a repository is wanted, as fragment and query say it.
#[derive(Default)]
struct Wanted {
    reference: Option<String>,
    commit: Option<String>,
    subdirectory: Option<String>,
    keep_git_dir: Option<bool>,
    submodules: Option<bool>,
}

impl Wanted {
    /// `REF:SUBDIRECTORY`, both optional.
    fn of_fragment(fragment: &str) -> Result<Self, String> {
        let (reference, subdirectory) = fragment.split_once(':').unwrap_or((fragment, ""));
        if reference.starts_with('#') {
            return Err("one `#` stands before the ref".to_owned());
        }
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Self { reference: given(reference), subdirectory: given(subdirectory), ..Self::default() })
    }

    /// `ref=`, `branch=`, `tag=`, `commit=`, `subdir=`, each once and not in conflict with the fragment.
    fn add_query(&mut self, query: &str) -> Result<(), String> {
        let mut seen = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key)?, decoded(&value.replace('+', " "))?);
            if seen.insert(key.clone(), value).is_some() {
                return Err(format!("`{key}` is there twice"));
            }
        }
        for (key, value) in seen {
            match key.as_str() {
                "keep-git-dir" => self.keep_git_dir = Some(switch(&key, &value)?),
                "submodules" => self.submodules = Some(switch(&key, &value)?),
                _ => {}
            }
            if matches!(key.as_str(), "keep-git-dir" | "submodules") {
                continue;
            }
            let (field, value) = match key.as_str() {
                _ if value.is_empty() => return Err(format!("`{key}` has no value")),
                "ref" => (&mut self.reference, value),
                "branch" => (&mut self.reference, full(&value, "refs/heads/")),
                "tag" => (&mut self.reference, full(&value, "refs/tags/")),
                "commit" | "checksum" => (&mut self.commit, value),
                "subdir" => (&mut self.subdirectory, value),
                _ => return Err(format!("`{key}` is none of ref, branch, tag, commit and subdir")),
            };
            match field {
                Some(other) if *other != value => {
                    return Err(format!("`{key}` says `{value}`, and `{other}` is said too"));
                }
                _ => *field = Some(value),
            }
        }
        Ok(())
    }
}

/// A key alone is as good as true.
fn switch(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "" | "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(true),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(false),
        _ => Err(format!("`{key}` is true or false, not `{value}`")),
    }
}

fn full(name: &str, prefix: &str) -> String {
    if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") }
}

/// The rules of `git check-ref-format` that keep a name from being an option, a pattern or a refspec.
fn check_reference(name: &str) -> Result<(), String> {
    let is_bad = |character: char| character.is_control() || " ~^:?*[\\".contains(character);
    if name.starts_with(['-', '/']) || name.ends_with(['/', '.']) || name.contains("..") || name.contains(is_bad) {
        return Err(format!("`{name}` is no name of a branch, tag or commit"));
    }
    Ok(())
}

/// `text` as a relative path without `.` and `..`.
fn inside(text: &str) -> Result<PathBuf, String> {
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::ParentDir => return Err(format!("the subdirectory `{text}` is outside of the repository")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(format!("the subdirectory `{text}` must be relative"));
            }
        }
    }
    if text.contains('\0') {
        return Err("a path holds no NUL".to_owned());
    }
    Ok(path)
}

/// Undoes `%XX` (RFC 3986 §2.1).
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte =
            digits.filter(|digits| !digits.starts_with('+')).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(|| "`%` stands before two hexadecimal digits".to_owned())?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

impl fmt::Display for GitReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl fmt::Debug for GitReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("GitReference").field(&self.text).finish()
    }
}
