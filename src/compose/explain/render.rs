//! Explanations as people and programs read them.

use annotate_snippets::{AnnotationKind, Element, Level, Renderer};
use serde_json::{Value as Json, json};

use super::{Explained, Explanation, UsedVariable, ValueSource};
use crate::compose::diagnostic::Span;
use crate::text::show;

impl Explained {
    /// For people: one value with its line and those that it replaced, several with a line each.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        match self.values.as_slice() {
            [value] if self.is_leaf => value.render(color) + "\n",
            values => table(values),
        }
    }

    /// For programs: the values in order.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.values.iter().map(Explanation::to_json).collect()
    }
}

/// `path = value   file:line`, in columns as wide as most values need them.
fn table(values: &[Explanation]) -> String {
    const WIDEST: usize = 72;
    let row = |value: &Explanation| {
        let implied = if value.is_written { "" } else { " (follows from this)" };
        (value.title(), format!("{}:{}{implied}", value.place.source.name, value.place.line()))
    };
    let rows: Vec<(String, String)> = values.iter().map(row).collect();
    let widths = rows.iter().map(|(title, _)| title.chars().count());
    let width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    rows.iter().map(|(title, place)| format!("{title:width$}   {place}\n")).collect()
}

impl Explanation {
    fn title(&self) -> String {
        format!("{} = {}", self.path, self.value)
    }

    fn render(&self, color: bool) -> String {
        let what = if self.is_written { None } else { Some("not written: follows from this") };
        let mut elements: Vec<Element<'_>> = Vec::new();
        show(&[&self.place], |_, _| (AnnotationKind::Primary, what), &mut elements);
        for span in &self.overridden {
            show(&[span], |_, _| (AnnotationKind::Context, Some("overridden")), &mut elements);
        }
        elements.extend(self.variables.iter().map(|variable| Level::NOTE.message(variable.told()).into()));
        let report = [Level::INFO.no_name().primary_title(self.title()).elements(elements)];
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&report)
    }

    fn to_json(&self) -> Json {
        json!({
            "path": self.path,
            "value": self.value,
            "written": self.is_written,
            "place": place(&self.place),
            "overridden": self.overridden.iter().map(place).collect::<Vec<_>>(),
            "variables": self.variables.iter().map(UsedVariable::to_json).collect::<Vec<_>>(),
        })
    }
}

impl UsedVariable {
    /// In a sentence: value and source.
    fn told(&self) -> String {
        let (name, value) = (&self.name, self.value.as_deref().unwrap_or_default());
        match &self.source {
            ValueSource::Process => format!("`{name}` is `{value}`, from the environment of the process"),
            ValueSource::File(span) => format!("`{name}` is `{value}`, from {}:{}", span.source.name, span.line()),
            ValueSource::Project => format!("`{name}` is `{value}`, the name of the project"),
            ValueSource::Unset { default: Some(default) } => {
                format!("`{name}` is not set: its default here is `{default}`")
            }
            ValueSource::Unset { default: None } => format!("`{name}` is not set"),
        }
    }

    fn to_json(&self) -> Json {
        let (source, at, default) = match &self.source {
            ValueSource::Process => ("process", None, None),
            ValueSource::File(span) => ("file", Some(place(span)), None),
            ValueSource::Project => ("project", None, None),
            ValueSource::Unset { default } => ("unset", None, default.as_deref()),
        };
        json!({"name": self.name, "value": self.value, "source": source, "place": at, "default": default})
    }
}

fn place(span: &Span) -> Json {
    json!({"file": span.source.name, "line": span.line(), "column": span.column()})
}
