"""Which frames a clip holds and when it shows them: what the upload showed, in ticks as fractions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import pytest
from inventing_uploads import AAC, upload

from clipkit.errors import ClipRangeError
from clipkit.media.upload import AudioTrack, Upload
from clipkit.plan.clips import Clip
from clipkit.plan.frames import shown_ticks, span
from clipkit.plan.task import Timing
from clipkit.plan.timing import timing_of


class TestFrames:
    @pytest.mark.parametrize(
        ("start_s", "duration_s", "first", "frames"),
        [
            (0, 1, 0, 25),
            (0.04, 0.04, 1, 1),
            (0.01, 0.04, 1, 1),
            (0.0, 0.01, 0, 1),
            (5.04, 12, 126, 300),
            (0.04, 0.2, 1, 5),  # in binary 0.04 + 0.2 is more than 0.24
            (0.08, 0.6, 2, 15),  # and 0.08 + 0.6 less than 0.68
            (1.0, 0.999999, 25, 25),
            (1.0, 1.000001, 25, 26),
            (0.999999, 1, 25, 25),
            (1.000001, 1, 26, 25),
            (19.96, 0.04, 499, 1),
            (19.96, 0.08, 499, 1),  # up to a frame's time beyond the end is still the end
        ],
    )
    def test_from_the_first_at_or_after_the_start_to_the_last_before_the_end(
        self, start_s: float, duration_s: float, first: int, frames: int
    ) -> None:
        found = span(upload(500), Clip(start_s, duration_s))
        assert (found.first, found.frames, found.held) == (first, frames, False)

    @pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(24), 60])
    def test_of_any_times_in_milliseconds_as_exact_arithmetic_has_them(
        self, rate: Fraction
    ) -> None:
        exact = [Fraction(n) / rate for n in range(900)]
        film = upload([float(t) for t in exact], fps=float(rate), time_base=1 / Fraction(rate))
        generator = random.Random(5)
        for _ in range(2000):
            start, length = generator.randrange(10_000), generator.randrange(100, 4000)
            clip = Clip(start / 1000, length / 1000)
            low, high = Fraction(start, 1000), Fraction(start + length, 1000)
            wanted = [n for n, t in enumerate(exact) if low <= t < high]
            found = span(film, clip)
            assert list(range(found.first, found.last + 1)) == wanted

    def test_a_frames_own_time_as_a_binary_number_has_it_means_that_frame(self) -> None:
        film = upload([n / 30 for n in range(300)], fps=30, time_base=Fraction(1, 30))
        for number, time_s in enumerate(film.frame_times_s[:-1]):
            found = span(film, Clip(time_s, 1 / 30))
            assert (found.first, found.frames, found.zero_s) == (number, 1, Fraction(number, 30))

    def test_the_bounds_for_ffmpeg_lie_halfway_to_the_frames_outside(self) -> None:
        found = span(upload(500), Clip(1.0, 1.0))
        assert (found.low_s, found.high_s) == pytest.approx((0.98, 1.98))
        whole = span(upload(500), Clip(0.0, 20.0))
        assert (whole.low_s, whole.high_s) == pytest.approx((-0.02, 19.98))
        film = upload([0.0, 0.08, 0.11, 0.5, 0.52, 2.0, 2.04], fps=3.5, gop_frames=2)
        found = span(film, Clip(0.105, 1.0))
        assert (found.low_s, found.high_s) == pytest.approx((0.095, 1.26))

    @pytest.mark.parametrize(
        ("start_s", "duration_s"), [(19.0, 1.1), (25.0, 1.0), (20.0, 0.02), (20.0, 0.001)]
    )
    def test_a_clip_beyond_the_end_is_refused(self, start_s: float, duration_s: float) -> None:
        with pytest.raises(ClipRangeError, match=r"beyond the end .* ends at 20\.000 s"):
            span(upload(500), Clip(start_s, duration_s))

    def test_a_clip_before_the_first_picture_is_refused(self) -> None:
        film = upload([2.0 + n / 25 for n in range(100)])
        with pytest.raises(ClipRangeError, match=r"before the first picture .* at 2\.000 s"):
            span(film, Clip(0.5, 1.5))
        found = span(film, Clip(0.5, 2.0))
        assert (found.first, found.frames, found.zero_s, found.held) == (0, 13, 2, False)


class TestHeldPictures:
    """A screen at rest, slides: what stands there at the clip's start is shown first."""

    SLIDES = (0.0, 7.0, 14.0, 21.0)

    @staticmethod
    def slides(**facts: object) -> Upload:
        return upload(TestHeldPictures.SLIDES, fps=1 / 7, video_end_s=Fraction(28), **facts)

    def test_the_picture_on_the_screen_comes_first_at_the_clips_zero(self) -> None:
        film = self.slides()
        found = span(film, Clip(5.0, 8.0))
        assert (found.first, found.last, found.first_s, found.held) == (0, 1, 0.0, True)
        assert (found.zero_s, found.end_s) == (5, 13)
        assert seconds(film, Clip(5.0, 8.0)) == ([0, 2], 8)

    def test_where_one_begins_at_the_start_nothing_is_held(self) -> None:
        assert seconds(self.slides(), Clip(7.0, 8.0)) == ([0, 7], 8)

    def test_where_none_begins_within_the_clip_the_one_on_the_screen_is_all(self) -> None:
        assert seconds(self.slides(), Clip(8.5, 2.0)) == ([0], 2)
        assert seconds(self.slides(), Clip(22.5, 5.5)) == ([0], Fraction("5.5"))
        # also of one that stands for a moment only
        assert seconds(upload(500), Clip(1.01, 0.02)) == ([0], Fraction("0.02"))

    @pytest.mark.parametrize(("second_s", "held"), [(0.1, False), (0.101, True), (0.099, False)])
    def test_exactly_a_tenth_of_a_second_is_not_held(self, second_s: float, held: bool) -> None:
        film = upload([0.0, second_s, 0.2, 0.3], fps=10, time_base=Fraction(1, 1000))
        assert span(film, Clip(0.05, 0.2)).held is held

    def test_the_last_picture_stands_to_the_end_of_the_film(self) -> None:
        film = upload(500, end_s=Fraction(24))  # its sound outlasts the pictures
        assert seconds(film, Clip(20.5, 1.0)) == ([0], 1)
        found = span(film, Clip(19.97, 4.0))
        assert (found.first, found.frames, found.held) == (499, 1, True)
        with pytest.raises(ClipRangeError, match=r"ends at 24\.000 s"):
            span(film, Clip(23.0, 1.2))

    def test_seeking_aims_at_the_held_picture_and_not_at_the_start(self) -> None:
        film = upload([n / 25 for n in range(50)] + [9.0 + n / 25 for n in range(50)], fps=25)
        found = span(film, Clip(5.0, 4.5))
        assert (found.first_s, found.low_s) == (49 / 25, pytest.approx(48.5 / 25))


