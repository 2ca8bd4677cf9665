//! The paths of the operators' listener.
//!
//! It must never show an identifier, a name or a message.

use super::Handler;
use super::http::{State, probes};
use crate::metrics::MEDIA_TYPE;
use actix_web::{HttpResponse, web};

/// All paths.
pub(super) fn routes<H: Handler>(config: &mut web::ServiceConfig) {
    config.route("/metrics", web::get().to(metrics::<H>));
    probes::<H>(config);
}

async fn metrics<H: Handler>(state: web::Data<State<H>>) -> HttpResponse {
    let handler = state.handler.clone();
    // Where measuring breaks off, what was counted is shown all the same.
    let _ = web::block(move || handler.measure()).await;
    HttpResponse::Ok().content_type(MEDIA_TYPE).body(state.handler.metrics().render())
}
