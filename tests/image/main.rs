//! Images pulled from registries of every temper into a store.
#![expect(clippy::unwrap_used, reason = "test harness")]

#[path = "../support/registry.rs"]
mod registry;

mod failures;
mod pulls;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use rcompose::image::{Image, PullError, PullEvent, RegistryConfig, Store, pull};
use rcompose::name::{ImageReference, RegistryReference};

/// A tar of regular files.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// The layer of these files as (blob, tar), uncompressed.
fn plain(files: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let tar = tar(files);
    (tar.clone(), tar)
}

fn gzip(files: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let tar = tar(files);
    // In two members, as parallel compressors write it.
    let mut blob = Vec::new();
    for half in tar.chunks(tar.len().div_ceil(2)) {
        let mut encoder = flate2::write::GzEncoder::new(&mut blob, flate2::Compression::fast());
        encoder.write_all(half).unwrap();
        encoder.finish().unwrap();
    }
    (blob, tar)
}

fn zstd(files: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
    let tar = tar(files);
    (zstd::encode_all(&tar[..], 1).unwrap(), tar)
}

fn reference(text: &str) -> RegistryReference {
    match ImageReference::parse(text).unwrap() {
        ImageReference::Registry(reference) => reference,
        ImageReference::Rootfs(_) => panic!("{text} is no registry reference"),
    }
}

/// A store in a directory of its own, and what the last pull told.
struct Machine {
    directory: tempfile::TempDir,
    store: Store,
    config: RegistryConfig,
    events: Mutex<Vec<PullEvent>>,
}

impl Machine {
    fn new() -> Self {
        Self::configured("")
    }

    fn configured(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let mut config = RegistryConfig::parse(config).unwrap();
        config.timeouts.idle = Duration::from_millis(500);
        Self { directory, store, config, events: Mutex::default() }
    }

    async fn pull_async(&self, text: &str) -> Result<Image, PullError> {
        let tell = |event| self.events.lock().unwrap().push(event);
        pull(&self.store, &self.config, &reference(text), tell).await
    }

    fn pull(&self, text: &str) -> Result<Image, PullError> {
        block_on(sendable(self.pull_async(text)))
    }

    fn events(&self) -> Vec<PullEvent> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// What there is in one directory of the store.
    fn list(&self, directory: &str) -> Vec<PathBuf> {
        let entries = fs_err::read_dir(self.directory.path().join(directory)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    fn is_empty(&self) -> bool {
        ["layers", "images", "tags", "staging"].iter().all(|directory| self.list(directory).is_empty())
    }
}

/// Callers may want to pull on other threads.
fn sendable<F: Send>(future: F) -> F {
    future
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn text(layer: &Path, name: &str) -> String {
    fs_err::read_to_string(layer.join(name)).unwrap()
}
