//! When a client stands still: under 1 kB within the time that it has, its own pauses alone counted.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

const MOVING_BYTES: usize = 1000;

pub struct Stall {
    allowed: Duration,
    /// Since when we wait for the client, if we do.
    since: Option<Instant>,
    waited: Duration,
    moved_bytes: usize,
    alarm: Pin<Box<Sleep>>,
}

impl Stall {
    pub fn new(allowed: Duration) -> Self {
        Self {
            allowed,
            since: None,
            waited: Duration::ZERO,
            moved_bytes: 0,
            alarm: Box::pin(sleep_until(Instant::now())),
        }
    }

    /// Bytes came. A disk that keeps *us* waiting in between is not the client's fault.
    pub fn moved(&mut self, bytes: usize) {
        if let Some(since) = self.since.take() {
            self.waited += since.elapsed();
        }
        self.moved_bytes += bytes;
        if self.moved_bytes >= MOVING_BYTES {
            self.moved_bytes = 0;
            self.waited = Duration::ZERO;
        }
    }

    /// Nothing came: ready once the client has stood still for too long.
    pub fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.since.is_none() {
            let now = Instant::now();
            self.since = Some(now);
            self.alarm.as_mut().reset(now + self.allowed.saturating_sub(self.waited));
        }
        ready!(self.alarm.as_mut().poll(cx));
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::time::{advance, timeout};

    const SECOND: Duration = Duration::from_secs(1);

    async fn still_waits(stall: &mut Stall, during: Duration) -> bool {
        timeout(during, poll_fn(|cx| stall.poll_over(cx))).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_that_moves_may_take_for_ever() {
        let mut stall = Stall::new(2 * SECOND);
        for _ in 0..20 {
            assert!(still_waits(&mut stall, SECOND).await);
            stall.moved(1000);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_no_movement() {
        let mut stall = Stall::new(4 * SECOND);
        let mut seconds = 0;
        while still_waits(&mut stall, SECOND).await {
            stall.moved(100);
            seconds += 1;
        }
        assert_eq!(seconds, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_we_do_not_read_is_ours() {
        let mut stall = Stall::new(2 * SECOND);
        assert!(still_waits(&mut stall, SECOND).await);
        stall.moved(1);
        advance(60 * SECOND).await;
        assert!(still_waits(&mut stall, SECOND / 2).await);
    }
}
