//! Reads the environment, serves, and ends: 0 when asked to, 2 where a value makes no sense.

use std::process::ExitCode;
use std::time::Duration;

use clip_backend::config::Config;
use clip_backend::environment::Nonsense;
use clip_backend::guard::{self, Guard};
use clip_backend::{logs::Logs, serve::serve};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const WRONG_USE: u8 = 2;
const MOST_DESCRIPTORS: u64 = 65_536;
/// What is still under way then, on other threads, is left to the process's end.
const LONGEST_ENDING: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match guard::was_asked_for() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(_) => return ExitCode::FAILURE,
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(nonsense) => {
            eprintln!("{}", nonsense.to_string().replace('\n', " "));
            ExitCode::from(WRONG_USE)
        }
    }
}

fn run() -> Result<(), Nonsense> {
    let config = Config::from_env()?;
    let failed = |error| Nonsense::new("the machine", error);
    allow_more_descriptors();
    let guard = Guard::start().map_err(failed)?;
    let logs = Logs::start().map_err(failed)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let served = runtime.block_on(serve(config, guard, &logs));
    runtime.shutdown_timeout(LONGEST_ENDING);
    served
}

/// Many clients that stand still use up the usual 1,024.
fn allow_more_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(MOST_DESCRIPTORS, |hard| hard.min(MOST_DESCRIPTORS));
    if limit.current.is_some_and(|current| current < wanted) {
        let _ =
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
    }
}
