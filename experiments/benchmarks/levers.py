"""What could make a re-encoded clip cheaper: levers of scaling and cropping, and several clips in one process.

    python experiments/benchmarks/levers.py [framed] [shared] [--rounds 5] [--into results/levers.json]
    python experiments/benchmarks/levers.py --stored results/levers.json

`framed`: 4 s out of films of 1080 and of 2160 lines, and of 1080 in 10 bit, shown in 480 lines and as 9:16, each by the
words that mode `encode` has for it with one lever moved, in random order. CPU seconds of that ffmpeg alone (a busy
machine adds to them, to all alike), bytes of the pictures, VMAF against the film.
`shared`: clips of 2 s that lie closely, so that one GOP is decoded for several: one ffmpeg that decodes once and
makes all of them, against one ffmpeg each. Its frames are as exact, `trim` being the same.
With `--into` each film and framing is kept as soon as it is measured, and what is there is not measured again; a file of
another ffmpeg or of other rounds is refused and stays as it is. So is `results/levers.json`, which an earlier version wrote:
it does not say how many rounds it is of, has of 2160 lines those shown in 480 alone, and nothing of 10 bit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.media.probe import probe_upload
from clipkit.media.quality import score_clip
from clipkit.media.sample import sample
from clipkit.media.upload import Upload
from clipkit.media.vmaf import Original
from clipkit.plan.clips import Clip, Job
from clipkit.plan.encode import encode_tasks
from clipkit.plan.frames import span
from clipkit.plan.task import OUTPUT, Run
from clipkit.settings import Settings
from clipkit.tables import Table

CLIP = Clip(5.32, 4.0)
FILMS = {"1080 lines": (60, 1080), "2160 lines": (30, 2160), "1080 lines, 10 bit": (20, 1080)}
_TEN_BIT = ("-c:v", "libx265", "-preset", "superfast", "-x265-params", "log-level=error:keyint=132")
_TEN_BIT_S = 12
FRAMINGS: tuple[dict[str, Any], ...] = (
    {"scale_height": 480},
    {"crop": "9:16"},
    {"crop": "9:16", "scale_height": 480},
)
PLACES_S = {
    "12 clips of 2 s, one a GOP": tuple(5 + 40.0 * n for n in range(12)),
    "12 clips of 2 s, every 4 s": tuple(100 + 4.0 * n for n in range(12)),
    "12 clips of 2 s, end to end": tuple(100 + 2.0 * n for n in range(12)),
}
Words = list[str]
Row = dict[str, Any]


@dataclass(frozen=True)
class Lever:
    """`settings` beside the framing's, then what becomes of the words. `of_scaling`, `of_depth`: moved only where
    something is scaled, or has more bits than clips."""

    settings: dict[str, Any]
    change: Callable[[Words], Words] = list
    of_scaling: bool = False
    of_depth: bool = False


def _flags(name: str) -> Callable[[Words], Words]:
    return lambda words: [word.replace("flags=bicubic", f"flags={name}") for word in words]


def _pixel_format(*, first: bool) -> Callable[[Words], Words]:
    """Of themselves both scalers change size and depth in one step."""
    before, behind = (
        (",format=yuv420p", "") if first else ("", ",format=yuv420p10le,format=yuv420p")
    )
    return lambda words: [
        re.sub(r",(z?scale=[^,]+)", rf"{before},\1{behind}", word) for word in words
    ]


def _decoder(*options: str) -> Callable[[Words], Words]:
    return lambda words: [*words[: words.index("-i")], *options, *words[words.index("-i") :]]


LEVERS = {
    "as it is": Lever({}),
    "scaler zimg": Lever({"scaler": "zimg"}, of_scaling=True),
    "flags bilinear": Lever({}, _flags("bilinear"), of_scaling=True),
    "flags fast_bilinear": Lever({}, _flags("fast_bilinear"), of_scaling=True),
    "skip_loop_filter noref": Lever({}, _decoder("-skip_loop_filter", "noref")),
    "skip_loop_filter all": Lever({}, _decoder("-skip_loop_filter", "all")),
    "8 bit, then scaled": Lever({}, _pixel_format(first=True), of_scaling=True, of_depth=True),
    "scaled, then 8 bit": Lever({}, _pixel_format(first=False), of_scaling=True, of_depth=True),
    "2 decoder threads": Lever({"decoder_threads": 2}),
    "2 filter threads": Lever({"filter_threads": 2}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Levers of mode encode, in CPU seconds.")
    parser.add_argument("parts", nargs="*", default=list(_PARTS), metavar="PART")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--stored", type=Path, help="print what was measured before")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in _PARTS]:
        parser.error(f"{unknown[0]} is none of {', '.join(_PARTS)}")
    if asked.stored:
        told = json.loads(asked.stored.read_text("utf-8"))
    else:
        with tempfile.TemporaryDirectory() as folder:
            told = measured(asked.parts, asked.rounds, Path(folder), asked.into)
    for part, heads in _PARTS.items():
        if part in told:
            print("\n".join(Table(tuple(heads), _cells(told[part], heads)).lines()))


def measured(parts: Sequence[str], rounds: int, folder: Path, into: Path | None) -> dict[str, Any]:
    """What `into` has already, the rest now. `load_average`: the highest of the machine's meanwhile, of which what is
    measured is a core. Ends the programme where `into` was measured by another ffmpeg, or not as often."""
    version = ffmpeg_builds.find_build("bundled").version
    told: dict[str, Any] = {"ffmpeg": version, "rounds": rounds, "load_average": 0.0}
    if into and into.exists():
        told = json.loads(into.read_text("utf-8"))
        if (told["ffmpeg"], told.get("rounds")) != (version, rounds):
            raise SystemExit(
                f"{into} is of ffmpeg {told['ffmpeg']}, {told.get('rounds', 'unknown')} rounds; this would be of "
                f"{version}, {rounds} rounds: name another file, or none"
            )
    makers = {"framed": framed, "shared": shared}
    for part in parts:
        rows = told.setdefault(part, [])
        for more in makers[part](rounds, folder, rows):
            rows += more
            told["load_average"] = max(told["load_average"], round(os.getloadavg()[0], 2))
            print(*more, sep="\n", flush=True)
            if into:
                into.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return told


_FRAMED = ("film", "shown", "lever", "cpu_s", "output_bytes", "vmaf")
_SHARED = ("clips", "processes", "frames_decoded", "cpu_s", "peak_rss_bytes")
_PARTS = {"framed": _FRAMED, "shared": _SHARED}


def _cells(rows: Sequence[dict[str, Any]], heads: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    def cell(name: str, value: Any) -> str:
        if value is None:
            return "unknown"
        if name.endswith("_bytes"):
            return fmt.size(value)
        return f"{value:.2f}" if isinstance(value, float) else str(value)

    return tuple(tuple(cell(name, row[name]) for name in heads) for row in rows)


def framed(rounds: int, folder: Path, known: Sequence[Row]) -> Iterator[list[Row]]:
    for film, (length_s, lines) in FILMS.items():
        for framing in FRAMINGS:
            shown = " ".join(f"{key} {value}" for key, value in framing.items())
            if any((row["film"], row["shown"]) == (film, shown) for row in known):
                continue
            path = sample(length_s, height=lines)
            upload = probe_upload(_deep(path, folder) if "10 bit" in film else path)
            ways = {
                name: _argv(upload, lever, framing, folder / f"{place}.mp4")
                for place, (name, lever) in enumerate(LEVERS.items())
                if ("scale_height" in framing or not lever.of_scaling)
                and (upload.bit_depth > 8 or not lever.of_depth)
            }
            found = _in_turn(ways, rounds)
            scores: dict[bytes, Row] = {}
            rows = []
            for name, argv in ways.items():
                made = Path(argv[-1])
                content = made.read_bytes()
                if content not in scores:
                    scores[content] = _seen(upload, made, framing.get("crop"))
                row = {"film": film, "shown": shown, "lever": name}
                rows.append(row | {"cpu_s": found[name]["cpu_s"]} | scores[content])
            yield rows


def _deep(film: Path, folder: Path) -> Path:
    """The same in HEVC with 10 bit, as phones make it, made if it is not there."""
    target = folder / "deep.mp4"
    if not target.exists():
        argv = [ffmpeg_builds.locate("bundled"), "-nostdin", "-v", "error", "-i", str(film)]
        argv += ["-t", str(_TEN_BIT_S), "-an", "-pix_fmt", "yuv420p10le", *_TEN_BIT]
        subprocess.run([*argv, str(target)], check=True)
    return target


def _argv(upload: Upload, lever: Lever, framing: dict[str, Any], output: Path) -> Words:
    settings = Settings(audio="none", **framing, **lever.settings)
    build = ffmpeg_builds.find_build("bundled")
    [task] = encode_tasks(Job(upload, (CLIP,), None), settings, build)
    making = next(step for step in task.attempts[0].steps if isinstance(step, Run))
    return lever.change([word.replace(OUTPUT, str(output)) for word in making.argv])


def _in_turn(ways: dict[str, Words], rounds: int) -> dict[str, dict[str, Any]]:
    seen: dict[str, list[os.struct_rusage]] = {name: [] for name in ways}
    order = random.Random(1)  # noqa: S311 (no secret)
    for _ in range(rounds):
        for name in order.sample(list(ways), len(ways)):
            seen[name].append(_ran(ways[name]))
    return {
        name: {
            "cpu_s": round(median(usage.ru_utime + usage.ru_stime for usage in usages), 3),
            "peak_rss_bytes": _peak_bytes(usages),
        }
        for name, usages in seen.items()
    }


def _peak_bytes(usages: Sequence[os.struct_rusage]) -> int | None:
    """Unknown below our own: a process begins with what the one that starts it holds (getrusage(2))."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = max(usage.ru_maxrss for usage in usages)
    return peak * 1024 if peak > 1.1 * own else None


