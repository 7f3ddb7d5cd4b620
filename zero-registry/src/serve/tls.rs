//! TLS from a certificate and a key in files, which can be renewed while it is spoken.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::ServeError;

/// Where certificate and key are.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and those between it and the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// Shakes hands. Clones share the certificate.
#[derive(Clone)]
pub(super) struct Acceptor {
    files: TlsFiles,
    current: Arc<RwLock<TlsAcceptor>>,
}

impl Acceptor {
    pub(super) fn load(files: &TlsFiles) -> Result<Self, ServeError> {
        Ok(Self {
            files: files.clone(),
            current: Arc::new(RwLock::new(files.read()?)),
        })
    }

    /// Reads the files again, for connections to come. What cannot be used leaves everything as it was.
    pub(super) fn reload(&self) -> Result<(), ServeError> {
        let renewed = self.files.read()?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        current.accept(stream).await
    }
}

impl TlsFiles {
    fn read(&self) -> Result<TlsAcceptor, ServeError> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unfit(&self.certificate, error))?;
        if chain.is_empty() {
            let none = io::Error::other("there is no certificate in it");
            return Err(unfit(&self.certificate, none));
        }
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(|error| unfit(&self.key, error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| unfit(&self.key, error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn unfit(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ServeError {
    ServeError::Tls {
        path: path.to_owned(),
        source: source.into(),
    }
}
