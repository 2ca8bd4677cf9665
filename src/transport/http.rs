//! The paths of `http` and `https` on one screen, and the way of one request.
//!
//! One hop to a blocking thread for each request, never more. It must never parse on the threads that move
//! bytes, and never log a body.

use super::soap::{self, HttpAnswer, NoAnswer};
use super::{Handler, Settings, wsdl};
use crate::clock::Clock;
use crate::metrics::Raised;
use crate::transactions::{Endpoint, Peer};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::Semaphore;

/// What every request can reach.
pub(super) struct State<H> {
    pub(super) handler: Arc<H>,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) places: Arc<Semaphore>,
    /// Those of questions in work.
    pub(super) lanes: Arc<Semaphore>,
    pub(super) stopping: AtomicBool,
}

impl<H: Handler> State<H> {
    /// Whether requests should be sent here.
    pub(super) fn is_ready(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.handler.is_ready()
    }
}

/// Who is at the other end of a connection, set once when it is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller(pub(super) Option<String>);

/// All paths.
pub(super) fn routes<H: Handler>(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/pix")
                .route(web::post().to(|r, b, s| post::<H>(Endpoint::Pix, r, b, s)))
                .route(web::get().to(|r: HttpRequest| async move { describe(&Endpoint::Pix, &r) }))
                .default_service(web::to(not_allowed)),
        )
        .service(
            web::resource("/pdq")
                .route(web::post().to(|r, b, s| post::<H>(Endpoint::Pdq, r, b, s)))
                .route(web::get().to(|r: HttpRequest| async move { describe(&Endpoint::Pdq, &r) }))
                .default_service(web::to(not_allowed)),
        );
    probes::<H>(config);
}

/// `/health` and `/ready`, the same on every listener.
pub(super) fn probes<H: Handler>(config: &mut web::ServiceConfig) {
    config.route("/health", web::get().to(health)).route("/ready", web::get().to(ready::<H>));
}

async fn health() -> HttpResponse {
    text(StatusCode::OK, "alive")
}

async fn ready<H: Handler>(state: web::Data<State<H>>) -> HttpResponse {
    let asked = state.clone();
    // The store is asked, which blocks, and on PostgreSQL cannot be done at all on a thread that moves bytes.
    let is_ready = web::block(move || asked.is_ready()).await.unwrap_or(false);
    if is_ready { text(StatusCode::OK, "ready") } else { text(StatusCode::SERVICE_UNAVAILABLE, "not ready") }
}

async fn not_allowed() -> HttpResponse {
    refuse_method()
}

fn refuse_method() -> HttpResponse {
    HttpResponse::MethodNotAllowed().insert_header((ALLOW, "POST")).content_type("text/plain").body("POST only\n")
}

fn describe(endpoint: &Endpoint, request: &HttpRequest) -> HttpResponse {
    if !request.query_string().eq_ignore_ascii_case("wsdl") {
        return refuse_method();
    }
    let scheme = if request.app_config().secure() { "https" } else { "http" };
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    HttpResponse::Ok().content_type("text/xml; charset=UTF-8").body(wsdl::description(endpoint, scheme, host))
}

/// Why a body was not read.
enum NoBody {
    TooLarge,
    TooSlow,
    Broken,
}

