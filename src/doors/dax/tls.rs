//! The certificate that clients over TLS get to see.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsConfig;

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
    let TlsConfig { certificate, key } = config;
    let chain: Result<Vec<CertificateDer<'static>>, pem::Error> =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|source| TlsError::Certificate { path: certificate.clone(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(certificate.clone()));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Key { path: key.clone(), source })?;
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|versions| versions.with_no_client_auth().with_single_cert(chain, private));
    let server = server.map_err(|source| TlsError::Unusable {
        certificate: certificate.clone(),
        key: key.clone(),
        source,
    })?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// Files of a self-signed certificate for a name and the loopback address, and the certificate itself.
    pub(crate) fn files(directory: &std::path::Path) -> (TlsConfig, CertificateDer<'static>) {
        let names = ["dax.example".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let config = TlsConfig { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
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
        let swapped = TlsConfig { certificate: config.key.clone(), key: config.certificate.clone() };
        assert!(wrong(&swapped).contains("has no certificate in PEM"), "{}", wrong(&swapped));
        let keyless = TlsConfig { key: config.certificate.clone(), ..config.clone() };
        assert!(wrong(&keyless).contains("cannot read the private key in"), "{}", wrong(&keyless));
        let other = tempfile::tempdir().unwrap();
        let (other, _) = files(other.path());
        let mixed = TlsConfig { key: other.key, ..config };
        assert!(wrong(&mixed).contains("cannot use the certificate in"), "{}", wrong(&mixed));
    }
}
