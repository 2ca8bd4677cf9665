//! Calls that we make: one SOAP message by HTTP or HTTPS, and the payload of its answer.
//!
//! It blocks, within its deadlines, and follows no redirection and no proxy: where a message about a patient goes is
//! written in the configuration and nowhere else. It must never log or repeat an address: it may hold a password.

use super::soap::Unanswered;
use super::soap::call::{answer, content_type, request};
use crate::xml::{self, Element};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// How long an idle connection is kept: less than common servers keep theirs.
const IDLE: Duration = Duration::from_secs(3);

/// Where to call, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// `https://HOST/PATH` or `http://HOST/PATH`.
    pub url: String,
    /// PEM file: the authorities that may vouch for the other end; those of this machine where there is none.
    pub authorities: Option<PathBuf>,
    /// PEM files: the certificate that we show, with its intermediates, and its private key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// How long it may take to be connected.
    pub connect_deadline: Duration,
    /// How long all of a call may take.
    pub deadline: Duration,
    /// Limits of the answer.
    pub limits: xml::Limits,
}

impl CallSettings {
    /// Calls of `url` with the deadlines that serve a network.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            authorities: None,
            certificate: None,
            connect_deadline: Duration::from_secs(5),
            deadline: Duration::from_secs(20),
            limits: xml::Limits::default(),
        }
    }
}

/// Calls one address.
pub struct Caller {
    agent: ureq::Agent,
    url: String,
    limits: xml::Limits,
}

impl Caller {
    /// Reads the certificates; an error names the file, never its content.
    pub fn new(settings: &CallSettings) -> Result<Self, String> {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_connections(1)
            .max_idle_age(IDLE)
            .accept("application/soap+xml")
            .user_agent("nayose")
            .timeout_connect(Some(settings.connect_deadline))
            .timeout_global(Some(settings.deadline));
        // An address that has no need of certificates must not fail for want of them.
        if settings.url.starts_with("https://") {
            config = config.tls_config(tls(settings)?);
        }
        let agent = ureq::Agent::new_with_config(config.build());
        Ok(Self { agent, url: settings.url.clone(), limits: settings.limits })
    }

    /// Sends `payload` under `action`, in an envelope whose id is the UUID `fresh`.
    pub fn call(&self, action: &str, payload: &str, fresh: &str) -> Result<Element, Unanswered> {
        let message = request(&self.url, action, payload, fresh);
        let sent = self.agent.post(&self.url).header("content-type", content_type(action)).send(message.as_bytes());
        let mut response = sent.map_err(|error| Unanswered::Unreachable(trouble(&error)))?;
        let status = response.status().as_u16();
        let media_type =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let most = u64::try_from(self.limits.bytes).unwrap_or(u64::MAX);
        let body = response.body_mut().with_config().limit(most).read_to_vec();
        let body = body.map_err(|error| Unanswered::Unreachable(trouble(&error)))?;
        answer(status, media_type.as_deref(), &body, &self.limits)
    }
}

const NAMELESS: &str = "its name is not known";

fn tls(settings: &CallSettings) -> Result<TlsConfig, String> {
    let roots = match &settings.authorities {
        Some(file) => certificates(file)?,
        None => {
            let native = rustls_native_certs::load_native_certs().certs;
            native.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
        }
    };
    let shown = match &settings.certificate {
        None => None,
        Some((chain, key)) => {
            let pem = std::fs::read(key).map_err(|error| format!("{}: {error}", key.display()))?;
            let unusable = |_| format!("{} holds no private key that can be read", key.display());
            Some(ClientCert::new_with_certs(&certificates(chain)?, PrivateKey::from_pem(&pem).map_err(unusable)?))
        }
    };
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&roots))
        .client_cert(shown)
        .build())
}

fn certificates(file: &std::path::Path) -> Result<Vec<Certificate<'static>>, String> {
    let pem = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let found = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() { Err(format!("{} holds no certificate", file.display())) } else { Ok(found) }
}

/// What went wrong on the way, in words of our own.
fn trouble(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => "no connection in time",
        ureq::Error::Timeout(_) => "no answer in time",
        ureq::Error::HostNotFound => NAMELESS,
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => "the connection was refused",
        ureq::Error::Io(io) => match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => distrust(error),
            // The standard library has no kind for it.
            None if io.to_string().starts_with("failed to lookup address") => NAMELESS,
            None => "the connection broke",
        },
        ureq::Error::Rustls(error) => distrust(error),
        ureq::Error::Tls(_) | ureq::Error::Pem(_) => "TLS failed",
        ureq::Error::ConnectionFailed => "no connection",
        ureq::Error::BodyExceedsLimit(_) => "the answer is too large",
        ureq::Error::BadUri(_) => "its address cannot be called",
        _ => "the answer could not be read",
    }
}

fn distrust(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "its certificate is of no authority that is trusted"
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::Expired) => "its certificate has expired",
        rustls::Error::InvalidCertificate(_) => "its certificate is not that of its address",
        rustls::Error::AlertReceived(_) => "it does not accept our certificate",
        _ => "TLS failed",
    }
}

#[cfg(test)]
mod tests;
