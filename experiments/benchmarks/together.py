"""Clips that lie closely, cut by one ffmpeg which decodes once what they share, beside an ffmpeg each.

    python experiments/benchmarks/together.py [cost] [memory] [same --of FOLDER …] [--rounds 3] [--into results/together.json]
    python experiments/benchmarks/together.py --stored results/together.json

`cost`: out of a film of 360 lines, CPU seconds under ceilings of 2 and 0.5 CPU, the ways in random order within a round, their ratio in each.
`memory`: how much one ffmpeg holds that makes 1 and 8 clips. `same`: of every upload in the folders four clips, by
each build, are compared with those cut alone: the files bit for bit, and where these differ all that they decode to.

A clip joins those before it where the key frame that it is decoded from lies before their end. Pictures are decoded from
the first one's key frame on, and each clip takes its own; its sound is read as if it were alone, from an input of its own,
so that the same packets are copied and the same samples encoded.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import ffmpeg

from clipkit import ffmpeg_builds
from clipkit import format as fmt
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import ClipkitError
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.encode import FILM, command_head, compiled_argv, decoded_options, encode_tasks
from clipkit.plan.encoded_pictures import video_options
from clipkit.plan.encoded_sound import audio_options, has_sound, is_copied, sound_stream
from clipkit.plan.entry import Cut, Entry, entries
from clipkit.plan.frames import span
from clipkit.plan.own_pictures import as_shown_in
from clipkit.plan.sound_check import decoded_beside
from clipkit.plan.task import OUTPUT, Run
from clipkit.settings import Settings
from clipkit.tables import Table

LINES = 360
BUILDS = ("bundled", "system")
CPUS = (2.0, 0.5)
JOBS = {
    "12 of 2 s, end to end": tuple(Clip(100 + 2.0 * n, 2.0) for n in range(12)),
    "12 of 2 s, every 4 s": tuple(Clip(100 + 4.0 * n, 2.0) for n in range(12)),
    "12 of 12 s, every 48 s": tuple(Clip(5 + 48.0 * n, 12.0) for n in range(12)),
}
HELD = {
    "720 lines": (600, 720, {}),
    "720 lines, veryfast": (600, 720, {"preset": "veryfast"}),
    "1080 lines": (60, 1080, {}),
}
AT_ONCE = (1, 8)
_PARTS = ("cost", "memory", "same")
Words = list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description="Clips cut by one ffmpeg beside an ffmpeg each.")
    parser.add_argument("parts", nargs="*", default=list(_PARTS[:2]), metavar="PART")
    parser.add_argument("--of", type=Path, nargs="+", default=[], help="folders of uploads")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--stored", type=Path, help="print what was measured before")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in _PARTS]:
        parser.error(f"{unknown[0]} is none of {', '.join(_PARTS)}")
    if asked.stored:
        told = json.loads(asked.stored.read_text("utf-8"))
    else:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            parts = {
                "cost": lambda: cost(asked.rounds, place),
                "memory": lambda: memory(place),
                "same": lambda: same(asked.of, place),
            }
            told = {part: parts[part]() for part in asked.parts}
        told["ffmpeg"] = {name: ffmpeg_builds.find_build(name).version for name in BUILDS}
    if asked.into:
        known = json.loads(asked.into.read_text("utf-8")) if asked.into.exists() else {}
        asked.into.write_text(json.dumps(known | told, indent=1) + "\n", "utf-8")
    for part in _PARTS:
        if rows := told.get(part):
            cells = tuple(tuple(_cell(*pair) for pair in row.items()) for row in rows)
            print("\n".join(Table(tuple(rows[0]), cells).lines()))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name.endswith("_bytes"):
        return fmt.size(value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Cutting:
    """Clips of one upload, all with the same settings."""

    upload: Upload
    settings: Settings

    def cut(self, clip: Clip) -> Cut:
        frames = span(self.upload, clip)
        build = ffmpeg_builds.find_build(self.settings.ffmpeg)
        return Cut(as_shown_in(self.upload, frames), clip, frames, self.settings, build)

    def alone(self, clip: Clip, output: Path) -> Words:
        """As clipkit cuts it."""
        build = ffmpeg_builds.find_build(self.settings.ffmpeg)
        [task] = encode_tasks(Job(self.upload, (clip,), None), self.settings, build)
        making = next(step for step in task.attempts[0].steps if isinstance(step, Run))
        return [word.replace(OUTPUT, str(output)) for word in making.argv]

    def from_frame(self, clip: Clip) -> int:
        """That of the key frame from which a clip's pictures are decoded."""
        first_s = span(self.upload, clip).first_s
        keys_s = [t for t in self.upload.key_frame_times_s if t <= first_s]
        return bisect_left(self.upload.frame_times_s, keys_s[-1]) if keys_s else 0

    def decoded(self, clips: Sequence[Clip]) -> int:
        """Frames, by one ffmpeg that makes all of them."""
        last = max(span(self.upload, clip).last for clip in clips)
        return last - self.from_frame(clips[0]) + 1

    def groups(self, clips: Sequence[Clip]) -> list[tuple[Clip, ...]]:
        found: list[tuple[Clip, ...]] = []
        for clip in sorted(clips, key=lambda clip: clip.start_s):
            before = found[-1] if found else ()
            last = max((span(self.upload, each).last for each in before), default=-1)
            if self.from_frame(clip) <= last:
                found[-1] = (*before, clip)
            else:
                found.append((clip,))
        return found

    def together(self, clips: Sequence[Clip], outputs: Sequence[Path]) -> Words:
        cuts = [self.cut(clip) for clip in clips]
        first = entries(cuts[0])[0]
        film = ffmpeg.input(FILM, **_source(cuts[0], first))
        made = []
        for cut, output in zip(cuts, outputs, strict=True):
            own = entries(cut)[0]
            if own.keep_times != first.keep_times:
                raise ClipkitError("a clip from the film's start counts by another clock")
            streams, sound = [film[str(cut.upload.video_stream)]], audio_options(cut, own)
            if has_sound(cut.upload, cut.settings):
                heard = ffmpeg.input(FILM, **_source(cut, own))[sound_stream(cut.upload)]
                streams.append(heard)
                if is_copied(sound):
                    made.append(decoded_beside(heard, str(sound["t"])))
            shared = replace(own, seek_s=first.seek_s, origin_s=first.origin_s)
            options = {"map_chapters": -1, "sn": None, "dn": None, "f": "mp4"}
            options |= {"movflags": "+faststart", **video_options(cut, shared), **sound}
            made.append(ffmpeg.output(*streams, str(output), **options))
        head = command_head(cuts[0].build)
        if self.settings.filter_threads:
            head += ["-filter_threads", str(self.settings.filter_threads)]
        if first.keep_times:
            head.append("-copyts")
        return compiled_argv(ffmpeg.merge_outputs(*made), head, self.upload)


