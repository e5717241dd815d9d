//! Which bytes of a clip a `Range` header asks for (RFC 9110, section 14).

/// What to send of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    /// First and last byte, both included.
    Part(u64, u64),
    Nothing,
}

/// One range is followed; several, other units and what is malformed are as if not there.
pub fn wanted(header: &str, bytes: u64) -> Wanted {
    let Some((unit, range)) = header.split_once('=') else {
        return Wanted::Whole;
    };
    let Some((first, last)) = range.split_once('-') else {
        return Wanted::Whole;
    };
    if !unit.eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    match (position(first), position(last)) {
        (Position::At(first), Position::At(last)) if first > last => Wanted::Whole,
        (Position::At(first), Position::At(last)) => part(first, last, bytes),
        (Position::At(first), Position::Left) => part(first, u64::MAX, bytes),
        (Position::Left, Position::At(length)) => match length.min(bytes) {
            0 => Wanted::Nothing,
            length => Wanted::Part(bytes - length, bytes - 1),
        },
        _ => Wanted::Whole,
    }
}

fn part(first: u64, last: u64, bytes: u64) -> Wanted {
    if first >= bytes { Wanted::Nothing } else { Wanted::Part(first, last.min(bytes - 1)) }
}

enum Position {
    Left,
    At(u64),
    Malformed,
}

fn position(text: &str) -> Position {
    if text.is_empty() {
        Position::Left
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // What does not fit into 64 bits lies behind every file.
        Position::At(text.parse().unwrap_or(u64::MAX))
    } else {
        Position::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_followed() {
        assert_eq!(wanted("bytes=0-0", 10), Wanted::Part(0, 0));
        assert_eq!(wanted("bytes=2-5", 10), Wanted::Part(2, 5));
        assert_eq!(wanted("bytes=9-", 10), Wanted::Part(9, 9));
        assert_eq!(wanted("Bytes=2-99999999999999999999999", 10), Wanted::Part(2, 9));
        assert_eq!(wanted("bytes=-3", 10), Wanted::Part(7, 9));
        assert_eq!(wanted("bytes=-30", 10), Wanted::Part(0, 9));
    }

    #[test]
    fn a_range_behind_the_file_is_not_satisfiable() {
        for header in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(header, 10), Wanted::Nothing, "{header}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=0-1,4-5",
            "lines=0-1",
            "bytes= 0-1",
            "bytes=+1-2",
            "bytes=a-b",
            "bytes=1--2",
        ] {
            assert_eq!(wanted(header, 10), Wanted::Whole, "{header}");
        }
    }
}
