//! What the service knows: uploads, jobs, and the clips that wait, first come first served. In memory
//! alone; nothing here touches a file or a process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::job::{ClipState, End, Ended, Job, JobStatus, Ordered, ToldJob};

#[derive(Default)]
pub struct Book {
    entries: Mutex<Entries>,
    clip_waits: Notify,
}

#[derive(Default)]
struct Entries {
    uploads: HashMap<String, Upload>,
    jobs: HashMap<String, Job>,
    /// Job and index of each clip that waits.
    waiting: VecDeque<(String, usize)>,
}

struct Upload {
    /// Jobs that wait or run and use it.
    users: usize,
    unused_since: Instant,
}

/// A clip whose turn it is. Whoever holds it works on its job.
pub struct Turn {
    pub job: String,
    pub index: usize,
    pub upload: String,
    pub ordered: Ordered,
    pub cancel: CancellationToken,
    _worker: TaskTrackerToken,
}

impl Turn {
    pub fn number(&self) -> usize {
        self.index + 1
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Unknown,
    InUse,
    QueueFull,
}

/// What has been kept for long enough.
pub struct Expired {
    pub uploads: Vec<String>,
    pub jobs: Vec<(String, Job)>,
}

impl Book {
    pub fn add_upload(&self, id: String) {
        let upload = Upload { users: 0, unused_since: Instant::now() };
        self.entries().uploads.insert(id, upload);
    }

    pub fn take_upload(&self, id: &str) -> Result<(), Refusal> {
        let mut entries = self.entries();
        match entries.uploads.get(id) {
            None => Err(Refusal::Unknown),
            Some(upload) if upload.users > 0 => Err(Refusal::InUse),
            Some(_) => {
                entries.uploads.remove(id);
                Ok(())
            }
        }
    }

    /// Orders clips of an upload, unless `limit` jobs wait or run.
    pub fn add_job(&self, id: &str, job: Job, limit: usize) -> Result<ToldJob, Refusal> {
        let mut entries = self.entries();
        let active = entries.jobs.values().filter(|job| job.ended.is_none()).count();
        let upload = entries.uploads.get_mut(&job.upload).ok_or(Refusal::Unknown)?;
        if active >= limit {
            return Err(Refusal::QueueFull);
        }
        upload.users += 1;
        let told = job.told(id);
        entries.waiting.extend((0..job.clips.len()).map(|index| (id.to_owned(), index)));
        entries.jobs.insert(id.to_owned(), job);
        self.clip_waits.notify_one();
        Ok(told)
    }

    pub fn told(&self, id: &str) -> Option<ToldJob> {
        self.entries().jobs.get(id).map(|job| job.told(id))
    }

    /// The size of a clip that is ok. None: it is not, or not yet.
    pub fn clip_bytes(&self, job: &str, number: usize) -> Result<Option<u64>, Refusal> {
        let entries = self.entries();
        let job = entries.jobs.get(job).ok_or(Refusal::Unknown)?;
        let index = number.checked_sub(1).ok_or(Refusal::Unknown)?;
        match &job.clips.get(index).ok_or(Refusal::Unknown)?.state {
            ClipState::Ended(ended) if ended.end == End::Ok => Ok(ended.bytes),
            _ => Ok(None),
        }
    }

    /// Waits for the next clip.
    pub async fn next_turn(&self) -> Turn {
        loop {
            if let Some(turn) = self.turn() {
                return turn;
            }
            self.clip_waits.notified().await;
        }
    }

    fn turn(&self) -> Option<Turn> {
        let mut entries = self.entries();
        let (id, index) = entries.waiting.pop_front()?;
        let job = entries.jobs.get(&id)?;
        Some(Turn {
            index,
            upload: job.upload.clone(),
            ordered: job.clips[index].ordered,
            cancel: job.cancel.clone(),
            _worker: job.workers.token(),
            job: id,
        })
    }

    pub fn clip_started(&self, turn: &Turn, started: SystemTime) {
        if let Some(job) = self.entries().jobs.get_mut(&turn.job) {
            job.clips[turn.index].state = ClipState::Running(started);
        }
    }

    /// Notes a clip's end; the job's status where it was the job's last.
    pub fn clip_ended(&self, turn: &Turn, ended: Ended) -> Option<JobStatus> {
        // At one stroke: whoever reads that a job has ended may delete its upload.
        let mut entries = self.entries();
        let job = entries.jobs.get_mut(&turn.job)?;
        job.clips[turn.index].state = ClipState::Ended(ended);
        let status = job.status();
        if status.is_active() {
            return None;
        }
        job.ended = Some(Instant::now());
        entries.release(&turn.upload);
        Some(status)
    }