def _source(cut: Cut, entry: Entry) -> dict[str, object]:
    options = decoded_options(cut)
    if entry.seek_s is not None:
        options |= {"ss": f"{entry.seek_s:.6f}", "noaccurate_seek": None}
    return options


def cost(rounds: int, folder: Path) -> list[dict[str, Any]]:
    job, rows = Cutting(probe_upload(sample(600, height=LINES)), Settings()), []
    order = random.Random(1)  # noqa: S311 (no secret)
    for words, clips in JOBS.items():
        outputs = {clip: folder / f"{n}.mp4" for n, clip in enumerate(clips)}
        groups = job.groups(clips)
        ways = {
            "alone": [job.alone(clip, outputs[clip]) for clip in clips],
            "groups": [job.together(group, [outputs[c] for c in group]) for group in groups],
        }
        made = {"alone": [(clip,) for clip in clips], "groups": groups}
        known = {
            way: {
                "clips": words,
                "way": way,
                "processes": len(each),
                "frames_decoded": sum(map(job.decoded, each)),
            }
            for way, each in made.items()
        }
        if len(groups) == len(clips):  # nothing to measure: it is what is done today
            rows.append({**known["groups"], "cpus": None, **_figures([], [])})
            continue
        for cpus in CPUS:
            seen_s: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way in order.sample(list(ways), len(ways)):
                    with open_ceiling(Limits(2 << 30, cpus)) as ceiling:
                        seen_s[way].append(sum(_cpu_s(argv, ceiling) for argv in ways[way]))
            for way in ways:
                figures = _figures(seen_s[way], seen_s["alone"])
                rows.append({**known[way], "cpus": cpus, **figures})
                print(rows[-1], flush=True)
    return rows


