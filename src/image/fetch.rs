//! Fetches the missing layers of an image, all at once.
//!
//! ```text
//! task of a layer:  lock ─▶ request ─▶ chunks ─────────┐        (tokio; cancelled when another layer fails)
//! its thread:                         chunks ─▶ unpack ─▶ check ─▶ rename
//! ```
//!
//! The thread alone decides that a layer is good. When the task goes away, the thread sees its blob end early, removes
//! what it unpacked and ends; [`fetch_layers`] returns when all threads have.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use super::digest::Digest;
use super::error::{Content, MirrorFailures};
use super::layer::{self, ChunkReader, Unpacked};
use super::manifest::Descriptor;
use super::registry::{FetchError, Registry};
use super::store::Store;
use super::{LayerError, PullError, PullEvent};
use crate::sys::{FileLock, RootDir};

/// Layers of one image fetched at the same time.
const LAYERS_AT_ONCE: usize = 6;

/// Chunks of a layer that wait to be decompressed. A chunk is what one read of the socket gave, 400 kB at most.
const CHUNKS_WAITING: usize = 8;

/// Events on their way to the caller.
const EVENTS_WAITING: usize = 64;

/// How many bytes of a layer come between two [`PullEvent::Progress`].
const PROGRESS_STEP: u64 = 256 * 1024;

/// Brings `layers`, blobs by diff id, into `store`. Returns when nothing is under way any more, error or not.
pub(super) async fn fetch_layers(
    store: &Store,
    registry: &Arc<Registry>,
    reference: &str,
    layers: BTreeMap<Digest, Descriptor>,
    events: &impl Fn(PullEvent),
) -> Result<(), PullError> {
    let (sender, mut receiver) = mpsc::channel(EVENTS_WAITING);
    let permits = Arc::new(Semaphore::new(LAYERS_AT_ONCE));
    let mut tasks = JoinSet::new();
    for (diff_id, descriptor) in layers {
        let layer = Layer {
            store: store.clone(),
            registry: Arc::clone(registry),
            reference: reference.to_owned(),
            diff_id,
            descriptor,
            events: sender.clone(),
        };
        let permits = Arc::clone(&permits);
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await.expect("the semaphore is never closed");
            layer.fetch().await
        });
    }
    drop(sender);
    let mut failure = None;
    // The events end when the last task and the last thread have dropped their sender.
    loop {
        tokio::select! {
            Some(event) = receiver.recv() => events(event),
            Some(done) = tasks.join_next() => {
                // The only join error is the cancellation from here: nothing panics.
                if let Ok(Err(error)) = done {
                    failure.get_or_insert(error);
                    tasks.abort_all();
                }
            }
            else => break,
        }
    }
    failure.map_or(Ok(()), Err)
}

/// One layer to fetch; shared by its task and its thread.
#[derive(Clone)]
struct Layer {
    store: Store,
    registry: Arc<Registry>,
    reference: String,
    diff_id: Digest,
    descriptor: Descriptor,
    events: mpsc::Sender<PullEvent>,
}

impl Layer {
    async fn fetch(self) -> Result<(), PullError> {
        let Descriptor { digest, size, .. } = self.descriptor;
        // Another pull, of this process or another, may be at the same layer: its work is waited for and used. The
        // thread that waits keeps no sender of events, so that a failure elsewhere does not wait for it.
        let (store, diff_id) = (self.store.clone(), self.diff_id);
        let lock = self.on_thread(move || store.lock_layer(diff_id)).await??;
        if self.store.has_layer(self.diff_id) {
            self.tell(PullEvent::Exists { digest }).await;
            return Ok(());
        }
        self.tell(PullEvent::Layer { digest, size }).await;
        let (chunks, blob) = mpsc::channel(CHUNKS_WAITING);
        let thread = self.clone();
        let unpacked = self.on_thread(move || thread.unpack(blob, lock));
        let fetched = self.registry.blob(&self.descriptor, chunks, self.progress());
        let (fetched, unpacked) = tokio::join!(fetched, unpacked);
        // A blob that did not come is why it could not be unpacked.
        fetched.map_err(|error| self.error(error))?;
        unpacked??;
        self.tell(PullEvent::Unpacked { digest }).await;
        Ok(())
    }

