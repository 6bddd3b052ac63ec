//! Text to tree.

use std::ops::Range;
use std::sync::Arc;

use super::command::{command, json};
use super::directives;
use super::flags::Flags;
use super::heredoc::{self, Heredoc};
use super::instruction::{Dockerfile, Instruction, InstructionKind, Onbuild, Stage, Word};
use super::kinds;
use super::line::{Line, Reader};
use super::mistake::{Mistake, MistakeKind};
use super::words;
use crate::text::{Source, Span, did_you_mean};

/// The keywords.
pub(super) const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// Reads a Dockerfile; `name` is what its mistakes call it.
///
/// # Errors
/// All that is wrong with it, in the order of the file.
pub fn parse(text: &str, name: &str) -> Result<Dockerfile, Vec<Mistake>> {
    let source = Arc::new(Source::new(name.to_owned(), text.to_owned()));
    let mut mistakes = Vec::new();
    let (directives, at) = directives::read(&source, &mut mistakes);
    let mut reader = Reader::new(&source, at, directives.escape);
    let mut file = Dockerfile {
        source: Arc::clone(&source),
        directives,
        arguments: Vec::new(),
        stages: Vec::new(),
        empty_continuations: Vec::new(),
    };
    let mut parser = Parser { escape: file.directives.escape, mistakes };
    let mut any = false;
    while let Some(line) = reader.next() {
        any = true;
        match parser.line(line, &mut reader) {
            Some(Read::Stage(stage)) => file.stages.push(Stage { index: file.stages.len(), ..*stage }),
            Some(Read::Instruction(instruction)) => match (file.stages.last_mut(), &instruction.kind) {
                (Some(stage), _) => stage.instructions.push(*instruction),
                (None, InstructionKind::Arg(_)) => file.arguments.push(*instruction),
                (None, kind) => {
                    let mistake = Mistake::new(instruction.keyword.span, MistakeKind::BeforeFrom(kind.name()));
                    parser.mistakes.push(mistake.with_help("only `ARG` may stand there".to_owned()));
                }
            },
            None => {}
        }
    }
    file.empty_continuations = reader.empty_continuations;
    let mut mistakes = parser.mistakes;
    if mistakes.is_empty() && file.stages.is_empty() {
        let end = text.trim_end().len();
        let kind = if any { MistakeKind::NoStage } else { MistakeKind::Empty };
        let help = "a stage begins with `FROM`: the image to build on, or `scratch`".to_owned();
        mistakes.push(Mistake::new(Span { source, range: end..end }, kind).with_help(help));
    }
    if mistakes.is_empty() { Ok(file) } else { Err(mistakes) }
}

/// Reads an instruction that an image keeps for what is built on it; `name` is what its mistakes call it.
///
/// # Errors
/// All that is wrong with it.
pub fn parse_trigger(text: &str, name: &str) -> Result<Instruction, Vec<Mistake>> {
    let source = Arc::new(Source::new(name.to_owned(), text.to_owned()));
    let mut parser = Parser { escape: '\\', mistakes: Vec::new() };
    let mut reader = Reader::new(&source, 0, parser.escape);
    let whole = || Span { source: Arc::clone(&source), range: 0..text.trim_end().len() };
    match reader.next().and_then(|line| parser.line(line, &mut reader)) {
        Some(Read::Instruction(instruction)) if reader.next().is_none() => {
            let barred = barred_trigger(instruction.name());
            parser.mistakes.extend(barred.map(|name| Mistake::new(whole(), MistakeKind::Trigger(name))));
            if parser.mistakes.is_empty() { Ok(*instruction) } else { Err(parser.mistakes) }
        }
        Some(Read::Stage(_)) => Err(vec![Mistake::new(whole(), MistakeKind::Trigger("FROM"))]),
        _ if parser.mistakes.is_empty() => Err(vec![Mistake::new(whole(), MistakeKind::NotOneTrigger)]),
        _ => Err(parser.mistakes),
    }
}

/// The keyword, if it is one of those that cannot be triggers.
fn barred_trigger(keyword: &str) -> Option<&'static str> {
    ["ONBUILD", "FROM", "MAINTAINER"].into_iter().find(|barred| barred.eq_ignore_ascii_case(keyword))
}

/// What a line is.
enum Read {
    Stage(Box<Stage>),
    Instruction(Box<Instruction>),
}

/// An instruction's line, taken apart.
pub(super) struct Parts<'l> {
    /// The line.
    pub(super) line: &'l Line,
    /// The keyword in upper case.
    pub(super) name: &'static str,
    /// Its flags.
    pub(super) flags: Flags,
    /// What is behind the flags.
    pub(super) rest: Range<usize>,
    /// The heredocs that the line names.
    pub(super) heredocs: Vec<Heredoc>,
    /// What escapes.
    pub(super) escape: char,
}

/// Reads lines, and goes on behind a mistake.
struct Parser {
    escape: char,
    mistakes: Vec<Mistake>,
}

