//! The paths of `http` and `https` on one screen, and the way of one request.
//!
//! One hop to a blocking thread for each request, never more, and none for a brief question, whose answer costs less
//! than the hop. Nothing else must be parsed on the threads that move bytes, and no body logged.

use super::soap::{self, HttpAnswer, NoAnswer};
use super::{Handler, Settings, wsdl};
use crate::clock::Clock;
use crate::metrics::Raised;
use crate::transactions::{Endpoint, Peer};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What every request can reach.
pub(super) struct State<H> {
    pub(super) handler: Arc<H>,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) places: Places,
    pub(super) stopping: AtomicBool,
}

/// What requests have to share.
pub(super) struct Places {
    all: Arc<Semaphore>,
    questions: Arc<Semaphore>,
    /// Those of questions in work.
    lanes: Arc<Semaphore>,
    /// In units of [`UNIT`].
    bodies: Arc<Semaphore>,
}

/// Bytes that are taken from the room for bodies at a time.
const UNIT: usize = 16 * 1024;

/// A longer body is not brief, whatever it asks.
const BRIEF: usize = 64 * 1024;

impl Places {
    pub(super) fn new(settings: &Settings) -> Self {
        let questions = settings.questions.min(settings.in_flight);
        let semaphore = |places: usize| Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self {
            all: semaphore(settings.in_flight),
            questions: semaphore(questions),
            lanes: semaphore(settings.questions_at_once.max(1)),
            bodies: semaphore(settings.body_bytes / UNIT),
        }
    }

    /// A place for a feed or for a question, which leaves some to feeds; none where all are taken.
    fn take(&self, feed: bool) -> Option<[Option<OwnedSemaphorePermit>; 2]> {
        let question = if feed { None } else { Some(Arc::clone(&self.questions).try_acquire_owned().ok()?) };
        Some([question, Some(Arc::clone(&self.all).try_acquire_owned().ok()?)])
    }
}

/// A body, and the room that it takes as long as it is kept.
struct Body {
    bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

impl Body {
    /// Takes one more piece; false where there is no room.
    fn push(&mut self, chunk: &[u8], bodies: &Arc<Semaphore>) -> bool {
        let length = self.bytes.len().saturating_add(chunk.len());
        let held = self.room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = length.div_ceil(UNIT).saturating_sub(held);
        if more > 0 {
            let taken = u32::try_from(more).ok().and_then(|more| Arc::clone(bodies).try_acquire_many_owned(more).ok());
            let Some(taken) = taken else { return false };
            match &mut self.room {
                Some(room) => room.merge(taken),
                None => self.room = Some(taken),
            }
        }
        self.bytes.extend_from_slice(chunk);
        true
    }
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
    NoRoom,
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
    let body = match read(payload, announced, &state.settings, &state.places.bodies).await {
        Ok(body) => body,
        Err(NoBody::TooLarge) => return turn_away(&state, StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        Err(NoBody::TooSlow) => return turn_away(&state, StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
        Err(NoBody::NoRoom) => return overloaded(&state),
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

/// Reads a body within its limits of size, time and rate. A deadline of our own, since HTTP's ends with the head.
async fn read(
    mut payload: web::Payload,
    announced: Option<usize>,
    settings: &Settings,
    bodies: &Arc<Semaphore>,
) -> Result<Body, NoBody> {
    let limit = settings.limits.bytes;
    if announced.is_some_and(|length| length > limit) {
        return Err(NoBody::TooLarge);
    }
    let mut body = Body { bytes: Vec::with_capacity(announced.unwrap_or_default().min(UNIT)), room: None };
    let begun = Instant::now();
    loop {
        let due = patience(settings, body.bytes.len());
        let Some(left) = due.checked_sub(begun.elapsed()) else { return Err(NoBody::TooSlow) };
        let Ok(next) = tokio::time::timeout(left, payload.next()).await else { return Err(NoBody::TooSlow) };
        let Some(chunk) = next else { return Ok(body) };
        let chunk = chunk.map_err(|_| NoBody::Broken)?;
        if body.bytes.len().saturating_add(chunk.len()) > limit {
            return Err(NoBody::TooLarge);
        }
        if !body.push(&chunk, bodies) {
            return Err(NoBody::NoRoom);
        }
    }
}

/// How long after its beginning a body of which `received` bytes have come may still be waited for.
fn patience(settings: &Settings, received: usize) -> Duration {
    let paid = u64::try_from(received).unwrap_or(u64::MAX).saturating_mul(1_000) / u64::from(settings.body_rate.max(1));
    settings.body_patience.saturating_add(Duration::from_millis(paid)).min(settings.body_deadline)
}

/// Answers a request where there is a place for it: on a blocking thread, or here and now where it is brief.
async fn work<H: Handler>(
    endpoint: Endpoint,
    body: Body,
    content_type: Option<String>,
    caller: Caller,
    state: Arc<State<H>>,
) -> Result<HttpAnswer, NoAnswer> {
    let rules = state.settings.rules();
    let clock = state.clock.clone();
    let fresh = move || clock.uuid().to_string();
    let feed = state.handler.seems_a_feed(endpoint, &body.bytes);
    let brief = !feed && body.bytes.len() <= BRIEF && state.handler.seems_brief(endpoint, &body.bytes);
    let Some(place) = state.places.take(feed) else {
        return Ok(soap::overloaded(&rules, &fresh));
    };
    let clock = state.clock.clone();
    let raised = Raised::on(&state.handler.metrics().gauges().in_flight);
    // As many questions as there are lanes find a connection to the store; only then nothing is waited for.
    let free = if feed { None } else { Arc::clone(&state.places.lanes).try_acquire_owned().ok() };
    let here = brief && free.is_some();
    let lane = match free {
        None if !feed => Arc::clone(&state.places.lanes).acquire_owned().await.ok(),
        free => free,
    };
    let answer = move || {
        // The place is free when the work ends, not when a client loses patience.
        let _place = (place, raised, lane, body.room);
        let peer = Peer { system: caller.0 };
        let request = soap::Request { body: &body.bytes, content_type: content_type.as_deref(), endpoint, peer: &peer };
        soap::exchange(&request, &*state.handler, &rules, &|| clock.uuid().to_string())
    };
    let done = if here {
        // A defect in one request must not end the thread that moves the bytes of others.
        std::panic::catch_unwind(AssertUnwindSafe(answer)).ok()
    } else {
        web::block(answer).await.ok()
    };
    done.unwrap_or_else(|| {
        log::error!("a request broke off outside of its transaction");
        Ok(soap::broken(&rules, &fresh))
    })
}

/// Refuses for want of room before the body was read.
fn overloaded<H: Handler>(state: &State<H>) -> HttpResponse {
    let clock = &state.clock;
    let answer = soap::overloaded(&state.settings.rules(), &|| clock.uuid().to_string());
    state.handler.metrics().request(answer.transaction, answer.outcome, None);
    send(answer, true)
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
