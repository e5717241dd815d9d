//! Follows a multipart body on its way to the parser, which keeps all before the first boundary and
//! each part's whole header in memory: here both have a limit. Control characters of a header, which
//! the parser refuses and file names may have, become underscores.

use axum::body::Bytes;

const MOST_HEADER_BYTES: usize = 16 << 10;
const MOST_PREAMBLE_BYTES: usize = 64 << 10;
const LINE_BREAK: &[u8] = b"\r\n";
const HEADER_END: &[u8] = b"\r\n\r\n";

pub struct Heads {
    /// The line break and the boundary that end a part's content.
    delimiter: Vec<u8>,
    place: Place,
    /// How much of what ends this place has come last.
    matched: usize,
    /// Bytes of this place so far, where they are counted.
    bytes: usize,
}

/// Where in the body we are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Preamble,
    /// Behind a boundary, before the end of its line.
    Line,
    Header,
    Content,
    /// Behind the closing boundary.
    Epilogue,
}

/// The parser would have to hold too much.
#[derive(Debug, PartialEq)]
pub struct TooMuch;

impl Heads {
    /// Of a boundary of at most 70 characters.
    pub fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { delimiter, place: Place::Preamble, matched: 0, bytes: 0 }
    }

    /// What the parser is to get instead of `frame`.
    pub fn pass(&mut self, frame: Bytes) -> Result<Bytes, TooMuch> {
        let mut clean: Option<Vec<u8>> = None;
        let mut at = 0;
        while at < frame.len() {
            if self.place == Place::Epilogue {
                break;
            }
            if self.place == Place::Content && self.matched == 0 {
                // Nearly all of a body: nothing can begin here but by a line break.
                let skip = frame[at..].iter().position(|byte| *byte == b'\r');
                at += skip.unwrap_or(frame.len() - at);
                if at == frame.len() {
                    break;
                }
            }
            let byte = frame[at];
            if self.place == Place::Header && byte.is_ascii_control() && !b"\t\r\n".contains(&byte)
            {
                clean.get_or_insert_with(|| frame.to_vec())[at] = b'_';
            }
            self.step(byte)?;
            at += 1;
        }
        Ok(clean.map_or(frame, Bytes::from))
    }

    fn step(&mut self, byte: u8) -> Result<(), TooMuch> {
        match self.place {
            Place::Preamble => {
                self.count(MOST_PREAMBLE_BYTES)?;
                // The parser finds the first boundary without a line break in front, too.
                if self.ends_with(|delimiter| &delimiter[LINE_BREAK.len()..], byte) {
                    self.enter(Place::Line);
                }
            }
            Place::Content => {
                if self.ends_with(|delimiter| delimiter, byte) {
                    self.enter(Place::Line);
                }
            }
            Place::Line => {
                self.count(MOST_HEADER_BYTES)?;
                match byte {
                    // A closing boundary goes on so; whatever else does is no multipart.
                    b'-' => self.enter(Place::Epilogue),
                    b'\n' => self.enter(Place::Header),
                    _ => {}
                }
            }
            Place::Header => {
                self.count(MOST_HEADER_BYTES)?;
                if self.ends_with(|_| HEADER_END, byte) {
                    self.enter(Place::Content);
                }
            }
            Place::Epilogue => {}
        }
        Ok(())
    }

    fn ends_with(&mut self, pattern: impl Fn(&[u8]) -> &[u8], byte: u8) -> bool {
        let pattern = pattern(&self.delimiter);
        self.matched = follow(pattern, self.matched, byte);
        self.matched == pattern.len()
    }

    fn enter(&mut self, place: Place) {
        self.place = place;
        self.matched = 0;
        self.bytes = 0;
    }

    fn count(&mut self, most: usize) -> Result<(), TooMuch> {
        self.bytes += 1;
        if self.bytes > most { Err(TooMuch) } else { Ok(()) }
    }
}

/// How much of `pattern` stands at the end of what came, `byte` included, where `matched` of it stood
/// before.
fn follow(pattern: &[u8], matched: usize, byte: u8) -> usize {
    if pattern[matched] == byte {
        return matched + 1;
    }
    // The longest beginning that is also an end of what came (Knuth, Morris and Pratt, by trial).
    (1..=matched)
        .rev()
        .find(|length| {
            pattern[length - 1] == byte
                && pattern[..length - 1] == pattern[matched + 1 - length..matched]
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(body: &[u8], piece: usize) -> Result<Vec<u8>, TooMuch> {
        let mut heads = Heads::new("--b");
        let passed = body.chunks(piece).map(|piece| heads.pass(Bytes::copy_from_slice(piece)));
        Ok(passed.collect::<Result<Vec<_>, _>>()?.concat())
    }

    #[test]
    fn control_characters_of_headers_alone_are_changed_however_the_body_is_cut() {
        let body =
            b"\x01-----b \r\nA: \x1b\x7f\t\xff\0\r\n\r\n\x01\r\n--\r\n----b\r\nB: \x02\r\n\r\n\
                     \x03\r\n\r\n----b--\x04\r\n\r\n";
        let clean = b"\x01-----b \r\nA: __\t\xff_\r\n\r\n\x01\r\n--\r\n----b\r\nB: _\r\n\r\n\
                      \x03\r\n\r\n----b--\x04\r\n\r\n";
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(pass(body, piece).unwrap(), clean, "{piece}");
        }
    }

    #[test]
    fn a_header_and_what_stands_in_front_have_a_limit_and_content_has_none() {
        let head =
            |bytes: usize| [b"----b\r\n".as_slice(), &vec![b'a'; bytes - 4], HEADER_END].concat();
        assert!(pass(&head(MOST_HEADER_BYTES), 999).is_ok());
        assert_eq!(pass(&head(MOST_HEADER_BYTES + 1), 999), Err(TooMuch));
        assert!(pass(&[head(100), vec![b'a'; 1 << 20]].concat(), 999).is_ok());
        assert_eq!(pass(&vec![b'-'; MOST_PREAMBLE_BYTES + 1], 999), Err(TooMuch));
        assert_eq!(pass(&[b"----b".to_vec(), vec![b' '; 20_000]].concat(), 999), Err(TooMuch));
        // A part without headers: the parser looks on for their end.
        assert_eq!(
            pass(&[b"----b\r\n\r\n".to_vec(), vec![b'a'; 20_000]].concat(), 999),
            Err(TooMuch)
        );
    }

    #[test]
    fn a_boundary_is_found_behind_a_false_start() {
        let pattern = b"\r\n--\r";
        let found = b"\r\n\r\n--\r\n--\r".iter().fold(0, |matched, byte| {
            if matched == pattern.len() { matched } else { follow(pattern, matched, *byte) }
        });
        assert_eq!(found, pattern.len());
    }
}
