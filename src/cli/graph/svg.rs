//! The graph as a picture.

use super::layout::{Layout, lay_out};
use super::{Graph, Mood, Need, Node};
use crate::cli::svg::{CHARACTER, Drawing, Style};
use crate::compose::model::Condition;

const STYLE: Style = Style {
    light: "--box: #f6f8fa; --good: #1a7f37; --busy: #9a6700; --bad: #cf222e; --done: #8250df;",
    dark: "--box: #161b22; --good: #3fb950; --busy: #d29922; --bad: #f85149; --done: #a371f7;",
    rules: ".box { fill: var(--box); stroke: var(--line); stroke-width: 1.5; }
.box.good { stroke: var(--good); } .box.busy { stroke: var(--busy); } .box.bad { stroke: var(--bad); }
.box.idle { stroke-dasharray: 4 3; }
text.good { fill: var(--good); } text.busy { fill: var(--busy); } text.bad { fill: var(--bad); } text.idle { fill: var(--faint); }
.line { fill: none; stroke-width: 1.5; } .optional { stroke-dasharray: 2 4; }
.line.started { stroke: var(--faint); } .line.healthy { stroke: var(--good); } .line.completed { stroke: var(--done); }
.head.started { fill: var(--faint); } .head.healthy { fill: var(--good); } .head.completed { fill: var(--done); }
.c0 { fill: #0969da; } .c1 { fill: #bf3989; } .c2 { fill: #bc4c00; } .c3 { fill: #1b7c83; }
.c4 { fill: #8250df; } .c5 { fill: #4d2d00; } .c6 { fill: #6fdd8b; } .c7 { fill: #8c959f; }",
};

const MARGIN: f64 = 24.0;
const TOP: f64 = 56.0;
const LINE: f64 = 17.0;
const PADDING: f64 = 10.0;
/// The letters of a line; what is longer is cut, and told by whoever points at the box.
const LONGEST: usize = 34;
/// Networks are told apart by as many colours.
const COLOURS: usize = 8;

/// The picture: services are boxes with what they publish, mount and are on; arrows lead to what they need.
#[must_use]
pub fn as_svg(graph: &Graph) -> String {
    let lines: Vec<Vec<Line>> = graph.services.iter().map(|service| lines(graph, service)).collect();
    let sizes: Vec<(f64, f64)> = lines.iter().map(|lines| size(lines)).collect();
    let layout = lay_out(graph, &sizes);
    let mut drawing = Drawing::new();
    drawing.text("bold", (MARGIN, 30.0), &graph.project);
    for (from, need, points) in &layout.lines {
        arrow(&mut drawing, graph, &layout, &sizes, (*from, need), points);
    }
    for (index, service) in graph.services.iter().enumerate() {
        let (x, y) = (layout.boxes[index].0 + MARGIN, layout.boxes[index].1 + TOP);
        let title: Vec<&str> = lines[index].iter().map(|line| line.text.as_str()).collect();
        drawing.rect(format!("box {}", mood(service)).trim_end(), (x, y), sizes[index], &title.join(", "));
        for (row, line) in lines[index].iter().enumerate() {
            let baseline = y + PADDING + LINE * number(row) + 12.0;
            let mut left = x + PADDING;
            if let Some(colour) = line.colour {
                drawing.rect(&format!("c{}", colour % COLOURS), (left, baseline - 8.0), (8.0, 8.0), "");
                left += 14.0;
            }
            drawing.text(&line.class, (left, baseline), &cut(&line.text));
        }
    }
    let bottom = TOP + layout.size.1 + 32.0;
    let right = legend(&mut drawing, graph, bottom);
    let width = (layout.size.0 + MARGIN).max(right) + MARGIN;
    drawing.finish((width, bottom + 24.0), &format!("The stack {}", graph.project), &STYLE)
}

/// A line of text in a box.
struct Line {
    class: String,
    text: String,
    /// Of the sign before it.
    colour: Option<usize>,
}

fn lines(graph: &Graph, service: &Node) -> Vec<Line> {
    let plain = |class: &str, text: String| Line { class: class.to_owned(), text, colour: None };
    let mut lines = vec![plain("bold", service.title.clone())];
    lines.extend(service.live.iter().map(|live| plain(mood(service), live.text.clone())));
    lines.push(plain("faint", service.image.clone()));
    lines.extend(service.ports.iter().map(|port| plain("", port.clone())));
    lines.extend(
        service
            .volumes
            .iter()
            .map(|(volume, target)| plain("", format!("{} at {target}", graph.volumes[*volume].label()))),
    );
    lines.extend(service.networks.iter().map(|network| {
        let text = graph.networks[*network].label();
        Line { class: "faint".to_owned(), text, colour: Some(*network) }
    }));
    lines
}

fn size(lines: &[Line]) -> (f64, f64) {
    let width =
        |line: &Line| pixels(line.text.chars().count().min(LONGEST)) + if line.colour.is_some() { 14.0 } else { 0.0 };
    let widest = lines.iter().map(width).fold(110.0, f64::max);
    (widest + PADDING * 2.0, LINE * number(lines.len()) + PADDING * 1.5)
}

fn mood(service: &Node) -> &'static str {
    match service.live.as_ref().map(|live| live.mood) {
        None => "",
        Some(Mood::Good) => "good",
        Some(Mood::Idle) => "idle",
        Some(Mood::Busy) => "busy",
        Some(Mood::Bad) => "bad",
    }
}

fn condition(condition: Condition) -> (&'static str, f64) {
    match condition {
        Condition::ServiceStarted => ("started", 0.0),
        Condition::ServiceHealthy => ("healthy", -8.0),
        Condition::ServiceCompletedSuccessfully => ("completed", 8.0),
    }
}

/// Draws a line from who needs something to what is needed, through `points`.
fn arrow(
    drawing: &mut Drawing,
    graph: &Graph,
    layout: &Layout,
    sizes: &[(f64, f64)],
    (from, need): (usize, &Need),
    points: &[(f64, f64)],
) {
    const HEAD: f64 = 7.0;
    // Those of one condition end at one point, apart from those of others.
    let (class, apart) = condition(need.condition);
    let middle = |index: usize| layout.boxes[index].1 + sizes[index].1 / 2.0;
    let begin = (layout.boxes[from].0 + sizes[from].0, middle(from) + apart);
    let end = (layout.boxes[need.on].0 - HEAD, middle(need.on) + apart);
    let mut path = format!("M{:.1} {:.1}", begin.0 + MARGIN, begin.1 + TOP);
    let mut last = begin;
    for (index, point) in points.iter().chain([&end]).enumerate() {
        // Straight through a column, and in a bow between two.
        if index % 2 == 1 && index < points.len() {
            path.push_str(&format!("L{:.1} {:.1}", point.0 + MARGIN, point.1 + TOP));
        } else {
            let bow = f64::midpoint(last.0, point.0) + MARGIN;
            let (x, y) = (point.0 + MARGIN, point.1 + TOP);
            path.push_str(&format!("C{bow:.1} {:.1} {bow:.1} {y:.1} {x:.1} {y:.1}", last.1 + TOP));
        }
        last = *point;
    }
    let label = need.label();
    let on = &graph.services[need.on].title;
    let title = format!(
        "{} needs {on}{}",
        graph.services[from].title,
        if label.is_empty() { label } else { format!(": {label}") }
    );
    let optional = if need.required { "" } else { " optional" };
    drawing.path(&format!("line {class}{optional}"), &path, &title);
    let (x, y) = (end.0 + MARGIN, end.1 + TOP);
    drawing.path(&format!("head {class}"), &format!("M{x:.1} {:.1}l{HEAD} 4l-{HEAD} 4z", y - 4.0), "");
}

/// What the lines and signs mean; returns how far it goes.
fn legend(drawing: &mut Drawing, graph: &Graph, y: f64) -> f64 {
    let mut x = MARGIN;
    let needs = || graph.services.iter().flat_map(|service| &service.needs);
    for (of, label) in [
        (Condition::ServiceStarted, "needs it started"),
        (Condition::ServiceHealthy, "healthy"),
        (Condition::ServiceCompletedSuccessfully, "completed"),
    ] {
        if needs().any(|need| need.condition == of) {
            drawing.path(&format!("line {}", condition(of).0), &format!("M{x:.1} {:.1}h24", y - 4.0), "");
            drawing.text("faint", (x + 30.0, y), label);
            x += 48.0 + pixels(label.chars().count());
        }
    }
    if needs().any(|need| !need.required) {
        drawing.path("line started optional", &format!("M{x:.1} {:.1}h24", y - 4.0), "");
        drawing.text("faint", (x + 30.0, y), "optional");
        x += 48.0 + pixels(8);
    }
    for (index, network) in graph.networks.iter().enumerate() {
        drawing.rect(&format!("c{}", index % COLOURS), (x, y - 8.0), (8.0, 8.0), "");
        let label = format!("network {}", cut(&network.label()));
        drawing.text("faint", (x + 14.0, y), &label);
        x += 32.0 + pixels(label.chars().count());
    }
    x
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "of lines and letters there are few")]
fn number(count: usize) -> f64 {
    count as f64
}

