//! `update`: limits from a file, or from flags.

use std::io::{self, Read as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Failure;
use crate::cli::args::OciUpdateArgs;
use crate::runtime::oci::{Id, OciError, Root, parse_resources};

pub(super) fn run(root: &Root, args: &OciUpdateArgs) -> Result<ExitCode, Failure> {
    let (path, text) = match args.resources.as_deref() {
        Some(path) => (path, read(path).map_err(|source| OciError::Resources { path: path.to_owned(), source })?),
        None => (Path::new("flags"), resources(args).to_string().into_bytes()),
    };
    let resources = parse_resources(path, &text).map_err(OciError::from)?;
    root.container(&Id::new(&args.id)?)?.update(&resources)?;
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text)?;
        return Ok(text);
    }
    fs_err::read(path)
}

/// `linux.resources` with what the flags say, and nothing else.
fn resources(args: &OciUpdateArgs) -> Value {
    let mut resources = json!({
        "memory": {"limit": args.memory, "reservation": args.memory_reservation, "swap": args.memory_swap},
        "cpu": {
            "period": args.cpu_period,
            "quota": args.cpu_quota,
            "burst": args.cpu_burst,
            "shares": args.cpu_share,
            "realtimePeriod": args.cpu_rt_period,
            "realtimeRuntime": args.cpu_rt_runtime,
            "idle": args.cpu_idle,
            "cpus": args.cpuset_cpus,
            "mems": args.cpuset_mems,
        },
        "blockIO": {"weight": args.blkio_weight},
        "pids": {"limit": args.pids_limit},
    });
    if let Value::Object(groups) = &mut resources {
        for group in groups.values_mut().filter_map(Value::as_object_mut) {
            group.retain(|_, value| !value.is_null());
        }
        groups.retain(|_, group| group.as_object().is_some_and(|group| !group.is_empty()));
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_say_only_what_they_say() {
        let args = OciUpdateArgs { memory: Some(1 << 20), pids_limit: Some(-1), ..OciUpdateArgs::default() };
        assert_eq!(resources(&args), json!({"memory": {"limit": 1_048_576}, "pids": {"limit": -1}}));
        assert_eq!(resources(&OciUpdateArgs::default()), json!({}));
    }
}