    /// Forgets a job; says how many of its clips waited. Its ffmpegs and files are the caller's to end
    /// and to remove.
    pub fn take_job(&self, id: &str) -> Option<(Job, usize)> {
        let mut entries = self.entries();
        let job = entries.jobs.remove(id)?;
        let all_waiting = entries.waiting.len();
        if job.ended.is_none() {
            entries.waiting.retain(|(waiting, _)| waiting != id);
            entries.release(&job.upload);
        }
        Some((job, all_waiting - entries.waiting.len()))
    }

    /// Forgets what has been kept for `keep` since it ended or was used.
    pub fn take_expired(&self, keep: Duration) -> Expired {
        let mut entries = self.entries();
        let old = |since: Instant| since.elapsed() >= keep;
        Expired {
            uploads: entries
                .uploads
                .extract_if(|_, upload| upload.users == 0 && old(upload.unused_since))
                .map(|(id, _)| id)
                .collect(),
            jobs: entries.jobs.extract_if(|_, job| job.ended.is_some_and(old)).collect(),
        }
    }

    /// Waits until no clip is worked on.
    pub async fn nobody_works(&self) {
        let workers: Vec<_> = self.entries().jobs.values().map(|job| job.workers.clone()).collect();
        for tracker in workers {
            tracker.close();
            tracker.wait().await;
        }
    }

    pub fn count(&self, status: JobStatus) -> usize {
        self.entries().jobs.values().filter(|job| job.status() == status).count()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn release(&mut self, upload: &str) {
        if let Some(upload) = self.uploads.get_mut(upload) {
            upload.users -= 1;
            upload.unused_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: Ordered = Ordered { start_s: 0.0, duration_s: 1.0 };

    fn job(upload: &str, clips: usize) -> Job {
        Job::new(upload.into(), &vec![CLIP; clips], CancellationToken::new())
    }

    fn book() -> Book {
        let book = Book::default();
        book.add_upload("film".into());
        book
    }

    fn ended(end: End) -> Ended {
        Ended { end, error: None, bytes: Some(9), started: None, ended: None }
    }

    #[tokio::test]
    async fn clips_come_in_the_order_of_their_jobs() {
        let book = book();
        book.add_job("one", job("film", 2), 9).ok().unwrap();
        book.add_job("two", job("film", 1), 9).ok().unwrap();
        let mut turns = Vec::new();
        for _ in 0..3 {
            let turn = book.next_turn().await;
            turns.push((turn.job.clone(), turn.number()));
        }
        assert_eq!(turns, [("one".into(), 1), ("one".into(), 2), ("two".into(), 1)]);
    }

    #[tokio::test]
    async fn a_job_is_failed_where_one_clip_is_not_ok() {
        let book = book();
        book.add_job("one", job("film", 2), 9).ok().unwrap();
        let (first, second) = (book.next_turn().await, book.next_turn().await);
        assert_eq!(book.count(JobStatus::Queued), 1);
        book.clip_started(&first, SystemTime::now());
        assert_eq!(book.count(JobStatus::Running), 1);
        assert_eq!(book.clip_ended(&first, ended(End::Timeout)), None);
        assert_eq!(book.clip_ended(&second, ended(End::Ok)), Some(JobStatus::Failed));
        assert_eq!(book.clip_bytes("one", 1), Ok(None));
        assert_eq!(book.clip_bytes("one", 2), Ok(Some(9)));
        assert_eq!(book.clip_bytes("one", 3), Err(Refusal::Unknown));
    }

    #[tokio::test]
    async fn an_upload_in_use_stays_and_a_full_queue_takes_no_job() {
        let book = book();
        assert_eq!(book.add_job("none", job("other", 1), 1).err(), Some(Refusal::Unknown));
        book.add_job("one", job("film", 1), 1).ok().unwrap();
        assert_eq!(book.add_job("two", job("film", 1), 1).err(), Some(Refusal::QueueFull));
        assert_eq!(book.take_upload("film"), Err(Refusal::InUse));
        assert_eq!(book.take_job("one").map(|(_, waited)| waited), Some(1));
        assert!(book.take_job("one").is_none());
        assert!(book.turn().is_none());
        assert_eq!(book.take_upload("film"), Ok(()));
        assert_eq!(book.take_upload("film"), Err(Refusal::Unknown));
    }

    #[tokio::test]
    async fn what_is_in_use_does_not_expire() {
        let book = book();
        book.add_job("one", job("film", 1), 9).ok().unwrap();
        let expired = book.take_expired(Duration::ZERO);
        assert!(expired.uploads.is_empty() && expired.jobs.is_empty());
        let turn = book.next_turn().await;
        book.clip_ended(&turn, ended(End::Ok));
        assert!(book.take_expired(Duration::from_secs(60)).jobs.is_empty());
        let expired = book.take_expired(Duration::ZERO);
        assert_eq!((expired.uploads.len(), expired.jobs.len()), (1, 1));
        assert!(book.told("one").is_none());
    }
}
