//! The paths of the operators' listener.
//!
//! It must never show an identifier, a name or a message.

use super::Handler;
use super::http::{State, probes};
use actix_web::{HttpResponse, web};

/// All paths.
pub(super) fn routes<H: Handler>(config: &mut web::ServiceConfig) {
    config.route("/metrics", web::get().to(metrics::<H>));
    probes::<H>(config);
}

async fn metrics<H: Handler>(state: web::Data<State<H>>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.counters.render())
}
