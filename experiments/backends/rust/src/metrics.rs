//! Figures in Prometheus' text format.

use std::fmt::Write;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::book::Book;
use crate::job::{End, JobStatus};

const BOUNDS_S: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

#[derive(Default)]
pub struct Metrics {
    clips: [AtomicU64; End::ALL.len()],
    /// How many clips took at most the bound of the same place.
    clips_within: [AtomicU64; BOUNDS_S.len()],
    clips_run: AtomicU64,
    clip_micros: AtomicU64,
    ffmpegs_started: AtomicU64,
    uploads: AtomicU64,
    upload_bytes: AtomicU64,
}

impl Metrics {
    pub fn upload_stored(&self, bytes: u64) {
        self.uploads.fetch_add(1, Relaxed);
        self.upload_bytes.fetch_add(bytes, Relaxed);
    }

    pub fn ffmpeg_started(&self) {
        self.ffmpegs_started.fetch_add(1, Relaxed);
    }

    pub fn ffmpeg_ended(&self, ran: Duration) {
        for (bound_s, clips) in BOUNDS_S.iter().zip(&self.clips_within) {
            if ran.as_secs_f64() <= *bound_s {
                clips.fetch_add(1, Relaxed);
            }
        }
        self.clip_micros.fetch_add(ran.as_micros() as u64, Relaxed);
        self.clips_run.fetch_add(1, Relaxed);
    }

    pub fn clips_ended(&self, end: End, clips: u64) {
        self.clips[end as usize].fetch_add(clips, Relaxed);
    }

    pub fn text(&self, book: &Book) -> String {
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, String)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let one = |value: u64| [(String::new(), value.to_string())];

        let of_status = |word: &str| format!("{{status=\"{word}\"}}");
        let clips = End::ALL
            .map(|end| (of_status(end.word()), self.clips[end as usize].load(Relaxed).to_string()));
        let jobs =
            JobStatus::ALL.map(|status| (of_status(status.word()), book.count(status).to_string()));
        family("clips_total", "counter", "Clips that ended, by how.", &clips);
        family("jobs", "gauge", "Jobs that are known, by status.", &jobs);
        let seconds = "Seconds that an ffmpeg ran for a clip.";
        family("clip_seconds", "histogram", seconds, &self.histogram());
        let run = self.clips_run.load(Relaxed);
        let now = self.ffmpegs_started.load(Relaxed).saturating_sub(run);
        family("ffmpeg_processes", "gauge", "ffmpegs that run now.", &one(now));
        let uploads = self.uploads.load(Relaxed);
        family("uploads_total", "counter", "Uploads that came whole.", &one(uploads));
        let bytes = self.upload_bytes.load(Relaxed);
        family("upload_bytes_total", "counter", "Bytes of those uploads.", &one(bytes));
        if let Some(bytes) = resident_bytes() {
            let help = "Memory of the service itself that is in RAM.";
            family("process_resident_memory_bytes", "gauge", help, &one(bytes));
        }
        text
    }

    fn histogram(&self) -> Vec<(String, String)> {
        let bucket =
            |bound: &str, clips: u64| (format!("_bucket{{le=\"{bound}\"}}"), clips.to_string());
        let run = self.clips_run.load(Relaxed);
        let within = BOUNDS_S.iter().zip(&self.clips_within);
        let mut samples: Vec<_> = within
            .map(|(bound_s, clips)| bucket(&bound_s.to_string(), clips.load(Relaxed).min(run)))
            .collect();
        samples.push(bucket("+Inf", run));
        let seconds = self.clip_micros.load(Relaxed) as f64 / 1e6;
        samples.push(("_sum".into(), seconds.to_string()));
        samples.push(("_count".into(), run.to_string()));
        samples
    }
}

/// Resident pages stand second in this file of the kernel (proc(5)).
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        for millis in [50, 700, 700_000] {
            metrics.ffmpeg_started();
            metrics.ffmpeg_ended(Duration::from_millis(millis));
        }
        metrics.ffmpeg_started();
        metrics.clips_ended(End::Timeout, 2);
        let text = metrics.text(&Book::default());
        for line in [
            "clips_total{status=\"timeout\"} 2",
            "clips_total{status=\"ok\"} 0",
            "clip_seconds_bucket{le=\"0.1\"} 1",
            "clip_seconds_bucket{le=\"1\"} 2",
            "clip_seconds_bucket{le=\"600\"} 2",
            "clip_seconds_bucket{le=\"+Inf\"} 3",
            "clip_seconds_sum 700.75",
            "clip_seconds_count 3",
            "ffmpeg_processes 1",
            "jobs{status=\"queued\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(resident_bytes().unwrap() > 100_000);
    }
}
