//! TLS: the site's own certificate, or one that is made at the first start.
//!
//! A certificate of its own making proves nothing to who has not seen it before; its fingerprint is told at each start,
//! and the file beside the book is what `--ca` of the command line takes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// The files beside the book.
const CERTIFICATE: &str = "tls-cert.pem";
const KEY: &str = "tls-key.pem";
/// Years that a certificate of our own making is good for: as long as a mine's hardware.
const YEARS: i16 = 10;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{} cannot be read or written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that is no PEM of what it should be.
    #[error("{} holds no {expected} in PEM form", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is expected.
        expected: &'static str,
        /// What the reader says.
        source: rustls::pki_types::pem::Error,
    },
    /// A certificate could not be made.
    #[error("no certificate could be made")]
    Made(#[from] rcgen::Error),
    /// The certificate and the key do not fit.
    #[error("the certificate and the key cannot be used together")]
    Unusable(#[from] rustls::Error),
}

/// A certificate ready for use.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
    /// The certificate's file.
    pub certificate: PathBuf,
}

impl Tls {
    /// With a certificate and key of the site's own, in PEM.
    ///
    /// # Errors
    /// If a file cannot be read, or the two do not fit.
    pub fn of_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let pem = |path: &Path, expected| {
            let path = path.to_owned();
            move |source| TlsError::Pem { path, expected, source }
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(pem(certificate, "certificate"))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(pem(key, "private key"))?;
        let fingerprint = chain.first().map(|first| fingerprint(first)).unwrap_or_default();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, secret)?;
        Ok(Self { config: Arc::new(config), fingerprint, certificate: certificate.to_owned() })
    }

    /// With the certificate beside the book; it is made where there is none. `names` are what the site is reached by.
    ///
    /// # Errors
    /// If it can be neither read nor made.
    pub fn of_folder(dir: &Path, names: &[String], year: i16) -> Result<Self, TlsError> {
        let (certificate, key) = (dir.join(CERTIFICATE), dir.join(KEY));
        if !certificate.exists() || !key.exists() {
            let (certificate_pem, key_pem) = made(names, year)?;
            write(&key, &key_pem)?;
            write(&certificate, &certificate_pem)?;
        }
        Self::of_files(&certificate, &key)
    }
}

fn made(names: &[String], year: i16) -> Result<(String, String), TlsError> {
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, "offpeak");
    params.not_before = date_time_ymd(year.into(), 1, 1);
    params.not_after = date_time_ymd((year + YEARS).into(), 1, 1);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// Writes a file that only its owner reads; one that is there is not written over.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

fn fingerprint(certificate: &[u8]) -> String {
    let pairs: Vec<_> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// What a site that listens at this address is reached by.
#[must_use]
pub fn names_of(ip: IpAddr, host: Option<String>) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(host);
    if !ip.is_unspecified() && !names.contains(&ip.to_string()) {
        names.push(ip.to_string());
    }
    names
}
