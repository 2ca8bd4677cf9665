//! Binds the listeners, says where they are, and stops them without losing a request.
//!
//! It must never offer a listener without TLS beyond this machine unless that was asked for.

use super::crowd::Crowd;
use super::http::{Caller, State};
use super::tls::{self, Systems};
use super::{Handler, Settings, admin, http};
use crate::clock::Clock;
use crate::metrics::{Metrics, Raised};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{Extensions, Server};
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How often it is looked whether the handler has failed.
const WATCH_EVERY: Duration = Duration::from_millis(50);

/// A listener that is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// `http`, `https` or `admin`.
    pub name: &'static str,
    /// Where it is.
    pub address: SocketAddr,
}

/// Why the listeners could not be started, or broke.
#[derive(Debug)]
pub enum ListenError {
    /// No listener is configured for requests.
    Nothing,
    /// The address of a listener cannot be bound.
    Address {
        /// The listener.
        name: &'static str,
        /// The address as configured.
        address: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A listener without TLS would be reachable from elsewhere.
    Plain {
        /// The listener.
        name: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// Certificates or key cannot be used.
    Tls(String),
    /// The address file cannot be written.
    AddressFile(std::io::Error),
    /// The server broke.
    Server(std::io::Error),
}

impl std::fmt::Display for ListenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ListenError::Nothing => f.write_str("neither http nor https is configured"),
            ListenError::Address { name, address, reason } => write!(f, "{name} cannot listen at {address}: {reason}"),
            ListenError::Plain { name, address } => write!(
                f,
                "{name} has no TLS and would be reachable beyond this machine at {address}: \
                 use https, or set server.allow_plain"
            ),
            ListenError::Tls(reason) => write!(f, "https cannot start: {reason}"),
            ListenError::AddressFile(reason) => write!(f, "the address file cannot be written: {reason}"),
            ListenError::Server(reason) => write!(f, "the server broke: {reason}"),
        }
    }
}

impl std::error::Error for ListenError {}

/// Serves until SIGTERM or SIGINT, or until the handler has failed, then lets requests in work finish. Blocks.
pub fn run<H: Handler>(
    settings: Settings,
    handler: Arc<H>,
    announce: impl FnOnce(&[Bound]),
) -> Result<(), ListenError> {
    run_until_asked(settings, handler, terminated(), |bound| {
        for Bound { name, address } in bound {
            log::info!("{name} listens at {address}");
        }
        announce(bound);
    })
}

/// A server in a thread of its own.
#[derive(Debug)]
pub struct Running {
    bound: Vec<Bound>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), ListenError>>,
}

impl Running {
    /// All listeners.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// Where the listener `name` is.
    pub fn address(&self, name: &str) -> Option<SocketAddr> {
        self.bound.iter().find(|bound| bound.name == name).map(|bound| bound.address)
    }

    /// Stops as [`run`] does on a signal; returns when all is finished.
    pub fn stop(self) -> Result<(), ListenError> {
        // The thread may have ended by itself already.
        let _ = self.stop.send(());
        broke(self.thread)
    }
}

fn broke(thread: JoinHandle<Result<(), ListenError>>) -> Result<(), ListenError> {
    thread.join().unwrap_or_else(|_| Err(ListenError::Server(std::io::Error::other("its thread broke off"))))
}

/// Serves in a thread of its own; returns when every listener is bound.
pub fn spawn<H: Handler>(settings: Settings, handler: Arc<H>) -> Result<Running, ListenError> {
    let (stop, stopped) = oneshot::channel();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let asked = async move {
            // Dropping the handle asks as well.
            let _ = stopped.await;
        };
        run_until_asked(settings, handler, asked, move |bound| {
            // Who does not wait for it does not need it.
            let _ = tell.send(bound.to_vec());
        })
    });
    match told.recv() {
        Ok(bound) => Ok(Running { bound, stop, thread }),
        Err(_) => {
            broke(thread)?;
            Err(ListenError::Server(std::io::Error::other("it ended at once")))
        }
    }
}

fn run_until_asked<H: Handler>(
    settings: Settings,
    handler: Arc<H>,
    asked: impl Future<Output = ()>,
    bound: impl FnOnce(&[Bound]),
) -> Result<(), ListenError> {
    let sockets = Sockets::bind(&settings)?;
    actix_web::rt::System::new().block_on(serve(settings, handler, sockets, asked, bound))
}