def _ran(argv: Words) -> os.struct_rusage:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{argv} ended with {status}")
    return usage


def _seen(upload: Upload, made: Path, crop: str | None) -> dict[str, Any]:
    clip = probe_upload(made)
    original = Original(upload, span(upload, CLIP), crop)
    score = score_clip(clip, original, ffmpeg_builds.find_build("bundled"), places=1)
    return {"output_bytes": clip.video_bytes, "vmaf": round(getattr(score, "mean", 0.0), 2) or None}


def shared(rounds: int, folder: Path, known: Sequence[Row]) -> Iterator[list[Row]]:
    upload = probe_upload(sample(600))
    for words, starts_s in PLACES_S.items():
        if any(row["clips"] == words for row in known):
            continue
        clips = tuple(Clip(start_s, 2.0) for start_s in starts_s)
        alone = [_argv_of(upload, clip, folder / f"{n}.mp4") for n, clip in enumerate(clips)]
        ways = {f"alone {n}": argv for n, argv in enumerate(alone)} | {
            "together": _together(upload, clips, folder)
        }
        found = _in_turn(ways, rounds)
        together = found.pop("together")
        each = {
            "cpu_s": round(sum(one["cpu_s"] for one in found.values()), 3),
            "peak_rss_bytes": max(
                (one["peak_rss_bytes"] for one in found.values() if one["peak_rss_bytes"]),
                default=None,
            ),
        }
        decoded = [_decoded(upload, (clip,)) for clip in clips]
        yield [
            {"clips": words, "processes": 12, "frames_decoded": sum(decoded), **each},
            {"clips": words, "processes": 1, "frames_decoded": _decoded(upload, clips), **together},
        ]


