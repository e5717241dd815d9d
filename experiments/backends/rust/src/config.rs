//! What the environment asks for, read once. A value that makes no sense names its variable.

use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

const PRESETS: [&str; 10] = [
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
];
const LONGEST_S: f64 = 1e9;

/// Where `-ss` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    Input,
    Output,
}

/// Whose words ffmpeg is started with: the contract's list, or those of the analysis' Rust sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wording {
    Same,
    Sketched,
}

/// Where an upload is while it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadTo {
    Disk,
    Memory,
    Tmp,
}

/// How ffmpeg is to cut.
#[derive(Clone, Debug)]
pub struct Cutting {
    pub seek: Seek,
    pub preset: &'static str,
    pub crf: Option<u64>,
    pub encoder_threads: u64,
    pub decoder_threads: Option<u64>,
    pub wording: Wording,
}

#[derive(Clone, Debug)]
pub struct Config {
    pub bind: IpAddr,
    pub port: u16,
    pub data_dir: PathBuf,
    pub ffmpeg: OsString,
    pub max_concurrent: usize,
    pub cutting: Cutting,
    pub max_upload_bytes: u64,
    pub max_clips: usize,
    pub queue_limit: usize,
    pub clip_timeout: Duration,
    pub stall_timeout: Duration,
    pub keep: Duration,
    pub upload_to: UploadTo,
}

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

impl Config {
    pub fn from_env() -> Result<Self, Nonsense> {
        Self::read(|variable| std::env::var_os(variable))
    }

    pub fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, Nonsense> {
        let given = Given(lookup);
        Ok(Self {
            bind: given.address("BIND")?,
            port: given.whole("PORT", 3000, 0, 65_535)? as u16,
            data_dir: given
                .os("DATA_DIR")?
                .ok_or_else(|| Nonsense::new("DATA_DIR", "is required: a folder for its files"))?
                .into(),
            ffmpeg: given.os("FFMPEG")?.unwrap_or_else(|| "ffmpeg".into()),
            max_concurrent: given.whole("MAX_CONCURRENT", 1, 1, 1000)? as usize,
            cutting: Cutting {
                seek: given.word("SEEK", &[("input", Seek::Input), ("output", Seek::Output)])?,
                preset: given.word("PRESET", &PRESETS.map(|preset| (preset, preset)))?,
                crf: given.optional_whole("CRF", 0, 51)?,
                encoder_threads: given.whole("ENCODER_THREADS", 1, 0, 64)?,
                decoder_threads: given.optional_whole("DECODER_THREADS", 0, 64)?,
                wording: given
                    .word("ARGV", &[("same", Wording::Same), ("sketched", Wording::Sketched)])?,
            },
            max_upload_bytes: given.whole("MAX_UPLOAD_BYTES", 2 << 30, 1, 1 << 60)?,
            max_clips: given.whole("MAX_CLIPS", 100, 1, 1_000_000)? as usize,
            queue_limit: given.whole("QUEUE_LIMIT", 100, 1, 1_000_000)? as usize,
            clip_timeout: given.seconds("CLIP_TIMEOUT_S", 600)?,
            stall_timeout: given.seconds("STALL_TIMEOUT_S", 60)?,
            keep: given.seconds("KEEP_S", 3600)?,
            upload_to: given.word(
                "UPLOAD_TO",
                &[("disk", UploadTo::Disk), ("memory", UploadTo::Memory), ("tmp", UploadTo::Tmp)],
            )?,
        })
    }
}

/// The environment as it was given. Numbers are matched to the letter: no sign, no space, no exponent.
struct Given<L>(L);

impl<L: Fn(&str) -> Option<OsString>> Given<L> {
    fn os(&self, variable: &'static str) -> Result<Option<OsString>, Nonsense> {
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

    fn address(&self, variable: &'static str) -> Result<IpAddr, Nonsense> {
        match self.text(variable)?.as_deref() {
            None | Some("localhost") => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            Some(text) => text
                .parse()
                .map_err(|_| Nonsense::new(variable, format!("{text:?} is no IP address"))),
        }
    }

    fn optional_whole(
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

    fn whole(
        &self,
        variable: &'static str,
        default: u64,
        low: u64,
        high: u64,
    ) -> Result<u64, Nonsense> {
        Ok(self.optional_whole(variable, low, high)?.unwrap_or(default))
    }

    fn seconds(&self, variable: &'static str, default_s: u64) -> Result<Duration, Nonsense> {
        let Some(text) = self.text(variable)? else {
            return Ok(Duration::from_secs(default_s));
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
        (digits(whole) && digits(fraction))
            .then(|| text.parse::<f64>().ok())
            .flatten()
            .filter(|seconds| (0.001..=LONGEST_S).contains(seconds))
            .map(Duration::from_secs_f64)
            .ok_or_else(|| {
                Nonsense::new(variable, format!("{text:?} is no number of seconds over 0"))
            })
    }

    /// One of `choices`; the first is the default.
    fn word<T: Copy>(&self, variable: &'static str, choices: &[(&str, T)]) -> Result<T, Nonsense> {
        let Some(text) = self.text(variable)? else {
            return Ok(choices[0].1);
        };
        choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            Nonsense::new(variable, format!("{text:?} is none of {}", words.join(", ")))
        })
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Nonsense> {
        Config::read(|variable| {
            let all = [("DATA_DIR", "/data")];
            pairs
                .iter()
                .chain(&all)
                .find(|(name, _)| *name == variable)
                .map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_defaults_are_those_of_the_contract() {
        let config = read(&[]).unwrap();
        assert_eq!((config.bind.to_string().as_str(), config.port), ("127.0.0.1", 3000));
        assert_eq!((config.max_concurrent, config.max_clips, config.queue_limit), (1, 100, 100));
        assert_eq!(config.max_upload_bytes, 2_147_483_648);
        assert_eq!(config.cutting.preset, "ultrafast");
        assert_eq!((config.cutting.crf, config.cutting.decoder_threads), (None, None));
        assert_eq!(config.cutting.encoder_threads, 1);
        assert_eq!(config.clip_timeout.as_secs(), 600);
        assert_eq!((config.stall_timeout.as_secs(), config.keep.as_secs()), (60, 3600));
    }

    #[test]
    fn a_value_that_makes_no_sense_names_its_variable() {
        for (variable, value) in [
            ("BIND", "nowhere at all"),
            ("PORT", "65536"),
            ("PORT", ""),
            ("PORT", "+80"),
            ("DATA_DIR", ""),
            ("FFMPEG", ""),
            ("MAX_CONCURRENT", "0"),
            ("MAX_CONCURRENT", "1.5"),
            ("SEEK", "Input"),
            ("PRESET", "warp"),
            ("CRF", "52"),
            ("ENCODER_THREADS", "-1"),
            ("ARGV", "other"),
            ("MAX_UPLOAD_BYTES", "1e9"),
            ("CLIP_TIMEOUT_S", "NaN"),
            ("STALL_TIMEOUT_S", "inf"),
            ("STALL_TIMEOUT_S", "0"),
            ("KEEP_S", "1."),
            ("UPLOAD_TO", "cloud"),
        ] {
            let nonsense = read(&[(variable, value)]).unwrap_err();
            assert_eq!(nonsense.variable, variable, "{value}");
            assert!(!nonsense.to_string().contains('\n'));
        }
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        assert_eq!(read(&[("KEEP_S", "0.25")]).unwrap().keep.as_millis(), 250);
    }
}
