//! How many pictures ffmpeg wrote: by its `-progress`, or, where that was not asked for, by the MP4.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const LONGEST_LINE: usize = 64;

/// Reads `frame=` out of ffmpeg's progress, block by block; the last one counts.
#[derive(Default)]
pub struct Progress {
    line: Vec<u8>,
    too_long: bool,
    pub pictures: u64,
}

impl Progress {
    pub fn read(&mut self, block: &[u8]) {
        for &byte in block {
            if byte == b'\n' {
                self.end_line();
            } else if self.line.len() < LONGEST_LINE {
                self.line.push(byte);
            } else {
                self.too_long = true;
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.too_long) {
            return;
        }
        if let Some(number) = line.strip_prefix(b"frame=")
            && let Ok(text) = std::str::from_utf8(number)
            && let Ok(pictures) = text.trim().parse()
        {
            self.pictures = pictures;
        }
    }
}

/// The samples of the first video track: `moov/trak/mdia/minf/stbl/stsz` (ISO/IEC 14496-12).
pub fn pictures_of_mp4(path: &Path) -> io::Result<u64> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    let moov = find(&mut file, Span { from: 0, end }, b"moov")?;
    for track in children(&mut file, moov)? {
        if track.kind != *b"trak" {
            continue;
        }
        let media = find(&mut file, track.inside, b"mdia")?;
        let handler = find(&mut file, media, b"hdlr")?;
        // Version and flags, a reserved field, then what handles the track.
        if read_at::<12>(&mut file, handler)?[8..] != *b"vide" {
            continue;
        }
        let information = find(&mut file, media, b"minf")?;
        let table = find(&mut file, information, b"stbl")?;
        let sizes = find(&mut file, table, b"stsz")?;
        // Version and flags, the common size, then their number.
        let [.., a, b, c, d] = read_at::<12>(&mut file, sizes)?;
        return Ok(u32::from_be_bytes([a, b, c, d]).into());
    }
    Ok(0)
}

#[derive(Clone, Copy)]
struct Span {
    from: u64,
    end: u64,
}

struct Boxed {
    kind: [u8; 4],
    inside: Span,
}

fn find(file: &mut File, within: Span, kind: &[u8; 4]) -> io::Result<Span> {
    children(file, within)?
        .into_iter()
        .find(|child| child.kind == *kind)
        .map(|child| child.inside)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn children(file: &mut File, within: Span) -> io::Result<Vec<Boxed>> {
    let mut found = Vec::new();
    let mut at = within.from;
    while at + 8 <= within.end {
        let [a, b, c, d, kind @ ..] = read_at::<8>(file, Span { from: at, end: within.end })?;
        let (header, length) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, within.end - at),
            1 => {
                let wide = Span { from: at + 8, end: within.end };
                (16, u64::from_be_bytes(read_at(file, wide)?))
            }
            short => (8, short.into()),
        };
        let end = at.checked_add(length).filter(|end| length >= header && *end <= within.end);
        let end = end.ok_or(io::ErrorKind::InvalidData)?;
        found.push(Boxed { kind, inside: Span { from: at + header, end } });
        at = end;
    }
    Ok(found)
}

fn read_at<const N: usize>(file: &mut File, span: Span) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    if span.from + N as u64 > span.end {
        return Err(io::ErrorKind::InvalidData.into());
    }
    file.seek(SeekFrom::Start(span.from))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_number_of_the_progress_counts_however_it_is_cut() {
        let mut progress = Progress::default();
        for block in ["frame=1\nfps=0.0\nfra", "me= 25\nprogress=end", "\n"] {
            progress.read(block.as_bytes());
        }
        assert_eq!(progress.pictures, 25);
    }

    #[test]
    fn a_shout_is_no_number_and_takes_no_memory() {
        let mut progress = Progress::default();
        progress.read(&[b'f'; 100_000]);
        assert!(progress.line.capacity() <= 2 * LONGEST_LINE);
        progress.read(b"\nframe=x\nframe=\n");
        assert_eq!(progress.pictures, 0);
        progress.read(b"frame=3\n");
        assert_eq!(progress.pictures, 3);
    }

    fn boxed(kind: &str, inside: &[&[u8]]) -> Vec<u8> {
        let inside = inside.concat();
        let length = u32::try_from(inside.len() + 8).unwrap().to_be_bytes();
        [&length, kind.as_bytes(), &inside].concat()
    }

    fn track(handler: &[u8; 4], samples: u32) -> Vec<u8> {
        let hdlr = boxed("hdlr", &[&[0; 8], handler, &[0; 12]]);
        let stsz = boxed("stsz", &[&[0; 8], &samples.to_be_bytes()]);
        let minf = boxed("minf", &[&boxed("stbl", &[&stsz])]);
        boxed("trak", &[&boxed("mdia", &[&hdlr, &minf])])
    }

    fn count(bytes: &[u8]) -> io::Result<u64> {
        let path = std::env::temp_dir().join(crate::ids::new_id());
        std::fs::write(&path, bytes).unwrap();
        let pictures = pictures_of_mp4(&path);
        std::fs::remove_file(path).unwrap();
        pictures
    }

    #[test]
    fn pictures_are_counted_in_the_video_track() {
        let mdat = boxed("mdat", &[&[7; 100]]);
        let moov = boxed("moov", &[&track(b"soun", 900), &track(b"vide", 75)]);
        assert_eq!(count(&[mdat.clone(), moov].concat()).unwrap(), 75);
        let sound_alone = boxed("moov", &[&track(b"soun", 900)]);
        assert_eq!(count(&[mdat.clone(), sound_alone].concat()).unwrap(), 0);
        assert!(count(&mdat).is_err());
        assert!(count(&boxed("moov", &[&[0, 0, 0, 200], b"trak"])).is_err());
        assert!(count(&[0, 0, 0, 1, b'm', b'o', b'o', b'v', 255, 255]).is_err());
    }
}
