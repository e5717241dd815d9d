//! Clips from order to file, and what becomes of those that fail.

mod support;

use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use support::client::{delete, ended, get, job, order, order_text, raw, upload};
use support::media::{film, film_with_other_sound, pictures, stand_in};
use support::{Backend, Folder, START_S, running, send, within};

fn fetch(port: u16, path: &str, headers: &str) -> support::client::Answer {
    raw(port, &format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"))
}

#[test]
fn clips_are_cut_one_after_another_and_fetched_whole_and_in_ranges() {
    let folder = Folder::new();
    let backend = Backend::start(&[]);
    let port = backend.port;
    let film = upload(port, &film(&folder));
    let id = job(port, &film, &[(0.0, 1.0), (1.5, 1.0), (3.0, 0.5)]);
    let told = ended(port, &id);
    assert_eq!(told["status"], "done", "{told}");
    let clips = told["clips"].as_array().unwrap();
    for (earlier, later) in clips.iter().zip(&clips[1..]) {
        assert!(earlier["ended_s"].as_f64() <= later["started_s"].as_f64());
    }
    let path = clips[0]["url"].as_str().unwrap();
    assert_eq!(path, format!("/jobs/{id}/clips/1"));

    let whole = get(port, path);
    assert_eq!((whole.status, whole.header("content-type")), (200, Some("video/mp4")));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(Some(whole.body.len() as u64), clips[0]["bytes"].as_u64());
    let fetched = folder.0.join("clip.mp4");
    std::fs::write(&fetched, &whole.body).unwrap();
    assert_eq!(pictures(&fetched), 25);

    let part = fetch(port, path, "Range: bytes=-100\r\n");
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[whole.body.len() - 100..]));
    let size = whole.body.len();
    let range = format!("bytes {}-{}/{size}", size - 100, size - 1);
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    let outside = fetch(port, path, &format!("Range: bytes={size}-\r\n"));
    assert_eq!((outside.status, outside.json()["status"].as_u64()), (416, Some(416)));
    assert_eq!(outside.header("content-range"), Some(format!("bytes */{size}").as_str()));
    assert_eq!(fetch(port, path, "Range: bytes=0-1,4-5\r\n").status, 200);
    let other = "Range: bytes=0-1\r\nIf-Range: \"another\"\r\n";
    assert_eq!(fetch(port, path, other).status, 200);
    let head = raw(port, &format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert_eq!(head.header("content-length"), Some(size.to_string().as_str()));
    assert_eq!(head.header("etag"), whole.header("etag"));

    assert_eq!(delete(port, &format!("/uploads/{film}")), 204);
    assert_eq!(get(port, path).status, 200);
    assert_eq!(delete(port, &format!("/jobs/{id}")), 204);
    assert_eq!(get(port, path).status, 404);
    assert!(backend.files("clips").is_empty());
    assert_eq!(backend.metric("clips_total{status=\"ok\"}"), 3.0);
    assert_eq!(backend.metric("clip_seconds_count"), 3.0);
}

