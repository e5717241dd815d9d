//! What the parts of the service share, and what more than one of them does.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::book::Book;
use crate::config::Config;
use crate::guard::Guard;
use crate::job::Job;
use crate::metrics::Metrics;
use crate::store::{self, Store};

const RAREST_LOOK: Duration = Duration::from_secs(10);

pub struct Service {
    pub config: Config,
    pub store: Store,
    pub book: Book,
    pub metrics: Metrics,
    /// Ends ffmpegs where the service was killed.
    pub guard: Arc<Guard>,
    /// The version of the ffmpeg that it runs.
    pub ffmpeg_version: String,
    /// Nothing new is begun, and every ffmpeg is ended.
    pub stopping: CancellationToken,
}

impl Service {
    /// Ends what a forgotten job still runs, and removes its files.
    pub async fn clear_away(&self, id: &str, job: &Job) {
        job.cancel.cancel();
        job.workers.close();
        job.workers.wait().await;
        store::remove_folder(&self.store.clips_of(id));
    }

    /// Waits until every ffmpeg has ended, which `stopping` makes them do, for so long at most.
    pub async fn end_all(&self, longest: Duration) {
        let _ = timeout(longest, self.book.nobody_works()).await;
    }

    /// Forgets, for ever, what was kept for long enough.
    pub async fn keep_clean(&self) {
        let keep = self.config.keep;
        loop {
            sleep((keep / 4).min(RAREST_LOOK)).await;
            let expired = self.book.take_expired(keep);
            for upload in expired.uploads {
                store::remove(&self.store.upload(&upload));
                tracing::info!(upload, "upload_expired");
            }
            for (id, job) in expired.jobs {
                self.clear_away(&id, &job).await;
                tracing::info!(job = id, "job_expired");
            }
        }
    }
}