def _figures(seen_s: Sequence[float], alone_s: Sequence[float]) -> dict[str, Any]:
    """`ratio` to those cut alone in the same round, the median, and the least and the most of it."""
    ratios = sorted(a / b for a, b in zip(seen_s, alone_s, strict=True))
    known = [median(seen_s), median(ratios), ratios[0], ratios[-1]] if ratios else [None] * 4
    rounded = [each and round(each, 3) for each in known]
    return {"rounds": len(ratios), **dict(zip(_FIGURES, rounded, strict=True))}


_FIGURES = ("cpu_s", "ratio", "least", "most")


def _cpu_s(argv: Words, ceiling: Ceiling) -> float:
    process = subprocess.Popen(ceiling.wrap(argv), stdout=subprocess.DEVNULL)
    ceiling.adopt(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{argv} ended with {status}")
    return usage.ru_utime + usage.ru_stime


def memory(folder: Path) -> list[dict[str, Any]]:
    rows = []
    for words, (length_s, lines, asked) in HELD.items():
        job = Cutting(probe_upload(sample(length_s, height=lines)), Settings(**asked))
        for many in AT_ONCE:
            clips = [Clip(20 + 2.0 * n, 2.0) for n in range(many)]
            argv = job.together(clips, [folder / f"{n}.mp4" for n in range(many)])
            held = _peak_anon_bytes(argv)
            rows.append({"film": words, "clips": many, "peak_anon_bytes": held})
            print(rows[-1], flush=True)
    return rows


def _peak_anon_bytes(argv: Words) -> int:
    """Ends the programme where it fails: what it held till then is not what its clips take."""
    peak = 0
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for line in Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines():
                if line.startswith("RssAnon:"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            time.sleep(0.004)
    if process.returncode:
        raise SystemExit(f"{argv} ended with {process.returncode}")
    return peak


def same(folders: Sequence[Path], folder: Path) -> list[dict[str, Any]]:
    """An upload is left out that cannot be cut, or whose clips do not go together."""
    rows = []
    for path in sorted(path for each in folders for path in each.iterdir()):
        for build in BUILDS:
            try:
                job = Cutting(probe_upload(path), Settings(ffmpeg=build))
                rows.append({"upload": path.name, "build": build, **_compared(job, folder)})
            except ClipkitError as error:
                print(f"{path.name}: {error}")
            else:
                print(rows[-1], flush=True)
    return rows


def _compared(job: Cutting, folder: Path) -> dict[str, Any]:
    length_s = min(float(job.upload.end_s), 12.0)
    clips = [Clip(round(length_s * (n + 0.4) / 5.2, 3), round(length_s / 6, 3)) for n in range(4)]
    alone = [folder / f"alone-{n}.mp4" for n in range(len(clips))]
    others = [folder / f"together-{n}.mp4" for n in range(len(clips))]
    for path in (*alone, *others):
        path.unlink(missing_ok=True)
    argvs = [job.alone(clip, path) for clip, path in zip(clips, alone, strict=True)]
    for argv in (*argvs, job.together(clips, others)):
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    pairs = list(zip(alone, others, strict=True))
    files = [a.exists() and b.exists() and _digest(a) == _digest(b) for a, b in pairs]
    shown = [
        was or [] != list(_decoded(a)) == list(_decoded(b))
        for was, (a, b) in zip(files, pairs, strict=True)
    ]
    return {"clips": len(clips), "same_files": sum(files), "same_decoded": sum(shown)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _decoded(path: Path) -> Iterator[str]:
    """Of every picture and every packet's worth of sound its hash, without the times."""
    argv = [ffmpeg_builds.find_build("bundled").path, "-v", "error", "-i", str(path)]
    told = subprocess.run([*argv, "-f", "framemd5", "-"], capture_output=True, check=False)
    for line in told.stdout.decode().splitlines():
        if not line.startswith("#"):
            stream, *_, digest = line.split(",")
            yield f"{stream}{digest}"


if __name__ == "__main__":
    main()
