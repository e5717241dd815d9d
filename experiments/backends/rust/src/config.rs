//! What the environment asks for, read once.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::environment::{Given, Nonsense};

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
/// x264 takes no more.
const MOST_THREADS: u64 = 128;
/// Of clips and jobs: whoever sets it wants no limit.
const MOST_COUNTED: u64 = 1_000_000_000_000_000;

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
    /// As it was written: a word of ffmpeg's argv.
    pub crf: Option<String>,
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
                crf: given.crf("CRF")?,
                encoder_threads: given.whole("ENCODER_THREADS", 1, 0, MOST_THREADS)?,
                decoder_threads: given.optional_whole("DECODER_THREADS", 0, MOST_THREADS)?,
                wording: given
                    .word("ARGV", &[("same", Wording::Same), ("sketched", Wording::Sketched)])?,
            },
            max_upload_bytes: given.whole("MAX_UPLOAD_BYTES", 2 << 30, 1, 1 << 60)?,
            max_clips: given.whole("MAX_CLIPS", 100, 1, MOST_COUNTED)? as usize,
            queue_limit: given.whole("QUEUE_LIMIT", 100, 1, MOST_COUNTED)? as usize,
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
            ("CRF", "51.1"),
            ("CRF", "-1"),
            ("CRF", "2e1"),
            ("CRF", ""),
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

    #[test]
    fn what_x264_takes_makes_sense() {
        for crf in ["0", "23.5", "51", "51.0"] {
            assert_eq!(read(&[("CRF", crf)]).unwrap().cutting.crf.as_deref(), Some(crf));
        }
        assert_eq!(read(&[("ENCODER_THREADS", "128")]).unwrap().cutting.encoder_threads, 128);
    }
}
