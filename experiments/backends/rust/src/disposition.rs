//! What a part's `Content-Disposition` says, read by its bytes: names that are no UTF-8 are names too
//! (multer gives none for them, and finds `name=` inside a file name).

/// The parameters of a part that count. The file's name itself is never looked at again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Disposition {
    pub name: Option<Vec<u8>>,
    /// None: no file part. Otherwise whether it has a name.
    pub file: Option<bool>,
}

pub fn disposition(header: &[u8]) -> Disposition {
    let mut found = Disposition::default();
    let mut rest = after(header, b';');
    while let Some(parameter) = rest {
        let Some(value) = after(parameter, b'=') else { break };
        let key = parameter[..parameter.len() - value.len() - 1].trim_ascii();
        let (value, behind) = take_value(value.trim_ascii_start());
        if key.eq_ignore_ascii_case(b"name") {
            found.name.get_or_insert(value);
        } else if key.eq_ignore_ascii_case(b"filename") || key.eq_ignore_ascii_case(b"filename*") {
            found.file = Some(found.file.unwrap_or(false) || !value.is_empty());
        }
        rest = after(behind, b';');
    }
    found
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
    fn what_is_malformed_ends_somewhere() {
        assert_eq!(read(br#"form-data; name="video"#), (Some("video".into()), None));
        assert_eq!(read(br#"form-data; name="vid\"#), (Some("vid\\".into()), None));
        assert_eq!(read(b"form-data; ; name"), (None, None));
    }
}
