//! Gives each clip its turn: at most `MAX_CONCURRENT` ffmpegs at once over all jobs.

use std::fs;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::argv::{Span, argv};
use crate::book::Turn;
use crate::job::{End, Ended};
use crate::runner::{Outcome, Run};
use crate::service::Service;

/// Runs until the service ends.
pub async fn run(service: Arc<Service>) {
    let slots = Arc::new(Semaphore::new(service.config.max_concurrent));
    loop {
        // A slot first, then the clip: who waits, waits in the book, in order.
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let turn = tokio::select! {
            turn = service.book.next_turn() => turn,
            () = service.stopping.cancelled() => return,
        };
        let service = service.clone();
        tokio::spawn(async move {
            cut(&service, turn).await;
            drop(slot);
        });
    }
}

async fn cut(service: &Service, turn: Turn) {
    let outcome = run_clip(service, &turn).await;
    let ended = outcome.ended;
    if let Some(ran) = outcome.ran {
        service.metrics.ffmpeg_ended(ran);
    }
    service.metrics.clips_ended(ended.end, 1);
    let (job, clip) = (&turn.job, turn.number());
    let (status, bytes) = (ended.end.word(), ended.bytes.unwrap_or(0));
    let ran_s = outcome.ran.map_or(0.0, |ran| ran.as_secs_f64());
    match &ended.error {
        None => tracing::info!(job, clip, status, bytes, ran_s, "clip_ended"),
        Some(error) if ended.end == End::Cancelled => {
            tracing::info!(job, clip, status, error, ran_s, "clip_ended");
        }
        Some(error) => tracing::warn!(job, clip, status, error, ran_s, "clip_ended"),
    }
    // What was cancelled is counted in the metrics alone: its job is in no book any more, or we end.
    if ended.end == End::Cancelled {
        return;
    }
    if let Some(status) = service.book.clip_ended(&turn, ended) {
        tracing::info!(job, status = status.word(), "job_ended");
    }
}

async fn run_clip(service: &Service, turn: &Turn) -> Outcome {
    let (config, store) = (&service.config, &service.store);
    let (job, number) = (&turn.job, turn.number());
    if turn.cancel.is_cancelled() {
        return not_run(End::Cancelled, "the job was deleted");
    }
    if let Err(error) = fs::create_dir_all(store.clips_of(job)) {
        tracing::error!(job, error = %error, "no_folder");
        return not_run(End::Failed, "there is no room for the clip");
    }
    let (upload, part) = (store.upload(&turn.upload), store.clip_part(job, number));
    let span = Span::of_seconds(turn.ordered.start_s, turn.ordered.duration_s);
    let run = Run {
        program: &config.ffmpeg,
        guard: &service.guard,
        argv: argv(&config.cutting, span, &upload, &part),
        wording: config.cutting.wording,
        place: store.clip(job, number),
        longest: config.clip_timeout,
        upload,
        part,
    };
    run.run(&turn.cancel, |started| {
        service.metrics.ffmpeg_started();
        service.book.clip_started(turn, started);
        tracing::info!(job, clip = number, "clip_started");
    })
    .await
}

fn not_run(end: End, why: &str) -> Outcome {
    let error = Some(why.to_owned());
    Outcome { ended: Ended { end, error, bytes: None, started: None, ended: None }, ran: None }
}
