//! Taking an upload, and removing it.

use axum::Json;
use axum::extract::{Extension, FromRequest, Multipart, Path, Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Shared, content_length, is_of_type};
use crate::book::Refusal;
use crate::disposition::boundary;
use crate::ids::new_id;
use crate::inflow::Inflow;
use crate::problem::Problem;
use crate::receive::receive;
use crate::service::Service;
use crate::sink::Sink;
use crate::store;

/// What a body may have beside its file, before its length alone is too much.
const OTHER_BYTES: u64 = 1 << 20;

pub async fn create(
    State(service): Shared,
    Extension(inflow): Extension<Inflow>,
    request: Request,
) -> Result<Response, Problem> {
    let id = new_id();
    let taken = tokio::select! {
        taken = take(&service, &id, &inflow, request) => taken,
        () = service.stopping.cancelled() => Err(Problem::busy("the service is ending")),
    };
    match taken {
        Ok(bytes) => {
            tracing::info!(upload = id, bytes, "upload_stored");
            service.metrics.upload_stored(bytes);
            let place = [(LOCATION, format!("/uploads/{id}"))];
            let told = Json(json!({"id": id, "bytes": bytes}));
            Ok((StatusCode::CREATED, place, told).into_response())
        }
        Err(problem) => {
            let (status, reason) = (problem.status.as_u16(), &problem.detail);
            tracing::warn!(status, reason, "upload_refused");
            Err(problem)
        }
    }
}

async fn take(
    service: &Service,
    id: &str,
    inflow: &Inflow,
    mut request: Request,
) -> Result<u64, Problem> {
    let most = service.config.max_upload_bytes;
    if !is_of_type(request.headers(), "multipart/form-data") {
        return Err(Problem::other_type("multipart/form-data"));
    }
    if content_length(request.headers()).is_some_and(|length| length > most + OTHER_BYTES) {
        return Err(Problem::too_large(format!("a file has at most {most} bytes")));
    }
    let no_boundary = || Problem::bad_request("the content type names no boundary");
    let content_type = request.headers().get(CONTENT_TYPE);
    let boundary = content_type.and_then(|found| boundary(found.as_bytes()));
    let boundary = boundary.ok_or_else(no_boundary)?;
    inflow.follow_heads(&boundary);
    // axum's extractor reads the header again, by a stricter grammar.
    let quoted = HeaderValue::try_from(format!("multipart/form-data; boundary=\"{boundary}\""));
    request.headers_mut().insert(CONTENT_TYPE, quoted.map_err(|_| no_boundary())?);
    let multipart = Multipart::from_request(request, &()).await.map_err(|_| no_boundary())?;
    let sink = Sink::open(service.config.upload_to, &service.store, id)
        .map_err(|error| Problem::of_disk(&error))?;
    let film = receive(multipart, inflow.clone(), sink, most).await?;
    let bytes = film.place(&service.store, id).await.map_err(|error| Problem::of_disk(&error))?;
    // Nothing is waited for between the file's move and this: no file without an entry.
    service.book.add_upload(id.to_owned());
    Ok(bytes)
}

pub async fn remove(State(service): Shared, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    service.book.take_upload(&id).map_err(|refusal| match refusal {
        Refusal::InUse => Problem::conflict("a job that waits or runs uses it"),
        _ => Problem::not_found("upload"),
    })?;
    store::remove(&service.store.upload(&id));
    tracing::info!(upload = id, "upload_deleted");
    Ok(StatusCode::NO_CONTENT)
}
