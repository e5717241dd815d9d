//! Which pages there are, how errors look, and how the service starts and ends.

mod support;

use std::io::Write;
use std::process::Output;
use std::time::Duration;

use support::client::{answer, connect, get, job, part, raw, upload, upload_head};
use support::media::{program, stand_in};
use support::{Backend, Folder, START_S, command, running, within};

#[test]
fn pages_are_matched_to_the_letter() {
    let backend = Backend::start(&[]);
    for path in [
        "/",
        "/HEALTH",
        "/health/",
        "//health",
        "/%68ealth",
        "/docs",
        "/jobs/",
        "/jobs/x/clips/1",
        "/jobs/x/clips/01",
    ] {
        let answer = get(backend.port, path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["title"], "Not Found");
    }
    for (method, path, allow) in [
        ("POST", "/health", "GET"),
        ("HEAD", "/health", "GET"),
        ("GET", "/uploads", "POST"),
        ("GET", "/uploads/x", "DELETE"),
        ("OPTIONS", "/jobs", "POST"),
        ("PATCH", "/jobs/x", "GET, DELETE"),
        ("HEAD", "/jobs/x", "GET, DELETE"),
        ("PUT", "/jobs/x/clips/1", "GET, HEAD"),
        ("BREW", "/metrics", "GET"),
    ] {
        let answer = raw(backend.port, &format!("{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
    }
    let health = get(backend.port, "/health").json();
    assert_eq!((&health["status"], &health["backend"]), (&"ok".into(), &"rust".into()));
    assert!(!health["ffmpeg"].as_str().unwrap().is_empty());
}

fn start(data: &Folder, variables: &[(&str, &str)]) -> Output {
    command(&data.0, variables).output().unwrap()
}

#[test]
fn what_makes_no_sense_is_told_in_one_line() {
    let folder = Folder::new();
    let backend = Backend::start(&[]);
    let (taken, held) = (backend.port.to_string(), backend.data.0.to_str().unwrap().to_owned());
    let slow = program(&folder, "slow", "sleep 60");
    for (variable, value) in [
        ("PORT", "70000"),
        ("PORT", taken.as_str()),
        ("BIND", "192.0.2.1"),
        ("DATA_DIR", held.as_str()),
        ("DATA_DIR", "/dev/null/x"),
        ("FFMPEG", "false"),
        ("FFMPEG", slow.as_str()),
        ("CRF", "x"),
    ] {
        let output = start(&folder, &[(variable, value)]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{variable}={value}: {told}");
        assert!(told.contains(variable) && told.matches('\n').count() == 1, "{told}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn it_ends_in_time_whatever_clients_and_ffmpegs_do() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let ffmpeg = stand_in(&folder, "trap '' TERM INT; sleep 6003 & sleep 6003");
        let mut backend = Backend::start(&[("FFMPEG", &ffmpeg)]);
        let film = upload(backend.port, b"film");
        job(backend.port, &film, &[(0.0, 1.0); 2]);
        within(START_S, "an ffmpeg", || running("sleep\x006003").len() == 2);
        let mut uploading = connect(backend.port);
        uploading.write_all(upload_head(Some(1_000_000)).as_bytes()).unwrap();
        uploading.write_all(&part("video", Some("a"), &[7; 1000])).unwrap();
        let mut silent = connect(backend.port);
        silent.write_all(b"GET /hea").unwrap();
        within(START_S, "a part", || backend.files("uploads").len() == 2);

        let (status, took) = backend.end_by(signal);

        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(10), "{took:?}");
        within(2, "none of the group", || running("sleep\x006003").is_empty());
        assert_eq!(backend.files("uploads"), [film]);
        assert_eq!(answer(&mut uploading, false).status, 503);
    }
}

#[test]
fn a_service_that_is_killed_takes_its_ffmpeg_with_it() {
    let folder = Folder::new();
    // Not ffmpeg alone: what a wrapper in its place started, too.
    let ffmpeg = stand_in(&folder, "sleep 6004 & sleep 6004");
    let mut backend = Backend::start(&[("FFMPEG", &ffmpeg)]);
    let film = upload(backend.port, b"film");
    job(backend.port, &film, &[(0.0, 1.0)]);
    within(START_S, "an ffmpeg", || running("sleep\x006004").len() == 2);
    // Its threads come and go meanwhile, and it is none of theirs.
    std::thread::sleep(Duration::from_millis(300));
    backend.end_by("KILL");
    within(2, "no ffmpeg", || running("sleep\x006004").is_empty());
}