def _argv_of(upload: Upload, clip: Clip, output: Path) -> Words:
    [task] = encode_tasks(
        Job(upload, (clip,), None), Settings(audio="none"), ffmpeg_builds.find_build("bundled")
    )
    making = next(step for step in task.attempts[0].steps if isinstance(step, Run))
    return [word.replace(OUTPUT, str(output)) for word in making.argv]


def _together(upload: Upload, clips: Sequence[Clip], folder: Path) -> Words:
    """All from the first one's key frame on, an output each, whose `trim` counts from there."""
    first_s = clips[0].start_s
    argv = _argv_of(upload, clips[0], folder / "0.mp4")
    source = argv[: argv.index("-i") + 2]
    target = argv[len(source) :]
    words = list(source)
    for number, clip in enumerate(clips):
        from_s, to_s = clip.start_s - first_s - 0.02, clip.end_s - first_s - 0.02
        trim = f"settb=AVTB,trim=start={from_s:.6f}:end={to_s:.6f},setpts=PTS-{clip.start_s - first_s:.6f}/TB"
        own = [trim if word.startswith("settb=") else word for word in target[:-1]]
        words += [*own, str(folder / f"together-{number}.mp4")]
    return words


def _decoded(upload: Upload, clips: Sequence[Clip]) -> int:
    first_s = clips[0].start_s
    key_s = max(t for t in upload.key_frame_times_s if t <= first_s + 1e-6)
    return round((clips[-1].end_s - key_s) * upload.fps)


if __name__ == "__main__":
    main()
