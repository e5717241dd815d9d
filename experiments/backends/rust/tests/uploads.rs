//! What is taken, what is refused, and that nothing is left of what was not taken.

mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use support::client::{
    answer, connect, delete, film_form, form, is_closed, part, raw, send_form, upload, upload_head,
};
use support::{Backend, START_S, within};

fn nothing_is_left(backend: &Backend) {
    within(2, "nothing is left of it", || backend.files("uploads").is_empty());
}

#[test]
fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    let backend = Backend::start(&[("MAX_UPLOAD_BYTES", "3000")]);
    let taken = send_form(backend.port, &film_form(&[7; 3000]));
    assert_eq!(taken.status, 201, "{}", taken.text());
    let told = taken.json();
    let id = told["id"].as_str().unwrap();
    assert_eq!(told["bytes"], 3000);
    assert_eq!(taken.header("location"), Some(format!("/uploads/{id}").as_str()));
    assert_eq!(backend.files("uploads"), [id]);

    let refused = send_form(backend.port, &film_form(&[7; 3001]));
    assert_eq!(refused.status, 413);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("connection"), Some("close"));
    assert_eq!(delete(backend.port, &format!("/uploads/{id}")), 204);
    assert_eq!(delete(backend.port, &format!("/uploads/{id}")), 404);
    nothing_is_left(&backend);
    assert_eq!(backend.metric("upload_bytes_total"), 3000.0);
}

#[test]
fn all_three_ways_of_taking_an_upload_keep_its_bytes() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    for way in ["disk", "memory", "tmp"] {
        let backend = Backend::start(&[("UPLOAD_TO", way)]);
        let parts = [part("note", None, b"x"), part("video", Some("a"), &bytes)];
        let taken = send_form(backend.port, &form(&parts));
        assert_eq!(taken.status, 201, "{way}");
        let id = taken.json()["id"].as_str().unwrap().to_owned();
        let stored = std::fs::read(backend.data.0.join("uploads").join(id)).unwrap();
        assert!(stored == bytes, "{way}");
    }
}

#[test]
fn what_is_no_upload_is_refused_and_leaves_nothing() {
    let backend = Backend::start(&[]);
    let film = || part("video", Some("a.mp4"), b"film");
    let long_name = "n".repeat(20_000);
    for (why, body) in [
        ("no part", form(&[])),
        ("no such part", form(&[part("other", None, b"x")])),
        ("no file name", form(&[part("video", None, b"film")])),
        ("an empty file name", form(&[part("video", Some(""), b"film")])),
        ("no byte", form(&[part("video", Some("a.mp4"), b"")])),
        ("two of them", form(&[film(), film()])),
        ("another file", form(&[film(), part("other", Some("b"), b"x")])),
        ("17 parts", form(&vec![part("n", None, b"x"); 17])),
        ("much text", form(&[film(), part("n", None, &[b'x'; 66_000])])),
        ("a long header", form(&[film(), part(&long_name, None, b"x")])),
        ("text in front", [vec![b'x'; 100_000], film_form(b"film")].concat()),
        ("text behind", [film_form(b"film"), vec![b'x'; 100_000]].concat()),
        ("no closing boundary", film()),
    ] {
        let refused = send_form(backend.port, &body);
        assert_eq!(refused.status, 400, "{why}: {}", refused.text());
        assert_eq!(refused.json()["status"], 400, "{why}");
    }
    for (kind, status) in [
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/mixed; boundary=x", 415),
        ("text/plain", 415),
    ] {
        let head = format!("POST /uploads HTTP/1.1\r\nHost: test\r\nContent-Type: {kind}\r\n");
        let refused = raw(backend.port, &format!("{head}Content-Length: 1\r\n\r\nx"));
        assert_eq!(refused.status, status, "{kind}");
    }
    nothing_is_left(&backend);
}