/// The bound sockets, before anything is served.
struct Sockets {
    http: Option<TcpListener>,
    https: Option<(TcpListener, rustls::ServerConfig)>,
    admin: Option<TcpListener>,
    bound: Vec<Bound>,
}

impl Sockets {
    fn bind(settings: &Settings) -> Result<Self, ListenError> {
        if settings.http.is_none() && settings.https.is_none() {
            return Err(ListenError::Nothing);
        }
        if let Some(file) = &settings.address_file {
            // Who waits for the file must not find that of an earlier run. It may not be there.
            let _ = std::fs::remove_file(file);
        }
        let mut bound = Vec::new();
        let plain_too = settings.allow_plain;
        let https = settings.https.as_ref().map(|tls| Ok((tls::configure(tls).map_err(ListenError::Tls)?, tls)));
        let https = https.transpose()?;
        let http = settings.http.as_ref().map(|at| bind("http", at, plain_too, &mut bound)).transpose()?;
        let https = https.map(|(config, tls)| Ok((bind("https", &tls.address, true, &mut bound)?, config)));
        let https = https.transpose()?;
        let admin = settings.admin.as_ref().map(|at| bind("admin", at, plain_too, &mut bound)).transpose()?;
        Ok(Self { http, https, admin, bound })
    }
}

fn bind(name: &'static str, at: &str, anywhere: bool, bound: &mut Vec<Bound>) -> Result<TcpListener, ListenError> {
    let failed = |reason| ListenError::Address { name, address: at.to_owned(), reason };
    let full = if at.starts_with(':') { format!("0.0.0.0{at}") } else { at.to_owned() };
    let addresses: Vec<SocketAddr> = full.to_socket_addrs().map_err(failed)?.collect();
    if let Some(address) = addresses.iter().find(|address| !anywhere && !address.ip().is_loopback()) {
        return Err(ListenError::Plain { name, address: *address });
    }
    let listener = TcpListener::bind(addresses.as_slice()).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    bound.push(Bound { name, address });
    Ok(listener)
}

async fn serve<H: Handler>(
    settings: Settings,
    handler: Arc<H>,
    sockets: Sockets,
    asked: impl Future<Output = ()>,
    tell: impl FnOnce(&[Bound]),
) -> Result<(), ListenError> {
    let state = web::Data::new(State {
        handler,
        clock: Clock::system(),
        places: http::Places::new(&settings),
        stopping: AtomicBool::new(false),
        settings,
    });
    let bound = sockets.bound;
    let requests = requests(&state, sockets.http, sockets.https).map_err(ListenError::Server)?;
    let admin = sockets.admin.map(|socket| operators(&state, socket)).transpose().map_err(ListenError::Server)?;
    // Signals are watched from here on: who finds the file below may stop us at once.
    let mut asked = std::pin::pin!(asked);
    let at_once = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_ready())).await;
    if let Some(file) = &state.settings.address_file {
        write_addresses(file, &bound).map_err(ListenError::AddressFile)?;
    }
    tell(&bound);
    let requests_handle = requests.handle();
    let mut requests = actix_web::rt::spawn(requests);
    let admin_handle = admin.as_ref().map(Server::handle);
    let admin = admin.map(actix_web::rt::spawn);
    let mut broken = None;
    if !at_once {
        tokio::select! {
            () = asked => {}
            () = failed(&*state.handler) => log::error!("the service has failed and stops"),
            // Nobody has asked it to: a process that serves nothing must not look as if it did.
            ended = &mut requests => broken = Some(broke_by_itself(ended)),
        }
    }
    state.stopping.store(true, Ordering::Relaxed);
    requests_handle.stop(true).await;
    // Requests first: operators can watch them drain.
    if let Some(handle) = admin_handle {
        handle.stop(false).await;
    }
    if let Some(error) = broken {
        return Err(ListenError::Server(error));
    }
    for server in [Some(requests), admin].into_iter().flatten() {
        server.await.map_err(std::io::Error::other).and_then(|ended| ended).map_err(ListenError::Server)?;
    }
    Ok(())
}

