//! Ordering clips, looking at a job, and deleting it.

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{Shared, content_length, is_of_type};
use crate::book::Refusal;
use crate::ids::new_id;
use crate::inflow::Inflow;
use crate::job::{End, Job, ToldJob};
use crate::order;
use crate::problem::Problem;

const LONGEST_ORDER: usize = 1 << 20;

pub async fn create(
    State(service): Shared,
    Extension(inflow): Extension<Inflow>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if service.stopping.is_cancelled() {
        return Err(Problem::busy("the service is ending"));
    }
    if !is_of_type(&headers, "application/json") {
        return Err(Problem::other_type("application/json"));
    }
    let text = tokio::select! {
        text = whole(inflow, &headers) => text?,
        () = service.stopping.cancelled() => return Err(Problem::busy("the service is ending")),
    };
    let order = order::read(&text, service.config.max_clips)?;
    let id = new_id();
    let job = Job::new(order.upload, &order.clips, service.stopping.child_token());
    let (upload, clips) = (job.upload.clone(), job.clips.len());
    let told = service.book.add_job(&id, job, service.config.queue_limit);
    let told = told.map_err(|refusal| match refusal {
        Refusal::QueueFull => Problem::busy("the queue is full"),
        _ => Problem::not_found("upload"),
    })?;
    tracing::info!(job = id, upload, clips, "job_queued");
    let place = [(LOCATION, format!("/jobs/{id}"))];
    Ok((StatusCode::ACCEPTED, place, Json(told)).into_response())
}

pub async fn show(
    State(service): Shared,
    Path(id): Path<String>,
) -> Result<Json<ToldJob>, Problem> {
    service.book.told(&id).map(Json).ok_or_else(|| Problem::not_found("job"))
}

pub async fn remove(State(service): Shared, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let (job, waited) = service.book.take_job(&id).ok_or_else(|| Problem::not_found("job"))?;
    service.metrics.clips_ended(End::Cancelled, waited as u64);
    // A client that leaves takes this handler with it, not the work.
    let work = tokio::spawn(async move {
        service.clear_away(&id, &job).await;
        tracing::info!(job = id, "job_deleted");
    });
    // It can be lost by the runtime's end alone.
    let _ = work.await;
    Ok(StatusCode::NO_CONTENT)
}

async fn whole(mut inflow: Inflow, headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::too_large("an order has at most 1 MiB");
    if content_length(headers).is_some_and(|length| length > LONGEST_ORDER as u64) {
        return Err(too_large());
    }
    let mut text = Vec::new();
    while let Some(bytes) = inflow.next().await? {
        if text.len() + bytes.len() > LONGEST_ORDER {
            return Err(too_large());
        }
        text.extend_from_slice(&bytes);
    }
    Ok(text)
}
