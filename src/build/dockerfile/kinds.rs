//! What each instruction says, from its flags and the rest of its line.

use std::time::Duration;

use super::command::{command, json};
use super::heredoc::marker;
use super::instruction::{
    Argument, Device, Healthcheck, InstructionKind, Pair, Run, RunNetwork, RunSecurity, Stage, Transfer,
    TransferSource, Word,
};
use super::mistake::{Mistake, MistakeKind};
use super::mount::MountFlag;
use super::parse::{Parts, command_of};
use super::words;
use crate::text::units::duration;
use crate::text::{Span, did_you_mean};

/// Any instruction but `FROM` and `ONBUILD`.
pub(super) fn kind(parts: &Parts<'_>) -> Result<InstructionKind, Mistake> {
    Ok(match parts.name {
        "ADD" => InstructionKind::Add(transfer(parts)?),
        "ARG" => InstructionKind::Arg(arguments(parts)?),
        "CMD" => InstructionKind::Cmd(command_of(parts)?),
        "COPY" => InstructionKind::Copy(transfer(parts)?),
        "ENTRYPOINT" => InstructionKind::Entrypoint(command_of(parts)?),
        "ENV" => InstructionKind::Env(pairs(parts)?),
        "EXPOSE" => InstructionKind::Expose(some(parts, words::plain(parts.line, parts.rest.clone()))?),
        "HEALTHCHECK" => InstructionKind::Healthcheck(healthcheck(parts)?),
        "LABEL" => InstructionKind::Label(pairs(parts)?),
        "MAINTAINER" => InstructionKind::Maintainer(one(parts)?),
        "RUN" => InstructionKind::Run(run(parts)?),
        "SHELL" => InstructionKind::Shell(shell(parts)?),
        "STOPSIGNAL" => InstructionKind::Stopsignal(one(parts)?),
        "USER" => InstructionKind::User(one(parts)?),
        "VOLUME" => InstructionKind::Volume(volumes(parts)?),
        _ => InstructionKind::Workdir(one(parts)?),
    })
}

/// A mistake about the words of an instruction.
fn takes(parts: &Parts<'_>, takes: &'static str) -> Mistake {
    let kind = MistakeKind::Arguments { instruction: parts.name, takes };
    Mistake::new(parts.line.span(0..parts.line.text.trim_end().len()), kind)
}

/// The rest of the line as one, which is there.
fn one(parts: &Parts<'_>) -> Result<Word, Mistake> {
    if parts.rest.is_empty() {
        return Err(takes(parts, "one argument"));
    }
    Ok(parts.line.word(parts.rest.clone()))
}

/// Words, of which there are some.
fn some(parts: &Parts<'_>, words: Vec<Word>) -> Result<Vec<Word>, Mistake> {
    if words.is_empty() { Err(takes(parts, "at least one argument")) } else { Ok(words) }
}

/// `FROM`.
pub(super) fn stage(parts: &Parts<'_>, keyword: Word, span: Span) -> Result<Stage, Mistake> {
    let mut words = words::plain(parts.line, parts.rest.clone()).into_iter();
    let (base, alias) = match (words.next(), words.next(), words.next(), words.next()) {
        (Some(base), None, ..) => (base, None),
        (Some(base), Some(between), Some(name), None) if between.text.eq_ignore_ascii_case("as") => {
            (base, Some((between, name)))
        }
        _ => return Err(takes(parts, "an image, and `AS` with a name if it is to have one")),
    };
    let name = alias.as_ref().map(|(_, name)| stage_name(name)).transpose()?;
    Ok(Stage {
        index: 0,
        keyword,
        base,
        platform: parts.flags.text("platform").cloned(),
        alias,
        name,
        span,
        line: parts.line.text.trim().to_owned(),
        comments: Vec::new(),
        instructions: Vec::new(),
    })
}

fn stage_name(word: &Word) -> Result<String, Mistake> {
    let name = word.text.to_lowercase();
    let valid = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.'));
    match valid {
        true => Ok(name),
        false => Err(Mistake::new(word.span.clone(), MistakeKind::StageName(word.text.clone()))),
    }
}

