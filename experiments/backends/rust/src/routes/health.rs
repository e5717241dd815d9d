//! For whoever runs the service.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;

pub async fn health(State(service): Shared) -> Json<Value> {
    Json(json!({
        "status": "ok",
        "backend": "rust",
        "version": env!("CARGO_PKG_VERSION"),
        "ffmpeg": service.ffmpeg_version,
    }))
}

pub async fn metrics(State(service): Shared) -> Response {
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, service.metrics.text(&service.book)).into_response()
}
