//! The pages of the service, matched to the letter, and what holds for all of them.

mod clips;
mod health;
mod jobs;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};

use crate::inflow::{Fault, Inflow};
use crate::problem::Problem;
use crate::service::Service;

type Shared = State<Arc<Service>>;
type Routed = MethodRouter<Arc<Service>>;

pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/uploads", others_refused(post(uploads::create), "POST"))
        .route("/uploads/{id}", others_refused(delete(uploads::remove), "DELETE"))
        .route("/jobs", others_refused(post(jobs::create), "POST"))
        .route(
            "/jobs/{id}",
            others_refused(
                get_alone(jobs::show, "GET, DELETE").delete(jobs::remove),
                "GET, DELETE",
            ),
        )
        .route("/jobs/{id}/clips/{number}", others_refused(get(clips::fetch), "GET, HEAD"))
        .route("/health", others_refused(get_alone(health::health, "GET"), "GET"))
        .route("/metrics", others_refused(get_alone(health::metrics, "GET"), "GET"))
        .fallback(no_page)
        .layer(from_fn_with_state(service.clone(), guard))
        .layer(DefaultBodyLimit::disable())
        .with_state(service)
}

/// axum answers HEAD wherever it answers GET; the contract has it for clips alone.
fn get_alone<H, T>(handler: H, allow: &'static str) -> Routed
where
    H: Handler<T, Arc<Service>>,
    T: 'static,
{
    get(handler).head(move || async move { Problem::method_not_allowed(allow) })
}

fn others_refused(routed: Routed, allow: &'static str) -> Routed {
    routed.fallback(move || async move { Problem::method_not_allowed(allow) })
}

async fn no_page() -> Problem {
    Problem::not_found("page")
}

/// Lets handlers read the body as it flows in. A body that was refused, or answered before its end, ends
/// the connection with the answer.
async fn guard(State(service): Shared, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let inflow = Inflow::new(body, service.config.stall_timeout);
    let has_body = !inflow.ended();
    parts.extensions.insert(inflow.clone());
    // axum undoes percent signs in the parts of a path; here no page has one.
    let to_the_letter = !parts.uri.path().contains('%');
    let request = Request::from_parts(parts, Body::new(inflow.clone()));
    let mut response = if to_the_letter {
        next.run(request).await
    } else {
        drop(request);
        no_page().await.into_response()
    };
    let refused = has_body && !response.status().is_success();
    if refused || !inflow.ended() || service.stopping.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether the body is of this media type, whatever its parameters.
fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().split(|byte| *byte == b';').next())
        .is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Broken => Self::bad_request("the body broke off"),
            Fault::TooMuch => {
                Self::bad_request("a part's header has over 16 kB, or over 64 kB stand in front")
            }
            Fault::Stalled => Self::new(
                axum::http::StatusCode::REQUEST_TIMEOUT,
                "under 1 kB of the body came within the time allowed",
            ),
        }
    }
}
