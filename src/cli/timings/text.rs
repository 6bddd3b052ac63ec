//! A waterfall for a terminal.
//!
//! ```text
//! up took 1.32 s             0                                 1.32 s
//!   db                                  ▒█▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓     create 7.00 ms, start 12.0 ms, healthy 868 ms
//!   web                                 ▒····················█        create 9.00 ms, waits 878 ms for db, start 12.0 ms
//! critical path: … → db healthy 868 ms → web start 12.0 ms
//! ```

use std::time::Duration;

use anstyle::Style;

use super::{Kind, Span, Timings, short};
use crate::cli::style::{DONE, FAINT, NOTE, Paint, WARNING};
use crate::supervisor::Work;

/// The columns of the bars.
const WIDTH: usize = 40;
/// Longer names are cut.
const LONGEST: usize = 32;

/// The waterfall of the command called `title`. What is critical is bold.
#[must_use]
pub(super) fn render(timings: &Timings, title: &str, paint: Paint) -> String {
    let rows = timings.rows();
    let longest = rows.iter().map(|(row, _)| row.chars().count()).max().unwrap_or(0).min(LONGEST);
    let heading = format!("{title} took {}", short(timings.total));
    let names = (longest + 2).max(heading.chars().count());
    let total = short(timings.total);
    let mut text = format!("{heading:names$}  0{total:>width$}\n", width = WIDTH - 1);
    for (row, spans) in rows {
        let name: String = row.chars().take(LONGEST).collect();
        text.push_str(&format!("  {name:width$}  ", width = names - 2));
        text.push_str(&bar(timings, &spans, paint));
        text.push_str(&format!("  {}\n", tail(timings, &spans, paint)));
    }
    let path: Vec<_> =
        timings.critical().map(|span| format!("{} {} {}", span.row, span.kind, short(span.took()))).collect();
    text.push_str(&format!("critical path: {}\n", path.join(" → ")));
    text
}

fn bar(timings: &Timings, spans: &[&Span], paint: Paint) -> String {
    let mut cells = [(' ', Style::new()); WIDTH];
    let mut fill = |begin: Duration, end: Duration, cell: (char, Style)| {
        let (begin, end) = (column(begin, timings.total), column(end, timings.total));
        cells[begin..=end.max(begin)].fill(cell);
    };
    for span in spans {
        if let Some((since, _)) = timings.wait(span) {
            fill(since, span.begin, ('·', FAINT));
        }
    }
    // What is critical is seen where it shares a cell with what is not.
    for is_critical in [false, true] {
        for span in spans.iter().filter(|span| span.is_critical == is_critical) {
            let (sign, style) = look(span.kind);
            fill(span.begin, span.end, (sign, if is_critical { style.bold() } else { style }));
        }
    }
    cells.chunk_by(|one, next| one.1 == next.1).fold(String::new(), |line, run| {
        let text: String = run.iter().map(|(sign, _)| sign).collect();
        line + &if run[0].1 == Style::new() { text } else { paint.apply(run[0].1, text) }
    })
}

/// The cell in which a moment falls.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "of 40 cells")]
fn column(moment: Duration, total: Duration) -> usize {
    let share = if total.is_zero() { 0.0 } else { moment.as_secs_f64() / total.as_secs_f64() };
    ((share * WIDTH as f64) as usize).min(WIDTH - 1)
}

fn look(kind: Kind) -> (char, Style) {
    match kind {
        Kind::Load | Kind::Connect => ('▪', FAINT),
        Kind::Provide => ('█', DONE),
        Kind::Pull => ('▤', NOTE),
        Kind::Step(Work::Create | Work::Update | Work::Remove | Work::Stop | Work::Change) => ('▒', NOTE),
        Kind::Step(Work::Start | Work::Prepare | Work::Replace) => ('█', DONE),
        Kind::Step(Work::Started | Work::Healthy | Work::Completed) => ('▓', WARNING),
    }
}

/// In words what was done to a row.
fn tail(timings: &Timings, spans: &[&Span], paint: Paint) -> String {
    let mut parts = Vec::new();
    for span in spans {
        if let Some((since, whom)) = timings.wait(span) {
            parts.push(format!("waits {} for {whom}", short(span.begin.saturating_sub(since))));
        }
        // That it runs is known at once.
        if span.kind == Kind::Step(Work::Started) && span.took() < super::NOTABLE {
            continue;
        }
        let part = format!("{} {}", span.kind, short(span.took()));
        parts.push(if span.is_critical { paint.apply(Style::new().bold(), part) } else { part });
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::timings::tests::shop;

    #[test]
    fn a_waterfall() {
        insta::assert_snapshot!(render(&shop(), "up", Paint::PLAIN), @"
        up took 1.32 s       0                                 1.32 s
          compose file       ▪                                         load 10.0 ms
          image redis:7      ▤▤▤▤▤▤▤▤▤▤                                pull 290 ms
          image postgres:15  ▤▤▤▤▤▤▤▤▤▤▤▤▤                             pull 390 ms
          supervisor                     ▪                             connect 8.00 ms
          network default                ▒                             create 3.00 ms
          db                             █▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓  create 7.00 ms, start 12.0 ms, healthy 868 ms
          cache                          ██                            create 8.00 ms, start 9.00 ms
          web                            ▒··························█  create 9.00 ms, waits 878 ms for db, start 12.0 ms
        critical path: compose file load 10.0 ms → image postgres:15 pull 390 ms → supervisor connect 8.00 ms → network default create 3.00 ms → db create 7.00 ms → db start 12.0 ms → db healthy 868 ms → web start 12.0 ms
        ");
    }

    #[test]
    fn what_is_critical_is_bold() {
        let painted = render(&shop(), "up", Paint::COLOURED);
        assert!(painted.contains("\u{1b}[1mhealthy 868 ms\u{1b}[0m"), "{painted}");
        assert!(!painted.contains("\u{1b}[1mcreate 8.00 ms"), "{painted}");
    }
}
