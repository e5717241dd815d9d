//! An order of clips: JSON of one shape. What is no JSON is 400, what has another shape 422.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::job::Ordered;
use crate::problem::Problem;

const LATEST_S: f64 = 1e7;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    upload: String,
    clips: Vec<Object<OrderedClip>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderedClip {
    start_s: f64,
    duration_s: f64,
}

/// What was ordered, of whichever upload.
#[derive(Debug)]
pub struct Read {
    pub upload: String,
    pub clips: Vec<Ordered>,
}

pub fn read(text: &[u8], max_clips: usize) -> Result<Read, Problem> {
    // As a whole first: the shape would be refused before a later fault of the grammar is seen.
    if std::str::from_utf8(text).is_err() || serde_json::from_slice::<IgnoredAny>(text).is_err() {
        return Err(Problem::bad_request("the body is no JSON"));
    }
    let Object(order): Object<Order> = serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let shape = "the order is not of the shape {\"upload\": id, \"clips\": [{\"start_s\", \"duration_s\"}]}";
        Problem::unprocessable(format!("{shape} (line {line}, column {column})"))
    })?;
    if order.clips.is_empty() || order.clips.len() > max_clips {
        return Err(Problem::unprocessable(format!("a job has 1 to {max_clips} clips")));
    }
    let clips = order.clips.iter().zip(1..).map(|(clip, number)| clip.0.check(number));
    let clips = clips.collect::<Result<_, _>>()?;
    Ok(Read { upload: order.upload, clips })
}

impl OrderedClip {
    fn check(&self, number: usize) -> Result<Ordered, Problem> {
        let (start_s, duration_s) = (self.start_s, self.duration_s);
        let wrong = |what: &str| Err(Problem::unprocessable(format!("clip {number}: {what}")));
        if !(0.0..=LATEST_S).contains(&start_s) {
            return wrong("start_s has to be from 0 to 10000000");
        }
        if !(duration_s > 0.0 && duration_s <= LATEST_S) {
            return wrong("duration_s has to be over 0, at most 10000000");
        }
        Ok(Ordered { start_s, duration_s })
    }
}

/// An object in JSON: what serde derives would take an array of the values, too.
#[derive(Debug)]
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(text: &str) -> u16 {
        match read(text.as_bytes(), 2) {
            Ok(_) => 202,
            Err(problem) => problem.status.as_u16(),
        }
    }

    fn of_clip(start: &str, duration: &str) -> u16 {
        status(&format!(
            r#"{{"upload":"u","clips":[{{"start_s":{start},"duration_s":{duration}}}]}}"#
        ))
    }

    #[test]
    fn numbers_are_numbers_within_their_bounds() {
        for (start, duration) in [("0", "1"), ("-0.0", "1e-9"), ("1e7", "10000000"), ("1E1", "0.5")]
        {
            assert_eq!(of_clip(start, duration), 202, "{start} {duration}");
        }
        for (start, duration) in [
            ("-0.001", "1"),
            ("0", "0"),
            ("0", "-0.0"),
            ("0", "-1"),
            ("10000000.1", "1"),
            ("0", "1e8"),
            ("\"1\"", "1"),
            ("true", "1"),
            ("null", "1"),
            ("[1]", "1"),
            ("1e309", "1"),
        ] {
            assert_eq!(of_clip(start, duration), 422, "{start} {duration}");
        }
        for bad in ["NaN", "Infinity", "+1", "01", "1.", ".5", "0x10", "1_0", ""] {
            assert_eq!(of_clip(bad, "1"), 400, "{bad}");
        }
    }

    #[test]
    fn another_shape_is_422_and_no_json_400() {
        let clip = r#"{"start_s":0,"duration_s":1}"#;
        assert_eq!(status(&format!(r#" {{"clips":[{clip},{clip}],"upload":"u"}} "#)), 202);
        for other in [
            "1".into(),
            "[]".into(),
            "{}".into(),
            r#"{"upload":"u"}"#.into(),
            r#"{"upload":"u","clips":[]}"#.into(),
            r#"{"upload":"u","clips":{}}"#.into(),
            r#"{"upload":"u","clips":[[0,1]]}"#.into(),
            format!(r#"["u",[{clip}]]"#),
            format!(r#"{{"upload":"u","upload":"u","clips":[{clip}]}}"#),
            r#"{"upload":7,"clips":[]}"#.into(),
            format!(r#"{{"upload":"u","clips":[{clip},{clip},{clip}]}}"#),
            format!(r#"{{"upload":"u","clips":[{clip}],"more":1}}"#),
            r#"{"upload":"u","clips":[{"start_s":0,"duration_s":1,"x":1}]}"#.into(),
            r#"{"upload":"u","clips":[{"start_s":0}]}"#.into(),
            r#"{"upload":"\ud800","clips":[{"start_s":0,"duration_s":1}]}"#.into(),
            "[".repeat(200) + &"]".repeat(200),
        ] {
            assert_eq!(status(&other), 422, "{other}");
        }
        for none in ["", "{", r#"{"upload":7,"#, "{} {}", "nul", "{'upload':1}", "\u{feff}{}"] {
            assert_eq!(status(none), 400, "{none}");
        }
        assert_eq!(read(b"\"\xff\"", 2).unwrap_err().status.as_u16(), 400);
    }
}
