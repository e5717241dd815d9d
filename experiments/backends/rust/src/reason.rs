//! Why an ffmpeg failed, in one line out of what it said.

use std::collections::VecDeque;
use std::path::Path;

const TAIL_BYTES: usize = 4096;
const LONGEST_CHARS: usize = 1000;
/// What ffmpeg says after it has said why.
const EMPTY_WORDS: [&str; 2] = ["Conversion failed!", "Last message repeated"];

/// The end of what a process wrote, however much that was.
#[derive(Default)]
pub struct Tail {
    bytes: VecDeque<u8>,
    cut: bool,
}

impl Tail {
    pub fn read(&mut self, block: &[u8]) {
        let block = &block[block.len().saturating_sub(TAIL_BYTES)..];
        let surplus = (self.bytes.len() + block.len()).saturating_sub(TAIL_BYTES);
        self.bytes.drain(..surplus);
        self.bytes.extend(block);
        self.cut |= surplus > 0;
    }

    /// The first line that explains. What was cut off in front is no line, where there are others.
    pub fn first_line(&self, hidden: &[(&Path, &str)]) -> Option<String> {
        let bytes: Vec<u8> = self.bytes.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<_> = text.split(['\n', '\r']).collect();
        if self.cut && lines.len() > 1 {
            lines.remove(0);
        }
        let explains = |line: &&str| {
            !line.trim().is_empty() && !EMPTY_WORDS.iter().any(|words| line.contains(words))
        };
        lines.into_iter().find(explains).map(|line| one_line(line, hidden))
    }
}

fn one_line(line: &str, hidden: &[(&Path, &str)]) -> String {
    let mut line: String =
        line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    for (path, word) in hidden {
        // A program without a folder is a word like others.
        let path = path.to_string_lossy();
        if path.contains('/') {
            line = line.replace(&*path, word);
        }
    }
    let line = without_addresses(&without_paths(&line));
    line.chars().take(LONGEST_CHARS).collect()
}

/// A path begins with a slash that is not inside a word, and ends where no file name goes on.
fn without_paths(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let behind = &rest[c.len_utf8()..];
        let names = |c: char| c.is_alphanumeric() || ".-_~".contains(c);
        if c == '/' && !before.is_alphanumeric() && behind.starts_with(names) {
            shown.push_str("(path)");
            rest = behind.trim_start_matches(|c: char| names(c) || c == '/');
        } else {
            shown.push(c);
            rest = behind;
        }
        before = c;
    }
    shown
}

/// `[mov @ 0x55d0c0ffee00]`: where an object lies in ffmpeg's memory explains nothing.
fn without_addresses(line: &str) -> String {
    let mut parts = line.split(" @ 0x");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    fn reason(said: &str) -> Option<String> {
        let mut tail = Tail::default();
        for block in said.as_bytes().chunks(7) {
            tail.read(block);
        }
        let hidden = [(Path::new("/data dir/uploads/4f"), "the upload")];
        tail.first_line(&hidden)
    }

    #[test]
    fn the_first_line_that_explains_is_the_reason() {
        let said = "\n[mov,mp4 @ 0x55d0c0ffee00] moov atom not found\nother\nConversion failed!\n";
        assert_eq!(reason(said).unwrap(), "[mov,mp4] moov atom not found");
        assert_eq!(reason("Conversion failed!\n"), None);
        assert_eq!(reason(""), None);
    }

    #[test]
    fn paths_are_taken_out_and_fractions_left() {
        assert_eq!(
            reason(
                "/data dir/uploads/4f: Invalid data at 1/25 of file:/srv/x/y.mp4, '/etc/passwd'"
            )
            .unwrap(),
            "the upload: Invalid data at 1/25 of file:(path), '(path)'"
        );
        assert_eq!(reason("I/O error / none").unwrap(), "I/O error / none");
    }

    #[test]
    fn a_path_that_is_no_text_is_taken_out_too() {
        let folder = Path::new(OsStr::from_bytes(b"/d\xff ta/up"));
        let mut tail = Tail::default();
        tail.read(b"/d\xff ta/up: Invalid data\n");
        assert_eq!(tail.first_line(&[(folder, "the upload")]).unwrap(), "the upload: Invalid data");
    }

    #[test]
    fn it_is_one_line_of_printable_characters() {
        assert_eq!(reason("a\u{1b}[31mb\tc\r\nd").unwrap(), "a [31mb c");
        assert_eq!(reason(&"é".repeat(9000)).unwrap().chars().count(), 1000);
    }

    #[test]
    fn of_much_the_end_is_kept_by_whole_lines() {
        let mut tail = Tail::default();
        for number in 0..2000 {
            tail.read(format!("line {number}\n").as_bytes());
        }
        assert!(tail.bytes.len() <= TAIL_BYTES && tail.bytes.capacity() <= 2 * TAIL_BYTES);
        let line = tail.first_line(&[]).unwrap();
        let number: u32 = line.strip_prefix("line ").unwrap().parse().unwrap();
        assert!((1500..2000).contains(&number));
        tail.read(&[b'x'; 100_000]);
        assert_eq!(tail.first_line(&[]).unwrap(), "x".repeat(1000));
    }
}
