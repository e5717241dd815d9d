//! A request's body as it flows in: a client that stands still is given up, and what nobody reads any
//! more is dropped for a while so that the answer can be read.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;

use crate::heads::{Heads, TooMuch};
use crate::stall::Stall;

const DROPPED_BYTES: usize = 64 << 20;
const DROPPED_FOR: Duration = Duration::from_secs(5);

/// Why a body did not come whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client is gone, or what it sent is no HTTP.
    Broken,
    /// Less came than a client that is alive sends.
    Stalled,
    /// The parser would have had to hold more than it was allowed.
    TooMuch,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "the body broke off",
            Self::Stalled => "the client stands still",
            Self::TooMuch => "a part's header is too long",
        })
    }
}

impl std::error::Error for Fault {}

/// A handle on a request's body. The last one that goes drops what is left of it in the background.
#[derive(Clone)]
pub struct Inflow(Arc<Mutex<Source>>);

struct Source {
    body: Body,
    stall: Stall,
    end: Option<Result<(), Fault>>,
    heads: Option<Heads>,
}

impl Inflow {
    pub fn new(body: Body, stall_timeout: Duration) -> Self {
        let end = body.is_end_stream().then_some(Ok(()));
        Self(Arc::new(Mutex::new(Source {
            body,
            stall: Stall::new(stall_timeout),
            end,
            heads: None,
        })))
    }

    /// The body is a form whose parts this boundary divides.
    pub fn follow_heads(&self, boundary: &str) {
        self.source().heads = Some(Heads::new(boundary));
    }

    /// Whether all of the body has come.
    pub fn ended(&self) -> bool {
        self.source().end == Some(Ok(()))
    }

    pub fn fault(&self) -> Option<Fault> {
        self.source().end.and_then(Result::err)
    }

    /// The next piece of the body, or None at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            match poll_fn(|cx| Pin::new(&mut *self).poll_frame(cx)).await {
                None => return Ok(None),
                Some(Err(fault)) => return Err(fault),
                // Trailers say nothing to us.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Inflow {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.source().poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Source {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(end) = self.end {
            return Poll::Ready(end.err().map(Err));
        }
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                ready!(self.stall.poll_over(cx));
                return self.poll_end(Err(Fault::Stalled));
            }
            Poll::Ready(None) => return self.poll_end(Ok(())),
            Poll::Ready(Some(Err(_))) => return self.poll_end(Err(Fault::Broken)),
            Poll::Ready(Some(Ok(frame))) => frame,
        };
        let bytes = match frame.into_data() {
            Ok(bytes) => bytes,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        self.stall.moved(bytes.len());
        match self.heads.as_mut().map_or(Ok(bytes.clone()), |heads| heads.pass(bytes)) {
            Ok(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Err(TooMuch) => self.poll_end(Err(Fault::TooMuch)),
        }
    }

    fn poll_end(&mut self, end: Result<(), Fault>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        self.end = Some(end);
        Poll::Ready(end.err().map(Err))
    }
}

impl Drop for Source {
    /// Closing a connection with unread bytes makes the kernel send a reset, and the client would never
    /// read why it was refused. Nobody waits for a client that is gone or stands still.
    fn drop(&mut self) {
        if !matches!(self.end, None | Some(Err(Fault::TooMuch))) {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let body = std::mem::take(&mut self.body);
            runtime.spawn(timeout(DROPPED_FOR, drop_all(body)));
        }
    }
}

async fn drop_all(mut body: Body) {
    let mut dropped = 0;
    while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        dropped += frame.data_ref().map_or(0, Bytes::len);
        if dropped > DROPPED_BYTES {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    fn flowing(bytes: &'static [u8]) -> Inflow {
        Inflow::new(Body::from(bytes), Duration::from_secs(60))
    }

    #[tokio::test]
    async fn a_body_comes_whole() {
        let mut inflow = flowing(&[7; 5000]);
        assert!(!inflow.ended());
        assert_eq!(inflow.next().await.unwrap().unwrap().len(), 5000);
        assert_eq!(inflow.next().await, Ok(None));
        assert!(inflow.ended());
    }

    #[tokio::test]
    async fn a_form_whose_header_is_too_long_is_given_up() {
        let mut inflow = flowing(&[b'a'; 70_000]);
        inflow.follow_heads("b");
        assert_eq!(inflow.next().await, Err(Fault::TooMuch));
        assert_eq!(inflow.fault(), Some(Fault::TooMuch));
    }

    #[tokio::test]
    async fn a_body_without_bytes_has_ended_at_once() {
        assert!(Inflow::new(Body::empty(), Duration::from_secs(60)).ended());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_given_up_in_time() {
        let started = Instant::now();
        let (_held, silent) = tokio::io::duplex(1);
        let body = Body::from_stream(tokio_util::io::ReaderStream::new(silent));
        let mut inflow = Inflow::new(body, Duration::from_secs(3));
        assert_eq!(inflow.next().await, Err(Fault::Stalled));
        assert_eq!(started.elapsed().as_secs(), 3);
    }
}
