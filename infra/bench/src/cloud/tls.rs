//! A server on the loopback interface, over TLS.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Amazon's roots, which a function reads in the cloud: so that it reads as many here.
pub(crate) const AMAZON: &str = include_str!("../../../../shared/adapters/src/aws/amazon.pem");

/// Who vouches for the servers of this process.
pub(crate) struct Authority {
    config: Arc<ServerConfig>,
    file: PathBuf,
}

impl Authority {
    /// A new one. `directory` gets the file with its certificate.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        let file = directory.join("certificates.pem");
        fs::write(&file, format!("{AMAZON}{}", cert.pem()))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            file,
        })
    }

    /// The certificates to believe, PEM.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }
}

/// A server. It ends when dropped.
pub(crate) struct Server {
    url: String,
    first: Arc<Mutex<Option<Instant>>>,
    listening: JoinHandle<()>,
}

impl Server {
    /// Serves a router on a free port.
    pub(crate) async fn start(authority: &Authority, router: Router) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("no free port on the loopback interface")?;
        let url = format!("https://127.0.0.1:{}", listener.local_addr()?.port());
        let acceptor = TlsAcceptor::from(Arc::clone(&authority.config));
        let first = Arc::new(Mutex::new(None));
        let noted = Arc::clone(&first);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let now = Instant::now();
                noted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(now);
                let (acceptor, router) = (acceptor.clone(), router.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    // Whoever hangs up has had what they wanted.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let service = TowerToHyperService::new(router);
                        let _ = auto::Builder::new(TokioExecutor::new())
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    }
                });
            }
        });
        Ok(Self {
            url,
            first,
            listening,
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// When the first connection came since the last time that this was asked.
    pub(crate) fn take_first_connection(&self) -> Option<Instant> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