#[test]
fn a_clip_that_fails_says_why_and_does_not_stop_the_others() {
    let folder = Folder::new();
    let backend = Backend::start(&[]);
    let id = upload(backend.port, &film(&folder));
    // Behind the film's end; behind its last picture, where only sound goes on; a good one.
    let told = ended(backend.port, &job(backend.port, &id, &[(60.0, 1.0), (6.0, 1.0), (1.0, 1.0)]));
    assert_eq!(told["status"], "failed");
    let statuses: Vec<_> = (0..3).map(|n| told["clips"][n]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["failed", "failed", "ok"]);
    assert_eq!(
        get(backend.port, &format!("/jobs/{}/clips/1", told["id"].as_str().unwrap())).status,
        409
    );

    for (bytes, word) in [
        (film_with_other_sound(&folder), "codec"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n".to_vec(), "Invalid data"),
        (vec![7; 5000], "Invalid data"),
    ] {
        let id = upload(backend.port, &bytes);
        let told = ended(backend.port, &job(backend.port, &id, &[(0.0, 1.0)]));
        let reason = told["clips"][0]["error"].as_str().unwrap();
        assert!(reason.contains(word), "{reason}");
        assert!(!reason.contains('/') && !reason.contains('\n'), "{reason}");
    }
}

#[test]
fn the_sketched_argv_cuts_too_and_sees_where_no_picture_is() {
    let folder = Folder::new();
    let backend = Backend::start(&[("ARGV", "sketched")]);
    let id = upload(backend.port, &film(&folder));
    let told = ended(backend.port, &job(backend.port, &id, &[(1.0, 1.0), (6.0, 1.0)]));
    assert_eq!(told["clips"][0]["status"], "ok", "{told}");
    assert_eq!(told["clips"][1]["status"], "failed", "{told}");
}

#[test]
fn an_order_is_checked() {
    let folder = Folder::new();
    let backend = Backend::start(&[("QUEUE_LIMIT", "1"), ("FFMPEG", &sleeper(&folder, "6000"))]);
    let port = backend.port;
    let film = upload(port, b"film");
    assert_eq!(order(port, "no-such-upload-here", &[(0.0, 1.0)]).status, 404);
    assert_eq!(order(port, &film, &[]).status, 422);
    assert_eq!(order(port, &film, &[(0.0, 0.0)]).status, 422);
    assert_eq!(order_text(port, "{").status, 400);
    assert_eq!(order_text(port, &" ".repeat((1 << 20) + 1)).status, 413);
    let other = "POST /jobs HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(raw(port, other).status, 415);
    let told = order(port, &film, &[(0.0, 1.0)]);
    assert_eq!(told.status, 202);
    assert_eq!(told.json()["clips"][0]["bytes"], Value::Null);
    let full = order(port, &film, &[(0.0, 1.0)]);
    assert_eq!((full.status, full.header("retry-after")), (503, Some("5")));
    assert_eq!(delete(port, &format!("/uploads/{film}")), 409);
}

/// Something that sleeps in ffmpeg's place, and a grandchild of it that holds its pipes.
fn sleeper(folder: &Folder, seconds: &str) -> String {
    stand_in(folder, &format!("sleep {seconds} & exec sleep {seconds}"))
}

#[test]
fn a_deleted_job_ends_its_ffmpegs_within_two_seconds() {
    let folder = Folder::new();
    let backend = Backend::start(&[("FFMPEG", &sleeper(&folder, "6001")), ("MAX_CONCURRENT", "2")]);
    let film = upload(backend.port, b"film");
    let id = job(backend.port, &film, &[(0.0, 1.0); 5]);
    within(START_S, "two of each", || running("sleep\x006001").len() == 4);
    assert_eq!(backend.metric("ffmpeg_processes"), 2.0);
    let started = Instant::now();
    assert_eq!(delete(backend.port, &format!("/jobs/{id}")), 204);
    assert!(backend.files("clips").is_empty());
    // They are killed with the two, which are waited for; nobody here can wait for them.
    within(2, "no grandchild", || running("sleep\x006001").is_empty());
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(get(backend.port, &format!("/jobs/{id}")).status, 404);
    assert_eq!(backend.metric("clips_total{status=\"cancelled\"}"), 5.0);
    assert_eq!(backend.metric("ffmpeg_processes"), 0.0);
}

#[test]
fn a_clip_ends_with_its_ffmpeg_not_with_who_holds_its_pipes() {
    let folder = Folder::new();
    let holder = folder.0.join("holder");
    let path = holder.display();
    // It has left the group when it has told its number: else it would be killed with it.
    let script = format!(
        "setsid sh -c 'echo $$ > {path}; exec sleep 6005' &
         while [ ! -s {path} ]; do sleep 0.01; done
         exit 3"
    );
    let backend = Backend::start(&[("FFMPEG", &stand_in(&folder, &script))]);
    let film = upload(backend.port, b"film");
    let told = ended(backend.port, &job(backend.port, &film, &[(0.0, 1.0)]));
    assert_eq!(told["clips"][0]["error"], "ffmpeg ended with 3");
    send("KILL", std::fs::read_to_string(holder).unwrap().trim().parse().unwrap());
}

#[test]
fn an_ffmpeg_that_takes_too_long_is_a_timeout() {
    let folder = Folder::new();
    let backend = Backend::start(&[("FFMPEG", &sleeper(&folder, "6002")), ("CLIP_TIMEOUT_S", "1")]);
    let film = upload(backend.port, b"film");
    let told = ended(backend.port, &job(backend.port, &film, &[(0.0, 1.0)]));
    assert_eq!(told["clips"][0]["status"], "timeout");
    within(2, "no sleeper", || running("sleep\x006002").is_empty());
}

#[test]
fn an_ffmpeg_that_somebody_else_kills_is_killed_and_the_next_one_runs() {
    let folder = Folder::new();
    let leaders = folder.0.join("leaders");
    let script = format!("echo $$ >> {}; sleep 6006 & exec sleep 6006", leaders.display());
    let backend = Backend::start(&[("FFMPEG", &stand_in(&folder, &script))]);
    let film = upload(backend.port, b"film");
    let id = job(backend.port, &film, &[(0.0, 1.0); 2]);
    for clip in 0..2 {
        let begun = || std::fs::read_to_string(&leaders).unwrap_or_default();
        within(START_S, "a leader", || begun().lines().count() == clip + 1);
        send("KILL", begun().lines().last().unwrap().parse().unwrap());
    }
    let told = ended(backend.port, &id);
    let statuses: Vec<_> = (0..2).map(|n| told["clips"][n]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["killed", "killed"], "{told}");
    within(2, "no sleeper", || running("sleep\x006006").is_empty());
}

#[test]
fn an_ffmpeg_that_shouts_takes_no_memory() {
    let folder = Folder::new();
    let shout = "head -c 60000000 /dev/zero >&2; head -c 60000000 /dev/zero; exit 1";
    let backend = Backend::start(&[("FFMPEG", &stand_in(&folder, shout))]);
    let film = upload(backend.port, b"film");
    let before = backend.metric("process_resident_memory_bytes");
    let told = ended(backend.port, &job(backend.port, &film, &[(0.0, 1.0)]));
    assert_eq!(told["clips"][0]["status"], "failed");
    // Kept, it would be 60 or 120 MB; threads that had nothing to do before take a little.
    assert!(backend.metric("process_resident_memory_bytes") < before + 20e6);
}

#[test]
fn what_was_kept_for_long_enough_goes() {
    let folder = Folder::new();
    let backend = Backend::start(&[("KEEP_S", "2")]);
    let film = upload(backend.port, &film(&folder));
    let id = job(backend.port, &film, &[(0.0, 0.5)]);
    let told = ended(backend.port, &id);
    assert_eq!(told["status"], "done");
    within(10, "no job", || get(backend.port, &format!("/jobs/{id}")).status == 404);
    // Seen now, however long ago it went: not before its time.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(now.as_secs_f64() - told["clips"][0]["ended_s"].as_f64().unwrap() >= 2.0);
    within(2, "no files", || {
        backend.files("uploads").is_empty() && backend.files("clips").is_empty()
    });
}
