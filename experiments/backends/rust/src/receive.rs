//! A multipart body, part by part: one file named `video`, and little beside it.

use axum::extract::multipart::{Field, Multipart};
use axum::http::header::CONTENT_DISPOSITION;

use crate::disposition::{Disposition, disposition};
use crate::inflow::Inflow;
use crate::problem::Problem;
use crate::sink::Sink;

const MOST_PARTS: usize = 16;
const MOST_TEXT_BYTES: usize = 64 << 10;

/// Reads all of the body; the file is in the sink then. It has at most `most_bytes`.
pub async fn receive(
    multipart: Multipart,
    inflow: Inflow,
    sink: Sink,
    most_bytes: u64,
) -> Result<Sink, Problem> {
    let mut body = Receiver { inflow, sink, most_bytes, films: 0, text_bytes: 0 };
    body.all_parts(multipart).await?;
    match body.films {
        0 => Err(Problem::bad_request("there is no part named video")),
        _ => Ok(body.sink),
    }
}

struct Receiver {
    inflow: Inflow,
    sink: Sink,
    most_bytes: u64,
    films: usize,
    text_bytes: usize,
}

impl Receiver {
    async fn all_parts(&mut self, mut multipart: Multipart) -> Result<(), Problem> {
        for part in 1.. {
            let field = multipart.next_field().await.map_err(|_| self.broken())?;
            let Some(field) = field else { break };
            if part > MOST_PARTS {
                return Err(Problem::bad_request("there are over 16 parts"));
            }
            self.part(field).await?;
        }
        // The parser has stopped at the closing boundary; the client has not.
        while let Some(bytes) = self.inflow.next().await? {
            self.count_text(bytes.len())?;
        }
        Ok(())
    }

    async fn part(&mut self, field: Field<'_>) -> Result<(), Problem> {
        let Disposition { name, file } = field
            .headers()
            .get(CONTENT_DISPOSITION)
            .map(|header| disposition(header.as_bytes()))
            .unwrap_or_default();
        match (name.as_deref() == Some(b"video"), file) {
            (true, Some(true)) if self.films == 0 => self.film(field).await,
            (true, Some(true)) => Err(Problem::bad_request("there are two parts named video")),
            (true, _) => Err(Problem::bad_request("the part named video has no file name")),
            (false, Some(_)) => Err(Problem::bad_request("there is another file than video")),
            (false, None) => self.text(field).await,
        }
    }

    async fn film(&mut self, mut field: Field<'_>) -> Result<(), Problem> {
        self.films += 1;
        while let Some(chunk) = field.chunk().await.map_err(|_| self.broken())? {
            if self.sink.bytes() + chunk.len() as u64 > self.most_bytes {
                let most = self.most_bytes;
                return Err(Problem::too_large(format!("a file has at most {most} bytes")));
            }
            self.sink.write(&chunk).await.map_err(|error| Problem::of_disk(&error))?;
        }
        if self.sink.bytes() == 0 {
            return Err(Problem::bad_request("the file has no bytes"));
        }
        self.sink.finish().await.map_err(|error| Problem::of_disk(&error))
    }

    async fn text(&mut self, mut field: Field<'_>) -> Result<(), Problem> {
        while let Some(chunk) = field.chunk().await.map_err(|_| self.broken())? {
            self.count_text(chunk.len())?;
        }
        Ok(())
    }

    fn count_text(&mut self, bytes: usize) -> Result<(), Problem> {
        self.text_bytes += bytes;
        if self.text_bytes > MOST_TEXT_BYTES {
            return Err(Problem::bad_request("there is over 64 kB of text beside the file"));
        }
        Ok(())
    }

    /// Why the parser gave up: because of how the body came, or of what it is.
    fn broken(&self) -> Problem {
        match self.inflow.fault() {
            Some(fault) => fault.into(),
            None => Problem::bad_request("the body is no whole multipart/form-data"),
        }
    }
}
