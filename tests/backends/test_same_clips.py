"""Each service cuts the same 12 clips, equal frame by frame to what the contract's argv makes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from launchers import Launcher
from making import Make
from running_service import Service

WITH_EACH_WRAPPER = True

CLIPS = [(round(0.37 + 2.41 * number, 3), 1.3 + 0.1 * (number % 3)) for number in range(12)]


@pytest.fixture(scope="session")
def long_film(make: Make) -> Path:
    """Half a minute with B-frames and a key frame every 50."""
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=31")
    sound = ("-f", "lavfi", "-i", "sine=duration=31")
    return make("long.mp4", "-g", "50", "-bf", "2", "-c:a", "aac", source=(*picture, *sound))


def frames(ffmpeg: str, clip: Path) -> list[str]:
    """The time, the duration and the hash of every decoded frame and of every packet of sound."""
    argv = [ffmpeg, "-nostdin", "-v", "error", "-i", str(clip), "-c:a", "copy"]
    done = subprocess.run(
        [*argv, "-f", "framemd5", "-"], check=True, capture_output=True, text=True, timeout=60
    )
    return [line for line in done.stdout.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("seek", ["input", "output"])
def test_twelve_clips_are_the_contracts_frame_by_frame(
    start: Callable[..., Service],
    launcher: Callable[..., Launcher],
    ffmpeg: str,
    long_film: Path,
    seek: str,
) -> None:
    recorder = launcher()
    service = start(FFMPEG=recorder.path, MAX_CONCURRENT=3, SEEK=seek)
    job = service.cut(long_film, *CLIPS)
    assert job["status"] == "done", job
    for clip, (start_s, duration_s) in zip(job["clips"], CLIPS, strict=True):
        theirs, ours = (recorder.folder / name for name in ("theirs.mp4", "ours.mp4"))
        theirs.write_bytes(service.ask("GET", clip["url"]).body)
        seeking = ["-ss", f"{start_s:.6f}"]
        first, second = (seeking, []) if seek == "input" else ([], seeking)
        subprocess.run(
            [
                *(ffmpeg, "-nostdin", "-v", "error", *first, "-i", str(long_film), "-y", *second),
                *("-t", f"{duration_s:.6f}", "-map", "0:v:0", "-map", "0:a:0?", "-c:v", "libx264"),
                *("-preset", "ultrafast", "-threads", "1", "-c:a", "copy"),
                *("-movflags", "+faststart", str(ours)),
            ],
            check=True,
            timeout=60,
        )
        found = frames(ffmpeg, theirs)
        assert len([line for line in found if line.startswith("0,")]) >= 25 * duration_s - 1
        assert found == frames(ffmpeg, ours), f"clip {clip['number']}"
