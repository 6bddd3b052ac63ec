//! The flags of each instruction.

use super::instruction::Word;
use super::line::Line;
use super::mistake::{Mistake, MistakeKind};
use super::words::RawFlag;
use crate::text::{Span, nearest};

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Nothing, `true` or `false`.
    Truth,
    /// A value.
    Text,
    /// A value, and it may be given again.
    Each,
}

/// Which instruction has which flags.
const FLAGS: &[(&str, &[(&str, Takes)])] = &[
    (
        "ADD",
        &[
            ("checksum", Takes::Text),
            ("chmod", Takes::Text),
            ("chown", Takes::Text),
            ("exclude", Takes::Each),
            ("keep-git-dir", Takes::Truth),
            ("link", Takes::Truth),
            ("unpack", Takes::Truth),
        ],
    ),
    (
        "COPY",
        &[
            ("chmod", Takes::Text),
            ("chown", Takes::Text),
            ("exclude", Takes::Each),
            ("from", Takes::Text),
            ("link", Takes::Truth),
            ("parents", Takes::Truth),
        ],
    ),
    ("FROM", &[("platform", Takes::Text)]),
    (
        "HEALTHCHECK",
        &[
            ("interval", Takes::Text),
            ("retries", Takes::Text),
            ("start-interval", Takes::Text),
            ("start-period", Takes::Text),
            ("timeout", Takes::Text),
        ],
    ),
    ("RUN", &[("device", Takes::Each), ("mount", Takes::Each), ("network", Takes::Text), ("security", Takes::Text)]),
];

fn flags_of(instruction: &str) -> &'static [(&'static str, Takes)] {
    FLAGS.iter().find(|(name, _)| *name == instruction).map_or(&[], |(_, flags)| flags)
}

/// The flags of one instruction, each of them one that it has.
#[derive(Debug)]
pub(super) struct Flags {
    given: Vec<(&'static str, Span, Option<Word>)>,
}

impl Flags {
    /// Checks the flags of an instruction; what is wrong with them is added to `mistakes`.
    pub(super) fn new(instruction: &'static str, raw: Vec<RawFlag>, line: &Line, mistakes: &mut Vec<Mistake>) -> Self {
        let mut flags = Self { given: Vec::new() };
        for flag in raw {
            match flags.checked(instruction, &flag, line.span(flag.range.clone())) {
                Ok(name) => flags.given.push((name, line.span(flag.range), flag.value)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        flags
    }

    fn checked(&self, instruction: &'static str, flag: &RawFlag, span: Span) -> Result<&'static str, Mistake> {
        let known = flags_of(instruction);
        let Some((name, takes)) = known.iter().find(|(name, _)| *name == flag.name) else {
            return Err(unknown(instruction, flag, span));
        };
        let before = self.given.iter().find(|(given, ..)| given == name);
        if let (Some((_, first, _)), true) = (before, *takes != Takes::Each) {
            let mistake = Mistake::new(span, MistakeKind::DuplicateFlag(flag.name.clone()));
            return Err(mistake.with_label(first.clone(), "first given here"));
        }
        match (takes, flag.value.as_ref().map(|value| value.text.as_str())) {
            (Takes::Truth, Some("")) | (Takes::Text | Takes::Each, None) => {
                let help = (*takes != Takes::Truth).then(|| format!("write `--{name}=…`"));
                Err(Mistake::new(span, MistakeKind::MissingValue(flag.name.clone())).with_help(help))
            }
            (Takes::Truth, Some(value))
                if !value.eq_ignore_ascii_case("true") && !value.eq_ignore_ascii_case("false") =>
            {
                Err(Mistake::new(span, MistakeKind::FlagTruth { flag: name, value: value.to_owned() }))
            }
            _ => Ok(name),
        }
    }

    /// The value of a flag that is given once.
    pub(super) fn text(&self, name: &str) -> Option<&Word> {
        self.all(name).next()
    }

    /// The values of a flag.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Word> {
        self.given.iter().filter(move |(given, ..)| *given == name).filter_map(|(.., value)| value.as_ref())
    }

    /// What a flag that is `true` or `false` is.
    pub(super) fn truth(&self, name: &str) -> Option<bool> {
        let (.., value) = self.given.iter().find(|(given, ..)| *given == name)?;
        Some(value.as_ref().is_none_or(|value| value.text.eq_ignore_ascii_case("true")))
    }
}

fn unknown(instruction: &'static str, flag: &RawFlag, span: Span) -> Mistake {
    let known = flags_of(instruction);
    let near = nearest(&flag.name, known.iter().map(|(name, _)| *name));
    let near = near.map(|near| format!("did you mean `--{near}`?"));
    let others: Vec<&str> = FLAGS
        .iter()
        .filter(|(_, flags)| flags.iter().any(|(name, _)| *name == flag.name))
        .map(|(instruction, _)| *instruction)
        .collect();
    let elsewhere = || (!others.is_empty()).then(|| format!("it is a flag of `{}`", others.join("` and `")));
    let allowed = || match known {
        [] => format!("`{instruction}` has no flags; `--` ends them, for a word that begins with `--`"),
        known => {
            let names: Vec<String> = known.iter().map(|(name, _)| format!("`--{name}`")).collect();
            format!("it has {}", names.join(", "))
        }
    };
    let help = near.or_else(elsewhere).unwrap_or_else(allowed);
    Mistake::new(span, MistakeKind::UnknownFlag { flag: flag.name.clone(), instruction }).with_help(help)
}
