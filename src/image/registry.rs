//! The client side of the distribution protocol, for one repository at one endpoint.
//!
//! See <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull>.

use std::sync::Mutex;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use tokio::sync::mpsc;

use super::auth::{Authorization, Challenge, TokenAnswer};
use super::credentials::Credential;
use super::digest::Digest;
use super::error::{Content, TransportError};
use super::manifest::{self, Descriptor};
use super::registry_config::{Endpoint, RegistryConfig, Timeouts};
use super::resolve::Resolver;

/// What a manifest or configuration may be long, in bytes; registries refuse more than 4 MiB themselves.
const MAX_DOCUMENT: u64 = 8 << 20;

/// How often a blob that breaks off is asked for again, in all and without a byte in between.
const RETRIES: u32 = 20;
const RETRIES_IN_VAIN: u32 = 3;

/// The pause before the first of these; it doubles.
const PAUSE: Duration = Duration::from_millis(200);

/// A repository at an endpoint.
pub(super) struct Registry {
    client: Client,
    endpoint: Endpoint,
    repository: String,
    credential: Option<Credential>,
    timeouts: Timeouts,
    /// What the last challenge was answered with: one token serves all layers.
    authorization: Mutex<Option<Authorization>>,
}

/// Why a fetch failed; [`super::PullError`] adds which image it was for.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("not found")]
    NotFound,
    #[error("not found, or a login is needed")]
    Unauthorized,
    #[error("{0}")]
    Transport(TransportError),
    #[error("it answers {0}")]
    Status(u16),
    #[error("it answers nonsense: {0}")]
    Protocol(&'static str),
    #[error("{content} has digest {actual}, expected {expected}")]
    Digest { content: Content, expected: Digest, actual: Digest },
    #[error("{content} {digest} is not {expected} bytes long")]
    Size { content: Content, digest: Digest, expected: u64 },
    #[error("cannot set up a connection: {0}")]
    Client(TransportError),
}

impl Registry {
    pub(super) fn new(config: &RegistryConfig, endpoint: Endpoint, repository: &str) -> Result<Self, FetchError> {
        let timeouts = config.timeouts;
        // Whoever came first wins; it is the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("rcompose/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.idle)
            .dns_resolver(Resolver::from_etc())
            // A connection a layer: with HTTP/2 all of them would share the speed of one.
            .http1_only()
            // What is asked for over TLS is not answered in the clear.
            .https_only(!endpoint.is_plain());
        if endpoint.is_loopback() {
            // A proxy could not reach it, and authorities certify no loopback address.
            builder = builder.no_proxy().tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| FetchError::Client(TransportError::new(&error, timeouts)))?;
        let credential = config.credentials.get(&endpoint.host).cloned();
        let repository = repository.to_owned();
        Ok(Self { client, endpoint, repository, credential, timeouts, authorization: Mutex::new(None) })
    }

    pub(super) fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// The digest that a tag or digest resolves to, if the registry says so without sending the manifest.
    pub(super) async fn manifest_digest(&self, wanted: &str) -> Result<Option<Digest>, FetchError> {
        let response = self.send(Method::HEAD, &format!("manifests/{wanted}"), 0).await?;
        let digest = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        Ok(digest.and_then(|digest| digest.parse().ok()))
    }

    /// The manifest or index that a tag or digest resolves to, and its digest.
    pub(super) async fn manifest(&self, wanted: &str) -> Result<(Digest, Vec<u8>), FetchError> {
        let response = self.send(Method::GET, &format!("manifests/{wanted}"), 0).await?;
        let bytes = self.read(response, MAX_DOCUMENT).await?.ok_or(FetchError::Protocol("an endless manifest"))?;
        let actual = Digest::of(&bytes);
        match wanted.parse::<Digest>() {
            Ok(expected) if expected != actual => {
                Err(FetchError::Digest { content: Content::Manifest, expected, actual })
            }
            _ => Ok((actual, bytes)),
        }
    }

    /// The image configuration behind `descriptor`.
    pub(super) async fn config(&self, descriptor: &Descriptor) -> Result<Vec<u8>, FetchError> {
        self.small_blob(Content::Config, descriptor.digest, descriptor.size).await
    }

    /// A blob of `size` bytes, few enough to be held in memory.
    pub(super) async fn small_blob(&self, content: Content, digest: Digest, size: u64) -> Result<Vec<u8>, FetchError> {
        let wrong_size = || FetchError::Size { content, digest, expected: size };
        let response = self.send(Method::GET, &format!("blobs/{digest}"), 0).await?;
        let bytes = self.read(response, size.min(MAX_DOCUMENT)).await?.ok_or_else(wrong_size)?;
        let actual = Digest::of(&bytes);
        if actual == digest { Ok(bytes) } else { Err(FetchError::Digest { content, expected: digest, actual }) }
    }

