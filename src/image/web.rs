//! A client for web servers that are no registries: as ours for registries, for whoever builds.

use std::time::Duration;

use reqwest::Client;

use super::TransportError;
use super::registry_config::Timeouts;
use super::resolve::Resolver;

/// A client, and how long it waits: names are looked up as for registries, redirects are followed.
#[derive(Debug, Clone)]
pub struct WebClient {
    client: Client,
    timeouts: Timeouts,
}

impl WebClient {
    /// A client that gives up a connection after a while, and one that falls silent.
    ///
    /// # Errors
    /// [`TransportError`] when TLS cannot be set up.
    pub fn new(connect: Duration, idle: Duration) -> Result<Self, TransportError> {
        let timeouts = Timeouts { connect, idle };
        // Whoever came first wins; it is the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("rcompose/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect)
            .read_timeout(idle)
            .dns_resolver(Resolver::from_etc())
            .build()
            .map_err(|error| TransportError::new(&error, timeouts))?;
        Ok(Self { client, timeouts })
    }

    /// The client itself.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What went wrong with a request.
    #[must_use]
    pub fn failure(&self, error: &reqwest::Error) -> TransportError {
        TransportError::new(error, self.timeouts)
    }
}
