//! Films made by ffmpeg, and programs that stand in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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

/// A program in ffmpeg's place: it tells its version, else does what the script says.
pub fn stand_in(folder: &Folder, script: &str) -> String {
    let path = folder.0.join("stand-in");
    let version = "if [ \"$1\" = -version ]; then echo ffmpeg version stand-in; exit 0; fi";
    fs::write(&path, format!("#!/bin/sh\n{version}\n{script}\n")).unwrap();
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
