//! Films made by ffmpeg, and programs that stand in its place.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Folder;

/// An MP4 of 4 s, 25 pictures a second, with sound of 9 s in it.
pub fn film(folder: &Folder) -> Vec<u8> {
    made(folder, "film.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
}

/// The same with sound that an MP4 cannot hold.
pub fn film_with_other_sound(folder: &Folder) -> Vec<u8> {
    made(folder, "film.mkv", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16be"])
}

fn made(folder: &Folder, name: &str, coded: &[&str]) -> Vec<u8> {
    let path = folder.0.join(name);
    let sources =
        ["-f", "lavfi", "-i", "testsrc2=d=4:s=160x90:r=25", "-f", "lavfi", "-i", "sine=d=9"];
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(sources)
        .args(coded)
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    fs::read(path).unwrap()
}

/// A program in ffmpeg's place: it tells its version, else does what the script says. It goes with
/// the folder, which is to outlive the service that runs it.
pub fn stand_in(folder: &Folder, script: &str) -> String {
    let version = "if [ \"$1\" = -version ]; then echo ffmpeg version stand-in; exit 0; fi";
    program(folder, "stand-in", &format!("{version}\n{script}"))
}

/// A program that does what the script says.
///
/// Another process writes it: what a test on another thread starts in that moment would hold it open
/// for writing until its exec, and nobody can run it so long (ETXTBSY).
pub fn program(folder: &Folder, name: &str, script: &str) -> String {
    let path = folder.0.join(name);
    let mut writer =
        Command::new("cp").arg("/dev/stdin").arg(&path).stdin(Stdio::piped()).spawn().unwrap();
    let script = format!("#!/bin/sh\n{script}\n");
    writer.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(writer.wait().unwrap().success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// How many pictures a clip has, by decoding them.
pub fn pictures(path: &Path) -> usize {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args(["-map", "0:v", "-f", "framemd5", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).count()
}
