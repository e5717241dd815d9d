"""One run of one subject on the host: how long it took from outside, and what was seen inside."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import av
from subjects import SUBJECTS, Start, Task

from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.trial.sampler import Sampler, peak

_LONGEST_S = 1800


def measured(name: str, task: Task, limits: Limits) -> dict[str, Any]:
    start = SUBJECTS[name](task)
    wall_s, found = _ours(start, task.out) if start.holds_itself else _inside(start, limits)
    files = clips_in(task.out)
    return {
        **found,
        "wall_s": wall_s,
        "clips_asked": len(task.job.clips),
        "clips": len(files),
        "output_bytes": sum(file.stat().st_size for file in files.values()),
    }


def clips_in(out: Path) -> dict[int, Path]:
    """By their numbers, those that can be opened: a program that died may have left a part of one."""
    files = {int(file.stem.rpartition("-")[2]): file for file in sorted(out.rglob("clip-*.mp4"))}
    return {number: file for number, file in files.items() if _opens(file)}


def _opens(file: Path) -> bool:
    """ffmpeg exits with 0 also where it found nothing to cut: that has no streams."""
    try:
        with av.open(str(file)) as container:
            return bool(container.streams.video)
    except av.FFmpegError:
        return False


def _inside(start: Start, limits: Limits) -> tuple[float, dict[str, Any]]:
    """Of one that is held from outside: its wall seconds, and what the ceiling says of it."""
    with open_ceiling(limits) as ceiling, tempfile.TemporaryFile() as words:
        words.write(start.stdin)
        words.seek(0)
        with Sampler(ceiling, 0, frozenset()) as sampler:
            began_s = time.monotonic()
            process = subprocess.Popen(
                ceiling.wrap(start.argv),
                stdin=words,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            ceiling.adopt(process.pid)
            code = process.wait(_LONGEST_S)
            wall_s = time.monotonic() - began_s
        usage = ceiling.usage()
    found: dict[str, Any] = {
        "cpu_s": usage.cpu_s,
        "peak_anon_bytes": peak(sampler.samples, "anon_bytes"),
        "oom_kills": usage.oom_kills,
        "status": "ok" if code == 0 else "failed",
        "engine_wall_s": None,
        "modes": {},
    }
    return wall_s, found


def _ours(start: Start, out: Path) -> tuple[float, dict[str, Any]]:
    began_s = time.monotonic()
    subprocess.run(
        start.argv,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=_LONGEST_S,
    )
    wall_s = time.monotonic() - began_s
    told = out / "ours" / "manifest.json"
    manifest: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {}
    modes = [clip["mode"] for clip in manifest.get("clips", ())]
    found = {
        "cpu_s": manifest.get("cpu_s"),
        "peak_anon_bytes": manifest.get("peak_anon_bytes"),
        "oom_kills": manifest.get("oom_kills", 0),
        "status": manifest.get("status", "failed"),
        "engine_wall_s": manifest.get("wall_s"),
        "modes": {mode: modes.count(mode) for mode in dict.fromkeys(modes)},
    }
    return wall_s, found
