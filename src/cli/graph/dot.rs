//! The graph in the language of Graphviz: `rcompose graph --format dot | dot -Tsvg`.

use std::fmt::Write as _;

use super::{Graph, Mood};
use crate::cli::net::{node, quoted};

/// Services are boxes, networks ellipses, volumes cylinders. An arrow leads from who needs something to what is needed.
#[must_use]
pub fn as_dot(graph: &Graph) -> String {
    let mut text =
        format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=rounded];\n", quoted(&graph.project));
    // Writing to a string does not fail.
    for service in &graph.services {
        let mut lines = vec![service.title.clone(), service.image.clone()];
        lines.extend(service.ports.iter().cloned());
        lines.extend(service.live.iter().map(|live| live.text.clone()));
        let colour = match service.live.as_ref().map(|live| live.mood) {
            None => "",
            Some(Mood::Good) => ", color=darkgreen",
            Some(Mood::Busy) => ", color=orange",
            Some(Mood::Bad) => ", color=red",
            Some(Mood::Idle) => ", color=grey, fontcolor=grey",
        };
        let _ = writeln!(text, "  {} [label={}{colour}];", node("service", &service.title), quoted(&lines.join("\n")));
    }
    for network in &graph.networks {
        let style = if network.is_internal { ", style=dashed" } else { "" };
        let (name, label) = (node("network", &network.name), quoted(&network.label()));
        let _ = writeln!(text, "  {name} [shape=ellipse, label={label}{style}];");
    }
    for volume in &graph.volumes {
        let (name, label) = (node("volume", &volume.name), quoted(&volume.label()));
        let _ = writeln!(text, "  {name} [shape=cylinder, label={label}];");
    }
    for service in &graph.services {
        let own = node("service", &service.title);
        for need in &service.needs {
            let on = node("service", &graph.services[need.on].title);
            let style = if need.required { "" } else { ", style=dashed" };
            let _ = writeln!(text, "  {own} -> {on} [label={}{style}];", quoted(&need.label()));
        }
        for network in &service.networks {
            let network = node("network", &graph.networks[*network].name);
            let _ = writeln!(text, "  {own} -> {network} [dir=none, style=dotted];");
        }
        for (volume, target) in &service.volumes {
            let volume = node("volume", &graph.volumes[*volume].name);
            let _ = writeln!(text, "  {own} -> {volume} [dir=none, label={}];", quoted(target));
        }
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::graph::States;
    use crate::cli::graph::tests::{graph, shop};

    #[test]
    fn a_graph() {
        insta::assert_snapshot!(as_dot(&graph(&shop(), &States::new())), @r#"
        digraph "shop" {
          rankdir=LR;
          node [shape=box, style=rounded];
          "service app ×2" [label="app ×2\nshop/app:1"];
          "service cache" [label="cache\nredis:7"];
          "service db" [label="db\npostgres:15"];
          "service mail" [label="mail\nmail:1"];
          "service migrate" [label="migrate\nshop/app:1"];
          "service web" [label="web\nnginx:1\n127.0.0.1:8080 → 80/tcp"];
          "network back" [shape=ellipse, label="back (internal)", style=dashed];
          "network front" [shape=ellipse, label="front"];
          "volume data" [shape=cylinder, label="data"];
          "service app ×2" -> "service cache" [label="optional", style=dashed];
          "service app ×2" -> "service db" [label="healthy, restart"];
          "service app ×2" -> "service migrate" [label="completed"];
          "service app ×2" -> "network back" [dir=none, style=dotted];
          "service app ×2" -> "network front" [dir=none, style=dotted];
          "service cache" -> "network back" [dir=none, style=dotted];
          "service db" -> "network back" [dir=none, style=dotted];
          "service db" -> "volume data" [dir=none, label="/var/lib/postgresql/data"];
          "service mail" -> "network front" [dir=none, style=dotted];
          "service mail" -> "volume data" [dir=none, label="/<&\"'#>"];
          "service migrate" -> "service db" [label="healthy"];
          "service migrate" -> "network back" [dir=none, style=dotted];
          "service web" -> "service app ×2" [label=""];
          "service web" -> "network front" [dir=none, style=dotted];
        }
        "#);
    }
}
