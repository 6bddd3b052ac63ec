//! The waterfall as a picture.

use super::{Kind, Timings, short};
use crate::cli::svg::{CHARACTER, Drawing, Style};
use crate::supervisor::Work;

const STYLE: Style = Style {
    light: "--load: #8c959f; --pull: #54aeff; --create: #a475f9; --start: #2da44e; --ready: #d4a72c; --critical: #1f2328;",
    dark: "--load: #6e7681; --pull: #388bfd; --create: #8957e5; --start: #2ea043; --ready: #bb8009; --critical: #e6edf3;",
    rules: ".load { fill: var(--load); } .pull { fill: var(--pull); } .create { fill: var(--create); }
.start { fill: var(--start); } .ready { fill: var(--ready); }
.wait { stroke: var(--faint); stroke-dasharray: 1 3; fill: none; }
.critical { stroke: var(--critical); stroke-width: 2; }",
};

const BARS: f64 = 640.0;
const ROW: f64 = 22.0;
const TOP: f64 = 64.0;
const MARGIN: f64 = 16.0;
/// Narrower is not seen.
const NARROWEST: f64 = 2.0;
/// Longer names are cut.
const LONGEST: usize = 40;

#[must_use]
pub(super) fn render(timings: &Timings, title: &str) -> String {
    let rows = timings.rows();
    let longest = rows.iter().map(|(row, _)| row.chars().count()).max().unwrap_or(0).min(LONGEST);
    let left = MARGIN + pixels(longest) + 12.0;
    let place = |moment: std::time::Duration| {
        left + if timings.total.is_zero() { 0.0 } else { moment.as_secs_f64() / timings.total.as_secs_f64() * BARS }
    };
    let bottom = TOP + ROW * number(rows.len());
    let mut drawing = Drawing::new();
    let heading = format!("{title} of {} took {}", timings.project, short(timings.total));
    drawing.text("bold", (MARGIN, 24.0), &heading);
    for tenth in [0, 2, 4, 6, 8, 10] {
        let moment = timings.total * tenth / 10;
        drawing.path("rule", &format!("M{0:.1} {1:.1}V{bottom:.1}", place(moment), TOP - 6.0), "");
        drawing.text("faint middle", (place(moment), TOP - 12.0), &short(moment));
    }
    let mut widest: f64 = left + BARS;
    for (index, (row, spans)) in rows.iter().enumerate() {
        let y = TOP + ROW * number(index);
        let is_critical = spans.iter().any(|span| span.is_critical);
        let name: String = row.chars().take(LONGEST).collect();
        drawing.text(if is_critical { "bold end" } else { "end" }, (left - 8.0, y + 15.0), &name);
        for span in spans {
            if let Some((since, whom)) = timings.wait(span) {
                let path = format!("M{:.1} {:.1}H{:.1}", place(since), y + 11.0, place(span.begin));
                drawing.path("wait", &path, &format!("waits {} for {whom}", short(span.begin - since)));
            }
            let (begin, end) = (place(span.begin), place(span.end));
            let class = format!("{}{}", class(span.kind), if span.is_critical { " critical" } else { "" });
            let title = format!("{row} {} {}", span.kind, short(span.took()));
            drawing.rect(&class, (begin, y + 4.0), ((end - begin).max(NARROWEST), ROW - 8.0), &title);
        }
        let longest = spans.iter().max_by_key(|span| span.took());
        let end = spans.iter().map(|span| place(span.end)).fold(0.0, f64::max) + 6.0;
        let label = longest.map_or_else(String::new, |span| format!("{} {}", span.kind, short(span.took())));
        drawing.text("faint", (end, y + 15.0), &label);
        widest = widest.max(end + pixels(label.chars().count()));
    }
    let mut x = left;
    for (class, label) in
        [("load", "load"), ("pull", "pull"), ("create", "create"), ("start", "start"), ("ready", "wait until ready")]
    {
        drawing.rect(class, (x, bottom + 12.0), (12.0, 12.0), "");
        drawing.text("faint", (x + 17.0, bottom + 22.0), label);
        x += 36.0 + pixels(label.chars().count());
    }
    drawing.text("bold", (x, bottom + 22.0), "bold: critical path");
    widest = widest.max(x + pixels(20));
    drawing.finish((widest + MARGIN, bottom + 40.0), &heading, &STYLE)
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Load | Kind::Connect => "load",
        Kind::Provide => "start",
        Kind::Pull => "pull",
        Kind::Step(Work::Create | Work::Update | Work::Remove | Work::Stop | Work::Change) => "create",
        Kind::Step(Work::Start | Work::Prepare | Work::Replace) => "start",
        Kind::Step(Work::Started | Work::Healthy | Work::Completed) => "ready",
    }
}

#[expect(clippy::cast_precision_loss, reason = "of rows and letters there are few")]
fn number(count: usize) -> f64 {
    count as f64
}

fn pixels(characters: usize) -> f64 {
    number(characters) * CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::timings::tests::shop;

    #[test]
    fn every_span_is_drawn_and_the_critical_ones_stand_out() {
        let svg = render(&shop(), "up");
        let bars = svg.lines().filter(|line| line.contains("<rect class") && line.contains("<title>")).count();
        assert_eq!(bars, shop().spans.len());
        let critical = svg.lines().filter(|line| line.contains(" critical\"")).count();
        assert_eq!(critical, shop().critical().count());
        assert!(svg.contains("<title>waits 878 ms for db</title>"));
        assert!(svg.contains("prefers-color-scheme: dark"));
        assert!(!svg.contains("href") && !svg.contains("NaN") && !svg.contains("var("));
    }
}
