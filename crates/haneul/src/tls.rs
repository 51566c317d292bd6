//! TLS of the API port. Made when the first client asks for it, off the path of the start.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use aws::Clock;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tokio::sync::OnceCell;

use crate::ca::{Ca, CaError};
use crate::data_dir::DataDir;

pub struct Tls {
    /// `None` keeps the authority in memory.
    data: Option<DataDir>,
    domain: String,
    addresses: Vec<IpAddr>,
    clock: Arc<Clock>,
    made: OnceCell<Made>,
}

struct Made {
    ca: Arc<Ca>,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// `clock` is the machine's, undialled.
    pub fn new(
        data: Option<DataDir>,
        domain: String,
        addresses: Vec<IpAddr>,
        clock: Arc<Clock>,
    ) -> Self {
        Self { data, domain, addresses, clock, made: OnceCell::new() }
    }

    /// # Errors
    /// When the local certificate authority cannot be opened or made.
    pub async fn config(&self) -> io::Result<Arc<ServerConfig>> {
        self.made().await.map(|made| made.config.clone()).map_err(io::Error::other)
    }

    /// # Errors
    /// As [`Self::config`].
    pub async fn ca(&self) -> Result<Arc<Ca>, Arc<CaError>> {
        self.made().await.map(|made| made.ca.clone())
    }

    async fn made(&self) -> Result<&Made, Arc<CaError>> {
        // A few file reads, once: not worth a thread.
        self.made.get_or_try_init(|| async { self.make() }).await.map_err(|error| {
            tracing::error!(%error, "the local certificate authority cannot be used");
            Arc::new(error)
        })
    }

    fn make(&self) -> Result<Made, CaError> {
        let (addresses, clock) = (self.addresses.clone(), self.clock.clone());
        let ca = Arc::new(match &self.data {
            Some(data) => Ca::open(data, &self.domain, addresses, clock)?,
            None => Ca::in_memory(&self.domain, addresses, clock)?,
        });
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(CaError::Key)?
            .with_no_client_auth()
            .with_cert_resolver(ca.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Made { ca, config: Arc::new(config) })
    }
}
