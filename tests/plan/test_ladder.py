"""What a clip gives up where it does not fit its host: in which order, how much, and what it says of it."""

from __future__ import annotations

import pytest
from talk import task

from clipkit.errors import CeilingError
from clipkit.format import MIB
from clipkit.model.held import encoder_of
from clipkit.plan.ladder import Room, Rung, rungs, tasks_that_fit
from clipkit.plan.task import Task
from clipkit.settings import Settings


def room(free_mib: int) -> Room:
    return Room(512 * MIB, free_mib * MIB)


def needing(*sizes_mib: int) -> list[tuple[Rung, list[Task]]]:
    """One clip whose rungs need so much."""
    return [
        (
            Rung(Settings(), f"step {place}" if place else None),
            [task(1, ["ffmpeg", str(place)], ["ffmpeg", "again"], predicted_bytes=size * MIB)],
        )
        for place, size in enumerate(sizes_mib)
    ]


def saying(*rungs_said: tuple[str, ...]) -> list[tuple[Rung, list[Task]]]:
    """One clip whose ffmpeg is told so on each rung, which needs less than the one before."""
    return [
        (
            Rung(Settings(), f"step {place}" if place else None),
            [task(1, *(["ffmpeg", word] for word in words), predicted_bytes=(9 - place) * MIB)],
        )
        for place, words in enumerate(rungs_said)
    ]


class TestOrder:
    def test_what_costs_time_to_have_goes_first_looking_ahead_by_halves_and_threads_last(
        self,
    ) -> None:
        ladder = rungs(Settings(preset="medium", encoder_threads=2, decoder_threads=0), cores=2)
        assert [rung.change for rung in ladder] == [
            None,
            "B-frames 3 to 0",
            "B-frames 3 to 0, references 3 to 1",
            "B-frames 3 to 0, references 3 to 1, lookahead 40 to 20",
            "B-frames 3 to 0, references 3 to 1, lookahead 40 to 10",
            "B-frames 3 to 0, references 3 to 1, lookahead 40 to 0",
            "B-frames 3 to 0, references 3 to 1, lookahead 40 to 0, decoder threads 3 to 2",
            "B-frames 3 to 0, references 3 to 1, lookahead 40 to 0, decoder threads 3 to 1",
            "B-frames 3 to 0, references 3 to 1, lookahead 40 to 0, decoder threads 3 to 1, "
            "encoder threads 2 to 1",
        ]
        assert encoder_of(ladder[4].settings).mbtree and not encoder_of(ladder[5].settings).mbtree

    def test_what_holds_no_more_than_it_must_has_nothing_to_give_up(self) -> None:
        least = Settings(preset="ultrafast", encoder_threads=1, decoder_threads=1)
        assert rungs(least, cores=8) == [Rung(least)]

    def test_what_looks_ahead_but_for_nothing_keeps_to_it(self) -> None:
        """Without the tree of blocks no picture waits for it."""
        asked = Settings(preset="veryfast", mbtree=False, encoder_threads=1, decoder_threads=1)
        assert [rung.change for rung in rungs(asked, cores=2)] == [None, "B-frames 3 to 0"]

    def test_preset_crf_and_what_is_seen_stay(self) -> None:
        for preset in ("superfast", "medium", "veryslow"):
            asked = Settings(preset=preset, crf=30, scale_height=480)
            for rung in rungs(asked, cores=4):
                kept = rung.settings
                assert (kept.preset, kept.crf, kept.scale_height) == (preset, 30, 480)


class TestFit:
    def test_where_it_fits_nothing_is_given_up(self) -> None:
        (found,) = tasks_that_fit(needing(300, 200), room(300))
        assert found.predicted_bytes == 300 * MIB
        assert found.attempts[0].change is None

    def test_where_it_does_not_no_more_is_given_up_than_must_be_and_it_says_why(self) -> None:
        (found,) = tasks_that_fit(needing(610, 500, 420, 200), room(430))
        assert found.predicted_bytes == 420 * MIB
        assert found.attempts[0].change == "step 2: 512 MB leave 430 MB, one clip needs 610 MB"

    def test_behind_it_are_the_lower_rungs_for_one_that_dies_all_the_same(self) -> None:
        (found,) = tasks_that_fit(needing(610, 420, 200), room(430))
        said = [(attempt.rung, attempt.change) for attempt in found.attempts]
        assert said == [
            (0, "step 1: 512 MB leave 430 MB, one clip needs 610 MB"),
            (0, "attempt 2; step 1: 512 MB leave 430 MB, one clip needs 610 MB"),
            (1, "step 2: 512 MB leave 430 MB, one clip needs 610 MB"),
            (1, "attempt 2; step 2: 512 MB leave 430 MB, one clip needs 610 MB"),
        ]

    def test_a_step_that_frees_nothing_is_no_rung(self) -> None:
        (found,) = tasks_that_fit(needing(300, 300, 200), None)
        assert [attempt.rung for attempt in found.attempts] == [0, 0, 1, 1]

    def test_a_rung_that_says_the_same_to_ffmpeg_is_none(self) -> None:
        """Though it is thought to need less, as where what it gives up is fallen back on alone."""
        (found,) = tasks_that_fit(saying(("a", "x"), ("a", "y"), ("b", "y"), ("b", "z")), None)
        said = [(attempt.rung, attempt.steps[0].words[1]) for attempt in found.attempts]
        assert said == [(0, "a"), (0, "x"), (1, "b"), (1, "y"), (2, "z")]

    def test_what_no_rung_changes_is_followed_by_the_least_that_is_left(self) -> None:
        (found,) = tasks_that_fit(saying(("a", "x"), ("a", "y"), ("a", "z")), None)
        said = [(attempt.rung, attempt.steps[0].words[1]) for attempt in found.attempts]
        assert said == [(0, "a"), (0, "x"), (1, "z")]

    def test_what_fits_nowhere_is_refused_with_what_it_takes(self) -> None:
        with pytest.raises(CeilingError) as refused:
            tasks_that_fit(needing(610, 500), room(430))
        assert str(refused.value) == (
            "too little memory: 512 MB leave 430 MB for clips, and one needs 500 MB with step 1: take a host of 582 MB, "
            "reserve less, or make the clips smaller with --scale-height"
        )
