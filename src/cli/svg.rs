//! Pictures that need nothing beside themselves: text of SVG, on light and on dark.

use std::fmt::Write as _;

/// The width of a character of the font that is asked for, at 12 pixels: any monospaced one.
pub(in crate::cli) const CHARACTER: f64 = 7.3;

/// A picture that is being drawn.
#[derive(Debug)]
pub(in crate::cli) struct Drawing {
    body: String,
}

impl Drawing {
    /// An empty one.
    pub(in crate::cli) fn new() -> Self {
        Self { body: String::new() }
    }

    /// A box with rounded corners.
    pub(in crate::cli) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), title: &str) {
        let _ = writeln!(
            self.body,
            r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="3">{}</rect>"#,
            titled(title)
        );
    }

    /// A line of text that begins, ends or has its middle at a place, as `class` has it.
    pub(in crate::cli) fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escaped(text);
        let _ = writeln!(self.body, r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{text}</text>"#);
    }

    /// A path, in the language of SVG.
    pub(in crate::cli) fn path(&mut self, class: &str, path: &str, title: &str) {
        let _ = writeln!(self.body, r#"<path class="{class}" d="{path}">{}</path>"#, titled(title));
    }

    /// The whole, in `style` beside the common one.
    pub(in crate::cli) fn finish(self, (width, height): (f64, f64), title: &str, style: &Style) -> String {
        let rules = |page: &str, own: &str| coloured(&coloured(&format!("{COMMON}{}", style.rules), page), own);
        let (light, dark) = (rules(LIGHT, style.light), rules(DARK, style.dark));
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img">
<title>{}</title>
<style>
text {{ font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }}
.bold {{ font-weight: bold; }} .end {{ text-anchor: end; }} .middle {{ text-anchor: middle; }}
{light}
@media (prefers-color-scheme: dark) {{
{dark}
}}
</style>
<rect class="page" width="100%" height="100%"/>
{}</svg>
"##,
            escaped(title),
            self.body
        )
    }
}

/// What every drawing has.
const COMMON: &str = "text { fill: var(--text); } .page { fill: var(--page); } .faint { fill: var(--faint); }
.rule { stroke: var(--line); fill: none; }
";
const LIGHT: &str = "--page: #ffffff; --text: #1f2328; --faint: #656d76; --line: #d0d7de;";
const DARK: &str = "--page: #0d1117; --text: #e6edf3; --faint: #8d96a0; --line: #30363d;";

/// Rules with colours in the places of their names: not all that shows pictures knows of variables.
fn coloured(rules: &str, colours: &str) -> String {
    let named = colours.split(';').filter_map(|colour| colour.trim().split_once(": "));
    named.fold(rules.to_owned(), |rules, (name, colour)| rules.replace(&format!("var({name})"), colour))
}

/// What a drawing looks like, in the language of CSS; in its rules colours have names, as variables have.
#[derive(Debug)]
pub(in crate::cli) struct Style {
    /// The colours on a light page.
    pub(in crate::cli) light: &'static str,
    /// And on a dark one.
    pub(in crate::cli) dark: &'static str,
    /// What the classes mean.
    pub(in crate::cli) rules: &'static str,
}

fn titled(title: &str) -> String {
    if title.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(title)) }
}

/// What is a sign of markup is written as one that is not; what no document may hold is left out.
#[must_use]
pub(in crate::cli) fn escaped(text: &str) -> String {
    let allowed = text.chars().filter(|letter| !letter.is_control());
    allowed.fold(String::new(), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let mut drawing = Drawing::new();
        drawing.text("bold", (1.0, 2.0), "</text><script>\u{1b}[0m&'\"");
        let svg = drawing.finish((10.0, 10.0), "a < b", &Style { light: "", dark: "", rules: "" });
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;[0m&amp;&#39;&quot;</text>"), "{svg}");
        assert!(svg.contains("<title>a &lt; b</title>"));
    }
}