def seconds(film: Upload, clip: Clip) -> tuple[list[Fraction], Fraction]:
    shows = shown_ticks(film, span(film, clip))
    return [at * shows.tick_s for at in shows.at_ticks], shows.length_ticks * shows.tick_s


@dataclass(frozen=True)
class Screen:
    """The rule a second time, as a viewer would put it: who stands on the screen when."""

    ticks: list[int]
    tick_s: Fraction
    end_s: Fraction

    def meant(self, time_s: Fraction) -> Fraction:
        """A tick, where a binary number cannot be told from it."""
        near = [self.tick_s * tick for tick in (time_s // self.tick_s, time_s // self.tick_s + 1)]
        return next((tick_s for tick_s in near if abs(tick_s - time_s) < 1e-9), time_s)

    def shows(self, start_s: Fraction, end_s: Fraction) -> tuple[list[Fraction], Fraction] | None:
        """When the clip's pictures come, and its length; None: it is refused."""
        stands = [
            (tick * self.tick_s, until * self.tick_s if until is not None else self.end_s)
            for tick, until in zip(self.ticks, [*self.ticks[1:], None], strict=True)
        ]
        begun = [at_s for at_s, _ in stands if start_s <= at_s < end_s]
        on_the_screen = [each for each in stands if each[0] <= start_s < each[1]]
        if on_the_screen and on_the_screen[0][0] < start_s:
            (at_s, until_s) = on_the_screen[0]
            if until_s - at_s > Fraction("0.1") or not begun:
                return [Fraction(0), *(at_s - start_s for at_s in begun)], end_s - start_s
        if not begun:
            return None
        return [at_s - begun[0] for at_s in begun], end_s - begun[0]


def screens(generator: random.Random) -> Iterator[Screen]:
    """Films of all kinds: at rest, moving, late, coarse and fine ticks, gaps of exactly 0.1 s."""
    while True:
        tick_s = generator.choice(
            [Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 25), Fraction(1001, 30000)]
        )
        tenth = round(Fraction("0.1") / tick_s)
        steps = [
            generator.choice([1, 2, tenth - 1, tenth, tenth + 1, 3 * tenth, 20 * tenth])
            for _ in range(generator.randrange(0, 30))
        ]
        first = generator.choice([0, 0, 1, 5 * tenth, 40 * tenth])
        ticks = list(accumulate((max(step, 1) for step in steps), initial=first))
        last = generator.choice([1, tenth, tenth + 1, 9 * tenth])
        yield Screen(ticks, tick_s, (ticks[-1] + last) * tick_s)


def test_what_is_shown_is_what_stood_on_the_screen_in_ten_thousand_clips_of_all_kinds() -> None:
    generator = random.Random(12)
    held = refused = whole = 0
    films = screens(generator)
    for _ in range(500):
        screen = next(films)
        film = upload(
            [float(tick * screen.tick_s) for tick in screen.ticks],
            time_base=screen.tick_s,
            video_end_s=screen.end_s,
            fps=25,
        )
        for _ in range(20):
            places = [tick * screen.tick_s for tick in screen.ticks]
            start = generator.choice([*places, screen.end_s * Fraction(generator.random())])
            clip = Clip(
                round(float(start), generator.choice([3, 6, 17])),
                round(generator.uniform(0.001, 3), generator.choice([3, 6])),
            )
            length_s = Fraction(repr(clip.duration_s))
            start_s = screen.meant(Fraction(repr(clip.start_s)))
            end_s = screen.meant(start_s + length_s)
            if end_s > screen.end_s or start_s >= screen.end_s:
                continue
            right = screen.shows(start_s, end_s)
            if right is None:
                refused += 1
                with pytest.raises(ClipRangeError, match="before the first picture"):
                    span(film, clip)
                continue
            assert seconds(film, clip) == right, (screen, clip)
            held += span(film, clip).held
            whole += 1
            late_s = screen.ticks[0] * screen.tick_s - start_s
            assert right[1] >= length_s - max(Fraction("0.1"), late_s)
    assert min(held, whole - held, refused) > 100


class TestTiming:
    """What the engine is told: runs of frames and what each of these lasts, exactly."""

    def test_a_constant_rate_is_one_run_and_the_last_picture_ends_with_the_clip(self) -> None:
        film = upload(500, time_base=Fraction(1, 12800))
        found = timing_of(film, span(film, Clip(7.0, 2.0)), None)
        assert found == Timing((1, 12800), ((50, 512),))
        assert timing_of(film, span(film, Clip(7.01, 2.0)), None) == Timing(
            (1, 12800), ((49, 512), (1, 128))
        )

    def test_a_zero_between_two_ticks_is_kept_exactly(self) -> None:
        film = upload([0.0, 7.0, 14.0], fps=1 / 7, time_base=Fraction(1, 25))
        found = timing_of(film, span(film, Clip(6.999, 8.0)), None)
        assert found.tick_s == (1, 1000)
        assert found.runs == ((1, 1), (1, 7000), (1, 999))
        assert list(found.shown_s()) == [0, 0.001, 7.001, 8.0]

    def test_the_sound_is_awaited_for_as_long_as_the_track_has_it(self) -> None:
        def heard(*stretches: tuple[float, float]) -> tuple[float, float] | None:
            spans = tuple((Fraction(low), Fraction(high)) for low, high in stretches)
            film = upload(500, audio=(AudioTrack("aac", 48000, 2, spans, 0.02),))
            found = timing_of(film, span(film, Clip(7.0, 2.0)), film.sound).heard
            return found and (found.from_s, found.to_s)

        assert heard((0, 20)) == (0, 2)
        assert heard((7.5, 20)) == (0.5, 2)
        assert heard((0, 8)) == (0, 1)
        assert heard((0, 7.25), (7.5, 8.5)) == (0, 1.5)
        assert heard((0, 5), (10, 20)) is None

    def test_of_a_track_whose_times_are_not_known_nothing_is_said(self) -> None:
        film = upload(500, audio=(AAC,))
        assert timing_of(film, span(film, Clip(7.0, 2.0)), film.sound).heard is None
