//! TLS: our certificate, whose clients are accepted, and who a client is by its certificate.
//!
//! It must never resume a session: a resumed one would outlive the revocation of its certificate.

use super::settings::TlsListener;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// System keys by certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Systems(HashMap<String, String>);

impl Systems {
    /// Takes fingerprints in hexadecimal, of either case, with or without colons.
    pub(super) fn new(by_fingerprint: &HashMap<String, String>) -> Self {
        Self(by_fingerprint.iter().map(|(print, system)| (normal(print), system.clone())).collect())
    }

    /// The system whose certificate this is.
    pub(super) fn of(&self, certificate: &[u8]) -> Option<String> {
        self.0.get(&fingerprint(certificate)).cloned()
    }
}

fn normal(print: &str) -> String {
    print.chars().filter(char::is_ascii_hexdigit).map(|c| c.to_ascii_lowercase()).collect()
}

fn fingerprint(certificate: &[u8]) -> String {
    Sha256::digest(certificate).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The configuration of the listener; an error names the file, never its content.
pub(super) fn configure(listener: &TlsListener) -> Result<ServerConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates(&listener.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&listener.key)
        .map_err(|_| format!("{} holds no private key that can be read", listener.key.display()))?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &listener.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| format!("{}: {error}", file.display()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| format!("{}: {error}", file.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| format!("{}: {error}", listener.certificate.display()))?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let unreadable = |_| format!("{} holds no certificates that can be read", file.display());
    let certificates: Vec<_> =
        CertificateDer::pem_file_iter(file).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if certificates.is_empty() { Err(format!("{} holds no certificate", file.display())) } else { Ok(certificates) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_known_by_its_fingerprint_however_it_is_written() {
        // SHA-256 of "abc".
        let print = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
        let systems = Systems::new(&HashMap::from([(print.to_owned(), "emr".to_owned())]));
        assert_eq!(systems.of(b"abc").as_deref(), Some("emr"));
        assert_eq!(systems.of(b"abd"), None);
    }
}
