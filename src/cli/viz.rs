//! `alpha viz`: the services and what they depend on, in the language of graphviz.

use std::fmt::Write as _;

use super::args::VizArgs;
use crate::cli::svg::escaped;
use crate::compose::model::{Port, Project, Service};
use crate::name::ServiceName;

/// The graph of `project`.
#[must_use]
pub fn as_dot(project: &Project, args: &VizArgs) -> String {
    let indent = if args.spaces { " " } else { "\t" }.repeat(args.indentation_size.into());
    let mut text = format!("digraph \"{}\" {{\n{indent}layout=dot;\n", project.name);
    for (name, service) in &project.services {
        let _ = writeln!(text, "{indent}\"{name}\" [style=\"filled\" label=<{}>];", label(name, service, args));
    }
    text.push('\n');
    for (name, service) in &project.services {
        for on in service.depends_on.keys() {
            let _ = writeln!(text, "{indent}\"{name}\" -> \"{on}\";");
        }
    }
    text + "}\n"
}

fn label(name: &ServiceName, service: &Service, args: &VizArgs) -> String {
    let mut text = format!("<font point-size=\"15\">{name}</font>");
    let mut list = |title: &str, items: Vec<String>| {
        if !items.is_empty() {
            let items: String = items.iter().map(|item| format!("<br/>{}", escaped(item))).collect();
            let _ = write!(text, "<font point-size=\"10\"><br/><br/><b>{title}:</b>{items}</font>");
        }
    };
    if args.networks {
        list("Networks", service.networks.keys().map(ToString::to_string).collect());
    }
    if args.ports {
        let port = |port: &Port| {
            let mode = port.mode.as_deref().unwrap_or("ingress");
            format!("{}:{} ({}, {mode})", host_port(port), port.target, port.protocol)
        };
        list("Ports", service.ports.iter().map(port).collect());
    }
    if args.image {
        list("Image", vec![service.image.to_string()]);
    }
    text
}

/// Where a port is published: `127.0.0.1:8080`.
fn host_port(port: &Port) -> String {
    let host =
        port.host_ip.map(|ip| if ip.is_ipv6() { format!("[{ip}]:") } else { format!("{ip}:") }).unwrap_or_default();
    match port.published {
        Some((first, last)) if first == last => format!("{host}{first}"),
        Some((first, last)) => format!("{host}{first}-{last}"),
        None => host,
    }
}

/// A published port, with `to` between the port of this machine and that of the container: `8080 → 80/tcp`.
#[must_use]
pub(in crate::cli) fn published(port: &Port, to: &str) -> String {
    let from = host_port(port);
    let from = if from.is_empty() { "any" } else { from.trim_end_matches(':') };
    format!("{from} {to} {}/{}", port.target, port.protocol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::tests::parse;
    use crate::cli::args::{AlphaVerb, Command};

    #[test]
    fn a_graph() {
        let project: Project = serde_json::from_value(serde_json::json!({
            "name": "shop", "working_dir": "/", "files": [], "disabled": {}, "networks": {}, "volumes": {},
            "configs": {}, "secrets": {}, "models": {},
            "services": {
                "web": {
                    "image": "nginx:1",
                    "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}],
                    "depends_on": {"db": {"condition": "service_started", "restart": false, "required": true}},
                },
                "db": {"image": "postgres:15"},
            },
        }))
        .unwrap();
        let Command::Alpha(alpha) = parse("alpha viz --image --ports --spaces --indentation-size 2").unwrap().command
        else {
            panic!()
        };
        let AlphaVerb::Viz(args) = alpha.verb else { panic!() };
        insta::assert_snapshot!(as_dot(&project, &args), @r#"
        digraph "shop" {
          layout=dot;
          "db" [style="filled" label=<<font point-size="15">db</font><font point-size="10"><br/><br/><b>Image:</b><br/>postgres:15</font>>];
          "web" [style="filled" label=<<font point-size="15">web</font><font point-size="10"><br/><br/><b>Ports:</b><br/>8080:80 (tcp, ingress)</font><font point-size="10"><br/><br/><b>Image:</b><br/>nginx:1</font>>];

          "web" -> "db";
        }
        "#);
    }
}
