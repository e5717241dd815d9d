//! One ffmpeg as a process: a group of its own that ends with it, and with us however we end.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpid, getppid, kill_process_group,
    set_parent_process_death_signal, waitid,
};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;

use crate::guard::Guard;

const STACK_BYTES: usize = 256 << 10;
/// What a process wrote before its end is in its pipes; whoever else holds them is not waited for.
pub const LAST_WORDS: Duration = Duration::from_millis(500);

/// A process that runs. Dropped, it is killed.
pub struct Process {
    pub started: SystemTime,
    pub stdout: Receiver,
    pub stderr: Receiver,
    pub end: oneshot::Receiver<io::Result<ProcessEnd>>,
    pub group: Owner,
}

pub struct ProcessEnd {
    pub status: ExitStatus,
    pub ended: SystemTime,
    pub ran: Duration,
}

impl Process {
    pub async fn start(program: &OsStr, argv: &[OsString], guard: &Arc<Guard>) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(argv).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        end_with_us(&mut command);
        let guard = guard.clone();
        let (started, starting) = oneshot::channel();
        // The death signal follows the thread that forked (prctl(2)), so this one lives as long as
        // its child, for which it waits.
        thread::Builder::new().name("ffmpeg".into()).stack_size(STACK_BYTES).spawn(move || {
            match command.spawn() {
                Ok(child) => watch(child, &guard, started),
                Err(error) => drop(started.send(Err(error))),
            }
        })?;
        let spawned = starting.await.map_err(io::Error::other)??;
        // Whatever fails from here on: the group's owner is dropped, and kills it.
        let [stdout, stderr] = spawned.pipes.map(|pipe| pipe.and_then(Receiver::from_owned_fd));
        Ok(Self {
            started: spawned.started,
            stdout: stdout?,
            stderr: stderr?,
            end: spawned.end,
            group: spawned.group,
        })
    }
}

/// In the child: a group of its own, and SIGKILL when its parent dies, also if that has happened already.
fn end_with_us(command: &mut Command) {
    let parent = getpid();
    command.process_group(0);
    // SAFETY: two system calls, no allocation: allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            match getppid() {
                Some(found) if found == parent => Ok(()),
                _ => Err(io::ErrorKind::BrokenPipe.into()),
            }
        });
    }
}

struct Spawned {
    started: SystemTime,
    pipes: [io::Result<OwnedFd>; 2],
    end: oneshot::Receiver<io::Result<ProcessEnd>>,
    group: Owner,
}

/// Waits for the child. Before it is reaped, and its number may belong to another, what is left of its
/// group is killed: grandchildren would go on, and hold its pipes.
fn watch(mut child: Child, guard: &Guard, started: oneshot::Sender<io::Result<Spawned>>) {
    let (began, clock) = (Instant::now(), SystemTime::now());
    let leader = Pid::from_child(&child);
    guard.began(leader);
    let group = Arc::new(Group(Mutex::new(Some(leader))));
    let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)]
        .map(|pipe| pipe.ok_or_else(|| io::ErrorKind::BrokenPipe.into()));
    let (ended, end) = oneshot::channel();
    let owner = Owner(group.clone());
    drop(started.send(Ok(Spawned { started: clock, pipes, end, group: owner })));

    let waited = wait_without_reaping(&child);
    let (ran, ended_at) = (began.elapsed(), SystemTime::now());
    group.close();
    guard.ended(leader);
    let status = waited.and_then(|()| child.wait());
    drop(ended.send(status.map(|status| ProcessEnd { status, ended: ended_at, ran })));
}

fn wait_without_reaping(child: &Child) -> io::Result<()> {
    loop {
        let id = WaitId::Pid(Pid::from_child(child));
        match waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// A process group, as long as its number is its own.
struct Group(Mutex<Option<Pid>>);

impl Group {
    fn kill(&self) {
        if let Some(leader) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may have ended by itself.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    fn close(&self) {
        self.kill();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Kills the group when nobody waits for it any more.
pub struct Owner(Arc<Group>);

impl Owner {
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.kill();
    }
}
