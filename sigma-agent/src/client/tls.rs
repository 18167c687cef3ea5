//! Whom we trust.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};

/// TLS 1.2 and 1.3 with the roots that browsers trust, or with those of `ca_file` alone: who runs a CA of their own
/// does not want the hub's name vouched for by another.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|e| unusable(path, &e.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|e| unusable(path, &e.to_string()))?;
                roots.add(certificate).map_err(|e| unusable(path, &e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unusable(path, "there is none in it"));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // One server, and now and then a look-up service.
    config.resumption = Resumption::in_memory_sessions(2);
    Ok(Arc::new(config))
}

/// What an operator can do about a server that we did not agree with, where the library says it in its own terms.
pub(super) fn explained(error: io::Error) -> io::Error {
    use CertificateError as Bad;
    let sentence = match error.get_ref().and_then(|cause| cause.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(bad)) => match bad {
            Bad::UnknownIssuer => {
                "its certificate is signed by nobody who is trusted here; for a private CA set SIGMA_CA_FILE"
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "its certificate is for another name than the one in the URL"
            }
            Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "its certificate is not valid at this time; has it expired, or is the clock of this machine wrong?"
            }
            _ => return error,
        },
        Some(Error::PeerIncompatible(_)) => "it speaks neither TLS 1.2 nor 1.3",
        Some(Error::InvalidMessage(_)) => "it does not speak TLS; is the URL to begin with http:// instead?",
        _ => return error,
    };
    io::Error::new(error.kind(), sentence)
}

fn unusable(path: &Path, reason: &str) -> String {
    format!("{}: no usable certificate in PEM form: {reason}", path.display())
}
