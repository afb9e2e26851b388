//! TLS, as strict as the URL asks for.

use std::{fs, io, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, SslMode};

/// TLS cannot be set up on our side.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsFault {
    /// A file of certificates or of a key is no good.
    #[error("`{name}` of the URL cannot be read as PEM")]
    File {
        /// Parameter of the URL.
        name: &'static str,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Nobody is trusted.
    #[error("the system trusts no certificate authority; name a file of them with `sslrootcert`")]
    NoRoots,
    /// The certificates do not fit together.
    #[error("the certificates of the URL cannot be used")]
    Unfit(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What secures the connections; none where the URL says `disable`.
///
/// # Errors
///
/// If a file of the URL cannot be read, or nobody is trusted where somebody must be.
pub(super) fn connector(address: &Address) -> Result<Option<MakeRustlsConnect>, TlsFault> {
    if address.ssl_mode == SslMode::Disable {
        return Ok(None);
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(address, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &address.client_certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_slice(&read("sslkey", key)?)
                .map_err(|error| not_pem("sslkey", error))?;
            builder
                .with_client_auth_cert(certificates("sslcert", certificate)?, key)
                .map_err(unfit)?
        }
    };
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn verifier(
    address: &Address,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, TlsFault> {
    let trust = match address.ssl_mode {
        SslMode::Disable | SslMode::Prefer | SslMode::Require => {
            return Ok(Arc::new(Anyone(Arc::clone(provider))));
        }
        SslMode::VerifyCa => |inner| Arc::new(AnyHost(inner)) as Arc<dyn ServerCertVerifier>,
        SslMode::VerifyFull => |inner| inner as Arc<dyn ServerCertVerifier>,
    };
    let mut roots = RootCertStore::empty();
    let trusted = match &address.root_certificates {
        Some(path) => certificates("sslrootcert", path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(trusted);
    if roots.is_empty() {
        return Err(TlsFault::NoRoots);
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map(trust)
        .map_err(unfit)
}

fn certificates(name: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let pem = read(name, path)?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match found {
        Ok(found) if found.is_empty() => Err(not_pem(name, "it holds no certificate")),
        Ok(found) => Ok(found),
        Err(error) => Err(not_pem(name, error)),
    }
}

fn read(name: &'static str, path: &Path) -> Result<Vec<u8>, TlsFault> {
    fs::read(path).map_err(|cause| TlsFault::File { name, cause })
}

fn not_pem(
    name: &'static str,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> TlsFault {
    TlsFault::File { name, cause: io::Error::new(io::ErrorKind::InvalidData, error) }
}

fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> TlsFault {
    TlsFault::Unfit(Box::new(error))
}

/// Takes a certificate of a trusted authority for any host: `verify-ca`.
#[derive(Debug)]
struct AnyHost(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyHost {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            // The name is compared last: the authority has been found good by then.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// Takes any certificate whose key the server has: `prefer` and `require`.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
