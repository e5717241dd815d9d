"""Planning looks at each picture of a clip a few times, however many there are: what is quadratic in them takes twenty
seconds for six clips of a minute."""

from __future__ import annotations

import pytest
from inventing_uploads import upload

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.avc import Avc
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.modes import MODES, tasks
from clipkit.settings import Settings

_FRAMES = 3000
_GROUPS = tuple(range(0, _FRAMES, 50))
FILM = upload(
    frames=_FRAMES,
    decoding_ticks=tuple(range(0, _FRAMES * 512, 512)),
    access_places=_GROUPS,
    closed_places=_GROUPS,
    avc=Avc(100, frames_only=True, reorder_depth=0, numbers=(0,)),
)
_SHOWN = 1500


@pytest.mark.parametrize("hidden_preroll", ["refuse", "allow"])
@pytest.mark.parametrize("mode", sorted(MODES))
def test_each_picture_is_looked_at_a_few_times(
    mode: str, hidden_preroll: str, build: FfmpegBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, when = 0, Upload.tick

    def counted(film: Upload, frame: int) -> int:
        nonlocal looked
        looked += 1
        return when(film, frame)

    monkeypatch.setattr(Upload, "tick", counted)
    job = Job(FILM, (Clip(11.0, _SHOWN / 25),))
    [task] = tasks(job, Settings(mode=mode, hidden_preroll=hidden_preroll), build)
    assert task.frames_shown and task.frames_shown >= _SHOWN
    assert looked <= 20 * _SHOWN