async fn post<H: Handler>(
    endpoint: Endpoint,
    request: HttpRequest,
    payload: web::Payload,
    state: web::Data<State<H>>,
) -> HttpResponse {
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let content_type = header(CONTENT_TYPE).map(str::to_owned);
    let encoded = request.headers().contains_key(CONTENT_ENCODING)
        && !header(CONTENT_ENCODING).is_some_and(|coding| coding.trim().eq_ignore_ascii_case("identity"));
    if encoded || soap::media(content_type.as_deref()).is_none() {
        return turn_away(&state, StatusCode::UNSUPPORTED_MEDIA_TYPE, "application/soap+xml only, not compressed");
    }
    let announced = header(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    let body = match read(payload, announced, &state.settings).await {
        Ok(body) => body,
        Err(NoBody::TooLarge) => return turn_away(&state, StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        Err(NoBody::TooSlow) => return turn_away(&state, StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
        Err(NoBody::Broken) => return turn_away(&state, StatusCode::BAD_REQUEST, "the body broke off"),
    };
    let caller = request.conn_data::<Caller>().cloned().unwrap_or_default();
    let begun = Instant::now();
    let answer = match work(endpoint, body, content_type, caller, state.clone().into_inner()).await {
        Ok(answer) => answer,
        Err(none) => {
            state.handler.metrics().request(none.transaction, "unknown", Some(begun.elapsed()));
            return hang_up();
        }
    };
    state.handler.metrics().request(answer.transaction, answer.outcome, Some(begun.elapsed()));
    // actix-http ends a connection after a request that offered an upgrade (h2c: Java's client, on every plain
    // request) without saying so: say it.
    let last = request.head().upgrade() || state.stopping.load(Ordering::Relaxed);
    send(answer, last)
}

/// Reads a body within limit and deadline. A deadline of our own, since HTTP's ends with the head.
async fn read(mut payload: web::Payload, announced: Option<usize>, settings: &Settings) -> Result<Vec<u8>, NoBody> {
    let limit = settings.limits.bytes;
    if announced.is_some_and(|length| length > limit) {
        return Err(NoBody::TooLarge);
    }
    let reading = async {
        let mut body = Vec::with_capacity(announced.unwrap_or_default());
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| NoBody::Broken)?;
            if body.len().saturating_add(chunk.len()) > limit {
                return Err(NoBody::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(settings.body_deadline, reading).await.unwrap_or(Err(NoBody::TooSlow))
}

/// Answers a request on a blocking thread, where there is a place for it.
async fn work<H: Handler>(
    endpoint: Endpoint,
    body: Vec<u8>,
    content_type: Option<String>,
    caller: Caller,
    state: Arc<State<H>>,
) -> Result<HttpAnswer, NoAnswer> {
    let rules = state.settings.rules();
    let clock = state.clock.clone();
    let fresh = move || clock.uuid().to_string();
    let Ok(place) = state.places.clone().try_acquire_owned() else {
        return Ok(soap::overloaded(&rules, &fresh));
    };
    let clock = state.clock.clone();
    let raised = Raised::on(&state.handler.metrics().gauges().in_flight);
    let lane = if is_question(endpoint, &body) { state.lanes.clone().acquire_owned().await.ok() } else { None };
    let done = web::block(move || {
        // The place is free when the work ends, not when a client loses patience.
        let _place = (place, raised, lane);
        let peer = Peer { system: caller.0 };
        let request = soap::Request { body: &body, content_type: content_type.as_deref(), endpoint, peer: &peer };
        soap::exchange(&request, &*state.handler, &rules, &|| clock.uuid().to_string())
    });
    done.await.unwrap_or_else(|_| {
        log::error!("a request broke off outside of its transaction");
        Ok(soap::broken(&rules, &fresh))
    })
}

/// Whether a body looks like a question. It only chooses where the request waits: a feed that looks like one, or a
/// question in another encoding that does not, is answered all the same.
fn is_question(endpoint: Endpoint, body: &[u8]) -> bool {
    const PIX_QUERY: &[u8] = b"PRPA_IN201309UV02";
    const HEAD: usize = 4096;
    let head = body.get(..HEAD).unwrap_or(body);
    endpoint == Endpoint::Pdq || head.windows(PIX_QUERY.len()).any(|part| part == PIX_QUERY)
}

/// Refuses before the body was read; the rest of it is not waited for.
fn turn_away<H: Handler>(state: &State<H>, status: StatusCode, reason: &'static str) -> HttpResponse {
    state.handler.metrics().request("none", "refused", None);
    let mut response = HttpResponse::build(status);
    response.force_close().content_type("text/plain; charset=UTF-8").body(format!("{reason}\n"))
}

/// Ends the connection without a byte: a body that breaks off before anything was sent makes actix-http drop the
/// connection with all that it meant to write.
fn hang_up() -> HttpResponse {
    let broken = futures_util::stream::once(async { Err::<web::Bytes, _>(std::io::Error::other("no answer")) });
    HttpResponse::Ok().streaming(broken)
}

fn send(answer: HttpAnswer, last: bool) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type(answer.content_type);
    for (name, value) in answer.headers {
        response.insert_header((name, value));
    }
    if last {
        response.force_close();
    }
    response.body(answer.body)
}

fn text(status: StatusCode, word: &'static str) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, "2"));
    }
    response.content_type("text/plain; charset=UTF-8").body(format!("{word}\n"))
}
