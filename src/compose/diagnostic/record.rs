//! A mistake as JSON, for editors. The keys stay; more of them may come.
//!
//! ```json
//! {"severity": "error", "name": "unknown-key", "message": "unknown key `imgae` in service `web`",
//!  "help": "did you mean `image`?",
//!  "file": "compose.yaml", "line": 3, "column": 5, "end_line": 3, "end_column": 10, "start": 22, "end": 27,
//!  "labels": [{"message": "…", "file": "…", …}]}
//! ```
//!
//! Lines and columns count from 1, columns in characters; `end_column` is behind the last one. `start` and `end` are
//! offsets in bytes from 0.

use serde_json::{Map, Value, json};

use super::{Diagnostic, Severity, Span};

impl Diagnostic {
    /// The diagnostic as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        object.insert("severity".to_owned(), severity.into());
        object.insert("name".to_owned(), self.name().into());
        object.insert("message".to_owned(), self.message().into());
        object.insert("help".to_owned(), self.help.clone().into());
        place(&self.span, &mut object);
        let label = |label: &super::Label| {
            let mut object = Map::new();
            object.insert("message".to_owned(), label.text.clone().into());
            place(&label.span, &mut object);
            Value::Object(object)
        };
        object.insert("labels".to_owned(), self.labels.iter().map(label).collect());
        Value::Object(object)
    }
}

fn place(span: &Span, object: &mut Map<String, Value>) {
    let (end_line, end_column) = span.end();
    for (key, value) in [
        ("file", json!(span.source.name)),
        ("line", json!(span.line())),
        ("column", json!(span.column())),
        ("end_line", json!(end_line)),
        ("end_column", json!(end_column)),
        ("start", json!(span.range.start)),
        ("end", json!(span.range.end)),
    ] {
        object.insert(key.to_owned(), value);
    }
}
