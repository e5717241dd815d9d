//! What the parameters of a header say, read by its bytes: in a part's `Content-Disposition` names that
//! are no UTF-8 are names too (multer gives none for them, and finds `name=` inside a file name), and
//! clients write boundaries without the quotes that they need (the parser behind multer has none then).

/// RFC 2046, section 5.1.1.
const LONGEST_BOUNDARY: usize = 70;

/// The parameters of a part that count. The file's name itself is never looked at again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disposition {
    pub name: Option<Vec<u8>>,
    /// None: no file part. Otherwise whether it has a name.
    pub file: Option<bool>,
}

pub fn disposition(header: &[u8]) -> Disposition {
    let mut found = Disposition::default();
    let kind = header.split(|byte| *byte == b';').next().unwrap_or_default();
    if !kind.trim_ascii().eq_ignore_ascii_case(b"form-data") {
        // Of no form, whatever it is called (RFC 7578, section 4.2).
        return found;
    }
    for (key, value) in parameters(header) {
        if key.eq_ignore_ascii_case(b"name") {
            found.name.get_or_insert(value);
        } else if key.eq_ignore_ascii_case(b"filename") || key.eq_ignore_ascii_case(b"filename*") {
            found.file = Some(found.file.unwrap_or(false) || !value.is_empty());
        }
    }
    found
}

/// The boundary of a form's `Content-Type`, where it is one that can be quoted.
pub fn boundary(content_type: &[u8]) -> Option<String> {
    let (_, value) =
        parameters(content_type).find(|(key, _)| key.eq_ignore_ascii_case(b"boundary"))?;
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !b"\"\\".contains(byte);
    let fits = (1..=LONGEST_BOUNDARY).contains(&value.len()) && value.iter().all(plain);
    fits.then(|| String::from_utf8(value).ok()).flatten()
}

/// Keys and values behind the first semicolon.
fn parameters(header: &[u8]) -> impl Iterator<Item = (&[u8], Vec<u8>)> {
    let mut rest = after(header, b';');
    std::iter::from_fn(move || {
        let parameter = rest?;
        let value = after(parameter, b'=')?;
        let key = parameter[..parameter.len() - value.len() - 1].trim_ascii();
        let (value, behind) = take_value(value.trim_ascii_start());
        rest = after(behind, b';');
        Some((key, value))
    })
}

fn after(bytes: &[u8], separator: u8) -> Option<&[u8]> {
    bytes.iter().position(|byte| *byte == separator).map(|at| &bytes[at + 1..])
}

/// A quoted string, with its escapes undone, or a token; and what follows it. A quote that is not
/// followed by the next parameter belongs to the name: not every client escapes it.
fn take_value(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let [b'"', quoted @ ..] = bytes else {
        let end = bytes.iter().position(|byte| *byte == b';').unwrap_or(bytes.len());
        return (bytes[..end].trim_ascii().to_vec(), &bytes[end..]);
    };
    let (mut value, mut at) = (Vec::new(), 0);
    while let Some(&byte) = quoted.get(at) {
        match (byte, quoted.get(at + 1)) {
            (b'"', _) if matches!(quoted[at + 1..].trim_ascii_start(), [] | [b';', ..]) => {
                return (value, &quoted[at + 1..]);
            }
            // A path of Windows has single backslashes: only these two are escapes.
            (b'\\', Some(&escaped @ (b'"' | b'\\'))) => {
                value.push(escaped);
                at += 2;
            }
            _ => {
                value.push(byte);
                at += 1;
            }
        }
    }
    (value, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &[u8]) -> (Option<String>, Option<bool>) {
        let found = disposition(header);
        (found.name.map(|name| String::from_utf8(name).unwrap()), found.file)
    }

    #[test]
    fn a_file_part_has_a_file_name() {
        let film = (Some("video".to_owned()), Some(true));
        assert_eq!(read(br#"form-data; name="video"; filename="a.mp4""#), film);
        assert_eq!(read(b"form-data; filename=a.mp4; name=video"), film);
        assert_eq!(read(b"form-data; NAME=\"video\" ; Filename=\"\xff\xfe\""), film);
        assert_eq!(read(b"form-data; name=video; filename*=utf-8''a.mp4"), film);
    }

    #[test]
    fn a_file_name_may_be_empty_or_not_there() {
        assert_eq!(
            read(br#"form-data; name="video"; filename="""#),
            (Some("video".into()), Some(false))
        );
        assert_eq!(read(br#"form-data; name="video""#), (Some("video".into()), None));
        assert_eq!(read(b"form-data"), (None, None));
        assert_eq!(read(br#"attachment; name="video"; filename="a""#), (None, None));
    }

    #[test]
    fn a_name_inside_a_file_name_is_none() {
        let header = br#"form-data; filename="a; name=other \" name=more\\"; name="video""#;
        assert_eq!(read(header), (Some("video".into()), Some(true)));
    }

    #[test]
    fn a_quote_inside_a_name_does_not_end_it() {
        let header = br#"form-data; name="video"; filename="","event":"forged""#;
        assert_eq!(read(header), (Some("video".into()), Some(true)));
    }

    #[test]
    fn a_boundary_may_want_quotes_and_have_none() {
        for (written, read) in [
            ("boundary=ab", Some("ab")),
            ("charset=utf-8; Boundary=\"a b\";", Some("a b")),
            ("boundary=----=_Part_1_2.3", Some("----=_Part_1_2.3")),
            ("boundary='a:b/c(d)?", Some("'a:b/c(d)?")),
            ("boundary=", None),
            ("boundary=\"\"", None),
            ("boundary=a\"b", None),
            ("boundary=a\u{e9}", None),
            ("charset=utf-8", None),
        ] {
            let header = format!("multipart/form-data; {written}");
            assert_eq!(boundary(header.as_bytes()).as_deref(), read, "{written}");
        }
        let longest = |letters: usize| format!("multipart/form-data; boundary={:a>letters$}", "");
        assert!(boundary(longest(70).as_bytes()).is_some());
        assert!(boundary(longest(71).as_bytes()).is_none());
    }

    #[test]
    fn what_is_malformed_ends_somewhere() {
        assert_eq!(read(br#"form-data; name="video"#), (Some("video".into()), None));
        assert_eq!(read(br#"form-data; name="vid\"#), (Some("vid\\".into()), None));
        assert_eq!(read(b"form-data; ; name"), (None, None));
    }
}
