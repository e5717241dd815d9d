//! A service of one's own for a test, and a client that speaks HTTP by hand.

#![allow(dead_code)] // each test file uses its part of it

pub mod client;
pub mod media;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub const BINARY: &str = env!("CARGO_BIN_EXE_clip-backend");
/// What has only to come about, as a process that starts, has this long: the machine may be busy.
pub const START_S: u64 = 20;

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("data-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub struct Backend {
    pub port: u16,
    pub data: Folder,
    process: Child,
}

impl Backend {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let data = Folder::new();
        let mut process = command(&data.0, variables).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it listens").unwrap();
        // Its other lines are read, or it would have to drop them.
        thread::spawn(move || lines.for_each(drop));
        let first: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(first["event"], "listening");
        let port = u16::try_from(first["port"].as_u64().unwrap()).unwrap();
        Self { port, data, process }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal; how the service ended, and after how long.
    pub fn end_by(&mut self, signal: &str) -> (ExitStatus, Duration) {
        let asked = Instant::now();
        send(signal, self.pid());
        (self.process.wait().unwrap(), asked.elapsed())
    }

    /// The names in `uploads/` or `clips/`.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.data.0.join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// What `/metrics` has of a name with its labels.
    pub fn metric(&self, name: &str) -> f64 {
        let text = client::get(self.port, "/metrics").text();
        let samples: HashMap<_, _> =
            text.lines().filter_map(|line| line.rsplit_once(' ')).collect();
        samples.get(name).unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn command(data: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("PORT", "0")
        .env("DATA_DIR", data)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn send(signal: &str, pid: u32) {
    let status = Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

/// Waits until it holds; fails after `seconds`.
pub fn within(seconds: u64, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(Instant::now() < deadline, "not within {seconds} s: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Processes with this word in their command line.
pub fn running(word: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(word)
        })
        .collect()
}
