"""What a visit comes to, of visits that are only imagined."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from inventing_uploads import upload

from clipkit.plan.clips import Clip, Job
from clipkit.plan.drive_file import contract_routes
from clipkit.trial.ends import with_times
from clipkit.trial.launcher import Launch, launch_of
from clipkit.trial.moments import Moments
from clipkit.trial.visit import Manner, Visit
from clipkit.trial.visited import Ending, times_of, told_of

CLIPS = (Clip(1.0, 2.0), Clip(5.0, 2.0))


def told_clip(number: int, **known: Any) -> dict[str, Any]:
    plain = {"number": number, "status": "ok", "error": None, "bytes": None, "url": None}
    return {**plain, "started_s": 100.0 + number, "ended_s": 101.0 + number, **known}


def visit(status: str = "done", *clips: dict[str, Any], **known: Any) -> Visit:
    moments = Moments(None, None)  # type: ignore[arg-type]
    made = Visit(Job(upload(), CLIPS), contract_routes(), Manner(), moments, 0.0, **known)
    if clips:
        made.document = {"id": "x", "status": status, "created_s": 100.0, "clips": list(clips)}
    return made


def launch(start: str, pid: int, started_s: float = 0.0) -> Launch:
    return Launch(pid, started_s, ("-ss", start, "-i", "film", f"out-{pid}"))


class TestTimes:
    def test_they_are_of_the_services_clock(self) -> None:
        times = times_of(visit("done", told_clip(1), told_clip(2)))
        assert times is not None
        assert (times.wall_s, times.first_s) == (3.0, 102.0)
        assert times.spans == ((101.0, 102.0), (102.0, 103.0))

    def test_the_first_clip_is_the_first_that_is_ok(self) -> None:
        times = times_of(visit("failed", told_clip(1, status="failed"), told_clip(2)))
        assert times is not None
        assert times.first_s == 103.0

    def test_of_a_job_that_has_not_ended_or_never_ran_there_are_none(self) -> None:
        waiting = told_clip(2, status="queued", started_s=None, ended_s=None)
        assert times_of(visit("running", told_clip(1), waiting)) is None
        never = {"status": "failed", "started_s": None, "ended_s": None}
        assert times_of(visit("failed", told_clip(1, **never), told_clip(2, **never))) is None
        assert times_of(visit()) is None


class TestClips:
    def one(self, fetched: Path | str | None, told_bytes: int) -> dict[str, Any]:
        seen = visit("done", told_clip(1, bytes=told_bytes), told_clip(2))
        if fetched is not None:
            seen.fetched[1] = fetched
        return told_of(seen, Ending(), []).clips[0]

    def test_one_that_came_whole_is_ok_and_its_frames_are_known(
        self, small: Path, tmp_path: Path
    ) -> None:
        came = Path(shutil.copy(small, tmp_path / "clip-001.mp4"))
        told = self.one(came, came.stat().st_size)
        assert (told["status"], told["error"], told["frames"]) == ("ok", None, 100)

    def test_what_the_service_says_is_not_enough(self, small: Path, tmp_path: Path) -> None:
        came = Path(shutil.copy(small, tmp_path / "clip-001.mp4"))
        size = came.stat().st_size
        assert self.one(came, size + 1)["error"] == f"{size} bytes came of {size + 1}"
        came.write_bytes(b"no film at all")
        assert "no readable clip came" in self.one(came, 14)["error"]
        assert (
            self.one("404: no such thing", 14)["error"]
            == "it cannot be fetched: 404: no such thing"
        )
        assert self.one(None, 14)["status"] == "failed"

    def test_at_the_time_limit_what_has_ended_keeps_its_end(self) -> None:
        open_ = told_clip(2, status="running", ended_s=None)
        seen = visit("running", told_clip(1, status="failed", error="odd"), open_, timed_out=True)
        told = told_of(seen, Ending(), [])
        assert [(c["status"], c["error"]) for c in told.clips] == [
            ("failed", "odd"),
            ("timeout", "the time limit struck"),
        ]
        assert told.done is None

    def test_what_was_lost_with_the_service_says_how_it_was_lost(self) -> None:
        why = "the service was killed by signal 9"
        told = told_of(visit(), Ending(died=True, why=why, killed=why), [])
        assert [(c["status"], c["error"]) for c in told.clips] == [
            ("killed", "the service was killed by signal 9")
        ] * 2


class TestLaunches:
    def test_each_clip_has_the_launch_with_its_start(self) -> None:
        unused = [launch("5.000000", 7), launch("1.000000", 8)]
        found = [launch_of(clip, unused) for clip in CLIPS]
        assert [each.pid for each in found if each] == [8, 7]
        assert unused == []

    def test_clips_that_start_alike_have_one_each(self) -> None:
        unused = [launch("1", 7), launch("1", 8)]
        found = [launch_of(CLIPS[0], unused) for _ in range(3)]
        assert [each.pid if each else None for each in found] == [7, 8, None]

    @pytest.mark.parametrize("words", [(), ("-ss",), ("-ss", "early", "-i", "x"), ("-i", "x")])
    def test_words_without_a_start_are_nobodys(self, words: tuple[str, ...]) -> None:
        assert launch_of(CLIPS[0], [Launch(1, 0.0, words)]) is None


class TestTimesOfAServerThatTellsNone:
    """Their clips have the times of their ffmpeg, which is watched from outside."""

    def timed(self, *launches: Launch, ended_s: dict[int, float]) -> list[tuple[Any, Any]]:
        told = [told_clip(number, sent_s=100.0, answered_s=110.0) for number in (1, 2)]
        found = with_times({"clips": told}, CLIPS, list(launches), ended_s)
        return [(clip["started_s"], clip["ended_s"]) for clip in found["clips"]]

    def test_they_are_those_of_the_ffmpeg_with_its_start(self) -> None:
        launches = launch("5.0", 8, started_s=101.0), launch("1.0", 9, started_s=102.0)
        assert self.timed(*launches, ended_s={8: 103.0, 9: 104.0}) == [(102, 104), (101, 103)]

    def test_where_there_is_none_or_its_end_was_not_seen_the_clients(self) -> None:
        assert self.timed(launch("1.0", 9, started_s=102.0), ended_s={}) == [(102, 110), (100, 110)]

    def test_one_that_began_when_the_client_had_its_answer_is_not_what_it_waited_for(self) -> None:
        late = launch("1.0", 9, started_s=110.003)
        assert self.timed(late, ended_s={9: 110.1})[0] == (100, 110)
