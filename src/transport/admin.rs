//! The paths of the operators' listener.
//!
//! Metrics and probes never show an identifier, a name or a message. The calls below `/api/v1` do: they want the token,
//! and are audited. What is called is never logged, since the path names persons.

use super::Handler;
use super::http::{State, probes};
use crate::access::Principal;
use crate::desk::{self, Answer, Request};
use crate::metrics::MEDIA_TYPE;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};

/// Most bytes of a call.
const LARGEST: usize = 1024 * 1024;
/// Who calls, for the audit trail.
const STEWARD: &str = "Nayose-Steward";
/// Longest name of a steward.
const LONGEST: usize = 64;

/// All paths.
pub(super) fn routes<H: Handler>(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(LARGEST))
        .route("/metrics", web::get().to(metrics::<H>))
        .service(web::resource("/api/v1/{call:.*}").to(call::<H>));
    probes::<H>(config);
}

async fn metrics<H: Handler>(state: web::Data<State<H>>) -> HttpResponse {
    let handler = state.handler.clone();
    // Where measuring breaks off, what was counted is shown all the same.
    let _ = web::block(move || handler.measure()).await;
    HttpResponse::Ok().content_type(MEDIA_TYPE).body(state.handler.metrics().render())
}

async fn call<H: Handler>(request: HttpRequest, body: web::Bytes, state: web::Data<State<H>>) -> HttpResponse {
    let uri = request.uri().clone();
    let path = uri.path().strip_prefix(desk::BASE).unwrap_or_default();
    if path == "/openapi.json" && request.method().as_str() == "GET" {
        let told = desk::document().to_string();
        return answer(Answer { status: 200, media: "application/json", body: told });
    }
    let Some(desk) = state.handler.desk() else { return HttpResponse::NotFound().finish() };
    let may = may_call(&request, &state);
    let (who, method) = (steward(&request), request.method().as_str().to_owned());
    let done = web::block(move || {
        let path = uri.path().strip_prefix(desk::BASE).unwrap_or_default();
        let query = uri.query().unwrap_or_default();
        let asked = Request { method: &method, path, query, body: &body };
        match who.filter(|_| may) {
            Some(who) => desk.answer(&who, &asked),
            None => desk.stranger(),
        }
    });
    done.await.map_or_else(
        |_| {
            log::error!("a call of an operator broke off");
            answer(desk::Problem::of("defect").answer())
        },
        answer,
    )
}

/// Whether the caller has shown the token.
fn may_call<H>(request: &HttpRequest, state: &State<H>) -> bool {
    let shown = request.headers().get(AUTHORIZATION).and_then(|shown| shown.to_str().ok());
    let shown = shown.and_then(|shown| shown.strip_prefix("Bearer ")).map(str::trim);
    state.settings.token.as_ref().zip(shown).is_some_and(|(token, shown)| token.is(shown))
}

/// Who calls: whoever holds the token says so. None where the name cannot be kept.
fn steward(request: &HttpRequest) -> Option<Principal> {
    let Some(name) = request.headers().get(STEWARD) else { return Some(Principal::operator()) };
    let name = name.to_str().ok()?.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
    let right = !name.is_empty() && name.len() <= LONGEST && name.chars().all(plain);
    right.then(|| Principal::system(&format!("steward:{name}")))
}

fn answer(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.content_type(answer.media).insert_header((CACHE_CONTROL, "no-store"));
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, "Bearer"));
    }
    response.body(answer.body)
}
