//! `rcompose ls`: every project of this machine, from the records on disk alone.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde::de::IgnoredAny;
use serde_json::json;

use super::ps::state;
use crate::cli::args::LsArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::listing::ListFormat;
use crate::cli::output;
use crate::cli::ps::StateName;
use crate::cli::table::table_with;
use crate::name::ProjectName;
use crate::state::Layout;

/// The label that says which files a container was made from, with commas in between.
const FILES: &str = "com.docker.compose.project.config_files";

/// A project as it is listed.
#[derive(Debug, Default)]
struct Listed {
    name: String,
    /// How many containers are in which state.
    states: BTreeMap<&'static str, usize>,
    /// Each once, in the order of the containers.
    files: Vec<String>,
}

pub(in crate::cli) fn run(context: &Context, args: &LsArgs) -> Result<ExitCode, CliError> {
    context.require_root()?;
    let mut projects = Vec::new();
    for name in context.layout.project_names()? {
        if args.filter.iter().all(|filter| filter.admits(name.as_str())) {
            projects.extend(project(&context.layout, &name, args.all)?);
        }
    }
    output::print(&match args.format {
        _ if args.quiet => projects.iter().map(|project| format!("{}\n", project.name)).collect(),
        ListFormat::Table => as_table(&projects),
        ListFormat::Json => as_json(&projects),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A project with its containers, of which those that have ended count only if `all` do; `None` without any.
fn project(layout: &Layout, name: &ProjectName, all: bool) -> Result<Option<Listed>, CliError> {
    let paths = layout.project(name);
    let mut listed = Listed { name: name.to_string(), ..Listed::default() };
    for record in paths.read_containers::<IgnoredAny>()? {
        let paths = paths.container(&record.id);
        let state = state(&paths, &paths.read_state()?)?.name();
        if !all && !matches!(state, StateName::Running | StateName::Paused | StateName::Restarting) {
            continue;
        }
        *listed.states.entry(state.as_str()).or_default() += 1;
        for file in record.labels.get(FILES).iter().flat_map(|files| files.split(',')) {
            if !listed.files.iter().any(|known| known == file) {
                listed.files.push(file.to_owned());
            }
        }
    }
    Ok(Some(listed).filter(|listed| !listed.states.is_empty()))
}

impl Listed {
    /// `exited(1), running(2)`.
    fn status(&self) -> String {
        self.states.iter().map(|(state, count)| format!("{state}({count})")).collect::<Vec<_>>().join(", ")
    }
}

/// How wide docker compose makes a column of this table at least.
const WIDTH: usize = 20;

fn as_table(projects: &[Listed]) -> String {
    let rows: Vec<_> =
        projects.iter().map(|project| [project.name.clone(), project.status(), project.files.join(",")]).collect();
    table_with(WIDTH, ["NAME", "STATUS", "CONFIG FILES"], &rows)
}

fn as_json(projects: &[Listed]) -> String {
    let object = |project: &Listed| {
        let (name, status, files) = (json!(project.name), json!(project.status()), json!(project.files.join(",")));
        // In the order in which docker compose has them.
        format!("{{\"Name\":{name},\"Status\":{status},\"ConfigFiles\":{files}}}")
    };
    format!("[{}]\n", projects.iter().map(object).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let files = ["/srv/compose.yaml", "/srv/over.yaml"].map(str::to_owned).to_vec();
        let shop = Listed { name: "shop".to_owned(), states: [("running", 2), ("exited", 1)].into(), files };
        assert_eq!(
            as_table(std::slice::from_ref(&shop)),
            "NAME                STATUS                  CONFIG FILES\n\
             shop                exited(1), running(2)   /srv/compose.yaml,/srv/over.yaml\n"
        );
        assert_eq!(
            as_json(&[shop]),
            "[{\"Name\":\"shop\",\"Status\":\"exited(1), running(2)\",\"ConfigFiles\":\"/srv/compose.yaml,/srv/over.yaml\"}]\n"
        );
        assert_eq!(as_json(&[]), "[]\n");
    }
}
