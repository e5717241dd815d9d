//! Errors as RFC 9457 has them. A detail is our own words: never a path, never a library's text.

use std::io;

use axum::http::header::{ALLOW, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

const RETRY_AFTER_S: u32 = 5;

#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    pub detail: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), header: None }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    pub fn conflict(detail: &str) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    pub fn other_type(wanted: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("the body has to be {wanted}"))
    }

    pub fn busy(detail: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(RETRY_AFTER, RETRY_AFTER_S.into())
    }

    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("here {allow} can be used"))
            .with(ALLOW, HeaderValue::from_static(allow))
    }

    pub fn range_not_satisfiable(bytes: u64) -> Self {
        let problem = Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            format!("the clip has {bytes} bytes, the range lies behind them"),
        );
        match HeaderValue::from_maybe_shared(format!("bytes */{bytes}").into_bytes()) {
            Ok(whole) => problem.with(CONTENT_RANGE, whole),
            Err(_) => problem,
        }
    }

    /// A file could not be written or read: for want of space that is 507, else our own fault.
    pub fn of_disk(error: &io::Error) -> Self {
        match error.kind() {
            // A file that may not grow any more (RLIMIT_FSIZE) is a quota as well.
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "there is no space left for it")
            }
            _ => {
                tracing::error!(error = %error, "disk_failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "a file of the service failed")
            }
        }
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({"title": title, "status": self.status.as_u16(), "detail": self.detail});
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        response.headers_mut().extend(self.header.map(|(name, value)| (Some(name), value)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_space_or_quota_is_507() {
        for code in [28, 122, 27] {
            let problem = Problem::of_disk(&io::Error::from_raw_os_error(code));
            assert_eq!(problem.status, StatusCode::INSUFFICIENT_STORAGE);
        }
        let problem = Problem::of_disk(&io::Error::from_raw_os_error(5));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn a_problem_is_json_of_its_own_type() {
        let response = Problem::busy("the queue is full").into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[RETRY_AFTER], "5");
    }
}
