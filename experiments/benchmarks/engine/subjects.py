"""Who cuts the job: other people's ways, each as its user would start it, and clipkit's modes.

To add one: an entry in SUBJECTS, a function from the task to what is started.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recipes import kept_folder

from clipkit.plan.baselines import original_templates
from clipkit.plan.clips import Job
from clipkit.plan.framing_words import framing_chain
from clipkit.settings import Settings

SMARTCUT_VERSION = "1.7"
_ENCODER = ("-c:v", "libx264", "-preset", "ultrafast")


@dataclass(frozen=True, slots=True)
class Task:
    """`job` as a file of clips too; `framing`: crop and height as settings."""

    film: Path
    job: Job
    clips_csv: Path
    out: Path
    ffmpeg: str
    host: tuple[str, ...]
    framing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Start:
    """`argv` of what is started, with `stdin` as its input. `holds_itself`: it sets up the host by itself, as
    clipkit does; all else is started inside one."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    holds_itself: bool = False


def _each(task: Task, words: Callable[[str, str, str, str], Sequence[str]], width: int) -> Start:
    """One process a clip, `width` at a time, by xargs. Words are given to it as lines, which it splits: quoted."""
    lines = []
    for number, clip in enumerate(task.job.clips, start=1):
        target = str(task.out / f"clip-{number:03d}.mp4")
        argv = words(str(task.film), f"{clip.start_s:g}", f"{clip.duration_s:g}", target)
        lines.append(" ".join(f'"{word}"' for word in argv))
    program, alone = task.ffmpeg, ("-nostdin", "-v", "error", "-y")
    argv = ("xargs", "-P", str(width), "-L", "1", program, *alone)
    return Start(argv, "\n".join(lines).encode() + b"\n")


def _sketch(task: Task) -> Start:
    return _original(task, 0)


def _fluent(task: Task) -> Start:
    return _original(task, 1)


def _original(task: Task, which: int) -> Start:
    """As the campaigns' baselines are (`plan.baselines`), one clip at a time."""
    argv = original_templates(_framed(task))[which].argv[1:]

    def words(film: str, start: str, duration: str, target: str) -> Sequence[str]:
        known = {"{input}": film, "{start}": start, "{duration}": duration, "{output}": target}
        return [known.get(word, word) for word in argv if word != "-y"]

    return _each(task, words, 1)


def _framed(task: Task) -> Settings:
    height = task.framing.get("scale_height")
    return Settings(crop=task.framing.get("crop"), scale_height=int(height) if height else None)


def _xargs(width: int) -> Callable[[Task], Start]:
    """What a good shell script does: seek first, one thread each, several at a time."""

    def start(task: Task) -> Start:
        chain = framing_chain(_framed(task))
        picture = ["-vf", chain] if chain else []

        def words(film: str, start: str, duration: str, target: str) -> Sequence[str]:
            source = ["-threads", "1", "-ss", start, "-t", duration, "-i", film]
            return [*source, *picture, *_ENCODER, "-threads", "1", "-c:a", "copy", target]

        return _each(task, words, width)

    return start


def _floor(task: Task) -> Start:
    """A stream copy, which begins at the key frame before: what reading and writing takes at least."""

    def words(film: str, start: str, duration: str, target: str) -> Sequence[str]:
        return ["-ss", start, "-i", film, "-t", duration, "-c", "copy", target]

    return _each(task, words, 2)


def _smartcut(task: Task) -> Start:
    """smartcut, another smart cutter, one process a clip."""
    lines = [
        f'"{task.film}" "{task.out}/clip-{number:03d}.mp4" --keep {clip.start_s:g},{clip.end_s:g}'
        for number, clip in enumerate(task.job.clips, start=1)
    ]
    argv = ("xargs", "-P", "1", "-L", "1", str(smartcut_program()))
    return Start(argv, "\n".join(lines).encode() + b"\n")


def smartcut_program() -> Path:
    """In an environment of its own, which is made where there is none: it wants another PyAV than we do."""
    place = kept_folder() / f"smartcut-{SMARTCUT_VERSION}"
    program = place / "bin" / "smartcut"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        pip = (str(place / "bin" / "python"), "-m", "pip", "install", "-q")
        subprocess.run([*pip, f"smartcut=={SMARTCUT_VERSION}"], check=True)
    return program


def _ours(mode: str, *words: str) -> Callable[[Task], Start]:
    def start(task: Task) -> Start:
        framing = [
            word
            for name, value in task.framing.items()
            for word in (f"--{name.replace('_', '-')}", value)
        ]
        argv = [
            sys.executable,
            "-P",
            "-m",
            "clipkit",
            "cut",
            str(task.film),
            "--clips",
            str(task.clips_csv),
        ]
        asked = ["--mode", mode, *words, *framing, *task.host, "--out", str(task.out / "ours")]
        return Start((*argv, *asked), holds_itself=True)

    return start


_TWO = ("--concurrency", "2")
SUBJECTS: dict[str, Callable[[Task], Start]] = {
    "sketch": _sketch,
    "fluent": _fluent,
    **{f"xargs-{width}": _xargs(width) for width in (1, 2, 3, 4)},
    "smartcut": _smartcut,
    "floor": _floor,
    "encode": _ours("encode", *_TWO),
    "smart": _ours("smart", *_TWO),
    "copy": _ours("copy", *_TWO),
}
