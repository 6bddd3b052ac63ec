//! The graph in the language of Mermaid, which documents on the web show as a picture.

use std::fmt::Write as _;

use super::{Graph, Mood};

/// Services are boxes, networks stadiums, volumes cylinders. What they are called has no part in what is no text.
#[must_use]
pub fn as_mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    // Writing to a string does not fail.
    for (place, service) in graph.services.iter().enumerate() {
        let mut lines = vec![format!("<b>{}</b>", escaped(&service.title)), escaped(&service.image)];
        lines.extend(service.ports.iter().map(|port| escaped(port)));
        lines.extend(service.live.iter().map(|live| format!("<i>{}</i>", escaped(&live.text))));
        let _ = writeln!(text, "  s{place}[\"{}\"]", lines.join("<br/>"));
    }
    for (place, network) in graph.networks.iter().enumerate() {
        let _ = writeln!(text, "  n{place}([\"{}\"])", escaped(&network.label()));
    }
    for (place, volume) in graph.volumes.iter().enumerate() {
        let _ = writeln!(text, "  v{place}[(\"{}\")]", escaped(&volume.label()));
    }
    for (place, service) in graph.services.iter().enumerate() {
        for need in &service.needs {
            let arrow = if need.required { "-->" } else { "-.->" };
            let label = need.label();
            let label = if label.is_empty() { label } else { format!("|{}|", escaped(&label)) };
            let _ = writeln!(text, "  s{place} {arrow}{label} s{}", need.on);
        }
        for network in &service.networks {
            let _ = writeln!(text, "  s{place} -.- n{network}");
        }
        for (volume, target) in &service.volumes {
            let _ = writeln!(text, "  s{place} ---|\"{}\"| v{volume}", escaped(target));
        }
    }
    let moods = [
        (Mood::Good, "good", "2da44e"),
        (Mood::Idle, "idle", "8c959f"),
        (Mood::Busy, "busy", "d4a72c"),
        (Mood::Bad, "bad", "cf222e"),
    ];
    for (mood, name, colour) in moods {
        let is_so = |place: &usize| graph.services[*place].live.as_ref().is_some_and(|live| live.mood == mood);
        let places: Vec<_> = (0..graph.services.len()).filter(is_so).map(|place| format!("s{place}")).collect();
        if !places.is_empty() {
            let _ = writeln!(
                text,
                "  classDef {name} stroke:#{colour},stroke-width:2px\n  class {} {name}",
                places.join(",")
            );
        }
    }
    text
}

/// What is a sign of Mermaid or of markup is written by its number.
fn escaped(text: &str) -> String {
    let allowed = text.chars().filter(|letter| !letter.is_control());
    allowed.fold(String::new(), |mut escaped, letter| {
        match letter {
            '"' | '#' | '&' | '<' | '>' | '`' | '|' | ';' => {
                let _ = write!(escaped, "#{};", u32::from(letter));
            }
            letter => escaped.push(letter),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::graph::States;
    use crate::cli::graph::tests::{graph, shop};
    use crate::cli::ps::State;
    use crate::name::ServiceName;

    #[test]
    fn a_graph() {
        insta::assert_snapshot!(as_mermaid(&graph(&shop(), &States::new())), @r#"
        flowchart LR
          s0["<b>app ×2</b><br/>shop/app:1"]
          s1["<b>cache</b><br/>redis:7"]
          s2["<b>db</b><br/>postgres:15"]
          s3["<b>mail</b><br/>mail:1"]
          s4["<b>migrate</b><br/>shop/app:1"]
          s5["<b>web</b><br/>nginx:1<br/>127.0.0.1:8080 → 80/tcp"]
          n0(["back (internal)"])
          n1(["front"])
          v0[("data")]
          s0 -.->|optional| s1
          s0 -->|healthy, restart| s2
          s0 -->|completed| s4
          s0 -.- n0
          s0 -.- n1
          s1 -.- n0
          s2 -.- n0
          s2 ---|"/var/lib/postgresql/data"| v0
          s3 -.- n1
          s3 ---|"/#60;#38;#34;'#35;#62;"| v0
          s4 -->|healthy| s2
          s4 -.- n0
          s5 --> s0
          s5 -.- n1
        "#);
    }

    #[test]
    fn what_runs_is_told_by_classes() {
        let states = BTreeMap::from([(ServiceName::new("db").unwrap(), vec![State::Dead])]);
        let text = as_mermaid(&graph(&shop(), &states));
        assert!(text.contains("class s2 bad") && text.contains("class s0,s1,s3,s4,s5 idle"), "{text}");
    }
}
