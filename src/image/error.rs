//! Why an image could not be pulled.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::digest::Digest;
use super::layer::LayerError;
use super::manifest::ManifestError;
use super::registry::FetchError;
use super::registry_config::Timeouts;
use super::store::StoreError;

/// Why an image could not be pulled. `reference` is the image as the user wrote it, `registry` the `host[:port]` that
/// was asked last; failures of mirrors asked before are in `mirrors`.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The registry answers and has no such image.
    #[error("image `{reference}` not found in registry `{registry}`{mirrors}")]
    NotFound {
        /// The image.
        reference: String,
        /// Who was asked.
        registry: String,
        /// Who was asked before.
        mirrors: MirrorFailures,
    },
    /// The registry wants a login, or another one. Public registries say so of images that do not exist, too.
    #[error("image `{reference}` needs a login to registry `{registry}`, or does not exist there{mirrors}")]
    Unauthorized {
        /// The image.
        reference: String,
        /// Who was asked.
        registry: String,
        /// Who was asked before.
        mirrors: MirrorFailures,
    },
    /// No connection to the registry, or one that broke or fell silent.
    #[error("cannot pull image `{reference}`: registry `{registry}` is unreachable{mirrors}")]
    Unreachable {
        /// The image.
        reference: String,
        /// Who was asked.
        registry: String,
        /// Who was asked before.
        mirrors: MirrorFailures,
        /// What happened.
        source: TransportError,
    },
    /// The registry answers with an error of its own: 429 is a rate limit, 5xx a broken server.
    #[error("cannot pull image `{reference}`: registry `{registry}` answers {status}{mirrors}")]
    Refused {
        /// The image.
        reference: String,
        /// Who was asked.
        registry: String,
        /// The HTTP status.
        status: u16,
        /// Who was asked before.
        mirrors: MirrorFailures,
    },
    /// The registry answers, but not as registries do.
    #[error("cannot pull image `{reference}`: registry `{registry}` answers nonsense: {reason}{mirrors}")]
    Protocol {
        /// The image.
        reference: String,
        /// Who was asked.
        registry: String,
        /// What is wrong.
        reason: &'static str,
        /// Who was asked before.
        mirrors: MirrorFailures,
    },
    /// Content that is not what its digest says: damaged on the way or at the registry, or forged.
    #[error("image `{reference}`: {content} from registry `{registry}` has digest {actual}, expected {expected}")]
    DigestMismatch {
        /// The image.
        reference: String,
        /// Who sent it.
        registry: String,
        /// What it should have been.
        content: Content,
        /// The digest wanted.
        expected: Digest,
        /// The digest found.
        actual: Digest,
    },
    /// Content longer or shorter than its descriptor says.
    #[error("image `{reference}`: {content} {digest} from registry `{registry}` is not {expected} bytes long")]
    SizeMismatch {
        /// The image.
        reference: String,
        /// Who sent it.
        registry: String,
        /// What it should have been.
        content: Content,
        /// Its digest.
        digest: Digest,
        /// The length wanted, in bytes.
        expected: u64,
    },
    /// The manifest is of no use.
    #[error("cannot use image `{reference}`")]
    Manifest {
        /// The image.
        reference: String,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The configuration is not JSON, or with fields of a wrong kind.
    #[error("image `{reference}` has a broken configuration")]
    Config {
        /// The image.
        reference: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The configuration does not belong to the manifest, or is for another system than Linux.
    #[error("cannot use image `{reference}`: {reason}")]
    Unusable {
        /// The image.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A layer cannot be unpacked.
    #[error("cannot unpack layer {digest} of image `{reference}`")]
    Layer {
        /// The image.
        reference: String,
        /// The layer.
        digest: Digest,
        /// What is wrong with it.
        source: LayerError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This machine has no thread left.
    #[error("cannot start a thread to unpack image `{reference}`")]
    Thread {
        /// The image.
        reference: String,
        /// What the system said.
        source: io::Error,
    },
    /// This machine lacks what HTTPS needs, certificates of authorities for example.
    #[error("cannot set up a connection to registry `{registry}`")]
    Client {
        /// Who was to be asked.
        registry: String,
        /// What is missing.
        source: TransportError,
    },
}

/// What a digest was of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A manifest or index.
    Manifest,
    /// An image configuration.
    Config,
    /// A layer as sent.
    Layer,
    /// A layer, decompressed: its `diff_id`.
    DiffId,
}

impl fmt::Display for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Manifest => "the manifest",
            Self::Config => "the configuration",
            Self::Layer => "a layer",
            Self::DiffId => "a decompressed layer",
        })
    }
}

/// What became of the mirrors that were asked first; empty when there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorFailures(pub(super) Vec<String>);

impl fmt::Display for MirrorFailures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(formatter, " ({})", self.0.join("; ")) }
    }
}

/// A failure below HTTP, in the words of its innermost cause: `connection refused`, `no connection within 10s`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct TransportError {
    cause: String,
    /// Whether the other side was silent, rather than gone.
    is_timeout: bool,
}

impl TransportError {
    pub(super) fn new(error: &reqwest::Error, timeouts: Timeouts) -> Self {
        let within = |duration: Duration| format!("{duration:?}");
        let cause = if error.is_timeout() && error.is_connect() {
            format!("no connection within {}", within(timeouts.connect))
        } else if error.is_timeout() {
            format!("no data for {}", within(timeouts.idle))
        } else {
            innermost(error).to_string()
        };
        Self { cause, is_timeout: error.is_timeout() }
    }

    /// Whether the other side was silent, rather than gone.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }
}

fn innermost<'e>(mut error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

impl PullError {
    /// Says of which image and registry a fetch failed.
    pub(super) fn fetch(reference: &str, registry: &str, mirrors: MirrorFailures, error: FetchError) -> Self {
        let (reference, registry) = (reference.to_owned(), registry.to_owned());
        match error {
            FetchError::NotFound => Self::NotFound { reference, registry, mirrors },
            FetchError::Unauthorized => Self::Unauthorized { reference, registry, mirrors },
            FetchError::Transport(source) => Self::Unreachable { reference, registry, mirrors, source },
            FetchError::Status(status) => Self::Refused { reference, registry, status, mirrors },
            FetchError::Protocol(reason) => Self::Protocol { reference, registry, reason, mirrors },
            FetchError::Digest { content, expected, actual } => {
                Self::DigestMismatch { reference, registry, content, expected, actual }
            }
            FetchError::Size { content, digest, expected } => {
                Self::SizeMismatch { reference, registry, content, digest, expected }
            }
            FetchError::Client(source) => Self::Client { registry, source },
        }
    }
}