    /// Sends the blob behind `descriptor` to `chunks`, going on where it broke off when the connection does. Returns
    /// early, without error, when nobody reads any more. `progress` hears how many bytes have come.
    pub(super) async fn blob(
        &self,
        descriptor: &Descriptor,
        chunks: mpsc::Sender<Vec<u8>>,
        progress: impl Fn(u64) + Send,
    ) -> Result<(), FetchError> {
        let (mut received, mut in_vain) = (0, 0);
        for retries in 0.. {
            let before = received;
            let transport = match self.blob_from(descriptor, &mut received, &chunks, &progress).await {
                Err(FetchError::Transport(error)) => error,
                answer => return answer,
            };
            in_vain = if received > before { 0 } else { in_vain + 1 };
            // Who was silent for the whole idle time would only be waited for again.
            if retries == RETRIES || in_vain > RETRIES_IN_VAIN || (in_vain > 0 && transport.is_timeout()) {
                return Err(FetchError::Transport(transport));
            }
            tokio::time::sleep(PAUSE * 2_u32.pow(in_vain)).await;
        }
        Ok(())
    }

    async fn blob_from(
        &self,
        descriptor: &Descriptor,
        received: &mut u64,
        chunks: &mpsc::Sender<Vec<u8>>,
        progress: &impl Fn(u64),
    ) -> Result<(), FetchError> {
        let mut response = self.send(Method::GET, &format!("blobs/{}", descriptor.digest), *received).await?;
        // A server that does not know ranges starts over.
        let mut known = if response.status() == StatusCode::PARTIAL_CONTENT { 0 } else { *received };
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            let skipped = chunk.len().min(usize::try_from(known).unwrap_or(usize::MAX));
            known -= skipped as u64;
            let new = chunk[skipped..].to_vec();
            *received += new.len() as u64;
            progress(*received);
            if *received > descriptor.size {
                break;
            }
            if chunks.send(new).await.is_err() {
                return Ok(());
            }
        }
        if *received == descriptor.size {
            return Ok(());
        }
        Err(FetchError::Size { content: Content::Layer, digest: descriptor.digest, expected: descriptor.size })
    }

    /// The body of `response`, or `None` when it is longer than `limit` bytes.
    async fn read(&self, mut response: Response, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                return Ok(None);
            }
        }
        Ok(Some(bytes))
    }

    /// Whether the repository has a blob.
    pub(super) async fn has_blob(&self, digest: Digest) -> Result<bool, FetchError> {
        match self.send(Method::HEAD, &format!("blobs/{digest}"), 0).await {
            Ok(_) => Ok(true),
            Err(FetchError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for a place to upload a blob to. See
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs>.
    pub(super) async fn begin_upload(&self) -> Result<Url, FetchError> {
        let url = self.url("blobs/uploads/")?;
        let response = self.exchange(|| self.client.post(url.clone()).header(CONTENT_LENGTH, 0)).await?;
        self.location(&url, &response)
    }

    /// Uploads a part of a blob that begins at `from`; gives the place for the next.
    pub(super) async fn upload_part(&self, place: Url, from: u64, part: Vec<u8>) -> Result<Url, FetchError> {
        let range = format!("{from}-{}", from + part.len() as u64 - 1);
        let request = || {
            let request = self.client.patch(place.clone()).header(CONTENT_TYPE, "application/octet-stream");
            request.header(CONTENT_RANGE, range.clone()).body(part.clone())
        };
        let response = self.exchange(request).await?;
        self.location(&place, &response)
    }

    /// Uploads what is left of a blob, which the registry then has.
    pub(super) async fn end_upload(&self, mut place: Url, digest: Digest, rest: Vec<u8>) -> Result<(), FetchError> {
        place.query_pairs_mut().append_pair("digest", &digest.to_string());
        let request = || {
            let request = self.client.put(place.clone()).header(CONTENT_TYPE, "application/octet-stream");
            request.body(rest.clone())
        };
        self.exchange(request).await.map(drop)
    }

    /// Has `name`, a tag or digest, stand for a manifest.
    pub(super) async fn put_manifest(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), FetchError> {
        let url = self.url(&format!("manifests/{name}"))?;
        let request = || self.client.put(url.clone()).header(CONTENT_TYPE, media_type).body(bytes.to_vec());
        self.exchange(request).await.map(drop)
    }

    fn url(&self, path: &str) -> Result<Url, FetchError> {
        let url = format!("{}/v2/{}/{path}", self.endpoint.base, self.repository);
        Url::parse(&url).map_err(|_| FetchError::Protocol("an address that is no URL"))
    }

    /// Where the registry says to go on.
    fn location(&self, from: &Url, response: &Response) -> Result<Url, FetchError> {
        let nonsense = || FetchError::Protocol("an upload without a place to go on");
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(nonsense)?;
        let url = from.join(location).map_err(|_| nonsense())?;
        // The login is for this host alone.
        if url.host_str() == from.host_str() && url.port_or_known_default() == from.port_or_known_default() {
            Ok(url)
        } else {
            Err(FetchError::Protocol("an upload to another host"))
        }
    }

    /// Sends a request, answering one challenge, and sorts out the errors among the answers.
    async fn send(&self, method: Method, path: &str, from: u64) -> Result<Response, FetchError> {
        let url = format!("{}/v2/{}/{path}", self.endpoint.base, self.repository);
        let is_manifest = path.starts_with("manifests/");
        self.exchange(|| {
            let mut request = self.client.request(method.clone(), &url);
            if is_manifest {
                request = request.header(ACCEPT, manifest::ACCEPT);
            }
            if from > 0 {
                request = request.header(RANGE, format!("bytes={from}-"));
            }
            request
        })
        .await
    }

    /// Sends what `request` makes, twice when it is challenged, and sorts out the errors among the answers.
    async fn exchange(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, FetchError> {
        let shown = self.authorization.lock().expect("no thread panics holding it").clone();
        let mut response = self.send_once(request(), shown).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let headers = response.headers().get_all(WWW_AUTHENTICATE).into_iter();
            let challenge = headers.filter_map(|header| Challenge::parse(header.to_str().ok()?)).next();
            let authorization = self.authorize(challenge.ok_or(FetchError::Unauthorized)?).await?;
            *self.authorization.lock().expect("no thread panics holding it") = Some(authorization.clone());
            response = self.send_once(request(), Some(authorization)).await?;
        }
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => Err(FetchError::NotFound),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(FetchError::Unauthorized),
            status => Err(FetchError::Status(status.as_u16())),
        }
    }

    async fn send_once(
        &self,
        request: RequestBuilder,
        authorization: Option<Authorization>,
    ) -> Result<Response, FetchError> {
        let request = match authorization {
            Some(Authorization::Bearer(token)) => request.bearer_auth(token),
            Some(Authorization::Basic) => self.with_password(request),
            None => request,
        };
        request.send().await.map_err(|error| self.transport(&error))
    }

    /// Gets what a challenge asks for, anonymously when there are no credentials.
    async fn authorize(&self, challenge: Challenge) -> Result<Authorization, FetchError> {
        let (realm, service, scope) = match challenge {
            Challenge::Basic if self.credential.is_none() => return Err(FetchError::Unauthorized),
            Challenge::Basic => return Ok(Authorization::Basic),
            Challenge::Bearer { realm, service, scope } => (realm, service, scope),
        };
        let mut url = reqwest::Url::parse(&realm).map_err(|_| FetchError::Protocol("a token realm that is no URL"))?;
        // A TLS registry that names a realm in the clear would have the password sent there.
        if url.scheme() != "https" && !self.endpoint.is_plain() {
            return Err(FetchError::Protocol("a token realm without TLS"));
        }
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.repository));
        url.query_pairs_mut().extend_pairs(service.map(|service| ("service", service))).append_pair("scope", &scope);
        let response = self.with_password(self.client.get(url)).send().await.map_err(|error| self.transport(&error))?;
        if !response.status().is_success() {
            return Err(match response.status() {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FetchError::Unauthorized,
                status => FetchError::Status(status.as_u16()),
            });
        }
        let nonsense = || FetchError::Protocol("a token answer without a token");
        let bytes = self.read(response, MAX_DOCUMENT).await?.ok_or_else(nonsense)?;
        let answer: TokenAnswer = serde_json::from_slice(&bytes).map_err(|_| nonsense())?;
        answer.into_token().map(Authorization::Bearer).ok_or_else(nonsense)
    }

    fn with_password(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.credential {
            Some(credential) => request.basic_auth(&credential.username, Some(&credential.password)),
            None => request,
        }
    }

    fn transport(&self, error: &reqwest::Error) -> FetchError {
        FetchError::Transport(TransportError::new(error, self.timeouts))
    }
}
