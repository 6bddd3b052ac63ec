//! `RUN --mount=type=cache,target=/root/.cache,…`.
//!
//! Values may hold variables, so a mount is read twice: its options with the file, their values once variables have
//! theirs.

use super::expand::Expansion;
use super::instruction::Word;
use super::kinds::one_of;
use super::mistake::{Mistake, MistakeKind};
use crate::text::units::bytes;
use crate::text::{Span, did_you_mean};

/// A `--mount` as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountFlag {
    /// Where it stands.
    pub span: Span,
    /// Its options, in the order of the line: `key=value`, or a key alone.
    pub options: Vec<(Word, Option<Word>)>,
}

/// A mount of a `RUN`, which is there for that step only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// A directory or file of the context, of another stage or of an image.
    Bind {
        /// Where to, from the working directory.
        target: String,
        /// Which part; all without.
        source: Option<String>,
        /// A stage, an image or a named context; the build's context without.
        from: Option<String>,
        /// May be written to: what is written is dropped.
        read_write: bool,
    },
    /// A directory that stays from one build to the next.
    Cache {
        /// Which one; the target without.
        id: Option<String>,
        /// Where to, from the working directory.
        target: String,
        /// May only be read.
        read_only: bool,
        /// Who may use it at once.
        sharing: Sharing,
        /// What is in it at first: a stage, an image or a named context.
        from: Option<String>,
        /// Which part of `from`.
        source: Option<String>,
        /// The mode of a new one; 0755 without.
        mode: Option<u32>,
        /// The owner of a new one; 0 without.
        uid: Option<u32>,
        /// The group of a new one; 0 without.
        gid: Option<u32>,
    },
    /// A new file system in memory.
    Tmpfs {
        /// Where to, from the working directory.
        target: String,
        /// How much it holds at most, in bytes; 0 is no limit.
        size: Option<u64>,
    },
    /// A secret, as a file or as a variable.
    Secret {
        /// Which one; the last part of the target without.
        id: String,
        /// The file; `/run/secrets/ID` when neither it nor a variable is asked for.
        target: Option<String>,
        /// The variable.
        env: Option<String>,
        /// The step fails without it.
        required: bool,
        /// The mode of the file; 0400 without.
        mode: Option<u32>,
        /// The owner of the file; 0 without.
        uid: Option<u32>,
        /// The group of the file; 0 without.
        gid: Option<u32>,
    },
    /// A socket of an SSH agent.
    Ssh {
        /// Which one: `default` without.
        id: String,
        /// The socket; `/run/buildkit/ssh_agent.N` without.
        target: Option<String>,
        /// The step fails without it.
        required: bool,
        /// The mode of the socket; 0600 without.
        mode: Option<u32>,
        /// The owner of the socket; 0 without.
        uid: Option<u32>,
        /// The group of the socket; 0 without.
        gid: Option<u32>,
    },
}

/// Who may use a cache at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Anyone.
    #[default]
    Shared,
    /// One each: whoever comes second gets a new one.
    Private,
    /// One at a time: whoever comes second waits.
    Locked,
}

/// The options, each with what else it is called.
const OPTIONS: &[(&str, &[&str])] = &[
    ("type", &[]),
    ("from", &[]),
    ("source", &["src"]),
    ("target", &["dst", "destination"]),
    ("readonly", &["ro"]),
    ("readwrite", &["rw"]),
    ("id", &[]),
    ("sharing", &[]),
    ("required", &[]),
    ("size", &[]),
    ("mode", &[]),
    ("uid", &[]),
    ("gid", &[]),
    ("env", &[]),
];

/// The types of mounts, each with the options that it may have.
const TYPES: &[(&str, &[&str])] = &[
    ("bind", &["from", "source", "target", "readonly", "readwrite"]),
    ("cache", &["id", "target", "readonly", "readwrite", "sharing", "from", "source", "mode", "uid", "gid"]),
    ("tmpfs", &["target", "size", "readonly", "readwrite"]),
    ("secret", &["id", "source", "target", "env", "required", "mode", "uid", "gid", "readonly", "readwrite"]),
    ("ssh", &["id", "target", "required", "mode", "uid", "gid", "readonly", "readwrite"]),
];

impl MountFlag {
    /// Reads the options of a `--mount`. Where none has a variable in it, its values are looked at too.
    pub(super) fn read(word: &Word) -> Result<Self, Mistake> {
        let mut options = Vec::new();
        for field in fields(word)? {
            let (key, value) = match field.text.find('=') {
                Some(at) => (field.part(0..at), Some(field.part(at + 1..field.text.len()))),
                None => (field, None),
            };
            known(&key)?;
            if let (true, Some(value)) = (key.text.eq_ignore_ascii_case("from"), &value)
                && value.text.trim_end_matches('$').contains('$')
            {
                let help = "name it with `FROM … AS name` first, which may use an `ARG` above all stages".to_owned();
                return Err(Mistake::new(value.span.clone(), MistakeKind::NotExpanded("from")).with_help(help));
            }
            options.push((key, value));
        }
        let flag = Self { span: word.span.clone(), options };
        let constant = |(_, value): &(Word, Option<Word>)| {
            value.as_ref().is_none_or(|value| !value.text.contains(['$', '\\', '\'', '"', '`']))
        };
        if flag.options.iter().all(constant) {
            flag.resolve(&Expansion::new('\\', &|_| None))?;
        }
        Ok(flag)
    }