/// Why a server ended that was not asked to.
fn broke_by_itself(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> std::io::Error {
    match ended.map_err(std::io::Error::other) {
        Err(error) | Ok(Err(error)) => error,
        Ok(Ok(())) => std::io::Error::other("it ended by itself"),
    }
}

/// Ends when the handler has failed.
async fn failed<H: Handler>(handler: &H) {
    let mut look = tokio::time::interval(WATCH_EVERY);
    loop {
        look.tick().await;
        if handler.has_failed() {
            return;
        }
    }
}

/// The server of `http` and `https`.
fn requests<H: Handler>(
    state: &web::Data<State<H>>,
    http: Option<TcpListener>,
    https: Option<(TcpListener, rustls::ServerConfig)>,
) -> std::io::Result<Server> {
    let settings = &state.settings;
    let systems = settings.https.as_ref().map(|tls| Systems::new(&tls.systems)).unwrap_or_default();
    let workers = settings.workers.max(1);
    let metrics: Metrics = state.handler.metrics().clone();
    let data = state.clone();
    let crowd = Crowd::new(settings.connections_of_one);
    let of_worker = settings.connections.div_ceil(workers).max(1);
    let delivery = settings.delivery_deadline;
    let mut server = HttpServer::new(move || App::new().app_data(data.clone()).configure(http::routes::<H>))
        .on_connect(move |connection, extensions| {
            // Both go with the connection.
            extensions.insert(Raised::on(&metrics.gauges().connections));
            extensions.insert(socket(connection).map(|stream| crowd.admit(stream)));
            if let Some(stream) = socket(connection) {
                bound_delivery(stream, delivery);
            }
            identify(connection, extensions, &systems);
        })
        .workers(workers)
        .worker_max_blocking_threads(settings.blocking_threads.div_ceil(workers).max(1))
        .max_connections(of_worker)
        // Who says nothing costs a handshake no work: as many may shake hands as may be let in, else a crowd that does
        // not would keep everyone else waiting.
        .max_connection_rate(of_worker)
        .tls_handshake_timeout(settings.handshake_deadline)
        .client_request_timeout(settings.head_deadline)
        .keep_alive(settings.keep_alive)
        .shutdown_timeout(settings.drain.as_secs().max(1))
        .disable_signals();
    if let Some(socket) = http {
        server = server.listen(socket)?;
    }
    if let Some((socket, config)) = https {
        server = server.listen_rustls_0_23(socket, config)?;
    }
    Ok(server.run())
}

/// The server of `admin`.
fn operators<H: Handler>(state: &web::Data<State<H>>, socket: TcpListener) -> std::io::Result<Server> {
    let data = state.clone();
    let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(admin::routes::<H>));
    Ok(server.workers(1).max_connections(64).disable_signals().listen(socket)?.run())
}

/// The socket of a connection, with TLS or without.
fn socket(connection: &dyn Any) -> Option<&TcpStream> {
    connection
        .downcast_ref::<TcpStream>()
        .or_else(|| connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0))
}

/// Has the system end a connection whose other end takes nothing of what was sent for so long, be it gone or be it that
/// it does not read. The server itself waits for ever there.
#[cfg(target_os = "linux")]
fn bound_delivery(stream: &TcpStream, deadline: Duration) {
    let millis = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
    if rustix::net::sockopt::set_tcp_user_timeout(stream, millis).is_err() {
        log::warn!("the delivery of replies on a connection has no deadline");
    }
}

/// Only Linux has such a deadline; elsewhere is no place to serve from.
#[cfg(not(target_os = "linux"))]
fn bound_delivery(_: &TcpStream, _: Duration) {}

/// Remembers with a connection which system is at its other end.
fn identify(connection: &dyn Any, extensions: &mut Extensions, systems: &Systems) {
    let Some(stream) = connection.downcast_ref::<TlsStream<TcpStream>>() else { return };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    extensions.insert(Caller(certificate.and_then(|certificate| systems.of(certificate))));
}

/// Writes where every listener is. In one step: who waits for the file finds all of it.
fn write_addresses(file: &Path, bound: &[Bound]) -> std::io::Result<()> {
    let lines: String = bound.iter().map(|bound| format!("{}={}\n", bound.name, bound.address)).collect();
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let beside = file.with_file_name(name);
    std::fs::write(&beside, lines)?;
    std::fs::rename(&beside, file)
}

/// Ends when the process is asked to stop.
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => {
            log::error!("signals cannot be watched: the server has to be killed");
            std::future::pending::<()>().await;
        }
    }
}
