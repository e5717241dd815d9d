//! Whether the program that we are to run is one that runs, and which version it is.

use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::guard::Guard;
use crate::process::{LAST_WORDS, Process};

const LONGEST: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 4096;
const LONGEST_VERSION_CHARS: usize = 100;

/// What `-version` tells. An error: it does not end with 0 within 5 s.
pub async fn version(program: &OsStr, guard: &Arc<Guard>) -> io::Result<String> {
    let told = timeout(LONGEST, ask(program, guard)).await;
    told.unwrap_or_else(|_| Err(io::Error::other("-version does not end within 5 s")))
}

async fn ask(program: &OsStr, guard: &Arc<Guard>) -> io::Result<String> {
    let mut process = Process::start(program, &["-version".into()], guard).await?;
    let mut first = Vec::new();
    let (stdout, stderr) = (&mut process.stdout, &mut process.stderr);
    let reading = async {
        let mut block = vec![0; READ_BYTES];
        while let Ok(bytes @ 1..) = stdout.read(&mut block).await {
            let room = READ_BYTES - first.len();
            first.extend_from_slice(&block[..bytes.min(room)]);
        }
    };
    let mut dropped = tokio::io::sink();
    let ended = {
        let drained = async { tokio::join!(reading, tokio::io::copy(stderr, &mut dropped)) };
        tokio::pin!(drained);
        let mut dry = false;
        let ended = loop {
            tokio::select! {
                ended = &mut process.end => break ended,
                _ = &mut drained, if !dry => dry = true,
            }
        };
        if !dry {
            let _ = timeout(LAST_WORDS, drained).await;
        }
        ended
    };
    let status = ended.map_err(io::Error::other)??.status;
    if !status.success() {
        return Err(io::Error::other(format!("-version ends with {status}")));
    }
    Ok(version_in(&String::from_utf8_lossy(&first)))
}

/// `ffmpeg version 7.1 Copyright …`: the third word, or the whole line of a program that says it otherwise.
fn version_in(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let version = match line.split(' ').collect::<Vec<_>>()[..] {
        ["ffmpeg", "version", version, ..] => version,
        _ => line,
    };
    version.chars().take(LONGEST_VERSION_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_third_word() {
        assert_eq!(
            version_in("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)\nbuilt"),
            "5.1.9-0+deb12u1"
        );
        assert_eq!(version_in("my own tool\n"), "my own tool");
        assert_eq!(version_in(""), "");
    }

    #[tokio::test]
    async fn its_words_are_read_also_where_its_end_is_known_first() {
        let nobody = Arc::default();
        let busy = async {
            for _ in 0..5 {
                std::thread::sleep(Duration::from_millis(20));
                tokio::task::yield_now().await;
            }
        };
        let (told, ()) = tokio::join!(version(OsStr::new("echo"), &nobody), busy);
        assert_eq!(told.unwrap(), "-version");
    }

    #[tokio::test]
    async fn what_does_not_run_is_an_error() {
        let nobody = Arc::default();
        assert!(version(OsStr::new("/no/such/program"), &nobody).await.is_err());
        assert!(version(OsStr::new("false"), &nobody).await.is_err());
        assert_eq!(version(OsStr::new("true"), &nobody).await.unwrap(), "");
    }
}