impl Parser {
    /// Reads one line, with what stands below it.
    fn line(&mut self, line: Line, reader: &mut Reader<'_>) -> Option<Read> {
        let whole = words::trimmed(&line.text, 0..line.text.len());
        let (keyword, behind) = words::split_first(&line.text, whole.clone());
        let name = self.keyword(&line.word(keyword.clone()))?;
        let heredocs = match has_heredocs(&line, whole.clone(), self.escape) {
            true => heredoc::read(&line, reader).map_err(|mistake| self.mistakes.push(mistake)).ok()?,
            false => Vec::new(),
        };
        let span = line.span_until(whole.clone(), reader);
        let (raw, rest) = words::flags(&line, behind, self.escape);
        let flags = Flags::new(name, raw, &line, &mut self.mistakes);
        let parts = Parts { line: &line, name, flags, rest, heredocs, escape: self.escape };
        if name == "FROM" {
            let keyword = line.word(keyword);
            let stage = kinds::stage(&parts, keyword, span).map_err(|mistake| self.mistakes.push(mistake)).ok()?;
            return Some(Read::Stage(Box::new(Stage { comments: line.comments, ..stage })));
        }
        let kind = self.kind(parts)?;
        let instruction = Instruction {
            keyword: line.word(keyword),
            span,
            line: line.text[whole].to_owned(),
            comments: line.comments,
            kind,
        };
        Some(Read::Instruction(Box::new(instruction)))
    }

    /// The keyword in upper case.
    fn keyword(&mut self, word: &Word) -> Option<&'static str> {
        let found = KEYWORDS.into_iter().find(|keyword| keyword.eq_ignore_ascii_case(&word.text));
        if found.is_none() {
            let help = did_you_mean(&word.text.to_ascii_uppercase(), KEYWORDS);
            let kind = match word.text.as_str() {
                "" => MistakeKind::NothingContinued,
                text => MistakeKind::UnknownInstruction(text.to_owned()),
            };
            self.mistakes.push(Mistake::new(word.span.clone(), kind).with_help(help));
        }
        found
    }

    /// What an instruction says.
    fn kind(&mut self, parts: Parts<'_>) -> Option<InstructionKind> {
        let kind = match parts.name {
            "ONBUILD" => return self.onbuild(&parts),
            _ => kinds::kind(&parts),
        };
        kind.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    /// `ONBUILD`, whose instruction is read at once: a mistake in it is told where it is made.
    fn onbuild(&mut self, parts: &Parts<'_>) -> Option<InstructionKind> {
        let line = parts.line;
        let (keyword, behind) = words::split_first(&line.text, parts.rest.clone());
        let word = line.word(keyword.clone());
        if word.text.is_empty() {
            let kind = MistakeKind::Arguments { instruction: "ONBUILD", takes: "an instruction" };
            self.mistakes.push(Mistake::new(line.span(0..line.text.len()), kind));
            return None;
        }
        if let Some(barred) = barred_trigger(&word.text) {
            self.mistakes.push(Mistake::new(word.span, MistakeKind::Trigger(barred)));
            return None;
        }
        let name = self.keyword(&word)?;
        let (raw, rest) = words::flags(line, behind, self.escape);
        let flags = Flags::new(name, raw, line, &mut self.mistakes);
        let heredocs = parts.heredocs.clone();
        let kind = self.kind(Parts { line, name, flags, rest, heredocs, escape: self.escape })?;
        let text = line.text[parts.rest.clone()].to_owned();
        let below = parts.heredocs.iter().map(|heredoc| format!("\n{}{}", heredoc.raw, heredoc.name));
        let trigger = text.clone() + &below.collect::<String>();
        let span = line.span(parts.rest.clone());
        let instruction = Box::new(Instruction { keyword: word, span, line: text, comments: Vec::new(), kind });
        Some(InstructionKind::Onbuild(Onbuild { trigger, instruction }))
    }
}

/// Whether heredocs stand below a line: those of `RUN`, `COPY` and `ADD` may, also behind `ONBUILD`, unless the rest is
/// a list.
fn has_heredocs(line: &Line, range: Range<usize>, escape: char) -> bool {
    if !line.text[range.clone()].contains("<<") {
        return false;
    }
    let (keyword, behind) = words::split_first(&line.text, range);
    match line.text[keyword].to_ascii_uppercase().as_str() {
        "ONBUILD" => has_heredocs(line, words::flags(line, behind, escape).1, escape),
        "RUN" | "COPY" | "ADD" => {
            let (_, rest) = words::flags(line, behind, escape);
            !matches!(json(line, rest), Ok(Some(_)) | Err(_))
        }
        _ => false,
    }
}

/// A command of an instruction, with its heredocs.
pub(super) fn command_of(parts: &Parts<'_>) -> Result<super::Command, Mistake> {
    command(parts.line, parts.rest.clone(), parts.heredocs.clone())
}
