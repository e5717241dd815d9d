"""One run of ffmpeg's libvmaf: a clip's frames beside the upload's own, matched by number.

Both files may be hostile: each is opened as a plain file of the format that its probe found, by an ffmpeg
that is limited in time and in threads.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.formats import local, shown_pictures, told_words, words_of
from clipkit.media.geometry import Framing
from clipkit.media.upload import Upload

# Without an index a seek may land behind its target: aim before it, as `plan.encode` does.
_LOOSE_MARGIN_S = 1.0
_MOST_THREADS = 4
_SAID_BYTES = 2000


class Shown(Protocol):
    """The upload's frames that a clip holds (`plan.frames.FrameSpan`), in seconds from its start."""

    @property
    def first_s(self) -> float: ...
    @property
    def low_s(self) -> float: ...
    @property
    def high_s(self) -> float: ...
    @property
    def frames(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Unscored:
    """`why`, in words that follow "not scored: "."""

    why: str


@dataclass(frozen=True, slots=True)
class Original:
    """What a clip is compared with: frames of an upload, and of their picture the part that it shows."""

    upload: Upload
    shown: Shown
    crop: str | None = None

    @property
    def part(self) -> Framing:
        return self.upload.framing(self.crop, None)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that decides one run of libvmaf. `windows`: first and last number of the frames scored."""

    clip: Upload
    original: Original
    windows: tuple[tuple[int, int], ...]
    model: str


@dataclass(frozen=True, slots=True)
class Scores:
    """Of each frame scored, in order."""

    vmaf: tuple[float, ...]
    motion: tuple[float, ...]
    luma: tuple[float, ...]
    libvmaf: str


def seek_points(upload: Upload, shown: Shown) -> list[float | None]:
    """Where to start reading, cheapest first; None: at the upload's start, which is always right."""
    keys = [time_s for time_s in upload.key_frame_times_s if time_s <= shown.first_s]
    if upload.seek == "none" or not keys:
        return [None]
    seek_s = shown.first_s if upload.seek == "exact" else keys[-1] - _LOOSE_MARGIN_S
    return [seek_s, None] if seek_s > 0 else [None]


def run_libvmaf(
    comparison: Comparison, seek_s: float | None, build: FfmpegBuild, timeout_s: float
) -> Scores | Unscored:
    """In a folder of its own: the filters' logs have plain names, no path needs their escaping."""
    with tempfile.TemporaryDirectory(prefix="clipkit-vmaf-") as scratch:
        folder = Path(scratch)
        try:
            with (folder / "said").open("wb") as said:
                done = subprocess.run(
                    _argv(comparison, seek_s, build),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=said,
                    cwd=folder,
                    timeout=timeout_s,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            return Unscored(f"scoring took over {timeout_s:g} s")
        except OSError as error:
            return Unscored(f"{build.path} cannot be run: {error.strerror}")
        if done.returncode:
            last = (folder / "said").read_bytes()[-_SAID_BYTES:].decode("utf-8", "replace")
            words = (last.strip().splitlines() or ["it printed nothing"])[-1]
            return Unscored(f"ffmpeg ended with {done.returncode}: {words}")
        return _read(folder)


def _argv(comparison: Comparison, seek_s: float | None, build: FfmpegBuild) -> list[str]:
    upload, made = comparison.original.upload, comparison.clip
    threads = str(min(_MOST_THREADS, os.cpu_count() or 1))
    # Without accurate_seek ffmpeg drops nothing itself: `trim` decides, frame by frame.
    seek = [] if seek_s is None else ["-noaccurate_seek", "-ss", f"{seek_s:.6f}"]
    return [
        *(build.path, "-nostdin", "-hide_banner", "-v", "error", "-copyts"),
        *told_words(made.container),
        *words_of(shown_pictures(made.container, build.crops_as_told)),
        *("-threads", threads, "-i", local(made.path)),
        *told_words(upload.container),
        *words_of(shown_pictures(upload.container, build.crops_as_told)),
        *("-threads", threads, *seek, "-i", local(upload.path)),
        *("-filter_complex", _graph(comparison, threads)),
        *("-fps_mode", "passthrough", "-f", "null", "-"),
    ]


def _graph(comparison: Comparison, threads: str) -> str:
    """Both as limited range 4:2:0 of the part's size, at the same invented times."""
    original, made = comparison.original, comparison.clip
    upload, shown, part = original.upload, original.shown, original.part
    deep = max(upload.bit_depth, made.bit_depth) > 8
    size = f"{part.part_width}:{part.part_height}"
    alike = ",".join(
        (
            f"scale={size}:flags=bicubic:out_range=tv",
            f"format={'yuv420p10le' if deep else 'yuv420p'}",
            "select='" + "+".join(f"between(n,{a},{b})" for a, b in comparison.windows) + "'",
            "setpts=N*40000",
        )
    )
    start_s = upload.container_start_s
    trim = f"trim=start={shown.low_s + start_s:.6f}:end={shown.high_s + start_s:.6f}"
    luma = "scale=64:64:flags=area,format=yuv420p,signalstats"
    log = "metadata=mode=print:key=lavfi.signalstats.YAVG:file=luma.txt"
    score = f"model=version={comparison.model}:n_threads={threads}:log_fmt=json:log_path=vmaf.json"
    return ";".join(
        (
            f"[0:{made.video_stream}]settb=AVTB,{alike}[clip]",
            f"[1:{upload.video_stream}]settb=AVTB,{','.join([trim, *part.crop_filter(), alike])},split[upload][look]",
            f"[look]{luma},{log},nullsink",
            f"[clip][upload]libvmaf={score}:shortest=1:repeatlast=0",
        )
    )


def _read(folder: Path) -> Scores | Unscored:
    if not (folder / "vmaf.json").exists():  # no frame came to be compared: a seek that went astray
        return Scores((), (), (), "")
    try:
        document = json.loads((folder / "vmaf.json").read_text("utf-8"))
        metrics = [frame["metrics"] for frame in document["frames"]]
        lines = (folder / "luma.txt").read_text("ascii").splitlines()
        return Scores(
            vmaf=tuple(frame["vmaf"] for frame in metrics),
            motion=tuple(frame["integer_motion2"] for frame in metrics),
            luma=tuple(float(line.partition("=")[2]) for line in lines if line[:5] == "lavfi"),
            libvmaf=document["version"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Unscored(f"libvmaf's log cannot be read: {error}")