fn pixels(characters: usize) -> f64 {
    number(characters) * CHARACTER
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::graph::States;
    use crate::cli::graph::tests::{graph, shop};
    use crate::cli::ps::State;
    use crate::name::ServiceName;

    /// What is drawn, without the style.
    fn body(svg: &str) -> &str {
        &svg[svg.find("</style>").unwrap()..]
    }

    #[test]
    fn a_graph() {
        insta::assert_snapshot!(body(&as_svg(&graph(&shop(), &States::new()))));
    }

    #[test]
    fn what_runs_is_seen_by_its_colour() {
        let states = BTreeMap::from([(ServiceName::new("db").unwrap(), vec![State::Dead])]);
        let svg = as_svg(&graph(&shop(), &states));
        assert!(svg.contains(r#"<rect class="box bad""#) && svg.contains(">dead</text>"), "{svg}");
        assert!(svg.contains(">not created</text>"));
        assert!(!body(&as_svg(&graph(&shop(), &States::new()))).contains("not created"));
        assert!(!svg.contains("var("), "every colour has its place");
    }

    #[test]
    fn nothing_is_drawn_as_nothing() {
        let mut nothing = graph(&shop(), &States::new());
        nothing.services.clear();
        assert!(as_svg(&nothing).ends_with("</svg>\n"));
    }
}
