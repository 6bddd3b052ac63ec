//! What is allowed in a Dockerfile and better not done: the rules of docker's build checks, by their names.
//!
//! `# check=skip=RULE` above all lines, or above an instruction, leaves rules out; `error=true` makes what is found end the
//! build; both can come from the argument `BUILDKIT_DOCKERFILE_CHECK` too.
//!
//! ```text
//! whole file   names and cases of stages and keywords, blank continued lines, comments that describe
//! FROM         arguments that are not declared, or need a value from outside; platforms that are fixed
//! each stage   walked with the values that its variables have: what is used and not set, what is ignored, …
//! ```

mod file;
mod rule;
mod stage;

use std::collections::BTreeMap;

use annotate_snippets::Level;
pub use rule::Rule;

use super::directives::check_options;
use super::ignore::Ignore;
use super::instruction::{CheckOptions, Dockerfile, Word};
use super::mistake::render;
use crate::text::Span;

/// Something that is better done in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub span: Span,
    /// The rule; what no rule is about has none.
    pub rule: Option<Rule>,
    /// What is there.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Warning {
    /// As people read it: rule, message, place, line, caret, help.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let title = Level::WARNING.primary_title(self.message.as_str());
        let title = match self.rule {
            Some(rule) => title.id(rule.name()),
            None => title,
        };
        render(title, &self.span, None, self.help.as_deref(), color)
    }
}

/// What the lint has to know that does not stand in the file.
pub struct Facts<'s> {
    /// The arguments that are given from outside.
    pub arguments: &'s BTreeMap<String, String>,
    /// The values of `TARGETPLATFORM` and the like.
    pub platform: &'s BTreeMap<String, String>,
    /// What an image brings with it; nothing where that is not known.
    pub image: &'s dyn Fn(&str) -> Option<BaseImage>,
    /// The `.dockerignore` of the context.
    pub ignore: Option<&'s Ignore>,
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Facts").field("arguments", self.arguments).finish_non_exhaustive()
    }
}

/// What an image brings with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseImage {
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// It has a shell of its own, set with `SHELL`.
    pub shell: bool,
}

/// What the lint found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What is better done in another way, in the order of the file.
    pub warnings: Vec<Warning>,
    /// A warning ends the build: `error=true`.
    pub error: bool,
}

/// Checks a file by all rules that are not left out.
#[must_use]
pub fn check(file: &Dockerfile, facts: &Facts<'_>) -> Checked {
    // What is given from outside stands in place of what the file says.
    let given = facts.arguments.get("BUILDKIT_DOCKERFILE_CHECK").and_then(|text| {
        check_options(&Word { text: text.clone(), span: Span { source: file.source.clone(), range: 0..0 } }).ok()
    });
    let options = given.unwrap_or_else(|| file.directives.check.clone());
    let mut found = Findings { options: &options, warnings: Vec::new() };
    file::check(file, &mut found);
    stage::check(file, facts, &mut found);
    let mut warnings = found.warnings;
    warnings.sort_by_key(|warning| (warning.span.range.start, warning.rule));
    warnings.dedup();
    Checked { warnings, error: options.error }
}

/// A warning where a file asks for a frontend that is not docker's own, which is read by this one all the same.
#[must_use]
pub fn foreign_syntax(file: &Dockerfile) -> Option<Warning> {
    let syntax = file.directives.syntax.as_ref()?;
    let image = syntax.text.split(' ').next().unwrap_or_default().split('@').next().unwrap_or_default();
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let (name, tag) = image.split_once(':').unwrap_or((image, "1"));
    let known = matches!(name, "docker/dockerfile" | "docker/dockerfile-upstream")
        && (tag.starts_with('1') || ["latest", "labs", "master", "master-labs"].contains(&tag));
    (!known).then(|| Warning {
        span: syntax.span.clone(),
        rule: None,
        message: format!("the frontend `{}` is not run", syntax.text),
        help: Some("the file is read as `docker/dockerfile:1` reads it".to_owned()),
    })
}

/// What is found, as long as it is not to be left out.
struct Findings<'o> {
    options: &'o CheckOptions,
    warnings: Vec<Warning>,
}

impl Findings<'_> {
    /// Adds what a rule has to say, unless the file or one of the comments above the place leaves it out.
    fn add(&mut self, rule: Rule, comments: &[Word], span: &Span, message: String, help: Option<String>) {
        let own = own_options(comments);
        let all = [Some(self.options), own.as_ref()];
        let mut all = all.into_iter().flatten();
        let named = |words: &[Word]| words.iter().any(|word| word.text == rule.name());
        let silent = match rule.is_experimental() {
            true => !all.any(|options| options.experimental_all || named(&options.experimental)),
            false => all.any(|options| options.skip_all || named(&options.skip)),
        };
        if !silent {
            self.warnings.push(Warning { span: span.clone(), rule: Some(rule), message, help });
        }
    }
}

/// What `# check=…` above an instruction says.
fn own_options(comments: &[Word]) -> Option<CheckOptions> {
    let options = |comment: &Word| {
        let (key, value) = comment.text.split_once('=')?;
        let start = comment.text.len() - value.trim_start().len();
        let is_check = key.trim().eq_ignore_ascii_case("check");
        is_check.then(|| check_options(&comment.part(start..comment.text.len())).ok())?
    };
    comments.iter().find_map(options)
}