/// `ADD`, `COPY`.
fn transfer(parts: &Parts<'_>) -> Result<Transfer, Mistake> {
    let listed = json(parts.line, parts.rest.clone())?;
    let is_list = listed.is_some();
    let mut words = listed.unwrap_or_else(|| words::plain(parts.line, parts.rest.clone()));
    let destination = words.pop().filter(|_| !words.is_empty());
    let destination = destination.ok_or_else(|| takes(parts, "at least one source and a destination"))?;
    if !is_list && marker(&destination.text).is_some() {
        let kind = MistakeKind::HeredocDestination(parts.name);
        let help = "the destination comes last: `COPY <<EOF /file`".to_owned();
        return Err(Mistake::new(destination.span, kind).with_help(help));
    }
    let source = |word: Word| {
        let at = |heredoc: &&super::Heredoc| heredoc.span.range.start == word.span.range.start;
        match parts.heredocs.iter().find(at).filter(|_| !is_list) {
            Some(heredoc) => TransferSource::Inline(heredoc.clone()),
            None => TransferSource::Path(word),
        }
    };
    let flag = |name: &str| parts.flags.text(name).cloned();
    if let Some(from) = parts.flags.text("from")
        && from.text.contains('$')
    {
        let help = "name it with `FROM … AS name` first, which may use an `ARG` above all stages".to_owned();
        return Err(Mistake::new(from.span.clone(), MistakeKind::NotExpanded("--from")).with_help(help));
    }
    Ok(Transfer {
        sources: words.into_iter().map(source).collect(),
        destination,
        from: flag("from"),
        chown: flag("chown"),
        chmod: flag("chmod"),
        link: parts.flags.truth("link").unwrap_or(false),
        parents: parts.flags.truth("parents").unwrap_or(false),
        exclude: parts.flags.all("exclude").cloned().collect(),
        checksum: flag("checksum"),
        keep_git_dir: parts.flags.truth("keep-git-dir"),
        unpack: parts.flags.truth("unpack"),
    })
}

/// `ARG`.
fn arguments(parts: &Parts<'_>) -> Result<Vec<Argument>, Mistake> {
    let words = some(parts, words::quoted(parts.line, parts.rest.clone(), parts.escape))?;
    let argument = |word: Word| match word.text.find('=') {
        Some(0) => Err(Mistake::new(word.span, MistakeKind::BlankName("ARG"))),
        Some(at) => Ok(Argument { name: word.part(0..at), default: Some(word.part(at + 1..word.text.len())) }),
        None => Ok(Argument { name: word, default: None }),
    };
    words.into_iter().map(argument).collect()
}

/// `ENV`, `LABEL`.
fn pairs(parts: &Parts<'_>) -> Result<Vec<Pair>, Mistake> {
    let words = some(parts, words::quoted(parts.line, parts.rest.clone(), parts.escape))?;
    if words.first().is_some_and(|word| !word.text.contains('=')) {
        let (key, value) = words::split_first(&parts.line.text, parts.rest.clone());
        if value.is_empty() {
            return Err(takes(parts, "a name and a value: `name=value`"));
        }
        return Ok(vec![Pair { key: parts.line.word(key), value: parts.line.word(value), legacy: true }]);
    }
    let pair = |word: Word| match word.text.find('=') {
        Some(0) => Err(Mistake::new(word.span, MistakeKind::BlankName(parts.name))),
        Some(at) => Ok(Pair { key: word.part(0..at), value: word.part(at + 1..word.text.len()), legacy: false }),
        None => {
            let help = "a value with blanks is put into double quotes".to_owned();
            Err(Mistake::new(word.span, MistakeKind::NotAPair(word.text)).with_help(help))
        }
    };
    words.into_iter().map(pair).collect()
}

/// `RUN`.
fn run(parts: &Parts<'_>) -> Result<Run, Mistake> {
    let network = match parts.flags.text("network") {
        None => RunNetwork::Default,
        Some(word) => {
            let modes = [("default", RunNetwork::Default), ("none", RunNetwork::None), ("host", RunNetwork::Host)];
            one_of("--network", word, &modes)?
        }
    };
    let security = match parts.flags.text("security") {
        None => RunSecurity::Sandbox,
        Some(word) => {
            one_of("--security", word, &[("sandbox", RunSecurity::Sandbox), ("insecure", RunSecurity::Insecure)])?
        }
    };
    Ok(Run {
        command: command_of(parts)?,
        mounts: parts.flags.all("mount").map(MountFlag::read).collect::<Result<_, _>>()?,
        network,
        security,
        devices: parts.flags.all("device").map(device).collect::<Result<_, _>>()?,
    })
}

/// The value that a word names.
pub(super) fn one_of<T: Copy>(of: &'static str, word: &Word, allowed: &[(&str, T)]) -> Result<T, Mistake> {
    if let Some((_, value)) = allowed.iter().find(|(name, _)| *name == word.text) {
        return Ok(*value);
    }
    let names: Vec<&str> = allowed.iter().map(|(name, _)| *name).collect();
    let rule = format!("it is one of {}", names.join(", "));
    let help = did_you_mean(&word.text, names);
    let kind = MistakeKind::Value { of, value: word.text.clone(), rule };
    Err(Mistake::new(word.span.clone(), kind).with_help(help))
}

