//! Single values out of the environment. One that makes no sense names its variable.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const LONGEST_S: f64 = 1e9;
const MOST_CRF: f64 = 51.0;

/// A variable whose value the service cannot work with.
#[derive(Debug)]
pub struct Nonsense {
    pub variable: &'static str,
    pub why: String,
}

impl Nonsense {
    pub fn new(variable: &'static str, why: impl fmt::Display) -> Self {
        Self { variable, why: why.to_string() }
    }
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.variable, self.why)
    }
}

/// The environment as it was given. Numbers are matched to the letter: no sign, no space, no exponent.
pub struct Given<L>(pub L);

impl<L: Fn(&str) -> Option<OsString>> Given<L> {
    pub fn os(&self, variable: &'static str) -> Result<Option<OsString>, Nonsense> {
        match (self.0)(variable) {
            Some(value) if value.is_empty() => Err(Nonsense::new(variable, "is empty")),
            value => Ok(value),
        }
    }

    fn text(&self, variable: &'static str) -> Result<Option<String>, Nonsense> {
        self.os(variable)?
            .map(|value| value.into_string().map_err(|_| Nonsense::new(variable, "is no text")))
            .transpose()
    }

    pub fn address(&self, variable: &'static str) -> Result<IpAddr, Nonsense> {
        match self.text(variable)?.as_deref() {
            None | Some("localhost") => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Some(text) => text
                .parse()
                .map_err(|_| Nonsense::new(variable, format!("{text:?} is no IP address"))),
        }
    }

    pub fn optional_whole(
        &self,
        variable: &'static str,
        low: u64,
        high: u64,
    ) -> Result<Option<u64>, Nonsense> {
        self.text(variable)?
            .map(|text| {
                digits(&text)
                    .then(|| text.parse().ok())
                    .flatten()
                    .filter(|number| (low..=high).contains(number))
                    .ok_or_else(|| {
                        let legal = format!("is no whole number from {low} to {high}");
                        Nonsense::new(variable, format!("{text:?} {legal}"))
                    })
            })
            .transpose()
    }

    pub fn whole(
        &self,
        variable: &'static str,
        default: u64,
        low: u64,
        high: u64,
    ) -> Result<u64, Nonsense> {
        Ok(self.optional_whole(variable, low, high)?.unwrap_or(default))
    }

    pub fn seconds(&self, variable: &'static str, default_s: u64) -> Result<Duration, Nonsense> {
        let Some(text) = self.text(variable)? else {
            return Ok(Duration::from_secs(default_s));
        };
        decimal(&text)
            .filter(|seconds| (0.001..=LONGEST_S).contains(seconds))
            .map(Duration::from_secs_f64)
            .ok_or_else(|| {
                Nonsense::new(variable, format!("{text:?} is no number of seconds over 0"))
            })
    }

    /// Not whole numbers alone: x264 takes fractions.
    pub fn crf(&self, variable: &'static str) -> Result<Option<String>, Nonsense> {
        let Some(text) = self.text(variable)? else {
            return Ok(None);
        };
        match decimal(&text) {
            Some(0.0..=MOST_CRF) => Ok(Some(text)),
            _ => {
                Err(Nonsense::new(variable, format!("{text:?} is no number from 0 to {MOST_CRF}")))
            }
        }
    }

    /// One of `choices`; the first is the default.
    pub fn word<T: Copy>(
        &self,
        variable: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, Nonsense> {
        let Some(text) = self.text(variable)? else {
            return Ok(choices[0].1);
        };
        choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            Nonsense::new(variable, format!("{text:?} is none of {}", words.join(", ")))
        })
    }
}

fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    (digits(whole) && digits(fraction)).then(|| text.parse().ok()).flatten()
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
