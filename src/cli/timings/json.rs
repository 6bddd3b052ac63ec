//! What programs read: `docs/timings.md` tells what it means.

use serde_json::{Value, json};

use super::Timings;

#[must_use]
pub(super) fn render(timings: &Timings, title: &str) -> Value {
    let seconds = |time: std::time::Duration| time.as_secs_f64();
    let span = |(id, span): (usize, &super::Span)| {
        let mut value = json!({
            "id": id,
            "of": span.row,
            "kind": span.kind.to_string(),
            "begin": seconds(span.begin),
            "end": seconds(span.end),
            "after": span.after,
            "critical": span.is_critical,
        });
        if let Some((since, whom)) = timings.wait(span) {
            value["waited"] = json!({ "since": seconds(since), "for": whom });
        }
        value
    };
    let spans: Vec<Value> = timings.spans.iter().enumerate().map(span).collect();
    json!({
        "version": 1,
        "command": title,
        "project": timings.project,
        "seconds": seconds(timings.total),
        "spans": spans,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::timings::tests::shop;

    #[test]
    fn a_span_says_what_it_came_after() {
        let value = render(&shop(), "up");
        assert_eq!((&value["version"], &value["seconds"]), (&json!(1), &json!(1.32)));
        let last = value["spans"].as_array().unwrap().last().unwrap();
        assert_eq!(
            *last,
            json!({
                "id": 11, "of": "web", "kind": "start", "begin": 1.3, "end": 1.312, "after": [7, 10], "critical": true,
                "waited": {"since": 0.422, "for": "db"},
            })
        );
    }
}
