//! Reads the environment, serves, and ends: 0 when asked to, 2 where a value makes no sense.

use std::process::ExitCode;
use std::time::Duration;

use clip_backend::config::{Config, Nonsense};
use clip_backend::{logs::Logs, serve::serve};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const WRONG_USE: u8 = 2;
/// What is still under way then, on other threads, is left to the process's end.
const LONGEST_ENDING: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
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
    allow_all_descriptors();
    let logs = Logs::start().map_err(failed)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let served = runtime.block_on(serve(config, &logs));
    runtime.shutdown_timeout(LONGEST_ENDING);
    served
}

/// Many clients that stand still use up the usual 1,024; the hard limit is what the host allows.
fn allow_all_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
