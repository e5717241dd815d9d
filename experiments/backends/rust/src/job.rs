//! A job and its clips: what is known of them, and how they are told.

use std::time::{Instant, SystemTime};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock;

/// A clip as it was ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ordered {
    pub start_s: f64,
    pub duration_s: f64,
}

/// How an ffmpeg ended, or why it never ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Ok,
    Failed,
    Killed,
    Timeout,
    Cancelled,
}

impl End {
    pub const ALL: [Self; 5] =
        [Self::Ok, Self::Failed, Self::Killed, Self::Timeout, Self::Cancelled];

    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A clip that has ended. What never started has no times.
#[derive(Clone, Debug)]
pub struct Ended {
    pub end: End,
    pub error: Option<String>,
    pub bytes: Option<u64>,
    pub started: Option<SystemTime>,
    pub ended: Option<SystemTime>,
}

pub enum ClipState {
    Queued,
    Running(SystemTime),
    Ended(Ended),
}

pub struct Clip {
    pub ordered: Ordered,
    pub state: ClipState,
}

pub struct Job {
    pub upload: String,
    pub created: SystemTime,
    pub clips: Vec<Clip>,
    /// Since when no clip waits or runs.
    pub ended: Option<Instant>,
    /// Ends the job's ffmpegs.
    pub cancel: CancellationToken,
    /// Those that work on its clips.
    pub workers: TaskTracker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    Queued,
    Running,
    Done,
    Failed,
}

impl JobStatus {
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

impl Job {
    pub fn new(upload: String, ordered: &[Ordered], cancel: CancellationToken) -> Self {
        let clip = |ordered: &Ordered| Clip { ordered: *ordered, state: ClipState::Queued };
        Self {
            upload,
            created: SystemTime::now(),
            clips: ordered.iter().map(clip).collect(),
            ended: None,
            cancel,
            workers: TaskTracker::new(),
        }
    }

    pub fn status(&self) -> JobStatus {
        let (mut all_ok, mut all_ended, mut all_queued) = (true, true, true);
        for clip in &self.clips {
            all_queued &= matches!(clip.state, ClipState::Queued);
            match &clip.state {
                ClipState::Ended(ended) => all_ok &= ended.end == End::Ok,
                _ => all_ended = false,
            }
        }
        match (all_ended, all_queued) {
            (true, _) if all_ok => JobStatus::Done,
            (true, _) => JobStatus::Failed,
            (_, true) => JobStatus::Queued,
            _ => JobStatus::Running,
        }
    }

    pub fn told(&self, id: &str) -> ToldJob {
        let clips = self.clips.iter().enumerate();
        ToldJob {
            id: id.to_owned(),
            upload: self.upload.clone(),
            status: self.status().word(),
            created_s: clock::seconds(self.created),
            clips: clips.map(|(index, clip)| clip.told(id, index + 1)).collect(),
        }
    }
}

impl Clip {
    fn told(&self, job: &str, number: usize) -> ToldClip {
        let mut told = ToldClip {
            number,
            start_s: self.ordered.start_s,
            duration_s: self.ordered.duration_s,
            status: "queued",
            error: None,
            bytes: None,
            url: None,
            started_s: None,
            ended_s: None,
        };
        match &self.state {
            ClipState::Queued => {}
            ClipState::Running(started) => {
                told.status = "running";
                told.started_s = Some(clock::seconds(*started));
            }
            ClipState::Ended(ended) => {
                told.status = ended.end.word();
                told.error.clone_from(&ended.error);
                told.bytes = ended.bytes;
                told.url = (ended.end == End::Ok).then(|| format!("/jobs/{job}/clips/{number}"));
                told.started_s = ended.started.map(clock::seconds);
                told.ended_s = ended.ended.map(clock::seconds);
            }
        }
        told
    }
}

/// A job as clients read it.
#[derive(Serialize)]
pub struct ToldJob {
    pub id: String,
    upload: String,
    status: &'static str,
    created_s: f64,
    clips: Vec<ToldClip>,
}

#[derive(Serialize)]
struct ToldClip {
    number: usize,
    start_s: f64,
    duration_s: f64,
    status: &'static str,
    error: Option<String>,
    bytes: Option<u64>,
    url: Option<String>,
    started_s: Option<f64>,
    ended_s: Option<f64>,
}
