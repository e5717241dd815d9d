//! One clip, from an argv to a file in its place, or to the reason why there is none.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Wording;
use crate::guard::Guard;
use crate::job::{End, Ended};
use crate::pictures::{Progress, pictures_of_mp4};
use crate::process::{LAST_WORDS, Process, ProcessEnd};
use crate::reason::Tail;
use crate::store::Part;

const BLOCK_BYTES: usize = 8192;

/// What to run for a clip, and where its file goes.
pub struct Run<'a> {
    pub program: &'a OsStr,
    pub guard: &'a Arc<Guard>,
    pub argv: Vec<OsString>,
    pub wording: Wording,
    pub upload: PathBuf,
    pub part: PathBuf,
    pub place: PathBuf,
    pub longest: Duration,
}

/// After so long what the system refused to start is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How long ffmpeg ran, where it ran, and how the clip ended.
pub struct Outcome {
    pub ended: Ended,
    pub ran: Option<Duration>,
}

/// Why we ended an ffmpeg ourselves.
#[derive(Clone, Copy, PartialEq)]
enum Stopped {
    Cancelled,
    TimedOut,
}

impl Run<'_> {
    pub async fn run(
        self,
        cancel: &CancellationToken,
        note_start: impl FnOnce(SystemTime),
    ) -> Outcome {
        let part = Part::of_another(self.part.clone());
        let until = Instant::now() + self.longest;
        let mut process = loop {
            match Process::start(self.program, &self.argv, self.guard).await {
                Ok(process) => break process,
                Err(error) if is_refused_for_now(&error) && Instant::now() < until => {
                    if timeout(RETRY, cancel.cancelled()).await.is_ok() {
                        return ended_before(End::Cancelled, "the job was deleted");
                    }
                }
                Err(error) => {
                    tracing::error!(error = %error, "ffmpeg_not_started");
                    return not_started("ffmpeg could not be started");
                }
            }
        };
        let started = process.started;
        note_start(started);

        let (mut progress, mut tail) = (Progress::default(), Tail::default());
        let (stopped, end) = self.wait(&mut process, &mut progress, &mut tail, cancel).await;
        let end = match end {
            Ok(end) => end,
            Err(error) => {
                tracing::error!(error = %error, "ffmpeg_lost");
                return not_started("ffmpeg was lost");
            }
        };
        let verdict = match stopped {
            Some(Stopped::Cancelled) => Err((End::Cancelled, "the job was deleted".into())),
            Some(Stopped::TimedOut) if end.status.signal().is_some() => {
                let seconds = self.longest.as_secs_f64();
                Err((End::Timeout, format!("ffmpeg took longer than {seconds} s")))
            }
            _ => self.judge(end.status, &progress, &tail).and_then(|()| self.place(part)),
        };
        let (end_word, error, bytes) = match verdict {
            Ok(bytes) => (End::Ok, None, Some(bytes)),
            Err((word, reason)) => (word, Some(reason), None),
        };
        let ended =
            Ended { end: end_word, error, bytes, started: Some(started), ended: Some(end.ended) };
        Outcome { ended, ran: Some(end.ran) }
    }

    /// Drains both pipes until ffmpeg has ended, by itself or because it had to.
    async fn wait(
        &self,
        process: &mut Process,
        progress: &mut Progress,
        tail: &mut Tail,
        cancel: &CancellationToken,
    ) -> (Option<Stopped>, io::Result<ProcessEnd>) {
        let deadline = Instant::now() + self.longest;
        let Process { stdout, stderr, end, group, .. } = process;
        let drained = async {
            tokio::join!(
                drain(stdout, |block| progress.read(block)),
                drain(stderr, |block| tail.read(block))
            )
        };
        tokio::pin!(drained);
        let (mut stopped, mut dry) = (None, false);
        let ended = loop {
            tokio::select! {
                ended = &mut *end => break ended,
                _ = &mut drained, if !dry => dry = true,
                () = cancel.cancelled(), if stopped.is_none() => {
                    stopped = Some(Stopped::Cancelled);
                    group.kill();
                }
                () = sleep_until(deadline), if stopped.is_none() => {
                    stopped = Some(Stopped::TimedOut);
                    group.kill();
                }
            }
        };
        if !dry {
            let _ = timeout(LAST_WORDS, drained).await;
        }
        if cancel.is_cancelled() {
            stopped = Some(Stopped::Cancelled);
        }
        (stopped, ended.map_err(io::Error::other).flatten())
    }

    /// Whether ffmpeg ended well and wrote a picture at least: sound alone is no clip.
    fn judge(
        &self,
        status: ExitStatus,
        progress: &Progress,
        tail: &Tail,
    ) -> Result<(), (End, String)> {
        let hidden: [(&Path, &str); 3] = [
            (&self.upload, "the upload"),
            (&self.part, "the clip"),
            (Path::new(self.program), "ffmpeg"),
        ];
        if let Some(signal) = status.signal() {
            return Err((End::Killed, format!("ffmpeg was ended by signal {signal}")));
        }
        if !status.success() {
            let code = status.code().unwrap_or_default();
            let reason = tail.first_line(&hidden);
            return Err((End::Failed, reason.unwrap_or(format!("ffmpeg ended with {code}"))));
        }
        let pictures = match self.wording {
            Wording::Same => progress.pictures,
            Wording::Sketched => pictures_of_mp4(&self.part).unwrap_or(0),
        };
        if pictures == 0 {
            return Err((End::Failed, "ffmpeg wrote no picture".into()));
        }
        Ok(())
    }

    fn place(&self, part: Part) -> Result<u64, (End, String)> {
        let placed = fs::metadata(&self.part).and_then(|found| {
            part.move_to(&self.place)?;
            Ok(found.len())
        });
        placed.map_err(|error| {
            tracing::error!(error = %error, "clip_not_placed");
            (End::Failed, "the clip could not be put in its place".into())
        })
    }
}

async fn drain(pipe: &mut Receiver, mut read: impl FnMut(&[u8])) {
    let mut block = vec![0; BLOCK_BYTES];
    while let Ok(bytes @ 1..) = pipe.read(&mut block).await {
        read(&block[..bytes]);
    }
}

fn not_started(why: &str) -> Outcome {
    ended_before(End::Failed, why)
}

fn ended_before(end: End, why: &str) -> Outcome {
    let error = Some(why.to_owned());
    let ended = Ended { end, error, bytes: None, started: None, ended: None };
    Outcome { ended, ran: None }
}

/// The system has no process or no memory left, which is no failure of the clip: it may a moment later.
fn is_refused_for_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory)
}
