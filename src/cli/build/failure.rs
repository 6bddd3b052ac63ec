//! A step that failed, as the user is told: what it wrote last, its line of the Dockerfile, and why.

use std::collections::BTreeMap;
use std::error::Error as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer};

use crate::build::copy::CopyError;
use crate::build::{Step, StepError, StepNumber};
use crate::cli::style::{NOTE, Paint};
use crate::text::{Span, show};

/// How many lines of what a program wrote are shown.
const LINES: usize = 20;

/// A step that failed.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct StepFailure {
    /// What it is called: `[build 2/4] RUN make`.
    pub name: String,
    /// Its instruction.
    pub place: Span,
    /// The last lines that it wrote.
    pub lines: Vec<String>,
    /// Why.
    pub source: Box<StepError>,
}

impl StepFailure {
    /// Of `step`, given what each step wrote.
    pub(super) fn new(
        step: &Step,
        number: StepNumber,
        mut written: BTreeMap<StepNumber, Vec<u8>>,
        source: StepError,
    ) -> Self {
        let text = written.remove(&number).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines: Vec<String> = text.lines().rev().take(LINES).map(str::to_owned).collect();
        lines.reverse();
        Self { name: step.name.clone(), place: step.place.clone(), lines, source: Box::new(source) }
    }
}

impl StepFailure {
    /// The whole of it, as the user is told.
    pub(super) fn render(&self, paint: Paint) -> String {
        let mut text = String::new();
        if !self.lines.is_empty() {
            text.push_str(&format!("{} {}:\n", paint.apply(NOTE, "the last lines of"), self.name));
            self.lines.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
        let mut elements = Vec::new();
        show(&[&self.place], |_, _| (AnnotationKind::Primary, None), &mut elements);
        let title = Level::ERROR.primary_title(format!("{} failed: {}", self.name, self.source));
        let mut groups = vec![title.elements(elements)];
        let causes = std::iter::successors(self.source.source(), |cause| (**cause).source()).map(ToString::to_string);
        for cause in causes {
            groups.push(Group::with_title(Level::NOTE.secondary_title(format!("caused by: {cause}"))));
        }
        if let Some(hint) = self.hint() {
            groups.push(Group::with_title(Level::HELP.secondary_title(hint)));
        }
        let renderer = if paint == Paint::COLOURED { Renderer::styled() } else { Renderer::plain() };
        text.push_str(&renderer.render(&groups));
        text.push('\n');
        text
    }

    fn hint(&self) -> Option<String> {
        match &*self.source {
            StepError::Copy(CopyError::NotFound { near: Some(near), .. }) => Some(format!("did you mean `{near}`?")),
            StepError::Copy(CopyError::NotFound { is_outside: true, .. }) => Some(
                "only files of the build context can be copied: name what is outside with `additional_contexts`"
                    .to_owned(),
            ),
            StepError::Copy(CopyError::Ignored { .. }) => Some("let it in with a line that begins with `!`".to_owned()),
            _ => None,
        }
    }
}