#[test]
fn sixteen_parts_text_and_strange_names_are_taken() {
    let backend = Backend::start(&[]);
    let mut parts = vec![part("n", None, &[b'x'; 4000]); 15];
    parts.insert(7, part("video", Some("../../e\\\"tc; name=other"), b"film"));
    assert_eq!(send_form(backend.port, &form(&parts)).status, 201);
    let name = [b"--a-boundary\r\nContent-Disposition: form-data; name=\"video\"; filename=\"\xff\"\r\n\r\nx\r\n".as_slice()];
    assert_eq!(send_form(backend.port, &form(&[name.concat()])).status, 201);
    let form = b"--=_x:1\r\nContent-Disposition: form-data; name=video; filename=a\r\n\r\nx\r\n--=_x:1--\r\n";
    let mut unquoted = connect(backend.port);
    let head =
        "POST /uploads HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=";
    let head = format!("{head}=_x:1; x\r\nContent-Length: {}\r\n\r\n", form.len());
    unquoted.write_all(&[head.as_bytes(), form].concat()).unwrap();
    assert_eq!(answer(&mut unquoted, false).status, 201);
    assert_eq!(backend.files("uploads").len(), 3);
}

#[test]
fn a_body_without_length_is_refused_as_soon_as_the_limit_is_passed() {
    let backend = Backend::start(&[("MAX_UPLOAD_BYTES", "1000000")]);
    let mut stream = connect(backend.port);
    stream.write_all(upload_head(None).as_bytes()).unwrap();
    let head = part("video", Some("a"), b"");
    let block = [7; 65536];
    let started = Instant::now();
    for bytes in std::iter::once(&head[..head.len() - 2]).chain(vec![&block[..]; 40]) {
        write!(stream, "{:x}\r\n", bytes.len()).unwrap();
        stream.write_all(bytes).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    // The body goes on, and the answer is there all the same: not after the 5 s of reading on.
    assert_eq!(answer(&mut stream, false).status, 413);
    assert!(started.elapsed() < Duration::from_secs(4));
    nothing_is_left(&backend);
    assert!(is_closed(&mut stream));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_length_far_over_the_limit_is_refused_before_a_byte_came() {
    let backend = Backend::start(&[("MAX_UPLOAD_BYTES", "1000")]);
    let mut stream = connect(backend.port);
    stream.write_all(upload_head(Some(2_000_000)).as_bytes()).unwrap();
    assert_eq!(answer(&mut stream, false).status, 413);
}

#[test]
fn a_client_that_leaves_or_stands_still_leaves_nothing() {
    let backend = Backend::start(&[("STALL_TIMEOUT_S", "3")]);
    let before = backend.descriptors();
    let begun = part("video", Some("a"), &[7; 200_000]);
    let mut streams: Vec<_> = (0..4).map(|_| connect(backend.port)).collect();
    for stream in &mut streams {
        stream.write_all(upload_head(Some(1_000_000)).as_bytes()).unwrap();
        stream.write_all(&begun).unwrap();
    }
    within(START_S, "four parts", || backend.files("uploads").len() == 4);
    let mut still = streams.pop().unwrap();
    drop(streams);
    let started = Instant::now();
    within(2, "those that left have left nothing", || backend.files("uploads").len() <= 1);
    assert_eq!(answer(&mut still, false).status, 408);
    assert!(is_closed(&mut still) && started.elapsed() < Duration::from_secs(6));
    nothing_is_left(&backend);
    within(2, "no descriptor more", || backend.descriptors() <= before);
}

#[test]
fn a_slow_upload_that_moves_is_taken() {
    let backend = Backend::start(&[("STALL_TIMEOUT_S", "2")]);
    let body = film_form(&[7; 10_000]);
    let mut stream = connect(backend.port);
    stream.write_all(upload_head(Some(body.len())).as_bytes()).unwrap();
    let started = Instant::now();
    for bytes in body.chunks(1500) {
        std::thread::sleep(Duration::from_millis(400));
        stream.write_all(bytes).unwrap();
    }
    assert_eq!(answer(&mut stream, false).status, 201);
    assert!(started.elapsed() > Duration::from_secs(2), "longer than one may stand still");
}

#[test]
fn a_head_that_stands_still_is_given_up() {
    let backend = Backend::start(&[("STALL_TIMEOUT_S", "1")]);
    let mut stream = connect(backend.port);
    stream.write_all(b"GET /health HTTP/1.1\r\nHost:").unwrap();
    let started = Instant::now();
    assert!(is_closed(&mut stream));
    assert!(started.elapsed() < Duration::from_secs(5));
    upload(backend.port, b"film");
}
