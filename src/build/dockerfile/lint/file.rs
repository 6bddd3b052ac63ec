//! Rules that need no values: names, cases, blank lines, comments.

use std::collections::BTreeSet;

use super::{Findings, Rule};
use crate::build::dockerfile::instruction::{Dockerfile, Instruction, InstructionKind, Stage, Word};

pub(super) fn check(file: &Dockerfile, found: &mut Findings<'_>) {
    for span in &file.empty_continuations {
        let help = "take the blank line out, or the end of the line above".to_owned();
        found.add(Rule::NoEmptyContinuation, &[], span, "a continued line is blank".to_owned(), Some(help));
    }
    let keywords = || {
        file.stages.iter().flat_map(|stage| {
            let own = stage.instructions.iter().map(|instruction| (&instruction.keyword, &instruction.comments));
            std::iter::once((&stage.keyword, &stage.comments)).chain(own)
        })
    };
    let count = |like: fn(&str) -> bool| keywords().filter(|(keyword, _)| like(&keyword.text)).count();
    let lower = count(is_lower) > count(is_upper);
    for (keyword, comments) in keywords() {
        if !if lower { is_lower(&keyword.text) } else { is_upper(&keyword.text) } {
            let (case, wanted) = match lower {
                true => ("lower", keyword.text.to_lowercase()),
                false => ("upper", keyword.text.to_uppercase()),
            };
            let message = format!("`{}` is not {case} case, as most keywords here are", keyword.text);
            let help = Some(format!("write `{wanted}`"));
            found.add(Rule::ConsistentInstructionCasing, comments, &keyword.span, message, help);
        }
    }
    let mut names = BTreeSet::new();
    for stage in &file.stages {
        stage_name(stage, &mut names, found);
        stage.instructions.iter().for_each(|instruction| one(instruction, found));
    }
    file.arguments.iter().for_each(|instruction| one(instruction, found));
}

fn is_lower(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_uppercase())
}

fn is_upper(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_lowercase())
}

fn stage_name<'s>(stage: &'s Stage, names: &mut BTreeSet<&'s str>, found: &mut Findings<'_>) {
    let (Some((between, written)), Some(name)) = (&stage.alias, stage.name.as_deref()) else { return };
    let comments = &stage.comments;
    if written.text != name {
        let message = format!("the name of the stage `{}` is not lower case", written.text);
        found.add(Rule::StageNameCasing, comments, &written.span, message, Some(format!("write `{name}`")));
    }
    let differs = match &stage.keyword.text {
        from if is_lower(from) => !is_lower(&between.text),
        from => is_upper(from) && !is_upper(&between.text),
    };
    if differs {
        let message = format!("`{}` and `{}` are not written in one case", stage.keyword.text, between.text);
        found.add(Rule::FromAsCasing, comments, &between.span, message, None);
    }
    if ["scratch", "context"].contains(&name) {
        let message = format!("a stage is called `{name}`, which has a meaning of its own");
        found.add(Rule::ReservedStageName, comments, &written.span, message, None);
    }
    if !names.insert(name) {
        let message = format!("two stages are called `{name}`");
        found.add(Rule::DuplicateStageName, comments, &written.span, message, None);
    }
    description("FROM", &[written], comments, found);
}

fn one(instruction: &Instruction, found: &mut Findings<'_>) {
    let comments = &instruction.comments;
    match &instruction.kind {
        InstructionKind::Maintainer(name) => {
            let help = format!("write `LABEL org.opencontainers.image.authors=\"{}\"`", name.text);
            let message = "`MAINTAINER` is deprecated".to_owned();
            found.add(Rule::MaintainerDeprecated, comments, &instruction.keyword.span, message, Some(help));
        }
        InstructionKind::Arg(arguments) => {
            let names: Vec<&Word> = arguments.iter().map(|argument| &argument.name).collect();
            description("ARG", &names, comments, found);
        }
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            for pair in pairs.iter().filter(|pair| pair.legacy) {
                let name = instruction.name();
                let message = format!("`{name} name value` is the old form");
                let value = match pair.value.text.contains(char::is_whitespace) {
                    true => format!("\"{}\"", pair.value.text),
                    false => pair.value.text.clone(),
                };
                let help = Some(format!("write `{name} {}={value}`", pair.key.text));
                found.add(Rule::LegacyKeyValueFormat, comments, &pair.key.span, message, help);
            }
        }
        _ => {}
    }
}

/// The comment right above a definition begins with its name.
fn description(instruction: &str, names: &[&Word], comments: &[Word], found: &mut Findings<'_>) {
    let Some((last, first)) = comments.last().zip(names.first()) else { return };
    let begins = last.text.split(' ').next().unwrap_or_default();
    if names.iter().any(|name| name.text == begins) {
        return;
    }
    let message = format!("the comment above this `{instruction}` does not describe it");
    let help = format!("begin it with `{}`, or put a blank line below it", first.text);
    found.add(Rule::InvalidDefinitionDescription, comments, &last.span, message, Some(help));
}
