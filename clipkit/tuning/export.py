"""The recommended settings in the terms of the user's own backend. Pure: text from settings.

What is exported seeks and encodes as recommended; exact frames and checked outputs are what
`clipkit cut` adds.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from clipkit.errors import UsageError
from clipkit.settings import Settings


def input_options(settings: Settings) -> list[str]:
    """Options that belong before the input."""
    options = ["-threads", str(settings.decoder_threads)] if settings.decoder_threads else []
    if settings.filter_threads:
        options = ["-filter_threads", str(settings.filter_threads), *options]
    return options


def output_options(settings: Settings) -> list[str]:
    """Options that belong before the output."""
    options = ["-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf)]
    if settings.encoder_threads:
        options += ["-threads", str(settings.encoder_threads)]
    if settings.bframes is not None:
        options += ["-bf", str(settings.bframes)]
    if settings.refs is not None:
        options += ["-refs", str(settings.refs)]
    x264 = []
    if settings.lookahead is not None:
        x264.append(f"rc-lookahead={settings.lookahead}")
    if settings.mbtree is not None:
        x264.append(f"mbtree={int(settings.mbtree)}")
    if x264:
        options += ["-x264-params", ":".join(x264)]
    audio = {"auto": ["-c:a", "copy"], "aac": ["-c:a", "aac"], "none": ["-an"]}
    return options + audio[settings.audio]


def export(settings: Settings, form: str) -> str:
    """A snippet to paste. Raises UsageError for an unknown form."""
    try:
        return FORMS[form](settings)
    except KeyError:
        raise UsageError(f"unknown form '{form}': one of {', '.join(FORMS)}") from None


def one_line(settings: Settings) -> str:
    """The change in fluent-ffmpeg's terms, for the verdict."""
    before = f".inputOptions({_js(input_options(settings))})" if input_options(settings) else ""
    return f".seekInput(start){before}.outputOptions({_js(output_options(settings))})"


def _js(options: list[str]) -> str:
    pairs = ", ".join(json.dumps(option).replace('"', "'") for option in options)
    return f"[{pairs}]"


def _fluent(settings: Settings) -> str:
    return f"""\
// clips at the same time: {settings.concurrency}
const maxConcurrent = {settings.concurrency};

function cutClip(ffmpeg, input, start, duration, output) {{
  return new Promise((resolve, reject) => {{
    ffmpeg(input)
      .seekInput(start) // before the input: jumps to the key frame
      .inputOptions({_js(input_options(settings))})
      .duration(duration)
      .outputOptions({_js(output_options(settings))})
      .on('end', () => resolve(output))
      .on('error', reject)
      .save(output);
  }});
}}

module.exports = {{ maxConcurrent, cutClip }};
"""


def _shell(settings: Settings) -> str:
    before, after = " ".join(input_options(settings)), " ".join(output_options(settings))
    return f"""\
#!/bin/sh
# usage: cut.sh INPUT START DURATION OUTPUT     clips at the same time: {settings.concurrency}
set -eu
exec ffmpeg -nostdin -v error -y {before} -ss "$2" -i "$1" -t "$3" \\
  {after} "$4"
"""


def _python(settings: Settings) -> str:
    return f"""\
import asyncio

MAX_CONCURRENT = {settings.concurrency}
_BEFORE_INPUT = {input_options(settings)!r}
_BEFORE_OUTPUT = {output_options(settings)!r}
_slots = asyncio.Semaphore(MAX_CONCURRENT)


async def cut_clip(source: str, start_s: float, duration_s: float, output: str) -> None:
    async with _slots:
        ffmpeg = await asyncio.create_subprocess_exec(
            "ffmpeg", "-nostdin", "-v", "error", "-y",
            *_BEFORE_INPUT, "-ss", str(start_s), "-i", source,
            "-t", str(duration_s), *_BEFORE_OUTPUT, output,
        )
        if code := await ffmpeg.wait():
            raise RuntimeError(f"ffmpeg ended with {{code}} on {{source}}")
"""


def _rust(settings: Settings) -> str:
    before = ", ".join(json.dumps(option) for option in input_options(settings))
    after = ", ".join(json.dumps(option) for option in output_options(settings))
    return f"""\
use std::io;
use std::process::Command;

/// Clips at the same time.
pub const MAX_CONCURRENT: usize = {settings.concurrency};
const BEFORE_INPUT: &[&str] = &[{before}];
const BEFORE_OUTPUT: &[&str] = &[{after}];

pub fn cut_clip(input: &str, start_s: f64, duration_s: f64, output: &str) -> io::Result<()> {{
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(BEFORE_INPUT)
        .args(["-ss", &start_s.to_string(), "-i", input, "-t", &duration_s.to_string()])
        .args(BEFORE_OUTPUT)
        .arg(output)
        .status()?;
    if status.success() {{
        Ok(())
    }} else {{
        Err(io::Error::new(io::ErrorKind::Other, format!("ffmpeg ended with {{status}} on {{input}}")))
    }}
}}
"""


FORMS: dict[str, Callable[[Settings], str]] = {
    "fluent-ffmpeg": _fluent,
    "shell": _shell,
    "python": _python,
    "rust": _rust,
}