/// `--device=name,required`.
fn device(word: &Word) -> Result<Device, Mistake> {
    let mut name = None;
    let mut required = false;
    let wrong = |field: &Word, rule: &str| {
        let value = field.text.clone();
        let kind = MistakeKind::Value { of: "--device", value, rule: rule.to_owned() };
        Mistake::new(field.span.clone(), kind)
    };
    for field in super::mount::fields(word)? {
        match field.text.split_once('=') {
            Some((key, value)) if key.eq_ignore_ascii_case("required") => {
                required = super::mount::truth(value).ok_or_else(|| wrong(&field, "it is `true` or `false`"))?;
            }
            None if field.text.eq_ignore_ascii_case("required") => required = true,
            Some((key, _)) if key.eq_ignore_ascii_case("name") && name.is_some() => {
                return Err(wrong(&field, "it has a name already"));
            }
            Some((key, value)) if key.eq_ignore_ascii_case("name") => name = Some(value.to_owned()),
            // The name of a device is `vendor/class=name`.
            _ if name.is_none() => name = Some(field.text.clone()),
            _ => return Err(wrong(&field, "it takes a name and `required`")),
        }
    }
    let name = name.ok_or_else(|| wrong(word, "it takes a name and `required`"))?;
    Ok(Device { span: word.span.clone(), name, required })
}

/// `SHELL`.
fn shell(parts: &Parts<'_>) -> Result<Vec<Word>, Mistake> {
    if parts.rest.is_empty() {
        return Err(takes(parts, "at least one argument"));
    }
    match json(parts.line, parts.rest.clone())? {
        Some(words) => some(parts, words),
        None => {
            let help = "such as `SHELL [\"/bin/sh\", \"-c\"]`".to_owned();
            Err(Mistake::new(parts.line.span(parts.rest.clone()), MistakeKind::NotJson("SHELL")).with_help(help))
        }
    }
}

/// `VOLUME`.
fn volumes(parts: &Parts<'_>) -> Result<Vec<Word>, Mistake> {
    let listed = json(parts.line, parts.rest.clone())?;
    let words = some(parts, listed.unwrap_or_else(|| words::plain(parts.line, parts.rest.clone())))?;
    let path = |mut word: Word| {
        word.text = word.text.trim().to_owned();
        match word.text.is_empty() {
            true => Err(Mistake::new(word.span, MistakeKind::BlankName("VOLUME"))),
            false => Ok(word),
        }
    };
    words.into_iter().map(path).collect()
}

/// `HEALTHCHECK`.
fn healthcheck(parts: &Parts<'_>) -> Result<Healthcheck, Mistake> {
    let (kind, behind) = words::split_first(&parts.line.text, parts.rest.clone());
    let kind = parts.line.word(kind);
    match kind.text.to_ascii_uppercase().as_str() {
        "NONE" if behind.is_empty() => return Ok(Healthcheck::None),
        "NONE" => return Err(takes(parts, "nothing behind `NONE`")),
        "CMD" if !behind.is_empty() => {}
        "CMD" => return Err(takes(parts, "a command behind `CMD`")),
        "" => return Err(takes(parts, "`NONE`, or `CMD` and a command")),
        other => {
            let help =
                did_you_mean(other, ["CMD", "NONE"]).unwrap_or_else(|| "put `CMD` before the command".to_owned());
            return Err(takes(parts, "`NONE`, or `CMD` and a command").with_help(help));
        }
    }
    let command = command(parts.line, behind, Vec::new())?;
    if matches!(&command.form, super::CommandForm::Exec(words) if words.is_empty()) {
        return Err(takes(parts, "a command behind `CMD`"));
    }
    let time = |flag: &'static str| {
        parts.flags.text(flag.trim_start_matches('-')).map_or(Ok(None), |word| interval(flag, word))
    };
    Ok(Healthcheck::Check {
        command,
        interval: time("--interval")?,
        timeout: time("--timeout")?,
        start_period: time("--start-period")?,
        start_interval: time("--start-interval")?,
        retries: parts.flags.text("retries").map_or(Ok(None), retries)?,
    })
}

/// A duration of a health check, of which nothing is the default.
fn interval(of: &'static str, word: &Word) -> Result<Option<Duration>, Mistake> {
    let wrong = |rule: String| {
        let kind = MistakeKind::Value { of, value: word.text.clone(), rule };
        Mistake::new(word.span.clone(), kind)
    };
    if word.text.is_empty() {
        return Ok(None);
    }
    let duration = duration(&word.text).map_err(|error| wrong(error.to_string()))?;
    match duration {
        Duration::ZERO => Ok(None),
        short if short < Duration::from_millis(1) => Err(wrong("it is 1ms or more".to_owned())),
        _ => Ok(Some(duration)),
    }
}

fn retries(word: &Word) -> Result<Option<u32>, Mistake> {
    if word.text.is_empty() {
        return Ok(None);
    }
    match word.text.parse::<u32>() {
        Ok(retries) if i32::try_from(retries).is_ok() => Ok(Some(retries).filter(|retries| *retries > 0)),
        _ => {
            let rule = "it is a number from 0".to_owned();
            let kind = MistakeKind::Value { of: "--retries", value: word.text.clone(), rule };
            Err(Mistake::new(word.span.clone(), kind))
        }
    }
}
