//! One JSON object a line on stdout. A reader who stops reading never stops the service: lines that
//! find no room are dropped and counted.

use std::fmt::{Debug, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::clock;

const LINES_WAITING: usize = 1024;
const LONGEST_FLUSH: Duration = Duration::from_secs(1);

enum Order {
    Line(String),
    Flush(SyncSender<()>),
}

/// Whoever holds it can wait until what was logged is written.
pub struct Logs(SyncSender<Order>);

impl Logs {
    /// Makes every `tracing` event of this crate a line on stdout, from now on.
    pub fn start() -> std::io::Result<Self> {
        let (orders, waiting) = sync_channel(LINES_WAITING);
        thread::Builder::new().name("log".into()).spawn(move || write_all(&waiting))?;
        let lines = JsonLines { orders: orders.clone(), dropped: AtomicU64::new(0) };
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines))
            .map_err(std::io::Error::other)?;
        Ok(Self(orders))
    }

    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.0.try_send(Order::Flush(done)).is_ok() {
            let _ = written.recv_timeout(LONGEST_FLUSH);
        }
    }
}

fn write_all(waiting: &Receiver<Order>) {
    for order in waiting {
        match order {
            Order::Line(line) => {
                let mut stdout = std::io::stdout().lock();
                // Nobody can be told that nobody listens.
                let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
            }
            Order::Flush(done) => drop(done.try_send(())),
        }
    }
}

struct JsonLines {
    orders: SyncSender<Order>,
    dropped: AtomicU64,
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("clip_backend")
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            fields.add("lines_dropped_before", dropped);
        }
        let line = line(SystemTime::now(), *event.metadata().level(), &fields);
        if self.orders.try_send(Order::Line(line)).is_err() {
            self.dropped.fetch_add(dropped + 1, Ordering::Relaxed);
        }
    }
}

fn line(time: SystemTime, level: Level, fields: &Fields) -> String {
    let level = level.as_str().to_ascii_lowercase();
    let head = format!(r#"{{"time":{},"level":{}"#, json(&clock::rfc3339(time)), json(&level));
    format!("{head},\"event\":{}{}}}\n", json(&fields.event), fields.rest)
}

/// An event's name, which is its message, and its other fields as JSON.
#[derive(Default)]
struct Fields {
    event: String,
    rest: String,
}

impl Fields {
    fn add(&mut self, name: &str, value: impl Serialize) {
        let _ = write!(self.rest, ",{}:{}", json(&name), json(&value));
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.event = text;
        } else {
            self.add(field.name(), text);
        }
    }
}

/// What is logged always has a form in JSON: texts, numbers and booleans.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let mut fields = Fields { event: "clip_ended".into(), rest: String::new() };
        fields.add("error", "two\nlines, a \"quote\" and \u{1b}[31m");
        fields.add("bytes", 7_u64);
        let line = line(UNIX_EPOCH, Level::WARN, &fields);
        assert_eq!(line.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!((&read["level"], &read["event"]), (&"warn".into(), &"clip_ended".into()));
        assert_eq!(read["bytes"], 7);
        assert!(read["error"].as_str().unwrap().contains('\n'));
    }
}