    /// Runs on a thread of its own: unpacks the blob beside the layers, and makes it one of them if it is what it
    /// should be.
    fn unpack(self, mut chunks: mpsc::Receiver<Vec<u8>>, _lock: FileLock) -> Result<(), PullError> {
        let mut missing = self.descriptor.size;
        let blob = ChunkReader::new(move || match chunks.blocking_recv() {
            Some(chunk) => {
                missing = missing.saturating_sub(chunk.len() as u64);
                Some(Ok(chunk))
            }
            None => (missing > 0).then(|| Err(io::ErrorKind::UnexpectedEof.into())),
        });
        unpack_blob(&self.store, &self.reference, self.registry.host(), self.diff_id, &self.descriptor, blob)
    }

    /// Reports progress in steps. A step is left out when the display is slow: the next one says more.
    fn progress(&self) -> impl Fn(u64) + Send + use<> {
        let (events, digest) = (self.events.clone(), self.descriptor.digest);
        let told = AtomicU64::new(0);
        move |bytes| {
            if bytes >= told.load(Ordering::Relaxed) + PROGRESS_STEP {
                told.store(bytes, Ordering::Relaxed);
                let _ = events.try_send(PullEvent::Progress { digest, bytes });
            }
        }
    }

    async fn tell(&self, event: PullEvent) {
        // Nobody listens when the pull was given up.
        let _ = self.events.send(event).await;
    }

    /// Runs `work` on a new thread. It goes on when the answer is no longer waited for.
    async fn on_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PullError> {
        let (sender, receiver) = oneshot::channel();
        let thread = move || drop(sender.send(work()));
        let spawned = std::thread::Builder::new().name("layer".to_owned()).spawn(thread);
        spawned.map_err(|source| PullError::Thread { reference: self.reference.clone(), source })?;
        Ok(receiver.await.expect("the thread does not panic"))
    }

    fn error(&self, error: FetchError) -> PullError {
        PullError::fetch(&self.reference, self.registry.host(), MirrorFailures::default(), error)
    }
}

/// Unpacks the blob of a layer beside the layers of `store`, and makes it one of them if it is what it should be. The caller holds
/// the lock of the layer. `reference` is of whom it is and `host` who has it, for errors.
pub(super) fn unpack_blob(
    store: &Store,
    reference: &str,
    host: &str,
    diff_id: Digest,
    descriptor: &Descriptor,
    blob: impl Read + Send,
) -> Result<(), PullError> {
    let layer_error = |source| PullError::Layer { reference: reference.to_owned(), digest: descriptor.digest, source };
    let staging = store.stage(diff_id)?;
    let root = RootDir::open(staging.path()).map_err(LayerError::Directory).map_err(layer_error)?;
    let unpacked = layer::unpack(blob, descriptor.size, &root).map_err(layer_error)?;
    let checked = check(diff_id, descriptor, unpacked);
    checked.map_err(|error| PullError::fetch(reference, host, MirrorFailures::default(), error))?;
    staging.commit().map_err(|error| store.io(error).into())
}

fn check(diff_id: Digest, descriptor: &Descriptor, unpacked: Unpacked) -> Result<(), FetchError> {
    let Descriptor { digest, size, .. } = *descriptor;
    if unpacked.digest != digest {
        Err(FetchError::Digest { content: Content::Layer, expected: digest, actual: unpacked.digest })
    } else if unpacked.size != size {
        Err(FetchError::Size { content: Content::Layer, digest, expected: size })
    } else if unpacked.diff_id != diff_id {
        Err(FetchError::Digest { content: Content::DiffId, expected: diff_id, actual: unpacked.diff_id })
    } else {
        Ok(())
    }
}
