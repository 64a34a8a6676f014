//! TLS: the certificate that clients get to see, and those of other nodes.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::config::{NodesTlsConfig, TlsConfig};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("cannot read the certificate in {path}: {source}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The file has none.
    #[error("{0} has no certificate in PEM")]
    NoCertificate(PathBuf),
    /// The key cannot be read.
    #[error("cannot read the private key in {path}: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// It is none that certificates could lead to.
    #[error("cannot use the authority in {path}: {source}")]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// No certificate has such a name.
    #[error("{0:?} is no name that could be in a certificate")]
    Name(String),
    /// The two do not belong together, or are of a kind that nobody can use.
    #[error("cannot use the certificate in {certificate} with the key in {key}: {source}")]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong with them.
        source: rustls::Error,
    },
}

/// What a listener for `daxs://` needs.
///
/// DAX: the JavaScript clients name no server, and Java's may name an IP address, so every client is shown the one
/// certificate, whatever it asks for.
///
/// # Errors
/// [`TlsError`].
pub(crate) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, TlsError> {
    let TlsConfig { certificate, key, nodes: _ } = config;
    let chain = certificates(certificate)?;
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.clone(), source })?;
    let server = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|versions| versions.with_no_client_auth().with_single_cert(chain, private));
    let server = server.map_err(|source| TlsError::Unusable {
        certificate: certificate.clone(),
        key: key.clone(),
        source,
    })?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// How a node reaches another over TLS.
pub(crate) struct Dialer {
    connector: TlsConnector,
    name: Option<ServerName<'static>>,
}

impl Dialer {
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn new(config: &NodesTlsConfig) -> Result<Dialer, TlsError> {
        let NodesTlsConfig { authorities: path, name } = config;
        let unusable = |source| TlsError::Authority { path: path.clone(), source };
        let mut authorities = RootCertStore::empty();
        for authority in certificates(path)? {
            authorities.add(authority).map_err(unusable)?;
        }
        let client = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let client = client.map_err(unusable)?.with_root_certificates(authorities).with_no_client_auth();
        let server_name =
            |name: &String| ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()));
        let name = name.as_ref().map(server_name).transpose()?;
        Ok(Dialer { connector: TlsConnector::from(Arc::new(client)), name })
    }

    /// Connects, if the other side proves to be a node.
    pub(crate) async fn connect(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = self.name.clone().unwrap_or_else(|| ServerName::from(address.ip()));
        self.connector.connect(name, stream).await
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let chain = chain.map_err(|source| TlsError::Certificate { path: path.to_owned(), source })?;
    if chain.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(chain) }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// Files of a self-signed certificate for a name and the loopback address, and the certificate itself.
    pub(crate) fn files(directory: &std::path::Path) -> (TlsConfig, CertificateDer<'static>) {
        let names = ["dax.example".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
        let config = TlsConfig { certificate, key, nodes: None };
        fs::write(&config.certificate, made.cert.pem()).unwrap();
        fs::write(&config.key, made.signing_key.serialize_pem()).unwrap();
        (config, made.cert.der().clone())
    }

    #[test]
    fn what_is_wrong_with_the_files_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let (config, _) = files(directory.path());
        acceptor(&config).unwrap();
        let wrong = |config: &TlsConfig| acceptor(config).map(drop).unwrap_err().to_string();
        let missing = TlsConfig { certificate: directory.path().join("none.pem"), ..config.clone() };
        assert!(wrong(&missing).contains("none.pem"), "{}", wrong(&missing));
        let (certificate, key) = (config.key.clone(), config.certificate.clone());
        let swapped = TlsConfig { certificate, key, ..config.clone() };
        assert!(wrong(&swapped).contains("has no certificate in PEM"), "{}", wrong(&swapped));
        let keyless = TlsConfig { key: config.certificate.clone(), ..config.clone() };
        assert!(wrong(&keyless).contains("cannot read the private key in"), "{}", wrong(&keyless));
        let other = tempfile::tempdir().unwrap();
        let (other, _) = files(other.path());
        let mixed = TlsConfig { key: other.key, ..config };
        assert!(wrong(&mixed).contains("cannot use the certificate in"), "{}", wrong(&mixed));
    }

    #[test]
    fn what_is_wrong_with_what_nodes_are_known_by_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let (config, _) = files(directory.path());
        let by = |authorities: &PathBuf, name: &str| {
            let config = NodesTlsConfig { authorities: authorities.clone(), name: Some(name.to_owned()) };
            Dialer::new(&config).map(drop).map_err(|why| why.to_string())
        };
        assert_eq!(by(&config.certificate, "dax.example"), Ok(()));
        assert!(by(&config.key, "dax.example").unwrap_err().contains("has no certificate in PEM"));
        assert!(by(&config.certificate, "no name").unwrap_err().contains("\"no name\" is no name"));
    }
}
