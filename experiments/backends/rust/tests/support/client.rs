//! HTTP/1.1 by hand: what a test sends is what arrives.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

const BOUNDARY: &str = "a-boundary";

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub fn get(port: u16, path: &str) -> Answer {
    raw(port, &format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
}

/// What is answered to these bytes.
pub fn raw(port: u16, bytes: &str) -> Answer {
    let mut stream = connect(port);
    stream.write_all(bytes.as_bytes()).unwrap();
    answer(&mut stream, bytes.starts_with("HEAD"))
}

/// Reads one answer; only its head for a HEAD.
pub fn answer(stream: &mut TcpStream, head_alone: bool) -> Answer {
    let mut bytes = Vec::new();
    let mut block = [0; 65536];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut block) {
            Ok(0) => panic!("no answer, but {:?}", String::from_utf8_lossy(&bytes)),
            Ok(read) => bytes.extend_from_slice(&block[..read]),
            Err(error) => panic!("no answer: {error}"),
        }
    };
    let body = bytes.split_off(head_end);
    let head = String::from_utf8(bytes).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body };
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    while !head_alone && answer.body.len() < length {
        match stream.read(&mut block) {
            Ok(0) => break,
            Ok(read) => answer.body.extend_from_slice(&block[..read]),
            Err(error) => panic!("a broken answer: {error}"),
        }
    }
    answer
}

/// Whether the service ends the connection, with whatever it still sends.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    let mut block = [0; 65536];
    loop {
        match stream.read(&mut block) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

/// A part of a multipart body; with a file name it is a file.
pub fn part(name: &str, file: Option<&str>, bytes: &[u8]) -> Vec<u8> {
    let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
    let head =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

pub fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}

pub fn film_form(bytes: &[u8]) -> Vec<u8> {
    form(&[part("video", Some("film.mp4"), bytes)])
}

pub fn upload_head(length: Option<usize>) -> String {
    let length = match length {
        Some(length) => format!("Content-Length: {length}"),
        None => "Transfer-Encoding: chunked".into(),
    };
    format!(
        "POST /uploads HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; \
         boundary={BOUNDARY}\r\n{length}\r\n\r\n"
    )
}

pub fn send_form(port: u16, form: &[u8]) -> Answer {
    let mut stream = connect(port);
    stream.write_all(upload_head(Some(form.len())).as_bytes()).unwrap();
    let _ = stream.write_all(form);
    answer(&mut stream, false)
}

/// The id of a film that was taken.
pub fn upload(port: u16, bytes: &[u8]) -> String {
    let answer = send_form(port, &film_form(bytes));
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

pub fn order_text(port: u16, text: &str) -> Answer {
    let head = "POST /jobs HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
    raw(port, &format!("{head}Content-Length: {}\r\n\r\n{text}", text.len()))
}

/// Orders clips: start and duration in seconds.
pub fn order(port: u16, upload: &str, clips: &[(f64, f64)]) -> Answer {
    let clips: Vec<_> = clips
        .iter()
        .map(|(start_s, duration_s)| json!({"start_s": start_s, "duration_s": duration_s}))
        .collect();
    order_text(port, &json!({"upload": upload, "clips": clips}).to_string())
}

/// The id of a job that was taken.
pub fn job(port: u16, upload: &str, clips: &[(f64, f64)]) -> String {
    let answer = order(port, upload, clips);
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

pub fn delete(port: u16, path: &str) -> u16 {
    raw(port, &format!("DELETE {path} HTTP/1.1\r\nHost: test\r\n\r\n")).status
}

/// The job once it has ended.
pub fn ended(port: u16, job: &str) -> Value {
    let mut told = Value::Null;
    super::within(30, "the job's end", || {
        told = get(port, &format!("/jobs/{job}")).json();
        told["status"] == "done" || told["status"] == "failed"
    });
    told
}
