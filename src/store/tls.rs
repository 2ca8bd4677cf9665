//! How a connection to PostgreSQL is made: what the URL says of TLS, and TLS by rustls.
//!
//! It must never fall back to a weaker connection than the URL asks for, and never name a password.

use super::StoreError;
use super::connection::PgConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::BlockOn;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};

/// What is asked of the server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Nothing: who listens in is kept out, who pretends to be the server is not.
    Nothing,
    /// That an authority we trust has signed it.
    Authority,
    /// That, and that it is of the host in the URL.
    Full,
}

/// A parsed `postgres://` URL.
pub(super) struct Target {
    config: tokio_postgres::Config,
    check: Check,
    /// The authorities to trust instead of this machine's.
    roots: Option<String>,
}

impl Target {
    /// Takes `sslmode` and `sslrootcert` as libpq does; everything else is left to the driver.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (address, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut others) = ("prefer", None, Vec::new());
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => roots = Some(decoded(value)),
                _ => others.push(option),
            }
        }
        let (mode, mut check) = match mode {
            "disable" => (SslMode::Disable, Check::Nothing),
            "prefer" => (SslMode::Prefer, Check::Nothing),
            "require" => (SslMode::Require, Check::Nothing),
            "verify-ca" => (SslMode::Require, Check::Authority),
            "verify-full" => (SslMode::Require, Check::Full),
            _ => {
                let right = "disable, prefer, require, verify-ca or verify-full";
                return Err(StoreError::Unavailable(format!("sslmode of its URL must be {right}")));
            }
        };
        let roots = roots.filter(|file| file != "system");
        if mode == SslMode::Require && check == Check::Nothing && roots.is_some() {
            // As libpq: who names an authority wants it to be looked at.
            check = Check::Authority;
        }
        let address = if others.is_empty() { address.to_owned() } else { format!("{address}?{}", others.join("&")) };
        // The error may quote what it could not read.
        let mut config: tokio_postgres::Config =
            address.parse().map_err(|_| StoreError::Unavailable("its URL cannot be read".to_owned()))?;
        // As libpq: a socket of this machine needs no TLS, whatever is asked for.
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(if local { SslMode::Disable } else { mode });
        Ok(Self { config, check, roots })
    }

    /// Connects, on a runtime of its own; must not be called where another runtime is at hand.
    pub(super) fn connect(&self) -> Result<PgConnection, StoreError> {
        let tls = Connector(Arc::new(self.client()?));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| StoreError::Unavailable("no runtime for a connection".to_owned()))?;
        let made = runtime.block_on(async {
            let (client, connection) = self.config.connect(tls).await.map_err(|error| self.refused(&error))?;
            // The task that moves the bytes lives on this runtime, and moves whenever somebody waits on it.
            Ok::<_, StoreError>(AsyncPgConnection::try_from_client_and_connection(client, connection).await?)
        })?;
        HANDED_OVER.with(|place| place.replace(Some(runtime)));
        Ok(PgConnection::from(made))
    }

    fn client(&self) -> Result<ClientConfig, StoreError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&error))?;
        let verifier: Arc<dyn ServerCertVerifier> = match self.check {
            Check::Nothing => Arc::new(Lenient { provider, authority: None }),
            Check::Authority => Arc::new(Lenient { authority: Some(self.authority(&provider)?), provider }),
            Check::Full => self.authority(&provider)?,
        };
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }

    fn authority(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, StoreError> {
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Some(file) => {
                let unreadable =
                    || StoreError::Unavailable(format!("sslrootcert: {file} holds no certificate that can be read"));
                let found: Vec<_> = CertificateDer::pem_file_iter(Path::new(file))
                    .and_then(Iterator::collect)
                    .map_err(|_| unreadable())?;
                for certificate in found {
                    roots.add(certificate).map_err(|_| unreadable())?;
                }
            }
            None => _ = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|_| StoreError::Unavailable("no authority is trusted; name one with sslrootcert".to_owned()))
    }

    /// Why there is no connection, in words that say what to do.
    fn refused(&self, error: &tokio_postgres::Error) -> StoreError {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(found) = cause {
            let tls = found.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            if let Some(tls) = tls.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return StoreError::Unavailable(self.distrusted(tls));
            }
            text = format!("{text}: {found}");
            cause = found.source();
        }
        StoreError::Unavailable(super::error::without_quotes(&text))
    }

    fn distrusted(&self, error: &rustls::Error) -> String {
        let trusted = self.roots.as_deref().map_or("the authorities of this machine", |file| file);
        match error {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
                format!(
                    "the certificate of the PostgreSQL server is not signed by an authority in sslrootcert ({trusted})"
                )
            }
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => "the certificate of the PostgreSQL server is of another host than its URL names".to_owned(),
            other => format!("TLS with the PostgreSQL server failed: {other}"),
        }
    }
}

fn unusable(error: &rustls::Error) -> StoreError {
    StoreError::Unavailable(format!("TLS cannot be used: {error}"))
}

/// The value of an option of a URL, its `%41` decoded.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

thread_local! {
    /// The runtime on which a connection was made, on its way to the wrapper around that connection.
    static HANDED_OVER: RefCell<Option<tokio::runtime::Runtime>> = const { RefCell::new(None) };
}

/// The runtime of one connection: the task that moves its bytes was spawned there.
pub(super) struct OwnRuntime(tokio::runtime::Runtime);

impl BlockOn for OwnRuntime {
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.0.block_on(work)
    }

    #[expect(clippy::expect_used, reason = "only Target::connect makes connections, and it hands its runtime over")]
    fn get_runtime() -> Self {
        Self(HANDED_OVER.with(RefCell::take).expect("a runtime was handed over"))
    }
}

/// Takes certificates without looking at the name, or without looking at all. Signatures of the handshake are
/// checked nevertheless.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    authority: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last: who fails by the name alone was signed by an authority that we trust.
        match authority.verify_server_cert(certificate, intermediates, name, stapled, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[derive(Clone)]
struct Connector(Arc<ClientConfig>);

struct Handshake {
    config: Arc<ClientConfig>,
    host: String,
}

/// A stream that the driver can use.
struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        Ok(Handshake { config: Arc::clone(&self.0), host: host.to_owned() })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            Ok(Stream(tokio_rustls::TlsConnector::from(self.config).connect(name, stream).await?))
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> tokio_postgres::tls::TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