    /// The stage, image or named context that it mounts from, which holds no variables.
    #[must_use]
    pub fn from(&self) -> Option<&Word> {
        let from = |(key, _): &&(Word, Option<Word>)| key.text.eq_ignore_ascii_case("from");
        self.options.iter().find(from)?.1.as_ref()
    }

    /// The mount, with the values that variables have.
    ///
    /// # Errors
    /// An option with a value that it cannot have, or that the type of mount does not.
    pub fn resolve(&self, expansion: &Expansion<'_>) -> Result<Mount, Mistake> {
        let mut options = Vec::new();
        for (key, value) in &self.options {
            let value =
                value.as_ref().map(|word| expansion.word(word).map(|text| Word { text, span: word.span.clone() }));
            options.push((known(key)?, key, value.transpose()?));
        }
        let kind = match options.iter().rev().find(|(name, ..)| *name == "type") {
            None => "bind",
            Some((_, _, Some(word))) => {
                let lower = Word { text: word.text.to_ascii_lowercase(), span: word.span.clone() };
                let types: Vec<(&str, &str)> = TYPES.iter().map(|(name, _)| (*name, *name)).collect();
                one_of("type", &lower, &types)?
            }
            Some((_, key, None)) => return Err(no_value(key)),
        };
        let allowed = TYPES.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, allowed)| allowed);
        if let Some((name, key, _)) = options.iter().find(|(name, ..)| *name != "type" && !allowed.contains(name)) {
            let message = format!("a mount of type `{kind}` has no option `{name}`");
            let names = allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(
                Mistake::new(key.span.clone(), MistakeKind::Mount(message)).with_help(format!("it has {names}"))
            );
        }
        Options { kind, span: &self.span, options }.mount()
    }
}

/// The options of one mount, expanded; of one that is given twice the last holds.
struct Options<'m> {
    kind: &'static str,
    span: &'m Span,
    options: Vec<(&'static str, &'m Word, Option<Word>)>,
}

