//! ffmpeg's command line: an argv, never a shell's words.

use std::ffi::OsString;
use std::path::Path;

use crate::config::{Cutting, Seek, Wording};

/// The formats that clipkit accepts. None of them opens a second file, as playlists do.
pub const FORMATS: &str = "mov,matroska,mpegts,mpeg,avi,flv,ogg,asf,mxf";

/// A clip's place in its upload, in whole microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start_us: u64,
    pub duration_us: u64,
}

impl Span {
    /// Of seconds that are finite and not below 0.
    pub fn of_seconds(start_s: f64, duration_s: f64) -> Self {
        let micros = |seconds: f64| (seconds * 1e6).round() as u64;
        Self { start_us: micros(start_s), duration_us: micros(duration_s) }
    }
}

pub fn argv(cutting: &Cutting, span: Span, upload: &Path, clip: &Path) -> Vec<OsString> {
    let mut argv = Argv::default();
    argv.words("-hide_banner -nostdin -loglevel error -protocol_whitelist file");
    argv.pair("-format_whitelist", FORMATS);
    match cutting.wording {
        Wording::Same => same(&mut argv, cutting, span, upload),
        Wording::Sketched => sketched(&mut argv, cutting, span, upload),
    }
    argv.0.push(clip.into());
    argv.0
}

/// The contract's list, in the order of fluent-ffmpeg.
fn same(argv: &mut Argv, cutting: &Cutting, span: Span, upload: &Path) {
    if let Some(threads) = cutting.decoder_threads {
        argv.pair("-threads", threads.to_string());
    }
    if cutting.seek == Seek::Input {
        argv.pair("-ss", six_decimals(span.start_us));
    }
    argv.pair("-i", upload);
    argv.words("-y");
    if cutting.seek == Seek::Output {
        argv.pair("-ss", six_decimals(span.start_us));
    }
    argv.pair("-t", six_decimals(span.duration_us));
    argv.words("-map 0:v:0 -map 0:a:0? -c:v libx264");
    quality(argv, cutting);
    argv.pair("-threads", cutting.encoder_threads.to_string());
    argv.words("-c:a copy -movflags +faststart -abort_on empty_output -progress pipe:1 -f mp4");
}

/// The words of the analysis' sketch for Rust: it seeks after the input and leaves threads to ffmpeg.
fn sketched(argv: &mut Argv, cutting: &Cutting, span: Span, upload: &Path) {
    argv.pair("-i", upload);
    argv.pair("-ss", six_decimals(span.start_us));
    argv.pair("-t", six_decimals(span.duration_us));
    argv.words("-c:v libx264");
    quality(argv, cutting);
    argv.words("-c:a copy");
}

fn quality(argv: &mut Argv, cutting: &Cutting) {
    argv.pair("-preset", cutting.preset);
    if let Some(crf) = &cutting.crf {
        argv.pair("-crf", crf);
    }
}

#[derive(Default)]
struct Argv(Vec<OsString>);

impl Argv {
    fn words(&mut self, words: &str) {
        self.0.extend(words.split(' ').map(OsString::from));
    }

    fn pair(&mut self, option: &str, value: impl Into<OsString>) {
        self.0.extend([option.into(), value.into()]);
    }
}

fn six_decimals(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Cutting = Cutting {
        seek: Seek::Input,
        preset: "ultrafast",
        crf: None,
        encoder_threads: 1,
        decoder_threads: None,
        wording: Wording::Same,
    };
    const FIRST_LINE: &str = "-hide_banner -nostdin -loglevel error -protocol_whitelist file \
                              -format_whitelist mov,matroska,mpegts,mpeg,avi,flv,ogg,asf,mxf";

    fn words(cutting: &Cutting, start_s: f64, duration_s: f64) -> String {
        let span = Span::of_seconds(start_s, duration_s);
        let argv = argv(cutting, span, Path::new("UPLOAD"), Path::new("OUT"));
        argv.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_same_argv_is_the_contracts_word_for_word() {
        assert_eq!(
            words(&PLAIN, 12.5, 3.0),
            format!(
                "{FIRST_LINE} -ss 12.500000 -i UPLOAD -y -t 3.000000 -map 0:v:0 -map 0:a:0? \
                 -c:v libx264 -preset ultrafast -threads 1 -c:a copy -movflags +faststart \
                 -abort_on empty_output -progress pipe:1 -f mp4 OUT"
            )
        );
        let all = Cutting {
            seek: Seek::Output,
            crf: Some("23.5".into()),
            decoder_threads: Some(2),
            ..PLAIN
        };
        assert_eq!(
            words(&all, 0.0, 3.0),
            format!(
                "{FIRST_LINE} -threads 2 -i UPLOAD -y -ss 0.000000 -t 3.000000 -map 0:v:0 \
                 -map 0:a:0? -c:v libx264 -preset ultrafast -crf 23.5 -threads 1 -c:a copy \
                 -movflags +faststart -abort_on empty_output -progress pipe:1 -f mp4 OUT"
            )
        );
    }

    #[test]
    fn the_sketch_seeks_after_the_input_whatever_is_asked() {
        let asked = Cutting { decoder_threads: Some(2), wording: Wording::Sketched, ..PLAIN };
        assert_eq!(
            words(&asked, 1.0, 2.0),
            format!(
                "{FIRST_LINE} -i UPLOAD -ss 1.000000 -t 2.000000 -c:v libx264 -preset ultrafast \
                 -c:a copy OUT"
            )
        );
    }

    #[test]
    fn times_are_whole_microseconds_without_exponents() {
        assert!(words(&PLAIN, 1e-7, 1e7).contains("-ss 0.000000 -i UPLOAD -y -t 10000000.000000"));
        assert!(words(&PLAIN, -0.0, 0.007_812_5).contains("-ss 0.000000 -i UPLOAD -y -t 0.007813"));
        assert!(words(&PLAIN, 0.1 + 0.2, 1.0).contains("-ss 0.300000"));
    }
}
