//! The keys of steps. See `key` for what counts.

use super::Snapshot;
use crate::build::dockerfile::TransferSource;
use crate::build::graph::{CopyStep, RunStep};
use crate::build::key::KeyMaker;
use crate::image::Digest;

/// The key of a `RUN` over `over`; `mounted` are the keys of what it mounts of other files, in the order of its mounts.
pub(super) fn run(run: &RunStep, over: &Snapshot, mounted: &[Option<Digest>]) -> Digest {
    let mounts = run.mounts.iter().zip(mounted);
    let mounts = mounts.map(|((mount, _), files)| {
        let files = files.map_or_else(String::new, |key| key.to_string());
        format!("{mount:?}\n{files}")
    });
    let (script, text) = run.script.clone().unzip();
    KeyMaker::new("run")
        .with_digest("over", over.key())
        .with_all("argument", &run.args)
        .with_option("script", script)
        .with_option("text", text)
        .with_all("variable", &run.environment)
        .with("directory", &run.directory)
        .with("user", &run.user)
        .with("network", run.network.name())
        .with("insecure", [u8::from(run.insecure)])
        .with_all("mount", mounts)
        .with_option("hostname", run.hostname.as_ref())
        .with_all("host", run.surroundings.extra_hosts.iter().map(|(name, address)| format!("{name}={address}")))
        .with_option("epoch", run.epoch.map(|epoch| epoch.to_string()))
        .finish()
}

/// The key of a directory that is made.
pub(super) fn workdir(over: &Snapshot, path: &str, user: &str, epoch: Option<jiff::Timestamp>) -> Digest {
    KeyMaker::new("workdir")
        .with_digest("over", over.key())
        .with("path", path)
        .with("user", user)
        .with_option("epoch", epoch.map(|epoch| epoch.to_string()))
        .finish()
}

/// The key of a copy by what is copied: `content` says what goes where and whose it becomes. `over` is what it depends on of
/// what it goes over: nothing with `--link`.
pub(super) fn copy(copy: &CopyStep, over: Option<&Snapshot>, content: Digest) -> Digest {
    KeyMaker::new("copy")
        .with_option("over", over.map(|over| over.key().to_string()))
        .with_digest("content", content)
        .with_option("epoch", copy.epoch.map(|epoch| epoch.to_string()))
        .finish()
}

/// The key of a copy by what it is copied from, as a whole: found without looking at any file.
pub(super) fn copy_of(copy: &CopyStep, over: Option<&Snapshot>, from: &Snapshot) -> Digest {
    let sources = copy.sources.iter().map(|source| match source {
        TransferSource::Path(word) => format!("path {}", word.text),
        TransferSource::Inline(heredoc) => format!("inline {}\n{}", heredoc.name, heredoc.content()),
    });
    KeyMaker::new("copy of")
        .with_option("over", over.map(|over| over.key().to_string()))
        .with_digest("from", from.key())
        .with_all("source", sources)
        .with("destination", &copy.destination)
        .with_option("chown", copy.chown.as_ref())
        .with_option("chmod", copy.chmod.as_ref())
        .with("flags", [u8::from(copy.add), u8::from(copy.link), u8::from(copy.parents), u8::from(copy.keep_git_dir)])
        .with_option("unpack", copy.unpack.map(|unpack| [u8::from(unpack)]))
        .with_all("exclude", &copy.exclude)
        .with_option("epoch", copy.epoch.map(|epoch| epoch.to_string()))
        .finish()
}