impl Options<'_> {
    fn mount(&self) -> Result<Mount, Mistake> {
        let target = || Ok::<_, Mistake>(self.text("target")?.map_or_else(String::new, str::to_owned));
        let read_only = self.read_only()?;
        let (mode, uid, gid) = (self.number("mode", 8)?, self.number("uid", 10)?, self.number("gid", 10)?);
        let required = self.truth("required")?.unwrap_or(false);
        let owned = |name| Ok::<_, Mistake>(self.text(name)?.map(str::to_owned));
        Ok(match self.kind {
            "cache" => Mount::Cache {
                id: owned("id")?,
                target: target()?,
                read_only: read_only.unwrap_or(false),
                sharing: self.sharing()?,
                from: owned("from")?,
                source: owned("source")?,
                mode,
                uid,
                gid,
            },
            "tmpfs" => Mount::Tmpfs { target: target()?, size: self.size()? },
            "secret" => {
                let (target, id) = (owned("target")?, self.secret_id()?);
                Mount::Secret { id, target, env: owned("env")?, required, mode, uid, gid }
            }
            "ssh" => {
                let id = owned("id")?.unwrap_or_else(|| "default".to_owned());
                Mount::Ssh { id, target: owned("target")?, required, mode, uid, gid }
            }
            _ => Mount::Bind {
                target: target()?,
                source: owned("source")?,
                from: owned("from")?,
                read_write: read_only == Some(false),
            },
        })
    }

    /// The key and the value of an option.
    fn option(&self, name: &str) -> Option<(&Word, Option<&Word>)> {
        let (_, key, value) = self.options.iter().rev().find(|(own, ..)| *own == name)?;
        Some((key, value.as_ref()))
    }

    /// A value that is there and not blank.
    fn text(&self, name: &str) -> Result<Option<&str>, Mistake> {
        match self.option(name) {
            None => Ok(None),
            Some((_, Some(value))) => Ok(Some(value.text.as_str()).filter(|text| !text.is_empty())),
            Some((key, None)) => Err(no_value(key)),
        }
    }

    fn truth(&self, name: &'static str) -> Result<Option<bool>, Mistake> {
        match self.option(name) {
            None => Ok(None),
            Some((_, None)) => Ok(Some(true)),
            Some((_, Some(value))) => match truth(&value.text) {
                Some(truth) => Ok(Some(truth)),
                None => Err(wrong(name, value, "it is `true` or `false`")),
            },
        }
    }

    /// What `readonly` and `readwrite` say, of which the last holds.
    fn read_only(&self) -> Result<Option<bool>, Mistake> {
        let last = self.options.iter().rev().find(|(name, ..)| ["readonly", "readwrite"].contains(name));
        let Some((name, ..)) = last else { return Ok(None) };
        Ok(self.truth(name)?.map(|truth| truth == (*name == "readonly")))
    }

    fn number(&self, name: &'static str, radix: u32) -> Result<Option<u32>, Mistake> {
        let (Some(_), Some((_, Some(value)))) = (self.text(name)?, self.option(name)) else { return Ok(None) };
        let rule = if radix == 8 { "it is an octal number, such as 0400" } else { "it is a number" };
        let digits = value.text.chars().all(|c| c.is_digit(radix));
        let number = u32::from_str_radix(&value.text, radix).ok().filter(|_| digits);
        number.map(Some).ok_or_else(|| wrong(name, value, rule))
    }

    fn size(&self) -> Result<Option<u64>, Mistake> {
        let (Some(_), Some((_, Some(value)))) = (self.text("size")?, self.option("size")) else { return Ok(None) };
        bytes(&value.text).map(Some).map_err(|error| wrong("size", value, &error.to_string()))
    }

    fn sharing(&self) -> Result<Sharing, Mistake> {
        let (Some(_), Some((_, Some(value)))) = (self.text("sharing")?, self.option("sharing")) else {
            return Ok(Sharing::Shared);
        };
        let lower = Word { text: value.text.to_ascii_lowercase(), span: value.span.clone() };
        let modes = [("shared", Sharing::Shared), ("private", Sharing::Private), ("locked", Sharing::Locked)];
        one_of("sharing", &lower, &modes)
    }

    fn secret_id(&self) -> Result<String, Mistake> {
        let (id, source, target) = (self.text("id")?, self.text("source")?, self.text("target")?);
        let base = |path: &str| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        let mount = |message: &str| Mistake::new(self.span.clone(), MistakeKind::Mount(message.to_owned()));
        match (id, source) {
            (Some(_), Some(_)) => Err(mount("a secret has an `id` or a `source`, not both")),
            (Some(id), None) | (None, Some(id)) => Ok(id.to_owned()),
            (None, None) => target.map(base).filter(|base| !base.is_empty()).ok_or_else(|| {
                mount("which secret is to be mounted?").with_help("give its `id`, or a `target`".to_owned())
            }),
        }
    }
}

/// The option that a key names.
fn known(key: &Word) -> Result<&'static str, Mistake> {
    let lower = key.text.to_ascii_lowercase();
    let found = OPTIONS.iter().find(|(name, aliases)| *name == lower || aliases.contains(&lower.as_str()));
    found.map(|(name, _)| *name).ok_or_else(|| {
        let names = OPTIONS.iter().flat_map(|(name, aliases)| std::iter::once(*name).chain(aliases.iter().copied()));
        let help = did_you_mean(&lower, names);
        Mistake::new(key.span.clone(), MistakeKind::UnknownMountOption(key.text.clone())).with_help(help)
    })
}

fn no_value(key: &Word) -> Mistake {
    let message = format!("the option `{}` of a mount needs a value", key.text);
    Mistake::new(key.span.clone(), MistakeKind::Mount(message)).with_help(format!("write `{}=…`", key.text))
}

fn wrong(name: &'static str, value: &Word, rule: &str) -> Mistake {
    let kind = MistakeKind::Value { of: name, value: value.text.clone(), rule: rule.to_owned() };
    Mistake::new(value.span.clone(), kind)
}

/// A truth value as Go reads them.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The fields of a line of comma-separated values; one that is quoted may have commas in it.
pub(super) fn fields(word: &Word) -> Result<Vec<Word>, Mistake> {
    let text = &word.text;
    let mut fields = Vec::new();
    let mut start = 0;
    loop {
        let rest = &text[start..];
        if let Some(quoted) = rest.strip_prefix('"') {
            let unclosed = || {
                let message = "a quoted option of a mount ends with a quote and a comma".to_owned();
                Mistake::new(word.span.clone(), MistakeKind::Mount(message))
            };
            // Two quotes within stand for one.
            let mut end = 0;
            loop {
                end += quoted[end..].find('"').ok_or_else(unclosed)?;
                if !quoted[end..].starts_with("\"\"") {
                    break;
                }
                end += 2;
            }
            let mut field = word.part(start + 1..start + 1 + end);
            field.text = field.text.replace("\"\"", "\"");
            fields.push(field);
            start += end + 2;
            if start < text.len() && !text[start..].starts_with(',') {
                return Err(unclosed());
            }
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            fields.push(word.part(start..start + end));
            start += end;
        }
        if start >= text.len() {
            return Ok(fields);
        }
        start += 1;
    }
}
