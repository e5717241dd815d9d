//! A small process beside the service: it ends ffmpeg's groups where the service was killed and could
//! not. The kernel's death signal reaches ffmpeg itself, but not what a wrapper in its place started.

use std::collections::HashSet;
use std::io::{self, PipeWriter, Read, Write, pipe};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// Arguments by which our own program knows that it is the guard, and who starts it.
const GUARD: &str = "guard";
const STARTS_GUARD: &str = "start-guard";
const SELF: &str = "/proc/self/exe";

/// The service's end of the pipe. Without a guard there is the death signal alone.
#[derive(Default)]
pub struct Guard(Option<PipeWriter>);

impl Guard {
    /// It is nobody's child: whoever looks at ours sees ffmpegs alone.
    pub fn start() -> io::Result<Self> {
        let (reading, writing) = pipe()?;
        let started = in_background(STARTS_GUARD).stdin(reading).status()?;
        if !started.success() {
            return Err(io::Error::other(format!("the guard's start ended with {started}")));
        }
        Ok(Self(Some(writing)))
    }

    pub fn began(&self, group: Pid) {
        self.tell(group.as_raw_pid());
    }

    pub fn ended(&self, group: Pid) {
        self.tell(-group.as_raw_pid());
    }

    fn tell(&self, number: i32) {
        if let Some(mut pipe) = self.0.as_ref() {
            // A guard that was killed cannot be told.
            let _ = pipe.write_all(&number.to_ne_bytes());
        }
    }
}

/// Whether this process is no service: then its work is done when this returns.
pub fn was_asked_for() -> io::Result<bool> {
    match std::env::args().nth(1).as_deref() {
        Some(STARTS_GUARD) => in_background(GUARD).spawn().map(|_| true),
        Some(GUARD) => {
            watch_over(io::stdin().lock(), |group| {
                let _ = kill_process_group(group, Signal::KILL);
            });
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn in_background(argument: &str) -> Command {
    let mut command = Command::new(SELF);
    // A group of its own: what a terminal sends to the service is not for the guard.
    command.arg(argument).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Reads what began and ended until the service is gone, then ends what it left.
fn watch_over(mut service: impl Read, end: impl Fn(Pid)) {
    let mut groups = HashSet::new();
    let mut number = [0; size_of::<i32>()];
    while service.read_exact(&mut number).is_ok() {
        match i32::from_ne_bytes(number) {
            began @ 1.. => groups.insert(began),
            ended => groups.remove(&ended.saturating_neg()),
        };
    }
    groups.into_iter().filter_map(Pid::from_raw).for_each(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn what_began_and_did_not_end_is_ended() {
        let told: Vec<u8> = [7_i32, 8, 9, -8].iter().flat_map(|n| n.to_ne_bytes()).collect();
        let ended = RefCell::new(Vec::new());
        watch_over(told.as_slice(), |group| ended.borrow_mut().push(group.as_raw_pid()));
        let mut ended = ended.into_inner();
        ended.sort_unstable();
        assert_eq!(ended, [7, 9]);
    }
}
