//! Fetching a clip, whole or one range of it.

use std::io::{ErrorKind, SeekFrom};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE,
    RANGE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::Shared;
use crate::problem::Problem;
use crate::ranges::{Wanted, wanted};

const BLOCK_BYTES: usize = 64 << 10;

pub async fn fetch(
    State(service): Shared,
    method: Method,
    Path((job, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let unknown = || Problem::not_found("clip");
    let number = plain_number(&number).ok_or_else(unknown)?;
    let bytes = service
        .book
        .clip_bytes(&job, number)
        .map_err(|_| unknown())?
        .ok_or_else(|| Problem::conflict("the clip is not ok, or not yet"))?;
    // A clip never changes, and a job's id comes once: they name it for ever.
    let etag = format!("\"{job}-{number}\"");
    if lists(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    // Ranges are defined for GET alone (RFC 9110, section 14.2).
    let asked = if method == Method::GET { asked(&headers, &etag, bytes) } else { Wanted::Whole };
    let (first, last) = match asked {
        Wanted::Whole => (0, bytes.saturating_sub(1)),
        Wanted::Part(first, last) => (first, last),
        Wanted::Nothing => return Err(Problem::range_not_satisfiable(bytes)),
    };
    let length = if bytes == 0 { 0 } else { last - first + 1 };
    let opened = File::open(service.store.clip(&job, number)).await;
    let mut file = opened.map_err(|error| match error.kind() {
        // Deleted since: no clip any more.
        ErrorKind::NotFound => unknown(),
        _ => Problem::of_disk(&error),
    })?;
    file.seek(SeekFrom::Start(first)).await.map_err(|error| Problem::of_disk(&error))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), BLOCK_BYTES));
    let about = [
        (CONTENT_TYPE, "video/mp4".to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
        (ETAG, etag),
        (CONTENT_LENGTH, length.to_string()),
    ];
    if asked == Wanted::Whole {
        return Ok((about, body).into_response());
    }
    let range = [(CONTENT_RANGE, format!("bytes {first}-{last}/{bytes}"))];
    Ok((StatusCode::PARTIAL_CONTENT, about, range, body).into_response())
}

fn plain_number(text: &str) -> Option<usize> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

fn asked(headers: &HeaderMap, etag: &str, bytes: u64) -> Wanted {
    let mut ranges = headers.get_all(RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    let of_another = headers.get(IF_RANGE).is_some_and(|found| found.as_bytes() != etag.as_bytes());
    match range.to_str() {
        Ok(range) if !of_another => wanted(range, bytes),
        _ => Wanted::Whole,
    }
}

/// Whether the client has the clip already.
fn lists(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == etag)
}
